"""Statistics of a class: how often exercises and checks fail, and common mistakes."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.grade import without_place

_NUMBER = re.compile(r"-?\d[\d.,e+-]*")


@dataclass(frozen=True)
class Row:
    """Statistics of one exercise or check in a class."""

    name: str
    count: int
    right: int
    mean: float
    most: int
    worst: str = ""


@dataclass(frozen=True)
class Mistake:
    """A mistake: its sentence, and the names of the submissions with this mistake."""

    exercise: str
    sentence: str
    names: tuple[str, ...]


def median(points: Iterable[float]) -> float:
    """Return the median of some points, or 0 if there are none."""
    values = list(points)
    return statistics.median(values) if values else 0.0


def exercise_rows(classroom: Classroom) -> list[Row]:
    """Return for each exercise the number of correct answers and the check that fails most."""
    rows = []
    for number, name in enumerate(classroom.assignment.exercises):
        results = [graded.results[number] for graded in classroom.graded]
        failed = Counter(_first_failed(result) for result in results if not result.passed)
        worst = ""
        if failed:
            check, count = failed.most_common(1)[0]
            worst = f"{check} ({count})"
        mean = statistics.fmean(result.points for result in results) if results else 0.0
        right = sum(result.passed for result in results)
        rows.append(Row(name, len(results), right, mean, classroom.assignment.most(name), worst))
    return rows


def check_rows(classroom: Classroom, number: int) -> list[Row]:
    """Return for each check of an exercise the number of answers that pass."""
    results = [graded.results[number] for graded in classroom.graded]
    rows = []
    for index, outcome in enumerate(results[0].outcomes if results else ()):
        right = sum(result.outcomes[index].passed for result in results)
        mean = statistics.fmean(result.outcomes[index].earned for result in results)
        rows.append(Row(outcome.check, len(results), right, mean, outcome.points))
    return rows


def mistakes(classroom: Classroom, most: int = 12) -> list[Mistake]:
    """Return the most common sentences; sentences that differ in numbers only are equal.

    An exercise that depends on another wrong exercise is skipped: the other one is counted.
    """
    heard: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for graded in classroom.graded:
        for result in graded.results:
            if not result.passed and result.exercise not in graded.follows:
                sentence = without_place(result.sentence)
                key = result.exercise, _NUMBER.sub("#", sentence)
                heard.setdefault(key, []).append((graded.name, sentence))
    common = sorted(heard.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        Mistake(exercise, occurrences[0][1], tuple(name for name, _ in occurrences))
        for (exercise, _), occurrences in common[:most]
    ]


def _first_failed(result: ExerciseResult) -> str:
    return next(outcome.check for outcome in result.outcomes if not outcome.passed)
