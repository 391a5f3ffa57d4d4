"""The students of a course: a CSV as Canvas, Moodle or GitHub Classroom export it, or one's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chainrule._src.base.errors import DataError
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.tables import Row, cell, read_rows

NAMES = ("student", "full name", "name", "identifier", "student name")
IDS = (
    "id", "identifier", "participant", "id number", "sis user id", "sis login id", "username",
    "github_username", "github username", "email address", "email", "e-mail",
)  # fmt: skip
NOTHING = "nothing was handed in"
SECOND = "another submission of the same student counts"
NOT_LISTED = "not on the roster"


@dataclass(frozen=True)
class Student:
    """A student of a roster.

    Attributes
    ----------
    name : str
    row : dict
        The row of the roster.
    keys : frozenset of str
        Names and ids that a submission may have, in the form of `normal`.
    """

    name: str
    row: Row
    keys: frozenset[str]


@dataclass(frozen=True)
class Roster:
    """A course's students, and the columns of their table, in order."""

    columns: tuple[str, ...] = ()
    students: tuple[Student, ...] = ()

    def student(self, entry: Entry) -> Student | None:
        """Return the student who handed in a submission, by id or name; None if it is not clear."""
        for key in filter(None, [entry.id, normal(entry.name)]):
            matches = [student for student in self.students if key in student.keys]
            if len(matches) == 1:
                return matches[0]
        return None


def read_roster(path: str | Path) -> Roster:
    """Read a roster.

    Raises
    ------
    FileError, DataError
        If the file cannot be read, or has no column of names.
    """
    columns, rows = read_rows(path)
    students = [_student(row) for row in rows]
    listed = [student for student in students if student is not None]
    if not listed:
        raise DataError(f"{path} names no student: one of its columns is {', '.join(NAMES)}")
    return Roster(tuple(columns), tuple(listed))


def _student(row: Row) -> Student | None:
    first, last = cell(row, "first name"), cell(row, "last name", "surname")
    name = cell(row, *NAMES[:3]) or f"{first} {last}".strip() or cell(row, *NAMES[3:])
    if not name or name.startswith("Points Possible"):  # the second line of Canvas's table
        return None
    keys = {normal(name), normal(" ".join(sorted(re.split(r"[,\s]+", name))))}
    words = [word for word in re.split(r"[,\s]+", name) if word]
    keys |= {normal("".join([*words[-n:], *words[:-n]])) for n in range(1, len(words))}
    for column in IDS:
        value = cell(row, column)
        if value:
            keys |= {normal(value), normal(value.partition("@")[0])}
            keys |= set(re.findall(r"\d+", value)) if column == "identifier" else set()
    return Student(name, row, frozenset(keys - {""}))


def normal(text: str) -> str:
    """Return the letters and digits of a text, without accents and case.

    Examples
    --------
    >>> normal("Lovelace, Adá_K.")
    'lovelaceadak'
    """
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain.casefold() if letter.isalnum())


def with_roster(entries: Sequence[Entry], roster: Roster) -> tuple[list[Entry], dict[str, Student]]:
    """Return an entry for each student, and the students by the entries' names.

    A submission of somebody who is not listed stays and is noted; a student without a submission
    gets an entry that says so.
    """
    listed: dict[str, Student] = {}
    renamed = []
    for entry in entries:
        student = roster.student(entry)
        if student is None:
            note = "; ".join(filter(None, [entry.note, NOT_LISTED]))
            renamed.append(replace(entry, note=note))
        elif student.name in listed:
            note = "; ".join(filter(None, [entry.note, SECOND]))
            renamed.append(replace(entry, note=note))
        else:
            listed[student.name] = student
            renamed.append(replace(entry, name=student.name))
    for student in roster.students:
        if student.name not in listed:
            listed[student.name] = student
            renamed.append(Entry(student.name, None, NOTHING))
    return renamed, listed
