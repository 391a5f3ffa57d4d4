"""A submission's marks as Gradescope's and PrairieLearn's ``results.json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainrule._src.teach.exercise import CheckOutcome, ExerciseResult
from chainrule._src.teach.grading.grade import Graded


def gradescope(graded: Graded) -> dict[str, Any]:
    """Return the content of Gradescope's ``/autograder/results/results.json``."""
    return {
        "score": graded.points,
        "output": graded.note,
        "execution_time": round(graded.seconds),
        "visibility": "visible",
        "tests": [
            {
                "name": f"{result.exercise}: {outcome.check}", "score": outcome.earned,
                "max_score": outcome.points, "status": "passed" if outcome.passed else "failed",
                "output": sentence, "visibility": "visible",
            }
            for result, outcome, sentence in _cases(graded)
        ],
    }  # fmt: skip


def prairielearn(graded: Graded) -> dict[str, Any]:
    """Return the content of PrairieLearn's ``/grade/results/results.json``."""
    return {
        "gradable": True,
        "score": graded.points / graded.most if graded.most else 0.0,
        "message": graded.note,
        "output": "",
        "tests": [
            {
                "name": f"{result.exercise}: {outcome.check}", "description": "",
                "points": outcome.earned, "max_points": outcome.points, "message": sentence,
                "output": "",
            }
            for result, outcome, sentence in _cases(graded)
        ],
    }  # fmt: skip


def _cases(graded: Graded) -> Iterator[tuple[ExerciseResult, CheckOutcome, str]]:
    """Yield each check with its sentence; the first check that fails has the diagnosis."""
    for result in graded.results:
        diagnosis = result.sentence
        for outcome in result.outcomes:
            if outcome.passed:
                yield result, outcome, ""
            else:
                yield result, outcome, diagnosis or outcome.sentence
                diagnosis = ""
