"""Grading of all submissions, a few at a time; an interruption keeps the marks so far."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Assignment, Graded, Grader
from chainrule._src.teach.grading.record import MarkRecord
from chainrule._src.teach.grading.rules import FinalMark, MarkingRules


@dataclass
class Classroom:
    """The marks of a class.

    Attributes
    ----------
    assignment : Assignment
    graded : list of Graded
        The graded submissions, in the order of the entries.
    left : int
        Number of submissions that were not graded because of an interruption.
    rules : MarkingRules
        Points, late days and changed marks.
    """

    assignment: Assignment
    graded: list[Graded] = field(default_factory=list)
    left: int = 0
    rules: MarkingRules = field(default_factory=MarkingRules)

    @property
    def most(self) -> float:
        """The points of a submission whose exercises are all correct."""
        return self.rules.most(self.assignment)

    @property
    def marks(self) -> list[FinalMark]:
        """The marks after all rules, in the order of the submissions."""
        return [self.rules.mark(graded) for graded in self.graded]


def grade_all(
    assignment: Assignment,
    entries: Sequence[Entry],
    jobs: int = 2,
    on_graded: Callable[[Graded], object] = lambda graded: None,
    record: MarkRecord | None = None,
    again: Collection[str] = (),
) -> Classroom:
    """Grade submissions, at most ``jobs`` at a time.

    Parameters
    ----------
    assignment : Assignment
    entries : sequence of Entry
    jobs : int, default 2
    on_graded : callable, optional
        Callback for each graded submission.
    record : MarkRecord, optional
        Marks on disk: those that are known are taken from it, the others are added as they come.
    again : collection of str
        Names whose submissions are graded although their marks are known.

    Returns
    -------
    Classroom
        With fewer marks than entries after Ctrl-C.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, Graded]] = queue.SimpleQueue()
    earlier = record.known(entries, again) if record else {}
    by_number = {n: earlier[e.name] for n, e in enumerate(entries) if e.name in earlier}
    for number in range(len(entries)):
        if number not in by_number:
            waiting.put(number)
    for graded in by_number.values():
        on_graded(graded)
    graders = [Grader(assignment) for _ in range(min(jobs, waiting.qsize()))]
    for grader in graders:
        arguments = (grader, entries, waiting, finished)
        threading.Thread(target=_work, args=arguments, daemon=True).start()
    try:
        while len(by_number) < len(entries):
            number, graded = finished.get()
            by_number[number] = graded
            if record:
                record.add(entries[number], graded)
            on_graded(graded)
    except KeyboardInterrupt:
        while not waiting.empty():
            waiting.get()
    finally:
        for grader in graders:
            grader.close()
    marks = [by_number[number] for number in sorted(by_number)]
    return Classroom(assignment, marks, len(entries) - len(by_number))


def _work(
    grader: Grader,
    entries: Sequence[Entry],
    waiting: queue.SimpleQueue[int],
    finished: queue.SimpleQueue[tuple[int, Graded]],
) -> None:
    while True:
        try:
            number = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            graded = grader.grade(entries[number])
        except Exception as error:  # an error in one submission must not stop the others
            graded = grader.failed(entries[number], f"not graded: {type(error).__name__}: {error}")
        finished.put((number, graded))
