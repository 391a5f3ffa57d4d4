"""What all metrics share: sums over a batch, which add up over batches, and the value of the sums.

`Metric.measure` and `Metric.value` are pure functions: a training step that measures is recorded
and compiled as one program. Keras's ``update_state`` and ``result`` keep the sums between batches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from chainrule.config import Configurable, snake_case
from chainrule.errors import DataError, ShapeError
from chainrule.losses.operands import same_rank, spread
from chainrule.ops import Traced
from chainrule.validation import as_numbers

Sums = dict[str, Any]


class Metric(Configurable):
    """A metric: what is summed over the samples, and what the sums amount to.

    A metric of your own is a function of ``(y_true, y_pred)`` in NumPy that gives a value a sample,
    or a class with ``measure`` and ``value``.

    Parameters
    ----------
    name : str, optional
        What it is called in a history; by default the class's name in small letters.

    Examples
    --------
    >>> class Bias(Metric):
    ...     def measure(self, y_true, y_pred, sample_weight=None):
    ...         return {"total": np.sum(y_pred - y_true), "count": np.size(y_pred)}
    ...
    ...     def value(self, sums):
    ...         return float(sums["total"] / sums["count"])
    >>> bias = Bias()
    >>> bias.update_state(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    >>> bias.update_state(np.array([0.0, 0.0]), np.array([0.0, 0.0]))
    >>> bias.result()
    0.5
    """

    family: ClassVar[str] = "metrics."

    def __init__(self, name: str | None = None) -> None:
        self.name = snake_case(type(self).__name__) if name is None else name
        self._sums: Sums = {}

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the sums over a batch, by name.

        Parameters
        ----------
        y_true, y_pred : array_like or Tensor, shape (n, ...)
        sample_weight : array_like or Tensor, shape (n,) or (n, 1), optional

        Returns
        -------
        dict of str to array
            In float64. Those of two batches, added, are those of both together.

        Raises
        ------
        ShapeError, DataError
            If the arguments do not fit each other.
        """
        raise NotImplementedError(f"{type(self).__name__} must define measure")

    def value(self, sums: Sums) -> Any:
        """Return the metric of some sums: a float, or an array of one a class or a threshold."""
        raise NotImplementedError(f"{type(self).__name__} must define value")

    def update_state(self, *data: Any, **options: Any) -> None:
        """Take in a batch: the arguments are those of `measure`."""
        sums = self.measure(*data, **options)
        kept = self._sums
        self._sums = {key: kept[key] + part for key, part in sums.items()} if kept else sums

    def result(self) -> Any:
        """Return the metric of all batches since the last reset; 0 before the first."""
        return self.value(self._sums) if self._sums else 0.0

    def reset_state(self) -> None:
        """Forget all batches."""
        self._sums = {}

    def __call__(self, *data: Any, **options: Any) -> Any:
        """Take in a batch and return the result."""
        self.update_state(*data, **options)
        return self.result()


class MeanOfValues(Metric):
    """A metric that is the weighted mean of a value a sample."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values of a batch, shape (n,) or (n, ...)."""
        raise NotImplementedError(f"{type(self).__name__} must define values")

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the weighted sum of the values, and the sum of the weights."""
        return summed(self.values(y_true, y_pred), sample_weight, self.name)

    def value(self, sums: Sums) -> float:
        """Return the mean; 0 where the weights sum to 0."""
        return float(ratio(sums["total"], sums["count"]))


class Mean(MeanOfValues):
    """The weighted mean of given values.

    Examples
    --------
    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean([5.0], sample_weight=[2.0])
    3.5
    """

    def measure(self, values: Any, sample_weight: Any = None) -> Sums:  # type: ignore[override]
        """Return the weighted sum of the values, and the sum of the weights."""
        return summed(values, sample_weight, self.name)


class MeanMetricWrapper(MeanOfValues):
    """The weighted mean of what a function of ``(y_true, y_pred)`` gives for each sample.

    Parameters
    ----------
    fn : callable
        In NumPy; returns a value a sample.
    name : str, optional
        By default the function's.

    Examples
    --------
    >>> def within_half(y_true, y_pred):
    ...     return np.abs(y_true - y_pred) <= 0.5
    >>> MeanMetricWrapper(within_half)([0.0, 1.0], [0.2, 3.0])
    0.5
    """

    def __init__(self, fn: Callable[[Any, Any], Any], name: str | None = None) -> None:
        if not callable(fn):
            raise DataError(f"a metric must be a function of (y_true, y_pred), received {fn!r}")
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__))
        self.fn = fn

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function returns."""
        y_true, y_pred = same_rank(
            numbers(y_true, "y_true", self.name), numbers(y_pred, "y_pred", self.name)
        )
        values = numbers(self.fn(y_true, y_pred), "the metric", self.name)
        if values.shape != y_pred.shape[: max(values.ndim, 1)]:
            raise ShapeError(
                f"{self.name}: expected one value a sample for y_pred of shape {y_pred.shape}, "
                f"but the function returned shape {values.shape}"
            )
        return values


class FunctionMetric(MeanOfValues):
    """The mean of a function of this library that takes no further arguments.

    Attributes
    ----------
    function : callable
    """

    function: Callable[[Any, Any], Any]

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values of a batch."""
        return self.function(y_true, y_pred)


def numbers(value: Any, name: str, where: str) -> Any:
    """Return a tensor as it is, anything else as an array of numbers."""
    return value if isinstance(value, Traced) else as_numbers(value, name, where)


def summed(values: Any, sample_weight: Any, where: str) -> Sums:
    """Return the sum of the samples' values and of their weights, in float64.

    Where a sample has several values its value is their mean.
    """
    values = double(numbers(values, "values", where))
    samples = values.shape[0] if values.ndim else 1
    share = samples / values.size if values.size else 1
    if sample_weight is None:
        return {"total": np.sum(values) * share, "count": np.asarray(float(samples))}
    weight = spread(sample_weight, values.shape, np.dtype(np.float64), where)
    total, count = np.sum(values * weight), np.sum(np.broadcast_to(weight, values.shape))
    return {"total": total * share, "count": count * share}


def check_whole(value: Any, name: str, where: str) -> int:
    """Return a whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise DataError(f"{where}: {name} must be a whole number of at least 0, received {value!r}")
    return int(value)


def double(value: Any) -> Any:
    """Return numbers in float64, in which a million ones sum exactly."""
    return value if value.dtype == np.float64 else value.astype(np.float64)


def ratio(part: Any, whole: Any) -> Any:
    """Return the quotient of arrays; 0 where the divisor is."""
    whole = np.asarray(whole)
    return np.where(whole == 0, 0.0, part / np.where(whole == 0, 1, whole))


def plain(value: Any) -> Any:
    """Return one number as a float, more as an array."""
    return float(np.squeeze(value)) if np.size(value) == 1 else value
