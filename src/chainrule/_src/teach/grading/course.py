"""A class's submissions with all that a teacher brings: the roster, rules, decisions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chainrule._src.base.errors import UnknownNameError
from chainrule._src.teach.grading.collect import Entry, collect, find_lab
from chainrule._src.teach.grading.grade import Assignment
from chainrule._src.teach.grading.roster import Roster, Student, read_roster, with_roster
from chainrule._src.teach.grading.rules import LateRule, MarkingRules, decisions, points_set, times
from chainrule._src.teach.loader import load


@dataclass(frozen=True)
class Intake:
    """The submissions that were taken in, and the students of the roster by their names.

    ``lab`` is the key of the lab: `loader.load` takes it.
    """

    lab: str
    entries: Sequence[Entry]
    roster: Roster
    students: Mapping[str, Student]


def take_in(folder: Path, lab: str | None, roster: Path | None, room: Path) -> Intake:
    """Return the submissions of a folder or zip, which is unpacked into the folder ``room``.

    Raises
    ------
    FileError, DataError
        If the folder or the roster cannot be read, or no lab fits.
    """
    listed = read_roster(roster) if roster else Roster()
    key = find_lab(lab, collect(folder, "", room / "first"))
    entries = collect(folder, load(key).name, room / "second")
    students: dict[str, Student] = {}
    if roster:
        entries, students = with_roster(entries, listed)
    return Intake(key, entries, listed, students)


def rules_of(
    intake: Intake, assignment: Assignment, late: LateRule, points: Path | None, marks: Path
) -> tuple[MarkingRules, list[str]]:
    """Return all rules, and notes; decisions stand in a file beside the marks.

    Raises
    ------
    FileError, DataError
        If a file cannot be read, or names what does not exist.
    """
    each = points_set(points, assignment) if points else {}
    names = [entry.name for entry in intake.entries]
    changed, notes = decisions(marks.with_suffix(".decisions.csv"), names, assignment)
    came, due = times(intake.entries, intake.students)
    flagged = frozenset(entry.name for entry in intake.entries if entry.late)
    return MarkingRules(each, late, changed, came, due, flagged), notes


def check_names(again: Collection[str], intake: Intake) -> None:
    """Raise an `UnknownNameError` if a name that is to be graded again is nobody's."""
    names = {entry.name.casefold(): entry.name for entry in intake.entries}
    for name in again:
        if name.casefold() not in names:
            raise UnknownNameError("submission", name, names.values())
