"""What a model does under Keras's names."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import keras
from chainrule._src.compile.running import steps
from chainrule.errors import DataError, FileError, ShapeError
from chainrule.layers import Dense, Dropout, Input

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4)).astype("f4")
Y = (X.sum(1) > 0).astype("f4")


def model_of(*layers, **options):
    model = cr.Sequential([Input((4,)), *layers, Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"], **options)
    return model


def test_weights_are_listed_as_keras_lists_them():
    model = model_of(Dense(3), Dropout(0.5), cr.layers.BatchNormalization())
    assert [w.path for w in model.trainable_weights] == [
        "dense/kernel", "dense/bias", "batch_normalization/gamma", "batch_normalization/beta",
        "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip
    assert [w.name for w in model.non_trainable_weights] == ["moving_mean", "moving_variance"]
    assert [w.shape for w in model.layers[0].weights] == [(4, 3), (3,)]
    kernel = model.layers[0].weights[0]
    kernel.assign(np.ones((4, 3)))
    assert (model.layers[0].kernel == 1).all()
    assert kernel.numpy().dtype == np.float32
    np.testing.assert_array_equal(np.asarray(kernel), model.get_weights()[0])
    with pytest.raises(ShapeError, match=r"kernel has shape \(4, 3\), received \(3, 4\)"):
        kernel.assign(np.ones((3, 4)))
    assert not model.layers[1].get_weights()  # what dropout counts is no weight


def test_weights_go_to_a_file_and_come_back(tmp_path):
    model, other = model_of(Dense(3)), model_of(Dense(3))
    other.set_weights([w + 1 for w in other.get_weights()])
    model.save_weights(tmp_path / "a.weights.h5")
    other.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    wider = model_of(Dense(5))
    before = wider.get_weights()
    with pytest.raises(FileError, match="dense_kernel"):
        wider.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_equal(wider.get_weights(), before)
    wider.load_weights(tmp_path / "a.weights.h5", skip_mismatch=True)
    np.testing.assert_array_equal(wider.get_weights()[3], model.get_weights()[3])
    with pytest.raises(FileError, match="there is a file already"):
        model.save(tmp_path / "a.weights.h5", overwrite=False)


def test_scores_of_a_batch_of_steps_and_of_loaders():
    model = model_of()
    loss, accuracy = model.evaluate(X[:8], Y[:8])
    assert model.test_on_batch(X[:8], Y[:8]) == [loss, accuracy]
    assert model.evaluate(X, Y, batch_size=8, steps=1) == pytest.approx([loss, accuracy])
    batches = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 20, 4)]
    assert model.evaluate(batches, steps=2) == pytest.approx([loss, accuracy])
    assert len(model.predict(X, batch_size=4, steps=3)) == 12
    assert model.metrics_names == ["loss", "accuracy"]


def test_what_is_held_back_may_come_in_batches_and_now_and_then():
    batches = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 20, 4)]
    found = []
    for held in ((X[:8], Y[:8]), batches[:2]):
        history = model_of().fit(X, Y, epochs=4, validation_data=held, validation_freq=2).history
        assert len(history["loss"]) == 4
        assert len(history["val_loss"]) == 2
        found.append(history["val_loss"])
    np.testing.assert_allclose(*found, rtol=1e-6)
    few = model_of().fit(X, Y, validation_data=(X, Y), validation_batch_size=4, validation_steps=2)
    one = model_of().fit(X, Y, validation_data=(X[:8], Y[:8]))
    assert few.history["val_loss"] == pytest.approx(one.history["val_loss"], rel=1e-6)
    some = model_of().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=[1, 4]).history
    assert len(some["val_loss"]) == 2
    with pytest.raises(DataError, match="validation_freq"):
        model_of().fit(X, Y, validation_data=(X, Y), validation_freq=0)


def test_weights_of_classes_and_samples_multiply():
    weights, classes = RNG.uniform(size=20), {0: 0.5, 1: 2.0}
    together = weights * np.where(Y == 1, 2.0, 0.5)
    one, two = model_of(), model_of()
    one.fit(X, Y, sample_weight=weights, class_weight=classes, shuffle=False, verbose=0)
    two.fit(X, Y, sample_weight=together, shuffle=False, verbose=0)
    np.testing.assert_array_equal(one.get_weights()[0], two.get_weights()[0])


def test_constraints_hold_after_every_update():
    for engine in ("numpy", "compiled"):
        model = model_of(
            Dense(3, kernel_constraint="non_neg", bias_constraint=lambda w: np.clip(w, -1, 0)),
            engine=engine,
        )
        model.fit(X, Y, epochs=3, batch_size=4, verbose=0)
        kernel, bias = model.layers[0].get_weights()
        assert kernel.min() >= 0 >= bias.max()


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_layers_add_to_the_loss(engine):
    class Costly(keras.layers.Layer):
        def call(self, x):
            self.add_loss(0.5 * np.mean(x**2))
            return x

    def loss_of(*layers):
        model = cr.Sequential([Input((4,)), *layers, Dense(1, kernel_initializer="zeros")])
        model.compile("sgd", "mse", engine=engine)
        return model.evaluate(X, Y)

    plain = loss_of()
    assert loss_of(Costly()) - plain == pytest.approx(0.5 * np.mean(X**2), rel=1e-5)
    penal = loss_of(keras.layers.Activation("linear", activity_regularizer="l2"))
    assert penal - plain == pytest.approx(0.01 * np.sum(X**2) / len(X), rel=1e-5)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_steps_that_are_masked_do_not_count(engine):
    words = np.array([[1, 2, 0], [3, 0, 0]])
    targets = np.array([[1.0, 2.0, 9.0], [3.0, 9.0, 9.0]], "f4")[..., None]

    def model_with(mask):
        model = cr.Sequential(
            [Input((3,)), keras.layers.Embedding(4, 2, mask_zero=mask), Dense(1)], seed=0
        )
        model.compile("sgd", "mse", metrics=["mae"], engine=engine)
        return model

    masked, weighed = model_with(True), model_with(False)
    counts = (words != 0).astype("f4")
    weight = counts * counts.size / counts.sum()
    expected = weighed.evaluate(words, targets, sample_weight=weight)
    assert masked.evaluate(words, targets)[0] == pytest.approx(expected[0], rel=1e-5)
    error = np.abs(masked.predict(words) - targets)[..., 0]
    assert masked.evaluate(words, targets)[1] == pytest.approx(error[words != 0].mean(), rel=1e-5)
    masked.fit(words, targets, verbose=0)
    flat = cr.Sequential([keras.layers.Embedding(4, 2, mask_zero=True), keras.layers.Flatten()])
    flat.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="does not support masks"):
        flat.fit(words, np.zeros((2, 6)), verbose=0)


def test_what_there_is_not_is_refused_by_name_with_what_to_write():
    for use, said in [
        (lambda: keras.layers.TextVectorization(), "pad_sequences"),
        (lambda: keras.applications.ResNet50(), "from_keras"),
        (lambda: keras.datasets.cifar10.load_data(), "fetch_openml"),
        (lambda: type("Own", (keras.Sequential,), {"call": None}), "Keras's call has no counter"),
        (lambda: keras.random.normal((2,), seed="a"), "seed must be"),
    ]:
        with pytest.raises(DataError, match=said):
            use()


def test_random_numbers_of_a_layer_are_new_in_every_update():
    class Noise(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.numbers = keras.random.SeedGenerator(1)

        def call(self, x, training=False):
            return x + keras.random.normal(x.shape, seed=self.numbers) if training else x

    for engine in ("numpy", "compiled"):
        model = model_of(Noise(), engine=engine)
        one = model(X, training=True)
        assert not np.array_equal(one, model(X, training=True))
        model.fit(X, Y, verbose=0)
    assert not model.layers[0].get_weights()


def test_a_seed_for_all_gives_the_same_numbers():
    def trained():
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((4,)), Dense(3), Dropout(0.5), Dense(1)])
        model.compile("sgd", "mse")
        return model.fit(X, Y, epochs=2, verbose=0).history["loss"]

    assert trained() == trained()


def test_fits_in_a_loop_are_compiled_after_a_while_as_one_long_fit_is(monkeypatch):
    monkeypatch.setattr(steps, "COMPILING", 1e-3)
    monkeypatch.setattr(steps, "COMPILING_EQUATION", 0.0)
    model = model_of(Dense(64, activation="tanh"), engine="auto")
    fits = [model.fit(X, Y, epochs=1, verbose=0) for _ in range(20)]
    engines = [fit.params["engine"] for fit in fits]
    assert engines == sorted(engines, reverse=True)  # NumPy first, then machine code alone
    assert {*engines} == {"numpy", "compiled"}


def test_an_ejected_network_keeps_its_constraints(tmp_path):
    model = model_of(Dense(3, kernel_constraint=keras.constraints.MaxNorm(0.3)))
    model.eject(tmp_path / "net.py")
    space = {"__file__": str(tmp_path / "net.py"), "__name__": "net"}
    exec((tmp_path / "net.py").read_text(), space)
    weights, _ = space["train"](space["load"](), X, Y[:, None], epochs=2, shuffle=False)
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(weights["dense_kernel"], model.get_weights()[0], rtol=1e-5)
    assert np.linalg.norm(weights["dense_kernel"], axis=0).max() < 0.3001


class Total(keras.layers.Layer):
    def build(self, input_shape):
        self.total = self.add_weight(shape=input_shape[-1:], initializer="zeros", trainable=False)
        self.calls = [self.add_weight(initializer="zeros", trainable=False)]

    def call(self, x):
        self.total.assign_add(keras.ops.sum(x, axis=0))
        self.calls[0].assign(self.calls[0] + 1)
        return x * self.calls[0]


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_layer_may_assign_to_its_weights_as_in_keras(engine):
    layer = Total()
    assert (layer(np.ones((2, 3))) == 1).all()
    assert (layer(np.ones((2, 3))) == 2).all()
    assert layer.total.numpy().tolist() == [4, 4, 4]
    assert [w.name for w in layer.non_trainable_weights] == ["total", "calls_0"]
    model = model_of(Total(), engine=engine)
    model.fit(X, Y, batch_size=5, epochs=3, verbose=0)
    np.testing.assert_allclose(model.layers[0].total.numpy(), 3 * X.sum(axis=0), atol=1e-4)
    assert float(model.layers[0].calls[0]) == 12
    again = model_of(Total())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
