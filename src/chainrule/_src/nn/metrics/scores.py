"""Scores from several sums: F scores, the coefficient of determination, confusion matrices.

Names, arguments, defaults and values are Keras's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_count, check_number, check_positive, lookup
from chainrule._src.nn.losses.operands import EPSILON, class_numbers, floats, pair, spread
from chainrule._src.nn.metrics.base import Metric, Sums, double, number, plain, ratio
from chainrule._src.ops.index import SCATTER, SLOT

AVERAGES = ("micro", "macro", "weighted")
AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class FBetaScore(Metric):
    r"""Computes the weighted harmonic mean of precision and recall.

    .. math:: (1 + \beta^2) \frac{P R}{\beta^2 P + R}

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None: one entry per class; ``"micro"``: from all classes' counts; ``"macro"``: the mean over
        classes; ``"weighted"``: the mean weighted by the frequency of each class.
    beta : float, default 1
        Weight of recall relative to precision.
    threshold : float in (0, 1], optional
        A score above it is positive; by default only the highest score of a sample is positive.
    name : str, default "fbeta_score"
    dtype : dtype, optional
        Parameter of `Metric`.

    Raises
    ------
    UnknownNameError
        If there is no such average.
    DataError
        If ``beta`` is not above 0, or ``threshold`` is not above 0 and at most 1.

    Examples
    --------
    >>> FBetaScore(average="micro", beta=2.0, threshold=0.5)(
    ...     [[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
    ... )
    0.66667
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        where = type(self).__name__
        if average is not None:
            lookup("average", average, dict.fromkeys(AVERAGES))
        self.average, self.threshold = average, threshold
        self.beta = check_number(beta, "beta", where)
        if threshold is not None:
            check_number(threshold, "threshold", where)
        if self.beta == 0 or (threshold is not None and not 0 < threshold <= 1):
            raise DataError(
                f"{where}: beta must be above 0 and threshold from above 0 to 1, received "
                f"{beta!r} and {threshold!r}"
            )

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return true positives, false positives and false negatives of each class."""
        y_true, scores = _matrices(y_true, y_pred, self.name)
        if self.threshold is None:
            highest = np.max(scores, axis=-1, keepdims=True)
            chosen = (scores >= highest) & (np.abs(scores) > 1e-9)
        else:
            chosen = scores > self.threshold
        y_true, chosen = double(y_true), double(chosen)
        weight: Any = 1.0
        if sample_weight is not None:
            weight = spread(sample_weight, scores.shape, y_true.dtype, self.name)
        return {
            "true_positives": np.sum(chosen * y_true * weight, axis=0),
            "false_positives": np.sum(chosen * (1 - y_true) * weight, axis=0),
            "false_negatives": np.sum((1 - chosen) * y_true * weight, axis=0),
        }

    def value(self, sums: Sums) -> Any:
        """Return the score, or one score per class."""
        parts = [sums["true_positives"], sums["false_positives"], sums["false_negatives"]]
        right, wrong, missed = map(np.sum, parts) if self.average == "micro" else parts
        precision = right / (right + wrong + EPSILON)
        recall = right / (right + missed + EPSILON)
        square = self.beta**2
        score = (1 + square) * precision * recall / (square * precision + recall + EPSILON)
        if self.average is None:
            return score
        weights = right + missed
        if self.average == "weighted":
            return number(np.sum(score * weights) / (np.sum(weights) + EPSILON))
        return number(np.mean(score))


class F1Score(FBetaScore):
    """Computes `FBetaScore` with beta 1, the harmonic mean of precision and recall.

    Parameters
    ----------
    average, threshold
        Parameters of `FBetaScore`.
    name : str, default "f1_score"
    dtype : dtype, optional
        Parameter of `Metric`.

    Raises
    ------
    UnknownNameError, DataError
        As for `FBetaScore`.

    Examples
    --------
    >>> F1Score(threshold=0.5)([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.6]]).round(4)
    array([0.6667, 0.6667])
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)


