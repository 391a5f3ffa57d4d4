"""Hinge losses: 0 for predictions that are right by a margin. Names and values are Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.nn.losses.base import FunctionLoss
from chainrule._src.nn.losses.operands import pair


def hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Return the mean of :math:`\max(0, 1 - y p)` over each sample's outputs.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n, k)
        -1 and 1; if a batch holds only zeros and ones, zeros are replaced by -1.
    y_pred : array_like or Tensor, shape (n, k)

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> hinge([[-1.0, 1.0], [1.0, 1.0]], [[-2.0, 0.5], [0.0, 3.0]])
    array([0.25, 0.5 ])
    """
    return np.mean(_short_of_margin(y_true, y_pred, "hinge"), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Return the mean of :math:`\max(0, 1 - y p)^2` over each sample's outputs, as `hinge`.

    Parameters
    ----------
    y_true, y_pred
        Parameters of `hinge`.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> squared_hinge([[-1.0, 1.0]], [[-2.0, 0.5]])
    array([0.125])
    """
    return np.mean(_short_of_margin(y_true, y_pred, "squared_hinge") ** 2, axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\max(0, 1 + \max_c (1 - y_c) p_c - \sum_c y_c p_c)` of each sample.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n, k)
        One-hot rows.
    y_pred : array_like or Tensor, shape (n, k)
        Scores.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> categorical_hinge([[0.0, 1.0], [1.0, 0.0]], [[0.5, 2.0], [0.5, 1.0]])
    array([0. , 1.5])
    """
    y_true, y_pred = pair(y_true, y_pred, "categorical_hinge")
    other = np.max((1 - y_true) * y_pred, axis=-1)
    return np.maximum(other - np.sum(y_true * y_pred, axis=-1) + 1, 0)


def _short_of_margin(y_true: Any, y_pred: Any, where: str) -> Any:
    y_true, y_pred = pair(y_true, y_pred, where)
    binary = np.all((y_true == 0) | (y_true == 1))
    return np.maximum(1 - np.where(binary, 2 * y_true - 1, y_true) * y_pred, 0)


class Hinge(FunctionLoss, function=hinge):
    """Averages `hinge` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> Hinge()([[-1.0], [1.0]], [[-2.0], [0.5]])  # 0 and 1 - 0.5
    np.float64(0.25)
    """


class SquaredHinge(FunctionLoss, function=squared_hinge):
    """Averages `squared_hinge` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> SquaredHinge()([[-1.0], [1.0]], [[-2.0], [0.5]])  # 0 and (1 - 0.5)**2
    np.float64(0.125)
    """


class CategoricalHinge(FunctionLoss, function=categorical_hinge):
    """Averages `categorical_hinge` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> CategoricalHinge()([[0.0, 1.0], [1.0, 0.0]], [[0.5, 2.0], [0.5, 1.0]])  # 0 and 1 + 1 - 0.5
    np.float64(0.75)
    """
