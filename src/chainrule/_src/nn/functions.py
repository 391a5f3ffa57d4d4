r"""The lab's functions, for one sample or a batch, of arrays and of tensors.

An activation comes in a pair: the function and its derivative, both taken at the
pre-activation ``X`` and applied element by element. The floating dtype of the input is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base.arrays import Array, as_floats, as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_labels, check_positive
from chainrule._src.core.names import count_names
from chainrule._src.core.primitive import Traced, tensor_or
from chainrule._src.ops.elementwise import ERF
from chainrule._src.ops.nn import LOG_SOFTMAX, LOGSUMEXP, ONE_HOT, RELU, SIGMOID, SOFTMAX, SOFTPLUS

count_names(__file__, short=False)

__all__ = [
    "ACTIVATIONS", "EPSILON", "accuracy", "delu", "drelu", "dsigmoid", "dsoftplus", "dtanh", "elu",
    "erf", "gelu", "log_softmax", "logsumexp", "nll", "one_hot", "relu", "sigmoid", "softmax",
    "softplus", "tanh",
]  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from chainrule._src.core.primitive import Primitive

Activation = Callable[["ArrayLike"], Array]
Axes = int | tuple[int, ...]
_FLOATS = frozenset(map(np.dtype, np.typecodes["Float"]))

EPSILON = 1e-8
"""The number that `nll` adds to a probability inside the logarithm, to avoid log(0)."""


def one_hot(n_classes: int, y: ArrayLike) -> Array:
    """One-hot encode class numbers: rows of zeros with one entry equal to 1.

    Parameters
    ----------
    n_classes : int
        Number of classes ``k``.
    y : int or array_like of int, any shape
        Class numbers in ``0 … k - 1``.

    Returns
    -------
    ndarray of float64, shape ``y.shape + (k,)``

    Raises
    ------
    DataError
        If a label is not an integer or not in ``0 … k - 1``, or the arguments are swapped.

    Examples
    --------
    >>> one_hot(n_classes=4, y=3)
    array([0., 0., 0., 1.])
    >>> one_hot(n_classes=4, y=[0, 2])
    array([[1., 0., 0., 0.],
           [0., 0., 1., 0.]])
    """
    if np.ndim(n_classes) and not np.ndim(y):
        raise DataError("one_hot: the number of classes comes first: one_hot(10, y)")
    n_classes = check_positive(n_classes, "n_classes", "one_hot")
    y = tensor_or(check_labels, y, n_classes, "one_hot")
    Y: Array = ONE_HOT(y, n_classes=n_classes)
    return Y


def softmax(X: ArrayLike, axis: Axes = -1) -> Array:
    r"""Turn logits into probabilities along an axis, the last by default.

    .. math:: \mathrm{softmax}(x)_i = \frac{e^{x_i - m}}{\sum_j e^{x_j - m}},
              \qquad m = \max_j x_j

    Subtracting the maximum changes nothing mathematically and keeps ``exp`` from overflowing
    (Goodfellow, Bengio, Courville, *Deep Learning*, section 4.1).

    Parameters
    ----------
    X : array_like, shape (k,) or (n, k)
        Logits of one sample or of a batch.
    axis : int or tuple of int, default -1
        The axis of the classes.

    Returns
    -------
    ndarray of the same shape
        Probabilities; each row sums to one.

    Raises
    ------
    ShapeError
        If the axis does not exist or is empty.
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> softmax([10, 2, -3]).round(6)
    array([9.99662e-01, 3.35000e-04, 2.00000e-06])
    >>> softmax([1e4, -1e4])
    array([1., 0.])
    """
    with np.errstate(over="ignore"):  # logits further apart than the largest float: exp(-inf) is 0
        probabilities: Array = _along(SOFTMAX, X, axis)
    return probabilities


def log_softmax(X: ArrayLike, axis: Axes = -1) -> Array:
    r"""Return the logarithm of `softmax`, exact where the softmax itself would round to 0.

    .. math:: \log \mathrm{softmax}(x)_i = (x_i - m) - \log \sum_j e^{x_j - m}

    Parameters
    ----------
    X : array_like, shape (k,) or (n, k)
        Logits of one sample or of a batch.
    axis : int or tuple of int, default -1
        The axis of the classes.

    Returns
    -------
    ndarray of the same shape

    Raises
    ------
    ShapeError
        If the axis does not exist or is empty.
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> log_softmax([1e4, -1e4])
    array([     0., -20000.])
    """
    with np.errstate(over="ignore"):  # as for the softmax
        logs: Array = _along(LOG_SOFTMAX, X, axis)
    return logs


def nll(Y_true: ArrayLike, Y_pred: ArrayLike) -> np.floating[Any]:
    r"""Return the mean negative log likelihood of one-hot targets under probabilities.

    .. math:: \mathrm{nll} = -\frac1n \sum_{i=1}^n \sum_{c=1}^k
              Y^\mathrm{true}_{ic} \log(\varepsilon + Y^\mathrm{pred}_{ic}),
              \qquad \varepsilon = 10^{-8}

    Parameters
    ----------
    Y_true : array_like, shape (k,) or (n, k)
        One-hot encoded classes.
    Y_pred : array_like, shape (k,) or (n, k)
        Predicted probabilities.

    Returns
    -------
    float
        The mean over the samples, in nats.

    Raises
    ------
    ShapeError
        If the shapes differ: broadcasting would give a number that means nothing.
    DataError
        If the values are no probabilities, or the arguments are swapped.

    Examples
    --------
    >>> nll([1, 0, 0], [.99, 0.01, 0])
    np.float64(0.01005032575249135)
    >>> nll([[0, 1, 0], [1, 0, 0]], [[0, 1, 0], [.99, .01, 0]]).round(6)
    np.float64(0.005025)
    """
    true: Any = _input(Y_true, "Y_true", "nll")
    pred: Any = _input(Y_pred, "Y_pred", "nll")
    if true.shape != pred.shape or true.ndim == 0 or 0 in true.shape:
        raise ShapeError(
            "nll: Y_true and Y_pred must have the same shape, (k,) or (n, k), not empty, received "
            f"{true.shape} and {pred.shape}"
        )
    for name, Y in (("Y_true", true), ("Y_pred", pred)):
        if not isinstance(Y, Traced) and not (Y.min() >= 0 and Y.max() <= 1 + 1e-5):
            raise DataError(
                f"nll: {name} must hold probabilities, from 0 to 1; apply softmax first"
            )
    if _is_one_hot(pred) and not _is_one_hot(true):
        raise DataError("nll: the one-hot targets come first: nll(Y_true, Y_pred)")
    mean: np.floating[Any] = _nll(true, pred)
    return mean


def _is_one_hot(Y: Any) -> bool:
    """Return true if each row of an array is zeros with a single 1; false of tensors."""
    if isinstance(Y, Traced):
        return False
    return bool(np.all((Y == 0) | (Y == 1)) and np.all(Y.sum(axis=-1) == 1))


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.floating[Any]:
    """Return the share of samples whose class is predicted right.

    Parameters
    ----------
    y_true : array_like of int, shape (n,)
        True classes.
    y_pred : array_like, shape (n,) or (n, k)
        Predicted classes, or one row of scores per sample, whose highest entry is the class.

    Returns
    -------
    float
        In ``0 … 1``.

    Raises
    ------
    ShapeError
        If the numbers of samples differ, or there are none.
    DataError
        If ``y_true`` does not hold class numbers, or ``y_pred`` holds NaN.

    Examples
    --------
    >>> accuracy([0, 1, 2, 2], [0, 1, 2, 0])
    np.float64(0.75)
    >>> accuracy([1, 0], [[.2, .8], [.3, .7]])
    np.float64(0.5)
    """
    true = as_numbers(y_true, "y_true", "accuracy")
    predicted = as_numbers(y_pred, "y_pred", "accuracy")
    if true.dtype.kind not in "iu" or true.ndim > 1:
        raise DataError(
            "accuracy: y_true must be whole class numbers of shape (n,), received dtype "
            f"{true.dtype} and shape {true.shape}"
        )
    fits = predicted.shape[: true.ndim] == true.shape and predicted.ndim <= true.ndim + 1
    if not fits or true.size == 0 or predicted.size == 0:
        raise ShapeError(
            "accuracy: y_true and y_pred must hold the same number of samples, at least one, "
            f"received shapes {true.shape} and {predicted.shape}"
        )
    if np.isnan(predicted).any():
        raise DataError("accuracy: y_pred holds NaN")
    if predicted.ndim > true.ndim:
        predicted = predicted.argmax(axis=-1)
    share: np.floating[Any] = np.mean(true == predicted)
    return share


def sigmoid(X: ArrayLike) -> Array:
    r"""Return the logistic sigmoid, :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    Where :math:`e^{-x}` overflows the result is 0, which is exact.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> sigmoid([-1e4, 0, 1e4])
    array([0. , 0.5, 1. ])
    """
    result: Array = SIGMOID(_input(X, "X", "sigmoid"))
    return result


def dsigmoid(X: ArrayLike) -> Array:
    r"""Return the derivative of `sigmoid`, :math:`\sigma'(x) = \sigma(x)\,(1 - \sigma(x))`.

    Computed as :math:`e / (1 + e)^2` with :math:`e = e^{-|x|}`: the derivative is even, and
    nothing is subtracted, so the tails keep all their digits.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> dsigmoid([-1e4, 0, 1e4])
    array([0.  , 0.25, 0.  ])
    """
    exp = np.exp(-np.abs(_input(X, "X", "dsigmoid")))
    result: Array = exp / (1 + exp) ** 2
    return result


def tanh(X: ArrayLike) -> Array:
    r"""Return the hyperbolic tangent, :math:`(e^x - e^{-x}) / (e^x + e^{-x})`.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> tanh([-1e4, 0, 1e4])
    array([-1.,  0.,  1.])
    """
    result: Array = np.tanh(_input(X, "X", "tanh"))
    return result


def dtanh(X: ArrayLike) -> Array:
    r"""Return the derivative of `tanh`, :math:`1 - \tanh^2(x) = 4\,\sigma(2x)\,\sigma(-2x)`.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> dtanh([-1e4, 0, 1e4])
    array([0., 1., 0.])
    """
    square = np.exp(-np.abs(_input(X, "X", "dtanh"))) ** 2
    result: Array = 4 * square / (1 + square) ** 2
    return result


def relu(X: ArrayLike) -> Array:
    r"""Return the rectified linear unit, :math:`\max(0, x)`.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> relu([-2, 0, 3])
    array([0., 0., 3.])
    """
    result: Array = RELU(_input(X, "X", "relu"))
    return result


def drelu(X: ArrayLike) -> Array:
    r"""Return the derivative of `relu`: 1 where :math:`x > 0`, else 0; at the kink it is 0.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> drelu([-2, 0, 3])
    array([0., 0., 1.])
    """
    x: Any = _input(X, "X", "drelu")
    result: Array = (x > 0).astype(x.dtype)
    return result


def softplus(X: ArrayLike) -> Array:
    r"""Return a smooth rectifier, :math:`\log(1 + e^x)`.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> softplus([-1e4, 0, 1e4]).round(4)
    array([0.0000e+00, 6.9310e-01, 1.0000e+04])
    """
    result: Array = SOFTPLUS(_input(X, "X", "softplus"))
    return result


def dsoftplus(X: ArrayLike) -> Array:
    r"""Return the derivative of `softplus`, which is :math:`\sigma(x)`.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> dsoftplus([-1e4, 0, 1e4])
    array([0. , 0.5, 1. ])
    """
    return sigmoid(X)


def elu(X: ArrayLike, alpha: float = 1.0) -> Array:
    r"""Return the ELU: :math:`x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`.

    Clevert, Unterthiner, Hochreiter, *Fast and Accurate Deep Network Learning by Exponential
    Linear Units*, 2016. With :math:`\alpha = 1` the slope at 0 is 1 from both sides.

    Parameters
    ----------
    X : array_like or Tensor
    alpha : float, default 1
        :math:`\alpha`; the result for large negative numbers is :math:`-\alpha`.

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> elu([-1e4, 0, 3])
    array([-1.,  0.,  3.])
    """
    x: Any = _input(X, "X", "elu")
    is_positive = x > 0
    result: Array = np.where(is_positive, x, alpha * np.expm1(np.where(is_positive, 0, x)))
    return result


def delu(X: ArrayLike) -> Array:
    r"""Return the derivative of `elu`: 1 where :math:`x > 0`, else :math:`e^x`.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> delu([-1e4, 0, 3])
    array([0., 1., 1.])
    """
    result: Array = np.exp(np.minimum(_input(X, "X", "delu"), 0))
    return result


def gelu(X: ArrayLike) -> Array:
    r"""Return the Gaussian error linear unit in its tanh form.

    .. math:: \frac{x}{2} \Big(1 + \tanh\big(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\big)\Big)

    Hendrycks, Gimpel, *Gaussian Error Linear Units*, 2016.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> gelu([-10, 0, 1]).round(4)
    array([-0.    ,  0.    ,  0.8412])
    """
    x: Any = _input(X, "X", "gelu")
    near = np.clip(x, -20, 20)  # beyond it tanh is 1 to the last digit, and x**3 may overflow
    result: Array = 0.5 * x * (1 + np.tanh(0.7978845608028654 * (near + 0.044715 * near**3)))
    return result


def erf(X: ArrayLike) -> Array:
    r"""Return the error function, :math:`\frac{2}{\sqrt\pi} \int_0^x e^{-t^2} dt`.

    The exact gelu is ``x / 2 * (1 + erf(x / 2**0.5))``.

    Parameters
    ----------
    X : array_like or Tensor

    Returns
    -------
    array, shape of ``X``

    Raises
    ------
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> erf([-10, 0, 1]).round(4)
    array([-1.    ,  0.    ,  0.8427])
    """
    result: Array = ERF(_input(X, "X", "erf"))
    return result


def logsumexp(X: ArrayLike, axis: int = -1, keepdims: bool = False) -> Array:
    r"""Return :math:`\log \sum_j e^{x_j}` along an axis, without overflow.

    Parameters
    ----------
    X : array_like or Tensor
    axis : int, default -1
        Axis of the sum.
    keepdims : bool, default False
        If true, the result keeps this axis, with length 1.

    Returns
    -------
    array, shape of ``X`` without the axis

    Raises
    ------
    ShapeError
        If the axis does not exist or is empty.
    DataError
        If ``X`` does not hold numbers.

    Examples
    --------
    >>> logsumexp([1e4, 1e4]).round(4)
    np.float64(10000.6931)
    """
    result: Array = LOGSUMEXP(_logits(X, "logsumexp", axis), axis=axis, keepdims=keepdims)
    return result


ACTIVATIONS: dict[str, tuple[Activation, Activation]] = {
    "sigmoid": (sigmoid, dsigmoid),
    "tanh": (tanh, dtanh),
    "relu": (relu, drelu),
    "softplus": (softplus, dsoftplus),
    "elu": (elu, delu),
}
"""Each activation with its derivative, by name."""


def _nll(Y_true: Any, Y_pred: Any) -> Any:
    if Y_true.dtype != Y_pred.dtype and Y_pred.dtype.kind == "f":
        Y_true = Y_true.astype(Y_pred.dtype)  # the predictions' precision is the loss's
    log_likelihoods = np.sum(Y_true * np.log(EPSILON + Y_pred), axis=-1)
    return -np.mean(log_likelihoods)


def _input(X: Any, name: str, where: str) -> Any:
    """Return a floating tensor or array; whole numbers become float64."""
    if type(X) is np.ndarray and X.dtype in _FLOATS:
        return X  # what a network calls for each sample
    tensor = tensor_or(as_floats, X, name, where)
    return tensor if tensor.dtype.kind == "f" else tensor.astype(np.float64)


def _along(primitive: Primitive, X: Any, axis: Axes) -> Any:
    """Apply a primitive along one axis; for several axes, call its NumPy value function."""
    X = _logits(X, primitive.name, axis)
    if isinstance(axis, tuple | list):
        return primitive.value(X, axis=tuple(axis))
    return primitive(X, axis=axis)


def _logits(X: Any, where: str, axis: Axes) -> Any:
    X = _input(X, "X", where)
    if X.ndim == 0 or X.shape[-1] == 0:
        raise ShapeError(
            f"{where}: X must be one vector of logits (k,) or a batch (n, k), received shape "
            f"{X.shape}"
        )
    for one in axis if isinstance(axis, tuple | list) else (axis,):
        if not -X.ndim <= one < X.ndim or X.shape[one] == 0:
            raise ShapeError(f"{where}: axis {one} holds no classes, X has shape {X.shape}")
    return X
