r"""Distances between numbers: functions return the loss of each sample, classes its mean or sum.

With :math:`y` the target, :math:`p` the prediction, and the mean over the last axis of ``(n, k)``.
Names, arguments, defaults and values are Keras's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Number
from chainrule._src.base.errors import ShapeError
from chainrule._src.base.validation import check_number
from chainrule._src.nn.losses.base import MEAN, FunctionLoss
from chainrule._src.nn.losses.operands import EPSILON, OneAxis, floats, pair, targets
from chainrule._src.ops.nn import SOFTPLUS


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\frac1k \sum_j (y_j - p_j)^2` of each sample.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        ``(n,)`` and ``(n, 1)`` fit each other.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError
        If the shapes differ otherwise.
    DataError
        If one of them does not hold numbers, or ``y_true`` is an array with NaN or infinite values.

    Examples
    --------
    >>> mean_squared_error([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [2.0, 5.0]])
    array([0.5, 2. ])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_error")
    return np.mean((y_pred - y_true) ** 2, axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\frac1k \sum_j |y_j - p_j|` of each sample.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 4.0]])
    array([2.])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_error")
    return np.mean(np.abs(y_pred - y_true), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\frac{100}k \sum_j |y_j - p_j| / \max(|y_j|, 10^{-7})` of each sample.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.

    Returns
    -------
    array, shape (n,)
        Percent.

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 5.0]])
    array([37.5])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_percentage_error")
    return 100 * np.mean(np.abs((y_true - y_pred) / np.maximum(np.abs(y_true), EPSILON)), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\frac1k \sum_j (\log(1 + y_j) - \log(1 + p_j))^2` of each sample.

    Numbers below :math:`10^{-7}` are replaced by :math:`10^{-7}`.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 3.0]]).round(4)
    array([0.2402])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_logarithmic_error")
    logs = [np.log(np.maximum(y, EPSILON) + 1) for y in (y_pred, y_true)]
    return np.mean((logs[0] - logs[1]) ** 2, axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    r"""Return the Huber loss of each sample: small errors are squared, large errors are linear.

    .. math:: \frac1k \sum_j \begin{cases} e_j^2 / 2 & |e_j| \le \delta \\
              \delta |e_j| - \delta^2 / 2 & |e_j| > \delta \end{cases}, \qquad e_j = p_j - y_j

    Huber, *Robust Estimation of a Location Parameter*, 1964.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.
    delta : float, default 1
        :math:`\delta`, from which on the loss is linear in the error.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> huber([[0.0, 0.0]], [[1.0, 3.0]])
    array([1.5])
    """
    y_true, y_pred = pair(y_true, y_pred, "huber")
    error = np.abs(y_pred - y_true)
    near, far = 0.5 * error**2, delta * error - 0.5 * delta**2
    return np.mean(np.where(error <= delta, near, far), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\frac1k \sum_j \log \cosh (p_j - y_j)` of each sample, without overflow.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> log_cosh([[0.0, 0.0]], [[1.0, 1000.0]]).round(4)
    array([499.8703])
    """
    y_true, y_pred = pair(y_true, y_pred, "log_cosh")
    error = y_pred - y_true
    return np.mean(error + SOFTPLUS(-2 * error) - math.log(2), axis=-1)


