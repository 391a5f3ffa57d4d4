"""Models and checkpoints as files: named arrays and one document, in the safetensors format.

Any program that reads safetensors can read the arrays. The metadata say what the file is:
``format`` (chainrule), ``version`` of the format, ``kind``, and ``document``, which is JSON.
Loading runs no code, and no array is made before the whole header is checked.
"""

from __future__ import annotations

import contextlib
import os
import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.storage.document import from_json, to_json
from chainrule._src.data.storage.files import open_file, write_whole
from chainrule._src.data.storage.layout import (
    LENGTH,
    MAX_HEADER,
    Entry,
    header_bytes,
    parse_entries,
    parse_header,
    place,
    stored,
)
from chainrule._src.data.storage.signatures import PEEK, check_name, guess

FORMAT = "chainrule"
VERSION = 1


class Header(NamedTuple):
    """What stands before the arrays, and where their bytes begin."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    start: int


@dataclass(frozen=True)
class Contents:
    """What a file holds, its arrays unread.

    Attributes
    ----------
    kind : str
        ``"model"``, ``"checkpoint"``, ...
    document : dict
    shapes : dict of str to tuple of int
    dtypes : dict of str to dtype
    """

    kind: str
    document: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, np.dtype[Any]]


def write_tensors(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    document: Mapping[str, Any],
    *,
    kind: str = "model",
) -> None:
    """Write arrays and a document so that ``path`` holds all of them, or what it held before.

    Parameters
    ----------
    path : path
    arrays : dict of str to ndarray
        Of any shape; booleans, whole numbers, float16, float32 or float64.
    document : dict
        Nested plain values: see `chainrule._src.data.storage.document.to_json`.
    kind : str, default "model"
        What the file is; reading asks for it.

    Raises
    ------
    DataError
        If arrays or document hold what cannot be kept.
    FileError
        If the file cannot be written, or its name is that of another kind of file: what was
        there is untouched.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.safetensors"
    ...     write_tensors(path, {"W": np.eye(2, dtype=np.float32)}, {"units": 2})
    ...     arrays, document = read_tensors(path)
    ...     print(describe(path).shapes)
    {'W': (2, 2)}
    >>> arrays["W"], document
    (array([[1., 0.], [0., 1.]], dtype=float32), {'units': 2})
    """
    check_name(path)
    kept = {name: stored(array, name) for name, array in arrays.items()}
    places = place(kept)
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "kind": kind,
        "document": to_json(document),
    }
    header = header_bytes({name: places[name] for name in kept}, metadata)
    write_whole(path, _chunks(header, [kept[name] for name in places]))


def read_tensors(
    path: str | os.PathLike[str], *, kind: str = "model"
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read the arrays, as copies that may be changed, and the document of a file.

    Raises
    ------
    FileError
        If there is no such file, or it is broken, cut off, of a later format, of another kind, or
        another program's.
    """
    with _opened(path) as (file, header):
        found = header.metadata["kind"]
        if found != kind:
            raise DataError(f"it holds {reprlib.repr(found)}, expected {kind!r}")
        document = from_json(header.metadata["document"])
        arrays = {
            name: _read(file, header.start, name, entry) for name, entry in header.entries.items()
        }
    return arrays, document


def describe(path: str | os.PathLike[str]) -> Contents:
    """Return what a file holds, of any kind, without reading its arrays.

    Raises
    ------
    FileError
        As `read_tensors` does.
    """
    with _opened(path) as (_, header):
        return Contents(
            kind=header.metadata["kind"],
            document=from_json(header.metadata["document"]),
            shapes={name: entry.shape for name, entry in header.entries.items()},
            dtypes={name: entry.dtype for name, entry in header.entries.items()},
        )


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, Header]]:
    """Open one of our files, its header checked; whatever is wrong with it is a `FileError`."""
    with open_file(path) as file:
        try:
            yield file, _header(file)
        except (DataError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"cannot read {path}: {reason}") from error
        except MemoryError as error:
            raise FileError(f"cannot read {path}: it does not fit into memory") from error


def _header(file: BinaryIO) -> Header:
    """Read and check the header."""
    size = os.fstat(file.fileno()).st_size
    head = file.read(PEEK)
    length = int.from_bytes(head[:LENGTH], "little")
    if head[LENGTH : LENGTH + 1] != b"{":
        raise DataError(f"expected a file of chainrule, but it seems to be {guess(head)}")
    if length > size - LENGTH:
        raise DataError("it is cut off, or no file of chainrule: its header does not end")
    if length > MAX_HEADER:
        raise DataError(f"its header has {length:,} bytes; at most {MAX_HEADER:,} are read")
    file.seek(LENGTH)
    table, metadata = parse_header(file.read(length))
    _check_format(metadata)
    start = LENGTH + length
    return Header(parse_entries(table, size - start), metadata, start)


def _check_format(metadata: Mapping[str, str]) -> None:
    """Refuse files of other programs and of later versions, whose arrays may be unlike ours."""
    if metadata.get("format") != FORMAT:
        raise DataError(
            "it is a safetensors file of another program; the package of that name reads its arrays"
        )
    if not {"version", "kind", "document"} <= metadata.keys():
        raise DataError("its metadata must name version, kind and document")
    version = metadata["version"]
    if not re.fullmatch("[1-9][0-9]{0,8}", version):
        raise DataError(f"its format has an impossible version, {reprlib.repr(version)}")
    if int(version) > VERSION:
        raise DataError(
            f"it was written by a later chainrule (format {version}, this one reads up to "
            f"{VERSION}); update chainrule"
        )


def _chunks(header: bytes, arrays: list[Array]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a file, the arrays' own memory among them."""
    yield header
    for array in arrays:
        yield array.reshape(-1).view(np.uint8).data


def _read(file: BinaryIO, start: int, name: str, entry: Entry) -> Array:
    """Read one array."""
    flat = np.empty(entry.end - entry.begin, np.uint8)
    file.seek(start + entry.begin)
    if file.readinto(flat.data) != flat.nbytes:  # type: ignore[attr-defined]
        raise DataError("it became shorter while it was read")
    if entry.dtype == np.bool_ and flat.max(initial=0) > 1:
        raise DataError(f"array {name!r} holds bytes that are neither true nor false")
    array: Array = flat.view(entry.dtype).reshape(entry.shape)
    return array.astype(entry.dtype.newbyteorder("="), copy=False)
