"""A learner's session: checks at every save, hints and solutions, as events for a screen or a page.

A terminal and a page show the same events and send the same requests: see `watching` and
`blackboard.learning`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chainrule._src.base.errors import ChainruleError
from chainrule._src.teach.learn.checker import Checker, Stopped
from chainrule._src.teach.learn.saves import saves
from chainrule._src.teach.learn.workspace import Standing, Workspace


@dataclass(frozen=True)
class Checking:
    """An exercise is being checked: the checks so far, each with whether it has passed."""

    exercise: str
    checks: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class HintShown:
    """A hint: its number from 1, the number of hints, and its text."""

    exercise: str
    number: int
    count: int
    text: str


@dataclass(frozen=True)
class SolutionShown:
    """One solution of an exercise that has passed."""

    exercise: str
    code: str


@dataclass(frozen=True)
class ListShown:
    """All exercises are listed."""


@dataclass(frozen=True)
class Refused:
    """A request cannot be fulfilled, for this reason."""

    reason: str


Event = Checking | Standing | HintShown | SolutionShown | ListShown | Refused


class Requests(Protocol):
    """A learner's requests: names of `LearningSession.REQUESTS`, or "quit"."""

    def next(self) -> str:
        """Take the next request, or return "" if there is none."""

    def has_quit(self) -> bool:
        """Return true if "quit" is among the requests."""


class LearningSession:
    """Checks the exercises of a folder, and answers requests.

    Parameters
    ----------
    workspace : Workspace
    tell : callable
        Callback for each event.
    """

    REQUESTS = ("hint", "list", "solution", "reset", "look")

    def __init__(self, workspace: Workspace, tell: Callable[[Event], object]) -> None:
        self.workspace, self.tell = workspace, tell
        self._checker = Checker()

    def run(self, requests: Requests, stop: Callable[[], bool] = lambda: False) -> None:
        """Check at every save and answer requests, until one is "quit", or ``stop()`` is true.

        A save or "quit" ends the check that runs; other requests are answered after it.
        """
        paths = [self.workspace.path(lab) for lab in self.workspace.labs]
        names = [path.name for path in paths]
        changes = saves(self.workspace.folder, names, "chainrule learn", "teach")
        is_changed = True

        def unwanted() -> bool:
            nonlocal is_changed
            is_changed = next(changes) or is_changed
            return is_changed or requests.has_quit() or stop()

        while not stop():
            if is_changed:
                is_changed = False
                with contextlib.suppress(Stopped):
                    self.look(unwanted)
            while request := requests.next():
                if request == "quit":
                    return
                is_changed = self.answer(request) or is_changed
            is_changed = next(changes) or is_changed

    def look(self, unwanted: Callable[[], bool] = lambda: False) -> Standing:
        """Check the changed exercises, and return the standing.

        If ``unwanted()`` is true while a check runs, `Stopped` is raised.
        """
        standing = self.workspace.look(
            self._checker, lambda name, checks: self.tell(Checking(name, checks)), unwanted
        )
        self.tell(standing)
        return standing

    def answer(self, request: str) -> bool:
        """Answer a request for the exercise in turn; return true if it is to be checked again.

        Requests that do not apply, such as a hint when everything is done, are left out.
        """
        name = self.workspace.next_exercise
        try:
            if request == "list":
                self.tell(ListShown())
            elif request == "solution":
                self.tell(self.solution(self.workspace.last_passed))
            elif request == "hint" and name:
                self.tell(self.hint(name))
            elif request == "reset" and name:
                self.workspace.reset(name)
                return True
            elif request == "look":
                return True
        except ChainruleError as error:
            self.tell(Refused(str(error)))
        return False

    def hint(self, name: str) -> HintShown:
        """Count and return the next hint for an exercise."""
        hints = self.workspace.lab_of(name).exercises[name].hints
        level = self.workspace.hint(name)
        return HintShown(name, level + 1, len(hints), hints[level])

    def solution(self, name: str) -> SolutionShown:
        """Return a solution of an exercise that has passed.

        Raises
        ------
        DataError
            If the exercise has not passed.
        """
        return SolutionShown(name, self.workspace.solution(name))


__all__ = [
    "Checking", "Event", "HintShown", "LearningSession", "ListShown", "Refused", "Requests",
    "SolutionShown",
]  # fmt: skip
