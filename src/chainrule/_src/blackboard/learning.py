"""A learner's session in the page: its events as messages, requests of pages as its requests."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

from chainrule._src.base.errors import ChainruleError, DataError, FileError
from chainrule._src.blackboard.commands import Command, Request
from chainrule._src.blackboard.fields import received, text
from chainrule._src.blackboard.frames import Message, encode
from chainrule._src.blackboard.listeners import Listener, Listeners, refuse
from chainrule._src.teach.figures import is_picture
from chainrule._src.teach.learn.cells import read_cell, write_cell
from chainrule._src.teach.learn.screen import afterwards
from chainrule._src.teach.learn.session import (
    Checking,
    Event,
    LearningSession,
    Refused,
    SolutionShown,
)
from chainrule._src.teach.learn.task_text import task_html
from chainrule._src.teach.learn.workspace import Standing, Workspace

LONGEST = 50_000  # letters of a cell


def code(name: str, value: Any) -> str:
    """Return the code of a cell; raise `DataError` for any other value."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise DataError(f"{name} must be text of at most {LONGEST:,} letters, {received(value)}")
    return value


class LearningPages:
    """A session of `chainrule learn` that pages show and ask, in another thread.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self.commands: Mapping[str, Request] = COMMANDS
        self._workspace, self._listeners = workspace, Listeners()
        self._session = LearningSession(workspace, self._tell)
        self._requests = QueuedRequests()
        self._standing: Standing | None = None
        self._checking: Checking | None = None
        # One thread at a time sends a state: a new page's would else follow a newer one.
        self._turn = threading.Lock()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="learn", daemon=True)
        self._thread.start()

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Register a listener for messages, and return the detaching function."""
        return self._listeners.attach(listener)

    def handle(self, command: Command, listener: Listener | None = None) -> None:
        """Carry out a page's command; the answer or the error goes to the listener."""
        try:
            COMMANDS[command.do].run(self, listener, **command.fields)
        except ChainruleError as error:
            refuse(listener, {"id": command.id}, error)
        else:
            if command.id is not None and listener is not None:
                listener(encode("done", {"id": command.id}))

    def close(self) -> None:
        """End the session, and the check that runs."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._session.run(self._requests, self._ends.is_set)
        except Exception as error:  # a learner's folder may be gone; the page says so
            self._listeners.tell(encode("ended", {"message": f"The session has ended: {error}"}))

    # methods of commands: the server's thread calls them, the listener has sent the command

    def _on_hello(self, listener: Listener | None) -> None:
        with self._turn:
            for message in (self._task(), self._pictures(), self._state()):
                self._listeners.tell(message, listener)

    def _on_request(self, listener: Listener | None, name: str) -> None:
        if name not in LearningSession.REQUESTS:
            raise DataError(f"there is no request {name}")
        self._requests.put(name)

    def _on_save(self, listener: Listener | None, name: str, before: str, text: str) -> None:
        """Save the code of an exercise; the session notices it, as any editor's save."""
        write_cell(self._workspace.path(self._workspace.lab_of(name)), name, before, text)
        if before == text:  # nothing was saved, but somebody waits for a check
            self._requests.put("look")

    # events of the session, in its own thread

    def _tell(self, event: Event) -> None:
        with self._turn:
            self._tell_event(event)

    def _tell_event(self, event: Event) -> None:
        if isinstance(event, Refused):
            self._listeners.tell(encode("error", {"id": None, "message": event.reason}))
        elif isinstance(event, SolutionShown):
            self._listeners.tell(encode("solution", vars(event)))
        elif isinstance(event, Checking):
            self._checking = event
            self._listeners.tell(self._state())
        elif isinstance(event, Standing):
            moved = self._standing is None or self._standing.exercise != event.exercise
            self._standing, self._checking = event, None
            if moved:
                self._listeners.tell(self._task())
            self._listeners.tell(self._pictures())
            self._listeners.tell(self._state())
        else:  # a hint is in the state, which has the list, too
            self._listeners.tell(self._state())

    def _task(self) -> Message:
        """Return the text of the exercise in turn."""
        name = self._standing.exercise if self._standing else self._workspace.next_exercise
        lab = self._workspace.lab_of(name).source if name else None
        student = self._workspace.progress.student
        return encode("task", {
            "exercise": name, "html": task_html(lab, name, student) if lab else "",
        })  # fmt: skip

    def _pictures(self) -> Message:
        """Return the figures of the exercise that was checked last."""
        result = self._workspace.last_result
        by_owner = result.pictures.items() if result else ()
        pictures = {owner: picture for owner, picture in by_owner if is_picture(picture["png"])}
        return encode("pictures", {"exercise": result.exercise if result else "", **pictures})

    def _state(self) -> Message:
        """Return the screen's contents: the labs, the exercise in turn, its checks and hints."""
        workspace, standing = self._workspace, self._standing
        name = standing.exercise if standing else workspace.next_exercise
        screen: dict[str, Any] = {
            "labs": [_lab(workspace, lab) for lab in workspace.labs], "exercise": name,
            "checking": self._checking.exercise if self._checking else "",
            "looked": standing is not None,
            "afterwards": list(afterwards(workspace)) if standing and not name else [],
        }  # fmt: skip
        return encode("learn", screen | (self._exercise(name) if name else {}))

    def _exercise(self, name: str) -> dict[str, Any]:
        workspace, standing = self._workspace, self._standing
        lab = workspace.lab_of(name)
        path, task = workspace.path(lab), lab.exercises[name]
        problem = standing.problem if standing else ""
        try:
            cell = read_cell(path, name)
            source, line = cell.text, cell.line
        except (DataError, FileError) as error:
            source, line, problem = None, 0, problem or str(error)
        result = standing.result if standing else None
        comparison = result.comparison if result else None
        checks = [[o.check, o.passed] for o in result.outcomes] if result else []
        if self._checking:
            checks = list(map(list, self._checking.checks))
        return {
            "title": task.title, "lab": lab.source.title, "file": path.name, "line": line,
            "code": source, "problem": problem, "sentence": result.sentence if result else "",
            "checks": checks,
            "hints": task.hints[: workspace.progress.hints.get(name, 0)],
            "hint_count": len(task.hints),
            "comparison": vars(comparison) if comparison else None,
            "can_show_solution": bool(workspace.progress.passed),
        }  # fmt: skip


def _lab(workspace: Workspace, lab: Any) -> dict[str, Any]:
    passed = workspace.progress.passed
    return {
        "title": lab.source.title,
        "exercises": [[name, task.title, name in passed] for name, task in lab.exercises.items()],
    }


class QueuedRequests:
    """Requests of pages in the order in which they came; the server's end ends the session."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.put = self._waiting.put

    def next(self) -> str:
        """Take the next request, or return "" if there is none."""
        try:
            return self._waiting.get_nowait()
        except queue.Empty:
            return ""

    def has_quit(self) -> bool:
        """Return false: no page ends the session of all."""
        return False


COMMANDS = {
    "hello": Request(LearningPages._on_hello),
    "ask": Request(LearningPages._on_request, {"name": text}, ("name",)),
    "save": Request(
        LearningPages._on_save, {"name": text, "before": code, "text": code},
        ("name", "before", "text"),
    ),
}  # fmt: skip
"""The requests of a learner's page."""


__all__ = ["LearningPages"]
