"""What no metric takes."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.cases import case

from chainrule._src.nn import metrics
from chainrule.errors import DataError, ShapeError, UnknownNameError

PAIRED = [name for name in metrics.METRICS if "sparse" not in name]
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@pytest.mark.sampled(quick=8)
@pytest.mark.parametrize("name", PAIRED)
@given(true=shapes, pred=shapes)
def test_shapes_that_would_broadcast_are_refused(name, true, pred):
    assume(true != pred and true != (*pred, 1) and pred != (*true, 1))
    metric = metrics.METRICS[name]()
    with pytest.raises(ShapeError) as error:
        metric.update_state(np.ones(true), np.ones(pred))
    assert str(true) in str(error.value)
    assert metric.result() == 0


@pytest.mark.parametrize("name", [name for name in metrics.METRICS if "sparse" in name])
@given(labels=shapes, scores=shapes)
def test_class_numbers_are_one_a_sample(name, labels, scores):
    assume(labels not in (scores[:-1], (*scores[:-1], 1)))
    with pytest.raises(ShapeError, match="one class number a sample"):
        metrics.METRICS[name]()(np.zeros(labels), np.ones(scores))


@pytest.mark.parametrize("bad", [np.nan, np.inf, "text", None])
def test_targets_are_finite_numbers(bad):
    for name, metric in metrics.METRICS.items():
        y_pred = np.full((2, 3), 0.5)
        y_true = np.array([bad, 1.0]) if "sparse" in name else np.array([[bad, 0, 0], [1.0, 0, 0]])
        with case(name), pytest.raises(DataError):
            metric()(y_true, y_pred)


@pytest.mark.parametrize("weight", [np.ones(3), np.ones((2, 2)), [1.0, np.nan], ["a", "b"]])
def test_weights_are_one_a_sample(weight):
    for name, metric in metrics.METRICS.items():
        y_true = [0, 1] if "sparse" in name else np.eye(2, 3)
        with case(name), pytest.raises(DataError if np.shape(weight) == (2,) else ShapeError):
            metric()(y_true, np.full((2, 3), 0.5), weight)


ARGUMENTS = [
    (lambda: metrics.get("accurancy", None, (None, 3), "t"), UnknownNameError, "'accuracy'"),
    (lambda: metrics.get(7, None, (None, 3), "fit"), DataError, "fit: a metric must be"),
    (lambda: metrics.get(dict, None, (None, 3), "fit"), DataError, "fit: a metric must"),
    (lambda: metrics.MeanMetricWrapper(7), DataError, "must be a function"),
    (lambda: metrics.AUC(curve="ROCK"), UnknownNameError, "did you mean 'ROC'"),
    (lambda: metrics.AUC(summation_method="lower"), UnknownNameError, "minoring"),
    (lambda: metrics.AUC(num_thresholds=1), DataError, "from 2 to 100,000"),
    (lambda: metrics.AUC(num_thresholds=5, thresholds=[0.5]), DataError, "received both"),
    (lambda: metrics.Precision(1.5), DataError, "from 0 to 1"),
    (lambda: metrics.Precision(["a"]), DataError, "thresholds"),
    (lambda: metrics.Recall(top_k=0), DataError, "top_k"),
    (lambda: metrics.Recall(class_id=-1), DataError, "class_id"),
    (lambda: metrics.Recall(class_id="1"), DataError, "class_id"),
    (lambda: metrics.F1Score(average="mean"), UnknownNameError, "macro"),
    (lambda: metrics.F1Score(threshold=0.0), DataError, "threshold"),
    (lambda: metrics.FBetaScore(beta=0.0), DataError, "beta"),
    (lambda: metrics.R2Score(num_regressors=1.5), DataError, "num_regressors"),
    (lambda: metrics.R2Score(class_aggregation="mean"), UnknownNameError, "uniform_average"),
    (lambda: metrics.TopKCategoricalAccuracy(k=0), DataError, "k must be"),
    (lambda: metrics.BinaryAccuracy(threshold="a"), DataError, "threshold"),
    (lambda: metrics.ConfusionMatrix(0), DataError, "num_classes"),
    (lambda: metrics.CosineSimilarity(axis=0.5), DataError, "axis"),
    (lambda: metrics.BinaryCrossentropy(label_smoothing=2), DataError, "label_smoothing"),
    (lambda: metrics.Recall(treshold=0.5), UnknownNameError, "did you mean 'thresholds'"),
    (lambda: metrics.IoU(2, []), DataError, "target_class_ids must be below num_classes"),
    (lambda: metrics.BinaryIoU(threshold="half"), DataError, "threshold must be a finite number"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "match"), ARGUMENTS)
def test_arguments_are_checked(make, error, match):
    with pytest.raises(error, match=match):
        make()


USES = [
    (lambda: metrics.Precision(class_id=3)(np.eye(2), np.eye(2)), "class_id"),
    (lambda: metrics.Precision(top_k=3)(np.eye(2), np.eye(2)), "top_k"),
    (lambda: metrics.F1Score()(np.ones((2, 2, 2)), np.ones((2, 2, 2))), r"\(n, k\)"),
    (lambda: metrics.ConfusionMatrix(3)([0, 1], np.eye(2)), "3 columns"),
    (lambda: metrics.MeanIoU(3)([0, 1, 2], [0, 1]), "as many targets"),
    (lambda: metrics.MeanMetricWrapper(lambda t, p: t[:1])([1.0, 2.0], [1.0, 2.0]), "one value"),
    (lambda: metrics.MeanMetricWrapper(lambda t, p: p - t[:, None, None])([1, 2], np.eye(2)),
     r"\(2, 2, 2\)"),
]  # fmt: skip


@pytest.mark.parametrize(("use", "match"), USES)
def test_what_does_not_fit_is_refused(use, match):
    with pytest.raises(ShapeError, match=match):
        use()


def test_class_numbers_outside_the_matrix_are_refused():
    with pytest.raises(DataError, match="from 0 to 1"):
        metrics.ConfusionMatrix(2, sparse_y_pred=True)([0, 2], [0, 1])


def test_a_class_without_its_two_functions_says_so():
    with pytest.raises(NotImplementedError, match="must define measure"):
        metrics.Metric()([1.0], [1.0])
