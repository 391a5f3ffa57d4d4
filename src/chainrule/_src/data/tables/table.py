"""A table: columns with names and kinds, whose rows are read in chunks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_positive, lookup
from chainrule._src.data.preprocessing.values import Column, as_array, column_values, kind_of

CHUNK_BYTES = 2**26  # of a chunk by default
MAX_COLUMNS = 100_000
CHUNK_ROWS = 2**14  # at most by default: features of so many rows stay in the cache


def check_columns(where: str, count: int, at_least: bool = False) -> None:
    """Refuse a table too wide to learn from."""
    if count > MAX_COLUMNS:
        least = "at least " if at_least else ""
        raise DataError(
            f"{where} has {least}{count:,} columns; a network takes {MAX_COLUMNS:,} at most. Are "
            "rows and columns exchanged? Else keep those that matter"
        )


class Table(ABC):
    """Rows of named columns from any source; a class of a source defines how they are read.

    Parameters
    ----------
    name : str
        The table's name in messages.
    columns : iterable of Column
    rows : int or None
        Number of rows; None if it is unknown before reading.
    target : str, optional
        The column that is usually predicted, if the source names one.
    notes : iterable of str, optional
        Notes for the user on how the source was interpreted.

    Attributes
    ----------
    name, columns, rows, target, notes
        As the parameters; ``columns`` and ``notes`` are tuples.

    Raises
    ------
    DataError
        If there is no row or no column, or there are more than 100,000 columns.

    Examples
    --------
    >>> table = ArrayTable("pets", {"age": [1, 2, 3]}, target="age")
    >>> table.rows, table.target, [column.name for column in table.columns]
    (3, 'age', ['age'])
    """

    def __init__(
        self,
        name: str,
        columns: Iterable[Column],
        rows: int | None,
        *,
        target: str | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self.name, self.rows, self.target = name, rows, target
        self.columns, self.notes = tuple(columns), tuple(notes)
        if rows == 0:
            raise DataError(f"{name} holds no rows; at least one is needed")
        check_columns(name, len(self.columns))
        if not self.columns:
            raise DataError(f"{name} holds no column that can be used")

    def chunks(
        self, rows: int | None = None, columns: Iterable[str] | None = None
    ) -> Iterator[dict[str, Array]]:
        """Read the rows in order, in chunks.

        Parameters
        ----------
        rows : int, optional
            Maximum number of rows of a chunk; by default as many as fit into 64 MB, and at most
            16,384.
        columns : iterable of str, optional
            Columns to read; by default all.

        Yields
        ------
        dict of ndarray
            Name → values: numbers as float64 with NaN for missing, shape ``(n,)``; categories as
            objects, text or None for missing; images as they are stored, shape ``(n, h, w)`` or
            ``(n, h, w, c)``.

        Raises
        ------
        DataError, UnknownNameError
            For unknown columns, or values that cannot be read.
        FileError
            If the source cannot be read any more.
        """
        columns_by_name = {column.name: column for column in self.columns}
        names = list(columns_by_name if columns is None else dict.fromkeys(columns))
        selected = [lookup("column", name, columns_by_name) for name in names]
        if not selected:
            raise DataError(f"{self.name}: columns names none")
        most = usual_rows(selected) if rows is None else check_positive(rows, "rows", "chunks")
        return self._read(most, names)

    @abstractmethod
    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        """Yield chunks of at most ``rows`` rows."""

    def stored(self, rows: int, names: list[str]) -> Iterator[Any] | None:
        """Return batches of columns, about ``rows`` rows each, in the types of the source.

        None if the source stores the same values that `chunks` yields.
        """
        return None

    def __repr__(self) -> str:
        rows = "?" if self.rows is None else f"{self.rows:,}"
        return f"<{type(self).__name__} {self.name}: {rows} rows × {len(self.columns):,} columns>"


class ArrayTable(Table):
    """Holds the columns of a table as arrays in memory.

    Parameters
    ----------
    name : str
    arrays : dict of array_like
        Name of a column → its values: numbers, text, booleans or images.
    target : str, optional

    Raises
    ------
    DataError
        If columns have different numbers of rows, or there is no row.

    Examples
    --------
    >>> table = ArrayTable("pets", {"age": [1, 2, 3], "kind": ["cat", None, "dog"]})
    >>> table
    <ArrayTable pets: 3 rows × 2 columns>
    >>> [chunk["age"].tolist() for chunk in table.chunks(rows=2)]
    [[1.0, 2.0], [3.0]]
    """

    def __init__(self, name: str, arrays: Mapping[str, object], target: str | None = None) -> None:
        self._arrays = {key: as_array(values) for key, values in arrays.items()}
        self._arrays = {
            key: values if values.dtype.kind in "fiu" else column_values(values, key, name)
            for key, values in self._arrays.items()
        }
        lengths = {len(values) for values in self._arrays.values()}
        if len(lengths) > 1:
            raise DataError(f"{name}: columns must have equally many rows, received {lengths}")
        columns = [Column(key, kind_of(v), v.shape[1:]) for key, v in self._arrays.items()]
        super().__init__(name, columns, next(iter(lengths), 0), target=target)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        for start in range(0, self.rows or 0, rows):
            part = slice(start, start + rows)
            yield {name: column_values(self._arrays[name][part], name, self.name) for name in names}


def usual_rows(columns: Iterable[Column]) -> int:
    """Return the default number of rows of a chunk with these columns."""
    width = sum(math.prod(column.shape) for column in columns)
    return max(1, min(CHUNK_ROWS, CHUNK_BYTES // (8 * width)))
