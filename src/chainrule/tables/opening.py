"""From what a user names to a table."""

from __future__ import annotations

import codecs
import difflib
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from chainrule.errors import (
    ChainruleError,
    DataError,
    FileError,
    OptionError,
    UnknownNameError,
)
from chainrule.preprocessing.values import Column
from chainrule.storage.files import check_readable
from chainrule.tables.archives import NpzTable
from chainrule.tables.builtin import BUILT_IN, built_in
from chainrule.tables.delimited import CsvTable
from chainrule.tables.images import ImageTable
from chainrule.tables.parquet import ArrowTable, ParquetTable, is_frame
from chainrule.tables.table import Table

STDIN = "standard input"
READERS: dict[str, Callable[[Path, Iterable[Column], str], Table]] = {
    ".csv": CsvTable,
    ".tsv": CsvTable,
    ".txt": CsvTable,
    ".parquet": lambda path, like, encoding: ParquetTable(path, like),
    ".pq": lambda path, like, encoding: ParquetTable(path, like),
    ".npz": lambda path, like, encoding: NpzTable(path),
}


def open_table(source: Any, like: Iterable[Column] = (), encoding: str = "utf-8") -> Table:
    """Open anyone's data.

    Parameters
    ----------
    source : str, path or frame
        ``"breast_cancer"``, ``"diabetes"``, ``"digits"``, ``"iris"`` or ``"wine"``: scikit-learn's
        data sets. Or a path: a CSV file (``.csv``, ``.tsv``, ``.txt``), a Parquet file
        (``.parquet``, ``.pq``), a NumPy archive (``.npz``), or a folder of images with a folder
        for each class. ``"-"`` is standard input, CSV or Parquet. Or a frame that Arrow reads: of
        pandas, Polars, PyArrow, or the result of a query by DuckDB.
    like : iterable of Column, optional
        Columns as they were in training, such as a `Preprocessor`'s ``columns``: text that looks
        like numbers here stays text, images take their size.
    encoding : str, default "utf-8"
        Of CSV files; any of Python's.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the data cannot be used; or if a name means both a data set and a file: then the file
        is given as ``./iris``.
    UnknownNameError
        If the kind of file is none of these.
    FileError
        If there is no such file, or it cannot be read.
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
        return _standard_input(tuple(like), encoding)
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
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise UnknownNameError("kind of file", suffix, READERS)
    return READERS[suffix](path, like, encoding)


def check_encoding(encoding: str) -> None:
    """Refuse an encoding that Python does not know."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise OptionError(
            "encoding", f"{encoding!r} is unknown; there are utf-8, latin-1, cp1252, utf-16, …"
        ) from None


def _standard_input(like: tuple[Column, ...], encoding: str) -> Table:
    """Open what comes from standard input, kept in a temporary file as it is gone through twice."""
    handle, name = tempfile.mkstemp()
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    try:
        path = Path(name)
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        table = ParquetTable(path, like) if is_parquet else CsvTable(path, like, encoding)
    except ChainruleError as error:
        os.unlink(name)
        raise type(error)(str(error).replace(name, STDIN)) from None
    table.name = STDIN
    weakref.finalize(table, os.unlink, name)
    return table


def _closest(path: Path) -> str:
    """Return a hint at names that are there."""
    parent = path.parent
    beside = {}
    if parent.is_dir() and os.access(parent, os.R_OK):
        beside = {found.name: str(parent / found.name) for found in parent.iterdir()}
    names = {**beside, **dict.fromkeys(BUILT_IN, "")}
    close = difflib.get_close_matches(path.name, names, n=3)
    if close:
        return f": did you mean {' or '.join(repr(names[name] or name) for name in close)}?"
    return f"; data sets that are always there: {', '.join(BUILT_IN)}"
