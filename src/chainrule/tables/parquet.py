"""Parquet files, read in batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.errors import DataError, FileError
from chainrule.preprocessing.values import Column, quoted
from chainrule.tables.arrow import numbers, pyarrow, texts
from chainrule.tables.table import Table
from chainrule.validation import Array

INDEX = "__index_level_"  # what pandas calls the row labels that it adds


class ParquetTable(Table):
    """A Parquet file.

    Numbers of any type are numbers; text, booleans, dates and times are categories; columns of
    other types, lists for instance, are left out with a note.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError, FileError
        If it cannot be read as a Parquet file.
    MissingDependencyError
        Without pyarrow.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
        kinds = {
            field.name: _kind(field.type) for field in schema if not field.name.startswith(INDEX)
        }
        if len(set(schema.names)) < len(schema.names):
            raise DataError(f"{path}: each column needs a name of its own")
        unusable = [name for name, kind in kinds.items() if not kind]
        notes = [f"left out, as they hold neither numbers nor text: {quoted(unusable)}"]
        columns = [Column(name, kind) for name, kind in kinds.items() if kind]
        super().__init__(str(path), columns, rows, notes=notes if unusable else ())

    def _read(self, rows: int, names: list[str]) -> Iterator[dict[str, Array]]:
        kinds = {column.name: column.kind for column in self.columns}
        with self._opened() as file:
            for batch in file.iter_batches(batch_size=rows, columns=names):
                yield {name: _values(batch.column(name), kinds[name]) for name in names}

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


def _kind(arrow_type: Any) -> str:
    types = pyarrow("types")
    if types.is_dictionary(arrow_type):
        return _kind(arrow_type.value_type)
    if (
        types.is_integer(arrow_type)
        or types.is_floating(arrow_type)
        or types.is_decimal(arrow_type)
        or types.is_null(arrow_type)
    ):
        return "number"
    as_text = (types.is_string, types.is_large_string, types.is_boolean, types.is_temporal)
    view = getattr(types, "is_string_view", types.is_string)
    return "category" if any(check(arrow_type) for check in (*as_text, view)) else ""


def _values(array: Any, kind: str) -> Array:
    compute, pa, types = pyarrow("compute"), pyarrow(), pyarrow("types")
    if types.is_dictionary(array.type) and not (
        kind == "category" and types.is_string(array.type.value_type)
    ):
        array = array.dictionary_decode()
    if kind == "number":
        return numbers(array)
    if not types.is_dictionary(array.type):
        array = compute.cast(array, pa.string())
    return texts(array)
