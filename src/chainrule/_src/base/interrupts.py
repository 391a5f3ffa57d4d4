"""Ctrl-C, handled at points where an interrupt does no harm.

Python raises `KeyboardInterrupt` between any two instructions, also between two that belong
together. Within `deferred`, an interrupt waits for the next `check`; lazily imported libraries are
imported within `deferred`, too. Code that is not chainrule's and may take any time, such as a
callback or a loader of batches, runs within `immediate`, where an interrupt is raised at once.
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
    """Interrupt handler that replaces the previous handler and can delay its calls.

    Attributes
    ----------
    open : bool
        If true, an interrupt is passed to the previous handler at once.
    waiting : bool
        If true, an interrupt has come that has not been passed on yet.
    """

    def __init__(self, handler: Callable[[int, Any], Any]) -> None:
        self.handler, self.open, self.waiting = handler, False, False

    def take(self, signum: int, frame: Any) -> None:
        """Receive an interrupt."""
        self.waiting = True
        if self.open:
            self.hand_on()

    def hand_on(self) -> None:
        """Call the previous handler; while its exception propagates, the next interrupt waits."""
        was, self.open, self.waiting = self.open, False, False
        self.handler(signal.SIGINT, None)
        self.open = was


_desk: _Desk | None = None  # of the main thread, the only one that Python interrupts


def _here() -> _Desk | None:
    return _desk if _in_main_thread() else None


def _in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def check() -> None:
    """Raise an interrupt that is waiting."""
    if _desk is not None and _desk.waiting and _in_main_thread():
        _desk.hand_on()


class deferred:  # noqa: N801
    """A block in which interrupts wait for `check`, or for the end of the outermost such block.

    Parameters
    ----------
    late : callable, optional
        Called at the end of the block instead of the handler, if raising there would lose results.
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
        if callable(handler):  # SIGINT is neither ignored nor ends the process
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
            signal.signal(signal.SIGINT, desk.handler)  # from here on an interrupt loses nothing
            if desk.waiting:
                self._late() if self._late is not None else desk.handler(signal.SIGINT, None)


def first_use(name: str) -> AbstractContextManager[None]:
    """Return the context in which to import a module: `deferred`, unless it is loaded already."""
    return nullcontext() if name in sys.modules else deferred()


def load(name: str) -> Any:
    """Return a module. An interrupt during its import is raised after the import.

    Libraries often catch all exceptions around their imports, so an interrupt would be lost.
    """
    with deferred():
        return importlib.import_module(name)


class immediate:  # noqa: N801
    """A block within `deferred` where an interrupt is raised at once."""

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
    """Context manager: processes started here ignore Ctrl-C; they end with this process."""
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
