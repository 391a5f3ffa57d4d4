"""What a page has not been sent yet: of frames the newest, of all else everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from chainrule.blackboard.frames import decode

UNDRAWN = 2  # frames that are on their way to a page that tells when it has drawn one
MOST_BYTES = 64 * 2**20  # that may wait for a page


class Outbox:
    """Messages for one page, put in by the thread that trains, taken out by what sends.

    Neither waits for the other. A page that draws slowly gets fewer frames, each the newest there
    is; one that takes nothing at all is given up. Pages that say ``drawn`` get no frame before they
    have drawn those that they have, whatever the line between buffers.

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
    >>> from chainrule.blackboard.frames import encode
    >>> outbox = Outbox(lambda: None)
    >>> for update in range(3):
    ...     outbox.put(encode("frame", {"branch": "a", "update": update}))
    >>> [decode(message)[0]["update"] for message in outbox.take()]
    [2]
    """

    def __init__(self, wake: Callable[[], Any]) -> None:
        self._wake, self._lock, self._numbers = wake, threading.Lock(), count()
        self._waiting: dict[int | tuple[str, str], bytes] = {}
        self._bytes, self._undrawn, self._tells = 0, 0, False
        self.full = self.closed = False

    def put(self, message: bytes) -> None:
        """Add a message."""
        header, _ = decode(message)
        kind = header["type"]
        key = (kind, header["branch"]) if kind == "frame" else next(self._numbers)
        with self._lock:
            if self.closed or self.full:
                return
            if kind == "setup":  # frames from before it are of another network
                self._drop([key for key in self._waiting if isinstance(key, tuple)])
            self._drop([key])
            self._waiting[key] = message
            self._bytes += len(message)
            if self._bytes > MOST_BYTES:
                self.full = True
                self._drop(list(self._waiting))
            self._wake()

    def take(self) -> list[bytes]:
        """Return what is to be sent now, and have it no more."""
        with self._lock:
            held_back = self._tells and self._undrawn >= UNDRAWN
            keys = [key for key in self._waiting if not (held_back and isinstance(key, tuple))]
            self._undrawn += sum(isinstance(key, tuple) for key in keys)
            return self._drop(keys)

    def drawn(self) -> None:
        """Hear that the page has drawn what it had, and will say so again."""
        with self._lock:
            self._undrawn, self._tells = 0, True
            if self._waiting and not self.closed:
                self._wake()

    def anew(self) -> None:
        """Hear that a page has come in place of another, which drew no more what it had."""
        with self._lock:
            self._undrawn, self._tells = 0, False

    def close(self) -> None:
        """Wake nobody from now on."""
        with self._lock:
            self.closed = True
            self._waiting.clear()

    def _drop(self, keys: list[Any]) -> list[bytes]:
        messages = [self._waiting.pop(key) for key in keys if key in self._waiting]
        self._bytes -= sum(map(len, messages))
        return messages
