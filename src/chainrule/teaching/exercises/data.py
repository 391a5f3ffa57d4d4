"""The digits, as the checks of the labs hand them to a learner's code."""

from __future__ import annotations

from functools import cache

import numpy as np

from chainrule.data import Digits, load_digits
from chainrule.validation import Array


@cache
def digits() -> Digits:
    """Return the labs' digits, split and scaled."""
    return load_digits()


def few(count: int = 20) -> tuple[Array, Array]:
    """Return the first digits of the training set and their classes."""
    return digits().X_train[:count], digits().y_train[:count]


def batches(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Return an epoch of shuffled batches: ``(batches, size, 64)`` and ``(batches, size)``."""
    X, y = digits().X_train, digits().y_train
    order = rng.permutation(len(X))[: len(X) // size * size].reshape(-1, size)
    return X[order], y[order]
