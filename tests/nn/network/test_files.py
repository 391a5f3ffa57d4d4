"""Models in files: all there is to them comes back, and no file does harm."""

import copy
import json
import time
import tracemalloc

import numpy as np
import pytest
from tests.data.storage.making import file_of
from tests.data.storage.test_hostile_files import containers, cut, flip, keys, splice

import chainrule as cr
from chainrule._src.base.registered import register
from chainrule._src.nn import layers
from chainrule._src.nn.network.saving import read_model, write_model
from chainrule.errors import ChainruleError, DataError, FileError, UnknownNameError
from chainrule.storage import read_tensors, write_tensors

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 4)).astype("f4"), RNG.integers(3, size=30)
SERIES = RNG.normal(size=(3, 5, 3)).astype("f4")
SERIES[1, 3:] = SERIES[2, 0] = 0  # steps that may be masked
IMAGES = RNG.normal(size=(3, 6, 6, 2)).astype("f4")
N_FILES = 1200
SECONDS, MEMORY = 120, 2**24


@register("tests.files")
class Rescaled(layers.Layer):
    """A layer of one's own, with an option and a moving average."""

    def __init__(self, start=2.0, **options):
        super().__init__(**options)
        self.start = start

    def build(self, input_shape):
        self.by = self.add_weight(input_shape[-1:], cr.initializers.Constant(self.start))
        self.mean = self.add_weight(input_shape[-1:], "zeros", trainable=False)

    def call(self, x, training=False):
        if training:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=0)
        return x * self.by - self.mean


