"""Metrics and losses of one's own, written once, run with Keras's modules and with chainrule's."""

import keras
import numpy as np
import pytest

import chainrule as cr


def mean_of(ops, metrics):
    class Recalled(metrics.Metric):
        def __init__(self, name="recalled", **kwargs):
            super().__init__(name=name, **kwargs)
            self.total = self.add_variable(shape=(), initializer="zeros", name="total")
            self.count = self.add_weight(initializer="zeros", name="count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            values = ops.abs(y_true - y_pred)
            if sample_weight is not None:
                sample_weight = ops.reshape(sample_weight, (-1, 1))
                values = ops.multiply(values, sample_weight)
            self.total.assign_add(ops.sum(values))
            self.count.assign(self.count + ops.sum(ops.ones_like(y_pred)))

        def result(self):
            return self.total / self.count

        def reset_state(self):
            self.total.assign(0)
            self.count.assign(0)

    return Recalled()


def subclassed_mean(ops, metrics):
    class Furthest(metrics.Mean):
        def __init__(self, name="furthest", **kwargs):
            super().__init__(name=name, **kwargs)

        def update_state(self, y_true, y_pred, sample_weight=None):
            far = ops.max(ops.abs(y_true - y_pred), axis=-1)
            return super().update_state(far, sample_weight=sample_weight)

    return Furthest()


def wrapped(ops, metrics):
    class Share(metrics.MeanMetricWrapper):
        def __init__(self, within=0.5, name="share", dtype=None):
            super().__init__(share, name, dtype=dtype, within=within)

    def share(y_true, y_pred, within):
        return ops.mean(ops.cast(ops.abs(y_true - y_pred) < within, "float32"), axis=-1)

    return Share(0.7)


def of_the_batch(ops, metrics):
    def rmse(y_true, y_pred):
        return ops.sqrt(ops.mean(ops.square(y_pred - y_true)))

    return rmse


def made_of_metrics(ops, metrics):
    class Both(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(name="both", **kwargs)
            self.parts = [metrics.MeanSquaredError(), metrics.MeanAbsoluteError()]

        def update_state(self, y_true, y_pred, sample_weight=None):
            for part in self.parts:
                part.update_state(y_true, y_pred, sample_weight)

        def result(self):
            return self.parts[0].result() - self.parts[1].result()

        def reset_state(self):
            for part in self.parts:
                part.reset_state()

    return Both()


class Ops:
    """What the functions above use of `keras.ops`, of NumPy."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def cast(x, dtype):
        return x.astype(dtype)


PARTS = [mean_of, subclassed_mean, wrapped, of_the_batch, made_of_metrics]
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3)).astype("float32")
Y = rng.normal(size=(50, 2)).astype("float32")
W = np.linspace(0, 2, 50, dtype="float32")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_run_has_keras_history(part, engine):
    mine = cr.Sequential([cr.layers.Dense(4, "tanh"), cr.layers.Dense(2)], seed=0)
    mine.build((None, 3))
    theirs = keras.Sequential([keras.layers.Dense(4, "tanh"), keras.layers.Dense(2)])
    theirs.build((None, 3))
    theirs.set_weights(mine.get_weights())
    weighted = part is not of_the_batch
    for model, library, ops, more in (
        (mine, cr, Ops(), {"engine": engine}), (theirs, keras, keras.ops, {}),
    ):  # fmt: skip
        metric = part(ops, library.metrics)
        again = part(ops, library.metrics)
        model.compile(
            "sgd", "mse", metrics=[metric], weighted_metrics=[again] if weighted else None, **more
        )
    options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0, "sample_weight": W}
    found, expected = (model.fit(X, Y, **options).history for model in (mine, theirs))
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("part", [part for part in PARTS if part is not of_the_batch])
def test_called_by_hand_it_gives_what_keras_gives(part):
    mine, theirs = part(Ops(), cr.metrics), part(keras.ops, keras.metrics)
    for metric in (mine, theirs):
        metric.update_state(X[:, :2], Y)
        metric.update_state(Y, X[:, 1:], sample_weight=W)
    np.testing.assert_allclose(float(mine.result()), float(theirs.result()), rtol=1e-5)
    for metric in (mine, theirs):
        metric.reset_state()
    np.testing.assert_allclose(float(mine(X[:, :2], Y)), float(theirs(X[:, :2], Y)), rtol=1e-5)


@pytest.mark.parametrize("many", [True, False])
def test_scores_on_a_batch_are_of_that_batch_alone_as_in_keras(many):
    found = []
    for library in (cr, keras):
        model = library.Sequential([library.layers.Dense(2, kernel_initializer="ones")])
        model.compile("sgd", "mse", metrics=["mae"])
        scores = [model.train_on_batch(X[i : i + 10], Y[i : i + 10]) for i in range(0, 50, 10)]
        found.append(scores if many else model.train_on_batch(X, Y, return_dict=True))
    if many:
        np.testing.assert_allclose(*found, rtol=1e-5)
    else:
        assert found[0] == pytest.approx({k: float(v) for k, v in found[1].items()}, rel=1e-5)
