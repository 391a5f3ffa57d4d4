"""Functions that exported tests call, in a student's kernel or on a student's file."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.grading.collect import Entry, find_lab
from chainrule._src.teach.grading.grade import Graded, Grader
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.loader import exercise
from chainrule._src.teach.submission import normal

_results: dict[str, tuple[Any, ExerciseResult]] = {}


def points(
    result: ExerciseResult,
    subject: Any = None,
    handed_out: Sequence[str] = (),
    hidden_tests: Callable[[], None] | None = None,
) -> float:
    """Print the result of a check, and return the points, nbgrader's partial credit.

    Parameters
    ----------
    result : ExerciseResult
    subject : function or class, optional
        The answer.
    handed_out : sequence of str
        Digests of the definition that students received, which earns nothing.
    hidden_tests : callable, optional
        Raises an AssertionError if a hidden test fails; if none fails, this adds one point.
    """
    if subject is not None and _digest_of(subject) in handed_out:
        print(f"✗ {result.exercise} is still as it was handed out")
        return 0.0
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


def definition_digest(text: str) -> str:
    """Return a digest of a function's or a class's code, without comments and docstrings."""
    (node,) = ast.parse(normal(text)).body
    parts = node.body if isinstance(node, ast.ClassDef) else [node]
    functions = [ast.unparse(part) for part in parts if isinstance(part, ast.FunctionDef)]
    return hashlib.sha256("\n".join(sorted(functions)).encode()).hexdigest()[:16]


def _digest_of(subject: Any) -> str:
    """Return the digest of a function or of a class, whose methods a notebook's kernel knows."""
    members = [*vars(subject).values()] if isinstance(subject, type) else [subject]
    try:
        texts = [
            textwrap.dedent(inspect.getsource(member))
            for member in members
            if isinstance(member, FunctionType)
        ]
        body = textwrap.indent("\n".join(texts), "    ") if isinstance(subject, type) else texts[0]
        return definition_digest(f"class A:\n{body}" if isinstance(subject, type) else body)
    except (OSError, TypeError, SyntaxError, ValueError, IndexError):
        return ""


def require(lab: str, name: str, number: int, names: Mapping[str, Any]) -> None:
    """Assert that a check of an exercise passes.

    Parameters
    ----------
    lab, name : str
        The names of the lab and of the exercise.
    number : int
        The index of the check among the exercise's checks.
    names : mapping
        The global names of the student's notebook, with values.

    Raises
    ------
    AssertionError
        If the check fails, with the check's sentence.
    """
    if name not in names:
        raise AssertionError(f"{name} is not defined: was its cell deleted, or does it not run?")
    subject = names[name]
    if name not in _results or _results[name][0] is not subject:
        _results[name] = subject, exercise(name, find_lab(lab, [])).run_here(subject)
    _assert_passed(_results[name][1], number)


def require_of_file(path: str, lab: str, name: str, number: int) -> None:
    """Assert that a check passes on a student's file, which runs in separate processes."""
    results = {result.exercise: result for result in graded_file(path, lab).results}
    _assert_passed(results[name], number)


@cache
def graded_file(path: str, lab: str) -> Graded:
    """Return the marks of a file, without hidden tests."""
    with Grader(replace(assignment(find_lab(lab, [])), hidden={})) as grader:
        return grader.grade(Entry(Path(path).stem, Path(path)))


def _assert_passed(result: ExerciseResult, number: int) -> None:
    outcome = result.outcomes[number]
    if outcome.passed:
        return
    first = next(other for other in result.outcomes if not other.passed)
    raise AssertionError(result.sentence if outcome is first else outcome.sentence)
