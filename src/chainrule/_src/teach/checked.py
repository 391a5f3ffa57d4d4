"""The checks of an exercise, run on a learner's file in this process."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from chainrule._src.teach.calls import error_values
from chainrule._src.teach.exercise import SECONDS, Exercise, ExerciseResult
from chainrule._src.teach.plan import loading_failed, problem
from chainrule._src.teach.submission import Submission


def check_submission(
    submission: Submission,
    task: Exercise,
    student: str = "",
    seconds: float = SECONDS,
    explained: bool = True,
    **watching: Any,
) -> ExerciseResult:
    """Run the checks of one exercise on a parsed submission and return the result.

    The submission's code runs in this process, so use this for a learner's own file only.
    ``seconds`` limits the time of each call; if ``explained`` is false, no diagnosis is made.
    ``watching`` are ``on_outcome`` and ``figures`` of `Exercise.run_here`.
    """
    sentence = problem(submission, task.names, task.allows)
    if sentence:
        return task.failed(sentence)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            space = submission.load(task.names)
        except (Exception, SystemExit) as error:
            return task.failed(loading_failed(task.name, error_values(error)))
        return task.run_here(space[task.name], student, seconds, explained, **watching)