LAYERS = {
    "dense": (
        layers.Dense(3, "gelu", kernel_regularizer="l2", bias_initializer="ones", name="first"),
        X,
    ),
    "leaky": (
        layers.Dense(
            3,
            cr.activations.get("leaky_relu", ""),
            use_bias=False,
            kernel_regularizer=cr.regularizers.L1L2(0.1, 0.2),
            kernel_initializer=cr.initializers.HeNormal(seed=3),
            trainable=False,
        ),
        X,
    ),
    "activation": (layers.Activation("softplus"), X),
    "dropout": (layers.Dropout(0.25, seed=7), X),
    "batch": (layers.BatchNormalization(-1, 0.9, 0.01, scale=False, beta_regularizer="l1"), X),
    "channels": (layers.BatchNormalization(axis=1, center=False), IMAGES),
    "layer": (layers.LayerNormalization((1, 2), 0.1, gamma_initializer="zeros"), IMAGES),
    "flatten": (layers.Flatten(), IMAGES),
    "reshape": (layers.Reshape((-1, 2)), X),
    "rescaling": (layers.Rescaling([1.0, 2.0, 3.0, 4.0], np.arange(4.0)), X),
    "normalization": (layers.Normalization(mean=np.arange(4.0), variance=[1.0, 2, 3, 4]), X),
    "conv": (
        layers.Conv2D(3, (2, 3), (1, 2), "same", activation="relu", bias_regularizer="l2"),
        IMAGES,
    ),
    "dilated": (layers.Conv2D(2, 2, dilation_rate=(2, 1), use_bias=False), IMAGES),
    "max": (layers.MaxPooling2D((2, 3), 1, "same"), IMAGES),
    "average": (layers.AveragePooling2D(2, (2, 1)), IMAGES),
    "global": (layers.GlobalAveragePooling2D(keepdims=True), IMAGES),
    "embedding": (layers.Embedding(9, 2, "normal", "l2"), np.arange(6).reshape(2, 3)),
    "conv in time": (layers.Conv1D(2, 2, 1, "causal", dilation_rate=2), SERIES),
    "groups": (layers.Conv1D(6, 2, groups=3), SERIES),
    "transposed in time": (layers.Conv1DTranspose(2, 3, 2, output_padding=1), SERIES),
    "transposed": (layers.Conv2DTranspose(2, 3, (2, 1), "same", activation="relu"), IMAGES),
    "max in time": (layers.MaxPooling1D(padding="same"), SERIES),
    "average in time": (layers.AveragePooling1D(2, 1), SERIES),
    "all of time": (layers.GlobalAveragePooling1D(), SERIES),
    "largest of all": (layers.GlobalMaxPooling2D(keepdims=True), IMAGES),
    "padding": (layers.ZeroPadding2D(((1, 2), (0, 1))), IMAGES),
    "padding in time": (layers.ZeroPadding1D(2), SERIES),
    "cropping": (layers.Cropping2D((1, 1)), IMAGES),
    "cropping in time": (layers.Cropping1D((1, 0)), SERIES),
    "larger": (layers.UpSampling2D((2, 3), interpolation="bilinear"), IMAGES),
    "longer": (layers.UpSampling1D(3), SERIES),
    "relu": (layers.ReLU(3.0, 0.1, 0.5), X),
    "leaky relu": (layers.LeakyReLU(0.1), X),
    "elu": (layers.ELU(0.5), X),
    "prelu": (layers.PReLU("ones", "l2", shared_axes=(1, 2)), IMAGES),
    "softmax": (layers.Softmax((1, 2)), IMAGES),
    "channels left out": (layers.SpatialDropout2D(0.5), IMAGES),
    "steps left out": (layers.Dropout(0.5, (None, None, 1), 3), SERIES),
    "alpha": (layers.AlphaDropout(0.5), X),
    "times noise": (layers.GaussianDropout(0.5), X),
    "noise": (layers.GaussianNoise(0.5, seed=2), X),
    "permute": (layers.Permute((2, 1)), SERIES),
    "repeat": (layers.RepeatVector(2), X),
    "identity": (layers.Identity(), X),
    "masking": (layers.Masking(), SERIES),
    "fading dropout": (layers.Dropout(cr.schedules.FlatCosine(0.5, 3), seed=7), X),
    "robust": (layers.RobustScaling(2.0), X),
    "scale": (layers.Scale("he_normal", "l2"), X),
    "neural tangent": (layers.NeuralTangentDense(3, "selu"), X),
    "parametric": (layers.ParametricActivation("mish", "random_normal"), X),
    "periodic": (layers.PeriodicEmbedding(3, 5, 0.5), X),
    "piecewise": (layers.PiecewiseLinear(3), X),
    "clamp": (layers.Clamp(-0.5, 0.5), X),
    "ensemble": (layers.Ensemble([[layers.Dense(3)], [layers.Dense(3, "tanh")]]), X),
    "by columns": (layers.ByColumns([layers.Scale(), layers.PeriodicEmbedding()], [3, 1]), X),
    "own": (Rescaled(start=3.0), X),
}


def same_weights(a, b):
    assert len(a.get_weights()) == len(b.get_weights())
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_again_from_its_config(name):
    layer, _ = LAYERS[name]
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_comes_back_from_a_file(tmp_path, name):
    layer, x = LAYERS[name]
    model = cr.Sequential([type(layer).from_config(layer.get_config())], seed=1)
    model(x, training=True)
    model.save(tmp_path / "model")
    again = cr.load_model(tmp_path / "model")
    assert again.get_config() == model.get_config()
    assert again.network.weights.keys() == model.network.weights.keys()
    same_weights(again, model)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    np.testing.assert_array_equal(again(x, training=True), model(x, training=True))


