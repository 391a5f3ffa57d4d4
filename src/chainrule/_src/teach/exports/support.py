"""What exported tests call where they run: in a student's kernel, or on a student's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from chainrule._src.teach.exercise import Result
from chainrule._src.teach.exercises import exercise
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Assignment, Graded, Grader
from chainrule._src.teach.grading.setting import assignment

_seen: dict[str, tuple[Any, Result]] = {}


def points(result: Result, hidden_tests: Callable[[], None] | None = None) -> float:
    """Print what a check said, and return the points: what nbgrader takes for partial credit.

    Parameters
    ----------
    result : Result
    hidden_tests : callable, optional
        Raises an AssertionError where one fails; worth a point.
    """
    print(result)
    if hidden_tests is None:
        return float(result.points)
    try:
        hidden_tests()
    except Exception as error:
        print(f"✗ {result.exercise}, hidden tests: {error or type(error).__name__}")
        return float(result.points)
    print(f"✓ {result.exercise}, hidden tests")
    return float(result.points + 1)


def require(name: str, number: int, names: Mapping[str, Any]) -> None:
    """Let a check of an exercise pass, or say what is wrong.

    Parameters
    ----------
    name : str
        The exercise.
    number : int
        Which of its checks.
    names : mapping
        What the student's notebook has defined.

    Raises
    ------
    AssertionError
        With the sentence of the check.
    """
    if name not in names:
        raise AssertionError(f"{name} is not defined: was its cell deleted, or does it not run?")
    subject = names[name]
    if name not in _seen or _seen[name][0] is not subject:
        _seen[name] = subject, exercise(name).run_here(subject)
    _assert_passed(_seen[name][1], number)


def require_of_file(path: str, lab: str, name: str, number: int) -> None:
    """Do the same for a student's file, which runs in processes of its own."""
    results = {result.exercise: result for result in graded_file(path, lab).results}
    _assert_passed(results[name], number)


@cache
def graded_file(path: str, lab: str) -> Graded:
    """Return the marks of a file, without hidden tests."""
    task, _ = assignment(lab)
    with Grader(Assignment(lab, task.exercises, {}, task.limits)) as grader:
        return grader.grade(Entry(Path(path).stem, Path(path)))


def _assert_passed(result: Result, number: int) -> None:
    outcome = result.outcomes[number]
    if outcome.passed:
        return
    first = next(other for other in result.outcomes if not other.passed)
    raise AssertionError(result.sentence if outcome is first else outcome.sentence)
