"""Rules of a teacher about marks: points, late days, and single marks that are changed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from chainrule._src.base.errors import DataError
from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Assignment, Graded
from chainrule._src.teach.grading.roster import Student
from chainrule._src.teach.grading.tables import cell, number, read_rows

MOODLES_DATE = "%A, %d %B %Y, %I:%M %p"
TOTAL, LATE = "total", "late days"
HEAD = "name,exercise,points,comment\n"
_PENALTY = re.compile(r"(\d+(?:\.\d+)?)\s*(%)?\s*(?:/|per |a )\s*day")


@dataclass(frozen=True)
class LateRule:
    """The price of a day after the due date.

    Attributes
    ----------
    due : datetime or None
        None: nothing is late.
    penalty : float
        Points a day, or per cent of the points that can be had.
    percent : bool
    free : int
        Days that cost nothing.
    """

    due: datetime | None = None
    penalty: float = 0.0
    percent: bool = True
    free: int = 0

    def days(self, handed_in: datetime | None) -> int:
        """Return the days by which a submission is late; a day that has begun counts."""
        if self.due is None or handed_in is None or handed_in <= self.due:
            return 0
        return -(-(handed_in - self.due) // timedelta(days=1))

    def lost(self, days: float, most: float) -> float:
        """Return the points that these days cost."""
        counted = max(0.0, days - self.free)
        return counted * (self.penalty * most / 100 if self.percent else self.penalty)


def late_rule(due: str | None, penalty: str, free: int) -> LateRule:
    """Return the rule of a due date, a penalty such as "10%/day" or "2/day", and free days.

    Examples
    --------
    >>> late_rule("2026-11-20 23:59", "10%/day", 1).lost(3, 60)
    12.0

    Raises
    ------
    DataError
        If the date or the penalty cannot be read.
    """
    try:
        when = datetime.fromisoformat(due) if due else None
    except ValueError:
        raise DataError(f"--due is {due!r}; a date and time are 2026-11-20T23:59") from None
    match = _PENALTY.fullmatch(penalty.strip()) if penalty else None
    if penalty and match is None:
        raise DataError(f"--late is {penalty!r}; penalties are 10%/day or 2/day")
    each, percent = (float(match[1]), bool(match[2])) if match else (0.0, True)
    return LateRule(when, each, percent, free)


@dataclass(frozen=True)
class Decision:
    """A mark that a teacher has changed, or her comment: a row of the file beside the marks."""

    points: float | None
    comment: str


@dataclass(frozen=True)
class MarkingRules:
    """All rules of an assignment; `mark` makes a mark of points.

    Attributes
    ----------
    points : dict of float
        The points of an exercise, or of a check as (exercise, check), where they are changed.
    late : LateRule
    decisions : dict of Decision
        By name and exercise; ``total`` and ``late days`` stand for exercises, too.
    handed_in, due : dict of datetime
        When each submission came, and due dates of single students, by name.
    flagged : frozenset of str
        Submissions that Canvas has marked as late: by a day at least.
    """

    points: Mapping[tuple[str, str], float] = field(default_factory=dict)
    late: LateRule = field(default_factory=LateRule)
    decisions: Mapping[tuple[str, str], Decision] = field(default_factory=dict)
    handed_in: Mapping[str, datetime] = field(default_factory=dict)
    due: Mapping[str, datetime] = field(default_factory=dict)
    flagged: frozenset[str] = frozenset()

    def most(self, assignment: Assignment) -> float:
        """Return the points of a submission whose exercises are all correct."""
        names = assignment.exercises
        return sum(self.scaled(assignment.failed(name, "")).most for name in names)

    def scaled(self, result: ExerciseResult) -> EarnedPoints:
        """Return an exercise's points, with those of checks and of the exercise as they are set."""
        name = result.exercise
        each = [self.points.get((name, o.check), o.open or o.points) for o in result.outcomes]
        pairs = [*zip(each, result.outcomes, strict=True)]
        got = sum(points for points, o in pairs if o.passed and not o.open)
        open_points = sum(points for points, o in pairs if o.open)
        highest = float(sum(each))
        most = self.points.get((name, ""), highest)
        factor = most / highest if highest else 0.0
        return EarnedPoints(got * factor, most - open_points * factor, open_points * factor)

    def mark(self, graded: Graded) -> FinalMark:
        """Return a submission's mark."""
        exercises, comments = {}, []
        for result in graded.results:
            points, decision = self.scaled(result), self._decision(graded, result.exercise)
            if decision and decision.points is not None:
                points = EarnedPoints(decision.points, points.most + points.open)
            if decision and decision.comment:
                comments.append(f"{result.exercise}: {decision.comment}")
            exercises[result.exercise] = points
        most = sum(points.most for points in exercises.values())
        late, total_changed = self._decision(graded, LATE), self._decision(graded, TOTAL)
        late_rule = replace(self.late, due=self.due.get(graded.name, self.late.due))
        days = float(late_rule.days(self.handed_in.get(graded.name)))
        days = max(days, 1.0) if graded.name in self.flagged else days
        if late and late.points is not None:
            days = late.points
        got = sum(points.got for points in exercises.values())
        lost = min(got, self.late.lost(days, most))
        total = got - lost
        if total_changed and total_changed.points is not None:
            total = total_changed.points
        comments += [d.comment for d in (late, total_changed) if d and d.comment]
        return FinalMark(graded, exercises, days, lost, total, most, tuple(comments))

    def _decision(self, graded: Graded, exercise: str) -> Decision | None:
        return self.decisions.get((graded.name.casefold(), exercise.casefold()))


