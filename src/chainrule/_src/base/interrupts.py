"""Ctrl-C heard where it does no harm.

Python raises `KeyboardInterrupt` between any two of its instructions, also between two that belong
together. Within `deferred` an interrupt waits for the next `check`; the libraries that are imported
where they are first used are imported so. What is not ours and may take
any time, a callback or a loader of batches, runs within `immediate`, where it is heard at once.
"""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any


class _Desk:
    """Takes interrupts in place of the handler that was there.

    Attributes
    ----------
    open : bool
        Whether an interrupt is handed on at once.
    waiting : bool
        Whether there is one to hand on.
    """

    def __init__(self, handler: Callable[[int, Any], Any]) -> None:
        self.handler, self.open, self.waiting = handler, False, False

    def take(self, signum: int, frame: Any) -> None:
        """Take an interrupt."""
        self.waiting = True
        if self.open:
            self.hand_on()

    def hand_on(self) -> None:
        """Let the handler have it; while its exception is on its way, the next one waits."""
        was, self.open, self.waiting = self.open, False, False
        self.handler(signal.SIGINT, None)
        self.open = was


_desk: _Desk | None = None  # of the main thread, the only one that Python interrupts


def _here() -> _Desk | None:
    return _desk if _in_main_thread() else None


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def check() -> None:
    """Hear an interrupt that waits."""
    if _desk is not None and _desk.waiting and _in_main_thread():
        _desk.hand_on()


class deferred:  # noqa: N801
    """A block in which interrupts wait for `check`, or for the end of the outermost such block.

    Parameters
    ----------
    late : callable, optional
        Called at that end in place of the handler: where raising would lose what was made.
    """

    def __init__(self, late: Callable[[], Any] | None = None) -> None:
        self._late = late
        self._desk: _Desk | None = None

    def __enter__(self) -> None:
        global _desk
        self._outer = _here()
        if self._outer is not None:
            self._was, self._outer.open = self._outer.open, False
            return
        if not _in_main_thread():
            return
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):  # neither ignored nor the end of the process
            self._desk = _Desk(handler)
            signal.signal(signal.SIGINT, self._desk.take)
            _desk = self._desk

    def __exit__(self, *_: object) -> None:
        global _desk
        if self._outer is not None:
            self._outer.open = self._was
            if self._was:
                check()
        elif self._desk is not None:
            desk, _desk = self._desk, None
            signal.signal(signal.SIGINT, desk.handler)  # the last moment at which nothing is lost
            if desk.waiting:
                self._late() if self._late is not None else desk.handler(signal.SIGINT, None)


def first_use(name: str) -> AbstractContextManager[None]:
    """Return the block in which a module is imported: `deferred`, unless it is loaded already."""
    return nullcontext() if name in sys.modules else deferred()


def load(name: str) -> Any:
    """Return a module. An interrupt during its import is raised after the import.

    Libraries that import others catch whatever happens meanwhile; an interrupt would be lost.
    """
    with deferred():
        return importlib.import_module(name)


class immediate:  # noqa: N801
    """A block within `deferred` where an interrupt is heard at once."""

    def __enter__(self) -> None:
        self._desk = _here()
        if self._desk is not None:
            self._was, self._desk.open = self._desk.open, True
            check()

    def __exit__(self, *_: object) -> None:
        if self._desk is not None:
            self._desk.open = self._was


@contextmanager
def ignored() -> Iterator[None]:
    """Have processes that are started meanwhile not hear Ctrl-C: they end with this one."""
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
