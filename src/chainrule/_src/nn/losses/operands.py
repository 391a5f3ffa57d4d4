"""Checks of the operands of losses and metrics: targets, predictions and weights.

Only the shapes of tensors are checked: their values are not known while a step is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Annotated, Any

import numpy as np

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.config import Configurable
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.core.primitive import Primitive, Traced, tensor_or
from chainrule._src.core.tensor import Tensor
from chainrule._src.ops.index import IN_RANGE, getitem

EPSILON = 1e-7
"""Distance from 0 and 1 to which probabilities without known logits are clipped, as in Keras."""


def floats(value: Any, name: str, where: str) -> Any:
    """Return floats: floating dtypes stay, others become float64."""
    value = tensor_or(as_numbers, value, name, where)
    if value.ndim == 0 or value.size == 0:
        raise ShapeError(
            f"{where}: {name} must hold at least one sample, received shape {value.shape}"
        )
    return value if value.dtype.kind == "f" else value.astype(np.float64)


def targets(y_true: Any, dtype: Any, where: str) -> Any:
    """Return targets in the predictions' dtype; raise an error for NaN."""
    y_true = finite(floats(y_true, "y_true", where), "y_true", where)
    return y_true if y_true.dtype == dtype else y_true.astype(dtype)


def finite(value: Any, name: str, where: str) -> Any:
    """Return an array; raise an error for NaN and infinite values."""
    if not isinstance(value, Traced) and not np.isfinite(value).all():
        raise DataError(f"{where}: {name} holds NaN or infinite values; remove or impute them")
    return value


def numbers(value: Any, name: str, where: str) -> Any:
    """Return an array of finite numbers; a tensor unchanged."""
    return finite(tensor_or(as_numbers, value, name, where), name, where)


def pair(y_true: Any, y_pred: Any, where: str) -> tuple[Any, Any]:
    """Return targets and predictions of one shape and dtype.

    Raises
    ------
    ShapeError
        If the shapes differ by more than a last axis of 1: broadcasting (n, 1) against (n,) gives
        (n, n) numbers that mean nothing.
    """
    y_pred = floats(y_pred, "y_pred", where)
    y_true, y_pred = same_rank(targets(y_true, y_pred.dtype, where), y_pred)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"{where}: y_true and y_pred must have the same shape, received {y_true.shape} and "
            f"{y_pred.shape}" + _advice(y_true.shape, y_pred.shape)
        )
    return y_true, y_pred


