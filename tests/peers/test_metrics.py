"""Metrics, with Keras as the judge."""

import functools

import jax
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nn.metrics.test_values import CASES, CLASSES, IDS, batches, drawn

from chainrule import losses, metrics

# Their results take another way for other values, so that JAX cannot compile them.
BRANCHING = ("R2Score", *(name for name in metrics.__all__ if "At" in name))


@functools.cache
def judge(number):
    """Return Keras's metric and its result for batches one after another: compiled."""
    name, options = CASES[number][:2]
    metric = getattr(keras.metrics, name)(**options)
    if not getattr(metric, "_built", True):  # F scores
        metric._build(*(np.shape(part) for part in next(batches(CASES[number], 0))[:2]))

    def update(state, batch):
        return metric.stateless_update_state(state, *batch), None

    def updated(data):
        return jax.lax.scan(update, [variable.value for variable in metric.variables], data)[0]

    if name in BRANCHING:
        return metric, lambda data: metric.stateless_result(jax.jit(updated)(data))
    return metric, jax.jit(lambda data: metric.stateless_result(updated(data)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
@settings(max_examples=5)
@given(seed=st.integers(0, 999))
def test_three_batches_as_in_keras(number, weighted, seed):
    name, options = CASES[number][:2]
    theirs, result = judge(number)
    ours = getattr(metrics, name)(**options)
    if not theirs.name.startswith(ours.name):  # Keras counts: auc_1, auc_2
        pytest.fail(f"{ours.name} is called {theirs.name} in Keras")
    data = [batch if weighted else batch[:2] for batch in batches(CASES[number], seed)]
    for batch in data:
        ours.update_state(*batch)
    expected = result([np.stack(part) for part in zip(*data, strict=True)])
    # The judge sums in float32.
    np.testing.assert_allclose(ours.result(), np.asarray(expected), rtol=5e-6, atol=2e-6)
    ours.reset_state()
    assert ours.result() == 0


OVERLAPS = [
    ("MeanIoU", {"num_classes": CLASSES}, "labels", "labels"),
    ("MeanIoU", {"num_classes": CLASSES, "ignore_class": 1}, "labels", "labels"),
    ("MeanIoU", {"num_classes": CLASSES, "sparse_y_pred": False}, "labels", "shares"),
    ("IoU", {"num_classes": CLASSES, "target_class_ids": [0, 2]}, "labels", "labels"),
    ("BinaryIoU", {"threshold": 0.3}, "ones", "shares"),
    ("OneHotIoU", {"num_classes": CLASSES, "target_class_ids": [1]}, "one-hot", "shares"),
    ("OneHotMeanIoU", {"num_classes": CLASSES, "ignore_class": 0}, "one-hot", "shares"),
]


@pytest.mark.parametrize("case", OVERLAPS, ids=lambda case: f"{case[0]}-{len(case[1])}")
@settings(max_examples=5)
@given(seed=st.integers(0, 999))
def test_intersections_by_unions_as_in_keras(case, seed):
    name, options, true, pred = case
    rng = np.random.default_rng(seed)
    judge, ours = (getattr(home, name)(**options) for home in (keras.metrics, metrics))
    assert judge.name.startswith(ours.name)
    for _ in range(2):
        data = drawn(true, rng), drawn(pred, rng)
        with jax.enable_x64(True):  # Keras asks for int64
            judge.update_state(*data)
            theirs = np.asarray(judge.result())
        np.testing.assert_allclose(ours(*data), theirs, rtol=1e-5)


def test_a_sum_as_in_keras():
    judge, ours = keras.metrics.Sum(), metrics.Sum()
    for values, weight in (([1.0, 3.0], None), ([5.0, 7.0], [1.0, 0.5]), (4.0, None)):
        judge.update_state(values, weight)
        assert ours(values, weight) == pytest.approx(float(judge.result()), rel=1e-6)


def test_mean_as_in_keras():
    judge, ours = keras.metrics.Mean(), metrics.Mean()
    for values, weight in (([1.0, 3.0], None), ([5.0, 7.0], [1.0, 0.0]), (4.0, None)):
        judge.update_state(values, weight)
        assert ours(values, weight) == pytest.approx(float(judge.result()), rel=1e-6)
    assert metrics.Mean()([1.0], [0.0]) == 0


SPARSE, DENSE = losses.SparseCategoricalCrossentropy(), losses.CategoricalCrossentropy()


@pytest.mark.parametrize("name", ["accuracy", "acc"])
@pytest.mark.parametrize(
    ("loss", "true", "pred"),
    [
        (losses.BinaryCrossentropy(), (5, 1), (5, 1)),
        (SPARSE, (5,), (5, 3)),
        (SPARSE, (5, 1), (5, 3)),
        (DENSE, (5, 3), (5, 3)),
    ],
)
def test_accuracy_is_that_of_the_model_as_in_keras(name, loss, true, pred):
    from keras.src.trainers.compile_utils import get_metric

    theirs = get_metric(name, np.ones(true), np.ones(pred))
    ours = metrics.get(name, loss, pred, "test")
    assert (type(ours).__name__, ours.name) == (type(theirs).__name__, theirs.name)
    entropy = metrics.get("crossentropy", loss, pred, "test")
    assert type(entropy).__name__ == type(loss).__name__


@pytest.mark.parametrize("name", ["mae", "MSE", "AUC", "f1_score", "Precision", "bce", "recall"])
def test_a_metric_is_called_what_it_was_asked_for(name):
    from keras.src.trainers.compile_utils import get_metric

    theirs = get_metric(name, np.ones((2, 3)), np.ones((2, 3)))
    theirs = theirs if isinstance(theirs, keras.metrics.Metric) else theirs()
    ours = metrics.get(name, None, (None, 3), "test")
    assert ours.name == name
    assert type(ours).__name__ == type(theirs).__name__


ACCURACIES = ["binary_accuracy", "categorical_accuracy", "top_k_categorical_accuracy",
              "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"]  # fmt: skip


@pytest.mark.parametrize("name", [*ACCURACIES, "mean_squared_error", "kl_divergence", "huber"])
def test_functions_as_in_keras(name):
    rng = np.random.default_rng(0)
    y_true, y_pred = drawn("labels" if "sparse" in name else "one-hot", rng), drawn("shares", rng)
    options = {"k": 2} if "top_k" in name else {}
    ours, theirs = (getattr(home, name)(y_true, y_pred, **options)
                    for home in (metrics, keras.metrics))  # fmt: skip
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5)
