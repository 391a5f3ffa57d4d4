"""A learner's session in a terminal: events on the screen, keys as requests."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from chainrule._src.teach.learn.keys import Keys, pressed
from chainrule._src.teach.learn.screen import show, show_hint, show_list, show_solution
from chainrule._src.teach.learn.session import (
    Checking,
    Event,
    HintShown,
    LearningSession,
    ListShown,
    SolutionShown,
)
from chainrule._src.teach.learn.workspace import Standing, Workspace

REQUESTS = {"h": "hint", "l": "list", "s": "solution", "r": "reset", "q": "quit"}


class TerminalScreen:
    """Prints the events of a session.

    Parameters
    ----------
    console : Console
    workspace : Workspace
    keys : bool, default False
        If true, the keys are listed below each standing.
    """

    def __init__(self, console: Console, workspace: Workspace, keys: bool = False) -> None:
        self._console, self._workspace, self._keys = console, workspace, keys
        self._status: Status | None = None

    def __call__(self, event: Event) -> None:
        """Print an event; a terminal shows which exercise is checked."""
        console = self._console
        if isinstance(event, Checking):
            self._check(event.exercise)
            return
        self.rest()
        if isinstance(event, Standing):
            show(console, self._workspace, event, self._keys)
        elif isinstance(event, HintShown):
            show_hint(console, event)
        elif isinstance(event, SolutionShown):
            show_solution(console, event)
        elif isinstance(event, ListShown):
            show_list(console, self._workspace)
        else:
            console.print(f"[yellow]{escape(event.reason)}[/]", highlight=False)

    def rest(self) -> None:
        """Say no more that an exercise is checked."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _check(self, name: str) -> None:
        if not self._console.is_terminal:
            return
        text = f"checking {name} …"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)


class KeyRequests:
    """Keys as requests of a session; other keys are left out."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def next(self) -> str:
        """Take the next request."""
        while key := self._keys.next():
            if key in REQUESTS:
                return REQUESTS[key]
        return ""

    def has_quit(self) -> bool:
        """Return true if the key that quits was pressed."""
        return "q" in self._keys.waiting()


def watch(console: Console, workspace: Workspace, stop: Callable[[], bool] = lambda: False) -> None:
    """Check at every save and handle keys, until q, Ctrl-C, or ``stop()`` is true."""
    screen = TerminalScreen(console, workspace, keys=True)
    try:
        with pressed() as keys:
            LearningSession(workspace, screen).run(KeyRequests(keys), stop)
    finally:
        screen.rest()
