"""True and false positives and negatives at thresholds. Names and values are Keras's.

A score falls between two thresholds; the numbers of ones and of zeros in each interval are summed.
The counts above a threshold, and all rates and curves, follow from these sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_count, check_number, check_positive, lookup
from chainrule._src.nn.losses.operands import EPSILON, pair, spread
from chainrule._src.nn.metrics.base import Metric, Sums, double, number, plain, ratio
from chainrule._src.ops.index import SCATTER, SLOT
from chainrule._src.ops.nn import SIGMOID

MOST = 100_000  # thresholds
NEVER = -1e10  # score of classes that are not among the first k: below every threshold


class AtThresholds(Metric):
    """Base class of metrics from the counts above and below thresholds.

    Parameters
    ----------
    thresholds : float or sequence of float in [0, 1], default 0.5
        A score above it is positive; with several, the result has an entry for each.
    top_k : int, optional
        The k highest scores of a sample are positive, other scores never are.
    class_id : int, optional
        Count only this column of scores.
    name : str, optional
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        where = type(self).__name__
        self.top_k = None if top_k is None else check_positive(top_k, "top_k", where)
        self.class_id = None if class_id is None else check_count(class_id, "class_id", where)
        usual = 0.5 if top_k is None else NEVER
        self._thresholds = np.array([usual]) if thresholds is None else _checked(thresholds, where)
        self._sorted = np.sort(self._thresholds)
        self._even = False  # if true, from 0 to 1 at equal distances, which is faster

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the weights of ones and of zeros by the number of exceeded thresholds."""
        y_true, scores = pair(y_true, y_pred, self.name)
        columns = scores.shape[-1] if scores.ndim > 1 else 0
        if self.top_k is not None:
            scores = _first(scores, self._within(self.top_k, columns, "top_k"))
        if self.class_id is not None:
            self._within(self.class_id + 1, columns, "class_id")
            y_true, scores = y_true[..., self.class_id], scores[..., self.class_id]
        return tallied(
            y_true, scores, self.exceeded(scores), len(self._sorted), sample_weight, self.name
        )

    def exceeded(self, scores: Any) -> Any:
        """Return the number of thresholds that each score exceeds."""
        if self._even:
            steps = len(self._sorted) - 1
            return np.maximum(np.ceil(np.clip(scores, 0, 1) * steps), 1).astype(np.int64)
        levels = self._sorted.astype(scores.dtype)
        return np.sum(scores[..., None] > levels, axis=-1)

    def counts(self, sums: Sums) -> tuple[Any, Any, Any, Any]:
        """Return true positives, false positives, true negatives, false negatives."""
        index = np.searchsorted(self._sorted, self._thresholds)
        above = {k: np.cumsum(part[::-1], axis=0)[::-1][1:][index] for k, part in sums.items()}
        true, false = above["positives"], above["negatives"]
        zeros, ones = (sums[key].sum(axis=0) for key in ("negatives", "positives"))
        return true, false, zeros - false, ones - true

    def _within(self, number: int, columns: int, name: str) -> int:
        if number > columns:
            raise ShapeError(
                f"{self.name}: {name} asks for at least {number} columns of scores, received "
                f"{columns}"
            )
        return number


class Precision(AtThresholds):
    """Computes the share of the positives that are right.

    Parameters
    ----------
    thresholds : float or sequence of float in [0, 1], default 0.5
        A score above it is positive; with several, the result has an entry for each.
    top_k : int, optional
        The k highest scores of a sample are positive, other scores never are.
    class_id : int, optional
        Count only this column of scores.
    name : str, optional
    dtype : dtype, optional
        Parameter of `Metric`.

    Raises
    ------
    DataError
        If a threshold is not from 0 to 1, or ``top_k`` or ``class_id`` is not a whole number.

    Examples
    --------
    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    def value(self, sums: Sums) -> Any:
        """Return the share of true positives among positives; 0 if there are no positives."""
        true, false, _, _ = self.counts(sums)
        return plain(ratio(true, true + false))


