"""Open a table from a data set's name, a path or a frame."""

from __future__ import annotations

import bz2
import codecs
import difflib
import gzip
import io
import lzma
import os
import shutil
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import (
    ChainruleError,
    DataError,
    FileError,
    OptionError,
    UnknownNameError,
)
from chainrule._src.data.preprocessing.values import Column
from chainrule._src.data.storage.files import check_readable
from chainrule._src.data.tables.archives import NpzTable
from chainrule._src.data.tables.builtin import BUILT_IN, built_in
from chainrule._src.data.tables.delimited import CsvTable
from chainrule._src.data.tables.images import ImageTable
from chainrule._src.data.tables.parquet import ArrowTable, ParquetTable, is_frame
from chainrule._src.data.tables.table import Table

STDIN = "standard input"
PACKED = (".gz", ".bz2", ".xz")
MARKS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open,
}  # fmt: skip
Reader = Callable[[Path, Iterable[Column], str], Table]
READERS: dict[str, Reader] = {
    ".csv": CsvTable,
    ".tsv": CsvTable,
    ".txt": CsvTable,
    ".parquet": lambda path, like, encoding: ParquetTable(path, like),
    ".pq": lambda path, like, encoding: ParquetTable(path, like),
    ".npz": lambda path, like, encoding: NpzTable(path),
}


def open_table(source: Any, like: Iterable[Column] = (), encoding: str = "utf-8") -> Table:
    """Open a table.

    Parameters
    ----------
    source : str, path or frame
        ``"breast_cancer"``, ``"diabetes"``, ``"digits"``, ``"iris"`` or ``"wine"``: scikit-learn's
        data sets. Or a path: a CSV file (``.csv``, ``.tsv``, ``.txt``), a Parquet file
        (``.parquet``, ``.pq``), a NumPy archive (``.npz``), each of them packed as well
        (``.csv.gz``, ``.bz2``, ``.xz``), or a folder of images with a folder for each class.
        ``"-"`` is standard input, CSV or Parquet. Or a frame that Arrow reads: of pandas, Polars,
        PyArrow, or the result of a query by DuckDB.
    like : iterable of Column, optional
        Columns of training, such as a `Preprocessor`'s ``columns``: texts that were categories
        stay texts even if they look like numbers, images are resized to the same size, and
        ambiguous texts, such as the date ``7/8/2021``, are read as in training.
    encoding : str, default "utf-8"
        Encoding of CSV files; any that Python knows.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the data cannot be used, or if a name means both a data set and a file; write
        ``./iris`` for the file.
    UnknownNameError
        If the kind of file is not supported.
    FileError
        If the file does not exist or cannot be read.
    MissingDependencyError
        For CSV and Parquet files without pyarrow.

    Examples
    --------
    >>> table = open_table("wine")
    >>> table.rows, table.target, table.columns[0]
    (178, 'target', Column(name='alcohol', kind='number', shape=()))
    """
    check_encoding(encoding)
    if is_frame(source):
        return ArrowTable(source, tuple(like))
    if not isinstance(source, str | os.PathLike):
        raise DataError(f"open_table: expected a name, a path or a frame, received {source!r}")
    if source == "-":
        return _unpacked(sys.stdin.buffer, STDIN, _piped, tuple(like), encoding)
    path = Path(source)
    if source in BUILT_IN:
        if path.exists():
            raise DataError(
                f"{source!r} is both one of scikit-learn's data sets and a file here; write "
                f"{'.' + os.sep + str(source)!r} for the file, or start elsewhere for the data set"
            )
        return built_in(str(source))
    if not os.path.lexists(path):
        raise FileError(f"{os.fspath(source)!r} does not exist{_closest(path)}")
    like = tuple(like)
    if path.is_dir():
        return ImageTable(path, like)
    check_readable(path)
    inner = path.with_suffix("") if path.suffix.lower() in PACKED else path
    suffix = inner.suffix.lower()
    if suffix not in READERS:
        raise UnknownNameError("kind of file", suffix, READERS)
    if inner is path:
        return READERS[suffix](path, like, encoding)
    with path.open("rb") as file:
        return _unpacked(file, str(path), READERS[suffix], like, encoding)


def check_encoding(encoding: str) -> None:
    """Refuse an encoding that Python does not know."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise OptionError(
            "encoding", f"{encoding!r} is unknown; there are utf-8, latin-1, cp1252, utf-16, …"
        ) from None


def _piped(path: Path, like: Iterable[Column], encoding: str) -> Table:
    """Open a CSV or Parquet file whose kind the name does not tell."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    return ParquetTable(path, like) if is_parquet else CsvTable(path, like, encoding)


def _unpacked(file: Any, name: str, read: Reader, like: tuple[Column, ...], encoding: str) -> Table:
    """Unpack a stream into a temporary file, and open that, since tables are read repeatedly."""
    handle, temporary = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as out:
            _unpack(file, out, name)
        table = read(Path(temporary), like, encoding)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, ChainruleError):
            raise type(error)(str(error).replace(temporary, name)) from None
        raise
    table.name = name
    weakref.finalize(table, os.unlink, temporary)
    return table


def _unpack(file: Any, out: Any, name: str) -> None:
    """Copy a stream; decompress it if its first bytes are those of a compressed file."""
    file = file if hasattr(file, "peek") else io.BufferedReader(file)
    begin = file.peek(6)[:6]
    opened = next((to for mark, to in MARKS.items() if begin.startswith(mark)), None)
    try:
        shutil.copyfileobj(file if opened is None else opened(file), out)
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name} cannot be unpacked: {error}") from error
    except OSError as error:
        raise FileError(f"{name} cannot be read: {error.strerror or error}") from error


def _closest(path: Path) -> str:
    """Return a hint at existing files and data sets with similar names."""
    parent = path.parent
    beside = {}
    if parent.is_dir() and os.access(parent, os.R_OK):
        beside = {each.name: str(parent / each.name) for each in parent.iterdir()}
    names = {**beside, **dict.fromkeys(BUILT_IN, "")}
    close = difflib.get_close_matches(path.name, names, n=3)
    if close:
        return f": did you mean {' or '.join(repr(names[name] or name) for name in close)}?"
    return f"; data sets that are always there: {', '.join(BUILT_IN)}"
