"""What all metrics share: sums over a batch, which add up over batches, and the value of the sums.

`Metric.measure` and `Metric.value` are pure functions: a training step that measures is recorded
and compiled as one program. Keras's ``update_state`` and ``result`` keep the sums between batches;
a metric written with them, with variables and metrics within, is recorded while what it holds is
lent to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.handles import values_of
from chainrule._src.base.showing import snake_case
from chainrule._src.base.variables import Variable, lent
from chainrule._src.core.primitive import Traced
from chainrule._src.core.trees import leaves
from chainrule._src.nn import initializers
from chainrule._src.nn.losses.operands import checked_dtype, same_rank, spread

Sums = dict[str, Any]


class Score(float):
    """A number with what Keras's results have besides."""

    shape: tuple[int, ...] = ()

    @property
    def dtype(self) -> Any:
        """That of Keras's results."""
        return np.dtype(np.float32)

    def numpy(self) -> Any:
        """Return the number as NumPy's."""
        return np.float32(self)

    def item(self) -> float:
        """Return the number as Python's."""
        return float(self)


class Metric(Configurable):
    """A metric: what is summed over the samples, and what the sums amount to.

    A metric of your own is a function of ``(y_true, y_pred)`` in NumPy that gives a value a sample,
    or a class: with ``measure`` and ``value``; or, as in Keras, with variables, ``update_state``
    and ``result``.

    Parameters
    ----------
    name : str, optional
        What it is called in a history; by default the class's name in small letters.
    dtype : dtype, optional
        Of variables, float32 by default. Sums are taken in float64.

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

    >>> class Most(Metric):
    ...     def __init__(self, name="most", **options):
    ...         super().__init__(name=name, **options)
    ...         self.most = self.add_weight(name="most")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.most.assign(np.maximum(self.most, np.max(np.abs(y_true - y_pred))))
    ...
    ...     def result(self):
    ...         return self.most
    >>> float(Most()(np.array([1.0, 2.0]), np.array([1.5, 2.0])))
    0.5
    """

    family: ClassVar[str] = "metrics."

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = snake_case(type(self).__name__) if name is None else name
        self._dtype = checked_dtype(dtype, type(self).__name__)
        self._sums: Sums = {}
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        """That of its variables."""
        return self._dtype

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
        raise NotImplementedError(
            f"{type(self).__name__} must define measure and value, or update_state and result"
        )

    def value(self, sums: Sums) -> Any:
        """Return the metric of some sums: a float, or an array of one a class or a threshold."""
        raise NotImplementedError(f"{type(self).__name__} must define value")

    def update_state(self, *data: Any, **options: Any) -> Any:
        """Take in a batch: the arguments are those of `measure`."""
        sums = self.measure(*data, **options)
        kept = self._sums
        self._sums = {key: kept[key] + part for key, part in sums.items()} if kept else sums

    def result(self) -> Any:
        """Return the metric of all batches since the last reset; 0 before the first."""
        found = self.value(self._sums) if self._sums else 0.0
        return Score(found) if isinstance(found, float) else found

    def reset_state(self) -> None:
        """Forget all batches."""
        variables, metrics = self._held()
        for variable in variables:
            variable.assign(np.zeros(variable.shape))
        for metric in metrics:
            metric._sums = {}

    def __call__(self, *data: Any, **options: Any) -> Any:
        """Take in a batch and return the result."""
        self.update_state(*data, **options)
        return self.result()

    # With variables

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Return a new variable, which is carried from batch to batch.

        Parameters
        ----------
        shape : tuple of int, default ()
        initializer : str, Initializer or callable, default "zeros"
        dtype : dtype, optional
            By default the metric's.
        aggregation : ignored
            There are no replicas to sum over.
        name : str, optional
        """
        first = initializers.get("zeros" if initializer is None else initializer)
        variable = Variable(
            first, shape, self.dtype if dtype is None else dtype, trainable=False, name=name
        )
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Return a new variable, as `add_variable` does."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """Its variables and those of metrics within; sums are none."""
        return self._held()[0]

    def _held(self) -> tuple[list[Variable], list[Metric]]:
        """Return all variables, and the metrics that keep sums, found in attributes."""
        variables: dict[int, Variable] = {}
        metrics: dict[int, Metric] = {id(self): self}
        for metric in (queue := [self]):
            for _, part in leaves(vars(metric)):
                if isinstance(part, Variable):
                    variables[id(part)] = part
                elif isinstance(part, Metric) and id(part) not in metrics:
                    metrics[id(part)] = part
                    queue.append(part)
        summing = [m for m in metrics.values() if type(m).measure is not Metric.measure]
        return list(variables.values()), summing

    # Pure, as a recorded step needs it

    def stateless_update_state(self, state: Any, *data: Any, **options: Any) -> Any:
        """Return what it holds after a batch, from what it held before; itself is left as it is.

        What a metric holds are its sums; a list of variables' values and of such sums, where
        there are variables, metrics within or an ``update_state`` of one's own.
        """
        if self._is_pure():
            sums = self.measure(*data, **options)
            return {key: state[key] + part for key, part in sums.items()} if state else sums
        with self._lent(state):
            self.update_state(*data, **options)
            return self._state()

    def stateless_result(self, state: Any) -> Any:
        """Return the result of what it may hold."""
        pure = self._is_pure()
        if pure and type(self).result is Metric.result:
            return self.value(state)
        with self._lent([state] if pure else state):
            return values_of(self.result())

    def stateless_reset_state(self) -> Any:
        """Return what it holds before the first batch, as far as variables tell."""
        with self._lent(self._state()):
            self.reset_state()
            return {} if self._is_pure() else self._state()

    def zero(self, *data: Any) -> Any:
        """Return what it holds before the first batch, whatever such data make it sum."""
        first = self.stateless_reset_state()
        after = self.stateless_update_state(first, *data)
        if self._is_pure():
            return _zeros(after)
        return [_zeros(new) if isinstance(new, dict) else old
                for old, new in zip(first, after, strict=True)]  # fmt: skip

    def _is_pure(self) -> bool:
        variables, metrics = self._held()
        own = type(self).update_state is Metric.update_state
        return own and not variables and metrics == [self]

    def _state(self) -> list[Any]:
        variables, metrics = self._held()
        return [*(v.value for v in variables), *(m._sums for m in metrics)]

    @contextmanager
    def _lent(self, state: Any) -> Iterator[None]:
        """Let it hold something else until it gets back its own."""
        variables, metrics = self._held()
        count, before = len(variables), [metric._sums for metric in metrics]
        if len(state) != count + len(metrics):
            raise DataError(
                f"{self.name}: expected the values of {count + len(metrics)} variables, received "
                f"{len(state)}"
            )
        with lent(variables, state[:count]):
            try:
                for metric, sums in zip(metrics, state[count:], strict=True):
                    metric._sums = sums
                yield
            finally:
                for metric, sums in zip(metrics, before, strict=True):
                    metric._sums = sums


def _zeros(sums: Sums) -> Sums:
    return {key: np.zeros_like(np.asarray(part)) for key, part in sums.items()}


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


class Sum(Mean):
    """The weighted sum of given values.

    Examples
    --------
    >>> Sum()([1.0, 3.0], sample_weight=[1.0, 2.0])
    7.0
    """

    def measure(self, values: Any, sample_weight: Any = None) -> Sums:  # type: ignore[override]
        """Return the weighted sum of the values."""
        values = double(numbers(values, "values", self.name))
        if sample_weight is not None:
            values = values * spread(sample_weight, values.shape, values.dtype, self.name)
        return {"total": np.sum(values)}

    def value(self, sums: Sums) -> float:
        """Return the sum."""
        return float(sums["total"])


class MeanMetricWrapper(MeanOfValues):
    """The weighted mean of what a function of ``(y_true, y_pred)`` gives for each sample.

    Parameters
    ----------
    fn : callable
        In NumPy; returns a value a sample.
    name : str, optional
        By default the function's.
    dtype : dtype, optional
    **options
        Handed to the function.

    Examples
    --------
    >>> def within_half(y_true, y_pred):
    ...     return np.abs(y_true - y_pred) <= 0.5
    >>> MeanMetricWrapper(within_half)([0.0, 1.0], [0.2, 3.0])
    0.5
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **options: Any
    ) -> None:
        if not callable(fn):
            raise DataError(f"a metric must be a function of (y_true, y_pred), received {fn!r}")
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__), dtype)
        self.fn, self.options = fn, options

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function returns: values a sample, or one that is the batch's."""
        y_true, y_pred = same_rank(
            numbers(y_true, "y_true", self.name), numbers(y_pred, "y_pred", self.name)
        )
        values = numbers(self.fn(y_true, y_pred, **self.options), "the metric", self.name)
        if values.shape != y_pred.shape[: values.ndim]:
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
