"""Losses for the overlap of targets and predictions. Names, arguments and values are Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Number
from chainrule._src.nn.losses.base import MEAN, FunctionLoss
from chainrule._src.nn.losses.operands import EPSILON, pair

Axis = int | tuple[int, ...] | None


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Any:
    r"""Return :math:`1 - 2 \sum y p / (\sum y + \sum p)`, over some axes or all axes.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, ...)
        Masks of zeros and ones, and probabilities of ones.
    axis : int or tuple of int, optional
        Axes that are summed; by default all axes.

    Returns
    -------
    float, or array with the shape of the other axes

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> dice([[1.0, 0.0]], [[0.5, 0.5]]).round(4)
    np.float64(0.5)
    """
    y_true, y_pred = pair(y_true, y_pred, "dice")
    both = np.sum(y_true, axis=axis) + np.sum(y_pred, axis=axis)
    return 1 - 2 * np.sum(y_true * y_pred, axis=axis) / (both + EPSILON)


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Any:
    r"""Return the Tversky loss, over some axes or all axes.

    .. math:: 1 - \frac{T}{T + \alpha \sum y (1 - p) + \beta \sum (1 - y) p}, \qquad T = \sum y p

    Salehi et al., *Tversky Loss Function for Image Segmentation*, 2017.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, ...)
        Masks of zeros and ones, and probabilities of ones.
    alpha, beta : float, default 0.5
        Weights of missed ones and of wrong ones; both 0.5 give `dice`.
    axis : int or tuple of int, optional
        Axes that are summed; by default all axes.

    Returns
    -------
    float, or array with the shape of the other axes

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> tversky([[1.0, 0.0]], [[0.5, 0.5]]).round(4)
    np.float64(0.5)
    """
    y_true, y_pred = pair(y_true, y_pred, "tversky")
    right = np.sum(y_true * y_pred, axis=axis)
    missed = np.sum(y_true * (1 - y_pred), axis=axis)
    wrong = np.sum((1 - y_true) * y_pred, axis=axis)
    return 1 - right / (right + alpha * missed + beta * wrong + EPSILON)


class Dice(FunctionLoss, function=dice):
    """Computes `dice` of a batch, or its average over the samples if ``axis`` leaves them out.

    Parameters
    ----------
    axis : int or tuple of int, optional
        Axes that are summed; by default all axes.
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> Dice()([[1.0, 0.0], [1.0, 1.0]], [[0.5, 0.5], [1.0, 1.0]]).round(4)  # 1 - 2 * 2.5 / (3 + 3)
    np.float64(0.1667)
    >>> Dice(axis=1, reduction="none")([[1.0, 0.0], [1.0, 1.0]], [[0.5, 0.5], [1.0, 1.0]]).round(4)
    array([0.5, 0. ])
    """

    def __init__(
        self,
        reduction: str | None = MEAN,
        name: str | None = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = tuple(axis) if isinstance(axis, list) else axis


class Tversky(FunctionLoss, function=tversky):
    """Computes `tversky` of a batch, or its average over the samples as `Dice` does.

    Parameters
    ----------
    alpha, beta : float, default 0.5
        Weights of missed ones and of wrong ones.
    axis : int or tuple of int, optional
        Axes that are summed; by default all axes.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``alpha`` or ``beta`` is negative.

    Examples
    --------
    >>> Tversky(alpha=1.0, beta=0.0)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]]).round(4)  # misses 1 of 2
    np.float64(0.5)
    >>> Tversky(alpha=0.0, beta=0.5)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]]).round(4)  # 1 - 1 / 1.5
    np.float64(0.3333)
    """

    def __init__(
        self,
        alpha: Number = 0.5,
        beta: Number = 0.5,
        reduction: str | None = MEAN,
        name: str | None = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha, self.beta = alpha, beta
        self.axis = tuple(axis) if isinstance(axis, list) else axis
