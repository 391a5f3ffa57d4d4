"""Many rows predicted: compiled, once there were so many that it pays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import CompileError, TraceError
from chainrule._src.compile.running.threads import shared_out
from chainrule._src.tabular.estimators.forward import helpers_for, multiplications

FEWEST = 1024  # rows of one call, and the most of a block
ENOUGH = 3e9  # multiplications in NumPy, which take about as long as compiling
BLOCK = 2**17  # entries of the widest layer that stay in the cache


class ManyRows:
    """The output of a fitted network, compiled after `ENOUGH` was computed in NumPy.

    That is counted, not timed, so that runs are alike. A copy by pickle has none.
    """

    def __init__(self) -> None:
        self._done = 0.0

    def takes(self, model: Any, X: Array) -> bool:
        """Whether it is to compute the output of these rows, which are plain."""
        if len(X) < FEWEST or X.dtype != model.coefs_[0].dtype or model.engine == "numpy":
            return False
        self._done += multiplications(X, model.coefs_)
        return self._done > ENOUGH

    def __call__(self, model: Any, X: Array) -> Array | None:
        """Return the output, shape ``(n, k)``; None if it cannot be compiled."""
        network = compiled(model.activation, model.out_activation_)
        size = min(FEWEST, max(64, BLOCK // max(max(W.shape) for W in model.coefs_)))
        found = np.empty((len(X), model.coefs_[-1].shape[1]), X.dtype)

        def compute(start: int) -> None:
            rows = slice(start, start + size)
            found[rows] = network(X[rows], model.coefs_, model.intercepts_)

        # All blocks have one size, for which it is compiled: the last two may overlap.
        last = len(X) - size
        try:
            compute(last)
        except (CompileError, TraceError):
            self._done = -np.inf
            return None
        shared_out(compute, range(0, last, size), helpers_for(X, model.coefs_))
        return found


@functools.cache
def compiled(hidden: str, last: str) -> Callable[..., Array]:
    """Return a network with activations by scikit-learn's names, of rows and its weights."""
    from chainrule._src.compile.running.jit import jit
    from chainrule._src.nn import functions

    def identity(z: Any) -> Any:
        return z

    def relu(z: Any) -> Any:
        return np.maximum(z, 0)

    by_name: dict[str, Any] = {
        "identity": identity, "relu": relu, "tanh": np.tanh, "logistic": functions.sigmoid,
        "softmax": functions.softmax,
    }  # fmt: skip

    def network(X: Any, coefs: Any, intercepts: Any) -> Any:
        h = X
        for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
            h = by_name[hidden](h @ W + b)
        return by_name[last](h @ coefs[-1] + intercepts[-1])

    return jit(network)
