"""A loss that gives the same value at each call; one that draws random numbers is made to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.check.problem import GradientProblem, copied, loss_value
from chainrule._src.check.reach import Restore

SAME = 1e-12  # the relative difference of two values that threads may make


def steady(
    problem: GradientProblem, exact: dict[str, Array], data: tuple[Any, ...],
    states: list[Restore],
) -> tuple[GradientProblem, float, list[str]]:  # fmt: skip
    """Return a problem whose loss gives the same value at each call, that value, and notes.

    Where two calls differ, every call starts from ``states``, the random states in which the
    gradient was called first, and works on copies of the data.

    Raises
    ------
    DataError
        If the loss changes from call to call all the same.
    """
    values = [loss_value(problem, exact, data) for _ in range(2)]
    if _same(*values):
        return problem, values[0], []
    repeated = replace(
        problem,
        loss=_repeated(problem.loss, states),
        gradients=_repeated(problem.gradients, states),
    )
    again = [loss_value(repeated, exact, data) for _ in range(2)]
    changes = "the loss changes from call to call"
    if not _same(*again):
        raise DataError(
            f"check_gradients: {changes}: it is {values[0]:.10g}, then {values[1]:.10g} at the "
            "same parameters and data, so it has no gradient; take out what changes it (a "
            "counter, a clock, numbers drawn anew)"
        )
    note = (
        f"{changes} ({values[0]:.6g}, then {values[1]:.6g}): it draws random numbers or changes "
        "its data; here every call starts from the same random state, with the same data"
    )
    return repeated, again[0], [note]


def _same(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= SAME * max(abs(a), abs(b))


def _repeated(function: Callable[..., Any], states: list[Restore]) -> Callable[..., Any]:
    """Return a function whose every call starts from the same states, with copies of the data."""

    def call(parameters: Any, *data: Any) -> Any:
        for restore in states:
            restore()
        copies = {k: np.copy(v) if isinstance(v, np.ndarray) else v for k, v in parameters.items()}
        return function(copies, *copied(data))

    return call
