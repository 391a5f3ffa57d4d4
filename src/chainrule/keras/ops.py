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
from chainrule._src.nn.activations import gelu as _gelu
from chainrule._src.nn.functions import erf
from chainrule._src.nn.functions import one_hot as _one_hot
from chainrule._src.nn.layers.symbols import recording
from chainrule._src.trace.recurrence import scan

__all__ = [
    "binary_crossentropy", "cast", "categorical_crossentropy", "celu", "cond", "convert_to_numpy",
    "convert_to_tensor", "divide_no_nan", "elu", "erf", "expand_dims", "gelu", "hard_sigmoid",
    "hard_silu", "hard_swish", "hard_tanh", "in_top_k", "is_tensor", "leaky_relu", "log_sigmoid",
    "log_softmax", "logsumexp", "mish", "moments", "nan_to_num", "norm", "normalize", "one_hot",
    "reciprocal", "relu", "relu6", "rsqrt", "scan", "selu", "shape", "sigmoid", "silu", "softmax",
    "softplus", "softsign", "sparse_categorical_crossentropy", "stop_gradient", "swish", "take",
    "tanh", "top_k", "unstack",
]  # fmt: skip

swish, hard_swish = silu, hard_silu
_OTHER_NAMES = {"amax": "max", "amin": "min", "bitwise_not": "invert"}


def _array(x: Any) -> Any:
    """Return an array or tensor unchanged, anything else as an array."""
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else np.asarray(x)


def shape(x: Any) -> tuple[int, ...]:
    """Return the shape of an array.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.shape([[1.0, 2.0, 3.0]])
    (1, 3)
    """
    return tuple(_array(x).shape)


def cast(x: Any, dtype: Any) -> Any:
    """Return an array in another dtype.

    Parameters
    ----------
    x : array_like
    dtype : dtype

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.cast([0.9, 2.5], "int32")
    array([0, 2], dtype=int32)
    """
    return _array(x).astype(dtype)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None) -> Any:
    """Return an array; Python numbers become float32 or int32, as in Keras.

    Parameters
    ----------
    x : array_like
    dtype : dtype, optional
        By default the dtype of an array is kept.
    sparse : ignored
        Accepted for compatibility with Keras.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.convert_to_tensor([1.5, 2.0])
    array([1.5, 2. ], dtype=float32)
    >>> keras.ops.convert_to_tensor(np.array([1.5, 2.0])).dtype
    dtype('float64')
    """
    if dtype is None and not hasattr(x, "dtype"):
        x = np.asarray(x)
        dtype = {"f": np.float32, "i": np.int32}.get(x.dtype.kind)
    return _array(x) if dtype is None else cast(x, dtype)


def convert_to_numpy(x: Any) -> Any:
    """Return a NumPy array.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.convert_to_numpy([1, 2])
    array([1, 2])
    """
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Return true if ``x`` is an array or a tensor.

    Parameters
    ----------
    x : object

    Returns
    -------
    bool
        True if the object has a shape and a dtype.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.is_tensor(np.zeros(3)), keras.ops.is_tensor([0.0, 0.0])
    (True, False)
    """
    return hasattr(x, "shape") and hasattr(x, "dtype")


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """Return an array with inserted axes of size 1.

    Parameters
    ----------
    x : array_like
    axis : int or sequence of int
        Positions of the new axes in the result.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.expand_dims([1.0, 2.0], 1)
    array([[1.],
           [2.]])
    """
    return np.expand_dims(_array(x), tuple(axis) if isinstance(axis, list) else axis)


def gelu(x: Any, approximate: bool = True) -> Any:
    """Return the Gaussian error linear unit, approximated by tanh unless ``approximate`` is false.

    Parameters
    ----------
    x : array_like
    approximate : bool, default True
        Keras's default here; that of ``keras.activations.gelu`` is False.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> float(keras.ops.gelu(np.array([1.0]))[0].round(4))
    0.8412
    """
    return _gelu(x, approximate)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    r"""Return :math:`\log \sum_i \exp x_i`, by default over the whole array.

    Parameters
    ----------
    x : array_like
    axis : int or sequence of int, optional
    keepdims : bool, default False
        If true, the axes stay, with size 1.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> float(keras.ops.logsumexp(np.zeros((2, 4))).round(3))
    2.079
    """
    x = _array(x)
    most = np.max(x, axis=axis, keepdims=True)
    most = stop_gradient(np.where(np.isfinite(most), most, 0))
    total = np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True)) + most
    return total if keepdims else np.squeeze(total, axis=axis)


def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """Return an array with numbers in place of NaN and infinities.

    Parameters
    ----------
    x : array_like
    nan, posinf, neginf : float
        The numbers; by default 0, and the largest and the smallest number.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.nan_to_num(np.array([np.nan, 2.0]), 7.0)
    array([7., 2.])
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Return the slices of an array along an axis.

    Parameters
    ----------
    x : array_like
    num : ignored
        The length of the axis.
    axis : int, default 0

    Returns
    -------
    list of ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> [float(part[0]) for part in keras.ops.unstack(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)]
    [1.0, 2.0]
    """
    x = _array(x)
    return [np.take(x, place, axis=axis) for place in range(x.shape[axis])]


def reciprocal(x: Any) -> Any:
    """Return 1 divided by the entries; of whole numbers a float.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.reciprocal(np.array([4, 2]))
    array([0.25, 0.5 ])
    """
    return 1 / _array(x)


def rsqrt(x: Any) -> Any:
    r"""Return the reciprocal of the square root, :math:`1 / \sqrt x`.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.rsqrt(np.array([4.0, 100.0]))
    array([0.5, 0.1])
    """
    return 1 / np.sqrt(x)


def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Return the quotient, 0 where the divisor is 0.

    Parameters
    ----------
    x1, x2 : array_like
        Dividend and divisor.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.divide_no_nan(np.array([6.0, 1.0]), np.array([3.0, 0.0]))
    array([2., 0.])
    """
    is_zero = _array(x2) == 0
    return np.where(is_zero, 0, x1 / np.where(is_zero, 1, x2))


