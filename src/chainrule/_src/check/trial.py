"""Small trials of a gradient: few samples, and random parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.clock import thread_seconds
from chainrule._src.check.detached import recordable
from chainrule._src.check.problem import GradientProblem, is_batch
from chainrule._src.check.recorded import Gradients, Recording, without_epsilon
from chainrule._src.check.sandbox import FAILURES, Sandbox
from chainrule._src.check.slopes import measured_slopes

SLOW = 2e-3  # seconds; a slower gradient is tried with three samples
OTHERS = (5, 8, 4, 10)  # samples of the hold-out: another number than the trial's
MEASURING = 0.3  # seconds for the slopes of a loss that cannot be recorded
MEASURED = 120  # entries of each parameter that are measured there
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
    sizes = _sizes((*parameters.values(), *data))
    few = next((k for k in FEW if k not in sizes), 9)
    if n is not None and n > few:
        small = cut(data, n, few, rng)
        if few > 3 and _seconds(problem, moved, small, sandbox) > SLOW:
            few, small = 3, cut(data, n, 3, rng)
        yield from _trial(problem, moved, small, few, sandbox)
    yield from _trial(problem, moved, data, n, sandbox)
    yield from _trial(problem, parameters, data, n, sandbox)


def elsewhere(trial: Trial, data: Any, n: int | None, sandbox: Sandbox) -> Trial | None:
    """Return a hold-out trial: other parameters, other samples and another number of samples.

    A repair that fits one set of values by chance does not fit this one.
    """
    rng = np.random.default_rng(2)
    moved = {
        name: value + 0.5 * (np.std(value) or 0.5) * rng.standard_normal(value.shape)
        for name, value in trial.parameters.items()
    }
    few = trial.n
    if n is None or few is None:
        return next(_trial(trial.problem, moved, trial.data, few, sandbox), None)
    sizes = {few, *_sizes((*moved.values(), *trial.data))}
    others = [k for k in (*OTHERS, few - 1, few) if 1 < k <= n and k not in sizes]
    for count in (*others[:1], few):
        samples = cut(data, n, count, rng)
        for some in (_varied(samples), samples):
            for hold_out in _trial(trial.problem, moved, some, count, sandbox):
                if (count == few and some is samples) or _runs(hold_out, sandbox):
                    return hold_out
    return None


def _varied(data: Any) -> Any:
    """Return the data with other floats, such as the strength of a penalty; 1 stays between."""
    if isinstance(data, dict):
        return {key: _varied(part) for key, part in data.items()}
    if isinstance(data, tuple) and not hasattr(data, "_fields"):
        return tuple(map(_varied, data))
    is_free = type(data) is float and data > 0 and data != 1
    return data * (0.8 if data < 1 else 1.25) if is_free else data


def _sizes(values: Sequence[Any]) -> set[int]:
    """Return the lengths of axes and the whole numbers, for which a count could be mistaken."""
    shapes = [np.shape(value) for value in values if isinstance(value, np.ndarray)]
    numbers = [int(value) for value in values if isinstance(value, int | np.integer)]
    return {*numbers, *(size for shape in shapes for size in shape)}


def _runs(trial: Trial, sandbox: Sandbox) -> bool:
    """Return true if the learner's code runs on a trial's samples, however few."""
    try:
        sandbox.run(trial.run)
    except FAILURES:
        return False
    return True


def cut(data: Any, n: int, few: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Return some samples of the data: rows of arrays, items of lists."""
    rows = np.sort(rng.choice(n, few, replace=False))

    def some(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: some(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            if is_batch(part) and len(part) == n:
                return type(part)([part[row] for row in rows])
            return type(part)([some(inner) for inner in part])
        if not isinstance(part, np.ndarray) or n not in part.shape:
            return part
        return np.take(part, rows, axis=part.shape.index(n))

    return tuple(some(part) for part in data)


def _seconds(
    problem: GradientProblem, parameters: dict[str, Array], data: Any, sandbox: Sandbox
) -> float:
    """Return the seconds that the learner's gradient takes; 0 if it fails."""
    try:
        return thread_seconds(lambda: sandbox.run(lambda: problem.gradients(parameters, *data)))
    except FAILURES:  # on fewer samples
        return 0.0


def _trial(
    problem: GradientProblem,
    parameters: dict[str, Array],
    data: Any,
    n: int | None,
    sandbox: Sandbox,
) -> Iterator[Trial]:
    def record() -> Gradients:
        try:
            recording = Recording(problem.loss, data, parameters)
        except Exception as error:  # the code does something that tensors do not support
            recording = recordable(problem.loss, data, parameters, error, lambda loss: Recording(
                loss, data, parameters))  # fmt: skip
            if recording is None:
                raise
        textbook = without_epsilon(recording)
        if textbook is None:
            return recording.gradients()
        by_hand = problem.gradients(parameters, *data)

        def agreeing(right: Gradients) -> int:
            pairs = ((np.asarray(by_hand.get(name, np.nan)), v) for name, v in right.items())
            return sum(a.shape == v.shape and np.allclose(a, v, rtol=1e-5) for a, v in pairs)

        return max(textbook, recording.gradients(), key=agreeing)

    def measure() -> Gradients:
        by_hand = problem.gradients(parameters, *data)
        first = {name: _largest(by_hand.get(name), v) for name, v in parameters.items()}
        center = float(problem.loss(parameters, *data))
        slopes = measured_slopes(
            lambda values: problem.loss(values, *data), parameters, center, 1e-5, first, 0,
            MEASURING, MEASURED,
        )  # fmt: skip
        return {name: measured.values for name, measured in slopes.items()}

    for way in (record, measure):  # the code may do something that tensors do not support
        try:
            right = sandbox.run(way)
        except FAILURES:
            continue
        if way is measure or all(np.isfinite(g).all() for g in right.values()):
            yield Trial(problem, parameters, data, n, right)
            return


def _largest(by_hand: Any, parameter: Array) -> list[int]:
    """Return the entries of which a gradient by hand is largest: zeros say little."""
    if np.shape(by_hand) != parameter.shape:
        return []
    order = np.argsort(-np.abs(np.asarray(by_hand, np.float64)).ravel())
    return [int(entry) for entry in order[: MEASURED // 2]]
