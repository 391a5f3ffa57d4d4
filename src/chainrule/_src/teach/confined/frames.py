"""Messages over a socket: the length in bytes, then JSON."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.teach.plain import dumps, loads

MOST_BYTES = 32 * 2**20
_LENGTH = struct.Struct("!Q")


def send(to: socket.socket, message: Any, end: float | None = None) -> None:
    """Send a message before the deadline ``end``, a time of `time.monotonic`.

    Raises
    ------
    TimeoutError, OSError
        If the deadline is over, or the socket fails.
    """
    data = dumps(message)
    _limit(to, end)
    to.sendall(_LENGTH.pack(len(data)) + data)


def receive(source: socket.socket, end: float | None = None, most: int = MOST_BYTES) -> Any:
    """Return the next message.

    Raises
    ------
    TimeoutError
        If no complete message arrives before the deadline ``end``.
    EOFError
        If the other side has closed the socket.
    DataError
        If the message is too long, or no JSON.
    """
    (length,) = _LENGTH.unpack(_bytes(source, _LENGTH.size, end))
    if length > most:
        raise DataError(
            f"a message of {length / 2**20:.0f} MB; at most {most / 2**20:.0f} are read"
        )
    return loads(bytes(_bytes(source, length, end)))


def _bytes(source: socket.socket, count: int, end: float | None) -> bytearray:
    data = bytearray()
    while len(data) < count:
        _limit(source, end)
        try:
            part = source.recv(min(count - len(data), 2**20))
        except ConnectionError:
            part = b""
        if not part:
            raise EOFError
        data += part
    return data


def _limit(line: socket.socket, end: float | None) -> None:
    """Set the time that a socket waits, by a system call if it changes."""
    if end is None:
        if line.gettimeout() is not None:
            line.settimeout(None)
        return
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    line.settimeout(seconds)
