"""A sandbox for a learner's code: bounded time, and all changes are undone."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from chainrule._src.check.clock import Deadline
from chainrule._src.check.quiet import alone, close_figures, open_figures
from chainrule._src.check.reach import Restore, random_states, reachable, restoring

MOST_GARBAGE = 20_000  # new objects in reference cycles, such as those of an engine of scalars


class TooLong(BaseException):
    """A run exceeded its time limit; a BaseException, which ``except Exception`` does not catch."""


__all__ = ["FAILURES", "Sandbox", "TooLong", "alone", "within_time"]
FAILURES = (Exception, SystemExit, TooLong)  # anything that a changed program may raise


class Sandbox:
    """Runs a function with a time limit, and restores the state of objects after each run.

    Parameters
    ----------
    objects : iterable
        Functions, and objects that they may change: their content is restored, and with them the
        random state. Without any, nothing is restored.
    seconds : float
        Processor time of a run; an attribute that may be set between runs.
    deadline : Deadline, optional
        The end of all runs.
    """

    def __init__(
        self, objects: Iterable[Any], seconds: float, deadline: Deadline | None = None
    ) -> None:
        self.seconds, self.deadline = seconds, deadline
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._limit: Deadline | None = None
        self._fired = False
        self._over = threading.Event()
        self._figures = open_figures()
        self._seen: set[int] = set()
        objects = list(objects)
        self._restores: list[Restore] = random_states(()) if objects else []
        self.keep(objects)

    def __enter__(self) -> Sandbox:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def keep(self, objects: Iterable[Any]) -> None:
        """Take snapshots of more objects, which are restored after each run."""
        restores = map(restoring, reachable(objects, self._seen))
        self._restores += [restore for restore in restores if restore is not None]

    def run(self, call: Callable[[], Any]) -> Any:
        """Return the result of a call.

        Raises
        ------
        TooLong
            If it takes too long.
        """
        try:
            return self.bounded(call)
        finally:
            with self._lock:  # the limit may have passed just after the call
                self._limit = None
            self._put_back()

    def bounded(self, call: Callable[[], Any]) -> Any:
        """Return the result of a call, without undoing what it changed."""
        with self._lock:
            self._limit, self._fired = Deadline(self.seconds, self.deadline), False
        try:
            return call()
        finally:
            with self._lock:
                self._limit = None
            if self._fired:  # an exception may be pending still: raise it here
                with contextlib.suppress(TooLong):
                    for _ in range(10):
                        time.sleep(0.001)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            with self._lock:
                if self._limit is not None and self._limit.has_passed:
                    self._fired = True
                    self._limit = Deadline(0.05)  # raise it again, in case a destructor caught it
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread), ctypes.py_object(TooLong)
                    )

    def _put_back(self) -> None:
        for restore in self._restores:
            restore()
        close_figures(self._figures)
        if gc.get_count()[0] > MOST_GARBAGE:  # `quiet` switches the collector off
            gc.collect(0)


def within_time(call: Callable[[], Any], seconds: float) -> Any:
    """Return the result of a call that must end within some seconds of processor time.

    Raises
    ------
    TooLong
        If it takes longer.
    """
    with Sandbox((), seconds) as sandbox:
        return sandbox.bounded(call)
