"""The safetensors file format: the header's length, a header in JSON, the arrays' bytes.

The header gives each array's dtype, shape and byte offsets, and strings under ``__metadata__``
(https://huggingface.co/docs/safetensors). It is written and checked here rather than by the
safetensors package: that package reads through a memory map, which crashes the process if the file
is truncated meanwhile, accepts duplicate names and invalid booleans, and cannot write in chunks.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.storage.document import check_count, parse_json

DTYPES = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "U32": "<u4",
    "I32": "<i4", "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
NAMES = {code: name for name, code in DTYPES.items()}
METADATA = "__metadata__"
LENGTH = 8  # bytes that hold the header's length
MAX_HEADER = 1 << 25
MAX_ARRAYS = 50_000
MAX_AXES = 64
MAX_BYTES = 2**63 - 1
NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,500}")


class TensorEntry(NamedTuple):
    """Header entry of an array; the offsets ``begin`` and ``end`` count from the header's end."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def storage_form(array: Array, name: str) -> Array:
    """Convert an array to the form in the file: little-endian and contiguous in C order.

    Raises
    ------
    DataError
        If the value is not an array, or the format does not have its dtype.
    """
    if not isinstance(array, np.ndarray | np.generic):
        raise DataError(f"{name!r} must be an array, received {reprlib.repr(array)}")
    dtype = array.dtype.newbyteorder("<")
    if dtype.str not in NAMES:
        valid = ", ".join(np.dtype(code).name for code in NAMES)
        raise DataError(f"{name!r} has dtype {array.dtype}, which cannot be stored; valid: {valid}")
    return np.asarray(array, dtype=dtype, order="C")


def assign_offsets(arrays: Mapping[str, Array]) -> dict[str, TensorEntry]:
    """Assign byte offsets to arrays, those with the largest items first, so all are aligned."""
    entries, position = {}, 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        entries[name] = TensorEntry(array.dtype, array.shape, position, position + array.nbytes)
        position += array.nbytes
    return entries


def header_bytes(entries: Mapping[str, TensorEntry], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of the header and of its length.

    Raises
    ------
    DataError
        If a name is invalid, or the header is too large.
    """
    for name in entries:
        _check_name(name)
    table = {METADATA: dict(metadata)} | {name: _described(e) for name, e in entries.items()}
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    check_count(text)
    content = text.encode()
    content += b" " * (-len(content) % 8)
    if len(content) > MAX_HEADER or len(entries) > MAX_ARRAYS:
        raise DataError(
            f"a document of {len(content):,} bytes and {len(entries):,} arrays are too much for "
            f"one file (at most {MAX_HEADER:,} and {MAX_ARRAYS:,}); keep long lists as arrays"
        )
    return len(content).to_bytes(LENGTH, "little") + content


def parse_header(text: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Parse a header; return the arrays' entries, not yet checked, and the metadata.

    Raises
    ------
    DataError
        If the header is invalid.
    """
    try:
        table = parse_json(text.decode())
    except UnicodeDecodeError as error:
        raise DataError(f"its header is no UTF-8: {error}") from error
    if not isinstance(table, dict):
        raise DataError("its header is no JSON object")
    metadata = table.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise DataError("its metadata are not strings by name")
    return table, metadata


def parse_entries(table: Mapping[str, Any], n_bytes: int) -> dict[str, TensorEntry]:
    """Check the arrays' header entries against the ``n_bytes`` bytes of array data.

    Raises
    ------
    DataError
        If the entries are inconsistent.
    """
    if len(table) > MAX_ARRAYS:
        raise DataError(f"it holds {len(table):,} arrays; at most {MAX_ARRAYS:,} are read")
    entries = {name: _entry(name, value) for name, value in table.items()}
    _check_places(entries.values(), n_bytes)
    return entries


def _described(entry: TensorEntry) -> dict[str, Any]:
    return {
        "dtype": NAMES[entry.dtype.str],
        "shape": entry.shape,
        "data_offsets": (entry.begin, entry.end),
    }


def _entry(name: str, value: Any) -> TensorEntry:
    """Return the checked header entry of one array."""
    _check_name(name)
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise DataError(f"array {name!r} must have dtype, shape and data_offsets, nothing else")
    shape, places = value["shape"], value["data_offsets"]
    if not isinstance(value["dtype"], str) or value["dtype"] not in DTYPES:
        raise DataError(f"array {name!r} has dtype {reprlib.repr(value['dtype'])}, not a NumPy one")
    if not _are_counts(shape) or len(shape) > MAX_AXES:
        raise DataError(f"array {name!r} has an impossible shape, {reprlib.repr(shape)}")
    if not _are_counts(places) or len(places) != 2:
        raise DataError(f"array {name!r} has impossible data_offsets, {reprlib.repr(places)}")
    entry = TensorEntry(np.dtype(DTYPES[value["dtype"]]), tuple(shape), *places)
    # NumPy requires even of an empty array that its other axes would fit into memory.
    if math.prod(n or 1 for n in shape) * entry.dtype.itemsize > MAX_BYTES:
        raise DataError(f"array {name!r} has an impossible shape, {reprlib.repr(shape)}")
    if math.prod(shape) * entry.dtype.itemsize != entry.end - entry.begin:
        raise DataError(
            f"array {name!r} of shape {reprlib.repr(shape)} and dtype {entry.dtype} does not fill "
            f"its bytes, {reprlib.repr(places)}"
        )
    return entry


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or name == METADATA or not NAME.fullmatch(name):
        raise DataError(
            f"an array's name must be a string of 1 to 500 characters without control characters, "
            f"and not {METADATA!r}, received {reprlib.repr(name)}"
        )


def _check_places(entries: Iterable[TensorEntry], n_bytes: int) -> None:
    """Refuse arrays that overlap, leave gaps, or do not end at the file's end."""
    position = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != position:
            raise DataError("its arrays overlap or leave gaps")
        position = entry.end
    if position > n_bytes:
        raise DataError(f"it is cut off: the last {position - n_bytes:,} bytes are missing")
    if position < n_bytes:
        raise DataError(f"{n_bytes - position:,} bytes follow its last array")


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)
