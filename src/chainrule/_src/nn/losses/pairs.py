"""Losses of pairs of embeddings: near within a class, far between classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Number
from chainrule._src.base.errors import ShapeError
from chainrule._src.nn.functions import logsumexp
from chainrule._src.nn.losses.base import MEAN, FunctionLoss, weight_of
from chainrule._src.nn.losses.operands import floats, numbers
from chainrule._src.ops.nn import SOFTPLUS

LEAST = -1e30  # stands for the logarithm of 0


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Any:
    r"""Return the circle loss of each sample.

    .. math:: \log\Big(1 + \sum_{j \in P_i} e^{-\gamma (d_{ij} + m)_+ (m - d_{ij})}
              \sum_{k \in N_i} e^{\gamma (1 + m - d_{ik})_+ (1 - m - d_{ik})}\Big)

    :math:`d_{ij}` is 1 minus the cosine of two embeddings, :math:`P_i` are the references of the
    same class, :math:`N_i` the other references (Sun et al., *Circle Loss*, 2020).

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n,) or (n, 1)
        Class numbers.
    y_pred : array_like or Tensor, shape (n, d)
        Embeddings of length 1, as from `chainrule.layers.UnitNormalization`.
    ref_labels, ref_embeddings : array_like or Tensor, optional
        References to which samples are compared; by default the samples themselves.
    remove_diagonal : bool, default True
        If true, a sample is not compared with itself.
    gamma : float, default 80
        Scale.
    margin : float, default 0.4
        :math:`m`.

    Returns
    -------
    array, shape (n,)
        0 for a sample without a reference of its class.

    Raises
    ------
    ShapeError
        If there is not one class number for each row of embeddings.
    DataError
        If one of them does not hold numbers, or class numbers are NaN or infinite.

    Examples
    --------
    >>> circle([0, 0, 1], [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]).round(2)
    array([134.4,  54.4,   0. ])
    """
    x = floats(y_pred, "y_pred", "circle")
    labels = _flat(y_true, "y_true")
    others = x if ref_embeddings is None else floats(ref_embeddings, "ref_embeddings", "circle")
    kinds = labels if ref_labels is None else _flat(ref_labels, "ref_labels")
    if x.ndim != 2 or others.ndim != 2 or (len(labels), len(kinds)) != (len(x), len(others)):
        raise ShapeError(
            "circle: expected a class number for each row of the embeddings, received shapes "
            f"{labels.shape}, {x.shape} and, for what they are compared with, {kinds.shape}, "
            f"{others.shape}"
        )
    apart = np.maximum(1 - x @ others.T, 0)
    same = labels[:, None] == kinds
    near = same
    if remove_diagonal:
        # Row numbers are computed from the labels, so that one recording fits any batch size.
        place = labels * 0 + np.arange(len(labels))
        near = same & (place[:, None] != np.arange(len(kinds)))
    within = -gamma * (apart + margin) * (margin - apart)
    between = gamma * np.maximum(1 + margin - apart, 0) * (1 - margin - apart)
    pulled, pushed = np.where(near, within, LEAST), np.where(same, LEAST, between)
    return SOFTPLUS(logsumexp(pulled) + logsumexp(pushed))


def _flat(labels: Any, name: str) -> Any:
    labels = numbers(labels, name, "circle")
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


class Circle(FunctionLoss, function=circle):
    """Compares the samples of a batch with each other: the mean of `circle`.

    The mean is over the samples whose loss is above 0: samples that have pairs.

    Parameters
    ----------
    gamma, margin, remove_diagonal
        Parameters of `circle`.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``gamma`` or ``margin`` is negative, or ``remove_diagonal`` is not a bool.

    Examples
    --------
    >>> embeddings = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    >>> Circle(reduction="none")([0, 0, 1], embeddings).round(2)
    array([134.4,  54.4,   0. ])
    >>> Circle()([0, 0, 1], embeddings).round(2)  # the mean of the first two
    np.float64(94.4)
    """

    def __init__(
        self,
        gamma: Number = 80.0,
        margin: Number = 0.4,
        remove_diagonal: Flag = True,
        reduction: str | None = MEAN,
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def counted(self, values: Any, sample_weight: Any) -> Any:
        """Return weights that exclude samples without pairs."""
        return weight_of((values > 0).astype(values.dtype), sample_weight, self.reduction)

    def target_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of a sample's target: a class number."""
        return ()