def trained(**options):
    model = cr.Sequential(
        [
            layers.Dense(5, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ],
        name="little",
        seed=0,
        **options,
    )
    model.compile(
        cr.optimizers.Adam(0.01, amsgrad=True),
        cr.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy", cr.metrics.SparseTopKCategoricalAccuracy(2)],
        engine="numpy",
    )
    model.class_names = ["a", "ü", "∂"]
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_there_is_to_a_model_comes_back(tmp_path, dtype):
    model = trained(dtype=dtype)
    model.save(tmp_path / "model")
    again = cr.load_model(tmp_path / "model")
    assert again.class_names == model.class_names
    assert again.history == model.history
    assert again.dtype == np.dtype(dtype)
    assert again.evaluate(X, Y) == model.evaluate(X, Y)
    for each in (model, again):  # goes on where it was: optimizer, dropout, order of samples
        each.fit(X, Y, epochs=2, verbose=0)
    same_weights(again, model)


def test_a_score_for_each_class_comes_back_with_the_history(tmp_path):
    model = cr.Sequential([layers.Dense(3, "softmax")], seed=0)
    model.compile("sgd", "categorical_crossentropy", metrics=["f1_score"])
    scores = model.fit(X, np.eye(3)[Y], epochs=2, verbose=0).history["f1_score"]
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(cr.load_model(tmp_path / "model").history.f1_score, scores)


def test_without_training_a_file_holds_the_model_alone(tmp_path):
    model = trained()
    model.save(tmp_path / "whole")
    model.save(tmp_path / "model", training=False)
    assert (tmp_path / "model").stat().st_size < (tmp_path / "whole").stat().st_size
    same_weights(cr.load_model(tmp_path / "model"), model)


def test_a_layer_that_is_not_defined_is_named(tmp_path):
    model = cr.Sequential([Rescaled()])
    model(X)
    model.save(tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    (tmp_path / "model").write_bytes(content.replace(b"Rescaled", b"Rescalef"))
    with pytest.raises(FileError, match="no class 'Rescalef' here: if it is one of your own"):
        cr.load_model(tmp_path / "model")


def test_a_layer_that_cannot_be_described_is_refused(tmp_path):
    model = cr.Sequential([layers.Activation(lambda x: x)])
    model(X)
    with pytest.raises(DataError, match="cannot be described"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "config",
    [
        3,
        {"layers": 3},
        {"layers": [3]},
        {"lairs": []},
        {"layers": [{"class_name": "Adam", "config": {}}]},
    ],
)
def test_what_is_no_config_is_refused(config):
    with pytest.raises((DataError, UnknownNameError)):
        cr.Sequential.from_config(config)


# Hostile files


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the bytes of a model of most kinds of layers."""
    path = tmp_path_factory.mktemp("whole") / "model"
    model = cr.Sequential(
        [
            layers.Input((16,)),
            layers.Normalization(),
            layers.Reshape((4, 4, 1)),
            layers.Conv2D(2, 2, padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Dropout(0.1),
            layers.Dense(3, activation="softmax"),
        ],
        seed=0,
    )
    rate = cr.schedules.ExponentialDecay(0.1, 2, 0.5)
    model.compile(
        cr.optimizers.Adam(rate), "sparse_categorical_crossentropy",
        metrics=["accuracy"], weighted_metrics=[cr.metrics.SparseTopKCategoricalAccuracy(2)],
        engine="numpy",
    )  # fmt: skip
    model.fit(RNG.normal(size=(12, 16)).astype("f4"), np.arange(12) % 3, verbose=0)
    model.class_names = ["a", "b", "c"]
    model.save(path)
    return path.read_bytes()


NASTY = [
    None, True, "", "relu", "Dense", -1, 0, 1, 2, 3, 17, 2**31, 10**9, 10**12, 2**64, 10**300, -0.5,
    0.5, 1e300, [], [0], [2, 2], [10**6, 10**6], [[1], [2, 3]], {}, {"class_name": "Dense"},
    {"$array": "nowhere"}, {"$array": "weights/dense_kernel"}, "$array", [None] * 3,
    {"class_name": "Dense", "config": {"units": 10**9}}, {"class_name": 3, "config": []},
    {"class_name": "Embedding", "config": {"input_dim": 10**12, "output_dim": 3}},
    {"class_name": "Dropout", "config": {"rate": 0.5}}, json.loads("[" * 60 + "]" * 60),
]  # fmt: skip


def edited(content, rng):
    """Change the document so that it stays one: values replaced, removed, doubled, swapped."""
    length = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + length])
    tree = json.loads(table["__metadata__"]["document"])
    for _ in range(rng.integers(1, 4)):
        places = [(c, key) for c in containers(tree) for key in keys(c)]
        if not places:
            break
        (container, key), (other, another) = (places[i] for i in rng.integers(len(places), size=2))
        action = rng.integers(5)
        if action == 0:
            del container[key]
        elif action == 1 and isinstance(container, list):
            container.insert(int(key), copy.deepcopy(container[key]))
        elif action == 2:
            container[key] = copy.deepcopy(other[another])
        else:
            container[key] = copy.deepcopy(NASTY[rng.integers(len(NASTY))])
    table["__metadata__"]["document"] = json.dumps(tree)
    return file_of(table, content[8 + length :])


@pytest.mark.thorough  # tests of storage spoil files, too
@pytest.mark.parametrize(
    ("spoil", "share"), [(edited, 0.1), (flip, 0.1), (cut, 0.1), (splice, 0.1)]
)
@pytest.mark.filterwarnings("ignore")
def test_a_spoiled_model_is_loaded_or_refused(whole, tmp_path, spoil, share):
    rng, path, refusals = np.random.default_rng(1), tmp_path / "model", []
    n_files, start = int(N_FILES * share), time.process_time()
    for _ in range(n_files):
        path.write_bytes(spoil(whole, rng))
        tracemalloc.start()
        try:
            cr.load_model(path)
        except FileError as error:
            refusals.append(str(error))
        finally:
            memory = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert memory < MEMORY
    assert n_files / 4 < len(refusals)
    assert not any("\n" in refusal for refusal in refusals)
    assert time.process_time() - start < SECONDS


HUGE = {
    "units": [layers.Dense(10**9)],
    "things": [layers.Embedding(10**12, 3)],
    "filters": [layers.Conv2D(10**6, 10**4)],
    "dilation": [layers.Conv2D(1, 2, dilation_rate=10**9, padding="same")],
    "window": [layers.MaxPooling2D(10**9, padding="same")],
    "pixels": [layers.AveragePooling2D(4000, 1, padding="same")],
    "features": [layers.BatchNormalization()],
    "thousands of thousands": [layers.Dense(2, name=f"d{i}") for i in range(9)],
    "outputs of outputs": [layers.Embedding(1, 3, name=f"e{i}") for i in range(30)],
    "layers": [layers.Activation("relu")] * 5_000,
}
SHAPES = {"units": [4], "things": [4], "thousands of thousands": [4], "outputs of outputs": [4],
          "features": [10**12], "pixels": [10**4, 10**4, 1]}  # fmt: skip


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("name", HUGE)
def test_what_is_larger_than_the_file_is_refused_before_it_is_made(tmp_path, name):
    model = trained()
    model.save(tmp_path / "model")
    arrays, document = read_tensors(tmp_path / "model")
    document["model"]["input_shape"] = SHAPES.get(name, [8, 8, 1])
    configs = {
        layer: {"class_name": type(layer).__name__, "config": layer.get_config()}
        for layer in set(HUGE[name])
    }
    document["model"]["layers"] = [configs[layer] for layer in HUGE[name]]
    write_tensors(tmp_path / "model", arrays, document)
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(FileError):
            cr.load_model(tmp_path / "model")
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 10


@pytest.mark.parametrize("layer", [layers.Dense(10**14), layers.Embedding(10**14, 10**3)])
def test_weights_that_do_not_fit_into_memory_are_refused(layer):
    with pytest.raises(ChainruleError, match="memory"):
        layer(np.zeros((2, 3)))


def test_a_model_within_a_layer_draws_no_weights_that_the_file_does_not_hold(tmp_path):
    inner = cr.Sequential([layers.Input((3,)), layers.Dense(2)])
    model = cr.Sequential([layers.Input((5, 3)), layers.TimeDistributed(inner)])
    path = tmp_path / "m.safetensors"
    model.save(path)
    np.testing.assert_array_equal(cr.load_model(path).predict(np.ones((1, 5, 3))),
                                  model.predict(np.ones((1, 5, 3))))  # fmt: skip
    tree = read_model(path)
    tree["model"]["layers"][0]["config"]["layer"]["config"]["layers"][0]["config"]["units"] = 2**31
    write_model(path, tree)
    with pytest.raises(FileError, match="more weights than the file holds"):
        cr.load_model(path)
