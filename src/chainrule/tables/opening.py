"""From what a user names to a table."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from chainrule.errors import DataError, FileError, UnknownNameError
from chainrule.preprocessing.values import Column
from chainrule.storage.files import check_readable
from chainrule.tables.archives import NpzTable
from chainrule.tables.builtin import BUILT_IN, built_in
from chainrule.tables.delimited import CsvTable
from chainrule.tables.images import ImageTable
from chainrule.tables.parquet import ParquetTable
from chainrule.tables.table import Table

READERS: dict[str, Callable[[Path, Iterable[Column]], Table]] = {
    ".csv": CsvTable,
    ".tsv": CsvTable,
    ".txt": CsvTable,
    ".parquet": lambda path, like: ParquetTable(path),
    ".pq": lambda path, like: ParquetTable(path),
    ".npz": lambda path, like: NpzTable(path),
}


def open_table(source: str | os.PathLike[str], like: Iterable[Column] = ()) -> Table:
    """Open anyone's data.

    Parameters
    ----------
    source : str or path
        ``"breast_cancer"``, ``"diabetes"``, ``"digits"``, ``"iris"`` or ``"wine"``: scikit-learn's
        data sets. Or a path: a CSV file (``.csv``, ``.tsv``, ``.txt``), a Parquet file
        (``.parquet``, ``.pq``), a NumPy archive (``.npz``), or a folder of images with a folder
        for each class.
    like : iterable of Column, optional
        Columns as they were in training, such as a `Preprocessor`'s ``columns``: text that looks
        like numbers here stays text, images take their size.

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
    if not isinstance(source, str | os.PathLike):
        raise DataError(f"open_table: expected a name or a path, received {source!r}")
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
    return READERS[suffix](path, like)


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
