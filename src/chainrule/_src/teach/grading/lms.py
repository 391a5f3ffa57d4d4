"""Marks in the files that Canvas and Moodle upload: the roster's own table, with the marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from chainrule._src.base.errors import DataError
from chainrule._src.base.escaping import for_csv
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.marks import number
from chainrule._src.teach.grading.roster import Roster, Student
from chainrule._src.teach.grading.rules import FinalMark

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
GRADE, FEEDBACK = "Grade", "Feedback comments"


def to_canvas(classroom: Classroom, roster: Roster, students: Mapping[str, Student]) -> str:
    """Return the CSV that Canvas's gradebook imports: its columns, then the assignment's.

    Raises
    ------
    DataError
        If the roster is not the gradebook that Canvas exports.
    """
    _require(roster, CANVAS[:2], "Canvas's gradebook: export it under Grades")
    columns = [column for column in CANVAS if column in roster.columns]
    rows = [
        [*(student.row[column] for column in columns), number(mark.total)]
        for mark, student in _pairs(classroom, students)
    ]
    head = [*columns, classroom.assignment.lab]
    possible = ["Points Possible".rjust(19), *[""] * (len(columns) - 1), number(classroom.most)]
    return _text([head, possible, *rows])


def to_moodle(classroom: Classroom, roster: Roster, students: Mapping[str, Student]) -> str:
    """Return Moodle's grading worksheet with marks and comments, all other cells as they were.

    Raises
    ------
    DataError
        If the roster is not the worksheet that Moodle exports.
    """
    _require(roster, ("Identifier", GRADE), "Moodle's grading worksheet: download it there")
    columns = [*roster.columns, *([] if FEEDBACK in roster.columns else [FEEDBACK])]
    rows = []
    for mark, student in _pairs(classroom, students):
        sentences = "; ".join([mark.graded.message, *mark.comments])
        row = student.row | {GRADE: number(mark.total), FEEDBACK: for_csv(sentences)}
        rows.append([row[column] for column in columns])
    return _text([columns, *rows])


def _pairs(
    classroom: Classroom, students: Mapping[str, Student]
) -> list[tuple[FinalMark, Student]]:
    marks = classroom.marks
    return [(mark, students[mark.name]) for mark in marks if mark.name in students]


def _require(roster: Roster, columns: tuple[str, ...], what: str) -> None:
    missing = [column for column in columns if column not in roster.columns]
    if missing:
        raise DataError(f"--roster has no column {missing[0]!r}; marks for upload need {what}")


def _text(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
