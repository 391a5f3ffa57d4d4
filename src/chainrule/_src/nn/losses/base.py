"""The base class of losses: one value per sample, reduced over the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.showing import snake_case
from chainrule._src.base.validation import lookup
from chainrule._src.core.primitive import tensor_or
from chainrule._src.nn.losses.operands import (
    OfFunction,
    checked_dtype,
    floats,
    same_rank,
    spread,
)

MEAN = "sum_over_batch_size"
REDUCTIONS = (MEAN, "mean", "mean_with_sample_weight", "sum", "none")


class Loss(Configurable):
    r"""Base class of losses: they compute a value per sample and average the values over a batch.

    A loss of your own is a function of ``(y_true, y_pred)`` in NumPy, or a class with ``call``.

    Parameters
    ----------
    name : str, optional
        By default the class's name in snake case.
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"} or None
        ``"sum_over_batch_size"`` and ``"mean"``: :math:`\frac1n \sum_i w_i \ell_i`;
        ``"mean_with_sample_weight"``: :math:`\sum_i w_i \ell_i / \sum_i w_i`; ``"none"``: one
        value per sample.
    dtype : dtype, optional
        Dtype to which predictions are converted; by default their own dtype is used.

    Attributes
    ----------
    takes_labels : bool
        True if a target is a class number, and a prediction has a score for each class.

    Raises
    ------
    UnknownNameError
        If there is no such reduction.
    DataError
        If there is no such dtype.

    Examples
    --------
    >>> class Cubic(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return np.mean(np.abs(y_true - y_pred) ** 3, axis=-1)
    >>> Cubic()([[0.0], [1.0]], [[2.0], [1.0]])
    np.float64(4.0)
    >>> Cubic()([[0.0], [1.0]], [[2.0], [1.0]], sample_weight=[0.5, 1.0])
    np.float64(2.0)
    """

    takes_labels = False

    def __init__(
        self, name: str | None = None, reduction: str | None = MEAN, dtype: Any = None
    ) -> None:
        self.name = snake_case(type(self).__name__) if name is None else name
        self._dtype = None if dtype is None else checked_dtype(dtype, type(self).__name__)
        self.reduction = lookup("reduction", reduction or "none", {key: key for key in REDUCTIONS})

    @property
    def dtype(self) -> str:
        """The dtype for predictions without a floating dtype."""
        return self._dtype or "float32"

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample.

        Parameters
        ----------
        y_true, y_pred : array, shape (n, ...)
            Targets and predictions: arrays of floats, or tensors.

        Returns
        -------
        array, shape (n, ...) without the last axis of ``y_pred``
        """
        raise NotImplementedError(f"{type(self).__name__} must define call")

    def target_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of a sample's target, from the shape of a sample's prediction."""
        return shape[:-1] if self.takes_labels else shape

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch.

        Parameters
        ----------
        y_true : array_like or Tensor
        y_pred : array_like or Tensor
            The result has this array's dtype, unless the loss has a ``dtype``.
        sample_weight : array_like or Tensor, shape (n,) or (n, 1), optional

        Raises
        ------
        ShapeError
            If the shapes do not fit each other.
        DataError
            If targets or weights hold NaN, or are not numbers.
        """
        y_pred = floats(y_pred, "y_pred", self.name)
        if self._dtype is not None:
            y_pred = y_pred.astype(self._dtype)
        y_true = tensor_or(as_numbers, y_true, "y_true", self.name)
        values = self._checked(self.call(y_true, y_pred), y_pred)
        return reduced(values, self.counted(values, sample_weight), self.reduction, self.name)

    def counted(self, values: Any, sample_weight: Any) -> Any:
        """Return the weights of the values; a subclass may exclude values."""
        return sample_weight

    def _checked(self, values: Any, y_pred: Any) -> Any:
        """Raise an error unless there is one value per sample: batches must not broadcast."""
        values = tensor_or(as_numbers, values, "the loss", self.name)
        shape, axes = y_pred.shape, range(y_pred.ndim)
        fitting = {shape, *(shape[:i] for i in axes), *(shape[:i] + shape[i + 1 :] for i in axes)}
        if values.shape not in fitting:
            raise ShapeError(
                f"{self.name}: expected one value a sample, or a number, for y_pred of shape "
                f"{shape}, but call returned shape {values.shape}"
            )
        return values if values.dtype == y_pred.dtype else values.astype(y_pred.dtype)


class LossFunctionWrapper(Loss):
    """Computes a loss with a function of ``(y_true, y_pred)``.

    Parameters
    ----------
    fn : callable
        Returns one value per sample, or their mean as a single number.
    reduction, name, dtype
        Parameters of `Loss`; the name is by default that of the function.
    **options
        Passed to the function.

    Raises
    ------
    DataError
        If ``fn`` is not callable.

    Examples
    --------
    >>> def absolute(y_true, y_pred):
    ...     return np.abs(y_true - y_pred)
    >>> LossFunctionWrapper(absolute)([0.0, 1.0], [1.0, 4.0])
    np.float64(2.0)
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: Any = None,
        **options: Any,
    ) -> None:
        if not callable(fn):
            raise DataError(f"a loss must be a function of (y_true, y_pred), received {fn!r}")
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__), reduction, dtype)
        self.fn, self.options = fn, options

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the function's result."""
        return self.fn(*same_rank(y_true, y_pred), **self.options)


class FunctionLoss(OfFunction, Loss):
    """A loss of this library: it applies a function."""

    def __init__(
        self, reduction: str | None = MEAN, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name or self.function.__name__, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        return self.applied(y_true, y_pred)


def weight_of(mask: Any, sample_weight: Any, reduction: str | None) -> Any:
    """Return weights that exclude masked values; they are scaled so that a mean is correct."""
    mask = mask if mask.dtype.kind == "f" else mask.astype(np.float32)
    if reduction in (MEAN, "mean"):
        mask = mask * (mask.size / np.maximum(np.sum(mask), 1))
    if sample_weight is None:
        return mask
    return mask * spread(sample_weight, mask.shape, mask.dtype, "sample_weight")


def reduced(values: Any, sample_weight: Any, reduction: str, where: str) -> Any:
    """Return the samples' values, weighted and reduced."""
    weight = sample_weight
    if weight is not None:
        if reduction == "none" and np.shape(weight) == (*values.shape, 1) and values.ndim == 1:
            values = values[:, None]  # as Keras does: the result has the weights' shape
        weight = spread(weight, values.shape, values.dtype, where)
        values = values * weight
    if reduction == "none" or values.ndim == 0:
        return values
    if reduction == "sum":
        return np.sum(values)
    if reduction == "mean_with_sample_weight" and weight is not None and weight.ndim:
        total = np.sum(weight)
        return np.sum(values) / np.where(total == 0, total + 1, total)
    return np.mean(values)
