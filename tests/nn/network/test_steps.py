"""`train_step` and `test_step` of one's own, which `fit` and `evaluate` call batch by batch."""

import numpy as np
import pytest
from tests.cases import case

import chainrule as cr
from chainrule import keras
from chainrule._src.nn.network.runs import make_run
from chainrule._src.nn.training.supply import Samples
from chainrule.errors import DataError, DivergenceError, InterruptedWarning

layers = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(26, 4)).astype("f4")
Y = X[:, :1] - X[:, 1:2]
WORDS = RNG.integers(0, 5, (26, 6))


class Passing:
    """Steps that do what those of Keras do."""

    def train_step(self, data):
        return super().train_step(data)

    def test_step(self, data):
        return super().test_step(data)


class ByHand:
    """Steps as a program for Keras has them, without its tape."""

    def train_step(self, data):
        x, y, weight = (*data, None)[:3]

        def loss_of(variables):
            y_pred = self(x, training=True)
            return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight), y_pred

        variables = self.trainable_variables
        (loss, y_pred), gradients = cr.value_and_grad(loss_of, has_aux=True)(variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=len(x))
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def chain(kind):
    start = [
        keras.Input((4,)),
        layers.Dense(6, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
    ]
    rest = [layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)]
    return kind(keras.Sequential)([*start, *rest], seed=0), X, Y, "mse", ["mae"]


def masked(kind):
    parts = [layers.Embedding(5, 3, mask_zero=True), layers.GRU(3, return_sequences=True)]
    model = kind(keras.Sequential)([keras.Input((6,)), *parts, layers.Dense(1)], seed=0)
    return model, WORDS, WORDS[..., None] % 2.0, "mse", ["mae"]


def two_outputs(kind):
    x = keras.Input((4,))
    h = layers.Dense(3, "tanh", activity_regularizer="l2")(x)
    outputs = {"a": layers.Dense(1)(h), "b": layers.Dense(2)(h)}
    model = kind(keras.Model)(x, outputs, seed=0)
    return model, X, {"a": Y, "b": X[:, :2]}, {"a": "mse", "b": "mae"}, {"a": ["mae"]}


def start(model):
    waves = [np.cos(np.arange(w.size)).reshape(w.shape) for w in model.weights]
    model.set_weights([0.5 + 0.4 * wave for wave in waves])


def kind_of(*mixins):
    return lambda base: type("Own", (*mixins, base), {})


@pytest.mark.parametrize("make", [chain, masked, two_outputs])
def test_steps_of_the_base_class_train_as_fit_does(make):
    results = []
    for mixins in ((), (Passing,)):
        model, x, y, loss, metrics = make(kind_of(*mixins))
        start(model)
        model.compile("adam", loss, metrics=metrics, engine="numpy")
        history = model.fit(
            x, y, batch_size=8, epochs=3, seed=1, verbose=0, validation_split=0.25,
        ).history  # fmt: skip
        results.append((history, model.get_weights(), model.evaluate(x, y, return_dict=True)))
    (history, weights, scores), (history_now, weights_now, scores_now) = results
    assert [*history] == [*history_now]
    for name, values in history.items():
        np.testing.assert_allclose(history_now[name], values, rtol=2e-6, err_msg=name)
    for before, now in zip(weights, weights_now, strict=True):
        np.testing.assert_allclose(before, now, rtol=1e-5, atol=1e-7)
    assert scores_now == pytest.approx(scores, rel=2e-6)


def test_a_step_by_hand_trains_as_fit_does_with_weights_of_samples():
    results = []
    for mixins in ((), (ByHand,)):
        model, x, y, loss, metrics = chain(kind_of(*mixins))
        start(model)
        model.compile("sgd", loss, metrics=metrics, engine="numpy")
        weight = np.arange(26.0)
        history = model.fit(x, y, 8, epochs=2, sample_weight=weight, seed=1, verbose=0)
        results.append((history.history, model.get_weights()))
    (history, weights), (history_now, weights_now) = results
    assert history_now == {name: pytest.approx(v, rel=2e-6) for name, v in history.items()}
    for before, now in zip(weights, weights_now, strict=True):
        np.testing.assert_allclose(before, now, rtol=1e-6)


