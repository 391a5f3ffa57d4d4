"""Messages over a socket: the length in bytes, then JSON; each but the first answers another."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.teach.plain import dumps, loads

MOST_BYTES = 32 * 2**20
_LENGTH, _MOST_PART = struct.Struct("!Q"), 2**16


def send(to: socket.socket, message: Any, end: float | None = None) -> None:
    """Send a message before the deadline ``end``, a time of `time.monotonic`.

    Raises
    ------
    TimeoutError, OSError
        If the deadline is over, or the socket fails.
    """
    send_bytes(to, dumps(message), end)


def send_bytes(to: socket.socket, data: bytes, end: float | None = None) -> None:
    """Send a message that is serialised, as `send` does."""
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
    data = bytearray(_part(source, _MOST_PART, end))
    while len(data) < _LENGTH.size:
        data += _part(source, _MOST_PART, end)
    length = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    if length > most + _LENGTH.size:
        raise DataError(
            f"a message of {length / 2**20:.0f} MB; at most {most / 2**20:.0f} are read"
        )
    while len(data) < length:
        data += _part(source, min(length - len(data), 2**20), end)
    if len(data) > length:
        raise DataError("a second message, for which nobody asked")
    return loads(bytes(data[_LENGTH.size :]))


def _part(source: socket.socket, most: int, end: float | None) -> bytes:
    _limit(source, end)
    try:
        part = source.recv(most)
    except ConnectionError:
        part = b""
    if not part:
        raise EOFError
    return part


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
