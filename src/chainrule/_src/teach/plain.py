"""Plain values, the only ones that are sent between a learner's code and the checks.

Numbers, text, None, lists, tuples, dicts and numeric arrays are encoded as JSON and decoded to
equal values of the same type; a Counter or a defaultdict becomes a dict. Pickle is not used, so
decoding never runs code of the other side.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError

MOST_BYTES = 16 * 2**20
MOST_ITEMS = 500_000  # of lists and dicts in a message
DEPTH = 16
DICTS = (dict, Counter, OrderedDict, defaultdict)  # sent as dict
KINDS = "fiubcU"  # kinds of dtypes that can be sent

_ENCODER = json.JSONEncoder(separators=(",", ":"))  # one is made for each call of json.dumps
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')
Keep = Callable[[Any], dict[str, Any]]


def encode(value: Any, keep: Keep | None = None, depth: int = DEPTH) -> Any:
    """Encode a value as JSON's types.

    Parameters
    ----------
    value : object
    keep : callable, optional
        Takes a value that is not plain and returns a dict that represents the value.

    Raises
    ------
    DataError
        If a value is nested too deeply or too large, or is not plain and ``keep`` is None.
    """
    if depth == 0:
        raise DataError(f"a value is nested more than {DEPTH} deep")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in KINDS:
        if value.nbytes > MOST_BYTES:
            raise DataError(f"an array of {value.nbytes / 2**20:.0f} MB; at most 16 MB can be sent")
        array = np.array(value, subok=False, order="C")
        data = base64.b64encode(array.tobytes()).decode()
        is_scalar = isinstance(value, np.generic)
        return {"array": data, "dtype": array.dtype.str, "shape": array.shape, "scalar": is_scalar}
    if type(value) is list:
        return [encode(item, keep, depth - 1) for item in value]
    if type(value) is tuple:
        return {"tuple": [encode(item, keep, depth - 1) for item in value]}
    if type(value) in DICTS:
        pairs = [[encode(k, None, 2), encode(v, keep, depth - 1)] for k, v in value.items()]
        return {"dict": pairs}
    if keep is None:
        raise DataError(f"a {type(value).__name__} is no plain value")
    return keep(value)


def decode(value: Any, resolve: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Decode a value that `encode` encoded; ``resolve`` decodes the dicts of ``keep``.

    Raises
    ------
    DataError
        If `encode` does not produce such a value.
    """
    if isinstance(value, list):
        return [decode(item, resolve) for item in value]
    if not isinstance(value, dict):
        return value
    try:
        if "array" in value:
            return _array(value)
        if "tuple" in value:
            return tuple(decode(item, resolve) for item in value["tuple"])
        if "dict" in value:
            return {decode(k): decode(v, resolve) for k, v in value["dict"]}
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"a value that cannot be read: {error}") from None
    if resolve is None:
        raise DataError(f"a value of an unknown kind: {sorted(value)}")
    return resolve(value)


def _array(value: dict[str, Any]) -> Any:
    dtype, shape = np.dtype(value["dtype"]), tuple(map(int, value["shape"]))
    if dtype.kind not in KINDS:
        raise ValueError(f"dtype {dtype}")
    data = base64.b64decode(value["array"], validate=True)
    if len(data) != dtype.itemsize * math.prod(shape):
        raise ValueError(f"{len(data)} bytes for an array {shape} of {dtype}")
    array = np.frombuffer(data, dtype).reshape(shape).copy()
    return array[()] if value["scalar"] else array


def dumps(message: Any) -> bytes:
    """Serialise a message of encoded values to bytes."""
    return _ENCODER.encode(message).encode()


def loads(data: bytes) -> Any:
    """Parse a message from bytes.

    Raises
    ------
    DataError
        If the bytes are no JSON, or have more than `MOST_ITEMS` items: an item of two bytes
        becomes an object of sixty.
    """
    if _items(data) > MOST_ITEMS and _items(_STRING.sub(b"", data)) > MOST_ITEMS:
        raise DataError(f"more than {MOST_ITEMS} values in one message")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"an answer that is no JSON: {error}") from None


def _items(data: bytes) -> int:
    """Return an upper limit of the number of items; those of strings count as well."""
    return sum(map(data.count, (b",", b"[", b"{")))
