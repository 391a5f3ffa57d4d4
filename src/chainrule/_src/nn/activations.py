r"""Activations by name, with the options that they have in Keras.

They are NumPy code for arrays and tensors: the floating dtype stays, and no finite input
gives a warning or NaN. A function of your own can be used wherever an activation is expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_floats
from chainrule._src.base.config import FUNCTION, function_of, own_called, plain
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.registered import is_own
from chainrule._src.base.validation import check_flag, check_number, lookup
from chainrule._src.core.names import count_names
from chainrule._src.core.primitive import tensor_or
from chainrule._src.nn import functions
from chainrule._src.nn.functions import erf, log_softmax, sigmoid, softmax, softplus, tanh

count_names(__file__, short=False)

__all__ = [
    "ACTIVATIONS", "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid",
    "log_softmax", "mish", "relu", "relu6", "selu", "serialize", "sigmoid", "silu", "soft_shrink",
    "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus",
    "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip

Activation = Callable[[Any], Any]


def linear(x: Any) -> Any:
    """Return :math:`x` unchanged.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> linear([-2.0, 3.0])
    array([-2.,  3.])
    """
    return _operand(x, "linear")


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Any:
    r"""Return the rectified linear unit, :math:`\max(0, x)`.

    Parameters
    ----------
    x : array_like
    negative_slope : float, default 0
        Below the threshold the result is this times :math:`x - t`.
    max_value : float, optional
        Largest result.
    threshold : float, default 0
        :math:`t`, above which the result is :math:`x`.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, an option is not finite, or ``max_value`` is negative.

    Examples
    --------
    >>> relu([-2.0, 0.5, 3.0], negative_slope=0.1, max_value=2.0, threshold=1.0)
    array([-0.3 , -0.05,  2.  ])
    """
    slope = _number(negative_slope, "negative_slope", "relu")
    limit = _number(threshold, "threshold", "relu")
    if max_value is None and limit == 0:
        return leaky_relu(x, slope) if slope else functions.relu(x)
    x = _operand(x, "relu")
    y = np.where(x <= limit, 0, x)
    if max_value is not None:
        y = np.clip(y, 0, check_number(max_value, "max_value", "relu"))
    return y - slope * functions.relu(limit - x) if slope else y


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    r"""Return :math:`x` where :math:`x \ge 0`, else ``negative_slope`` times :math:`x`.

    Maas, Hannun, Ng, *Rectifier Nonlinearities Improve Neural Network Acoustic Models*, 2013.

    Parameters
    ----------
    x : array_like or Tensor
    negative_slope : float, default 0.2
        Factor of negative numbers.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``negative_slope`` is not a finite number.

    Examples
    --------
    >>> leaky_relu([-2.0, 3.0])
    array([-0.4,  3. ])
    """
    x, slope = _operand(x, "leaky_relu"), _number(negative_slope, "negative_slope", "leaky_relu")
    return np.where(x >= 0, x, slope * x)


def relu6(x: Any) -> Any:
    r"""Return :math:`\min(\max(0, x), 6)`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> relu6([-2.0, 3.0, 8.0])
    array([0., 3., 6.])
    """
    x = _operand(x, "relu6")
    return np.where(x >= 6, 6, functions.relu(x))


def elu(x: Any, alpha: float = 1.0) -> Any:
    r"""Return the ELU: :math:`x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`.

    Clevert, Unterthiner, Hochreiter, *Fast and Accurate Deep Network Learning by Exponential
    Linear Units*, 2016.

    Parameters
    ----------
    x : array_like or Tensor
    alpha : float, default 1
        The result for large negative numbers is minus this.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``alpha`` is not a finite number.

    Examples
    --------
    >>> elu([-1e4, 3.0], alpha=0.5)
    array([-0.5,  3. ])
    """
    return functions.elu(x, _number(alpha, "alpha", "elu"))


def selu(x: Any) -> Any:
    r"""Return :math:`\lambda` times `elu` with :math:`\alpha`, which keep mean 0 and variance 1.

    Klambauer et al., *Self-Normalizing Neural Networks*, 2017: :math:`\lambda = 1.0507`,
    :math:`\alpha = 1.6733`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> selu([-1e4, 1.0]).round(4)
    array([-1.7581,  1.0507])
    """
    with np.errstate(over="ignore"):  # numbers above the largest float become infinite
        return 1.0507009873554805 * functions.elu(x, 1.6732632423543772)


def celu(x: Any, alpha: float = 1.0) -> Any:
    r"""Return :math:`x` where :math:`x > 0`, else :math:`\alpha (e^{x / \alpha} - 1)`.

    Barron, *Continuously Differentiable Exponential Linear Units*, 2017; :math:`\alpha > 0`.

    Parameters
    ----------
    x : array_like or Tensor
    alpha : float, default 1
        The result for large negative numbers is minus this.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``alpha`` is not above 0.

    Examples
    --------
    >>> celu([-1e4, 3.0], alpha=0.5)
    array([-0.5,  3. ])
    """
    x, alpha = _operand(x, "celu"), check_number(alpha, "alpha", "celu", strict=True)
    is_positive = x > 0
    with np.errstate(over="ignore"):  # x / alpha may be -inf: then the result is -alpha, and exact
        return np.where(is_positive, x, alpha * np.expm1(np.where(is_positive, 0, x) / alpha))


def gelu(x: Any, approximate: bool = False) -> Any:
    r"""Return the Gaussian error linear unit: :math:`x` times the normal distribution function.

    .. math:: \frac{x}{2} \Big(1 + \mathrm{erf}\big(x / \sqrt 2\big)\Big)

    Hendrycks, Gimpel, *Gaussian Error Linear Units*, 2016. With ``approximate`` it is
    `chainrule.functions.gelu`, the tanh form.

    Parameters
    ----------
    x : array_like or Tensor
    approximate : bool, default False
        If true, the error function is approximated by tanh.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``approximate`` is not a bool.

    Examples
    --------
    >>> gelu([-10.0, 0.0, 1.0]).round(4), gelu(1.0, approximate=True).round(4)
    (array([-0.    ,  0.    ,  0.8413]), np.float64(0.8412))
    """
    if check_flag(approximate, "approximate", "gelu"):
        return functions.gelu(x)
    x = _operand(x, "gelu")
    near = np.clip(x, -20, 20)  # beyond it erf is 1 to the last digit
    return 0.5 * x * (1 + erf(near * math.sqrt(0.5)))


def silu(x: Any) -> Any:
    r"""Return :math:`x\,\sigma(x)`, also called swish.

    Ramachandran, Zoph, Le, *Searching for Activation Functions*, 2017.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> silu([-1e4, 0.0, 1.0]).round(4)
    array([-0.    ,  0.    ,  0.7311])
    """
    x = _operand(x, "silu")
    return x * sigmoid(x)


def hard_sigmoid(x: Any) -> Any:
    r"""Return :math:`x / 6 + 1 / 2`, within 0 and 1.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> hard_sigmoid([-4.0, 0.0, 1.5, 4.0])
    array([0.  , 0.5 , 0.75, 1.  ])
    """
    return relu6(_operand(x, "hard_sigmoid") + 3) / 6


def hard_silu(x: Any) -> Any:
    r"""Return :math:`x` times `hard_sigmoid`, also called hard swish.

    Howard et al., *Searching for MobileNetV3*, 2019, section 5.2.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> hard_silu([-4.0, 0.0, 1.5, 4.0])
    array([-0.   ,  0.   ,  1.125,  4.   ])
    """
    x = _operand(x, "hard_silu")
    return x * hard_sigmoid(x)


def hard_tanh(x: Any) -> Any:
    """Return :math:`x`, within -1 and 1.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> hard_tanh([-4.0, 0.5, 4.0])
    array([-1. ,  0.5,  1. ])
    """
    return np.clip(_operand(x, "hard_tanh"), -1, 1)


def softsign(x: Any) -> Any:
    r"""Return :math:`x / (1 + |x|)`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> softsign([-1e9, 0.0, 1.0])
    array([-1. ,  0. ,  0.5])
    """
    x = _operand(x, "softsign")
    return x / (1 + np.abs(x))


def exponential(x: Any) -> Any:
    """Return :math:`e^x`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> exponential([-1e4, 0.0, 1e4])
    array([ 0.,  1., inf])
    """
    with np.errstate(over="ignore"):  # numbers above the largest float become infinite
        return np.exp(_operand(x, "exponential"))


def mish(x: Any) -> Any:
    r"""Return :math:`x \tanh(\log(1 + e^x))`.

    Misra, *Mish: A Self Regularized Non-Monotonic Activation Function*, 2020.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> mish([-1e4, 0.0, 1.0]).round(4)
    array([-0.    ,  0.    ,  0.8651])
    """
    x = _operand(x, "mish")
    return x * np.tanh(softplus(x))


def squareplus(x: Any, b: float = 4.0) -> Any:
    r"""Return a smooth rectifier without an exponential, :math:`(x + \sqrt{x^2 + b}) / 2`.

    Barron, *Squareplus: A Softplus-Like Algebraic Rectifier*, 2021.

    Parameters
    ----------
    x : array_like or Tensor
    b : float, default 4
        The result at 0 is :math:`\sqrt b / 2`.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``b`` is not above 0.

    Examples
    --------
    >>> squareplus([-1e4, 0.0, 1e300]).round(3)
    array([0.e+000, 1.e+000, 1.e+300])
    """
    root = math.sqrt(check_number(b, "b", "squareplus", strict=True))
    x = _operand(x, "squareplus")
    return 0.5 * x + 0.5 * np.hypot(x, root)


def log_sigmoid(x: Any) -> Any:
    r"""Return :math:`\log \sigma(x) = -\log(1 + e^{-x})`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> log_sigmoid([-1e4, 0.0]).round(4)
    array([-1.0000e+04, -6.9310e-01])
    """
    return -softplus(-_operand(x, "log_sigmoid"))


def tanh_shrink(x: Any) -> Any:
    r"""Return :math:`x - \tanh x`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> tanh_shrink([-1e4, 0.0, 1.0]).round(4)
    array([-9.999e+03,  0.000e+00,  2.384e-01])
    """
    x = _operand(x, "tanh_shrink")
    return x - np.tanh(x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    r"""Return :math:`x` moved towards 0 by a threshold; entries below the threshold become 0.

    Parameters
    ----------
    x : array_like or Tensor
    threshold : float, default 0.5
        Largest absolute value whose result is 0.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``threshold`` is negative.

    Examples
    --------
    >>> soft_shrink([-2.0, 0.3, 1.0])
    array([-1.5,  0. ,  0.5])
    """
    x, limit = _operand(x, "soft_shrink"), check_number(threshold, "threshold", "soft_shrink")
    return x - np.clip(x, -limit, limit)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    r"""Return :math:`x` where :math:`|x|` is above a threshold, else 0.

    Parameters
    ----------
    x : array_like or Tensor
    threshold : float, default 0.5
        Largest absolute value whose result is 0.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or ``threshold`` is negative.

    Examples
    --------
    >>> hard_shrink([-2.0, 0.3, 1.0])
    array([-2.,  0.,  1.])
    """
    x, limit = _operand(x, "hard_shrink"), check_number(threshold, "threshold", "hard_shrink")
    return np.where(np.abs(x) <= limit, 0, x)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Return :math:`x` where it is above a threshold, else ``default_value``.

    Parameters
    ----------
    x : array_like or Tensor
    threshold : float
        Numbers up to this one are replaced.
    default_value : float
        Their replacement.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers, or another argument is not a finite number.

    Examples
    --------
    >>> threshold([-2.0, 0.3, 1.0], 0.5, -1.0)
    array([-1., -1.,  1.])
    """
    limit = _number(threshold, "threshold", "threshold")
    other = _number(default_value, "default_value", "threshold")
    x = _operand(x, "threshold")
    return np.where(x <= limit, other, x)


