"""The child process, which loads, checks and trains a learner's file within a time limit."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import ChainruleError
from chainrule._src.base.processes import Limits
from chainrule._src.blackboard.commands import read
from chainrule._src.blackboard.frames import encode
from chainrule._src.blackboard.own import FileReport, UserFile, broken
from chainrule._src.blackboard.session import COMMANDS, Session
from chainrule._src.blackboard.subject import Data, Subject
from chainrule._src.blackboard.trainer import QueuedTask
from chainrule._src.compile.running.threads import one_for_products
from chainrule._src.teach.confined.limits import limit_memory

BEGAN = "began"  # the type of a message for the parent process alone
ENDED = 70  # exit code of a child that has sent the reason for its end
PATIENCE = 6  # elapsed time of code that waits may be this multiple of the processor time
SOON = 0.01  # seconds
BUSY = 0.01  # the least share of a processor that code has which does not wait
ALL = -1  # the receiver's number in a message to every page


LIMITS = Limits(seconds=10.0, memory=2 * 2**30)


def serve(
    line: Connection, faults: Path, path: Path, data: Data, settings: Mapping[str, Any],
    limits: Limits, options: Mapping[str, Any],
) -> None:  # fmt: skip
    """Load the file, send the report of its check, and carry out commands until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends the child
    sys.dont_write_bytecode = True  # cached bytecode cannot tell two saves in a second apart
    one_for_products()
    clock = Clock(faults, limits.seconds)
    limit_memory(limits.memory)
    lock = threading.Lock()

    def tell(number: int, message: bytes) -> None:
        with lock:
            line.send_bytes(struct.pack("<q", number) + message)

    def say(report: FileReport) -> None:
        tell(ALL, encode("code", {"path": path.name, **vars(report)}))

    def fail(error: BaseException) -> None:
        say(broken(path, error))
        os._exit(ENDED)

    try:
        with clock.running():
            file = UserFile(path, data)
        with clock.running():
            report = file.check()
        with clock.running():
            session = Timed(_with(file.subject, settings), clock, fail, **options)
        session.attach(partial(tell, ALL))
        say(report)
        tell(ALL, encode(BEGAN, {}))
    except BaseException as error:
        fail(error)
    try:
        while True:
            packet = line.recv_bytes()
            (number,) = struct.unpack_from("<q", packet)
            session.handle(read(json.loads(packet[8:]), COMMANDS), partial(tell, number))
    except (EOFError, OSError):
        os._exit(0)


def _with(subject: Subject, settings: Mapping[str, Any]) -> Subject:
    """Return a subject with those settings of the previous subject that it has, too."""
    common = {name: value for name, value in settings.items() if name in subject.settings}
    if subject.make is None or not common:
        return subject
    try:
        return subject.make(common)
    except ChainruleError:
        return subject


class Timed(Session):
    """A session with a time limit for each task."""

    def __init__(
        self, subject: Subject, clock: Clock, fail: Callable[[BaseException], None], **options: Any
    ) -> None:
        self._clock, self._fail = clock, fail
        super().__init__(subject, **options)

    def _attempt(self, task: QueuedTask) -> None:
        try:
            with self._clock.running():
                super()._attempt(task)
        except BaseException as error:  # exit() in the learner's code
            self._fail(error)


class Clock:
    """Watchdog that ends the process after a time limit, and writes its stack trace to a file.

    The operating system's timers end the process whatever it is doing; on Windows a thread does.
    Code that waits, for input for instance, uses no processor time. So elapsed time is limited as
    well, but this limit is renewed while the code computes: on a busy machine it may have to wait
    long for the processor.

    Parameters
    ----------
    faults : Path
        File for the stack trace, which is also written when the process crashes.
    seconds : float
        Processor time; `PATIENCE` times as many seconds may elapse while the code waits.
    """

    def __init__(self, faults: Path, seconds: float) -> None:
        self._faults, self._seconds = faults.open("wb", buffering=0), seconds
        self._lock, self._end = threading.Lock(), 0.0  # the processor time at which the block ends
        threading.Thread(target=self._renew, name="chainrule-clock", daemon=True).start()
        faulthandler.enable(self._faults)
        if sys.platform != "win32":
            for number in (signal.SIGPROF, signal.SIGALRM):
                faulthandler.register(number, self._faults, all_threads=True, chain=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Context manager that applies the time limit to its block."""
        with self._lock:
            self._end = time.process_time() + self._seconds
            self._limit(self._seconds, PATIENCE * self._seconds)
        try:
            yield
        finally:
            with self._lock:
                self._end = 0.0
                self._limit(0, 0)

    def _renew(self) -> None:
        """Renew the limit of elapsed time, again and again, while a block computes."""
        now = time.process_time()
        while True:
            time.sleep(self._seconds)
            before, now = now, time.process_time()
            with self._lock:
                if self._end and now - before > BUSY * self._seconds:
                    is_over = now >= self._end
                    self._limit(None, SOON if is_over else PATIENCE * self._seconds)

    def _limit(self, processor: float | None, elapsed: float) -> None:
        """Set the limits in seconds, where 0 is none, and None leaves a limit as it is."""
        if sys.platform != "win32":
            if processor is not None:
                signal.setitimer(signal.ITIMER_PROF, processor)
            signal.setitimer(signal.ITIMER_REAL, elapsed)
        elif elapsed:
            faulthandler.dump_traceback_later(elapsed, file=self._faults, exit=True)
        else:
            faulthandler.cancel_dump_traceback_later()
