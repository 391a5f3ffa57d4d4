"""The base class of metrics: sums over batches, and the value of these sums.

`Metric.measure` and `Metric.value` are pure functions: a training step with metrics is recorded
and compiled as one program. Keras's ``update_state`` and ``result`` store the sums between batches;
for a metric that defines these two methods, variables and nested metrics temporarily hold the
recorded state.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.handles import holding, values_of
from chainrule._src.base.showing import snake_case
from chainrule._src.base.variables import Variable
from chainrule._src.core.primitive import Traced, tensor_or
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn import initializers
from chainrule._src.nn.losses.operands import OfFunction, checked_dtype, same_rank, spread

Sums = dict[str, Any]


class Score(float):
    """A number with the attributes of Keras's results."""

    shape: tuple[int, ...] = ()

    @property
    def dtype(self) -> Any:
        """The dtype of Keras's results, float32."""
        return np.dtype(np.float32)

    def numpy(self) -> Any:
        """Return the number as a NumPy scalar."""
        return np.float32(self)

    def item(self) -> float:
        """Return the number as a Python float."""
        return float(self)


class Metric(Configurable):
    """Base class of metrics, which add up sums over samples and compute a value from these sums.

    A metric of your own is a function of ``(y_true, y_pred)`` in NumPy that returns one value per
    sample, or a class: with ``measure`` and ``value``; or, as in Keras, with variables,
    ``update_state`` and ``result``.

    Parameters
    ----------
    name : str, optional
        Name in the history; by default the class's name in snake case.
    dtype : dtype, optional
        Dtype of variables, by default float32. Sums are float64.

    Raises
    ------
    DataError
        If there is no such dtype.

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
        """The dtype of the variables."""
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
            Sums in float64. The sums of two batches must add up to the sums of their union.

        Raises
        ------
        ShapeError, DataError
            If the arguments do not fit each other.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define measure and value, or update_state and result"
        )

    def value(self, sums: Sums) -> Any:
        """Return the metric's value for some sums: a float, or an array per class or threshold."""
        raise NotImplementedError(f"{type(self).__name__} must define value")

    def update_state(self, *data: Any, **options: Any) -> Any:
        """Add a batch to the sums; the arguments are those of `measure`."""
        sums = self.measure(*data, **options)
        old = self._sums
        self._sums = {key: old[key] + part for key, part in sums.items()} if old else sums

    def result(self) -> Any:
        """Return the metric's value for all batches since the last reset; 0 before the first."""
        value = self.value(self._sums) if self._sums else 0.0
        return Score(value) if isinstance(value, float) else value

    def reset_state(self) -> None:
        """Reset the sums and variables to zero."""
        variables, metrics = self._variables_and_metrics()
        for variable in variables:
            variable.assign(np.zeros(variable.shape))
        for metric in metrics:
            metric._sums = {}

    def map_sums(self, change: Callable[[Any], Any]) -> None:
        """Apply a function to all sums."""
        for metric in self._variables_and_metrics()[1]:
            metric._sums = map_leaves(change, metric._sums)

    def __call__(self, *data: Any, **options: Any) -> Any:
        """Add a batch, and return the result."""
        self.update_state(*data, **options)
        return self.result()

    # Variables

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Return a new variable, which is part of the state from batch to batch.

        Parameters
        ----------
        shape : tuple of int, default ()
        initializer : str, Initializer or callable, default "zeros"
        dtype : dtype, optional
            By default the metric's dtype.
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
        """The variables of this metric and of nested metrics, without sums."""
        return self._variables_and_metrics()[0]

    def _variables_and_metrics(self) -> tuple[list[Variable], list[Metric]]:
        """Return all variables, and all metrics with sums, in attributes."""
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

    # Pure functions, for recorded steps

    def stateless_update_state(self, state: Any, *data: Any, **options: Any) -> Any:
        """Return the state after a batch; the metric's own state is unchanged.

        The state is the dict of sums. If the metric has variables, nested metrics or its own
        ``update_state``, it is a list of the variables' values and of such dicts.
        """
        if self._is_pure():
            sums = self.measure(*data, **options)
            return {key: state[key] + part for key, part in sums.items()} if state else sums
        with self.with_state(state):
            self.update_state(*data, **options)
            return self.own_state()

    def stateless_result(self, state: Any) -> Any:
        """Return the result for a state."""
        pure = self._is_pure()
        if pure and type(self).result is Metric.result:
            return self.value(state)
        with self.with_state([state] if pure else state):
            return values_of(self.result())

    def stateless_reset_state(self) -> Any:
        """Return the state before the first batch, with values of variables but without sums."""
        with self.with_state(self.own_state()):
            self.reset_state()
            return {} if self._is_pure() else self.own_state()

    def zero(self, *data: Any) -> Any:
        """Return the state before the first batch, with sums of zeros for such data."""
        first = self.stateless_reset_state()
        after = self.stateless_update_state(first, *data)
        if self._is_pure():
            return _zeros(after)
        return [_zeros(new) if isinstance(new, dict) else old
                for old, new in zip(first, after, strict=True)]  # fmt: skip

    def _is_pure(self) -> bool:
        variables, metrics = self._variables_and_metrics()
        is_default = type(self).update_state is Metric.update_state
        return is_default and not variables and metrics == [self]

    def own_state(self) -> list[Any]:
        """Return the values of all variables, and the sums of this metric and nested ones."""
        variables, metrics = self._variables_and_metrics()
        return [*(v.value for v in variables), *(m._sums for m in metrics)]

    @contextmanager
    def with_state(self, state: Any) -> Iterator[None]:
        """Context manager that replaces the state of the metric, and restores it at the end."""
        variables, metrics = self._variables_and_metrics()
        count, before = len(variables), [metric._sums for metric in metrics]
        if len(state) != count + len(metrics):
            raise DataError(
                f"{self.name}: expected the values of {count + len(metrics)} variables, received "
                f"{len(state)}"
            )
        with holding(dict(zip(variables, state, strict=False))):
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
    """Base class of metrics that are a weighted mean of one value per sample."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values of a batch, shape (n,) or (n, ...)."""
        raise NotImplementedError(f"{type(self).__name__} must define values")

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the weighted sum of the values, and the sum of the weights."""
        return summed(self.values(y_true, y_pred), sample_weight, self.name)

    def value(self, sums: Sums) -> Any:
        """Return the mean; 0 where the weights sum to 0."""
        return number(ratio(sums["total"], sums["count"]))


class Mean(MeanOfValues):
    """Computes the weighted mean of values.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

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
    """Computes the weighted sum of values.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

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

    def value(self, sums: Sums) -> Any:
        """Return the sum."""
        return number(sums["total"])


class MeanMetricWrapper(MeanOfValues):
    """Computes the weighted mean of a function of ``(y_true, y_pred)`` over samples.

    Parameters
    ----------
    fn : callable
        Function in NumPy that returns one value per sample.
    name : str, optional
        By default the function's name.
    dtype : dtype, optional
    **options
        Passed to the function.

    Raises
    ------
    DataError
        If ``fn`` is not callable.

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
        """Return the function's result: one value per sample, or one value for the batch."""
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


class FunctionMetric(OfFunction, MeanOfValues):
    """The mean of a function of this library."""

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values of a batch."""
        return self.applied(y_true, y_pred)


def numbers(value: Any, name: str, where: str) -> Any:
    """Return a tensor unchanged, anything else as an array of numbers."""
    return tensor_or(as_numbers, value, name, where)


def summed(values: Any, sample_weight: Any, where: str) -> Sums:
    """Return the sum of the samples' values and of their weights, in float64.

    If a sample has several values, their mean is used.
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


def ratio(part: Any, divisor: Any) -> Any:
    """Return the quotient of arrays; 0 where the divisor is 0."""
    divisor = divisor if isinstance(divisor, Traced) else np.asarray(divisor)
    return np.where(divisor == 0, 0.0, part / np.where(divisor == 0, 1, divisor))


def plain(value: Any) -> Any:
    """Return a single number as a float, several numbers as an array."""
    return number(value) if math.prod(np.shape(value)) == 1 else value


def number(value: Any) -> Any:
    """Return the only entry of an array as a float; of a tensor as a tensor."""
    entry = np.reshape(value, ())
    return entry if isinstance(entry, Traced) else float(entry)