class Pair(keras.Model):
    """Two networks with an optimizer each, and no output of its own."""

    def __init__(self):
        super().__init__()
        self.one, self.other = (
            keras.Sequential([keras.Input((4,)), layers.Dense(4)]) for _ in range(2)
        )
        self.noise = keras.random.SeedGenerator(1)
        self.size = keras.metrics.Mean(name="size")

    def compile(self, first, second):
        super().compile()
        self.first, self.second = first, second

    @property
    def metrics(self):
        return [self.size]

    def train_step(self, x):
        noise = keras.random.normal(x.shape, seed=self.noise)

        def distance(variables):
            value = np.mean((self.one(x) - self.other(x) - noise) ** 2)
            self.size.update_state(value)
            return value

        both = ((self.one, self.first), (self.other, self.second))
        for network, optimizer in both:
            _, gradients = cr.value_and_grad(distance)(network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)
        return {"size": self.size.result()}


def test_two_networks_and_two_optimizers_are_trained(capsys):
    model = Pair()
    model.compile(keras.optimizers.Adam(0.1), keras.optimizers.SGD(0.0))
    other = model.other.get_weights()
    history = model.fit(X, epochs=5, batch_size=13, verbose=2).history
    assert [*history] == ["size"]
    assert history["size"][-1] < history["size"][0]
    assert " - size: " in capsys.readouterr().out
    for before, now in zip(other, model.other.get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)
    assert int(model.first.iterations) == int(model.second.iterations) == 10
    assert model.size.result() == history["size"][-1]
    assert type(model.size.result()) is type(keras.metrics.Mean().result())  # no tensor


def test_batches_may_come_without_targets():
    model = Pair()
    model.compile(keras.optimizers.Adam(0.1), keras.optimizers.SGD(0.1))
    model.fit(lambda: iter([X[:8], X[8:20]]), epochs=2, verbose=0)
    assert int(model.first.iterations) == 4