def sparse_plus(x: Any) -> Any:
    r"""Return 0 where :math:`x \le -1`, :math:`(x + 1)^2 / 4` up to 1, then :math:`x`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> sparse_plus([-2.0, 0.0, 3.0])
    array([0.  , 0.25, 3.  ])
    """
    x = _operand(x, "sparse_plus")
    return np.where(x >= 1, x, (np.clip(x, -1, 1) + 1) ** 2 / 4)


def sparse_sigmoid(x: Any) -> Any:
    r"""Return :math:`(x + 1) / 2`, within 0 and 1: the slope of `sparse_plus`.

    Parameters
    ----------
    x : array_like or Tensor

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> sparse_sigmoid([-2.0, 0.5, 3.0])
    array([0.  , 0.75, 1.  ])
    """
    return (np.clip(_operand(x, "sparse_sigmoid"), -1, 1) + 1) / 2


def sparsemax(x: Any, axis: int = -1) -> Any:
    r"""Turn logits into probabilities of which many are 0: :math:`\max(x - \tau, 0)`, of sum 1.

    Martins, Astudillo, *From Softmax to Sparsemax*, 2016, algorithm 1.

    Parameters
    ----------
    x : array_like or Tensor
    axis : int, default -1
        Axis of the classes.

    Returns
    -------
    array, shape of ``x``

    Raises
    ------
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> sparsemax([1.0, 0.8, -2.0])
    array([0.6, 0.4, 0. ])
    """
    x = _with_axis(x, axis, "sparsemax")
    with np.errstate(over="ignore"):  # logits further apart than the largest float
        x = np.maximum(
            x - np.max(x, axis=axis, keepdims=True), -1
        )  # lower logits have probability 0
    falling = np.moveaxis(-np.sort(-x, axis=axis), axis, -1)
    rank = np.arange(1, falling.shape[-1] + 1)
    has_part = ~(1 + rank * falling <= np.cumsum(falling, axis=-1))  # NaN has one
    total = np.sum(np.where(has_part, falling, 0), axis=-1, keepdims=True)
    tau = (total - 1) / np.sum(has_part, axis=-1, keepdims=True)
    return np.maximum(x - np.moveaxis(tau, -1, axis), 0)


