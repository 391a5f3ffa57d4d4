"""The report on a class: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule._src.base.pages import page
from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.grading.classroom import Classroom
from chainrule._src.teach.grading.grade import Graded, without_place
from chainrule._src.teach.grading.statistics import check_rows, exercise_rows, median, mistakes

TEMPLATE = Path(__file__).with_name("templates") / "class.html"
BINS = 10


def to_html(classroom: Classroom) -> str:
    """Return the page; texts from submissions are escaped."""
    rows = exercise_rows(classroom)
    return page(
        TEMPLATE,
        title=_title(classroom.assignment.lab),
        lab=classroom.assignment.lab,
        seed=classroom.assignment.seed,
        left=classroom.left,
        tiles=_tiles(classroom),
        bins=_bins(classroom),
        exercises=[(row, check_rows(classroom, i)) for i, row in enumerate(rows)],
        mistakes=mistakes(classroom),
        submissions=[_submission(graded) for graded in classroom.graded],
    )


def _title(lab: str) -> str:
    """Return a lab's name as a heading.

    Examples
    --------
    >>> _title("01_softmax_and_backpropagation")
    'Lab 1: softmax and backpropagation'
    """
    number, _, name = lab.partition("_")
    return f"Lab {int(number)}: {name.replace('_', ' ')}" if number.isdigit() else lab


def _tiles(classroom: Classroom) -> list[tuple[str, str]]:
    graded = classroom.graded
    full = sum(g.points == g.most for g in graded)
    nothing = sum(g.points == 0 for g in graded)
    return [
        (f"{len(graded)}", "submission" if len(graded) == 1 else "submissions"),
        (f"{median(g.points for g in graded):g}", f"of {classroom.most} points, the median"),
        (f"{full}", "all right"),
        (f"{nothing}", "without a point"),
    ]


def _bins(classroom: Classroom) -> list[dict[str, Any]]:
    """Return a histogram of the share of points; the last bin is for all points."""
    counts = [0] * (BINS + 1)
    for graded in classroom.graded:
        counts[BINS * graded.points // max(graded.most, 1)] += 1
    highest = max(*counts, 1)
    step = 100 // BINS
    labels = [f"{step * i}–{step * (i + 1) - 1}" for i in range(BINS)] + ["100"]
    return [
        {"count": count, "height": round(85 * count / highest, 1), "label": label}
        for count, label in zip(counts, labels, strict=True)
    ]


def _submission(graded: Graded) -> dict[str, Any]:
    wrong = [graded.sentence_of(result) for result in graded.results if not result.passed]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    summary = f"{wrong[0]}{more}" if wrong else ""
    return {
        "name": graded.name, "file": graded.file, "points": graded.points, "most": graded.most,
        "note": graded.note, "right": not wrong, "wrong": summary,
        "results": [_result(graded, result) for result in graded.results],
    }  # fmt: skip


def _result(graded: Graded, result: ExerciseResult) -> dict[str, Any]:
    return {
        "exercise": result.exercise, "passed": result.passed, "points": result.points,
        "most": result.most, "outcomes": result.outcomes,
        "place": result.sentence.removesuffix(without_place(result.sentence)).rstrip(": "),
        "anonymous": graded.sentence_of(result),
    }  # fmt: skip
