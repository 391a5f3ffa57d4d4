"""The process of a learner's file: it is loaded, checked and trained there, while time is left."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import ChainruleError
from chainrule._src.blackboard.commands import read
from chainrule._src.blackboard.frames import encode
from chainrule._src.blackboard.own import Own, Said, broken
from chainrule._src.blackboard.session import COMMANDS, Session
from chainrule._src.blackboard.subject import Data, Subject
from chainrule._src.blackboard.trainer import Task
from chainrule._src.compile.running.threads import one_for_products
from chainrule._src.teach.confined.limits import limit_memory

BEGAN = "began"  # the type of a message that is for this process's owner alone
ENDED = 70  # how it ends when it has said why
PATIENCE = 6  # how much slower than its processor it may be
ALL = -1  # whom a message is for: every page


@dataclass(frozen=True)
class Limits:
    """What a learner's code may take.

    Attributes
    ----------
    seconds : float
        Of the processor, for one thing that is asked for, or one update; six times as many may go
        by (`PATIENCE`).
    memory : int
        Bytes beyond what the libraries take.
    """

    seconds: float = 10.0
    memory: int = 2 * 2**30


LIMITS = Limits()


def serve(
    line: Connection, faults: Path, path: Path, data: Data, settings: Mapping[str, Any],
    limits: Limits, options: Mapping[str, Any],
) -> None:  # fmt: skip
    """Load the file, say what the check says of it, and do what is asked for until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner ends it
    sys.dont_write_bytecode = True  # two saves in a second would look alike to what is kept
    one_for_products()
    clock = Clock(faults, limits.seconds)
    limit_memory(limits.memory)
    lock = threading.Lock()

    def tell(number: int, message: bytes) -> None:
        with lock:
            line.send_bytes(struct.pack("<q", number) + message)

    def say(said: Said) -> None:
        tell(ALL, encode("code", {"path": path.name, **vars(said)}))

    def fail(error: BaseException) -> None:
        say(broken(path, error))
        os._exit(ENDED)

    try:
        with clock.running():
            own = Own(path, data)
        with clock.running():
            said = own.check()
        with clock.running():
            session = Timed(_with(own.subject, settings), clock, fail, **options)
        session.attach(partial(tell, ALL))
        say(said)
        tell(ALL, encode(BEGAN, {}))
    except BaseException as error:
        fail(error)
    try:
        while True:
            asked = line.recv_bytes()
            (number,) = struct.unpack_from("<q", asked)
            session.handle(read(json.loads(asked[8:]), COMMANDS), partial(tell, number))
    except (EOFError, OSError):
        os._exit(0)


def _with(subject: Subject, settings: Mapping[str, Any]) -> Subject:
    """Return a subject with the settings of the one before, as far as it has them."""
    known = {name: value for name, value in settings.items() if name in subject.settings}
    if subject.make is None or not known:
        return subject
    try:
        return subject.make(known)
    except ChainruleError:
        return subject


class Timed(Session):
    """A session that may take so long for each thing that it does."""

    def __init__(
        self, subject: Subject, clock: Clock, fail: Callable[[BaseException], None], **options: Any
    ) -> None:
        self._clock, self._fail = clock, fail
        super().__init__(subject, **options)

    def _attempt(self, task: Task) -> None:
        try:
            with self._clock.running():
                super()._attempt(task)
        except BaseException as error:  # exit(), in what is trained
            self._fail(error)


class Clock:
    """Ends the process where it takes too long, and writes down in which line.

    The kernel counts, so that it works whatever the process is doing; where it does not, a thread.

    Parameters
    ----------
    faults : Path
        Of the file that lines are written to, also where the process crashes.
    seconds : float
        Of the processor; more may go by, by a factor.
    """

    def __init__(self, faults: Path, seconds: float) -> None:
        self._faults, self._seconds = faults.open("wb", buffering=0), seconds
        faulthandler.enable(self._faults)
        if sys.platform != "win32":
            for number in (signal.SIGPROF, signal.SIGALRM):
                faulthandler.register(number, self._faults, all_threads=True, chain=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of what is done."""
        self._set(self._seconds)
        try:
            yield
        finally:
            self._set(0)

    def _set(self, seconds: float) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)
        elif seconds:
            faulthandler.dump_traceback_later(PATIENCE * seconds, file=self._faults, exit=True)
        else:
            faulthandler.cancel_dump_traceback_later()
