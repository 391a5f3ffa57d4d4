"""Prediction of many rows: compiled once the number of rows repays the compilation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import CompileError, TraceError
from chainrule._src.compile.running.threads import shared_out
from chainrule._src.tabular.estimators.forward import helpers_for, multiplications

FEWEST = 1024  # rows of one call; also the largest size of a block
ENOUGH = 3e9  # multiplications that take NumPy about as long as compiling
BLOCK = 2**17  # entries of the widest layer that stay in the cache


class ManyRows:
    """The output of a fitted network, compiled after `ENOUGH` multiplications in NumPy.

    Multiplications are counted instead of timed, so that runs are reproducible. Pickles omit this
    object.
    """

    def __init__(self) -> None:
        self._multiplications = 0.0

    def takes(self, model: Any, X: Array) -> bool:
        """Count these rows; return true if their output is to be computed in compiled code."""
        if len(X) < FEWEST or X.dtype != model.coefs_[0].dtype or model.engine == "numpy":
            return False
        self._multiplications += multiplications(X, model.coefs_)
        return self._multiplications > ENOUGH

    def __call__(self, model: Any, X: Array) -> Array | None:
        """Return the output, shape ``(n, k)``; None if the network cannot be compiled."""
        network = compiled(model.activation, model.out_activation_)
        size = min(FEWEST, max(64, BLOCK // max(max(W.shape) for W in model.coefs_)))
        outputs = np.empty((len(X), model.coefs_[-1].shape[1]), X.dtype)

        def compute(start: int) -> None:
            rows = slice(start, start + size)
            outputs[rows] = network(X[rows], model.coefs_, model.intercepts_)

        # All blocks have the size that was compiled, so the last two may overlap.
        last = len(X) - size
        try:
            compute(last)
        except (CompileError, TraceError):
            self._multiplications = -np.inf
            return None
        shared_out(compute, range(0, last, size), helpers_for(X, model.coefs_))
        return outputs


@functools.cache
def compiled(hidden: str, last: str) -> Callable[..., Array]:
    """Return a compiled function of rows and weights, for activations by scikit-learn's names."""
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
