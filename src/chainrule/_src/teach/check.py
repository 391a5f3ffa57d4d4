"""The checks of the labs' exercises: ``from chainrule._src.teach import check``.

``check.softmax(softmax)`` tests a function against its exercise and says in one sentence what is
wrong; ``check.hint()`` gives three hints, each more precise than the last, and never the answer.

Examples
--------
>>> import numpy as np
>>> from chainrule._src.teach import check
>>> def softmax(X):
...     e = np.exp(np.asarray(X))
...     return e / np.sum(e, axis=-1, keepdims=True)
>>> result = check.softmax(softmax)
✓ softmax: 4 of 4 checks
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from chainrule._src.base.errors import DataError, UnknownNameError
from chainrule._src.teach.exercise import Exercise, ExerciseResult
from chainrule._src.teach.exercises import every, exercise

_failed: dict[str, int] = {}  # exercise → number of hints given; the last key failed last


def hint(name: str | None = None) -> str:
    """Return the next hint for an exercise, by default for the one whose check failed last.

    The first hint says where to look, the second what is needed, the third gives the formula.

    Parameters
    ----------
    name : str, optional
        The exercise.

    Raises
    ------
    DataError
        If no check has failed yet and no name is passed.
    UnknownNameError
        If there is no such exercise.
    """
    if name is None and not _failed:
        raise DataError("hint: no check has failed yet; name an exercise: check.hint('softmax')")
    task = exercise(name or next(reversed(_failed)))
    level = _failed.get(task.name, 0)
    _failed[task.name] = min(level + 1, 2)
    return f"Hint {level + 1} of 3: {task.hints[level]}"


def _checker(task: Exercise) -> Callable[..., ExerciseResult]:
    def check(subject: Any, *, student: str = "") -> ExerciseResult:
        result = task.run_here(subject, student)
        level = _failed.pop(task.name, 0)
        if not result.passed:
            _failed[task.name] = level
        if not _shows_values():
            print(result)
        return result

    check.__name__ = check.__qualname__ = task.name
    check.__doc__ = f"Check {task.name}: {task.title}."
    return check


def _shows_values() -> bool:
    """Return true if the code runs in a notebook or at a prompt, which display values."""
    return hasattr(sys, "ps1") or "get_ipython" in vars(sys.modules["builtins"])


def __getattr__(name: str) -> Callable[..., ExerciseResult]:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return _checker(exercise(name))
    except UnknownNameError as error:
        raise AttributeError(str(error)) from None


def __dir__() -> list[str]:
    return [*every(), "hint"]
