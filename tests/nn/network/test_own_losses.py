"""`compute_loss` of a model of one's own, which calls layers and updates metrics."""

import numpy as np
import pytest

from chainrule import keras
from chainrule.errors import DataError

layers = keras.layers
X = np.random.default_rng(0).normal(size=(24, 4)).astype("f4")
Y = X[:, :1] - X[:, 1:2]


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.top = layers.Dense(3), layers.Dense(1)

    def call(self, x):
        return self.top(self.hidden(x))


class CallsLayers(Net):
    """The loss calls the layers again instead of using the predictions."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        penalty = sum(np.sum(w**2) for w in self.trainable_weights)
        return np.mean((self.top(self.hidden(x)) - y) ** 2) + 0.1 * penalty


class UsesPredictions(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        weights = (self.hidden.kernel, self.hidden.bias, self.top.kernel, self.top.bias)
        return np.mean((y_pred - y) ** 2) + 0.1 * sum(np.sum(w**2) for w in weights)


class Tracked(Net):
    """Metrics in attributes, as a program for Keras has them."""

    def __init__(self):
        super().__init__()
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.error = keras.metrics.MeanAbsoluteError(name="error")

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        loss = np.mean((y_pred - y) ** 2)
        self.loss_tracker.update_state(loss)
        self.error.update_state(y, y_pred)
        return loss

    @property
    def metrics(self):
        return [self.loss_tracker, self.error]

    def reset_metrics(self):
        self.loss_tracker.reset_state()
        self.error.reset_state()


def same_weights(*models):
    for model in models:
        model.build((None, 4))
        model.set_weights(models[0].get_weights())
        model.compile("sgd")
    return models


def test_layers_that_compute_loss_calls_are_trained():
    one, other = same_weights(CallsLayers(), UsesPredictions())
    histories = [m.fit(X, Y, epochs=3, shuffle=False, verbose=0).history for m in (one, other)]
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-5)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert one.check_gradients(X, Y).passed


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_metrics_in_attributes_are_in_the_scores(engine):
    own, plain = same_weights(Tracked(), Net())
    own.compile("sgd", engine=engine)
    plain.compile("sgd", "mse", metrics=["mae"], engine=engine)
    options = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0,
               "validation_data": (X, Y)}  # fmt: skip
    scores, expected = own.fit(X, Y, **options).history, plain.fit(X, Y, **options).history
    for name, other in {"loss": "loss", "error": "mae", "val_error": "val_mae"}.items():
        assert scores[name] == pytest.approx(expected[other], rel=1e-5)
    assert own.evaluate(X, Y) == pytest.approx(plain.evaluate(X, Y), rel=1e-5)


def test_metrics_keep_no_value_of_a_recording():
    (model,) = same_weights(Tracked())
    model.fit(X, Y, verbose=0)
    assert model.loss_tracker.result() == 0
    model.loss_tracker.update_state(2.0)
    assert model.evaluate(X, Y, return_dict=True)["loss"] != 2
    assert model.loss_tracker.result() == 2


def test_a_metric_that_call_of_a_layer_updates_is_in_the_scores():
    class Sized(layers.Layer):
        def __init__(self):
            super().__init__()
            self.size = keras.metrics.Mean(name="size")

        def call(self, x):
            self.size.update_state(np.abs(x))
            return x

    model = keras.Sequential([keras.Input((4,)), Sized(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=8, verbose=0).history
    assert history["size"] == pytest.approx([np.abs(X).mean()], rel=1e-5)


def test_a_metric_that_nothing_updates_is_not_in_the_scores():
    class Idle(Net):
        def __init__(self):
            super().__init__()
            self.idle = keras.metrics.Mean(name="idle")

    model = Idle()
    model.compile("sgd", "mse")
    assert [*model.fit(X, Y, verbose=0).history] == ["loss"]


def test_a_step_of_predictions_is_refused_with_what_to_write():
    with pytest.raises(DataError, match="write call"):
        type("Own", (keras.Model,), {"predict_step": lambda self, data: None})


def test_a_sample_may_be_one_number():
    words = np.arange(12) % 5

    class Towers(keras.Model):
        def __init__(self):
            super().__init__()
            self.table, self.dot = layers.Embedding(5, 3), layers.Dot(axes=1)

        def call(self, x):
            return self.dot([self.table(x[0]), self.table(x[1])])

    pairs, chain = Towers(), keras.Sequential([layers.Embedding(5, 3), layers.Dense(1)])
    for model, x in ((pairs, [words, words]), (chain, words)):
        model.compile("sgd", "mse")
        model.fit(x, words, verbose=0)
        assert model.predict(x).shape == (12, 1)


def test_a_batch_of_several_inputs_is_one_update():
    class Sums(keras.Model):
        def __init__(self):
            super().__init__()
            self.a = layers.Dense(2, use_bias=False, kernel_initializer="ones")
            self.b = layers.Dense(2, use_bias=False, kernel_initializer="ones")

        def call(self, x):
            return self.a(x[0]) + self.b(x[1])

    model, x, y = Sums(), [np.ones((3, 2)), np.ones((3, 3))], np.ones((3, 2))
    model.compile("sgd", "mse")
    assert model.train_on_batch(x, y) == 16  # the outputs are 5
    assert model.train_on_batch(x, y) == pytest.approx(14.44)
    assert model.test_on_batch(x, y) == pytest.approx(13.0321)


class Size(layers.Layer):
    def call(self, x):
        self.add_loss(np.mean(x**2))
        return x


def test_a_chain_whose_layers_add_the_loss_is_compiled_without_one():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), Size()])
    model.compile("adam")
    losses = model.fit(X, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    plain.compile("adam")
    with pytest.raises(DataError, match="none of its layers adds one"):
        plain.fit(X, Y, verbose=0)


def test_batches_have_class_weights():
    labels = (Y > 0).astype("f4")
    histories = []
    for weighted in (False, True):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])
        model.set_weights([np.full((4, 1), 0.1, "f4"), np.zeros(1, "f4")])
        model.compile("sgd", "binary_crossentropy")
        batches = [(X[:12], labels[:12]), (X[12:], labels[12:])]
        options = {"class_weight": {0: 1.0, 1: 5.0}, "verbose": 0, "shuffle": False}
        data = (batches,) if weighted else (X, labels, 12)
        histories.append(model.fit(*data, **options).history["loss"])
    assert histories[0] == pytest.approx(histories[1], rel=1e-6)


def test_one_array_is_the_target_of_the_only_output_with_a_loss():
    inputs = keras.Input((4,))
    h = layers.Dense(1)(inputs)
    part, whole = (keras.Model(inputs, [h, h, h]) for _ in range(2))
    part.compile(loss=["mse", None, None])
    whole.compile(loss=["mse"] * 3)
    loss = whole.evaluate(X, [Y] * 3, return_dict=True)["loss"]
    assert part.evaluate(X, Y, return_dict=True)["loss"] * 3 == pytest.approx(loss)
