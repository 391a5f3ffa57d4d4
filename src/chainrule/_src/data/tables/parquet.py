"""Tables from Arrow's data: Parquet files, read in batches, and frames in memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.preprocessing.values import Column
from chainrule._src.data.tables.arrow import (
    columns_of,
    is_encoded,
    is_text,
    is_valid,
    pyarrow,
    stored_schema,
    text,
    texts_of,
    undecodable,
    values,
)
from chainrule._src.data.tables.fields import field_of
from chainrule._src.data.tables.table import Table

ROWS = 2**16  # per batch, while the kind of text columns is inferred


class TypedTable(Table):
    """A table of Arrow's columns; its texts may be numbers and times, as in CSV files."""

    _path: Any  # or a description, for a frame

    def _understand(self, name: str, schema: Any, rows: int, like: Iterable[Column]) -> None:
        """Infer the kinds of the columns and initialise the table."""
        like = tuple(like)
        columns, notes = columns_of(schema, name, like)
        trained = {column.name: column for column in like}
        self._encoded = {field.name for field in schema if is_encoded(field.type)}
        self._fields = {
            column.name: field_of(column.name, ".", trained.get(column.name), typed=True)
            for column in columns
            if is_text(schema.field(column.name).type)
        }
        open_ones = [each for each, field in self._fields.items() if field.is_open]
        for batch in self._batches(ROWS, open_ones) if open_ones else ():
            for each in open_ones:
                self._fields[each].add(text(batch.column(each)))
            if not any(self._fields[each].is_open for each in open_ones):
                break
        for field in self._fields.values():
            notes += field.notes()
            field.check()
        columns = [self._understood(each) for each in columns]
        columns = [self._in_order(c, schema.field(c.name).type) for c in columns]
        super().__init__(name, columns, rows, notes=notes)

    def _understood(self, column: Column) -> Column:
        if column.name not in self._fields:
            return column
        field = self._fields[column.name]
        return Column(column.name, field.found, written=field.written)

    def _in_order(self, column: Column, arrow_type: Any) -> Column:
        """Return a column with the order of its categories, which an ordered type has."""
        if not getattr(arrow_type, "ordered", False):
            return column
        first = next(self._batches(1, [column.name]), None)
        array: Any = None if first is None else first.column(column.name)
        is_ordered = array is not None and is_encoded(array.type)
        order = tuple(filter(None, texts_of(array.dictionary))) if is_ordered else ()
        return replace(column, order=order if len({*order}) == len(order) else ())

    @abstractmethod
    def _stored(self, rows: int, names: list[str]) -> Iterator[Any]:
        """Yield Arrow's batches of these columns."""

    def _batches(self, rows: int, names: list[str]) -> Iterator[Any]:
        """Yield Arrow's batches of these columns, whose texts are UTF-8."""
        for batch in self._stored(rows, names):
            for name in names:
                if not is_valid(batch.column(name)):
                    self._refuse_text(name)
            yield batch

    def _refuse_text(self, name: str) -> None:
        """Raise a `DataError` that names the row of the column's first text that is not UTF-8."""
        where, start = "that no row has", 1
        for batch in self._stored(ROWS, [name]):
            position = undecodable(batch.column(name))
            if position is not None:
                where = f"in row {start + position}"
                break
            start += batch.num_rows
        raise DataError(
            f"{self._path}: the text of column {name!r} {where} is not UTF-8. Write the data again "
            "with pyarrow or pandas, its texts decoded with their encoding, such as "
            "bytes.decode('latin-1')"
        )

    def stored(self, rows: int, names: list[str]) -> Iterator[Any]:
        """Return Arrow's batches of columns without conversion."""
        return self._batches(rows, names)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        kinds = {column.name: column.kind for column in self.columns}
        for batch in self._batches(rows, names):
            yield {name: self._values(name, batch.column(name), kinds[name]) for name in names}

    def _values(self, name: str, array: Any, kind: str) -> Array:
        # The Parquet reader may have dropped the dictionary.
        if name in self._encoded and not is_encoded(array.type):
            array = array.dictionary_encode()
        if kind == "category" or name not in self._fields:
            return values(array, kind)
        return self._fields[name].values(text(array))


class ParquetTable(TypedTable):
    """A Parquet file.

    Numbers of any type are numbers; text and booleans are categories, dates and times are times.
    Arrow's dictionaries, which pandas writes for categories, are categories with any type of
    value. Texts that are numbers or times are read as in a CSV file, except for columns with codes
    such as ``"00501"``. Columns of other types, such as lists, are left out with a note.

    Parameters
    ----------
    path : Path
    like : iterable of Column, optional
        Columns of training: times that were categories in training are read as categories.

    Raises
    ------
    DataError, FileError
        If the file cannot be read as a Parquet file.
    MissingDependencyError
        Without pyarrow.
    """

    def __init__(self, path: Path, like: Iterable[Column] = ()) -> None:
        self._path = path
        with self._opened() as file:
            schema, rows = stored_schema(file), file.metadata.num_rows
        self._understand(str(path), schema, rows, like)

    def _stored(self, rows: int, names: list[str]) -> Iterator[Any]:
        with self._opened() as file:
            # Arrow keeps the groups that it has read until the last one is.
            for groups in _row_groups(file.metadata, rows):
                yield from file.iter_batches(rows, groups, names)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        pa, parquet = pyarrow(), pyarrow("parquet")
        try:
            with parquet.ParquetFile(self._path) as file:
                yield file
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self._path}: the name of a column is not UTF-8 ({error.object!r}); rename it"
            ) from error
        except OSError as error:
            raise FileError(f"{self._path} cannot be read: {error.strerror or error}") from error
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self._path} is no Parquet file that can be read: {reason}"
            ) from error


def _row_groups(about: Any, rows: int) -> Iterator[list[int]]:
    """Yield numbers of row groups, in lists that have ``rows`` rows or more."""
    numbers, total = list[int](), 0
    for number in range(about.num_row_groups):
        numbers.append(number)
        total += about.row_group(number).num_rows
        if total >= rows:
            yield numbers
            numbers, total = [], 0
    if numbers:
        yield numbers


class ArrowTable(TypedTable):
    """A frame in memory that Arrow can read: of pandas, Polars, DuckDB or PyArrow.

    The kinds of the columns are inferred as for a Parquet file.

    Parameters
    ----------
    frame : object
        Object with the method ``__arrow_c_stream__`` or ``__dataframe__``.
    like : iterable of Column, optional

    Raises
    ------
    DataError
        If Arrow cannot read the frame.
    """

    def __init__(self, frame: Any, like: Iterable[Column] = ()) -> None:
        pa, name = pyarrow(), f"a {type(frame).__name__}"
        try:
            if hasattr(frame, "__arrow_c_stream__"):
                self._data = pa.table(frame)
            else:
                self._data = pyarrow("interchange").from_dataframe(frame)
        except (pa.ArrowException, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise DataError(f"{name} cannot be read through Arrow: {reason}") from error
        self._path = name
        self._understand(name, self._data.schema, self._data.num_rows, like)

    def _stored(self, rows: int, names: list[str]) -> Iterator[Any]:
        for start in range(0, self._data.num_rows, rows):
            part = self._data.select(names).slice(start, rows).combine_chunks()
            yield from part.to_batches()


def is_frame(source: Any) -> bool:
    """Return true if Arrow can read the object from memory."""
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__dataframe__")