def same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return both with equally many axes if they differ by a last axis of 1, as Keras does."""
    if y_true.shape == (*y_pred.shape, 1):
        return (y_true, y_pred[..., None]) if y_pred.ndim == 1 else (y_true[..., 0], y_pred)
    if y_pred.shape == (*y_true.shape, 1):
        return (y_true[..., None], y_pred) if y_true.ndim == 1 else (y_true, y_pred[..., 0])
    return y_true, y_pred


def class_numbers(y_true: Any, y_pred: Any, where: str, ignored: int | None = None) -> Any:
    """Return class numbers as integers, one for each row of scores ``y_pred``.

    Raises
    ------
    ShapeError
        If the class numbers do not have shape (n,) or (n, 1) for scores of shape (n, k).
    DataError
        If a class number is not an integer from 0 to k - 1, nor ``ignored``.
    """
    rows, n_classes = y_pred.shape[:-1], y_pred.shape[-1]
    labels: Any = numbers(y_true, "y_true", where)
    if labels.shape == (*rows, 1):
        labels = labels[..., 0]
    if labels.shape != rows:
        raise ShapeError(
            f"{where}: expected one class number a sample, of shape {rows}, for y_pred of shape "
            f"{y_pred.shape}, received y_true of shape {labels.shape}"
            + _advice(labels.shape, y_pred.shape)
        )
    counted = labels if ignored is None else np.where(labels == ignored, 0, labels)
    counted = IN_RANGE(counted, size=n_classes, what=f"{where}: class numbers")
    labels = counted if ignored is None else np.where(labels == ignored, ignored, counted)
    return labels if labels.dtype.kind in "iu" else labels.astype(np.int64)


def picked(scores: Any, labels: Any) -> Any:
    """Return the entry of each row of scores at its label."""
    if scores.ndim == 2:
        return getitem(scores, (np.arange(len(labels)), labels))
    return np.take_along_axis(scores, labels[..., None], axis=-1)[..., 0]


def spread(sample_weight: Any, shape: tuple[int, ...], dtype: Any, where: str) -> Any:
    """Return weights, per sample or per entry, that broadcast against values of ``shape``.

    Raises
    ------
    ShapeError
        If the weights are neither a number nor of a shape that begins as ``shape`` does.
    """
    weight = numbers(sample_weight, "sample_weight", where)
    if weight.dtype != dtype:
        weight = weight.astype(dtype)
    if weight.ndim == len(shape) + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    by_column = weight.ndim == len(shape) > 1  # (1, k): a weight for each column
    fits = weight.ndim <= len(shape) and all(
        size == shape[axis] or (size == 1 and (axis > 0 or by_column))
        for axis, size in enumerate(weight.shape)
    )
    if not fits:
        raise ShapeError(
            f"{where}: expected one weight for each of the values of shape {shape}, received "
            f"sample_weight of shape {weight.shape}"
            + ("" if shape else "; give y_true and y_pred as (n, 1) to weight each sample")
        )
    missing = len(shape) - weight.ndim
    return weight if not weight.ndim or not missing else weight[(..., *(None,) * missing)]


CLIPS_PROBABILITIES = [False]  # set by `keras.config.set_clip_probabilities`


def logits_of(y_pred: Any, activation: Primitive, axis: int = -1) -> Any:
    """Return the logits to which an activation was applied, or None if they are not known.

    A logarithm of probabilities is better computed from their logits: exact where a probability
    rounds to 0 or 1, and one function instead of two to differentiate.
    """
    if CLIPS_PROBABILITIES[0]:
        return None
    node = y_pred.settled() if isinstance(y_pred, Tensor) else None
    if not isinstance(node, Tensor) or node.primitive is not activation or not node.parents:
        return None
    if (node.params.get("axis", axis) - axis) % node.ndim:
        return None
    logits = node.parents[0][1]
    return logits if logits.level.writes is None else logits.node()  # not what was written since


def check_axis(axis: Any, name: str, where: str) -> int:
    """Return an axis; raise an error if it is not an integer."""
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise DataError(f"{where}: {name} must be a whole number, received {axis!r}")
    return int(axis)


OneAxis = Annotated[int, check_axis]


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the parameters of a function that follow targets and predictions."""
    return tuple(signature(function).parameters)[2:]


class OfFunction(Configurable):
    """Base class of losses and metrics that apply a function of this library.

    Attributes
    ----------
    function : callable
        It gets those of its parameters that are attributes.
    """

    function: Callable[..., Any]

    def __init_subclass__(cls, function: Callable[..., Any] | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if function is not None:
            cls.function = staticmethod(function)

    def applied(self, y_true: Any, y_pred: Any) -> Any:
        """Return the function's values for a batch."""
        attributes = vars(self)
        options = {n: attributes[n] for n in _parameters(self.function) if n in attributes}
        return self.function(y_true, y_pred, **options)


def checked_dtype(dtype: Any, where: str) -> str:
    """Return a dtype's name, by default float32; for a policy of Keras its compute dtype."""
    try:
        result = np.dtype("float32" if dtype is None else getattr(dtype, "compute_dtype", dtype))
    except TypeError as error:
        raise DataError(f"{where}: there is no dtype {dtype!r}") from error
    return str(result)


def _advice(true: tuple[int, ...], pred: tuple[int, ...]) -> str:
    """Return advice for a message if class numbers and one-hot rows are mixed up."""
    if len(pred) == len(true) + 1 and pred[:-1] == true:
        how = "cr.one_hot or keras.utils.to_categorical"
        return f"; encode class numbers with {how}, or take a loss or metric that is sparse"
    if true == pred:
        return "; one-hot rows call for a loss or metric that is not sparse"
    if len(pred) > len(true) + 1 and pred[:1] == true[:1]:
        return "; put a Flatten or a GlobalAveragePooling before the last Dense"
    return ""
