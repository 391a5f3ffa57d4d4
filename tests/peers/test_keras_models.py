"""Models that come from Keras and go there: the same outputs, and the same training."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.fuzz.graphs import data_for, differences, written
from tests.nn.network.networks import samples
from tests.tolerances import assert_predicts

import chainrule as cr
from chainrule import keras as here
from chainrule import layers
from chainrule.errors import DataError, MissingDependencyError

SIZE = (6, 5, 2)
ROOT = Path(__file__).parents[2]


def images_there():
    return [
        keras.Input(SIZE),
        keras.layers.Rescaling(0.5, offset=0.1),
        keras.layers.Conv2D(3, 3, padding="same", kernel_regularizer="l2"),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.ReLU(),
        keras.layers.MaxPooling2D(2, strides=1, padding="same"),
        keras.layers.Conv2D(2, (2, 3), strides=2, activation="gelu"),
        keras.layers.AveragePooling2D(1),
        keras.layers.Flatten(),
        keras.layers.LayerNormalization(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(4, activation="tanh", kernel_initializer="he_normal"),
        keras.layers.Reshape((2, 2)),
        keras.layers.Flatten(),
        keras.layers.Activation("sigmoid"),
        keras.layers.Dense(3, use_bias=False),
        keras.layers.Softmax(),
    ]


def images_here():
    model = cr.Sequential(
        [
            layers.Input(SIZE),
            layers.Normalization(mean=[0.1, 0.2], variance=[2.0, 3.0]),
            layers.Conv2D(3, 3, padding="same", dilation_rate=2, kernel_regularizer="l1"),
            layers.BatchNormalization(scale=False, name="normal"),
            layers.Activation("relu"),
            layers.MaxPooling2D(2, strides=1, padding="same"),
            layers.Conv2D(2, 2, strides=2, activation="silu", trainable=False),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2),
            layers.Dense(3, "softmax", bias_initializer=cr.initializers.Constant(0.5)),
        ],
        seed=0,
    )
    weights = [np.random.default_rng(i).uniform(0.2, 0.9, w.shape)
               for i, w in enumerate(model.get_weights())]  # fmt: skip
    model.set_weights(weights)
    return model


def values(tensor):
    return keras.ops.convert_to_numpy(tensor)


def doubled(x):
    return 2 * x


def assert_same(ours, theirs):
    X = samples(ours, 5)
    assert_predicts(values(theirs(X)), ours, X)


@pytest.fixture(scope="module")
def there():
    model = keras.Sequential(images_there())
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.2, 0.9, w.shape) for w in model.weights])
    return model


def test_a_sequential_comes_with_its_weights(there):
    ours = cr.from_keras(there)
    for layer in ours.layers:
        for variable in there.get_layer(layer.name).weights:
            np.testing.assert_array_equal(getattr(layer, variable.name), values(variable.value))
    assert_same(ours, there)
    convolution = next(layer for layer in ours.layers if isinstance(layer, cr.layers.Conv2D))
    assert convolution.kernel_regularizer.get_config() == {"l2": pytest.approx(0.01)}


def test_a_functional_chain_comes_too(there):
    start = value = keras.Input(SIZE)
    for layer in images_there()[1:]:
        value = layer(value)
    model = keras.Model(start, value)
    model.set_weights([values(w.value) for w in there.weights])
    assert_same(cr.from_keras(model), there)


def test_a_model_goes_with_its_weights_and_comes_back():
    ours = images_here()
    theirs = ours.to_keras()
    assert_same(ours, theirs)
    back = cr.from_keras(theirs)
    assert [layer.name for layer in back.layers] == [layer.name for layer in ours.layers]
    assert [layer.trainable for layer in back.layers] == [la.trainable for la in ours.layers]
    for mine, other in zip(back.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert_same(back, theirs)


def test_an_embedding_goes_and_comes_back():
    ours = cr.Sequential(
        [layers.Input((3,), dtype="int32"), layers.Embedding(5, 2), layers.Flatten()], seed=0
    )
    theirs, X = ours.to_keras(), np.array([[0, 4, 2], [1, 1, 3]])
    np.testing.assert_array_equal(values(theirs(X)), ours.predict(X))
    np.testing.assert_array_equal(cr.from_keras(theirs).predict(X), ours.predict(X))


def test_what_was_adapted_comes_along():
    layer = keras.layers.Normalization()
    layer.adapt(np.array([[1.0, 2.0], [3.0, 8.0]]))
    theirs = keras.Sequential([keras.Input((2,)), layer])
    assert_same(cr.from_keras(theirs), theirs)


RULES = [
    (keras.optimizers.SGD(0.1, momentum=0.9), "SGD(learning_rate=0.1, momentum=0.9)"),
    (
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(0.01, 100), clipnorm=1.0, use_ema=True
        ),
        None,
    ),
]


@pytest.mark.parametrize(("rule", "text"), RULES)
def test_how_it_was_compiled_comes_along_and_goes_back(rule, text):
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    theirs.compile(rule, loss, metrics=["accuracy", keras.metrics.AUC(num_thresholds=50)])
    ours = cr.from_keras(theirs)
    assert text is None or repr(ours.optimizer) == text
    assert ours.loss.label_smoothing == 0.1
    assert [getattr(m, "num_thresholds", m) for m in ours.compiled_metrics[0]] == ["accuracy", 50]
    again = cr.from_keras(ours.to_keras())
    for part in ("optimizer", "loss"):
        assert getattr(again, part).get_config() == getattr(ours, part).get_config()


def test_training_goes_on_alike():
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    theirs.compile("adam", "mse")
    ours = cr.from_keras(theirs)
    X, y = samples(ours, 12), np.ones((12, 3), np.float32)
    for model in (ours, theirs):
        model.fit(X, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for mine, other in zip(ours.get_weights(), theirs.weights, strict=True):
        np.testing.assert_allclose(mine, values(other.value), rtol=1e-5, atol=1e-6)


def test_what_only_one_of_them_has_leaves_a_model_uncompiled():
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    theirs.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), "mse")
    with pytest.warns(UserWarning, match="comes uncompiled, unknown"):
        ours = cr.from_keras(theirs)
    assert ours.loss is None
    ours.compile("sgd", lambda y, p: np.abs(y - p))
    with pytest.warns(UserWarning, match="comes uncompiled"):
        assert not ours.to_keras().compiled
    ours.compile(cr.optimizers.SGD(l2=0.1), "mse")
    with pytest.warns(UserWarning, match="l2"):
        ours.to_keras()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.EinsumDense("abc,cd->abd", (4, 3), name="sums"), r"'sums' \(EinsumDense"),
        (keras.layers.Dense(3, activation=doubled, name="top"), r"'top' .*of your own"),
        (keras.layers.MaxPooling1D(2, data_format="channels_first"), "channels come last"),
        (keras.layers.Dense(3, dtype="mixed_bfloat16"), "float32"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(layer, message):
    model = keras.Sequential([keras.Input((4, 2)), layer])
    with pytest.raises(DataError, match=message):
        cr.from_keras(model)


@pytest.mark.parametrize("seed", range(6))
def test_graphs_come_and_go(seed):
    there, options = written(keras, seed)
    X, _ = data_for(there, options, seed)
    there.compile(**options)
    here = cr.from_keras(there)
    back = here.to_keras()
    for expected, *others in zip(*(outputs_of(m, X) for m in (there, here, back)), strict=True):
        for output in others:
            np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(6, 12))
def test_graphs_train_as_in_keras(seed):
    assert differences(seed) == []


@pytest.mark.thorough
@pytest.mark.parametrize("is_weighted", [False, True])
def test_scores_of_masked_steps_with_weights_are_those_of_keras(is_weighted):
    rng = np.random.default_rng(0)
    words = np.where(np.arange(5) < rng.integers(1, 6, (12, 1)), rng.integers(1, 6, (12, 5)), 0)
    targets = [rng.normal(size=(12, 5, 1)).astype("f"), rng.integers(0, 3, (12, 5))]
    weights = [rng.random((12, 5)).astype("f") for _ in targets] if is_weighted else None
    scores, start = [], []
    for lib in (keras, here):
        x = lib.Input((5,))
        states = lib.layers.LSTM(3, return_sequences=True)(
            lib.layers.Embedding(6, 4, mask_zero=True)(x)
        )
        heads = [lib.layers.Dense(1, name="a"), lib.layers.Dense(3, "softmax", name="b")]
        model = lib.Model(x, [head(states) for head in heads])
        start = start or [values(weight.value) for weight in model.weights]
        model.set_weights(start)
        model.compile(
            "sgd", ["mse", "sparse_categorical_crossentropy"], loss_weights=[1.0, 0.5],
            metrics=[["mae"], []], weighted_metrics=[["mse"], ["accuracy"]],
        )  # fmt: skip
        scores.append(model.evaluate(words, targets, 5, 0, weights, return_dict=True))
    assert scores[1] == pytest.approx(scores[0], rel=1e-4)


def two_heads(lib, kind):
    a, b = (lib.layers.Dense(units, kernel_initializer="ones", name=name)
            for units, name in ((1, "a"), (2, "b")))  # fmt: skip
    x = lib.Input((3,))
    if kind == "list":
        return lib.Model(x, [a(x), b(x)])
    if kind == "dict":
        return lib.Model(x, {"z": a(x), "b": b(x)})

    class Own(lib.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = a, b

        def call(self, x):
            return {"z": self.first(x), "b": self.second(x)}

    return Own()


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["list", "dict", "class"])
@pytest.mark.parametrize("options", [
    {"loss": "mse"}, {"loss": ["mse", "mae"]}, {"loss": ["mse", "mae"], "loss_weights": [1, 0.5]},
    {"loss": "mse", "metrics": [["mae"], ["accuracy", "mse"]]},
    {"loss": "mse", "metrics": {"b": "mae"}},
    {"loss": {"b": "mae"}}, {"loss": {"b": "mae"}, "metrics": {"b": ["accuracy"]}},
    {"loss": "mse", "weighted_metrics": [["mae"], ["mae"]]},
], ids=str)  # fmt: skip
def test_options_of_several_outputs_are_taken_as_in_keras(kind, options):
    if kind == "list" and isinstance(options["loss"], dict):
        pytest.skip("Keras refuses outputs in a list without a loss")
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(8, 3)).astype("f"), rng.normal(size=(8, 1)).astype("f")
    b, scores = np.eye(2, dtype="f")[rng.integers(0, 2, 8)], []
    for lib in (keras, here):
        model = two_heads(lib, kind)
        model.compile("sgd", **options)
        y = [z, b] if kind == "list" else {"z": z, "b": b}
        scores.append(model.evaluate(x, y, verbose=0, return_dict=True))
    assert scores[1] == pytest.approx(scores[0], rel=1e-4)


def outputs_of(model, X):
    """Return the outputs of a model as a list."""
    outputs = model.predict(X, verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


def test_what_is_not_made_of_layers_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x * 2

    model = Own()
    model(np.zeros((1, 2), "f4"))
    with pytest.raises(DataError, match="code of its own"):
        cr.from_keras(model)
    with pytest.raises(DataError, match="built model"):
        cr.from_keras(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(DataError, match="built model"):
        cr.from_keras("digits.keras")


def test_a_layer_of_ones_own_cannot_go():
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    with pytest.raises(DataError, match=r"'twice' \(Twice\) has no counterpart"):
        cr.Sequential([layers.Input((4,)), Twice()]).to_keras()


def test_keras_may_be_missing(monkeypatch):
    model = cr.Sequential([layers.Input((4,)), layers.Dense(1)])
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'chainrule\[keras\]'"):
        model.to_keras()
    with pytest.raises(MissingDependencyError, match=r"pip install 'chainrule\[keras\]'"):
        cr.from_keras(None)


def test_models_within_models_go_and_come_back(tmp_path):
    inner = cr.Sequential([layers.Dense(5, activation="relu"), layers.Dropout(0.1)], "block")
    model = cr.Sequential([layers.Input((None, 4)), inner, layers.LSTM(3), layers.Dense(2)])
    inner.trainable = False
    x = np.random.default_rng(0).normal(size=(6, 7, 4)).astype("f4")
    there = model.to_keras()
    np.testing.assert_allclose(np.asarray(there(x)), model.predict(x), atol=1e-6)
    assert len(there.trainable_weights) == len(model.trainable_weights) == 5
    again = cr.from_keras(there)
    np.testing.assert_allclose(again.predict(x), model.predict(x), atol=1e-6)
    assert again.layers[0].name == "block"
    assert not again.layers[0].trainable
    assert again.input_shape == (None, None, 4)


def test_many_random_graphs_train_as_in_keras():
    """Keras on PyTorch: it needs no time to compile a graph."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.graphs", "--graphs", "300"], cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "torch"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("is_mixed", [False, True])
def test_an_ensemble_with_bins_goes_to_keras_and_into_its_files(is_mixed):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3)).astype("f4")

    def member(seed):
        bins = layers.PiecewiseLinear(4)
        bins.adapt(X[:, :2] if is_mixed else X)
        first = layers.ByColumns([bins, layers.Identity()], [2, 1]) if is_mixed else bins
        return cr.Sequential([layers.Input((3,)), first, layers.Dense(2)], seed=seed).layers

    ours = cr.Sequential([layers.Input((3,)), layers.Ensemble([member(0), member(1)])])
    theirs = ours.to_keras()
    np.testing.assert_allclose(np.asarray(theirs(X)), ours.predict(X), rtol=1e-4, atol=1e-5)
    again = keras.models.model_from_json(theirs.to_json())
    for copy, variable in zip(again.variables, theirs.variables, strict=True):
        copy.assign(variable)
    np.testing.assert_array_equal(np.asarray(again(X)), np.asarray(theirs(X)))
