"""A session that trains a learner's file in a child process, so that a crash ends only the child.

Requests of pages go to the child, and its messages go back to the pages, both unchanged. At every
save the file is loaded, checked and trained in a new child; the old child runs until the new one
trains.
"""

from __future__ import annotations

import json
import signal
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chainrule._src.base.errors import FileError
from chainrule._src.base.processes import Limits, ended_by, starting
from chainrule._src.blackboard.commands import Command, Request
from chainrule._src.blackboard.frames import Message, encode
from chainrule._src.blackboard.inside import ALL, BEGAN, ENDED, LIMITS, serve
from chainrule._src.blackboard.listeners import Listener, Listeners, refuse
from chainrule._src.blackboard.own import FileReport, last_line, stopped
from chainrule._src.blackboard.session import COMMANDS
from chainrule._src.blackboard.subject import Data
from chainrule._src.teach.learn.saves import saves

LOADED = [
    "__main__",
    "chainrule._src.blackboard.inside",
    "chainrule._src.blackboard.opening",
    "chainrule._src.compile.running.compiling",
]
TIMES = {-getattr(signal, name, 0) for name in ("SIGPROF", "SIGALRM")} - {0}


class ApartSession:
    """A `Session` of a file in another process, with the same interface.

    Parameters
    ----------
    path : path
        A Python file; for the names that it may define see `chainrule._src.blackboard.own`.
    data : Data
        Training data for a file that defines no data.
    limits : Limits
    watch : bool, default True
        If true, the file is loaded again at every save.
    settings : dict, optional
        Settings to start with, in place of the file's.
    **session
        Options of `Session`, which must be picklable.

    Raises
    ------
    FileError
        If there is no such file.
    """

    def __init__(
        self,
        path: Any,
        data: Data,
        *,
        limits: Limits = LIMITS,
        watch: bool = True,
        settings: Mapping[str, Any] | None = None,
        **session: Any,
    ) -> None:
        self.commands: Mapping[str, Request] = COMMANDS
        self.path = Path(path).resolve()
        if not self.path.is_file():
            raise FileError(f"there is no file {path}")
        changes = saves(self.path.parent, [self.path.name], "chainrule blackboard", "blackboard")
        self._folder = TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True)
        self._context = starting(LOADED)
        self._data, self._limits, self._options = data, limits, session
        self._lock = threading.RLock()
        self._listeners = Listeners()
        self._by_number: dict[int, Listener] = {}  # by their numbers in the child process
        self._numbers = count()
        self._closed = False
        self._now: _Child | None = None  # trains
        self._next: _Child | None = None  # is loading
        self._waiting: list[tuple[Command, Listener | None]] = []
        self._last_messages: dict[str, Message] = {}  # the last message of some types
        self._settings = dict(settings or {})
        self._plays: dict[str, Any] | None = None
        self.load()
        if watch:
            threading.Thread(target=self._watch, args=(changes,), daemon=True).start()

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Register a listener, which the reading thread calls; return the detaching function."""
        leave = self._listeners.attach(listener)

        def detach() -> None:
            leave()
            with self._lock:
                self._by_number = {
                    n: each for n, each in self._by_number.items() if each != listener
                }

        return detach

    def handle(self, command: Command, listener: Listener | None = None) -> None:
        """Carry out a page's command; the answer or the error goes to the listener."""
        with self._lock:
            if command.do in ("play", "pause"):
                self._plays = dict(command.fields) if command.do == "play" else None
            if command.do == "hello" and listener is not None and "code" in self._last_messages:
                self._listeners.tell(self._last_messages["code"], listener)
            if self._now is not None:
                self._now.ask(command, listener)
            elif self._next is not None:
                self._waiting.append((command, listener))
            else:
                self._without(command, listener)

    def load(self) -> None:
        """Load the file in a new child; the old one trains until the new one is ready."""
        with self._lock:
            if self._closed:
                return
            if self._next is not None:
                self._next.end()
            self._say(FileReport("checking"))
            self._next = _Child(self)
            self._next.start()

    def close(self) -> None:
        """End training and the child processes."""
        with self._lock:
            self._closed = True
            children = [child for child in (self._now, self._next) if child is not None]
            self._now = self._next = None
        for child in children:
            child.end()
        self._folder.cleanup()

    def _watch(self, changes: Any) -> None:
        for changed in changes:
            if self._closed:
                return
            if changed:
                self.load()

    # messages of children

    def _receive(self, child: _Child, number: int, message: Message) -> None:
        header = message.header
        kind = header["type"]
        with self._lock:
            if child not in (self._now, self._next):
                return
            if kind == BEGAN:
                self._begin(child)
                return
            if child is self._now:
                self._take_note(header)
            child.answered(number, header)
            if kind in ("setup", "frame", "code"):
                self._last_messages[kind] = message
            one = self._by_number.get(number)
        if number == ALL or one is not None:
            self._listeners.tell(message, one)

    def _begin(self, child: _Child) -> None:
        """Replace the training child by a child that is ready."""
        before, self._now, self._next = self._now, child, None
        if before is not None:
            before.end()
        child.send({"do": "hello"}, ALL)
        if self._plays is not None:
            child.send({"do": "play", **self._plays}, ALL)
        waiting, self._waiting = self._waiting, []
        for command, listener in waiting:
            if command.do not in ("play", "pause"):
                child.ask(command, listener)

    def _take_note(self, header: Mapping[str, Any]) -> None:
        """Store the settings and the rate with which the next child will begin."""
        if header["type"] == "setup":
            self._settings = dict(header["settings"]["values"])
        elif header["type"] == "frame":
            self._settings |= header["settings"]
            self._plays = {"rate": header["rate"]} if header["playing"] else None

    def _ended(self, child: _Child, status: int | None, trace: str) -> None:
        with self._lock:
            if child not in (self._now, self._next):
                return
            if status != ENDED:  # else the child has sent the reason
                self._say(_end_of(self.path, status, trace, self._limits))
            waiting: list[tuple[Command, Listener | None]] = []
            if child is self._next:
                self._next = None
                waiting, self._waiting = self._waiting, waiting
            else:
                self._now = None
        for listener, number in child.unanswered:
            self._refuse(listener, number)
        for command, listener in waiting:
            self._without(command, listener)

    def _without(self, command: Command, listener: Listener | None) -> None:
        """Answer a command while no child trains, from the last messages."""
        if command.do != "hello":
            self._refuse(listener, command.id)
        elif listener is not None:
            for kind in ("setup", "frame"):
                if kind in self._last_messages:
                    self._listeners.tell(self._last_messages[kind], listener)
            if command.id is not None:
                self._listeners.tell(encode("done", {"id": command.id}), listener)

    def _refuse(self, listener: Listener | None, number: Any) -> None:
        refuse(listener, {"id": number}, f"{self.path.name} does not run: change it and save it")

    def _say(self, report: FileReport) -> None:
        message = self._last_messages["code"] = encode(
            "code", {"path": self.path.name, **vars(report)}
        )
        self._listeners.tell(message)

    def _number(self, listener: Listener | None) -> int:
        if listener is None:
            return ALL
        for number, other in self._by_number.items():
            if other == listener:
                return number
        self._by_number[number := next(self._numbers)] = listener
        return number


