"""Convert class weights to sample weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight

from chainrule._src.base.arrays import Array


def weights_of(class_weight: Any, labels: Array, classes: Array, weight: Any) -> Array:
    """Return the samples' weights, multiplied by the weights of their classes.

    Parameters
    ----------
    class_weight : dict, "balanced", or a list with one of these for each output
    labels : ndarray, shape (n,) or (n, k)
    classes : ndarray
        All possible classes of an output; the samples may lack some.
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
        If a class is unknown, or an output has no weights.
    """
    columns = labels.reshape(len(labels), -1).T
    by_output = class_weight if isinstance(class_weight, list) else [class_weight] * len(columns)
    if len(by_output) != len(columns) or (isinstance(class_weight, dict) and len(columns) > 1):
        raise ValueError(
            f"class_weight: expected 'balanced' or a list of {len(columns)} dicts, one for each "
            f"output, received {class_weight!r}"
        )
    weights = np.ones(len(labels)) if weight is None else np.asarray(weight, np.float64)
    sample_weights = weights
    for each, column in zip(by_output, columns, strict=True):
        of_class = balanced(classes, column, sample_weights) if each == "balanced" else (
            compute_class_weight(each, classes=classes, y=column)
        )  # fmt: skip
        weights = weights * of_class[np.searchsorted(classes, column)]
    return weights


def balanced(classes: Array, labels: Array, weight: Array) -> Array:
    """Return class weights that give all present classes the same total, with mean 1."""
    sums = np.bincount(np.searchsorted(classes, labels), weight, len(classes))
    each = np.sum(weight) / max(np.count_nonzero(sums), 1)
    weights: Array = np.divide(each, sums, out=np.zeros(len(classes)), where=sums > 0)
    return weights
