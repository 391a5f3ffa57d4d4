"""The verdict on a gradient by hand: WRONG is said only where the right slope is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.recorded import Gradients, Recording, at_kinks, without_epsilon
from chainrule._src.check.report import ParameterCheck
from chainrule._src.check.slopes import Measured
from chainrule._src.check.subject import ratio

ALLOWED = 3.0  # times its estimated error a measured slope may be off
AT_A_KINK = 30.0  # the same with a kink within the step, where errors may cancel in the estimate
NEAR = 1e-2  # the norm ratio up to which the epsilon of a logarithm may be the difference
EPSILON_LEFT_OUT = (
    "the loss adds a small constant inside its logarithm and the gradient leaves it "
    "out, as the textbook does: right, and the whole difference"
)
ON_A_KINK = (
    "some values sit exactly on a kink (a tie, or 0 in relu or abs), where every slope "
    "between those of the two sides is right; this gradient takes one of them"
)


def verdicts(
    by_hand: dict[str, Array | None], right: Gradients | None, measured: dict[str, Measured],
    recording: Recording | None, textbook_slopes: Callable[[], dict[str, Measured] | None],
    tolerance: float, floor: float,
) -> tuple[list[ParameterCheck], list[str]]:  # fmt: skip
    """Return the checks of all parameters, and notes why a gradient that differs is right.

    ``textbook_slopes`` measures the loss without the small constants inside its logarithms;
    ``floor`` is the error that rounding of the loss leaves in a difference; smaller slopes are 0.
    """

    def judged(name: str, automatic: Array | None) -> ParameterCheck:
        return _judged(name, by_hand[name], automatic, measured[name], tolerance, floor)

    checks = [judged(name, right[name] if right else None) for name in by_hand]
    if all(check.passed for check in checks):
        return checks, _unknown(checks, measured)
    if recording is None:
        return _leniently(checks, textbook_slopes, tolerance, floor)
    textbook = without_epsilon(recording)
    if textbook is not None and all(
        check.passed or _agrees(by_hand[check.name], textbook[check.name], tolerance, 1e-5 * floor)
        for check in checks
    ):
        return _passed(checks), [EPSILON_LEFT_OUT]
    kinks = at_kinks(recording)
    if kinks is not None and all(
        check.passed or _between(check.by_hand, [k[check.name] for k in kinks]) for check in checks
    ):
        return _passed(checks), [ON_A_KINK]
    return checks, []


def _leniently(
    checks: list[ParameterCheck], textbook_slopes: Callable[[], dict[str, Measured] | None],
    tolerance: float, floor: float,
) -> tuple[list[ParameterCheck], list[str]]:  # fmt: skip
    """Return the checks, passed if the gradient only leaves out the epsilon of the loss."""
    near = all(check.passed or check.ratio <= NEAR for check in checks)
    measured = textbook_slopes() if near else None
    if measured is not None and all(
        check.passed
        or (
            check.by_hand is not None
            and _is_as_measured(check.by_hand, measured[check.name], tolerance, floor)
        )
        for check in checks
    ):
        return _passed(checks), [EPSILON_LEFT_OUT]
    return checks, []


def _passed(checks: list[ParameterCheck]) -> list[ParameterCheck]:
    return [replace(check, passed=True) for check in checks]


def _unknown(checks: list[ParameterCheck], measured: dict[str, Measured]) -> list[str]:
    """Return a note on the parameters of which no slope is known; they cannot be judged."""
    names = [c.name for c in checks if c.automatic is None and not measured[c.name].mask.any()]
    if not names:
        return []
    return [
        f"{', '.join(names)} cannot be judged: the loss has a kink (relu, max, hinge) within "
        "every step; check on fewer samples"
    ]


def _judged(
    name: str, by_hand: Array | None, automatic: Array | None, measured: Measured,
    tolerance: float, floor: float,
) -> ParameterCheck:  # fmt: skip
    numerical = measured.values
    if by_hand is None or by_hand.shape != numerical.shape:
        return ParameterCheck(name, np.inf, np.inf, (), by_hand, automatic, numerical, False)
    mask = measured.mask
    difference = np.where(mask, np.abs(by_hand - numerical), -1.0)
    against = ratio(by_hand[mask], numerical[mask])
    if automatic is not None and not mask.any():  # the loss has a kink within every step
        difference, against = np.abs(by_hand - automatic), ratio(by_hand, automatic)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), numerical.shape))
    exact = None if automatic is None else ratio(by_hand, automatic)
    # Where the gradient is zero up to rounding, the ratio of norms compares noise with noise. A
    # central difference is noisier than an automatic gradient.
    if automatic is None or not _is_as_measured(automatic, measured, tolerance, floor):
        passed = _is_as_measured(by_hand, measured, tolerance, floor)
    else:
        passed = False
    if automatic is not None and not passed:
        passed = _agrees(by_hand, automatic, tolerance, 1e-5 * floor)
        passed = passed or _is_at_kinks(by_hand, automatic, measured, tolerance)
    return ParameterCheck(name, against, exact, worst, by_hand, automatic, numerical, bool(passed))


def _agrees(by_hand: Array | None, right: Array, tolerance: float, floor: float) -> bool:
    if by_hand is None or by_hand.shape != right.shape:
        return False
    gap = float(np.linalg.norm(by_hand - right))
    return ratio(by_hand, right) <= tolerance or gap <= floor * np.sqrt(right.size)


def _is_as_measured(gradient: Array, measured: Measured, tolerance: float, floor: float) -> bool:
    """Return true if a gradient is equal to all slopes that are known, up to their errors."""
    mask = measured.mask
    entries, slopes, errors = gradient[mask], measured.values[mask], measured.errors[mask]
    gap = float(np.linalg.norm(np.maximum(0.0, np.abs(entries - slopes) - ALLOWED * errors)))
    scale = np.linalg.norm(entries) + np.linalg.norm(slopes)
    if not (gap <= tolerance * scale or gap <= floor * np.sqrt(mask.sum())):
        return False
    if any(
        abs(gradient[i] - slope.value) > AT_A_KINK * slope.error for i, slope in measured.at_kinks
    ):
        return False
    norm = float(np.linalg.norm(gradient))
    return all(
        abs(np.vdot(signs, gradient) - slope.value)
        <= ALLOWED * slope.error + 10 * tolerance * (norm + abs(slope.value)) + floor
        for signs, slope in measured.directions
        if np.isfinite(slope.error)
    )


def _is_at_kinks(by_hand: Array, automatic: Array, measured: Measured, tolerance: float) -> bool:
    """Return true if a gradient differs from the automatic one at entries with a kink alone.

    The entries that differ most were measured, and all of them have a kink.
    """
    apart = np.abs(by_hand - automatic)
    apart = apart > tolerance * (np.abs(by_hand) + np.abs(automatic)).max()
    kinked = np.zeros(apart.shape, bool)
    for index, slope in measured.at_kinks:
        low, high = slope.sides
        slack = 1e-6 * max(abs(low), abs(high))
        kinked[index] = low - slack <= by_hand[index] <= high + slack
    return bool(apart.any() and kinked[apart].all())


def _between(by_hand: Array | None, sides: list[Array]) -> bool:
    """Return true if each entry of a gradient lies between those of two bounds."""
    if by_hand is None or by_hand.shape != sides[0].shape:
        return False
    low, high = np.minimum(*sides), np.maximum(*sides)
    slack = 1e-9 * (1 + np.abs(low) + np.abs(high))
    return bool(((by_hand >= low - slack) & (by_hand <= high + slack)).all())
