"""Who hears what a session tells: all pages, or the one that asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.blackboard.commands import identity
from chainrule._src.blackboard.frames import encode

Listener = Callable[[bytes], Any]


class Listeners:
    """The pages that receive messages for all; pages come and go in any thread."""

    def __init__(self) -> None:
        self._all: list[Listener] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._all)

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Have messages go to a listener; returns what ends that."""
        with self._lock:
            self._all.append(listener)
        return lambda: self._detach(listener)

    def tell(self, message: bytes, listener: Listener | None = None) -> None:
        """Send a message to a listener, or to all, outside the lock; one that fails is left out."""
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
    """Tell who sent a message why nothing comes of it."""
    if listener is not None:
        try:
            number = identity(message) if isinstance(message, dict) else None
        except DataError:
            number = None
        listener(encode("error", {"id": number, "message": str(error)}))
