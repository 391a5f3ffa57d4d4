"""Predictions of a fitted network in NumPy, in blocks of rows that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.neural_network._base import ACTIVATIONS

from chainrule._src.base.arrays import Array
from chainrule._src.compile.running.threads import products_on_one_thread
from chainrule._src.tabular.estimators.predicting import in_blocks

ALONE = 800_000  # multiplications of a block, whose products have one thread
FEW = 50  # entries that Python sums faster than NumPy
FEWEST = 32  # rows: if fewer rows fill the cache, because layers are wide, there are no blocks


def forward(
    X: Array, coefs: Sequence[Array], intercepts: Sequence[Array], hidden: str, output: str
) -> Array:
    """Return the output of a network, with activations by scikit-learn's names, shape ``(n, k)``.

    Examples
    --------
    >>> X, coefs, intercepts = np.array([[1.0, -2.0]]), [np.eye(2), np.ones((2, 1))], [0.0, 1.0]
    >>> forward(X, coefs, intercepts, "relu", "identity")
    array([[2.]])
    """
    if len(X) == 1:  # a vector takes half the time of a matrix with one row
        return _block(X[0], coefs, intercepts, hidden, output)[np.newaxis]
    size = len(X) if len(X) <= FEWEST else ALONE // max(W.size for W in coefs)
    if len(X) <= size or size < FEWEST:
        return _block(X, coefs, intercepts, hidden, output)

    def block(rows: Array) -> Array:
        return _block(rows, coefs, intercepts, hidden, output)

    with products_on_one_thread():  # threads wait for one another without sleeping
        return in_blocks(block, X, size, range(0, len(X), size))


def _softmax(z: Array) -> None:
    """Compute the softmax of each row in place; like scikit-learn's, with less overhead."""
    if z.ndim == 1:  # for a vector, argmax is faster than max
        z -= z[z.argmax()]
        np.exp(z, z)
        z /= sum(z.tolist()) if len(z) < FEW else np.add.reduce(z)
        return
    z -= np.maximum.reduce(z, axis=-1, keepdims=True)
    np.exp(z, out=z)
    z /= np.add.reduce(z, axis=-1, keepdims=True)


def _relu(z: Array) -> None:
    np.maximum(z, 0.0, out=z)  # faster than with an integer, which is converted


_IN_PLACE = {**ACTIVATIONS, "relu": _relu, "softmax": _softmax}


def _block(
    X: Array, coefs: Sequence[Array], intercepts: Sequence[Array], hidden: str, output: str
) -> Array:
    h, last = X, len(coefs) - 1
    for i, W in enumerate(coefs):
        h = h.dot(W)  # the method has less overhead than the function
        h += intercepts[i]
        _IN_PLACE[output if i == last else hidden](h)
    return h


def _sum(X: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):  # then scikit-learn's validation decides
        return float(np.add.reduce(X, axis=None))


def is_plain(model: Any, X: Any) -> bool:
    """Return true if scikit-learn's validation would accept the samples without conversion."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype.char not in "fd" or not len(X):
        return False
    # For one row a product is faster; for many rows a sum, which starts no threads.
    total = X[0].dot(X[0]) if len(X) == 1 else _sum(X)
    return bool(
        math.isfinite(total)
        and X.shape[1] == model.n_features_in_
        and "feature_names_in_" not in vars(model)
    )
