r"""Compare a gradient written by hand with automatic differentiation and central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_number
from chainrule._src.check.clock import thread_seconds
from chainrule._src.check.detached import recordable
from chainrule._src.check.diagnosis import Diagnosis
from chainrule._src.check.epsilon import no_epsilon
from chainrule._src.check.explain import explain
from chainrule._src.check.problem import (
    GradientProblem,
    batch_size,
    function_problem,
    model_problem,
)
from chainrule._src.check.quiet import alone, quiet
from chainrule._src.check.reach import Restore, random_states
from chainrule._src.check.recorded import Gradients, Recording
from chainrule._src.check.report import GradientReport
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.slopes import MOST_ENTRIES, Measured, measured_slopes
from chainrule._src.check.steadiness import steady
from chainrule._src.check.trial import cut
from chainrule._src.check.verdict import verdicts
from chainrule._src.core.trees import map_leaves

Parameters = Mapping[str, Array]
TOLERANCES = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-3, np.dtype(np.float16): 5e-2}
DIRECTIONS = 2  # along which all entries move at once, where there is no automatic gradient
MANY, SOME = 250, 61  # from so many samples on, some of them may do
LONG = 0.03  # seconds that loss and gradient of all samples take where some of them do
FEW_ENTRIES = 24  # of a parameter that are measured to confirm an automatic gradient
FURTHEST = 10  # entries that differ most from the automatic gradient are measured first


def numerical_gradients(
    loss: Callable[[Parameters], Any],
    parameters: Parameters,
    *,
    step: float = 1e-5,
    most: int | None = None,
) -> dict[str, Array]:
    r"""Compute a gradient by central differences: two evaluations of the loss per entry.

    .. math:: \frac{\partial L}{\partial \theta_i} \approx
              \frac{L(\theta + \epsilon e_i) - L(\theta - \epsilon e_i)}{2 \epsilon}

    The truncation error is :math:`O(\epsilon^2)` and rounding adds about
    :math:`10^{-16} / \epsilon`, so steps near :math:`10^{-5}` are best in float64.

    Parameters
    ----------
    loss : callable
        Takes parameters by name and returns a number.
    parameters : mapping of str to ndarray
        The point at which the loss is differentiated. The arrays are copied, not changed.
    step : float, default 1e-5
    most : int, optional
        The most entries of a parameter to check, drawn at random; the others are NaN.

    Returns
    -------
    dict of str to ndarray of float64

    Examples
    --------
    >>> numerical_gradients(lambda p: (p["x"] ** 2).sum(), {"x": np.array([1.0, -3.0])})["x"]
    array([ 2., -6.])
    """
    moved = {name: np.array(value, dtype=np.float64) for name, value in parameters.items()}
    rng = np.random.default_rng(0)
    gradients = {}
    for name, value in moved.items():
        gradient = np.full(value.shape, np.nan)
        entries = np.arange(value.size)
        if most is not None and value.size > most:
            entries = rng.choice(value.size, most, replace=False)
        for entry in entries:
            index = np.unravel_index(entry, value.shape)
            original = value[index]
            value[index] = original + step
            above = loss(moved)
            value[index] = original - step
            below = loss(moved)
            value[index] = original
            gradient[index] = (above - below) / (2 * step)
        gradients[name] = gradient
    return gradients


def check_gradients(
    subject: Any,
    gradients: Callable[..., Any] | None = None,
    *,
    tolerance: float | None = None,
    step: float = 1e-5,
) -> Callable[..., GradientReport]:
    """Check a gradient that was derived by hand, and name the mistake if it is wrong.

    Parameters
    ----------
    subject : callable or object
        A loss ``loss(params, *data)`` written in NumPy; or a model with the lab's methods
        ``loss(X, y)`` and ``grad_loss(x, y_true)`` and its parameters as attributes named by the
        gradient's keys. The check leaves a model unchanged.
    gradients : callable, optional
        For a loss: ``gradients(params, *data)``, which returns the structure of ``params``.
    tolerance : float, optional
        The largest norm ratio that passes. By default 1e-6 for float64, 1e-3 for float32: rounding
        alone gives about 1e-9 in float64, a real mistake 1e-3 and more.
    step : float, default 1e-5
        Step of the central differences.

    Returns
    -------
    callable
        ``check(*args)`` with the loss's arguments, or ``check(x, y)`` for a model; returns a
        `GradientReport`.

    Raises
    ------
    DataError
        If ``subject`` is neither a loss with its gradient nor a model, an option is negative, the
        loss is no single number or changes from call to call, parameters are no numbers, or a first
        call does not end.

    Notes
    -----
    A bound on each entry would raise false alarms where the true value is near zero and rounding
    is all that is left; the ratio of norms weighs an error against the whole gradient. A gradient
    is called wrong only where the right slope is known: by automatic differentiation, if central
    differences agree with it, otherwise by differences of several steps, which tell a kink (relu,
    max, hinge) from a slope. It also passes, with a note, if it leaves out a small constant that
    the loss adds inside a logarithm. Where all samples would take long, some are drawn.

    Examples
    --------
    >>> def loss(w, X, y):
    ...     return np.mean((X @ w - y) ** 2)
    >>> def my_gradient(w, X, y):
    ...     return 2 * X.T @ (X @ w - y)
    >>> rng = np.random.default_rng(0)
    >>> report = check_gradients(loss, my_gradient)(rng.normal(size=2), np.eye(3, 2), np.ones(3))
    >>> print(report.diagnoses[0].what)
    the average over the batch is missing: divide by len(X), the number of samples
    >>> print(report.diagnoses[0].where.repaired)
        return 2 * X.T @ (X @ w - y) / len(X)
    """
    step = check_number(step, "step", "check_gradients", low=1e-12)
    if tolerance is not None:
        tolerance = check_number(tolerance, "tolerance", "check_gradients")
    if gradients is None and not (hasattr(subject, "loss") and hasattr(subject, "grad_loss")):
        raise DataError(
            "check_gradients: give a loss and its gradient, two functions, or a model with the "
            f"methods loss and grad_loss; received {type(subject).__name__} alone"
        )
    if gradients is not None and not (callable(subject) and callable(gradients)):
        raise DataError("check_gradients: loss and gradients must both be functions")

    def problem_of(args: tuple[Any, ...]) -> GradientProblem:
        if gradients is None:
            return model_problem(subject, args)
        return function_problem(subject, gradients, args)

    def check(*args: Any) -> GradientReport:
        with alone:  # another check may have replaced the code of a function that is called here
            states = random_states((subject, gradients, *args))
            first = () if gradients is None else args[:1]
            report = _on_fewer(problem_of, first, args[len(first) :], states, tolerance, step)
            return report or _report(problem_of(args), states, tolerance, step)

    return check


def _on_fewer(
    problem_of: Callable[[tuple[Any, ...]], GradientProblem], first: tuple[Any, ...],
    data: tuple[Any, ...], states: list[Restore], tolerance: float | None, step: float,
) -> GradientReport | None:  # fmt: skip
    """Return the report on some of the samples, if it passes and all of them would take long.

    A gradient that is wrong on them, or does not run on them, is checked on all samples.
    """
    n = batch_size(data)
    if n is None or n < MANY:
        return None
    few = cut(data, n, SOME, np.random.default_rng(3))
    try:
        with quiet():
            problem = problem_of((*first, *few))
            seconds = thread_seconds(lambda: problem.gradients(problem.parameters, *few))
            seconds += thread_seconds(lambda: problem.loss(problem.parameters, *few))
        if seconds * n / SOME < LONG:
            return None
        report = _report(problem, states, tolerance, step)
    except FAILURES:  # the code does not run on fewer samples
        return None
    note = f"checked on {SOME} samples, drawn at random from {n}: all of them would take long"
    return replace(report, notes=(*report.notes, note)) if report.passed else None


def _report(
    problem: GradientProblem, states: list[Restore], tolerance: float | None, step: float
) -> GradientReport:
    exact = {name: value.astype(np.float64) for name, value in problem.parameters.items()}
    data = tuple(_exact(part) for part in problem.data)
    dtypes = {
        v.dtype for v in (*problem.parameters.values(), *problem.by_hand.values()) if v is not None
    }
    if tolerance is None:
        tolerance = max(TOLERANCES.get(dtype, 1e-6) for dtype in dtypes)
    with quiet(problem.mutable):
        return _judged(*steady(problem, exact, data, states), exact, data, tolerance, step)


def _judged(
    problem: GradientProblem, value: float, notes: list[str], exact: dict[str, Array],
    data: tuple[Any, ...], tolerance: float, step: float,
) -> GradientReport:  # fmt: skip
    recording, right, reasons = _recorded(problem, exact, data)
    first = {n: _furthest(problem.by_hand[n], right[n] if right else None) for n in exact}

    def loss(values: Parameters) -> Any:
        return problem.loss(values, *data)

    def textbook_slopes() -> dict[str, Measured] | None:
        with no_epsilon(lambda: loss(exact)) as changed:
            center = loss(exact)
            return (
                measured_slopes(loss, exact, center, step, first, DIRECTIONS) if changed else None
            )

    directions, most = (0, FEW_ENTRIES) if right else (DIRECTIONS, MOST_ENTRIES)
    measured = measured_slopes(loss, exact, value, step, first, directions, most=most)
    if not all(slopes.is_finite for slopes in measured.values()):
        raise DataError(
            "check_gradients: the loss is NaN or infinite a small step from here; check at others"
        )
    floor = 10 * np.finfo(float).eps * (abs(value) if right else max(1.0, abs(value))) / step
    checks, why = verdicts(
        problem.by_hand, right, measured, recording, textbook_slopes, tolerance, floor
    )
    diagnoses: tuple[Diagnosis, ...] = ()
    wrong = [check.name for check in checks if not check.passed]
    if wrong:
        reference = right or {name: slopes.values for name, slopes in measured.items()}
        diagnoses = explain(problem, exact, data, batch_size(problem.data), wrong, reference)
    all_notes = (*notes, *problem.notes, *reasons, *why)
    return GradientReport(tuple(checks), tolerance, diagnoses, all_notes)


def _furthest(by_hand: Array | None, right: Array | None) -> list[int]:
    """Return the entries in which two gradients differ most: they are measured first."""
    if by_hand is None or right is None or by_hand.shape != right.shape:
        return []
    apart = np.abs(by_hand - right).ravel()
    if not apart.any():
        return []
    largest = np.argpartition(apart, -FURTHEST)[-FURTHEST:] if apart.size > FURTHEST else None
    order = np.argsort(apart) if largest is None else largest[np.argsort(apart[largest])]
    return [int(entry) for entry in order[::-1]]


def _recorded(
    problem: GradientProblem, exact: dict[str, Array], data: tuple[Any, ...]
) -> tuple[Recording | None, Gradients | None, list[str]]:
    try:
        recording = Recording(problem.loss, data, exact)
        return recording, recording.gradients(), []
    except Exception as error:  # the code does something that tensors do not support
        recording = recordable(
            problem.loss, data, exact, error, lambda loss: Recording(loss, data, exact)
        )
        if recording is not None:
            return recording, recording.gradients(), []
        cause = " ".join(str(error).split())
        return None, None, [f"checked by differences alone, the loss could not be traced: {cause}"]


def _exact(part: Any) -> Any:
    """Return data with float64 for all other floats; what holds none is passed on as it is."""
    if isinstance(part, dict | list | tuple):
        return map_leaves(_exact, part)
    if isinstance(part, np.ndarray | np.floating) and part.dtype.kind == "f":
        return np.asarray(part).astype(np.float64)
    return part
