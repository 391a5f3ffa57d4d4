"""The assignment of a lab: its exercises, and the hidden tests of its source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

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
) -> Assignment:
    """Return a lab's assignment.

    Parameters
    ----------
    lab : str
    seconds, memory : float, int
        Limits of one exercise.
    seed : str
        Seeds random values, together with the student's name.
    hide : iterable of Path
        Folders that no submission may read.

    Raises
    ------
    MissingDependencyError
        Without jupytext there would be no hidden tests, and the marks would be others.
    """
    source = read(folder() / f"{lab}.py")
    hidden = hidden_tests(source)
    lab_exercises = exercises(lab)
    limits = Limits(seconds, memory, tuple(str(path.resolve()) for path in (folder(), *hide)))
    tests = {n: t for n, t in hidden.items() if n in lab_exercises}
    return Assignment(lab, lab_exercises, tests, limits, seed, tuple(source.stubs))
