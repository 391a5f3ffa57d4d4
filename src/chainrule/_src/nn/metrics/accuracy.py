"""Shares of right predictions. Names, arguments, defaults and values are Keras's."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.validation import check_number, check_positive
from chainrule._src.nn.losses.operands import class_numbers, floats, logits_of, pair, picked
from chainrule._src.nn.metrics.base import MeanOfValues
from chainrule._src.ops.nn import SOFTMAX


class Accuracy(MeanOfValues):
    """Computes the share of predictions that equal their targets.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]])
    0.75
    """

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each prediction that is right, else 0."""
        y_true, y_pred = pair(y_true, y_pred, self.name)
        return y_true == y_pred


class BinaryAccuracy(MeanOfValues):
    """Computes the share of outputs that lie on the right side of a threshold.

    Parameters
    ----------
    name : str, default "binary_accuracy"
    dtype : dtype, optional
        Parameter of `Metric`.
    threshold : float, default 0.5
        Outputs above it count as 1.

    Raises
    ------
    DataError
        If ``threshold`` is not a finite number.

    Examples
    --------
    >>> BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]])
    0.75
    """

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(name, dtype)
        self.threshold = check_number(threshold, "threshold", "BinaryAccuracy", low=-np.inf)

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each output that is right, else 0."""
        y_true, y_pred = pair(y_true, y_pred, self.name)
        return y_true == (y_pred > self.threshold).astype(y_true.dtype)


class CategoricalAccuracy(MeanOfValues):
    """Computes the share of samples whose highest score is at the class of their one-hot row.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    0.5
    """

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each sample that is right, else 0."""
        y_true, scores = pair(y_true, scores_of(y_pred, self.name), self.name)
        return np.argmax(y_true, axis=-1) == np.argmax(scores, axis=-1)


class SparseCategoricalAccuracy(MeanOfValues):
    """Computes the share of samples whose highest score is at their class number.

    Parameters
    ----------
    name, dtype
        Parameters of `Metric`.

    Examples
    --------
    >>> SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]])
    0.5
    """

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each sample that is right, else 0."""
        scores = scores_of(y_pred, self.name)
        return class_numbers(y_true, scores, self.name) == np.argmax(scores, axis=-1)


class TopKCategoricalAccuracy(MeanOfValues):
    """Computes the share of samples whose true class is among the k highest scores.

    The true class is that of a one-hot row.

    Parameters
    ----------
    k : int, default 5
        Number of highest scores.
    name : str, default "top_k_categorical_accuracy"
    dtype : dtype, optional
        Parameter of `Metric`.

    Raises
    ------
    DataError
        If ``k`` is not a whole number of at least 1.

    Examples
    --------
    >>> TopKCategoricalAccuracy(k=2)([[0, 0, 1], [1, 0, 0]], [[0.1, 0.9, 0.8], [0.05, 0.9, 0.8]])
    0.5
    """

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(name, dtype)
        self.k = check_positive(k, "k", type(self).__name__)

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each sample whose class is among the first k, else 0."""
        y_true, scores = pair(y_true, scores_of(y_pred, self.name), self.name)
        return among_first(scores, np.argmax(y_true, axis=-1), self.k)


