"""What a page has not been sent yet: of frames the newest, of all else everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from chainrule._src.blackboard.frames import decode, without

UNDRAWN = 2  # frames that are on their way to a page that tells when it has drawn one
MOST_BYTES = 64 * 2**20  # that may wait for a page
TRAINED = ("frame", "curves", "notice", "notices_cleared")  # what means nothing without a setup
PICTURED = {"g:": "gradient", "d:": "change"}  # arrays of frames that pictures alone are made of


class Outbox:
    """Messages for one page, put in by the thread that trains, taken out by what sends.

    Neither waits for the other. A page that draws slowly gets fewer frames, each the newest there
    is; one that takes nothing at all is given up. Pages that say ``drawn`` get no frame before they
    have drawn those that they have, whatever the line between buffers. Those that say what
    their ``pictures`` are of get no more of gradient and change. A page that does not know the
    network yet is sent nothing of its training; who says hello is told all of it behind ``setup``.

    Parameters
    ----------
    wake : callable
        Called, from any thread, when there is something to take.

    Attributes
    ----------
    full : bool
        Whether more waited than may wait: the page is to come anew, and is told all there is.
    closed : bool
        Whether nothing is put in any more.

    Examples
    --------
    >>> from chainrule._src.blackboard.frames import encode
    >>> outbox = Outbox(lambda: None)
    >>> outbox.put(encode("setup", {}))
    >>> for update in range(3):
    ...     outbox.put(encode("frame", {"branch": "a", "update": update}))
    >>> [decode(message)[0].get("update") for message in outbox.take()]
    [None, 2]
    """

    def __init__(self, wake: Callable[[], Any]) -> None:
        self._wake, self._lock, self._numbers = wake, threading.Lock(), count()
        self._waiting: dict[int | tuple[str, str], bytes] = {}
        self._bytes, self._undrawn, self._tells = 0, 0, False
        self._shown: dict[int, str] = {}  # what pictures are of, by pages; none: all
        self._latest: tuple[Any, bytes] | None = None
        self._introduced = False  # whether it has had a setup
        self.full = self.closed = False

    def put(self, message: bytes) -> None:
        """Add a message."""
        header, _ = decode(message)
        kind = header["type"]
        key = (kind, header["branch"]) if kind == "frame" else next(self._numbers)
        with self._lock:
            if self.closed or self.full or (kind in TRAINED and not self._introduced):
                return
            if kind == "setup":  # frames from before it are of another network
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

    def _add(self, key: Any, message: bytes) -> None:
        self._drop([key])
        self._waiting[key] = message
        self._bytes += len(message)

    def take(self) -> list[bytes]:
        """Return what is to be sent now, and have it no more."""
        with self._lock:
            held_back = self._tells and self._undrawn >= UNDRAWN
            keys = [key for key in self._waiting if not (held_back and isinstance(key, tuple))]
            frames = [isinstance(key, tuple) for key in keys]
            self._undrawn += sum(frames)
            messages, left_out = self._drop(keys), self._left_out()
        each = zip(messages, frames, strict=True)
        return [without(m, left_out) if frame and left_out else m for m, frame in each]

    def _left_out(self) -> tuple[str, ...]:
        """Return how the names of arrays begin that no page shows."""
        shown = set(self._shown.values())
        return tuple(start for start, what in PICTURED.items() if shown and what not in shown)

    def pictures(self, of: str, page: int = 0) -> None:
        """Hear what pictures are of; where a page lacks the numbers, the last frame comes again.

        Parameters
        ----------
        of : {"weights", "gradient", "change"}
        page : int, default 0
            Which one says so; cells of a notebook share what they are sent.
        """
        with self._lock:
            before = self._left_out()
            self._shown[page] = of
            if self._latest and not set(before) <= set(self._left_out()) and not self.closed:
                self._add(*self._latest)
                self._wake()

    def drawn(self) -> None:
        """Hear that the page has drawn what it had, and will say so again."""
        with self._lock:
            self._undrawn, self._tells = 0, True
            if self._waiting and not self.closed:
                self._wake()

    def anew(self) -> None:
        """Hear that a page has come in place of another, which drew no more what it had."""
        with self._lock:
            self._undrawn, self._tells, self._introduced = 0, False, False
            self._shown.clear()

    def close(self) -> None:
        """Wake nobody from now on."""
        with self._lock:
            self.closed = True
            self._waiting.clear()
            self._latest = None

    def _drop(self, keys: list[Any]) -> list[bytes]:
        messages = [self._waiting.pop(key) for key in keys if key in self._waiting]
        self._bytes -= sum(map(len, messages))
        return messages