def moments(x: Any, axes: Any, keepdims: bool = False) -> tuple[Any, Any]:
    """Return mean and variance over axes.

    Parameters
    ----------
    x : array_like
    axes : int or sequence of int
    keepdims : bool, default False
        If true, the axes stay, with size 1.

    Returns
    -------
    mean, variance : ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> mean, variance = keras.ops.moments(np.array([[1.0, 10.0], [3.0, 10.0]]), axes=[0])
    >>> mean, variance
    (array([ 2., 10.]), array([1., 0.]))
    """
    axes = tuple(axes) if isinstance(axes, list) else axes
    return np.mean(x, axis=axes, keepdims=keepdims), np.var(x, axis=axes, keepdims=keepdims)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """Return the Euclidean norm of vectors, or the norm of order 1 or infinity, also of a matrix.

    Parameters
    ----------
    x : array_like
    ord : {None, 1, 2, inf}
        Order of the norm; None and 2 are the Euclidean norm.
    axis : int, optional
        Axis of the vectors; by default the whole array is one vector.
    keepdims : bool, default False
        If true, the axis stays, with size 1.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> x = np.array([3.0, -4.0])
    >>> [float(keras.ops.norm(x, ord)) for ord in (None, 1, np.inf)]
    [5.0, 7.0, 4.0]
    """
    size = np.abs(_array(x))
    if axis is None and ord in (1, np.inf) and size.ndim == 2:  # of a matrix
        sums = np.sum(size, axis=0 if ord == 1 else 1)
        return np.max(sums, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    return np.sqrt(np.sum(size**2, axis=axis, keepdims=keepdims))


def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float = 1e-12) -> Any:
    """Return vectors divided by their length; vectors of length 0 stay 0.

    Parameters
    ----------
    x : array_like
    axis : int, default -1
        Axis of the vectors.
    order : int, default 2
        Order of the norm.
    epsilon : float, default 1e-12
        Smallest length by which a vector is divided.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    size = np.sum(np.abs(x) ** order, axis=axis, keepdims=True)
    return x / np.maximum(size, epsilon**order) ** (1 / order)


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Return one-hot rows of class numbers.

    Parameters
    ----------
    x : array_like of int
        Class numbers, ``0 … num_classes - 1``.
    num_classes : int
    axis : int, default -1
        Axis of the classes in the result.
    dtype : dtype, default float32
    sparse : ignored
        Accepted for compatibility with Keras.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If a number is no class.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    rows = _one_hot(num_classes, cast(x, np.int64)).astype(dtype or np.float32)
    return rows if axis == -1 else np.moveaxis(rows, -1, axis)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the entries at some indices along an axis.

    Parameters
    ----------
    x : array_like
    indices : array_like of int
    axis : int, optional
        By default the array is flattened first.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.take([[1, 2, 3], [4, 5, 6]], [2, 0], axis=1)
    array([[3, 1],
           [6, 4]])
    """
    x, indices = _array(x), cast(indices, np.int64)
    if axis is None:
        return x.reshape(-1)[indices]
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:  # noqa: A002
    """Return the largest entries along the last axis, and their indices.

    Parameters
    ----------
    x : array_like
    k : int
        Number of entries.
    sorted : ignored
        The entries are always sorted, the largest first.

    Returns
    -------
    values, indices : ndarray, shape (…, k)

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.top_k([0.1, 0.7, 0.2], k=2)
    (array([0.7, 0.2]), array([1, 2]))
    """
    x = _array(x)
    order = np.argsort(-x, axis=-1)[..., :k]
    return np.take_along_axis(x, order, axis=-1), order