@dataclass(frozen=True)
class EarnedPoints:
    """Points, the points that a correct answer earns, and those that a person has yet to give."""

    got: float
    most: float
    open: float = 0.0


@dataclass(frozen=True)
class FinalMark:
    """A submission's mark after all rules.

    Attributes
    ----------
    graded : Graded
    exercises : dict of EarnedPoints
    days, lost : float
        Late days, and the points that they cost.
    total, most : float
    comments : tuple of str
        The teacher's comments.
    """

    graded: Graded
    exercises: Mapping[str, EarnedPoints]
    days: float
    lost: float
    total: float
    most: float
    comments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The student's name."""
        return self.graded.name

    @property
    def questions(self) -> dict[str, str]:
        """The questions of exercises whose points a person has yet to give."""
        return {
            result.exercise: " ".join(outcome.sentence for outcome in result.questions)
            for result in self.graded.results
            if self.exercises[result.exercise].open
        }


def times(
    entries: Sequence[Entry], students: Mapping[str, Student]
) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """Return when each submission came, and due dates of single students, by name.

    The roster says both; else a file's time counts, unless a version control system wrote it.
    """
    came, due = {}, {}
    for entry in entries:
        row = students[entry.name].row if entry.name in students else {}
        when = _date(cell(row, "submitted", "submitted at", "last modified (submission)"))
        if when is None and entry.path and not _is_cloned(entry.path):
            when = datetime.fromtimestamp(entry.path.stat().st_mtime)
        if when is not None:
            came[entry.name] = when
        if (extension := _date(cell(row, "due", "due date"))) is not None:
            due[entry.name] = extension
    return came, due


def _is_cloned(path: Path) -> bool:
    return any((folder / ".git").exists() for folder in [*path.parents][:4])


def _date(text: str) -> datetime | None:
    """Return a date as ISO 8601 or Moodle writes it, in local time; None for other texts."""
    for read in (datetime.fromisoformat, lambda t: datetime.strptime(t, MOODLES_DATE)):
        with contextlib.suppress(ValueError):
            return read(text).astimezone().replace(tzinfo=None)
    return None


def points_set(path: str | Path, assignment: Assignment) -> dict[tuple[str, str], float]:
    """Read points from a CSV with the columns exercise, check (may be empty) and points.

    Raises
    ------
    FileError, DataError
        If the file cannot be read, or names no exercise or check of the assignment.
    """
    _, rows = read_rows(path, ("exercise", "points"))
    points = {}
    for line, row in enumerate(rows, 2):
        name, check = cell(row, "exercise"), cell(row, "check")
        where = f"{path}, line {line}"
        if name not in assignment.exercises:
            names_known = ", ".join(assignment.exercises)
            raise DataError(f"{where}: no exercise {name!r}; there are {names_known}")
        checks = [c.name for c in assignment.exercises[name].checks] + ["hidden"]
        if check and check not in checks:
            raise DataError(f"{where}: {name} has no check {check!r}; it has {', '.join(checks)}")
        value = number(cell(row, "points"), f"{where}: points")
        if value < 0:
            raise DataError(f"{where}: points are not negative")
        points[name, check] = value
    return points


def decisions(
    path: Path, names: Sequence[str], assignment: Assignment
) -> tuple[dict[tuple[str, str], Decision], list[str]]:
    """Read the teacher's decisions; return them and notes, for instance on unknown names.

    The file is made, with its columns alone, if it is not there; it is never changed.
    """
    if not path.exists():
        path.write_text(HEAD, encoding="utf-8")
    _, rows = read_rows(path, ("name", "exercise"))
    names_known = {name.casefold() for name in names}
    parts = {name.casefold() for name in (*assignment.exercises, TOTAL, LATE)}
    changed, notes = {}, []
    for line, row in enumerate(rows, 2):
        name, points = cell(row, "name"), cell(row, "points")
        if name.casefold() not in names_known:
            notes.append(f"{path}, line {line}: nobody is called {name!r}")
        exercise = cell(row, "exercise") or TOTAL
        if exercise.casefold() not in parts:
            notes.append(f"{path}, line {line}: there is no exercise {exercise!r}")
        value = number(points, f"{path}, line {line}: points") if points else None
        changed[name.casefold(), exercise.casefold()] = Decision(value, cell(row, "comment"))
    return changed, notes
