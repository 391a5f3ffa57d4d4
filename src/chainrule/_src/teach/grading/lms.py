"""Marks in the files that Canvas and Moodle upload: the roster's own table, with the marks."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule._src.base.errors import DataError
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.marks import csv_text, number
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
    check_uploads(roster, canvas=True, moodle=False)
    columns = [column for column in CANVAS if column in roster.columns]
    rows = [
        [*(student.row[column] for column in columns), number(mark.total)]
        for mark, student in _pairs(classroom, students)
    ]
    head = [*columns, classroom.assignment.lab]
    possible = ["Points Possible".rjust(19), *[""] * (len(columns) - 1), number(classroom.most)]
    return csv_text([head, possible, *rows])


def to_moodle(classroom: Classroom, roster: Roster, students: Mapping[str, Student]) -> str:
    """Return Moodle's grading worksheet with marks and comments, all other cells as they were.

    Raises
    ------
    DataError
        If the roster is not the worksheet that Moodle exports.
    """
    check_uploads(roster, canvas=False, moodle=True)
    columns = [*roster.columns, *([] if FEEDBACK in roster.columns else [FEEDBACK])]
    rows = []
    for mark, student in _pairs(classroom, students):
        sentences = "; ".join([mark.graded.message, *mark.comments])
        row = student.row | {GRADE: number(mark.total), FEEDBACK: sentences}
        rows.append([row[column] for column in columns])
    return csv_text([columns, *rows])


def _pairs(
    classroom: Classroom, students: Mapping[str, Student]
) -> list[tuple[FinalMark, Student]]:
    marks = classroom.marks
    return [(mark, students[mark.name]) for mark in marks if mark.name in students]


def check_uploads(roster: Roster, canvas: bool, moodle: bool) -> None:
    """Raise a `DataError` if a roster is not the table that Canvas or Moodle exports."""
    if canvas:
        _require(roster, CANVAS[:2], "Canvas's gradebook: export it under Grades")
    if moodle:
        _require(roster, ("Identifier", GRADE), "Moodle's grading worksheet: download it there")


def _require(roster: Roster, columns: tuple[str, ...], what: str) -> None:
    missing = [column for column in columns if column not in roster.columns]
    if missing:
        raise DataError(f"--roster has no column {missing[0]!r}; marks for upload need {what}")
