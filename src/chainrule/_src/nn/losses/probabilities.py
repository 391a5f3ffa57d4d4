r"""Losses of probabilities: functions return the loss of each sample, classes its mean or sum.

If predictions come from `softmax` or `sigmoid`, the loss is computed from their logits, and its
gradient there is :math:`(p - y) / n`. Names, arguments, defaults and values are Keras's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Share
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_number
from chainrule._src.core.primitive import Traced
from chainrule._src.nn.losses.base import MEAN, FunctionLoss, weight_of
from chainrule._src.nn.losses.operands import (
    EPSILON,
    OneAxis,
    class_numbers,
    floats,
    logits_of,
    pair,
    picked,
)
from chainrule._src.ops.nn import LOG_SOFTMAX, SIGMOID, SOFTMAX, SOFTPLUS


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    r"""Return :math:`-\sum_c y_c \log p_c` of each sample.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n, k)
        One-hot rows, or probabilities.
    y_pred : array_like or Tensor, shape (n, k)
        Probabilities, scaled to a sum of 1 and clipped to :math:`10^{-7}` from 0 and 1.
    from_logits : bool, default False
        If true, ``y_pred`` holds logits, to which the softmax is applied.
    label_smoothing : float in [0, 1), default 0
        Share :math:`s` of the targets that is spread over all classes, :math:`(1 - s) y + s / k`
        (Szegedy et al., *Rethinking the Inception Architecture*, 2016, section 7).
    axis : int, default -1
        Axis of the classes.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError
        If the shapes differ.
    DataError
        If ``y_pred`` is an array with negative probabilities, or ``y_true`` an array with NaN.

    Examples
    --------
    >>> categorical_crossentropy([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.2, 0.8]]).round(4)
    array([0.6931, 0.2231])
    """
    where = "categorical_crossentropy"
    log_p = _log_probabilities(y_pred, from_logits, axis, where)
    y_true, log_p = pair(y_true, log_p, where)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[-1]
    return -np.sum(y_true * log_p, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    r"""Return :math:`-\log p_y` of each sample, for its class number :math:`y`.

    Parameters
    ----------
    y_true : array_like or Tensor of whole numbers, shape (n,) or (n, 1)
    y_pred : array_like or Tensor, shape (n, k)
    from_logits : bool, default False
        As for `categorical_crossentropy`.
    ignore_class : int, optional
        A class number whose samples have loss 0.
    axis : int, default -1
        Axis of the classes.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError
        If there is not one class number per sample.
    DataError
        If ``y_true`` is an array with numbers that are not integers from 0 to k - 1.

    Examples
    --------
    >>> sparse_categorical_crossentropy([0, 1], [[0.5, 0.5], [0.2, 0.8]]).round(4)
    array([0.6931, 0.2231])
    """
    where = "sparse_categorical_crossentropy"
    log_p = _log_probabilities(y_pred, from_logits, axis, where)
    log_p = log_p if axis in (-1, log_p.ndim - 1) else np.moveaxis(log_p, axis, -1)
    labels = class_numbers(y_true, log_p, where, ignore_class)
    if ignore_class is None:
        return -picked(log_p, labels)
    counts = labels != ignore_class
    return np.where(counts, -picked(log_p, np.where(counts, labels, 0)), 0)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    r"""Return the mean of :math:`-y \log p - (1 - y) \log(1 - p)` over each sample's outputs.

    Of logits :math:`z` it is :math:`\log(1 + e^z) - z y`, without overflow.

    Parameters
    ----------
    y_true : array_like or Tensor, shape (n,), (n, 1) or (n, k)
        Zeros and ones, or probabilities.
    y_pred : array_like or Tensor of that shape
        Probabilities, clipped to :math:`10^{-7}` from 0 and 1; logits with ``from_logits``.
    from_logits : bool, default False
    label_smoothing : float in [0, 1), default 0
        Share :math:`s` by which targets move towards one half, :math:`(1 - s) y + s / 2`.
    axis : int, default -1
        Axis over which the mean is taken.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `categorical_crossentropy`.

    Examples
    --------
    >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.8]]).round(4)
    array([0.4581])
    """
    where = "binary_crossentropy"
    logits = y_pred if from_logits else logits_of(y_pred, SIGMOID)
    if logits is None:
        y_pred = probabilities(y_pred, where)
    y_true, y_pred = pair(y_true, y_pred if logits is None else logits, where)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / 2
    if logits is not None:
        return np.mean(SOFTPLUS(y_pred) - y_true * y_pred, axis=axis)
    return np.mean(binary_entropies(y_true, y_pred), axis=axis)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    r"""Return :math:`\sum_c y_c \log (y_c / p_c)` of each sample, both at least :math:`10^{-7}`.

    Kullback, Leibler, *On Information and Sufficiency*, 1951.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Rows of probabilities.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> kl_divergence([[0.5, 0.5]], [[0.2, 0.8]]).round(4)
    array([0.2231])
    """
    y_true, y_pred = (np.clip(p, EPSILON, 1) for p in pair(y_true, y_pred, "kl_divergence"))
    return np.sum(y_true * np.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    r"""Return the mean of :math:`p - y \log(p + 10^{-7})` of each sample.

    Parameters
    ----------
    y_true, y_pred : array_like or Tensor, shape (n, k)
        Counts, and the rates that are predicted for them.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `mean_squared_error`.

    Examples
    --------
    >>> poisson([[0.0, 2.0]], [[1.0, 1.0]]).round(4)
    array([1.])
    """
    y_true, y_pred = pair(y_true, y_pred, "poisson")
    return np.mean(y_pred - y_true * np.log(y_pred + EPSILON), axis=-1)


def probabilities(y_pred: Any, where: str) -> Any:
    """Return predictions; raise an error for negative numbers, which must be logits."""
    y_pred = floats(y_pred, "y_pred", where)
    if not isinstance(y_pred, Traced) and y_pred.min() < 0:
        raise DataError(
            f"{where}: y_pred must hold probabilities, received {y_pred.min():.6g}; for logits "
            "give from_logits=True"
        )
    return y_pred


def _log_probabilities(y_pred: Any, from_logits: bool, axis: int, where: str) -> Any:
    logits = floats(y_pred, "y_pred", where) if from_logits else logits_of(y_pred, SOFTMAX, axis)
    if logits is not None:
        return LOG_SOFTMAX(logits, axis=axis)
    p = probabilities(y_pred, where)
    return np.log(np.clip(p / np.sum(p, axis=axis, keepdims=True), EPSILON, 1 - EPSILON))


def binary_entropies(y_true: Any, y_pred: Any) -> Any:
    """Return the binary cross-entropy of each output."""
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    return -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))


class KLDivergence(FunctionLoss, function=kl_divergence):
    """Averages `kl_divergence` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> KLDivergence()([[0.5, 0.5], [0.2, 0.8]], [[0.2, 0.8], [0.2, 0.8]]).round(4)  # 0.2231 and 0
    np.float64(0.1116)
    """


class Poisson(FunctionLoss, function=poisson):
    """Averages `poisson` over the samples of a batch.

    Parameters
    ----------
    reduction, name, dtype
        Parameters of `Loss`.

    Examples
    --------
    >>> Poisson()([[0.0], [2.0]], [[1.0], [3.0]]).round(4)  # 1 and 3 - 2 log(3)
    np.float64(0.9014)
    """


class CategoricalCrossentropy(FunctionLoss, function=categorical_crossentropy):
    """Averages `categorical_crossentropy` over the samples of a batch.

    Parameters
    ----------
    from_logits, label_smoothing, axis
        Parameters of `categorical_crossentropy`.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``label_smoothing`` is not from 0 to below 1, or ``axis`` is not an integer.

    Examples
    --------
    >>> CategoricalCrossentropy()([[1, 0], [0, 1]], [[0.5, 0.5], [0.2, 0.8]]).round(4)
    np.float64(0.4581)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: OneAxis = -1,
        reduction: str | None = MEAN,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class BinaryCrossentropy(FunctionLoss, function=binary_crossentropy):
    """Averages `binary_crossentropy` over the samples of a batch.

    Parameters
    ----------
    from_logits, label_smoothing, axis
        Parameters of `binary_crossentropy`.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``label_smoothing`` is not from 0 to below 1, or ``axis`` is not an integer.

    Examples
    --------
    >>> BinaryCrossentropy()([[0.0], [1.0]], [[0.5], [0.8]]).round(4)  # -(log(0.5) + log(0.8)) / 2
    np.float64(0.4581)
    >>> BinaryCrossentropy(from_logits=True)([[0.0], [1.0]], [[0.0], [0.0]]).round(4)
    np.float64(0.6931)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Share = 0.0,
        axis: OneAxis = -1,
        reduction: str | None = MEAN,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class SparseCategoricalCrossentropy(FunctionLoss, function=sparse_categorical_crossentropy):
    """Averages `sparse_categorical_crossentropy` over the samples of a batch.

    With ``ignore_class`` the mean is taken over the samples of other classes.

    Parameters
    ----------
    from_logits, ignore_class, axis
        Parameters of `sparse_categorical_crossentropy`.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``ignore_class`` or ``axis`` is not an integer.

    Examples
    --------
    >>> probabilities = [[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]]
    >>> SparseCategoricalCrossentropy()([0, 1, 0], probabilities).round(4)
    np.float64(0.3406)
    >>> SparseCategoricalCrossentropy(ignore_class=-1)([0, -1, -1], probabilities).round(4)
    np.float64(0.6931)
    """

    takes_labels = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = MEAN,
        axis: OneAxis = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        if isinstance(ignore_class, bool) or not isinstance(ignore_class, int | np.integer | None):
            raise DataError(
                "SparseCategoricalCrossentropy: ignore_class must be a class number, received "
                f"{ignore_class!r}"
            )
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of a batch."""
        if self.ignore_class is not None:
            sample_weight = self._without_ignored(y_true, y_pred, sample_weight)
        return super().__call__(y_true, y_pred, sample_weight)

    def _without_ignored(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Return weights that leave the ignored samples out of the mean."""
        y_pred = floats(y_pred, "y_pred", self.name)
        scores = np.moveaxis(y_pred, self.axis, -1)
        labels = class_numbers(y_true, scores, self.name, self.ignore_class)
        counts = (labels != self.ignore_class).astype(y_pred.dtype)
        return weight_of(counts, sample_weight, self.reduction)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """Return :math:`(1 - p_y^q) / q` of each sample, for its class number :math:`y`.

    Near ``q = 0`` it is the cross-entropy, near 1 the absolute error, which tolerates wrong labels
    (Zhang, Sabuncu, *Generalized Cross Entropy Loss*, 2018).

    Parameters
    ----------
    y_true : array_like or Tensor of whole numbers, shape (n,) or (n, 1)
        Class numbers.
    y_pred : array_like or Tensor, shape (n, k)
        Probabilities.
    q : float
        :math:`q`, between 0 and 1.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `sparse_categorical_crossentropy`.

    Examples
    --------
    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], 0.5)
    array([1.])
    """
    where = "categorical_generalized_cross_entropy"
    p = floats(y_pred, "y_pred", where)
    return (1 - picked(p, class_numbers(y_true, p, where)) ** q) / q


class CategoricalGeneralizedCrossEntropy(
    FunctionLoss, function=categorical_generalized_cross_entropy
):
    """Averages `categorical_generalized_cross_entropy` over the samples of a batch.

    Parameters
    ----------
    q : float, default 0.5
        :math:`q`, between 0 and 1.
    reduction, name, dtype
        Parameters of `Loss`.

    Raises
    ------
    DataError
        If ``q`` is not between 0 and 1.

    Examples
    --------
    >>> CategoricalGeneralizedCrossEntropy(0.5)([1, 0], [[0.75, 0.25], [1.0, 0.0]])  # 1 and 0
    np.float64(0.5)
    """

    takes_labels = True

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = MEAN,
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.q = check_number(q, "q", "CategoricalGeneralizedCrossEntropy", high=1.0, strict=True)
