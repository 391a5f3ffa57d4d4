"""Focal losses: well predicted samples have less weight. Names and values are Keras's.

Lin et al., *Focal Loss for Dense Object Detection*, 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Number, Share
from chainrule._src.nn.losses.base import MEAN, FunctionLoss
from chainrule._src.nn.losses.operands import EPSILON, OneAxis, floats, pair
from chainrule._src.nn.losses.probabilities import binary_entropies, probabilities
from chainrule._src.ops.nn import SIGMOID, SOFTMAX


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    r"""Return :math:`-\alpha \sum_c (1 - p_c)^\gamma y_c \log p_c` of each sample.

    Well predicted samples have less weight (Lin et al., *Focal Loss for Dense Object Detection*,
    2017).

    Parameters
    ----------
    y_true, y_pred, from_logits, label_smoothing, axis
        Parameters of `categorical_crossentropy`.
    alpha : float, default 0.25
        Factor :math:`\alpha` of all samples.
    gamma : float, default 2
        Exponent :math:`\gamma`; with 0 all samples have the same weight.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `categorical_crossentropy`.

    Examples
    --------
    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.2, 0.8]]).round(6)
    array([0.002231])
    """
    where = "categorical_focal_crossentropy"
    p = floats(y_pred, "y_pred", where) if from_logits else probabilities(y_pred, where)
    y_true, p = pair(y_true, SOFTMAX(p, axis=axis) if from_logits else p, where)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[-1]
    p = np.clip(p / np.sum(p, axis=axis, keepdims=True), EPSILON, 1 - EPSILON)
    return -alpha * np.sum((1 - p) ** gamma * y_true * np.log(p), axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    r"""Return the mean of :math:`(1 - q)^\gamma` times the binary cross-entropy of each sample.

    :math:`q = y p + (1 - y)(1 - p)` is the probability of the true class. With
    ``apply_class_balancing`` ones have weight :math:`\alpha`, zeros :math:`1 - \alpha` (Lin et al.,
    *Focal Loss for Dense Object Detection*, 2017).

    Parameters
    ----------
    y_true, y_pred, from_logits, label_smoothing, axis
        Parameters of `binary_crossentropy`.
    apply_class_balancing : bool, default False
        If true, ones and zeros have different weights.
    alpha : float, default 0.25
        Weight :math:`\alpha` of ones.
    gamma : float, default 2
        Exponent :math:`\gamma`; with 0 all samples have the same weight.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `binary_crossentropy`.

    Examples
    --------
    >>> binary_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.8]]).round(6)
    array([0.091106])
    """
    where = "binary_focal_crossentropy"
    p = SIGMOID(floats(y_pred, "y_pred", where)) if from_logits else probabilities(y_pred, where)
    y_true, p = pair(y_true, p, where)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / 2
    right = y_true * p + (1 - y_true) * (1 - p)
    loss = (1 - right) ** gamma * binary_entropies(y_true, p)
    if apply_class_balancing:
        loss = (y_true * alpha + (1 - y_true) * (1 - alpha)) * loss
    return np.mean(loss, axis=axis)


class CategoricalFocalCrossentropy(FunctionLoss, function=categorical_focal_crossentropy):
    """Averages `categorical_focal_crossentropy` over the samples of a batch.

    Parameters
    ----------
    alpha, gamma, from_logits, label_smoothing, axis
        Parameters of `categorical_focal_crossentropy`.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``alpha`` or ``gamma`` is negative, ``label_smoothing`` is not from 0 to below 1, or
        ``axis`` is not an integer.

    Examples
    --------
    >>> y_true, y_pred = [[0.0, 1.0], [0.0, 1.0]], [[0.2, 0.8], [0.8, 0.2]]
    >>> CategoricalFocalCrossentropy()(y_true, y_pred).round(4)
    np.float64(0.1299)
    >>> CategoricalFocalCrossentropy(alpha=1.0, gamma=0.0)(y_true, y_pred).round(4)  # cross-entropy
    np.float64(0.9163)
    """

    def __init__(
        self,
        alpha: Number = 0.25,
        gamma: Number = 2.0,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: OneAxis = -1,
        reduction: str | None = MEAN,
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha, self.gamma = alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class BinaryFocalCrossentropy(FunctionLoss, function=binary_focal_crossentropy):
    """Averages `binary_focal_crossentropy` over the samples of a batch.

    Parameters
    ----------
    apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis
        Parameters of `binary_focal_crossentropy`.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``alpha`` or ``gamma`` is negative, ``label_smoothing`` is not from 0 to below 1, or
        ``axis`` is not an integer.

    Examples
    --------
    >>> BinaryFocalCrossentropy()([[0.0], [1.0]], [[0.5], [0.8]]).round(4)
    np.float64(0.0911)
    >>> BinaryFocalCrossentropy(gamma=0.0)([[0.0], [1.0]], [[0.5], [0.8]]).round(4)  # cross-entropy
    np.float64(0.4581)
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: Number = 0.25,
        gamma: Number = 2.0,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: OneAxis = -1,
        reduction: str | None = MEAN,
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
