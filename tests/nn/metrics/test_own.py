"""Metrics of one's own, written as for Keras."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import metrics
from chainrule._src.base.config import copied


class Right(metrics.Metric):
    """The weighted share of what is right, with variables."""

    def __init__(self, name="right", **options):
        super().__init__(name=name, **options)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = (np.argmax(y_pred, axis=-1) == np.reshape(y_true, (-1,))).astype(self.dtype)
        if sample_weight is None:
            sample_weight = np.ones_like(right)
        self.total.assign_add(np.sum(right * sample_weight))
        self.count.assign(self.count + np.sum(sample_weight))

    def result(self):
        return self.total / self.count


class Confused(metrics.Metric):
    """A matrix, in-place, and the worst margin, which is no sum."""

    def __init__(self, classes=3, **options):
        super().__init__(**options)
        self.classes = classes
        self.matrix = self.add_variable((classes, classes), "zeros", dtype="int32")
        self.worst = self.add_weight(initializer="ones")

    def update_state(self, y_true, y_pred, sample_weight=None):
        rows, columns = (cr.one_hot(self.classes, c) for c in (y_true, np.argmax(y_pred, -1)))
        self.matrix += (rows.T @ columns).astype("int32")
        self.worst.assign(np.minimum(self.worst, np.min(np.max(y_pred, axis=-1))))

    def result(self):
        matrix = self.matrix.numpy()
        return {"diagonal": np.trace(matrix) / matrix.sum(), "worst": self.worst}

    def reset_state(self):
        self.matrix.assign(np.zeros((self.classes, self.classes)))
        self.worst.assign(1.0)


class F1(metrics.Metric):
    """Metrics within, of the first class."""

    def __init__(self, **options):
        super().__init__(**options)
        self.parts = {"p": metrics.Precision(), "r": metrics.Recall()}

    def update_state(self, y_true, y_pred, sample_weight=None):
        for part in self.parts.values():
            part.update_state(y_true == 0, y_pred[:, 0], sample_weight)

    def result(self):
        p, r = (part.result() for part in self.parts.values())
        return 2 * p * r / (p + r + 1e-7)


class Surest(metrics.Mean):
    """Keras's way to derive from a mean."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(np.max(y_pred, axis=-1), sample_weight)


def surest(y_true, y_pred):
    return np.mean(np.max(y_pred, axis=-1))


OWN = [Right, Confused, F1, Surest]
rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4)).astype("float32")
y = np.argmax(X[:, :3] + rng.normal(size=(90, 3)), axis=-1)


def trained(engine, given):
    layers = [cr.layers.Dense(8, "relu"), cr.layers.Dense(3, "softmax")]
    model = cr.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", given, given[:1], engine=engine)
    return model


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_run_scores_as_its_batches_do(engine):
    model = trained(engine, [make() for make in OWN])
    weight = np.linspace(0, 1, 90, dtype="float32")
    found = model.evaluate(X, y, batch_size=40, sample_weight=weight, return_dict=True)

    expected = {}
    for metric in [make() for make in OWN]:
        for rows in (slice(0, 40), slice(40, 80), slice(80, 90)):
            metric.update_state(y[rows], model.predict(X[rows]))
        result = metric.result()
        expected |= result if isinstance(result, dict) else {metric.name: result}
    right = (np.argmax(model.predict(X), axis=-1) == y) @ weight / weight.sum()
    expected |= {"weighted_right": right, "loss": found["loss"]}
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], np.asarray(value), rtol=1e-6, err_msg=name)


def test_both_engines_give_the_same_history():
    runs = [
        trained(engine, ["accuracy", surest, *(make() for make in OWN)]).fit(
            X, y, batch_size=40, epochs=3, verbose=0, seed=1, validation_split=0.2
        )
        for engine in ("numpy", "compiled")
    ]
    one, other = (run.history for run in runs)
    assert one.keys() == other.keys() >= {"diagonal", "val_worst", "right", "surest", "val_f1"}
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(one["accuracy"], one["right"], rtol=1e-6)


def test_a_run_leaves_the_metric_as_it_is():
    metric = Right()
    metric.update_state([0, 1], np.eye(3)[[0, 2]])
    model = trained("auto", [metric])
    model.fit(X, y, epochs=2, verbose=0)
    assert float(metric.result()) == 0.5
    names = ["loss", "right"]
    assert list(model.train_on_batch(X, y, return_dict=True))[:2] == names


def test_what_a_metric_holds_is_counted_reset_and_handed_over():
    metric = Confused()
    metric.again = [Right(), {"deep": F1()}]
    assert len(metric.variables) == 4
    metric.update_state(y, X[:, :3])
    empty = [*metric.stateless_reset_state()[:4], {}, {}]
    state = metric.stateless_update_state(empty, y, X[:, :3])
    np.testing.assert_array_equal(state[0], metric.matrix)
    metric.reset_state()
    assert not metric.matrix.numpy().any()
    with pytest.raises(ValueError, match="expected the values of 2 variables, received 1"):
        Right().stateless_result([0.0])


def test_a_result_is_a_number_with_what_keras_has():
    mean = metrics.Mean()
    result = mean([1.0, 2.0])
    assert result == 1.5
    assert isinstance(result, float)
    assert result.numpy() == np.float32(1.5)
    assert f"{result:.2f} {result.item()}" == "1.50 1.5"


@pytest.mark.parametrize("given", ["mae", "MAE", metrics.MeanAbsoluteError, "MeanAbsoluteError",
                                   {"class_name": "MeanAbsoluteError", "config": {}}])  # fmt: skip
def test_metrics_come_by_name_class_and_description(given):
    assert isinstance(metrics.get(given), metrics.MeanAbsoluteError)
    assert type(copied(Confused(2))) is Confused
