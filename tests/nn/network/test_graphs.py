"""Graphs of layers: one layer whose call makes the recorded calls again."""

import copy
import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import keras
from chainrule.errors import DataError, ShapeError

layers = keras.layers
X = np.random.default_rng(0).normal(size=(24, 4)).astype("f4")
Y = (X[:, :1] > 0).astype("f4")


def residual():
    """Return a graph with a shared layer, a merge, an operator and an index."""
    inputs = keras.Input((4,))
    shared = layers.Dense(4, activation="tanh")
    h = layers.BatchNormalization()(shared(inputs) + inputs)
    h = layers.Concatenate()([shared(h) * 0.5, inputs[:, :2]])
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def two_by_two():
    """Return a graph with two inputs and two outputs."""
    a, b = keras.Input((4,), name="a"), keras.Input((3,), dtype="int32", name="b")
    h = layers.Concatenate()([layers.Dense(3)(a), layers.Flatten()(layers.Embedding(5, 2)(b))])
    heads = [layers.Dense(1, name="u")(h), layers.Dense(3, activation="softmax", name="v")(h)]
    model = keras.Model([a, b], heads)
    losses = {"u": "mse", "v": "sparse_categorical_crossentropy"}
    model.compile("adam", losses, loss_weights={"u": 2.0, "v": 0.5}, metrics={"v": ["accuracy"]})
    words = np.random.default_rng(1).integers(0, 5, size=(24, 3))
    return model, [X, words], [Y, words[:, 0] % 3]


def test_a_graph_is_its_calls():
    inputs = keras.Input((4,))
    dense = layers.Dense(3)
    model = keras.Model(inputs, keras.ops.relu(dense(inputs / 2))[:, 1:] - 1)
    kernel, bias = dense.get_weights()
    expected = np.maximum(X / 2 @ kernel + bias, 0)[:, 1:] - 1
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-6)
    np.testing.assert_allclose(model(X), expected, atol=1e-6)
    assert model.output_shape == (None, 2)


def test_a_shared_layer_has_its_weights_once():
    assert [w.path for w in residual().trainable_weights][:2] == ["dense/kernel", "dense/bias"]
    assert residual().count_params() == 20 + 16 + 7


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_training_lowers_the_loss(engine):
    keras.utils.set_random_seed(0)
    model = residual()
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", engine=engine)
    history = model.fit(X, Y, epochs=20, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_the_gradient_of_a_graph_is_checked():
    assert residual().check_gradients(X, Y).passed
    model, x, y = two_by_two()
    assert model.check_gradients(x, y).passed


@pytest.mark.parametrize("copied", [
    lambda m, p: (m.save(p), cr.load_model(p))[1],
    lambda m, p: copy.deepcopy(m),
    lambda m, p: pickle.loads(pickle.dumps(m)),
])  # fmt: skip
def test_copies_predict_the_same_and_have_symbols_of_their_own(copied, tmp_path):
    model, x, y = two_by_two()
    model.fit(x, y, verbose=0)
    other = copied(model, tmp_path / "m.keras")
    for one, same in zip(model.predict(x), other.predict(x), strict=True):
        np.testing.assert_array_equal(one, same)
    first = keras.Model(other.input, other.output[0])
    other.set_weights([w * 0 for w in other.get_weights()])
    assert not first.predict(x).any()
    assert model.predict(x)[0].any()


def test_eject_and_onnx_take_graphs(tmp_path):
    residual().eject(tmp_path / "m.py")
    assert "dense_1_kernel" in (tmp_path / "m.py").read_text(encoding="utf-8")
    residual().export(tmp_path / "m.onnx")


def test_scores_are_named_by_outputs():
    model, x, y = two_by_two()
    scores = model.evaluate(x, y, return_dict=True)
    assert [*scores] == ["loss", "u_loss", "v_loss", "v_accuracy"]
    assert scores["loss"] == pytest.approx(2 * scores["u_loss"] + 0.5 * scores["v_loss"], rel=1e-5)
    by_name = {"a": x[0], "b": x[1]}, {"v": y[1], "u": y[0]}
    assert model.evaluate(*by_name, return_dict=True) == scores


def test_a_training_of_two_inputs_resumes(tmp_path):
    model, x, y = two_by_two()
    path = str(tmp_path / "c")
    model.fit(x, y, epochs=1, verbose=0, seed=0, callbacks=[cr.callbacks.ModelCheckpoint(path)])
    whole = model.fit(x, y, epochs=2, verbose=0, resume_from=path)
    assert len(whole.history["loss"]) == 2


class MeanOfSteps(layers.Layer):
    """A layer whose call needs a mask."""

    def call(self, x, mask=None):
        weight = mask.astype(x.dtype)[:, :, np.newaxis]
        return (x * weight).sum(axis=1) / weight.sum(axis=1)


def test_a_layer_may_need_a_mask():
    words, embedding = keras.Input((None,), dtype="int32"), layers.Embedding(4, 3, mask_zero=True)
    for model in (
        keras.Model(words, MeanOfSteps()(embedding(words))),
        cr.Sequential([embedding, MeanOfSteps()]),
    ):
        found = model.predict(np.array([[1, 2, 0]]), verbose=0)
        np.testing.assert_allclose(found, embedding.embeddings[1:3].mean(axis=0)[None], rtol=1e-6)
    x = keras.Input((2, 3))
    with pytest.raises(ShapeError, match="mean_of_steps"):
        keras.Model(x, MeanOfSteps()(x)).predict(np.ones((1, 2, 3)), verbose=0)


def test_a_layer_within_gives_its_output():
    model = residual()
    within = keras.Model(model.inputs, model.get_layer("dense").output)
    np.testing.assert_allclose(within.predict(X), model.get_layer("dense")(X), atol=1e-6)
    chain = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="h"), layers.Dense(1)])
    assert keras.Model(chain.inputs, chain.get_layer("h").output).predict(X).shape == (24, 3)
    assert isinstance(chain, keras.Model)


