"""Binary messages: a header in JSON, then arrays, which the page reads without a copy."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array

ALIGNED = 8  # bytes; typed arrays of JavaScript begin at multiples of their entries' size
DTYPES = ("float64", "float32", "int32", "uint8")


class Message(bytes):
    """The bytes of a message, with its header, which is parsed at most once."""

    @cached_property
    def header(self) -> dict[str, Any]:
        """The header, without the description of the arrays."""
        header = {**self._members}
        del header["arrays"]
        return header

    @cached_property
    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = json.loads(self[4 : self._start])
        return members

    @cached_property
    def _start(self) -> int:
        """Position of the first array."""
        (length,) = struct.unpack_from("<I", self)
        return 4 + int(length)

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays by name, not copied."""
        return {
            name: np.frombuffer(
                self, entry["dtype"], math.prod(entry["shape"]), self._start + entry["offset"]
            ).reshape(entry["shape"])
            for name, entry in self._members["arrays"].items()
        }


def encode(
    kind: str, header: Mapping[str, Any], arrays: Mapping[str, Array] | None = None
) -> Message:
    """Return a message as bytes.

    The format is: the length of the header, in 4 bytes; the header, JSON in UTF-8, with ``type``
    and the dtype, shape and offset of each array by name; the arrays, each at a multiple of 8
    bytes.

    Parameters
    ----------
    kind : str
        The message's type.
    header : dict
        Plain values; numbers that are not finite become null.
    arrays : dict of str to ndarray, optional
        Arrays of dtype float64, float32, int32 or uint8.

    Examples
    --------
    >>> decode(encode("frame", {"update": 3}, {"p:b": np.zeros(2)}))
    ({'type': 'frame', 'update': 3}, {'p:b': array([0., 0.])})
    """
    places, parts, offset = {}, [], 0
    for name, array in (arrays or {}).items():
        assert array.dtype.name in DTYPES, array.dtype
        content = np.ascontiguousarray(array)
        places[name] = {"dtype": array.dtype.name, "shape": array.shape, "offset": offset}
        padding = -content.nbytes % ALIGNED
        parts += [content.data.cast("B") if content.size else b"", bytes(padding)]
        offset += content.nbytes + padding
    members = {"type": kind, **header, "arrays": places}
    text = json.dumps(_finite(members), separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % ALIGNED)
    return Message(b"".join([struct.pack("<I", len(text)), text, *parts]))


def decode(message: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header of a message, and its arrays."""
    decoded = Message(message)
    return decoded.header, decoded.arrays


def without(message: Message, left_out: tuple[str, ...]) -> Message:
    """Return a message without the arrays whose names begin with one of ``left_out``.

    Examples
    --------
    >>> message = encode("frame", {}, {"p:b": np.zeros(2), "g:b": np.ones(2)})
    >>> list(decode(without(message, ("g:",)))[1])
    ['p:b']
    """
    arrays = message.arrays.items()
    remaining = {name: array for name, array in arrays if not name.startswith(left_out)}
    return encode(message.header["type"], message.header, remaining)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