class R2Score(Metric):
    r"""Computes the coefficient of determination, :math:`1 - \sum (y - p)^2 / \sum (y - \bar y)^2`.

    Parameters
    ----------
    class_aggregation : {None, "uniform_average", "variance_weighted_average"}
        Average of the outputs' scores; None returns one entry per output.
    num_regressors : int, default 0
        Number of features, for the adjusted score; 0 for the plain score.
    name : str, default "r2_score"
    dtype : dtype, optional
        Parameter of `Metric`.

    Raises
    ------
    UnknownNameError
        If there is no such average.
    DataError
        If ``num_regressors`` is not a whole number of at least 0.

    Examples
    --------
    >>> R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    0.5714
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        if class_aggregation is not None:
            lookup("class aggregation", class_aggregation, dict.fromkeys(AGGREGATIONS))
        self.class_aggregation = class_aggregation
        self.num_regressors = check_count(num_regressors, "num_regressors", "R2Score")

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the sums of targets, of their squares and of squared errors of each output."""
        y_true, y_pred = (double(part) for part in _matrices(y_true, y_pred, self.name))
        weight = np.ones(y_true.shape)
        if sample_weight is not None:
            weight = weight * spread(sample_weight, y_true.shape, y_true.dtype, self.name)
        return {
            "sum": np.sum(y_true * weight, axis=0),
            "squared_sum": np.sum(y_true**2 * weight, axis=0),
            "squared_errors": np.sum((y_true - y_pred) ** 2 * weight, axis=0),
            "count": np.sum(weight, axis=0),
            "entries": np.asarray(float(y_true.size)),
        }

    def value(self, sums: Sums) -> Any:
        """Return the score; an output whose targets are all equal, up to rounding, scores 0."""
        variation = sums["squared_sum"] - ratio(sums["sum"] ** 2, sums["count"])
        varies = variation > 1e-14 * sums["squared_sum"]
        scores = np.where(varies, 1 - sums["squared_errors"] / np.where(varies, variation, 1), 0)
        score: Any = scores
        if self.class_aggregation == "uniform_average":
            score = np.mean(scores)
        elif self.class_aggregation:
            score = ratio(np.sum(variation * scores), np.sum(variation))
        freedom = sums["entries"] - self.num_regressors - 1
        if self.num_regressors:
            adjusted = 1 - (1 - score) * (sums["entries"] - 1) / np.maximum(freedom, 1)
            score = np.where(freedom > 0, adjusted, score)
        return plain(score) if self.class_aggregation else score


class ConfusionMatrix(Metric):
    """Counts samples by true class and predicted class: the confusion matrix.

    Parameters
    ----------
    num_classes : int
        Number of classes.
    sparse_y_true : bool, default True
        If true, targets are class numbers, else one-hot rows.
    sparse_y_pred : bool, default False
        If true, predictions are class numbers, else rows of scores, whose highest is the class.
    name : str, default "confusion_matrix"
    dtype : dtype, optional
        Parameter of `Metric`.

    Raises
    ------
    DataError
        If ``num_classes`` is not a whole number of at least 1.

    Examples
    --------
    >>> ConfusionMatrix(2)([0, 1, 1], [[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    array([[1., 0.],
           [1., 1.]])
    """

    ignore_class: int | None = None

    def __init__(
        self,
        num_classes: int,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = False,
        name: str | None = "confusion_matrix",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.num_classes = check_positive(num_classes, "num_classes", type(self).__name__)
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the confusion matrix of weights: rows are true, columns predicted classes."""
        true = self._numbers(y_true, "y_true", self.sparse_y_true, self.ignore_class)
        pred = self._numbers(y_pred, "y_pred", self.sparse_y_pred)
        if true.shape != pred.shape:
            raise ShapeError(
                f"{self.name}: expected as many targets as predictions, received {true.shape} and "
                f"{pred.shape}"
            )
        weight = np.ones(true.shape)
        if sample_weight is not None:
            weight = weight * spread(sample_weight, true.shape, np.dtype(np.float64), self.name)
        if self.ignore_class is not None:
            counts = true != self.ignore_class
            true, weight = np.where(counts, true, 0), np.where(counts, weight, 0.0)
        shape = (self.num_classes, self.num_classes)
        matrix = SCATTER(
            np.ravel(weight), np.ravel(true), np.ravel(pred),
            index=(SLOT, SLOT), shape=shape, dtype=np.float64,
        )  # fmt: skip
        return {"matrix": matrix}

    def value(self, sums: Sums) -> Any:
        """Return the confusion matrix."""
        return sums["matrix"]

    def _numbers(self, y: Any, name: str, sparse: bool, ignored: int | None = None) -> Any:
        """Return class numbers, shape (n,)."""
        y = floats(y, name, self.name)
        if sparse:
            like = np.empty(
                (*(y.shape[:-1] if y.shape[-1:] == (1,) else y.shape), self.num_classes)
            )
            return class_numbers(y, like, self.name, ignored)
        if y.shape[-1] != self.num_classes:
            raise ShapeError(
                f"{self.name}: expected {name} to have {self.num_classes} columns, one a class, "
                f"received shape {y.shape}"
            )
        return np.argmax(y, axis=-1)


def _matrices(y_true: Any, y_pred: Any, where: str) -> tuple[Any, Any]:
    """Return targets and predictions of shape (n, k); a single output has shape (n, 1)."""
    y_true, y_pred = pair(y_true, y_pred, where)
    if y_pred.ndim == 1:
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    if y_pred.ndim != 2:
        raise ShapeError(f"{where}: expected shape (n, k), received {y_pred.shape}")
    return y_true, y_pred
