"""The solutions of a lab as functions and classes, for the checks to compare answers with."""

from __future__ import annotations

import re
from typing import Any

from chainrule._src.teach.exercise import STUDENT
from chainrule._src.teach.source import Source
from chainrule._src.teach.submission import Submission, parse

_MAGIC = re.compile(r"^[%!].*$", re.MULTILINE)


class LabSolution:
    """Whatever a lab's solved cells define: ``solution.softmax`` is the lab's own softmax.

    An attribute runs the statements that define it, the first time that it is read. In a lab whose
    constants are drawn, the solution is that of the student whose answer is being checked.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._submissions: dict[str, Submission] = {}
        self._values: dict[tuple[str, str], Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        student = STUDENT.get() if self._source.has_tasks else ""
        if (student, name) not in self._values:
            submission = self.submission(student)
            if not submission.defines(name):
                raise AttributeError(
                    f"{self._source.path.name} has no solution that defines {name}"
                )
            values = submission.load([name], f"solution of {self._source.name}")
            self._values[student, name] = values[name]
        return self._values[student, name]

    def submission(self, student: str = "") -> Submission:
        """Return the solved lab, parsed as a submission."""
        if student not in self._submissions:
            self._submissions[student] = solved(self._source, student)
        return self._submissions[student]


def solved(source: Source, student: str = "") -> Submission:
    """Return the solved lab of a student, parsed as a submission."""
    submission = Submission(source.path)
    for number, (_, cell, code) in enumerate(source.blocks(solved=True, student=student)):
        if not (cell.text or cell.check or cell.checks):
            file = source.path.with_name(f"{source.name} cell {number}.py")
            submission.statements += parse(file, _MAGIC.sub("", code)).statements
    return submission
