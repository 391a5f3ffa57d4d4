"""The assignment of a lab: its exercises, and the hidden tests of its source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chainrule._src.base.errors import MissingDependencyError
from chainrule._src.base.processes import Limits
from chainrule._src.teach.exercises import exercises
from chainrule._src.teach.grading.grade import Assignment
from chainrule._src.teach.grading.hidden import hidden_tests
from chainrule._src.teach.running import LIMITS
from chainrule._src.teach.source import folder, read


def assignment(
    lab: str,
    seconds: float = LIMITS.seconds,
    memory: int = LIMITS.memory,
    seed: str = "",
    hide: Iterable[Path] = (),
) -> tuple[Assignment, list[str]]:
    """Return a lab's assignment, and notes on missing parts, for example hidden tests.

    Parameters
    ----------
    lab : str
    seconds, memory : float, int
        Limits of one exercise.
    seed : str
        Seeds random values, together with the student's name.
    hide : iterable of Path
        Folders that no submission may read.
    """
    hidden, stubs, notes = {}, [], []
    try:
        source = read(folder() / f"{lab}.py")
        hidden, stubs = hidden_tests(source), source.stubs
    except MissingDependencyError as error:
        notes.append(f"without the hidden tests: {error}")
    lab_exercises = exercises(lab)
    limits = Limits(seconds, memory, tuple(str(path.resolve()) for path in (folder(), *hide)))
    tests = {n: t for n, t in hidden.items() if n in lab_exercises}
    return Assignment(lab, lab_exercises, tests, limits, seed, tuple(stubs)), notes
