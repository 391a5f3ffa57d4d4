"""The report on a class: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule._src.base.pages import page
from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.grade import without_place
from chainrule._src.teach.grading.marks import number
from chainrule._src.teach.grading.rules import FinalMark
from chainrule._src.teach.grading.similar import similar_pairs
from chainrule._src.teach.grading.statistics import Row, check_rows, exercise_rows, median, mistakes

TEMPLATE = Path(__file__).with_name("templates") / "class.html"
BINS = 10


def to_html(classroom: Classroom) -> str:
    """Return the page; texts from submissions are escaped."""
    rows = exercise_rows(classroom)
    return page(
        TEMPLATE,
        title=title_of(classroom.assignment.lab),
        lab=classroom.assignment.lab,
        seed=classroom.assignment.seed,
        left=classroom.left,
        tiles=_tiles(classroom),
        bins=_bins(classroom),
        exercises=[(row, check_rows(classroom, i)) for i, row in enumerate(rows)],
        mistakes=mistakes(classroom),
        hardest=_hardest(rows),
        similar=similar_pairs(classroom),
        submissions=[_submission(mark) for mark in classroom.marks],
    )


def title_of(lab: str) -> str:
    """Return a lab's name as a heading.

    Examples
    --------
    >>> title_of("01_softmax_and_backpropagation")
    'Lab 1: softmax and backpropagation'
    """
    number, _, name = lab.partition("_")
    return f"Lab {int(number)}: {name.replace('_', ' ')}" if number.isdigit() else lab


def _tiles(classroom: Classroom) -> list[tuple[str, str]]:
    marks = classroom.marks
    full = sum(mark.total >= mark.most for mark in marks)
    nothing = sum(mark.total == 0 for mark in marks)
    middle = number(median(mark.total for mark in marks))
    return [
        (f"{len(marks)}", "submission" if len(marks) == 1 else "submissions"),
        (middle, f"of {number(classroom.most)} points, the median"),
        (f"{full}", "all right"),
        (f"{nothing}", "without a point"),
    ]


def _bins(classroom: Classroom) -> list[dict[str, Any]]:
    """Return a histogram of the share of points; the last bin is for all points."""
    counts = [0] * (BINS + 1)
    for mark in classroom.marks:
        share = mark.total / mark.most if mark.most else 0.0
        counts[int(BINS * min(max(share, 0.0), 1.0))] += 1
    highest = max(*counts, 1)
    step = 100 // BINS
    labels = [f"{step * i}–{step * (i + 1) - 1}" for i in range(BINS)] + ["100"]
    return [
        {"count": count, "height": round(85 * count / highest, 1), "label": label}
        for count, label in zip(counts, labels, strict=True)
    ]


def _hardest(rows: list[Row]) -> Row | None:
    """Return the exercise with the smallest share of points, if the class has less than half."""
    worst = min(rows, key=lambda row: row.mean / max(row.most, 1), default=None)
    return worst if worst and worst.count and 2 * worst.mean < worst.most else None


def _submission(mark: FinalMark) -> dict[str, Any]:
    graded = mark.graded
    wrong = [graded.sentence_of(result) for result in graded.results if not result.passed]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    summary = f"{wrong[0]}{more}" if wrong else ""
    return {
        "name": graded.name, "file": graded.file, "points": number(mark.total),
        "most": number(mark.most), "late": late_text(mark), "comments": mark.comments,
        "note": graded.note, "right": not wrong, "wrong": summary,
        "results": [_result(mark, result) for result in graded.results],
    }  # fmt: skip


def late_text(mark: FinalMark) -> str:
    """Return a sentence on late days, or "" if they cost nothing."""
    if not mark.lost:
        return ""
    return f"{number(mark.days)} late days cost {number(mark.lost)} points"


def _result(mark: FinalMark, result: ExerciseResult) -> dict[str, Any]:
    points, graded = mark.exercises[result.exercise], mark.graded
    return {
        "exercise": result.exercise, "passed": result.passed, "points": number(points.got),
        "most": number(points.most), "outcomes": result.outcomes,
        "place": result.sentence.removesuffix(without_place(result.sentence)).rstrip(": "),
        "anonymous": graded.sentence_of(result),
    }  # fmt: skip