class Net(keras.Model):
    def __init__(self, units=3):
        super().__init__()
        self.units = units
        self.hidden, self.top = [layers.Dense(units)], layers.Dense(1)

    def call(self, x):
        return self.top(np.tanh(self.hidden[0](x)))

    def get_config(self):
        return {"units": self.units}


class Doubled(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return 2 * super().compute_loss(x, y, y_pred, sample_weight)


def test_a_model_of_ones_own_trains_and_comes_back(tmp_path):
    model = Net()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m")
    other = cr.load_model(tmp_path / "m", {"Net": Net})
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_a_loss_of_ones_own_is_what_is_trained():
    model, plain = Doubled(), Net()
    for each in (model, plain):
        each.build((None, 4))
        each.compile("sgd", "mse")
    plain.set_weights(model.get_weights())
    assert model.evaluate(X, Y) == pytest.approx(2 * plain.evaluate(X, Y), rel=1e-6)


def test_what_a_layer_adds_may_be_the_only_loss():
    class Size(layers.Layer):
        def call(self, x):
            self.add_loss(np.mean(x**2))
            return x

    inputs = keras.Input((4,))
    model = keras.Model(inputs, Size()(layers.Dense(2)(inputs)))
    model.compile("adam")
    losses = model.fit(X, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("use", "message"), [
    (lambda: keras.Model(1, 2), "symbolic tensors"),
    (lambda: keras.Model(keras.Input((4,)), layers.Dense(1)(keras.Input((4,)))), "none of the in"),
    (lambda: bool(keras.Input((4,))), "np.where"),
    (lambda: layers.Dense(2)([keras.Input((4,)), keras.Input((4,))]), "takes one symbolic"),
    (lambda: layers.Add()([keras.Input((4,)), keras.Input((3,))]), "Add"),
    (lambda: layers.Add()([X]), "at least two"),
    (lambda: two_by_two()[0].predict([X]), "expected 2 inputs"),
    (lambda: two_by_two()[0].predict({"a": X}), "expected the inputs a, b"),
    (lambda: two_by_two()[0].fit(two_by_two()[1], {"w": Y}, verbose=0), "no output"),
    (lambda: two_by_two()[0].compile("sgd", ["mse"] * 3), "3 entries for the 2 outputs"),
    (lambda: type("Own", (keras.Model,), {"quantize": None}), "quantize has no counterpart"),
])  # fmt: skip
def test_misuse_is_refused_with_what_was_expected(use, message):
    with pytest.raises((DataError, ShapeError), match=message):
        use()


ONE_OUTPUT = {
    "alone": (lambda x: x, "mse", ["mae", "mse"]),
    "list": (lambda x: [x], ["mse"], [["mae", "mse"]]),
    "dict": (lambda x: {"o": x}, {"o": ["mse"]}, {"o": ["mae", "mse"]}),
}


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_one_output_may_be_in_a_list_or_dict(name):
    wrapped, loss, metrics = ONE_OUTPUT[name]
    inputs = keras.Input((4,))
    model = keras.Model(inputs, wrapped(layers.Dense(1, name="o")(inputs)))
    model.compile("sgd", loss, metrics=metrics, weighted_metrics={"o": ["mse"]})
    history = model.fit(X, Y, verbose=0).history
    assert sorted(history) == ["loss", "mae", "mse", "weighted_mse"]
    assert isinstance(model.predict(X), dict) == (name == "dict")


def test_weighted_metrics_have_the_name_of_the_output_first():
    model, x, y = two_by_two()
    losses = {"u": ["mse"], "v": ["sparse_categorical_crossentropy"]}
    model.compile("sgd", losses, metrics={"u": ["mse"]}, weighted_metrics={"u": ["mse", "mae"]})
    history = model.fit(x, y, verbose=0).history
    assert sorted(history) == ["loss", "u_loss", "u_mae", "u_mse", "u_weighted_mse", "v_loss"]


def test_an_axis_of_one_at_the_end_is_added_or_removed():
    for shape, rows in (((4,), X[..., None]), ((4, 1), X)):
        inputs = keras.Input(shape)
        assert keras.Model(inputs, inputs * 2)(rows).shape == (24, *shape)


def test_a_description_in_json_is_that_of_a_graph():
    model = keras.models.model_from_json(residual().to_json())
    assert [layer.name for layer in model.layers] == [layer.name for layer in residual().layers]


class Named(keras.Model):
    """A graph with an argument of its own."""

    def __init__(self, *args, factor=1, **options):
        super().__init__(*args, **options)
        self.factor = factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def test_a_class_of_ones_own_that_is_given_a_graph_comes_back():
    inputs = keras.Input((4,))
    model = Named(inputs=inputs, outputs=layers.Dense(2)(inputs), factor=3)
    again = Named.from_config(model.get_config())
    assert again.factor == 3
    assert again.output_shape == (None, 2)


def test_inputs_are_checked_before_the_first_layer():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, inputs * 2)
    with pytest.raises(ShapeError, match="expected 4"):
        model(X[:, :3])
    with pytest.raises(DataError, match="expected 1 arrays"):
        model([X, X])


