"""CSV files, read in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.preprocessing.values import MISSING, Column
from chainrule._src.data.tables.arrow import numbers, pyarrow
from chainrule._src.data.tables.dialect import broken_line, read_dialect
from chainrule._src.data.tables.fields import Field, field_of
from chainrule._src.data.tables.spilled import SpilledColumns, fits
from chainrule._src.data.tables.table import Table, check_columns

BLOCK = 2**22  # bytes per block; a row must fit
SMALL = 2**26  # files of at most so many bytes stay in memory


class CsvTable(Table):
    """A CSV file: one line of column names, then rows.

    Opening reads the complete file once, because all texts of a column together decide whether
    they are numbers, times or categories (see `fields`). What it parsed stays in memory, or of a
    large file in a temporary file, if the disk has room. Fields may be quoted. The separator is
    the one of ``,`` ``;`` tab and ``|`` that splits the first line into the most names. Empty
    fields and NA, N/A, ?, NaN and null are missing.

    Parameters
    ----------
    path : Path
    like : iterable of Column, optional
        Columns with their kind and notation in training.
    encoding : str, default "utf-8"

    Raises
    ------
    DataError
        If the file is not such a table; the message names the line or the column.
    FileError
        If the file cannot be read.
    MissingDependencyError
        Without pyarrow.
    """

    def __init__(self, path: Path, like: Iterable[Column] = (), encoding: str = "utf-8") -> None:
        pyarrow()
        self._path, self._dialect = path, read_dialect(path, encoding)
        names = [name for name in self._dialect.names if name]
        check_columns(str(path), len(names))
        unnamed = "columns without a name are left out; the first line can name them"
        notes = [unnamed] * (len(names) < len(self._dialect.names))
        trained = {column.name: column for column in like}
        decimal = "." if self._dialect.separator == "," else ","
        self._fields = {each: field_of(each, decimal, trained.get(each)) for each in names}
        self._whole: dict[str, Any] = {}
        self._columns: dict[str, Array] = {}
        self._spilled: SpilledColumns | None = None
        rows = self._scan(names)
        for each in self._fields.values():
            notes += each.notes()
            with self._named():
                each.check()
        columns = [
            Column(each.name, each.found, written=each.written) for each in self._fields.values()
        ]
        super().__init__(str(path), columns, rows, notes=notes)

    def _scan(self, names: list[str]) -> int:
        """Add all rows to the fields; keep what was parsed. Return the number of rows."""
        size, batches = self._path.stat().st_size, []
        spilled = SpilledColumns() if size > SMALL and fits(size) else None
        rows = 0
        for batch in self._batches(names):
            for name, texts in zip(names, batch.columns, strict=True):
                field = self._fields[name]
                floats = field.add(texts) if field.is_open else None
                if spilled is not None:
                    spilled.add(name, texts, floats)
            rows += batch.num_rows
            if size <= SMALL:
                batches.append(batch)
        if batches:
            table = pyarrow().Table.from_batches(batches).combine_chunks()
            self._whole = {n: c.chunk(0) for n, c in zip(names, table.columns, strict=True)}
        if spilled is not None:
            spilled.discard({n for n in spilled.numbers if self._fields[n].found != "number"})
            self._spilled = spilled
        return rows

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        if self._whole:
            columns = {name: self._cached_values(name) for name in names}
            for start in range(0, self.rows or 0, rows):
                yield {name: values[start : start + rows] for name, values in columns.items()}
            return
        reads: dict[str, Callable[[Any], Array]] = {
            name: partial(self._values, self._fields[name]) for name in names
        }
        if self._spilled is not None and self._spilled.holds(names):
            blocks = self._spilled.blocks(names)
            reads |= dict.fromkeys(self._spilled.numbers.intersection(names), numbers)
        else:
            blocks = (dict(zip(names, each.columns, strict=True)) for each in self._batches(names))
        for block in blocks:
            for start in range(0, len(block[names[0]]), rows):
                yield {name: read(block[name].slice(start, rows)) for name, read in reads.items()}

    def _cached_values(self, name: str) -> Array:
        if name not in self._columns:
            self._columns[name] = self._values(self._fields[name], self._whole[name])
        return self._columns[name]

    def _values(self, field: Field, array: Any) -> Array:
        with self._named():
            return field.values(array)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Context manager that adds the file's path to a `DataError`."""
        try:
            yield
        except DataError as error:
            raise DataError(f"{self._path}: {error}") from error

    def stored(self, rows: int, names: list[str]) -> Iterator[Any]:
        """Return blocks of columns with the texts exactly as in the file."""
        return self._batches(names, ())

    def _batches(self, names: list[str], nulls: Iterable[str] = MISSING) -> Iterator[Any]:
        """Yield blocks of these columns as text; the texts in ``nulls`` become null."""
        csv, pa = pyarrow("csv"), pyarrow()
        places = [str(i) for i in range(len(self._dialect.names))]  # names may be empty
        where = dict(zip(self._dialect.names, places, strict=True))
        include = [where[name] for name in names]
        with (
            self._explained(),
            csv.open_csv(
                self._path,
                csv.ReadOptions(
                    block_size=BLOCK,
                    column_names=places,
                    skip_rows=self._dialect.header_lines,
                    encoding=self._dialect.encoding,
                ),
                csv.ParseOptions(delimiter=self._dialect.separator, newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(places, pa.string()),
                    include_columns=include,
                    null_values=sorted(nulls),
                    strings_can_be_null=bool(nulls),
                ),
            ) as reader,
        ):
            yield from reader

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Context manager that replaces errors of Arrow's reader by errors that name the line."""
        try:
            yield
        except (pyarrow().ArrowInvalid, UnicodeDecodeError) as error:
            fault = broken_line(self._path, self._dialect) or " ".join(str(error).split())
            if "straddl" in fault:  # Arrow's word for a row that spans more than two blocks
                fault = f"a row is longer than {BLOCK:,} bytes; is a quote not closed?"
            raise DataError(f"{self._path}: {fault}") from error
        except OSError as error:
            raise FileError(f"{self._path} cannot be read: {error.strerror or error}") from error
