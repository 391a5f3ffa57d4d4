"""The digits, in the form in which the checks pass them to a learner's code."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.data.datasets import Digits, load_digits
from chainrule._src.nn.functions import nll, one_hot, sigmoid, softmax


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


def network_loss(params: dict[str, Any], X: Array, y: Array) -> Any:
    """Return the loss of the lab's network, in plain NumPy."""
    h = sigmoid(X @ params["W_h"] + params["b_h"])
    return nll(one_hot(10, y), softmax(h @ params["W_o"] + params["b_o"]))