def glu(x: Any, axis: int = -1) -> Any:
    r"""Return the gated linear unit: :math:`a\,\sigma(b)` of an axis's halves :math:`a, b`.

    Dauphin, Fan, Auli, Grangier, *Language Modeling with Gated Convolutional Networks*, 2017.

    Parameters
    ----------
    x : array_like or Tensor
    axis : int, default -1
        Axis whose halves are the values and their gates.

    Returns
    -------
    array, shape of ``x`` with half the axis

    Raises
    ------
    ShapeError
        If the axis has no two halves.
    DataError
        If ``x`` does not hold numbers.

    Examples
    --------
    >>> glu([3.0, 8.0, 0.0, 1e4])
    array([1.5, 8. ])
    """
    x = _with_axis(x, axis, "glu")
    if x.shape[axis] % 2:
        raise ShapeError(f"glu: expected an even axis {axis}, received shape {x.shape}")
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)


swish, hard_swish = silu, hard_silu  # Keras's other names

ACTIVATIONS: dict[str, Activation] = {
    name: globals()[name]
    for name in __all__
    if name not in ("ACTIVATIONS", "deserialize", "get", "serialize", "threshold")
}
"""Each activation that needs no options, by its name."""


def get(activation: Any, where: str = "activations.get") -> Activation:
    """Return an activation.

    Parameters
    ----------
    activation : str, dict, callable or None
        A name, a description of a function (``{"class_name": "function", "config": "relu"}``), a
        function that is used unchanged, or None, which is `linear`.
    where : str
        Name of the calling function, for error messages.

    Returns
    -------
    callable

    Raises
    ------
    UnknownNameError, DataError
        If the activation is none of these.

    Examples
    --------
    >>> get("relu")([-1.0, 2.0])
    array([0., 2.])
    """
    entry = activation
    if isinstance(entry, Mapping) and entry.get("class_name") == FUNCTION:
        is_name = entry.get("config") in ACTIVATIONS and not is_own(entry)
        entry = entry["config"] if is_name else function_of(entry)
    if entry is None:
        return linear
    if isinstance(entry, str):
        return own_called(entry, ACTIVATIONS) or lookup("activation", entry, ACTIVATIONS)
    if callable(entry) and not isinstance(entry, type):
        return entry  # type: ignore[no-any-return]
    raise DataError(
        f"{where}: an activation must be a name ({', '.join(ACTIVATIONS)}), a function or None, "
        f"received {activation!r}"
    )


serialize, deserialize = plain, get


def _operand(x: Any, where: str) -> Any:
    """Return a tensor unchanged, anything else as a floating array."""
    return tensor_or(as_floats, x, "x", where)


def _with_axis(x: Any, axis: int, where: str) -> Any:
    """Return `_operand` of an array that has this axis, with at least one entry."""
    x = _operand(x, where)
    if not -x.ndim <= axis < x.ndim or not x.shape[axis]:
        raise ShapeError(f"{where}: axis {axis} holds no numbers, x has shape {x.shape}")
    return x


def _number(value: float, name: str, where: str) -> float:
    return check_number(value, name, where, low=-np.inf)
