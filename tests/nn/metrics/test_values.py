"""Values of metrics, against scikit-learn's and against their own sums."""

import numpy as np
import pytest

from chainrule._src.nn import metrics

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
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels", "shares"),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "labels", "order"),
    *(("AUC", {"multi_label": True, "num_labels": 4, "label_weights": weights, "curve": curve},
       "ones", "shares") for weights in (None, [1.0, 2.0, 0.0, 1.0]) for curve in ("ROC", "PR")),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5, 1.0]}, "ones", "shares"),
    ("AUC", {"curve": "PRGAIN", "num_thresholds": 20}, "column", "one share"),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, "column", "one share"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, "one-hot", "shares"),
    ("PrecisionAtRecall", {"recall": 0.6, "class_id": 1}, "one-hot", "shares"),
    ("RecallAtPrecision", {"precision": 0.3, "num_thresholds": 20}, "one-hot", "shares"),
    ("PearsonCorrelation", {}, "numbers", "numbers"),
    ("ConcordanceCorrelation", {}, "numbers", "numbers"),
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
        "order": np.argsort(shares, axis=-1),
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


def test_a_million_samples_are_counted_exactly():
    y = np.ones((1_000_001, 1), "f4")
    assert metrics.BinaryAccuracy().measure(y, y) == {"total": 1_000_001, "count": 1_000_001}


def test_every_metric_can_be_described():
    for metric in {*metrics.METRICS.values()}:
        again = metric.from_config(metric().get_config())
        assert again.name == metric().name
