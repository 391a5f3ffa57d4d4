"""The assignment of a lab: its exercises, and the hidden tests of its source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chainrule._src.base.processes import Limits
from chainrule._src.teach.grading.grade import Assignment
from chainrule._src.teach.grading.hidden import hidden_tests
from chainrule._src.teach.loader import load
from chainrule._src.teach.running import LIMITS
from chainrule._src.teach.source import folder


def assignment(
    lab: str,
    seconds: float = LIMITS.seconds,
    memory: int = LIMITS.memory,
    seed: str = "",
    hide: Iterable[Path] = (),
) -> Assignment:
    """Return the assignment of a lab.

    Parameters
    ----------
    lab : str
        The lab's key.
    seconds, memory : float, int
        Limits of one exercise.
    seed : str
        Seeds random values, together with the student's name.
    hide : iterable of Path
        Folders that no submission may read.
    """
    loaded = load(lab)
    secret = (folder(), loaded.source.path, *hide)
    limits = Limits(seconds, memory, tuple(str(path.resolve()) for path in secret))
    tests, stubs = hidden_tests(loaded.source), tuple(loaded.source.stubs)
    tests = {name: text for name, text in tests.items() if name in loaded.exercises}
    return Assignment(loaded.name, loaded.exercises, tests, limits, seed, stubs, lab)