def test_a_summary_says_what_a_layer_is_connected_to():
    printed = []
    residual().summary(120, print_fn=printed.append)
    assert "input_layer[0][0]" in printed[0]
    assert "concatenate[0][0]" in printed[0]


class TwoHeads(keras.Model):
    """Two outputs in a tuple, whose names are not known."""

    def __init__(self):
        super().__init__()
        self.u, self.v = layers.Dense(1), layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.u(x), self.v(x)


def test_outputs_of_a_class_of_ones_own_have_the_names_of_losses_and_metrics():
    model, labels = TwoHeads(), np.eye(3)[np.arange(24) % 3]
    assert [part.shape for part in model(X)] == [(24, 1), (24, 3)]
    model.compile("sgd", ["mse", "categorical_crossentropy"], metrics=[["mae"], ["accuracy"]])
    history = model.fit(X, [Y, labels], verbose=0).history
    losses = ["categorical_crossentropy_loss", "mse_loss"]
    assert sorted(history) == ["accuracy", losses[0], "loss", "mae", losses[1]]
    scores = model.evaluate(X, [Y, labels], verbose=0, return_dict=True)
    assert [*scores] == ["loss", "mae", "accuracy", *losses[::-1]]
    model.compile("sgd", "mse")
    both = model.evaluate(X, [Y, np.ones((24, 3))], verbose=0, return_dict=True)
    assert [*both] == ["loss", "mse_loss", "mse_loss_1"]
    assert model.compute_output_shape((None, 4)) == [(None, 1), (None, 3)]
    assert model.output_shape == [(None, 1), (None, 3)]


def test_scores_of_named_outputs_are_sorted_after_the_losses():
    model, x, y = two_by_two()
    metrics = {"u": ["mse", "mae"], "v": ["accuracy"]}
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"], metrics=metrics)
    expected = ["loss", "u_loss", "v_loss", "u_mae", "u_mse", "v_accuracy"]
    assert [*model.evaluate(x, y, verbose=0, return_dict=True)] == expected


