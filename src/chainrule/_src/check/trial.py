"""Small trials of a gradient: few samples, and random parameters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.problem import GradientProblem
from chainrule._src.check.recorded import Gradients, Recording, without_epsilon
from chainrule._src.check.sandbox import FAILURES, Sandbox
from chainrule._src.core.trees import map_leaves

SLOW = 2e-3  # seconds; a slower gradient is tried with three samples
FEW = (7, 3, 6, 9)  # samples of a small trial: the first number that is no parameter's size


@dataclass(frozen=True)
class Trial:
    """The parameters and data at which a gradient is tried.

    Attributes
    ----------
    parameters : dict of str to ndarray
    data : tuple
    n : int or None
        The number of samples.
    right : dict of str to ndarray
        The right gradient.
    run : callable
        Returns the learner's gradient by name.
    """

    problem: GradientProblem
    parameters: dict[str, Array]
    data: tuple[Any, ...]
    n: int | None
    right: Gradients

    def run(self) -> dict[str, Any]:
        """Return the learner's gradient at this trial."""
        return self.problem.gradients(self.parameters, *self.data)


def trials(
    problem: GradientProblem,
    parameters: dict[str, Array],
    data: Any,
    n: int | None,
    sandbox: Sandbox,
) -> Iterator[Trial]:
    """Yield the trials of a gradient: the smallest first, the caller's own values last."""
    rng = np.random.default_rng(1)
    moved = {
        name: value + 0.3 * (np.std(value) or 0.5) * rng.standard_normal(value.shape)
        for name, value in parameters.items()
    }
    sizes = {s for v in parameters.values() for s in v.shape}
    few = next((k for k in FEW if k not in sizes), 9)
    if n is not None and n > few:
        small = _cut(data, n, few, rng)
        if few > 3 and _seconds(problem, moved, small, sandbox) > SLOW:
            few, small = 3, _cut(data, n, 3, rng)
        yield from _trial(problem, moved, small, few, sandbox)
    yield from _trial(problem, moved, data, n, sandbox)
    yield from _trial(problem, parameters, data, n, sandbox)


def elsewhere(trial: Trial, data: Any, n: int | None, sandbox: Sandbox) -> Trial | None:
    """Return a hold-out trial: other parameters and, if there are more, other samples.

    A repair that fits one set of values by chance does not fit this one.
    """
    rng = np.random.default_rng(2)
    few = trial.n
    moved = {
        name: value + 0.5 * (np.std(value) or 0.5) * rng.standard_normal(value.shape)
        for name, value in trial.parameters.items()
    }
    samples = _cut(data, n, few, rng) if n is not None and few is not None else trial.data
    return next(_trial(trial.problem, moved, samples, few, sandbox), None)


def _cut(data: Any, n: int, few: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Return some samples of the data."""
    rows = np.sort(rng.choice(n, few, replace=False))

    def cut(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray) or n not in leaf.shape:
            return leaf
        return np.take(leaf, rows, axis=leaf.shape.index(n))

    return tuple(map_leaves(cut, part) for part in data)


def _seconds(
    problem: GradientProblem, parameters: dict[str, Array], data: Any, sandbox: Sandbox
) -> float:
    """Return the seconds that the learner's gradient takes; 0 if it fails."""
    start = time.perf_counter()
    try:
        sandbox.run(lambda: problem.gradients(parameters, *data))
    except FAILURES:  # on fewer samples
        return 0.0
    return time.perf_counter() - start


def _trial(
    problem: GradientProblem,
    parameters: dict[str, Array],
    data: Any,
    n: int | None,
    sandbox: Sandbox,
) -> Iterator[Trial]:
    def record() -> Gradients:
        recording = Recording(lambda values: problem.loss(values, *data), parameters)
        return without_epsilon(recording) or recording.gradients()

    try:
        right = sandbox.run(record)
    except FAILURES:  # the code does something that tensors do not support
        return
    if all(np.isfinite(g).all() for g in right.values()):
        yield Trial(problem, parameters, data, n, right)