class Recall(AtThresholds):
    """Computes the share of the ones that are predicted as positive.

    Parameters
    ----------
    thresholds, top_k, class_id, name, dtype
        Parameters of `Precision`.

    Raises
    ------
    DataError
        As for `Precision`.

    Examples
    --------
    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    def value(self, sums: Sums) -> Any:
        """Return the share of true positives among ones; 0 if there are no ones."""
        true, _, _, missed = self.counts(sums)
        return plain(ratio(true, true + missed))


class _Count(AtThresholds):
    """Base class of metrics that are one of the four counts."""

    which: int

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)

    def value(self, sums: Sums) -> Any:
        """Return the count at each threshold."""
        return plain(self.counts(sums)[self.which])


class TruePositives(_Count):
    """Adds up the weights of the ones that score above the thresholds.

    Parameters
    ----------
    thresholds : float or sequence of float in [0, 1], default 0.5
        Thresholds; with several, the result has an entry for each.
    name, dtype
        Parameters of `Metric`.

    Raises
    ------
    DataError
        If a threshold is not from 0 to 1.

    Examples
    --------
    >>> TruePositives()([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
    2.0
    >>> TruePositives(thresholds=[0.1, 0.75])([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
    array([3., 1.])
    """

    which = 0


class FalsePositives(_Count):
    """Adds up the weights of the zeros that score above the thresholds.

    Parameters
    ----------
    thresholds : float or sequence of float in [0, 1], default 0.5
        Thresholds; with several, the result has an entry for each.
    name, dtype
        Parameters of `Metric`.

    Raises
    ------
    DataError
        If a threshold is not from 0 to 1.

    Examples
    --------
    >>> FalsePositives()([0, 0, 1, 1], [0.9, 0.2, 0.8, 0.7])
    1.0
    """

    which = 1


class TrueNegatives(_Count):
    """Adds up the weights of the zeros that do not score above the thresholds.

    Parameters
    ----------
    thresholds : float or sequence of float in [0, 1], default 0.5
        Thresholds; with several, the result has an entry for each.
    name, dtype
        Parameters of `Metric`.

    Raises
    ------
    DataError
        If a threshold is not from 0 to 1.

    Examples
    --------
    >>> TrueNegatives()([0, 0, 0, 1], [0.9, 0.2, 0.1, 0.7])
    2.0
    """

    which = 2


class FalseNegatives(_Count):
    """Adds up the weights of the ones that do not score above the thresholds.

    Parameters
    ----------
    thresholds : float or sequence of float in [0, 1], default 0.5
        Thresholds; with several, the result has an entry for each.
    name, dtype
        Parameters of `Metric`.

    Raises
    ------
    DataError
        If a threshold is not from 0 to 1.

    Examples
    --------
    >>> FalseNegatives()([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
    1.0
    >>> FalseNegatives()([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7], sample_weight=[1, 5, 1, 1])
    5.0
    """

    which = 3


class _BestRate(AtThresholds):
    """Base class: the highest rate over all thresholds at which another rate is high enough.

    Attributes
    ----------
    level : str
        The name of the argument with the smallest value of the other rate.
    """

    level: ClassVar[str]

    def __init__(
        self, least: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any
    ) -> None:
        super().__init__(class_id=class_id, name=name, dtype=dtype)
        where = type(self).__name__
        self.least = check_number(least, self.level, where)
        if self.least > 1:
            raise DataError(f"{where}: {self.level} must be from 0 to 1, received {least!r}")
        self.num_thresholds = check_positive(num_thresholds, "num_thresholds", where)
        if self.num_thresholds > 1:
            self._thresholds = self._sorted = np.linspace(0, 1, self.num_thresholds)
            self._even = True

    def rates(self, true: Any, false: Any, rejected: Any, missed: Any) -> tuple[Any, Any]:
        """Return the rate that must be high enough, and the rate to maximise."""
        raise NotImplementedError

    def value(self, sums: Sums) -> Any:
        """Return the highest rate; 0 if the other rate is never high enough."""
        condition, rate = self.rates(*self.counts(sums))
        return number(np.max(np.where(condition >= self.least, rate, 0.0)))


class SensitivityAtSpecificity(_BestRate):
    """Computes the highest true positive rate at thresholds with a sufficient true negative rate.

    Parameters
    ----------
    specificity : float in [0, 1]
        The smallest sufficient true negative rate.
    num_thresholds : int, default 200
        Number of thresholds, at equal distances from 0 to 1.
    class_id : int, optional
        Count only this column of scores.
    name, dtype : optional

    Raises
    ------
    DataError
        If ``specificity`` is not from 0 to 1, or ``num_thresholds`` or ``class_id`` is not a whole
        number.

    Examples
    --------
    >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    level = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = self.least

    def rates(self, true: Any, false: Any, rejected: Any, missed: Any) -> tuple[Any, Any]:
        """Return true negative and true positive rates."""
        return ratio(rejected, rejected + false), ratio(true, true + missed)


class SpecificityAtSensitivity(_BestRate):
    """Computes the highest true negative rate at thresholds with a sufficient true positive rate.

    Parameters
    ----------
    sensitivity : float in [0, 1]
        The smallest sufficient true positive rate.
    num_thresholds, class_id, name, dtype
        Parameters of `SensitivityAtSpecificity`.

    Raises
    ------
    DataError
        If ``sensitivity`` is not from 0 to 1, or ``num_thresholds`` or ``class_id`` is not a whole
        number.

    Examples
    --------
    >>> SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.9])
    1.0
    """

    level = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = self.least

    def rates(self, true: Any, false: Any, rejected: Any, missed: Any) -> tuple[Any, Any]:
        """Return true positive and true negative rates."""
        return ratio(true, true + missed), ratio(rejected, rejected + false)


class PrecisionAtRecall(_BestRate):
    """Computes the highest precision at thresholds with a sufficient recall.

    Parameters
    ----------
    recall : float in [0, 1]
        The smallest sufficient recall.
    num_thresholds, class_id, name, dtype
        Parameters of `SensitivityAtSpecificity`.

    Raises
    ------
    DataError
        If ``recall`` is not from 0 to 1, or ``num_thresholds`` or ``class_id`` is not a whole
        number.

    Examples
    --------
    >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.9])
    1.0
    >>> PrecisionAtRecall(1.0)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.9])  # the first is negative
    0.5
    """

    level = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = self.least

    def rates(self, true: Any, false: Any, rejected: Any, missed: Any) -> tuple[Any, Any]:
        """Return recall and precision."""
        return ratio(true, true + missed), ratio(true, true + false)


class RecallAtPrecision(_BestRate):
    """Computes the highest recall at thresholds with a sufficient precision.

    Parameters
    ----------
    precision : float in [0, 1]
        The smallest sufficient precision.
    num_thresholds, class_id, name, dtype
        Parameters of `SensitivityAtSpecificity`.

    Raises
    ------
    DataError
        If ``precision`` is not from 0 to 1, or ``num_thresholds`` or ``class_id`` is not a whole
        number.

    Examples
    --------
    >>> RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])  # only the last is positive
    0.5
    """

    level = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = self.least

    def rates(self, true: Any, false: Any, rejected: Any, missed: Any) -> tuple[Any, Any]:
        """Return precision and recall."""
        return ratio(true, true + false), ratio(true, true + missed)


class AUC(AtThresholds):
    """Computes the area under a curve from its points at thresholds.

    Parameters
    ----------
    num_thresholds : int of at least 2, default 200
        Number of thresholds, at equal distances from 0 to 1.
    curve : {"ROC", "PR", "PRGAIN"}, default "ROC"
        True positive rate over false positive rate, precision over recall, or precision gain over
        recall gain (Flach, Kull, *Precision-Recall-Gain Curves*, 2015).
    summation_method : {"interpolation", "minoring", "majoring"}, default "interpolation"
        Height between two points: their mean, the lower or the higher one. For ``"PR"`` the first
        interpolates true and false positives (Davis, Goadrich, *The Relationship Between
        Precision-Recall and ROC Curves*, 2006).
    name : str, default "auc"
    dtype : dtype, optional
        Parameter of `Metric`.
    thresholds : sequence of float in [0, 1], optional
        Thresholds instead of ``num_thresholds``; 0 and 1 are added.
    multi_label : bool, default False
        If true, there is one curve per column, and the areas are averaged.
    num_labels : int, optional
        Number of columns with ``multi_label``.
    label_weights : sequence of float, optional
        Weights of the columns.
    from_logits : bool, default False
        If true, the sigmoid is applied to the scores.

    Raises
    ------
    UnknownNameError
        If there is no such curve or summation method.
    DataError
        If ``num_thresholds`` is below 2 or ``thresholds`` is set as well, if a threshold is not
        from 0 to 1, or if ``num_labels`` is set without ``multi_label``.

    Examples
    --------
    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    def __init__(
        self,
        num_thresholds: int | None = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        num_thresholds = 200 if num_thresholds is None else num_thresholds
        self.num_thresholds = check_positive(num_thresholds, "num_thresholds", "AUC")
        if not 2 <= self.num_thresholds <= MOST:
            raise DataError(
                f"AUC: num_thresholds must be from 2 to {MOST:,}, received {num_thresholds}"
            )
        if thresholds is not None and num_thresholds != 200:
            raise DataError("AUC: expected either num_thresholds or thresholds, received both")
        between = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
        inner = sorted(_checked(between if thresholds is None else thresholds, "AUC"))
        super().__init__(name=name, dtype=dtype)
        self._thresholds = self._sorted = np.array([-EPSILON, *inner, 1 + EPSILON])
        self._even = thresholds is None
        self.curve = lookup("curve", curve, {key: key for key in ("ROC", "PR", "PRGAIN")})
        self.summation_method = lookup(
            "summation method", summation_method,
            {key: key for key in ("interpolation", "minoring", "majoring")},
        )  # fmt: skip
        if num_labels is not None and not multi_label:
            raise DataError("AUC: num_labels is for multi_label=True alone")
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the weights of ones and of zeros by the number of exceeded thresholds."""
        y_true, scores = pair(y_true, y_pred, self.name)
        columns = scores.shape[-1] if scores.ndim == 2 else None
        if self.multi_label and columns != (self.num_labels or columns or 0):
            raise ShapeError(
                f"{self.name}: expected shape (n, {self.num_labels or 'k'}), with a column for "
                f"each label, received {scores.shape}"
            )
        if self.label_weights is not None:
            labels = np.asarray(self.label_weights, dtype=float)[None]
            labels = spread(labels, scores.shape, labels.dtype, self.name)
            if sample_weight is not None:
                labels = labels * spread(sample_weight, scores.shape, labels.dtype, self.name)
            sample_weight = sample_weight if self.multi_label else labels
        return tallied(
            y_true, scores, self.exceeded(scores), len(self._sorted), sample_weight, self.name,
            columns if self.multi_label else None,
        )  # fmt: skip

    def exceeded(self, scores: Any) -> Any:
        """Return the number of thresholds that each score exceeds."""
        return super().exceeded(SIGMOID(scores) if self.from_logits else scores)

    def value(self, sums: Sums) -> Any:
        """Return the area, or the mean of the areas of all columns."""
        areas = self._areas(*self.counts(sums))
        if not self.multi_label or self.label_weights is None:
            return number(np.mean(areas))
        weights = np.asarray(self.label_weights)
        return number(ratio(np.sum(areas * weights), np.sum(weights)))

    def _areas(self, true: Any, false: Any, rejected: Any, missed: Any) -> Any:
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated(true, false, rejected, missed)
        recall = ratio(true, true + missed)
        x, y = recall, ratio(true, true + false)
        if self.curve == "ROC":
            x, y = ratio(false, false + rejected), recall
        elif self.curve == "PRGAIN":
            odds = ratio(true + missed, rejected + false)
            x = np.where(true == 0, 0, np.maximum(1 - odds * ratio(missed, true), 0))
            y = np.where(true == 0, 1, 1 - odds * ratio(false, true))
        heights = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": np.minimum(y[:-1], y[1:]),
            "majoring": np.maximum(y[:-1], y[1:]),
        }[self.summation_method]
        return np.sum((x[:-1] - x[1:]) * heights, axis=0)


def _interpolated(true: Any, false: Any, rejected: Any, missed: Any) -> Any:
    """Return the area under precision over recall, with true positives linear in positives."""
    positives = true + false
    gained, more = true[:-1] - true[1:], positives[:-1] - positives[1:]
    slope = ratio(gained, np.maximum(more, 0))
    start = true[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    growth = np.where(both, ratio(positives[:-1], positives[1:]), 1)
    pieces = slope * (gained + start * np.log(growth))
    return np.sum(ratio(pieces, true[1:] + missed[1:]), axis=0)


def tallied(
    y_true: Any, scores: Any, exceeded: Any, thresholds: int, sample_weight: Any, where: str,
    columns: int | None = None,
) -> Sums:  # fmt: skip
    """Return the weights of ones and of zeros by the number of exceeded thresholds.

    If ``columns`` is set, the weights of each column are summed separately.
    """
    is_one = double(y_true != 0)
    weight: Any = 1.0
    if sample_weight is not None:
        weight = spread(sample_weight, scores.shape, np.dtype(np.float64), where)
    places, shape = [np.ravel(exceeded)], [thresholds + 1]
    if columns is not None:
        places.append(np.ravel(exceeded * 0 + np.arange(columns)))
        shape.append(columns)

    def tally(amounts: Any) -> Any:
        return SCATTER(
            np.ravel(amounts), *places, index=(SLOT,) * len(shape), shape=tuple(shape),
            dtype=np.float64,
        )  # fmt: skip

    return {"positives": tally(is_one * weight), "negatives": tally((1 - is_one) * weight)}


def _first(scores: Any, k: int) -> Any:
    """Return scores with `NEVER` for all but the k highest of each row; of ties the first wins."""
    scores_i, scores_j = scores[..., :, None], scores[..., None, :]
    before = np.tri(scores.shape[-1], k=-1, dtype=bool)
    rank = np.sum((scores_j > scores_i) | ((scores_j == scores_i) & before), axis=-1)
    return np.where(rank < k, scores, NEVER)


def _checked(thresholds: Any, where: str) -> Any:
    levels = [thresholds] if np.ndim(thresholds) == 0 else list(thresholds)
    for threshold in levels:
        check_number(threshold, "thresholds", where)
        if threshold > 1:
            raise DataError(f"{where}: thresholds must be from 0 to 1, received {threshold!r}")
    return np.array(levels, dtype=float)