def test_dicts_of_outputs_are_in_the_order_of_their_keys():
    x = keras.Input((3,))
    heads = {"z": layers.Dense(1, name="one")(x), "a": layers.Dense(2, name="two")(x)}
    model = keras.Model(x, heads)
    assert [layer.name for layer in model.layers[1:]] == ["two", "one"]
    X, y = np.ones((4, 3)), {"z": np.zeros((4, 1)), "a": np.zeros((4, 2))}
    model.compile("sgd", ["mae", "mse"])  # of a, and of z
    scores = model.evaluate(X, y, verbose=0, return_dict=True)
    found = model.predict(X, verbose=0)
    assert scores["a_loss"] == pytest.approx(np.abs(found["a"]).mean(), rel=1e-5)
    assert scores["z_loss"] == pytest.approx(np.square(found["z"]).mean(), rel=1e-5)
    model.compile("sgd", {"z": "mse", "a": "mae"})
    assert [*model.evaluate(X, y, verbose=0, return_dict=True)] == ["loss", "z_loss", "a_loss"]


def test_shares_of_a_loss_do_not_look_at_an_example():
    x = keras.Input((4,))
    model = keras.Model(x, [layers.Dense(1)(x), layers.Dense(3)(x)])
    losses = ["mse", "categorical_crossentropy"]  # of outputs that may be below 0
    model.compile("sgd", losses, engine="compiled")
    labels = np.eye(3)[np.arange(24) % 3]
    assert len(model.fit(X, [Y, labels], verbose=0).history) == 3


class NamedHeads(keras.Model):
    """Outputs in a dict."""

    def __init__(self):
        super().__init__()
        self.one, self.two = layers.Dense(1), layers.Dense(2)

    def call(self, x):
        return {"z": self.one(x), "a": self.two(x)}


def test_metrics_of_outputs_in_a_dict_fit_their_shapes():
    model, y = NamedHeads(), {"z": Y, "a": np.eye(2)[np.arange(24) % 2]}
    model.compile("sgd", "mse", {"z": ["mae"], "a": ["accuracy"]})
    scores, found = model.evaluate(X, y, verbose=0, return_dict=True), model.predict(X, verbose=0)
    right = np.argmax(found["a"], axis=1) == np.argmax(y["a"], axis=1)
    assert scores["a_accuracy"] == pytest.approx(right.mean())
    assert scores["z_mae"] == pytest.approx(np.abs(found["z"] - Y).mean(), rel=1e-5)


@pytest.mark.parametrize(("loss", "metrics", "expected"), [
    ({"a": "mae"}, None, []),
    ("mse", {"a": "mae"}, ["a_loss", "z_loss", "a_mae"]),
    ("mse", [["mae"], ["mse", "mae"]], ["a_loss", "z_loss", "a_mae", "z_mae", "z_mse"]),
])  # fmt: skip
def test_a_class_is_compiled_for_outputs_before_it_is_built(loss, metrics, expected):
    model, y = NamedHeads(), {"z": Y, "a": np.eye(2)[np.arange(24) % 2]}
    model.compile("sgd", loss, metrics)
    scores = model.evaluate(X, y, verbose=0, return_dict=True)
    assert [*scores] == ["loss", *expected]
    off = np.abs(model.predict(X, verbose=0)["a"] - y["a"]).mean()
    assert scores["a_mae" if expected else "loss"] == pytest.approx(off, rel=1e-5)


@pytest.mark.parametrize("weights", [0.5, [0.5]])
def test_the_loss_of_one_output_may_have_a_weight(weights):
    x, head = keras.Input((4,)), layers.Dense(1)
    for model in (cr.Sequential([x, head]), keras.Model(x, head(x))):
        model.compile("sgd", "mse", ["mae"], loss_weights=weights)
        scores = model.evaluate(X, Y, verbose=0, return_dict=True)
        error = model.predict(X, verbose=0) - Y
        expected = {"loss": np.square(error).mean() / 2, "mae": np.abs(error).mean()}
        assert scores == pytest.approx(expected, rel=1e-5)


class Autoencoder(TwoHeads):
    """A loss of several outputs, without targets."""

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        u, v = y_pred
        return np.mean((x - u) ** 2) + 0.1 * np.mean(v * np.log(v))


