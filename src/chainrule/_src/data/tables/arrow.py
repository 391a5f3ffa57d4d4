"""Convert Arrow's arrays to columns. pyarrow is imported here, on first use."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.extras import needs
from chainrule._src.base.interrupts import load
from chainrule._src.data.preprocessing.values import (
    Column,
    category_text,
    clean_text,
    is_missing,
    quote,
    quoted,
)

INDEX = "__index_level_"  # prefix of the columns in which pandas stores row labels


def pyarrow(part: str = "") -> Any:
    """Import pyarrow, or a submodule such as ``"csv"``.

    Raises
    ------
    MissingDependencyError
        If pyarrow is not installed.
    """
    name = f"pyarrow.{part}" if part else "pyarrow"
    if "pandas" not in sys.modules:  # pyarrow imports it when it converts the first array
        with suppress(ImportError):
            load("pandas")
    elif (module := sys.modules.get(name)) is not None:  # called thousands of times for a file
        return module
    with needs("reading and writing CSV, Parquet and frames", "tables", "pyarrow"):
        return import_module(name)


def numbers(array: Any) -> Array:
    """Convert numbers, booleans or durations (to seconds) to float64, NaN for missing."""
    if pyarrow("types").is_duration(array.type):
        microseconds = pyarrow("compute").cast(array, pyarrow().duration("us"), safe=False)
        return numbers(pyarrow("compute").cast(microseconds, "int64")) / 1e6
    if array.type != pyarrow().float64():
        array = pyarrow("compute").cast(array, pyarrow().float64(), safe=False)
    floats: Array = array.to_numpy(zero_copy_only=False)
    return floats


def texts(array: Any) -> Array:
    """Convert text or dictionary-encoded categories to objects, None for missing.

    Equal texts are the same object.
    """
    encoded = array if hasattr(array, "dictionary") else array.dictionary_encode()
    names = [*texts_of(encoded.dictionary), None]
    codes = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    objects: Array = np.array(names, dtype=object)[codes]
    return objects


def texts_of(dictionary: Any) -> list[str | None]:
    """Return the names of a dictionary's categories, None for missing."""
    return list(map(_clean, dictionary.to_pylist()))


def _clean(value: Any) -> str | None:
    return None if is_missing(value) else clean_text(category_text(value))


def times(array: Any) -> Array:
    """Convert Arrow's dates and times to datetime64 in seconds, NaT for missing."""
    compute, pa = pyarrow("compute"), pyarrow()
    if pa.types.is_time(array.type):
        passed = compute.cast(compute.cast(array, pa.time64("us")), pa.int64())
        array = compute.cast(passed, pa.timestamp("us"))
    if getattr(array.type, "tz", None) is not None:
        array = compute.local_timestamp(array)
    datetimes = array.to_numpy(zero_copy_only=False)
    return np.asarray(datetimes, dtype="datetime64[s]")


def count(flags: Any) -> int:
    """Return the number of true values."""
    n_true: int = flags.true_count
    return n_true


def first_cell(array: Any, flags: Any, start: int) -> tuple[int, str] | None:
    """Return row and text of the first flagged cell; the row numbers begin at ``start``."""
    at = pyarrow("compute").index(flags, True).as_py()
    return None if at < 0 else (start + at, array[at].as_py())


def stored_schema(file: Any) -> Any:
    """Return a Parquet file's schema with the dictionary types that Arrow's reader drops."""
    pa, schema = pyarrow(), file.schema_arrow
    written = (file.metadata.metadata or {}).get(b"ARROW:schema")
    if written is None:
        return schema
    for field in pa.ipc.read_schema(pa.py_buffer(base64.b64decode(written))):
        at = schema.get_field_index(field.name)
        if at >= 0 and is_encoded(field.type):
            schema = schema.set(at, field)
    return schema


def columns_of(schema: Any, name: str, like: Iterable[Column]) -> tuple[list[Column], list[str]]:
    """Return the usable columns of Arrow's data, and notes on unusable columns.

    A dictionary's values are categories, unless training had them as numbers or times.
    """
    trained_kinds = {column.name: column.kind for column in like}
    kinds = {field.name: _kind(field.type) for field in schema if not field.name.startswith(INDEX)}
    if len(set(schema.names)) < len(schema.names):
        raise DataError(f"{name}: each column needs a name of its own")
    for each, kind in kinds.items():
        if (kind, trained_kinds.get(each)) == ("time", "category"):
            kinds[each] = "category"
        if trained_kinds.get(each) in _other_kinds(schema.field(each).type):
            kinds[each] = trained_kinds[each]
    unusable = [each for each, kind in kinds.items() if not kind]
    durations = [field.name for field in schema if pyarrow("types").is_duration(field.type)]
    notes = [f"column {quote(each)} holds durations, read as seconds" for each in durations]
    if unusable:
        notes.append(f"left out, as they hold neither numbers, text nor times: {quoted(unusable)}")
    return [Column(each, kind) for each, kind in kinds.items() if kind], notes


def _kind(arrow_type: Any) -> str:
    types = pyarrow("types")
    if is_encoded(arrow_type):
        return "category" if _kind(arrow_type.value_type) else ""
    kinds = {
        "number": ("integer", "floating", "decimal", "null", "duration"),
        "category": ("string", "large_string", "boolean", "string_view"),
        "time": ("date", "timestamp", "time"),
    }
    for kind, names in kinds.items():
        if any(getattr(types, f"is_{name}", types.is_string)(arrow_type) for name in names):
            return kind
    return ""


def _other_kinds(arrow_type: Any) -> tuple[str, ...]:
    """Return the kinds other than category that a type can be read as."""
    types = pyarrow("types")
    if is_encoded(arrow_type):
        return (_kind(arrow_type.value_type), *_other_kinds(arrow_type.value_type))
    return ("number",) if types.is_boolean(arrow_type) else ()


def is_encoded(arrow_type: Any) -> bool:
    """Return true if a type is Arrow's dictionary type."""
    is_dictionary: bool = pyarrow("types").is_dictionary(arrow_type)
    return is_dictionary


def is_text(arrow_type: Any) -> bool:
    """Return true if a type is text of any width; false for a dictionary of texts."""
    types = pyarrow("types")
    names = ("string", "large_string", "string_view")
    return any(getattr(types, f"is_{name}", types.is_string)(arrow_type) for name in names)


def text(array: Any) -> Any:
    """Cast text to Arrow's basic string type, which all of its functions accept."""
    return pyarrow("compute").cast(array, pyarrow().string())


def is_valid(array: Any) -> bool:
    """Return true if all texts of an array, or of its dictionary, are UTF-8."""
    if is_text(array.dictionary.type if is_encoded(array.type) else array.type):
        try:
            array.validate(full=True)
        except pyarrow().ArrowInvalid:
            return False
    return True


def undecodable(array: Any) -> int | None:
    """Return the position of the first text that is not UTF-8, or None."""
    plain = array.dictionary_decode() if is_encoded(array.type) else array
    for position, value in enumerate(plain.cast(pyarrow().large_binary()).to_pylist()):
        try:
            str(value or b"", "utf-8")
        except UnicodeDecodeError:
            return position
    return None


def values(array: Any, kind: str) -> Array:
    """Convert an array to a column of the given kind."""
    compute, pa = pyarrow("compute"), pyarrow()
    if is_encoded(array.type) and kind != "category":
        array = array.dictionary_decode()
    if kind == "number":
        return numbers(array)
    if kind == "time":
        return times(array)
    if not is_encoded(array.type):
        array = compute.cast(array, pa.string())
    return texts(array)
