"""Keras's functions of arrays: NumPy's functions, and further functions for networks.

A name that is not defined here is NumPy's function of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._src.core.transforms import stop_gradient
from chainrule._src.nn import losses
from chainrule._src.nn.activations import (
    celu,
    elu,
    gelu,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from chainrule._src.nn.functions import erf, logsumexp
from chainrule._src.nn.functions import one_hot as _one_hot
from chainrule._src.trace.recurrence import scan

__all__ = [
    "binary_crossentropy", "cast", "categorical_crossentropy", "celu", "cond",
    "convert_to_numpy", "convert_to_tensor", "divide_no_nan", "elu", "erf", "expand_dims", "gelu",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "in_top_k", "is_tensor", "leaky_relu",
    "log_sigmoid", "log_softmax", "logsumexp", "mish", "moments", "norm", "normalize",
    "one_hot", "relu", "relu6", "rsqrt", "scan", "selu", "shape", "sigmoid", "silu", "softmax",
    "softplus", "softsign", "sparse_categorical_crossentropy", "stop_gradient", "swish", "take",
    "tanh", "top_k",
]  # fmt: skip

swish, hard_swish = silu, hard_silu
_OTHER_NAMES = {"amax": "max", "amin": "min", "view": "reshape", "bitwise_not": "invert"}


def _array(x: Any) -> Any:
    """Return an array or tensor unchanged, anything else as an array."""
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else np.asarray(x)


def shape(x: Any) -> tuple[int, ...]:
    """Return the shape of an array."""
    return tuple(_array(x).shape)


def cast(x: Any, dtype: Any) -> Any:
    """Return an array in another dtype."""
    return _array(x).astype(dtype)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None) -> Any:
    """Return an array; Python numbers become float32 or int32, as in Keras."""
    if dtype is None and not hasattr(x, "dtype"):
        x = np.asarray(x)
        dtype = {"f": np.float32, "i": np.int32}.get(x.dtype.kind)
    return _array(x) if dtype is None else cast(x, dtype)


def convert_to_numpy(x: Any) -> Any:
    """Return a NumPy array."""
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Return true if ``x`` is an array or a tensor."""
    return hasattr(x, "shape") and hasattr(x, "dtype")


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """Return an array with inserted axes of size 1."""
    return np.expand_dims(_array(x), tuple(axis) if isinstance(axis, list) else axis)


def rsqrt(x: Any) -> Any:
    r"""Return :math:`1 / \sqrt x`."""
    return 1 / np.sqrt(x)


def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Return the quotient, 0 where the divisor is 0."""
    is_zero = _array(x2) == 0
    return np.where(is_zero, 0, x1 / np.where(is_zero, 1, x2))


def moments(x: Any, axes: Any, keepdims: bool = False) -> tuple[Any, Any]:
    """Return mean and variance over axes."""
    axes = tuple(axes) if isinstance(axes, list) else axes
    return np.mean(x, axis=axes, keepdims=keepdims), np.var(x, axis=axes, keepdims=keepdims)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """Return the Euclidean norm of vectors, or the norm of order 1, 2 or infinity."""
    size = np.abs(_array(x))
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    return np.sqrt(np.sum(size**2, axis=axis, keepdims=keepdims))


def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float = 1e-12) -> Any:
    """Return vectors divided by their length; vectors of length 0 stay 0."""
    size = np.sum(np.abs(x) ** order, axis=axis, keepdims=True)
    return x / np.maximum(size, epsilon**order) ** (1 / order)


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Return one-hot rows of class numbers."""
    rows = _one_hot(num_classes, cast(x, np.int64)).astype(dtype or np.float32)
    return rows if axis == -1 else np.moveaxis(rows, -1, axis)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the entries at some indices along an axis."""
    x, indices = _array(x), cast(indices, np.int64)
    if axis is None:
        return x.reshape(-1)[indices]
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:  # noqa: A002
    """Return the largest entries along the last axis, and their indices."""
    order = np.argsort(-_array(x), axis=-1)[..., :k]
    return np.take_along_axis(x, order, axis=-1), order


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Return a mask of rows in which the target's score is among the k highest."""
    target_scores = np.take_along_axis(predictions, cast(targets, np.int64)[:, None], axis=-1)
    return np.sum(predictions > target_scores, axis=-1) < k


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Return the result of one of two functions; both are computed."""
    return np.where(pred, true_fn(), false_fn())


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return the loss of every entry."""
    return losses.binary_crossentropy(
        _array(target)[..., None], _array(output)[..., None], from_logits
    )


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return the loss of every sample."""
    return losses.categorical_crossentropy(target, output, from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return the loss of every sample."""
    return losses.sparse_categorical_crossentropy(target, output, from_logits)


def __getattr__(name: str) -> Any:
    if name in ("numpy", "image", "linalg", "math"):
        import sys

        return sys.modules[__name__]
    function = getattr(np, _OTHER_NAMES.get(name, name), None)
    if name.startswith("_") or function is None or isinstance(function, type):
        raise AttributeError(
            f"chainrule.keras.ops has no {name!r}; write NumPy, or what chainrule.functions has"
        )
    return function
