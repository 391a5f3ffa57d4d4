"""Who hears what a session tells: all pages, or the one that asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from chainrule.blackboard.commands import Command, read
from chainrule.blackboard.frames import encode
from chainrule.errors import ChainruleError

Listener = Callable[[bytes], Any]


class Listeners:
    """Those that messages for all go to; they come and go in any thread."""

    def __init__(self) -> None:
        self._all: list[Listener] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._all)

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Have messages go to a listener; returns what ends that."""
        with self._lock:
            self._all.append(listener)

        def detach() -> None:
            with self._lock:
                if listener in self._all:
                    self._all.remove(listener)

        return detach

    def tell(self, message: bytes) -> None:
        """Send a message to all, outside the lock."""
        with self._lock:
            listeners = list(self._all)
        for listener in listeners:
            listener(message)


def refuse(listener: Listener | None, message: Any, error: Exception | str) -> None:
    """Tell who sent a message why nothing comes of it."""
    if listener is not None:
        number = message.get("id") if isinstance(message, dict) else None
        number = number if isinstance(number, int) else None
        listener(encode("error", {"id": number, "message": str(error)}))


def understood(message: Any, listener: Listener | None) -> Command | None:
    """Return what a page asks for; tell it what is wrong with that, and return None."""
    try:
        return read(message)
    except ChainruleError as error:
        refuse(listener, message, error)
        return None
