"""Weights of classes as weights of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight

from chainrule._src.base.arrays import Array


def weights_of(class_weight: Any, labels: Array, classes: Array, weight: Any) -> Array:
    """Return the samples' weights, those of their classes included.

    Parameters
    ----------
    class_weight : dict, "balanced", or a list with such for each output
    labels : ndarray, shape (n,) or (n, k)
    classes : ndarray
        All that an output may have: those of these samples may be fewer.
    weight : ndarray, shape (n,), or None

    Examples
    --------
    >>> weights_of("balanced", np.array([1, 1, 1, 2]), np.array([1, 2]), None).round(2)
    array([0.67, 0.67, 0.67, 2.  ])
    >>> weights_of({2: 5}, np.array([1, 1]), np.array([1, 2]), np.array([0.5, 1.0]))
    array([0.5, 1. ])

    Raises
    ------
    ValueError
        If classes are given that there are not, or none for an output.
    """
    columns = labels.reshape(len(labels), -1).T
    given = class_weight if isinstance(class_weight, list) else [class_weight] * len(columns)
    if len(given) != len(columns) or (isinstance(class_weight, dict) and len(columns) > 1):
        raise ValueError(
            f"class_weight: expected 'balanced' or a list of {len(columns)} dicts, one for each "
            f"output, received {class_weight!r}"
        )
    found = np.ones(len(labels)) if weight is None else np.asarray(weight, np.float64)
    own = found
    for each, column in zip(given, columns, strict=True):
        of_class = balanced(classes, column, own) if each == "balanced" else (
            compute_class_weight(each, classes=classes, y=column)
        )  # fmt: skip
        found = found * of_class[np.searchsorted(classes, column)]
    return found


def balanced(classes: Array, labels: Array, weight: Array) -> Array:
    """Return weights by which all classes that there are weigh the same, and 1 on average."""
    sums = np.bincount(np.searchsorted(classes, labels), weight, len(classes))
    each = np.sum(weight) / max(np.count_nonzero(sums), 1)
    found: Array = np.divide(each, sums, out=np.zeros(len(classes)), where=sums > 0)
    return found
