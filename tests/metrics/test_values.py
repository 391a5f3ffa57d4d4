"""Metrics, with Keras as the judge."""

import jax
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import losses, metrics

# metric, options, targets, predictions
CASES = [
    ("Accuracy", {}, "labels", "labels"),
    ("BinaryAccuracy", {}, "ones", "shares"),
    ("BinaryAccuracy", {"threshold": 0.3}, "ones", "shares"),
    ("BinaryAccuracy", {}, "column", "one share"),
    ("CategoricalAccuracy", {}, "one-hot", "shares"),
    ("SparseCategoricalAccuracy", {}, "labels", "shares"),
    ("SparseCategoricalAccuracy", {}, "label columns", "shares"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot", "ties"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "labels", "ties"),
    ("Precision", {}, "ones", "shares"),
    ("Precision", {"thresholds": [0.7, 0.2, 0.4]}, "ones", "shares"),
    ("Precision", {"top_k": 2}, "one-hot", "ties"),
    ("Precision", {"class_id": 1, "thresholds": 0.4}, "ones", "shares"),
    ("Recall", {}, "ones", "shares"),
    ("Recall", {"thresholds": [0.0, 0.5, 1.0]}, "ones", "shares"),
    ("Recall", {"top_k": 2, "class_id": 2}, "one-hot", "ties"),
    ("TruePositives", {}, "ones", "shares"),
    ("FalsePositives", {"thresholds": [0.3, 0.6]}, "ones", "shares"),
    ("TrueNegatives", {}, "ones", "shares"),
    ("FalseNegatives", {}, "column", "one share"),
    *(("AUC", {"curve": curve, "summation_method": method, "num_thresholds": number},
       "column", "one share")
      for curve in ("ROC", "PR") for method in ("interpolation", "minoring", "majoring")
      for number in (2, 200)),
    ("AUC", {"thresholds": [0.7, 0.3]}, "ones", "shares"),
    ("AUC", {"from_logits": True}, "ones", "numbers"),
    *(("F1Score", {"average": average, "threshold": threshold}, "one-hot", "shares")
      for average in (None, "micro", "macro", "weighted") for threshold in (None, 0.4)),
    ("FBetaScore", {"average": "macro", "beta": 2.0}, "one-hot", "shares"),
    *(("R2Score", {"class_aggregation": how, "num_regressors": number}, "numbers", "numbers")
      for how in (None, "uniform_average", "variance_weighted_average") for number in (0, 2)),
    *((name, {}, "numbers", "numbers") for name in (
        "MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError",
        "MeanAbsolutePercentageError", "LogCoshError", "CosineSimilarity",
    )),
    ("MeanSquaredLogarithmicError", {}, "shares", "shares"),
    ("KLDivergence", {}, "shares", "shares"),
    ("Poisson", {}, "shares", "shares"),
    ("Hinge", {}, "ones", "numbers"),
    ("SquaredHinge", {}, "ones", "numbers"),
    ("CategoricalHinge", {}, "one-hot", "numbers"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "ones", "shares"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one-hot", "numbers"),
    ("SparseCategoricalCrossentropy", {}, "labels", "shares"),
]  # fmt: skip
ROWS, CLASSES = 12, 4
IDS = [f"{case[0]}-{case[1]}-{case[3]}" for case in CASES]


def drawn(kind, rng):
    shares = rng.uniform(size=(ROWS, CLASSES)).astype("f4")
    labels = rng.integers(0, CLASSES, ROWS)
    return {
        "numbers": shares * 4 - 2,
        "shares": shares,
        "one share": shares[:, :1],
        "ties": np.round(shares * 4) / 4,
        "ones": (shares > 0.5) * 1.0,
        "column": np.arange(ROWS)[:, None] % 2 * 1.0,
        "labels": labels,
        "label columns": labels[:, None],
        "one-hot": np.eye(CLASSES)[labels],
    }[kind]


def batches(case, seed):
    rng = np.random.default_rng(seed)
    for _ in range(3):
        weight = rng.uniform(0.1, 2, ROWS)
        yield drawn(case[2], rng), drawn(case[3], rng), weight


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(max_examples=5)
@given(seed=st.integers(0, 999))
def test_three_batches_as_in_keras(case, weighted, seed):
    name, options = case[:2]
    judge, ours = getattr(keras.metrics, name)(**options), getattr(metrics, name)(**options)
    if not judge.name.startswith(ours.name):  # Keras counts: auc_1, auc_2
        pytest.fail(f"{ours.name} is called {judge.name} in Keras")
    for y_true, y_pred, weight in batches(case, seed):
        data = (y_true, y_pred, weight) if weighted else (y_true, y_pred)
        judge.update_state(*data)
        ours.update_state(*data)
    # The judge sums in float32.
    np.testing.assert_allclose(ours.result(), np.asarray(judge.result()), rtol=5e-6, atol=2e-6)
    ours.reset_state()
    assert ours.result() == 0


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_two_batches_add_up_to_one(case):
    metric = getattr(metrics, case[0])(**case[1])
    first, second, _ = batches(case, 0)
    sums = [metric.measure(*batch) for batch in (first, second)]
    whole = metric.measure(*map(np.concatenate, zip(first, second, strict=True)))
    for key, part in whole.items():
        assert part.dtype == np.float64
        np.testing.assert_allclose(sums[0][key] + sums[1][key], part, rtol=1e-6, atol=1e-12)


def test_the_confusion_matrix_is_scikit_learns():
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(0)
    y, scores, weight = drawn("labels", rng), drawn("shares", rng), rng.uniform(size=ROWS)
    expected = confusion_matrix(y, scores.argmax(1), sample_weight=weight, labels=range(CLASSES))
    np.testing.assert_allclose(metrics.ConfusionMatrix(CLASSES)(y, scores, weight), expected)
    one_hot = metrics.ConfusionMatrix(CLASSES, sparse_y_true=False)
    np.testing.assert_allclose(one_hot(np.eye(CLASSES)[y], scores, weight), expected)


@settings(max_examples=10)
@given(seed=st.integers(0, 999))
def test_mean_iou_as_in_keras(seed):
    rng = np.random.default_rng(seed)
    judge, ours = keras.metrics.MeanIoU(CLASSES), metrics.MeanIoU(CLASSES)
    for _ in range(2):
        data = drawn("labels", rng) % 3, drawn("labels", rng) % 3
        with jax.enable_x64(True):  # Keras asks for int64
            judge.update_state(*data)
            theirs = np.asarray(judge.result())
        np.testing.assert_allclose(ours(*data), theirs, rtol=1e-5)


def test_mean_as_in_keras():
    judge, ours = keras.metrics.Mean(), metrics.Mean()
    for values, weight in (([1.0, 3.0], None), ([5.0, 7.0], [1.0, 0.0]), (4.0, None)):
        judge.update_state(values, weight)
        assert ours(values, weight) == pytest.approx(float(judge.result()), rel=1e-6)
    assert metrics.Mean()([1.0], [0.0]) == 0


def test_a_million_samples_are_counted_exactly():
    y = np.ones((1_000_001, 1), "f4")
    assert metrics.BinaryAccuracy().measure(y, y) == {"total": 1_000_001, "count": 1_000_001}


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


def test_every_metric_can_be_described():
    for metric in {*metrics.METRICS.values()}:
        again = metric.from_config(metric().get_config())
        assert again.name == metric().name
