"""CSV files, read in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import DataError, FileError
from chainrule.preprocessing.values import MISSING, Column, quoted
from chainrule.tables.arrow import first_text, numbers, parsed, pyarrow, texts
from chainrule.tables.dialect import broken_line, read_dialect
from chainrule.tables.table import Table
from chainrule.validation import Array

BLOCK = 2**22  # bytes read at once; a row must fit


class CsvTable(Table):
    """A CSV file: one line of column names, then rows.

    Opening it reads it once from end to end, for a column is of numbers only if every value of it
    is one. Fields may be quoted; the separator, ``,`` ``;`` tab or ``|``, is the one that splits
    the first line into most names. Empty fields and NA, N/A, ?, NaN and null are missing. Dates
    are text.

    Parameters
    ----------
    path : Path
    like : iterable of Column, optional
        Columns whose kind is known already.

    Raises
    ------
    DataError
        If it is no such file; the message names the line or the column.
    FileError
        If it cannot be read.
    MissingDependencyError
        Without pyarrow.
    """

    def __init__(self, path: Path, like: Iterable[Column] = ()) -> None:
        pyarrow()
        self._path, self._dialect = path, read_dialect(path)
        names = self._dialect.names
        notes = [] if all(names) else ["columns without a name are left out"]
        kinds = {column.name: column.kind for column in like}
        scan = _Scan([name for name in names if name and name not in kinds], self._dialect.decimal)
        for batch in self._batches(scan.names or [next(filter(None, names))]):
            scan.add(batch)
        kinds = scan.kinds | kinds
        columns = [Column(name, kinds[name]) for name in names if name]
        super().__init__(str(path), columns, scan.rows, notes=notes + scan.notes)

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        kinds = {column.name: column.kind for column in self.columns}
        done = 0
        for batch in self._batches(names):
            for start in range(0, batch.num_rows, rows):
                part = batch.slice(start, rows)
                yield {
                    name: self._column(part.column(i), name, kinds[name], done + start)
                    for i, name in enumerate(names)
                }
            done += batch.num_rows

    def _column(self, array: Any, name: str, kind: str, before: int) -> Array:
        if kind != "number":
            return texts(array)
        floats = parsed(array, self._dialect.decimal)
        if floats is None:
            at = first_text(array, self._dialect.decimal)
            raise DataError(
                f"{self._path}: column {name!r} must hold numbers, but row {before + at + 1:,} "
                f"holds {array[at].as_py()!r}"
            )
        return numbers(floats)

    def _batches(self, names: list[str]) -> Iterator[Any]:
        """Yield blocks of these columns, all as text."""
        csv, pa = pyarrow("csv"), pyarrow()
        places = [str(i) for i in range(len(self._dialect.names))]  # names may be empty
        where = dict(zip(self._dialect.names, places, strict=True))
        wanted = [where[name] for name in names]
        with (
            self._explained(),
            csv.open_csv(
                self._path,
                csv.ReadOptions(
                    block_size=BLOCK, column_names=places, skip_rows=self._dialect.header_lines
                ),
                csv.ParseOptions(delimiter=self._dialect.separator, newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(places, pa.string()),
                    include_columns=wanted,
                    null_values=sorted(MISSING),
                    strings_can_be_null=True,
                ),
            ) as reader,
        ):
            yield from reader

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what is wrong with the file where Arrow stumbles."""
        try:
            yield
        except pyarrow().ArrowInvalid as error:
            fault = broken_line(self._path, self._dialect) or " ".join(str(error).split())
            if "straddl" in fault:  # Arrow's word for a row that crosses two ends of blocks
                fault = f"a row is longer than {BLOCK:,} bytes; is a quote not closed?"
            raise DataError(f"{self._path}: {fault}") from error
        except OSError as error:
            raise FileError(f"{self._path} cannot be read: {error.strerror or error}") from error


class _Scan:
    """The kinds of columns, found by going through all rows."""

    def __init__(self, names: list[str], decimal: str) -> None:
        self.names, self.rows = names, 0
        self.kinds = dict.fromkeys(names, "number")
        self.notes: list[str] = []
        self._decimal = decimal
        self._numbers: set[str] = set()  # columns where a number was seen

    def add(self, batch: Any) -> None:
        for i, name in enumerate(self.names):
            if self.kinds[name] == "number":
                self._look(name, batch.column(i))
        self.rows += batch.num_rows

    def _look(self, name: str, array: Any) -> None:
        floats = parsed(array, self._decimal)
        if floats is None:
            self.kinds[name] = "category"
            at = first_text(array, self._decimal)
            if name in self._numbers or array.slice(0, at).null_count < at:
                self.notes.append(
                    f"column {name!r} is taken as text: row {self.rows + at + 1:,} holds "
                    f"{quoted([array[at].as_py()])}, the rows before it numbers"
                )
        elif floats.null_count < len(floats):
            self._numbers.add(name)