def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Return a mask of rows in which the target's score is among the k highest.

    Parameters
    ----------
    targets : array_like of int, shape (n,)
        Class of each row.
    predictions : array_like, shape (n, classes)
        Scores.
    k : int

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.in_top_k([2, 0], [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], k=2)
    array([ True, False])
    """
    predictions = _array(predictions)
    target_scores = np.take_along_axis(predictions, cast(targets, np.int64)[:, None], axis=-1)
    return np.sum(predictions > target_scores, axis=-1) < k


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Return the result of one of two functions; both are computed.

    Parameters
    ----------
    pred : bool or ndarray of bool
        The condition.
    true_fn, false_fn : callable
        Functions without arguments, for a true and for a false condition.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> x = np.array([-2.0, 3.0])
    >>> keras.ops.cond(x.sum() > 0, lambda: x + 10, lambda: x - 10)
    array([ 8., 13.])
    """
    return np.where(pred, true_fn(), false_fn())


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    r"""Return the loss of every entry.

    .. math:: \ell = -y \log p - (1 - y) \log (1 - p)

    Parameters
    ----------
    target : array_like
        :math:`y`, from 0 to 1.
    output : array_like
        :math:`p`, of the same shape.
    from_logits : bool, default False
        If true, :math:`p` is the sigmoid of ``output``.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.binary_crossentropy(np.array([1.0, 0.0]), np.array([0.5, 0.9])).round(3)
    array([0.693, 2.303])
    """
    return losses.binary_crossentropy(
        _array(target)[..., None], _array(output)[..., None], from_logits
    )


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    r"""Return the loss of every sample.

    .. math:: \ell = -\sum_k y_k \log p_k

    Parameters
    ----------
    target : array_like, shape (n, classes)
        :math:`y`, one-hot rows or probabilities.
    output : array_like, shape (n, classes)
        :math:`p`, probabilities.
    from_logits : bool, default False
        If true, :math:`p` is the softmax of ``output``.
    axis : int, default -1
        Axis of the classes.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.categorical_crossentropy(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])).round(3)
    array([0.693])
    """
    return losses.categorical_crossentropy(target, output, from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    r"""Return the loss of every sample.

    .. math:: \ell = -\log p_y

    Parameters
    ----------
    target : array_like of int, shape (n,)
        :math:`y`, the class of each sample.
    output : array_like, shape (n, classes)
        :math:`p`, probabilities.
    from_logits : bool, default False
        If true, :math:`p` is the softmax of ``output``.
    axis : ignored
        The classes are the last axis.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.ops.sparse_categorical_crossentropy(np.array([1]), np.array([[0.5, 0.5]])).round(3)
    array([0.693])
    """
    return losses.sparse_categorical_crossentropy(target, output, from_logits)


_OF_SHAPES = {"cond", "convert_to_numpy", "is_tensor", "scan", "shape"}
for _name in {*__all__} - _OF_SHAPES:  # a symbolic argument is recorded, not computed
    globals()[_name] = recording(globals()[_name])


_NUMPYS = frozenset((
    "abs", "absolute", "add", "all", "allclose", "amax", "amin", "angle", "any", "append", "arange",
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argpartition", "argsort", "array", "array_split", "average", "bartlett", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "blackman", "broadcast_to", "cbrt", "ceil", "clip", "concatenate", "conj",
    "conjugate", "copy", "corrcoef", "correlate", "cos", "cosh", "count_nonzero", "cross",
    "cumprod", "cumsum", "deg2rad", "diag", "diagflat", "diagonal", "diff", "digitize", "divide",
    "dot", "dstack", "einsum", "empty_like", "equal", "exp", "exp2", "expm1", "eye", "fabs", "flip",
    "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "full", "full_like", "gcd",
    "geomspace", "greater", "greater_equal", "hamming", "hanning", "heaviside", "histogram",
    "hsplit", "hstack", "hypot", "i0", "identity", "imag", "inner", "isclose", "isfinite", "isin",
    "isinf", "isnan", "isneginf", "isposinf", "isreal", "kaiser", "kron", "lcm", "ldexp",
    "left_shift", "less", "less_equal", "linspace", "log", "log10", "log1p", "log2", "logaddexp",
    "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "matmul",
    "max", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moveaxis", "multiply",
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "ndim", "negative",
    "nextafter", "nonzero", "not_equal", "ones", "ones_like", "outer", "pad", "percentile", "power",
    "prod", "ptp", "quantile", "rad2deg", "ravel", "real", "repeat", "reshape",
    "right_shift", "roll", "rot90", "round", "searchsorted", "sign", "signbit", "sin", "sinc",
    "sinh", "size", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum",
    "swapaxes", "take_along_axis", "tan", "tensordot", "tile", "trace", "transpose", "trapezoid",
    "tri", "tril", "triu", "true_divide", "trunc", "unravel_index", "vander", "var", "vdot",
    "vsplit", "vstack", "where", "zeros", "zeros_like",
))  # fmt: skip
"""NumPy's functions that are Keras's too under these names; a test holds each against Keras."""


def __getattr__(name: str) -> Any:
    if name in ("numpy", "linalg", "math", "nn"):
        import sys

        return sys.modules[__name__]
    if name in _NUMPYS:
        return getattr(np, _OTHER_NAMES.get(name, name))
    if name == "image":
        raise AttributeError(
            "chainrule.keras.ops has no functions of images; resize them before the network, or "
            "write a layer of your own with np.repeat, or UpSampling2D"
        )
    raise AttributeError(
        f"chainrule.keras.ops has no {name!r}; write NumPy, or what chainrule.functions has"
    )
