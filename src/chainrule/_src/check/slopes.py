"""Slopes of a loss by differences of several steps, which tell a kink from a slope.

A central difference over a kink (relu, max, hinge) is wrong by up to half the change of the slope.
The differences of a step and of half of it then disagree, and so the slope is known to be unknown.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule._src.base.arrays import Array

SHARES = (1.0, 0.1, 0.01)  # of the step that are tried, until the slope is sharp
EPSILON = float(np.finfo(float).eps)
SECONDS = 0.4  # of processor time for all differences of a check
MOST_ENTRIES = 60  # of a parameter that are measured; of larger ones a sample
LEAST_ENTRIES = 1  # of a parameter that are measured even if the loss is slow
Values = dict[str, Array]
Loss = Callable[[Mapping[str, Array]], float]


@dataclass(frozen=True)
class Slope:
    """A slope of the loss along a line.

    Attributes
    ----------
    value : float
        The central difference; NaN where the loss is not finite.
    error : float
        An estimate of its error: rounding, curvature, kinks.
    sides : tuple of float
        The one-sided slopes, the smaller one first.
    rounding : float
        An error up to which rounding alone may be the cause.
    """

    value: float
    error: float
    sides: tuple[float, float]
    rounding: float = 0.0

    @property
    def is_sharp(self) -> bool:
        """True if no kink lies within the step."""
        return self.error <= 1e-4 * abs(self.value) or self.error <= self.rounding


def slope_along(line: Callable[[float], float], center: float, step: float) -> Slope:
    """Return the slope at 0 of a function of one number, whose value at 0 is ``center``."""
    slopes = []
    for share in SHARES:
        slopes.append(_slope(line, center, share * step))
        if slopes[-1].error <= max(slopes[-1].rounding, 1e-8 * abs(slopes[-1].value)):
            break
    finite = [slope for slope in slopes if math.isfinite(slope.error)]
    return min(finite, key=lambda slope: slope.error, default=slopes[-1])


def _slope(line: Callable[[float], float], center: float, step: float) -> Slope:
    above, below = line(step), line(-step)
    half_above, half_below = line(step / 2), line(-step / 2)
    wide, narrow = (above - below) / (2 * step), (half_above - half_below) / step
    # For a smooth function these two are equal up to the third power of the step.
    bend = (above - 2 * center + below) / step
    half_bend = (half_above - 2 * center + half_below) / (step / 2)
    noise = EPSILON * max(map(abs, (above, below, half_above, half_below, center))) / step
    error = 2 * max(abs(wide - narrow), abs(bend - 2 * half_bend), noise)
    sides = sorted([(above - center) / step, (center - below) / step])
    finite = all(map(math.isfinite, (above, below, half_above, half_below)))
    return Slope(
        wide if finite else math.nan, error if finite else math.inf,
        (sides[0], sides[1]), 60 * noise if finite else 0.0,
    )  # fmt: skip


@dataclass
class Measured:
    """The slopes of one parameter that were measured.

    Attributes
    ----------
    values, errors : ndarray
        The gradient's entries and their errors; NaN where none was measured.
    at_kinks : list of (index, Slope)
        The entries within whose smallest step the loss has a kink.
    directions : list of (ndarray, Slope)
        Slopes along directions in which all entries of the parameter move.
    is_finite : bool
        False if the loss is NaN or infinite a small step away.
    """

    values: Array
    errors: Array
    at_kinks: list[tuple[tuple[int, ...], Slope]] = field(default_factory=list)
    directions: list[tuple[Array, Slope]] = field(default_factory=list)
    is_finite: bool = True

    @property
    def mask(self) -> Array:
        """True for the entries whose slope is known."""
        mask: Array = ~np.isnan(self.values)
        return mask


def measured_slopes(
    loss: Loss, parameters: Mapping[str, Array], center: float, step: float,
    first: Mapping[str, Sequence[int]], directions: int, seconds: float = SECONDS,
    most: int = MOST_ENTRIES,
) -> dict[str, Measured]:  # fmt: skip
    """Measure slopes of a loss, parameter by parameter in turn, until the time is over.

    Parameters
    ----------
    loss : callable
        Takes parameters by name and returns a number.
    parameters : mapping of str to ndarray of float64
    center : float
        The loss at these parameters.
    step : float
    first : mapping of str to sequence of int
        Flat indices of the entries that are measured first.
    directions : int
        The number of directions for each parameter of which not all entries are measured.
    seconds : float
        Limit of the processor time.
    most : int
        The most entries of a parameter.
    """
    probes = {
        name: _Probe(loss, parameters, name, center, step, first.get(name, ()), most)
        for name in parameters
    }
    end = time.thread_time() + seconds
    for count in range(2 * most):
        for probe in probes.values():
            if count < LEAST_ENTRIES or time.thread_time() < end:
                probe.next_entry()
        if time.thread_time() > end or all(probe.is_done for probe in probes.values()):
            break
    for probe in probes.values():
        for number in range(directions if not probe.measured.mask.all() else 0):
            if not number or time.thread_time() < end + seconds / 2:
                probe.along_direction(number)
    return {name: probe.measured for name, probe in probes.items()}


class _Probe:
    """Measures the slopes of one parameter; other entries replace those at a kink."""

    def __init__(
        self, loss: Loss, parameters: Mapping[str, Array], name: str, center: float, step: float,
        first: Sequence[int], most: int,
    ) -> None:  # fmt: skip
        self.loss, self.center, self.step = loss, center, step
        self.name, self.moved = name, dict(parameters)
        self.start = np.array(parameters[name], np.float64)
        self.rng = np.random.default_rng(0)
        self.entries = self._order(first)
        self.wanted = min(most, self.start.size)
        self.measured = Measured(np.full(self.start.shape, np.nan), np.zeros(self.start.shape))
        self.is_done = False

    def _order(self, first: Sequence[int]) -> Iterator[int]:
        yield from first
        size = self.start.size
        others = self.rng.permutation(size) if size > 1 else [0]
        chosen = set(first)
        yield from (int(entry) for entry in others if int(entry) not in chosen)

    def next_entry(self) -> None:
        """Measure one more entry, if enough are not measured yet."""
        measured = self.measured
        entry = next(self.entries, None) if measured.mask.sum() < self.wanted else None
        if entry is None or len(measured.at_kinks) > self.wanted:
            self.is_done = True
            return
        index = tuple(int(i) for i in np.unravel_index(entry, self.start.shape))
        unit = np.zeros(self.start.shape)
        unit[index] = 1.0
        slope = self._along(unit)
        measured.is_finite &= math.isfinite(slope.error)
        if slope.is_sharp:
            measured.values[index], measured.errors[index] = slope.value, slope.error
        else:
            measured.at_kinks.append((index, slope))

    def along_direction(self, number: int) -> None:
        """Measure the slope along random signs of all entries."""
        signs = np.random.default_rng([1, number]).choice([-1.0, 1.0], self.start.shape)
        self.measured.directions.append((signs, self._along(signs)))

    def _along(self, direction: Array) -> Slope:
        def line(distance: float) -> float:
            self.moved[self.name] = self.start + distance * direction
            return self.loss(self.moved)

        return slope_along(line, self.center, self.step)