def pinball(y_true: Any, y_pred: Any, quantiles: Sequence[float] = (0.5,)) -> Any:
    r"""Return the pinball loss of each sample, averaged over its quantiles :math:`q_j`.

    .. math:: \frac1k \sum_j \max(q_j e_j, (q_j - 1) e_j), \qquad e_j = y - p_j

    It is smallest if :math:`p_j` is the :math:`q_j`-quantile of :math:`y`. Koenker, Bassett,
    *Regression Quantiles*, 1978.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n,) or (n, 1)
    y_pred : array_like or Tensor, shape (n, k)
        One column per quantile.
    quantiles : sequence of float, length k
        Numbers between 0 and 1.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> pinball([2.0], [[1.0, 4.0]], (0.5, 0.9))
    array([0.35])
    """
    y_pred = floats(y_pred, "y_pred", "pinball")
    y_true = targets(y_true, y_pred.dtype, "pinball")
    y_true = y_true[:, None] if y_true.ndim == 1 else y_true
    if y_pred.shape != (len(y_true), len(quantiles)) or y_true.shape != (len(y_true), 1):
        raise ShapeError(
            f"pinball: expected targets of shape (n,) or (n, 1) and predictions of shape (n, "
            f"{len(quantiles)}), received {y_true.shape} and {y_pred.shape}"
        )
    shares, error = np.asarray(quantiles, y_pred.dtype), y_true - y_pred
    return np.mean(np.maximum(shares * error, (shares - 1) * error), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    r"""Return :math:`-y \cdot p / (\lVert y \rVert \lVert p \rVert)` of each sample.

    As a loss it is -1 for equal directions. For a vector of zeros it is 0. Lengths
    below :math:`10^{-7}` are replaced by :math:`10^{-7}`.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Targets and predictions.
    axis : int, default -1
        Axis of a vector.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> cosine_similarity([[0.0, 2.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]])
    array([-1.,  0.])
    """
    y_true, y_pred = pair(y_true, y_pred, "cosine_similarity")
    return -np.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def _unit(x: Any, axis: int) -> Any:
    return x / np.sqrt(np.maximum(np.sum(x**2, axis=axis, keepdims=True), EPSILON**2))


class MeanSquaredError(FunctionLoss, function=mean_squared_error):
    """Averages `mean_squared_error` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]])
    np.float64(2.0)
    """


class MeanAbsoluteError(FunctionLoss, function=mean_absolute_error):
    """Averages `mean_absolute_error` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [5.0]])
    np.float64(3.0)
    """


class MeanAbsolutePercentageError(FunctionLoss, function=mean_absolute_percentage_error):
    """Averages `mean_absolute_percentage_error` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> MeanAbsolutePercentageError()([[2.0], [10.0]], [[1.0], [9.0]])  # 50 % and 10 %
    np.float64(30.0)
    """


class MeanSquaredLogarithmicError(FunctionLoss, function=mean_squared_logarithmic_error):
    """Averages `mean_squared_logarithmic_error` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> MeanSquaredLogarithmicError()([[0.0], [1.0]], [[0.0], [3.0]]).round(4)  # log(2)**2 / 2
    np.float64(0.2402)
    """


class LogCosh(FunctionLoss, function=log_cosh):
    """Averages `log_cosh` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> LogCosh()([[0.0], [0.0]], [[0.0], [1000.0]]).round(4)  # (1000 - log(2)) / 2
    np.float64(499.6534)
    """


class Huber(FunctionLoss, function=huber):
    """Averages `huber` over the samples of a batch.

    Parameters
    ----------
    delta : float, default 1
        Errors up to ``delta`` are squared, larger errors are linear.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``delta`` is negative.

    Examples
    --------
    >>> Huber(delta=1.0)([[0.0], [0.0]], [[1.0], [3.0]])  # 1 / 2 and 3 - 1 / 2
    np.float64(1.5)
    """

    def __init__(
        self,
        delta: Number = 1.0,
        reduction: str | None = MEAN,
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = delta


class Pinball(FunctionLoss, function=pinball):
    """Averages `pinball` over the samples of a batch.

    Parameters
    ----------
    quantiles : sequence of float, default (0.5,)
        Numbers between 0 and 1, one per output.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If a quantile is not between 0 and 1.

    Examples
    --------
    >>> Pinball([0.5, 0.9])([2.0], [[1.0, 4.0]])
    np.float64(0.35)
    """

    def __init__(
        self,
        quantiles: Sequence[float] = (0.5,),
        reduction: str | None = MEAN,
        name: str | None = "pinball",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.quantiles = [
            check_number(q, "a quantile", "Pinball", high=1.0, strict=True) for q in quantiles
        ]

    def target_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of a sample's target: one number."""
        return (*shape[:-1], 1)


class CosineSimilarity(FunctionLoss, function=cosine_similarity):
    """Averages `cosine_similarity` over the samples of a batch, -1 for equal directions.

    Parameters
    ----------
    axis : int, default -1
        Axis of a vector.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``axis`` is not an integer.

    Examples
    --------
    >>> CosineSimilarity()([[0.0, 2.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]])  # -1 and 0
    np.float64(-0.5)
    """

    def __init__(
        self,
        axis: OneAxis = -1,
        reduction: str | None = MEAN,
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis
