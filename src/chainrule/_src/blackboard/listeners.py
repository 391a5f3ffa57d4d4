"""Receivers of a session's messages: all pages, or the page that sent a command."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.blackboard.commands import identity
from chainrule._src.blackboard.frames import Message, encode

Listener = Callable[[Message], Any]


class Listeners:
    """The receivers of messages to all pages; any thread may attach and detach listeners."""

    def __init__(self) -> None:
        self._all: list[Listener] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._all)

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Add a listener, and return the detaching function."""
        with self._lock:
            self._all.append(listener)
        return lambda: self._detach(listener)

    def tell(self, message: Message, listener: Listener | None = None) -> None:
        """Send a message to a listener, or to all, outside the lock; detach those that fail."""
        with self._lock:
            listeners = list(self._all) if listener is None else [listener]
        for each in listeners:
            try:
                each(message)
            except Exception:
                logging.getLogger(__name__).exception("blackboard: a page hears no more")
                self._detach(each)

    def _detach(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._all:
                self._all.remove(listener)


def refuse(listener: Listener | None, message: Any, error: Exception | str) -> None:
    """Send an error message to the sender of a message."""
    if listener is not None:
        try:
            number = identity(message) if isinstance(message, dict) else None
        except DataError:
            number = None
        listener(encode("error", {"id": number, "message": str(error)}))