class _Child:
    """A child process that loads the file and trains."""

    def __init__(self, owner: ApartSession) -> None:
        self._owner, context = owner, owner._context
        self._line, child_end = context.Pipe()
        self._faults = Path(owner._folder.name) / f"{id(self)}"
        self._process = context.Process(
            target=serve, daemon=True,
            args=(child_end, self._faults, owner.path, owner._data, owner._settings, owner._limits,
                  owner._options),
        )  # fmt: skip
        self._child_end = child_end
        self.unanswered: list[tuple[Listener | None, Any]] = []

    def start(self) -> None:
        self._process.start()
        self._child_end.close()
        threading.Thread(target=self._read, name="chainrule-apart", daemon=True).start()

    def ask(self, command: Command, listener: Listener | None) -> None:
        number = self._owner._number(listener)
        if command.id is not None:
            self.unanswered.append((listener, command.id))
        self.send({"do": command.do, "id": command.id, **command.fields}, number)

    def send(self, message: Mapping[str, Any], number: int) -> None:
        with suppress(OSError):  # the process has ended, which the reading thread handles
            self._line.send_bytes(struct.pack("<q", number) + json.dumps(message).encode())

    def answered(self, number: int, header: Mapping[str, Any]) -> None:
        if header["type"] in ("done", "error"):
            listener = self._owner._by_number.get(number)
            with suppress(ValueError):
                self.unanswered.remove((listener, header["id"]))

    def end(self) -> None:
        self._process.kill()

    def _read(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                packet = self._line.recv_bytes()
                (number,) = struct.unpack_from("<q", packet)
                self._owner._receive(self, number, Message(packet[8:]))
        self._process.join()
        self._owner._ended(self, self._process.exitcode, self._trace())
        self._line.close()

    def _trace(self) -> str:
        """Return the stack trace that the process wrote before it ended, or an empty text."""
        with suppress(OSError):
            trace = self._faults.read_bytes()
            self._faults.unlink()
            return trace.decode(errors="replace")
        return ""


def _end_of(path: Path, status: int | None, trace: str, limits: Limits) -> FileReport:
    """Return the report on a process that ended unexpectedly."""
    line = last_line(path, trace)
    if status in TIMES or trace.startswith("Timeout"):
        text = (
            f"no end within {limits.seconds:g} s of the processor: is there a loop that never ends?"
        )
        return stopped(path, "endless", text, line)
    cause = ended_by(status) if status is not None else ""
    text = f"Python crashes ({cause})" if cause else f"the program ends (exit code {status})"
    if cause == "SIGKILL":
        text = "the process was killed: does it use too much memory?"
    return stopped(path, "broken", text, line)