class SparseTopKCategoricalAccuracy(MeanOfValues):
    """Computes the share of samples whose true class, a number, is among the k highest scores.

    Parameters
    ----------
    k : int, default 5
        Number of highest scores.
    name : str, default "sparse_top_k_categorical_accuracy"
    dtype : dtype, optional
    from_sorted_ids : bool, default False
        If true, predictions are class numbers, the most probable first, instead of scores.

    Raises
    ------
    DataError
        If ``k`` is not a whole number of at least 1.

    Examples
    --------
    >>> SparseTopKCategoricalAccuracy(k=2)([2, 0], [[0.1, 0.9, 0.8], [0.05, 0.9, 0.8]])
    0.5
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        self.k = check_positive(k, "k", type(self).__name__)
        self.from_sorted_ids = from_sorted_ids

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return 1 for each sample whose class is among the first k, else 0."""
        if self.from_sorted_ids:
            labels, first = floats(y_true, "y_true", self.name), floats(y_pred, "y_pred", self.name)
            labels = labels if labels.ndim == first.ndim else labels[..., None]
            return np.any(labels == first[..., : self.k], axis=-1)
        scores = scores_of(y_pred, self.name)
        return among_first(scores, class_numbers(y_true, scores, self.name), self.k)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return 1.0 for each output that `BinaryAccuracy` counts as right, else 0.0.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n, k)
        Zeros and ones, and scores.
    threshold : float, default 0.5
        Outputs above it count as 1.

    Returns
    -------
    ndarray of float32, shape (n, k)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.mean_squared_error`.

    Examples
    --------
    >>> binary_accuracy([[1, 0]], [[0.7, 0.8]])
    array([[1., 0.]], dtype=float32)
    """
    return BinaryAccuracy(threshold=threshold).values(y_true, y_pred).astype(np.float32)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1.0 for each sample that `CategoricalAccuracy` counts as right, else 0.0.

    Parameters
    ----------
    y_true : array_like, shape (n, k)
        One-hot rows.
    y_pred : array_like, shape (n, k)
        Scores.

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.mean_squared_error`.

    Examples
    --------
    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.3, 0.7], [0.4, 0.6]])
    array([1., 0.], dtype=float32)
    """
    return CategoricalAccuracy().values(y_true, y_pred).astype(np.float32)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1.0 for each sample that `SparseCategoricalAccuracy` counts as right, else 0.0.

    Parameters
    ----------
    y_true : array_like of whole numbers, shape (n,) or (n, 1)
        Class numbers.
    y_pred : array_like, shape (n, k)
        Scores.

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.sparse_categorical_crossentropy`.

    Examples
    --------
    >>> sparse_categorical_accuracy([1, 0], [[0.3, 0.7], [0.4, 0.6]])
    array([1., 0.], dtype=float32)
    """
    return SparseCategoricalAccuracy().values(y_true, y_pred).astype(np.float32)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return 1.0 for each sample that `TopKCategoricalAccuracy` counts as right, else 0.0.

    Parameters
    ----------
    y_true : array_like, shape (n, k)
        One-hot rows.
    y_pred : array_like, shape (n, k)
        Scores.
    k : int, default 5
        Number of highest scores.

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.mean_squared_error`.

    Examples
    --------
    >>> top_k_categorical_accuracy([[0, 0, 1], [1, 0, 0]], [[0.1, 0.9, 0.8], [0.05, 0.9, 0.8]], k=2)
    array([1., 0.], dtype=float32)
    """
    return TopKCategoricalAccuracy(k).values(y_true, y_pred).astype(np.float32)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """Return 1.0 for each sample that `SparseTopKCategoricalAccuracy` counts as right, else 0.0.

    Parameters
    ----------
    y_true : array_like of whole numbers, shape (n,) or (n, 1)
        Class numbers.
    y_pred : array_like, shape (n, k)
        Scores, or class numbers with ``from_sorted_ids``.
    k : int, default 5
        Number of highest scores.
    from_sorted_ids : bool, default False
        If true, predictions are class numbers, the most probable first.

    Returns
    -------
    ndarray of float32, shape (n,)

    Raises
    ------
    ShapeError, DataError
        As for `chainrule.losses.sparse_categorical_crossentropy`.

    Examples
    --------
    >>> sparse_top_k_categorical_accuracy([2, 0], [[0.1, 0.9, 0.8], [0.05, 0.9, 0.8]], k=2)
    array([1., 0.], dtype=float32)
    >>> sparse_top_k_categorical_accuracy([2, 0], [[1, 2, 0], [1, 2, 0]], k=2, from_sorted_ids=True)
    array([1., 0.], dtype=float32)
    """
    metric = SparseTopKCategoricalAccuracy(k, from_sorted_ids=from_sorted_ids)
    return metric.values(y_true, y_pred).astype(np.float32)


def scores_of(y_pred: Any, where: str) -> Any:
    """Return scores that order the classes as ``y_pred`` does: the logits if known."""
    logits = logits_of(y_pred, SOFTMAX)
    return floats(y_pred, "y_pred", where) if logits is None else logits


def among_first(scores: Any, labels: Any, k: int) -> Any:
    """Return a mask of rows in which fewer than k scores exceed the score of the label."""
    label_scores = picked(scores, labels)[..., None]
    label_scores = np.where(np.isnan(label_scores), -np.inf, label_scores)
    return np.sum(scores > label_scores, axis=-1) < k