def test_a_loss_of_ones_own_takes_all_outputs_without_targets():
    model = Autoencoder()
    model.compile("adam")
    losses = model.fit(X, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_outputs_have_the_names_of_their_layers():
    inputs = keras.Input((4,))
    h = layers.Dense(3)(inputs)
    model = keras.Model(inputs, [layers.Dense(1)(h), layers.Dense(2)(h)])
    assert model.output_names == ["dense_1", "dense_2"]
    assert [layer.name for layer in model.layers[2:]] == model.output_names


class Towers(keras.Model):
    def __init__(self, units=3):
        super().__init__()
        self.units = units
        self.hidden, self.u, self.v = layers.Dense(units), layers.Dense(1), layers.Dense(1)

    def call(self, inputs):
        a, b = inputs
        h = self.hidden(np.concatenate([a, b], axis=1))
        return self.u(h), self.v(h)

    def get_config(self):
        return {"units": self.units}


def test_a_class_with_several_inputs_comes_back_from_its_file(tmp_path):
    model = Towers()
    model.compile("sgd", ["mse", "mae"])
    history = model.fit((X, X), (Y, Y), verbose=0).history
    assert [*history] == ["loss", "mae_loss", "mse_loss"]
    model.save(tmp_path / "m")
    other = cr.load_model(tmp_path / "m", {"Towers": Towers})
    for one, same in zip(model.predict((X, X)), other.predict((X, X)), strict=True):
        np.testing.assert_array_equal(one, same)


def test_a_clone_with_other_layers_has_the_same_calls():
    first = residual()
    again = keras.models.clone_model(
        first, clone_function=lambda layer: layer.from_config(layer.get_config())
    )
    again.set_weights(first.get_weights())
    np.testing.assert_array_equal(again.predict(X), first.predict(X))
    with pytest.raises(DataError, match="must be a Sequential or a Model of symbolic"):
        keras.models.clone_model(TwoHeads(), clone_function=copy.copy)


def test_each_output_s_loss_and_metrics_leave_out_masked_steps_and_weigh_samples():
    words = np.array([[1, 2, 3, 0, 0], [4, 5, 0, 0, 0], [1, 2, 3, 4, 5]])
    x = keras.Input((5,))
    states = layers.SimpleRNN(3, return_sequences=True)(layers.Embedding(6, 4, mask_zero=True)(x))
    model = keras.Model(x, [layers.Dense(1, name="a")(states), layers.Dense(2, name="b")(states)])
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], []], loss_weights=[1.0, 0.5])
    rng = np.random.default_rng(0)
    Y, W = [rng.normal(size=(3, 5, n)) for n in (1, 2)], [rng.random((3, 5)) for _ in "ab"]
    off = [np.abs(p - y).mean(axis=2) for p, y in zip(model.predict(words), Y, strict=True)]
    square = np.square(off[0])  # of one number
    is_there = words > 0

    def mean(each, weight=1.0):
        return np.sum(each * weight * is_there) / is_there.sum()

    a, b = mean(square), mean(off[1])
    found = model.evaluate(words, Y, return_dict=True)
    assert found == pytest.approx(
        {"loss": a + b / 2, "a_loss": a, "b_loss": b, "a_mae": mean(off[0])}, rel=1e-5
    )
    a, b = mean(square, W[0]), mean(off[1], W[1])
    found = model.evaluate(words, Y, sample_weight=W, return_dict=True)
    assert found == pytest.approx(
        {"loss": a + b / 2, "a_loss": a, "b_loss": b, "a_mae": mean(off[0])}, rel=1e-5
    )
    model.compile("sgd", ["mse", "mae"], weighted_metrics=[["mae"], []])
    for size in (3, 2, 1):  # sums over batches, in which different shares of the steps are masked
        found = model.evaluate(words, Y, sample_weight=W, batch_size=size, return_dict=True)
        there = W[0] * is_there
        assert found["a_mae"] == pytest.approx(np.sum(off[0] * there) / np.sum(there), rel=1e-5)


def test_a_class_of_several_outputs_names_losses_as_they_were_given_before_it_is_built():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.other = layers.Dense(1), layers.Dense(1)

        def call(self, x):
            return self.one(x), self.other(x)

    model = Pair()
    model.compile("sgd", "mse")
    history = model.fit(X, [Y, Y], verbose=0).history
    assert [*history] == ["loss", "mse_loss", "mse_loss_1"]
