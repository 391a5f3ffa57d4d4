"""Models and checkpoints as files: named arrays and one document, in the safetensors format.

Any program that reads safetensors can read the arrays. The metadata are ``format`` (chainrule),
``version`` of the format, ``kind`` of the file, and ``document``, which is JSON. Loading runs no
code, and no array is allocated before the complete header is checked.
"""

from __future__ import annotations

import contextlib
import os
import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.storage.document import from_json, to_json
from chainrule._src.data.storage.files import open_file, write_whole
from chainrule._src.data.storage.layout import (
    LENGTH,
    MAX_HEADER,
    TensorEntry,
    assign_offsets,
    header_bytes,
    parse_entries,
    parse_header,
    storage_form,
)
from chainrule._src.data.storage.signatures import PEEK, check_name, guess

FORMAT = "chainrule"
VERSION = 1
HINTS = {"weights": "; load them into their model by model.load_weights"}  # by the kind of a file


class Header(NamedTuple):
    """The parsed header, and the offset at which the arrays' bytes begin."""

    entries: dict[str, TensorEntry]
    metadata: dict[str, str]
    start: int


@dataclass(frozen=True)
class Contents:
    """Contents of a file without the values of its arrays.

    Parameters
    ----------
    kind : str
        ``"model"``, ``"checkpoint"``, ...
    document : dict
        The plain values beside the arrays.
    shapes : dict of str to tuple of int
        Shapes of the arrays by name.
    dtypes : dict of str to dtype
        Dtypes of the arrays by name.

    Examples
    --------
    >>> Contents("model", {"units": 2}, {"W": (3, 2)}, {"W": np.dtype("float32")}).shapes["W"]
    (3, 2)
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
    """Write arrays and a document atomically: ``path`` holds all of them, or its old content.

    Parameters
    ----------
    path : path
    arrays : dict of str to ndarray
        Arrays of any shape; booleans, whole numbers, float16, float32 or float64.
    document : dict
        Nested plain values: see `chainrule._src.data.storage.document.to_json`.
    kind : str, default "model"
        Kind of the file; `read_tensors` refuses a file of another kind.

    Raises
    ------
    DataError
        If the arrays or the document hold a value that cannot be stored.
    FileError
        If the file cannot be written, or its suffix belongs to another format; an existing file
        is not changed.

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
    write_whole(path, tensor_chunks(arrays, file_metadata(document, kind)))


def file_metadata(document: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the metadata of a file of this kind."""
    return {
        "format": FORMAT,
        "version": str(VERSION),
        "kind": kind,
        "document": to_json(document),
    }


def read_tensors(
    path: str | os.PathLike[str], *, kind: str | Sequence[str] = "model"
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read the arrays, as writable copies, and the document of a file.

    Parameters
    ----------
    path : path-like
    kind : str or sequence of str, default "model"
        The kind that the file must have, or one of them.

    Returns
    -------
    arrays : dict of str to ndarray
    document : dict

    Raises
    ------
    FileError
        If the file does not exist, is invalid or truncated, has a later format version or another
        kind, or was written by another program.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.safetensors"
    ...     write_tensors(path, {"b": np.array([1.0, 2.0])}, {"units": 2})
    ...     read_tensors(path)
    ({'b': array([1., 2.])}, {'units': 2})
    """
    with _opened(path) as (file, header):
        kinds = (kind,) if isinstance(kind, str) else kind
        actual = header.metadata["kind"]
        if actual not in kinds:
            expected = " or ".join(map(repr, kinds))
            hint = HINTS.get(actual, "")
            raise DataError(f"it holds {reprlib.repr(actual)}, expected {expected}{hint}")
        document = from_json(header.metadata["document"])
        arrays = {
            name: _read(file, header.start, name, entry) for name, entry in header.entries.items()
        }
    return arrays, document


def describe(path: str | os.PathLike[str]) -> Contents:
    """Return the contents of a file of any kind, without reading its arrays.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Contents

    Raises
    ------
    FileError
        As `read_tensors` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.safetensors"
    ...     write_tensors(path, {"b": np.array([1.0, 2.0])}, {"units": 2}, kind="checkpoint")
    ...     contents = describe(path)
    >>> contents.kind, contents.shapes
    ('checkpoint', {'b': (2,)})
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
    """Open a file and check its header; any error in the file becomes a `FileError`."""
    with open_file(path) as file:
        try:
            yield file, _header(file)
        except (DataError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FileError(f"cannot read {path}: {reason}") from error
        except MemoryError as error:
            raise FileError(f"cannot read {path}: it does not fit into memory") from error


def _header(file: BinaryIO) -> Header:
    """Read and check the header of a file."""
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
    """Refuse files of other programs and of later versions of the format."""
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


def tensor_chunks(
    arrays: Mapping[str, Array], metadata: Mapping[str, str]
) -> Iterator[bytes | memoryview]:
    """Return the bytes of a file in parts: the header, then each array's memory without a copy.

    Raises
    ------
    DataError
        If an array cannot be stored.
    """
    forms = {name: storage_form(array, name) for name, array in arrays.items()}
    places = assign_offsets(forms)
    header = header_bytes({name: places[name] for name in forms}, metadata)
    ordered = [forms[name] for name in places]
    return chain([header], (array.reshape(-1).view(np.uint8).data for array in ordered))


def _read(file: BinaryIO, start: int, name: str, entry: TensorEntry) -> Array:
    """Read one array from the file and check its values."""
    flat = np.empty(entry.end - entry.begin, np.uint8)
    file.seek(start + entry.begin)
    if file.readinto(flat.data) != flat.nbytes:  # type: ignore[attr-defined]
        raise DataError("it became shorter while it was read")
    if entry.dtype == np.bool_ and flat.max(initial=0) > 1:
        raise DataError(f"array {name!r} holds bytes that are neither true nor false")
    array: Array = flat.view(entry.dtype).reshape(entry.shape)
    return array.astype(entry.dtype.newbyteorder("="), copy=False)
