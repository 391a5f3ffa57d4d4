"""Binary messages: a header in JSON, then arrays, which the page reads without a copy."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array

ALIGNED = 8  # bytes; typed arrays of JavaScript begin at multiples of their entries' size
DTYPES = ("float64", "float32", "int32", "uint8")


def encode(
    kind: str, header: Mapping[str, Any], arrays: Mapping[str, Array] | None = None
) -> bytes:
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
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def decode(message: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header of a message, and its arrays."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    arrays = {
        name: np.frombuffer(
            message, entry["dtype"], math.prod(entry["shape"]), 4 + length + entry["offset"]
        ).reshape(entry["shape"])
        for name, entry in header.pop("arrays").items()
    }
    return header, arrays


def without(message: bytes, left_out: tuple[str, ...]) -> bytes:
    """Return a message without the arrays whose names begin with one of ``left_out``.

    Examples
    --------
    >>> message = encode("frame", {}, {"p:b": np.zeros(2), "g:b": np.ones(2)})
    >>> list(decode(without(message, ("g:",)))[1])
    ['p:b']
    """
    header, arrays = decode(message)
    remaining = {name: array for name, array in arrays.items() if not name.startswith(left_out)}
    return encode(header.pop("type"), header, remaining)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
