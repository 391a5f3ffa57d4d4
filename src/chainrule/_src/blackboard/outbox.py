"""The queue of unsent messages for a page: the newest frame, and all other messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from chainrule._src.blackboard.frames import Message, without

UNDRAWN = 2  # frames in flight to a page that confirms each drawn frame
MOST_BYTES = 64 * 2**20  # in the queue of a page
TRAINED = ("frame", "curves", "notice", "notices_cleared")  # types that need a setup before them
PICTURED = {"g:": "gradient", "d:": "change"}  # prefixes of arrays that only pictures need


class Outbox:
    """Queue of messages to one page; filled by the training thread, emptied by a sender.

    Neither thread waits for the other. A slow page gets fewer frames, always the newest; a page
    that receives nothing at all is disconnected. Pages that confirm with ``drawn`` get at most
    `UNDRAWN` unconfirmed frames, so that none pile up in buffers of the connection. Pages that
    report the subject of their ``pictures`` get only the arrays that these pictures need. A page
    gets no messages about training before its ``setup``, which follows its hello.

    Parameters
    ----------
    wake : callable
        Callback that any thread calls when there are messages to take.

    Attributes
    ----------
    full : bool
        If true, the queue exceeded its limit: the page must reconnect and gets everything again.
    closed : bool
        If true, the queue accepts no more messages.

    Examples
    --------
    >>> from chainrule._src.blackboard.frames import encode
    >>> outbox = Outbox(lambda: None)
    >>> outbox.put(encode("setup", {}))
    >>> for update in range(3):
    ...     outbox.put(encode("frame", {"branch": "a", "update": update}))
    >>> [message.header.get("update") for message in outbox.take()]
    [None, 2]
    """

    def __init__(self, wake: Callable[[], Any]) -> None:
        self._wake, self._lock, self._numbers = wake, threading.Lock(), count()
        self._waiting: dict[int | tuple[str, str], Message] = {}
        self._bytes, self._undrawn, self._tells = 0, 0, False
        self._subjects: dict[int, str] = {}  # subject of the pictures, by pages; empty: all
        self._latest: tuple[Any, Message] | None = None
        self._introduced = False  # True after a setup
        self.full = self.closed = False

    def put(self, message: Message) -> None:
        """Add a message to the queue, and call the callback."""
        kind = message.header["type"]
        key = (kind, message.header["branch"]) if kind == "frame" else next(self._numbers)
        with self._lock:
            if self.closed or self.full or (kind in TRAINED and not self._introduced):
                return
            if kind == "setup":  # earlier frames show another network
                self._introduced = True
                self._drop([key for key in self._waiting if isinstance(key, tuple)])
                self._latest = None
            if kind == "frame":
                self._latest = key, message
            self._add(key, message)
            if self._bytes > MOST_BYTES:
                self.full = True
                self._drop(list(self._waiting))
            self._wake()

    def _add(self, key: Any, message: Message) -> None:
        self._drop([key])
        self._waiting[key] = message
        self._bytes += len(message)

    def take(self) -> list[Message]:
        """Remove and return the messages that may be sent now."""
        with self._lock:
            held_back = self._tells and self._undrawn >= UNDRAWN
            keys = [key for key in self._waiting if not (held_back and isinstance(key, tuple))]
            frames = [isinstance(key, tuple) for key in keys]
            self._undrawn += sum(frames)
            messages, left_out = self._drop(keys), self._left_out()
        each = zip(messages, frames, strict=True)
        return [without(m, left_out) if frame and left_out else m for m, frame in each]

    def _left_out(self) -> tuple[str, ...]:
        """Return the prefixes of the names of arrays that no page shows."""
        subjects = set(self._subjects.values())
        return tuple(start for start, what in PICTURED.items() if subjects and what not in subjects)

    def pictures(self, of: str, page: int = 0) -> None:
        """Set the subject of a page's pictures; send the last frame again if arrays were left out.

        Parameters
        ----------
        of : {"weights", "gradient", "change"}
        page : int, default 0
            Number of the page; the cells of a notebook share one queue.
        """
        with self._lock:
            before = self._left_out()
            self._subjects[page] = of
            if self._latest and not set(before) <= set(self._left_out()) and not self.closed:
                self._add(*self._latest)
                self._wake()

    def drawn(self) -> None:
        """Record that the page has drawn all its frames, and will confirm later ones."""
        with self._lock:
            self._undrawn, self._tells = 0, True
            if self._waiting and not self.closed:
                self._wake()

    def anew(self) -> None:
        """Reset the state for a new page, because the previous one will confirm no more frames."""
        with self._lock:
            self._undrawn, self._tells, self._introduced = 0, False, False
            self._subjects.clear()

    def close(self) -> None:
        """Empty the queue, and call the callback no more."""
        with self._lock:
            self.closed = True
            self._waiting.clear()
            self._latest = None

    def _drop(self, keys: list[Any]) -> list[Message]:
        messages = [self._waiting.pop(key) for key in keys if key in self._waiting]
        self._bytes -= sum(map(len, messages))
        return messages
