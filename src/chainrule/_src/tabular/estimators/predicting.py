"""Outputs for rows: in blocks that threads share, and in compiled code once that pays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import CompileError, TraceError
from chainrule._src.compile.native import cores
from chainrule._src.compile.running.threads import shared_out

SHARED = 1e8  # multiplications from which it pays to start threads
FEWEST = 1024  # rows of a call that may be compiled; also the largest size of a compiled block
ENOUGH = 3e9  # multiplications that take NumPy about as long as compiling
BLOCK = 2**17  # entries of the widest layer that stay in the cache


class RowPredictor:
    """Chooses compiled code for predictions once those in NumPy have done enough work.

    The work is counted, not timed, so that runs are reproducible.

    Parameters
    ----------
    enough : float
        The work that takes NumPy about as long as compiling.
    """

    def __init__(self, enough: float) -> None:
        self.enough, self._work = enough, 0.0

    def pays(self, work: float) -> bool:
        """Count the work of a call; return true if the call is to run compiled code."""
        self._work += work
        return self._work > self.enough

    def output(
        self, forward: Callable[[Array], Array], X: Array, size: int, helpers: int = 0
    ) -> Array | None:
        """Return the output of a compiled function, or None if it cannot be compiled.

        All blocks have the size that is compiled, so the last two may overlap.
        """
        last = len(X) - size
        try:
            return in_blocks(forward, X, size, (last, *range(0, last, size)), helpers)
        except (CompileError, TraceError):
            self._work = -np.inf
            return None


def in_blocks(
    forward: Callable[[Array], Array], X: Array, size: int, starts: Iterable[int], helpers: int = 0
) -> Array:
    """Return the output for all rows, in blocks of ``size`` rows that helper threads share.

    NumPy's matrix products need blocks without helpers: threads that call OpenBLAS at the same time
    wait for one another without sleeping.
    """
    first, *others = starts
    output = forward(X[first : first + size])
    outputs = np.empty((len(X), *output.shape[1:]), output.dtype)
    outputs[first : first + size] = output

    def compute(start: int) -> None:
        rows = slice(start, start + size)
        outputs[rows] = forward(X[rows])

    shared_out(compute, others, helpers)
    return outputs


def multiplications(X: Array, coefs: Sequence[Array]) -> int:
    """Return the number of multiplications in the forward pass of these rows."""
    return len(X) * sum(int(W.size) for W in coefs)


def helpers_for(X: Array, coefs: Sequence[Array]) -> int:
    """Return the number of additional threads for the rows."""
    return cores() - 1 if multiplications(X, coefs) > SHARED else 0


def compiled_output(model: Any, X: Array) -> Array | None:
    """Return the output of a fitted network, or None unless compiled code computes the output."""
    predictor: RowPredictor | None = vars(model).get("_predictor")
    coefs = model.coefs_
    if predictor is None or len(X) < FEWEST or X.dtype != coefs[0].dtype:
        return None
    if model.engine == "numpy" or not predictor.pays(multiplications(X, coefs)):
        return None
    network = compiled(model.activation, model.out_activation_)
    params = {"coefs": coefs, "intercepts": model.intercepts_}
    size = min(FEWEST, max(64, BLOCK // max(max(W.shape) for W in coefs)))
    return predictor.output(lambda rows: network(params, rows), X, size, helpers_for(X, coefs))


@functools.cache
def compiled(hidden: str, output: str) -> Callable[..., Array]:
    """Return a compiled function of weights and rows, for activations by scikit-learn's names."""
    from chainrule._src.compile.running.jit import jit
    from chainrule._src.tabular.estimators.objective import MLPObjective

    return jit(MLPObjective(hidden, output).predict)
