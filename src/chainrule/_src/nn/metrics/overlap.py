"""Intersection over union of classes, from confusion matrices. Names and values are Keras's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_number
from chainrule._src.nn.losses.operands import floats
from chainrule._src.nn.metrics.base import Sums, number, numbers, ratio
from chainrule._src.nn.metrics.scores import ConfusionMatrix


class IoU(ConfusionMatrix):
    """Computes intersection over union, :math:`TP / (TP + FP + FN)`, averaged over some classes.

    Parameters
    ----------
    num_classes : int
        Number of classes.
    target_class_ids : sequence of int
        Numbers of the classes.
    name : str, optional
    dtype : dtype, optional
    ignore_class : int, optional
        A class number whose samples are excluded.
    sparse_y_true, sparse_y_pred : bool, default True
        As for `ConfusionMatrix`.
    axis : int, default -1
        Axis of the classes, for one-hot rows or scores.

    Raises
    ------
    DataError
        If a number in ``target_class_ids`` is not below ``num_classes``, which must be at least 1.

    Examples
    --------
    >>> IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])
    0.3333333333333333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, sparse_y_true, sparse_y_pred, name, dtype)
        if not len(target_class_ids) or max(target_class_ids) >= num_classes:
            raise DataError(
                f"{type(self).__name__}: target_class_ids must be below num_classes, "
                f"{num_classes}, received {target_class_ids!r}"
            )
        self.target_class_ids, self.ignore_class = list(target_class_ids), ignore_class
        self.axis = axis

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the confusion matrix of weights: rows are true, columns predicted classes."""
        if not self.sparse_y_true:
            y_true = np.moveaxis(numbers(y_true, "y_true", self.name), self.axis, -1)
        if not self.sparse_y_pred:
            y_pred = np.moveaxis(numbers(y_pred, "y_pred", self.name), self.axis, -1)
        return super().measure(y_true, y_pred, sample_weight)

    def value(self, sums: Sums) -> Any:
        """Return the mean over the classes that occur."""
        matrix = sums["matrix"]
        right = np.diag(matrix)[self.target_class_ids]
        union = (matrix.sum(axis=0) + matrix.sum(axis=1))[self.target_class_ids] - right
        return number(np.sum(ratio(right, union)) / np.maximum(np.sum(union != 0), 1))


class MeanIoU(IoU):
    """Computes intersection over union, :math:`TP / (TP + FP + FN)`, averaged over all classes.

    Parameters
    ----------
    num_classes : int
        Number of classes.
    name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        Parameters of `IoU`.

    Raises
    ------
    DataError
        If ``num_classes`` is not a whole number of at least 1.

    Examples
    --------
    >>> MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true,
            sparse_y_pred, axis,
        )  # fmt: skip


class BinaryIoU(IoU):
    """Computes `IoU` of zeros and ones; scores of at least the threshold count as ones.

    Parameters
    ----------
    target_class_ids : sequence of int, default (0, 1)
        Numbers of the classes whose mean is taken.
    threshold : float, default 0.5
    name : str, optional
    dtype : dtype, optional

    Raises
    ------
    DataError
        If a number in ``target_class_ids`` is above 1.

    Examples
    --------
    >>> BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = check_number(threshold, "threshold", "BinaryIoU", low=-np.inf)

    def measure(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Sums:
        """Return the confusion matrix of weights: rows are true, columns predicted classes."""
        ones = floats(y_pred, "y_pred", self.name) >= self.threshold
        return super().measure(y_true, ones.astype(np.int64), sample_weight)


class OneHotIoU(IoU):
    """Computes `IoU` of one-hot rows.

    Parameters
    ----------
    num_classes : int
        Number of classes.
    target_class_ids : sequence of int
        Numbers of the classes whose mean is taken.
    name, dtype, ignore_class, axis
        Parameters of `IoU`.
    sparse_y_pred : bool, default False
        If true, predictions are class numbers, else rows of scores.

    Raises
    ------
    DataError
        If a number in ``target_class_ids`` is not below ``num_classes``, which must be at least 1.

    Examples
    --------
    >>> y_true, y_pred = [[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]
    >>> OneHotIoU(2, target_class_ids=[0])(y_true, y_pred)  # 1 right, 1 missed, none wrong
    0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """Computes `MeanIoU` of one-hot rows.

    Parameters
    ----------
    num_classes : int
        Number of classes.
    name, dtype, ignore_class, axis
        Parameters of `IoU`.
    sparse_y_pred : bool, default False
        If true, predictions are class numbers, else rows of scores.

    Raises
    ------
    DataError
        If ``num_classes`` is not a whole number of at least 1.

    Examples
    --------
    >>> y_true, y_pred = [[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]
    >>> OneHotMeanIoU(2)(y_true, y_pred)  # 1 / 2 and 1 / 2
    0.5
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
