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

from chainrule._src.base.errors import DataError, FileError, UnknownNameError
from chainrule._src.teach.exercise import Exercise, ExerciseResult
from chainrule._src.teach.loader import every, exercise, find

# (exercise, lab) → number of hints given; the last key failed last. Our labs have the key "".
_failed: dict[tuple[str, str], int] = {}


def hint(name: str | None = None) -> str:
    """Return the next hint for an exercise, by default for the one whose check failed last.

    The first hint says where to look, the last one gives the formula.

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
    return _hint(*((name, "") if name else next(reversed(_failed))))


def lab(name: str) -> LabChecks:
    """Return the checks of a lab, for example of a teacher's own.

    Parameters
    ----------
    name : str
        The lab's name: one of ours, of an installed package, or of a folder in the environment
        variable ``CHAINRULE_LABS``. If it is not found here, its checks say so.
    """
    try:
        return LabChecks(name, find(name)[0].key)
    except (DataError, FileError):
        return LabChecks(name, None)


class LabChecks:
    """The checks of one lab: ``softmax(softmax)`` checks an exercise, `hint` gives hints."""

    def __init__(self, name: str, key: str | None) -> None:
        self._name, self._key = name, key

    def hint(self, name: str | None = None) -> str:
        """Return the next hint, as `chainrule.check.hint` does."""
        if name is None:
            return hint()
        return _hint(name, self._key or "")

    def __getattr__(self, name: str) -> Callable[..., ExerciseResult | None]:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._key is None:
            return self._absent
        try:
            return _checker(exercise(name, self._key), self._key)
        except UnknownNameError as error:
            raise AttributeError(str(error)) from None

    def _absent(self, subject: Any) -> None:
        print(f"The checks of {self._name} are not on this machine; your teacher runs them.")


def _hint(name: str, key: str) -> str:
    task = exercise(name, key)
    level = _failed.get((name, key), 0)
    _failed[name, key] = min(level + 1, len(task.hints) - 1)
    return f"Hint {level + 1} of {len(task.hints)}: {task.hints[level]}"


def _checker(task: Exercise, key: str = "") -> Callable[..., ExerciseResult]:
    def check(subject: Any, *, student: str = "") -> ExerciseResult:
        result = task.run_here(subject, student)
        level = _failed.pop((task.name, key), 0)
        if not result.passed:
            _failed[task.name, key] = level
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
    return [*every(), "hint", "lab"]
