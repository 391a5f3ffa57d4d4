"""Arrow's data: Parquet files, read in batches, and frames that are in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import DataError, FileError
from chainrule.preprocessing.values import Column
from chainrule.tables.arrow import columns_of, pyarrow, values
from chainrule.tables.table import Table
from chainrule.validation import Array


class ParquetTable(Table):
    """A Parquet file.

    Numbers of any type are numbers; text and booleans are categories, dates and times are times;
    columns of other types, lists for instance, are left out with a note.

    Parameters
    ----------
    path : Path
    like : iterable of Column, optional
        Columns whose kind is known already: times that were categories stay so.

    Raises
    ------
    DataError, FileError
        If it cannot be read as a Parquet file.
    MissingDependencyError
        Without pyarrow.
    """

    def __init__(self, path: Path, like: Iterable[Column] = ()) -> None:
        self._path = path
        with self._opened() as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
        columns, notes = columns_of(schema, str(path), like)
        super().__init__(str(path), columns, rows, notes=notes)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        kinds = {column.name: column.kind for column in self.columns}
        with self._opened() as file:
            for batch in file.iter_batches(batch_size=rows, columns=names):
                yield {name: values(batch.column(name), kinds[name]) for name in names}

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        pa, parquet = pyarrow(), pyarrow("parquet")
        try:
            with parquet.ParquetFile(self._path) as file:
                yield file
        except OSError as error:
            raise FileError(f"{self._path} cannot be read: {error.strerror or error}") from error
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self._path} is no Parquet file that can be read: {reason}"
            ) from error


class ArrowTable(Table):
    """A frame in memory that Arrow reads: of pandas, Polars, DuckDB or PyArrow.

    Parameters
    ----------
    frame : object
        With ``__arrow_c_stream__`` or ``__dataframe__``.
    like : iterable of Column, optional

    Raises
    ------
    DataError
        If Arrow cannot read it.
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
        columns, notes = columns_of(self._data.schema, name, like)
        super().__init__(name, columns, self._data.num_rows, notes=notes)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        kinds = {column.name: column.kind for column in self.columns}
        for start in range(0, self.rows or 0, rows):
            part = self._data.select(names).slice(start, rows).combine_chunks()
            yield {name: values(part.column(name).chunk(0), kinds[name]) for name in names}


def is_frame(source: Any) -> bool:
    """Whether Arrow can read it from memory."""
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__dataframe__")
