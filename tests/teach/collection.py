"""Answers to the exercises, wrong and right ones, from `tests/teach/answers/`.

A wrong answer is the lab's solution with some text exchanged, and what the sentence must say. A
right one is a text of its own, or exchanges too. What a text defines replaces the same names of the
solved lab; all else that it uses is the lab's.
"""

from __future__ import annotations

import ast
import hashlib
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from chainrule._src.teach.calls import Candidate, ObjectServer
from chainrule._src.teach.checked import check_submission
from chainrule._src.teach.exercise import CheckOutcome, ExerciseResult
from chainrule._src.teach.grading.hidden import hidden_tests, run_hidden, used_names
from chainrule._src.teach.loader import exercise, exercises, our_labs
from chainrule._src.teach.source import Source, sources
from chainrule._src.teach.submission import Submission, TopLevelStatement, parse

LABS = {lab: lab.partition("_")[2] for lab in our_labs()}  # lab → its file in `answers/`
EXERCISES = [
    (lab, name)
    for lab, module in LABS.items()
    if (Path(__file__).parent / "answers" / f"{module}.py").exists()
    for name in exercises(lab)
]

SLOW = ("overfits", "numbers")  # come last, and are not needed where something fails before


def answers(lab: str, kind: str, name: str) -> list[Any]:
    """Return the answers to an exercise, of the kind ``WRONG`` or ``RIGHT``."""
    found: list[Any] = getattr(import_module(f"tests.teach.answers.{LABS[lab]}"), kind)[name]
    return found


@cache
def solution(lab: str, name: str) -> str:
    """Return the text of the lab's own solution."""
    source = _source(lab)
    return [source.code(cell, solved=True) for cell in source.cells if name in cell.exercises][-1]


@cache
def stub(lab: str, name: str) -> str:
    """Return the text that a student begins with."""
    source = _source(lab)
    return [source.code(cell, solved=False) for cell in source.cells if name in cell.exercises][-1]


def exchanged(text: str, *pairs: tuple[str, str]) -> str:
    """Return a text with the first of each of some pieces replaced."""
    for old, new in pairs:
        assert text.count(old), f"the solution has no {old!r}"
        text = text.replace(old, new, 1)
    return text


def answers_returning(text: str, values: list[str]) -> Iterator[str]:
    """Yield the text with each of its returns returning something else."""
    tree = ast.parse(text)
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.Return)]:
        kept = node.value
        for value in values:
            node.value = ast.parse(value, mode="eval").body
            yield ast.unparse(tree)
        node.value = kept


def mistake(answer: tuple[Any, ...]) -> tuple[list[tuple[str, str]], str]:
    """Return the exchanges of a wrong answer and what must be said: one exchange may stand flat."""
    *pairs, said = answer
    return ([(pairs[0], pairs[1])] if isinstance(pairs[0], str) else pairs), said


def result(lab: str, name: str, answer: str, *, slow: bool | None = None) -> ExerciseResult:
    """Return what the checks say of an answer, which stands behind the lab's own.

    Unless ``slow`` is said, slow checks run where an answer passes all others.
    """
    statements: list[TopLevelStatement] = []
    for defined, solved in _solved(lab):
        statements += solved
        if name in defined:
            statements += _statements(answer)
    submission, found = Submission(Path("answer.py"), statements), exercise(name)
    if slow:
        return check_submission(submission, found)
    checks = found.checks
    found.checks = [check for check in checks if check.name not in SLOW]
    try:
        quick = check_submission(submission, found)
    finally:
        found.checks = checks
    return check_submission(submission, found) if quick.passed and slow is None else quick


def hidden(lab: str, name: str) -> CheckOutcome | None:
    """Return what the lab's own solution hears of the hidden tests, as the grader runs them."""
    text = hidden_tests(_source(lab)).get(name)
    if text is None:
        return None
    names = [name, *used_names(text, exercises(lab))]
    statements = [statement for _, solved in _solved(lab) for statement in solved]
    server = ObjectServer(Submission(Path("answer.py"), statements).load(names))
    return run_hidden(text, name, {n: Candidate(server.answer, n, n) for n in names})


@cache
def labs() -> list[Source]:
    """Return the sources of all labs, which are read once for all tests of a process."""
    return sources()


@cache
def _source(lab: str) -> Source:
    return next(source for source in labs() if source.name == lab)


@cache
def _solved(lab: str) -> list[tuple[tuple[str, ...], list[TopLevelStatement]]]:
    """Return for each cell of code what it defines and its statements."""
    source = _source(lab)
    return [
        (cell.exercises, _statements(re.sub("^%.*$", "", text, flags=re.MULTILINE)))
        for cell in source.cells
        if not cell.text and (text := source.code(cell, solved=True)).strip()
    ]


@cache
def _statements(text: str) -> list[TopLevelStatement]:
    name = hashlib.sha256(text.encode()).hexdigest()[:20]  # a file holds one text
    found = parse(Path(tempfile.gettempdir()) / name / "answer.py", text)
    assert not found.notes, found.notes
    return found.statements