class Counted(Passing, keras.Sequential):
    """Its scores are of its own."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        scores = super().compute_metrics(x, y, y_pred, sample_weight)
        return {**scores, "largest": np.max(y_pred)}


def test_scores_of_a_step_are_in_the_history_and_in_evaluate():
    model = Counted([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, 8, validation_data=(X, Y), verbose=0).history
    names = ["largest", "loss", "mae"]
    assert [*history] == [*names, *(f"val_{name}" for name in names)]
    last = np.max(model.predict(X[24:]))
    assert model.evaluate(X, Y, batch_size=8, return_dict=True)["largest"] == pytest.approx(last)
    assert model.train_on_batch(X, Y, return_dict=True).keys() == set(names)


def own(*more, rate=0.1):
    model = type("Own", (*more, ByHand, keras.Sequential), {})(
        [keras.Input((4,)), layers.Dense(1)], seed=0
    )
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "mse")
    return model


def test_callbacks_act_on_steps_of_ones_own(tmp_path):
    model = own()
    rates = keras.callbacks.LearningRateScheduler(lambda epoch: 0.0 if epoch == 1 else 0.1)
    stops = keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=1e9)
    weights = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: weights.append(model.layers[0].kernel.copy())
    )
    model.fit(X, Y, 13, epochs=9, callbacks=[rates, stops, seen], verbose=0)
    assert model.history.epoch == [0, 1]
    with case("no update at a rate of 0 but by momentum"):
        assert not np.array_equal(weights[0], weights[1])


def test_a_run_is_resumed_to_the_bit(tmp_path):
    whole, half, rest = own(), own(), own()
    whole.fit(X, Y, 8, epochs=4, verbose=0)
    path = tmp_path / "half.safetensors"
    half.fit(X, Y, 8, epochs=2, verbose=0, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    rest.fit(X, Y, 8, epochs=4, verbose=0, resume_from=path)
    for a, b in zip(whole.get_weights(), rest.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_diverging_step_ends_training_with_the_last_good_weights():
    model = own(rate=1e30)
    with pytest.raises(DivergenceError, match=r"batch 2, at learning rate 1e\+30\. Try"):
        model.fit(X, Y, 8, epochs=3, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


class Interrupted:
    def train_step(self, data):
        if int(self.optimizer.iterations) == 2:
            self.weights[0].assign(np.full((4, 1), np.nan))
            raise KeyboardInterrupt
        return super().train_step(data)


def test_an_interrupted_step_leaves_the_weights_of_the_step_before():
    model, until = own(Interrupted), own()
    with pytest.warns(InterruptedWarning):
        model.fit(X, Y, 8, epochs=3, shuffle=False, verbose=0)
    until.fit(X, Y, 8, steps_per_epoch=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), until.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_steps_for_other_libraries_are_refused_with_what_to_write():
    steps = [f"def train_step(self, data):\n    {body}" for body in (
        "with tf.GradientTape() as t: pass", "loss.backward()", "return [self.zero_grad()]",
    )]  # fmt: skip
    for text in (*steps, "def train_step(self, state, data): pass"):
        space = {}
        exec(text, {}, space)
        model = type("Own", (keras.Sequential,), space)([layers.Dense(1)])
        model.compile("sgd", "mse")
        with case(text), pytest.raises(DataError, match=r"train_step.* chainrule\.value_and_grad"):
            model.fit(X, Y, verbose=0)
    with pytest.raises(DataError, match=r"train_step.*define the method in a class"):
        keras.Sequential([]).train_step = lambda data: {}


@pytest.mark.parametrize(("use", "message"), [
    (lambda m: m.fit(X, Y, verbose=0, shards=2), "train_step has no counterpart for data that"),
    (lambda m: m.source("kernel"), "has a train_step or compute_metrics of its own"),
])  # fmt: skip
def test_what_cannot_call_a_step_says_so(use, message):
    model = own()
    model.build((None, 4))
    with pytest.raises(DataError, match=message):
        use(model)


def test_a_step_must_return_scores():
    model = type("Own", (keras.Sequential,), {"train_step": lambda self, data: None})(
        [keras.Input((4,)), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match="must return a dict of scores by name"):
        model.fit(X, Y, verbose=0)


def test_a_loop_of_ones_own_trains_without_fit():
    model, reference = own(), own()
    step = cr.value_and_grad(lambda _: model.compute_loss(y=Y, y_pred=model(X, training=True)))
    for _ in range(3):
        loss, gradients = step(model.trainable_variables)
        model.optimizer.apply(gradients, model.trainable_variables)
    history = reference.fit(X, Y, 26, epochs=3, verbose=0).history
    assert history["loss"][-1] == pytest.approx(loss)
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    with pytest.raises(DataError, match="expected a gradient for each of 2 variables"):
        model.optimizer.apply(gradients[:1], model.trainable_variables)


def test_a_learning_rate_that_is_set_counts_for_the_next_update():
    rule, w = keras.optimizers.SGD(0.5), keras.Variable([1.0])
    rule.apply([np.ones(1)], [w])
    rule.learning_rate = 0.25
    rule.apply([np.ones(1)], [w])
    assert float(w[0]) == 0.25


def test_a_run_of_steps_scores_the_weights_that_it_is_given():
    model = type("Own", (Passing, keras.Sequential), {})([keras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    run = make_run(model.objective, None, Samples((X, Y), 26, None), "numpy", 1)
    zeros = {name: np.zeros_like(w) for name, w in model.network.params.items()}
    assert run.score({"params": zeros})["loss"] == pytest.approx(np.mean(Y**2))
