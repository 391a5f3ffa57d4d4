"""An exercise of a learner's file, checked in this process."""

from __future__ import annotations

import contextlib
import difflib
import io
from pathlib import Path

from chainrule.teaching.calls import told
from chainrule.teaching.exercise import Result
from chainrule.teaching.exercises import exercise
from chainrule.teaching.submission import Submission, read


def check_file(path: str | Path, name: str, student: str = "") -> Result:
    """Return what the checks of one exercise say of a notebook or ``.py`` file.

    Its code runs in this process: for a learner's own file.

    Raises
    ------
    FileError
        If the file cannot be read at all.
    UnknownNameError
        If there is no such exercise.
    """
    return check_submission(read(path), name, student)


def check_submission(submission: Submission, name: str, student: str = "") -> Result:
    """Return what the checks of one exercise say of a submission that was read."""
    found = exercise(name)
    for needed in found.names:
        sentence = missing(submission, needed)
        if sentence:
            return found.failed(sentence)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            space = submission.load(found.names)
        except (Exception, SystemExit) as error:
            return found.failed(loading_failed(name, told(error)))
        return found.run_here(space[name], student)


def missing(submission: Submission, name: str) -> str:
    """Return why a submission does not define a name, or ""."""
    if submission.defines(name):
        return ""
    if submission.notes:
        return f"{name} is not defined; a part cannot be read: {submission.notes[0]}"
    defined = {d for s in submission.statements if s.is_definition for d in s.binds}
    close = difflib.get_close_matches(name, defined, n=1)
    hint = f": {close[0]} is; rename it" if close else ": was its cell deleted?"
    return f"{name} is not defined in {submission.path.name}{hint}"


def loading_failed(name: str, error: dict[str, object]) -> str:
    """Return the sentence for code that fails before the function can be called."""
    place = f" in line {error['line']}: {error['code']}" if error.get("line") else ""
    if error["type"] == "NameError":
        return f"{name} uses what no cell defines: {error['message']}{place}"
    return f"what {name} needs does not run: {error['type']}: {error['message']}{place}"
