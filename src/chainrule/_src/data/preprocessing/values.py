"""The values of a column in one form for every source: numbers, categories, times or images."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError, listed, shortened
from chainrule._src.base.escaping import for_shell

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("number", "category", "time", "image")
Chunk = Mapping[str, Array]
MISSING = frozenset({"", "NA", "N/A", "n/a", "#N/A", "?", "NaN", "nan", "null", "NULL"})
_NUMBERS = (int, float, np.integer, np.floating, Decimal)
_BOOLS = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
BOOLEANS = {"False": 0.0, "True": 1.0}
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]\d+)?")


@dataclass(frozen=True)
class Writing:
    """Notation of a column's texts, kept so that other tables are read in the same way.

    Attributes
    ----------
    reading : str
        Name of the notation, such as ``"with decimal commas"`` or ``"day first"``; empty if the
        texts did not determine it.
    unit : str
        ``"%"`` or a currency; for times the time zone, such as ``"+02:00"`` or ``"UTC"``, if the
        texts contain one.
    """

    reading: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Column:
    """Describes a column by its name and kind.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : {"number", "category", "time", "image"}
        Text and booleans are categories; dates, and dates with a time of day, are times.
    shape : tuple of int
        Shape of one image, ``(h, w)`` or ``(h, w, c)``; empty for the other kinds.
    order : tuple of str
        The categories in their order, if the column's type has one.
    written : Writing, optional
        Notation of numbers and times that were stored as texts.

    Examples
    --------
    >>> Column("scan", "image", (28, 28))
    Column(name='scan', kind='image', shape=(28, 28))
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    written: Writing | None = field(default=None, repr=False, compare=False)
    order: tuple[str, ...] = field(default=(), repr=False, compare=False)


def kind_of(values: Array) -> str:
    """Return the kind of a column whose values come from `column_values`."""
    if values.ndim > 1:
        return "image"
    return {"O": "category", "M": "time"}.get(values.dtype.kind, "number")


def column_values(values: Any, name: str, where: str) -> Array:
    """Convert a column to one of four forms.

    Numbers, and durations in seconds, become float64 of shape ``(n,)`` with NaN for missing; text,
    booleans and categories (pandas's, or Arrow's dictionaries, of values of any type) objects of
    shape ``(n,)`` with None for missing; times datetime64 in seconds with NaT for missing; images,
    shape ``(n, h, w)`` or ``(n, h, w, c)``, stay.

    Raises
    ------
    DataError, ShapeError
        For anything else; the message names the column.

    Examples
    --------
    >>> column_values([True, None], "member", "example")
    array(['True', None], dtype=object)
    >>> column_values([1, None], "age", "example")
    array([ 1., nan])
    >>> column_values(np.array([90, "NaT"], "m8[m]"), "passed", "example")
    array([5400.,   nan])
    """
    array = as_array(values)
    kind = array.dtype.kind
    if array.ndim in (3, 4) and kind in "fiub":
        return array
    if array.ndim != 1:
        raise ShapeError(
            f"{where}: column {name!r} must hold a value a row, shape (n,), or an image a row, "
            f"shape (n, h, w) or (n, h, w, c), but its shape is {array.shape}"
        )
    if kind in "fiu":
        return array.astype(np.float64, copy=False)
    if kind == "b":
        return np.array(["False", "True"], dtype=object)[array.astype(np.intp)]
    if kind == "M":
        return array.astype("datetime64[s]", copy=False)
    if kind == "m":
        return array / np.timedelta64(1, "s")
    if kind in "UT":
        return _objects(array.astype(object), name, where)
    if kind == "O":
        return _objects(array, name, where)
    raise DataError(
        f"{where}: column {name!r} must hold numbers, text, booleans or images, but its dtype is "
        f"{array.dtype}"
    )


def is_categorical(values: Any) -> bool:
    """Return true if a column's type is categorical: pandas's, or Arrow's dictionary type."""
    type_name = str(getattr(values, "dtype", getattr(values, "type", "")))
    return type_name.startswith(("category", "dictionary<"))


def as_array(values: Any) -> Array:
    """Return a column as an array, with categories of any type converted to texts."""
    if not is_categorical(values):
        return np.asarray(values)
    cells = values.to_pylist() if hasattr(values, "to_pylist") else values.tolist()
    return np.array([None if is_missing(v) else category_text(v) for v in cells], dtype=object)


def category_text(value: Any) -> str:
    """Return the name of a category; a whole number has the same name as int, float and text.

    Examples
    --------
    >>> category_text(2.0), category_text(2), category_text("2"), category_text(0.5)
    ('2', '2', '2', '0.5')
    """
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def by_number(categories: Iterable[str]) -> dict[float, str]:
    """Map the numbers that categories stand for to the categories; booleans are 0 and 1.

    The result is empty if a category is not a number, or two are equal numbers.

    Examples
    --------
    >>> by_number(["2", "10"]), by_number(["False", "True"]), by_number(["2", "two"])
    ({2.0: '2', 10.0: '10'}, {0.0: 'False', 1.0: 'True'}, {})
    """
    named = list(categories)
    if not all(map(is_number, named)):
        return {}
    names = {BOOLEANS[name] if name in BOOLEANS else float(name): name for name in named}
    return names if len(names) == len(named) else {}


def as_categories(values: Array, categories: Iterable[str]) -> Array | None:
    """Convert numbers to categories, known or new; None if the known ones are not numbers.

    Examples
    --------
    >>> as_categories(np.array([2.0, np.nan, 3.0]), ["2", "10"])
    array(['2', None, '3'], dtype=object)
    """
    named = by_number(categories)
    cells = [None if value != value else value for value in values.tolist()]
    is_boolean = {*named.values()} <= {*BOOLEANS}
    if not named or (is_boolean and not {*cells} <= {0, 1, None}):
        return None
    texts = [None if each is None else named.get(each, category_text(each)) for each in cells]
    return np.array(texts, dtype=object)


def number_texts(values: Array) -> Array:
    """Return numbers as names of categories, None for missing.

    Examples
    --------
    >>> number_texts(np.array([2.0, np.nan, 0.5]))
    array(['2', None, '0.5'], dtype=object)
    """
    texts = [None if value != value else category_text(value) for value in values.tolist()]
    return np.array(texts, dtype=object)


def text_numbers(values: Array, name: str) -> Array:
    """Return texts as the numbers that they stand for, NaN for missing.

    Raises
    ------
    DataError
        If a text is no number.

    Examples
    --------
    >>> text_numbers(np.array(["00501", None], dtype=object), "zip")
    array([501.,  nan])
    """
    odd = next((v for v in values.tolist() if v is not None and not is_number(v)), None)
    if odd is not None:
        raise DataError(f"column {name!r} is to hold numbers, but it holds {quote(odd)}")
    return np.array([np.nan if v is None else BOOLEANS.get(v, v) for v in values.tolist()], float)


def is_number(text: str) -> bool:
    """Return true if a text is a number, True or False."""
    return text in BOOLEANS or _NUMBER.fullmatch(text) is not None


def missing(values: Array) -> NDArray[np.bool_]:
    """Return a mask of the missing values of a column, booleans of shape ``(n,)``."""
    if values.ndim > 1:
        return np.zeros(len(values), dtype=bool)
    if values.dtype == object:
        return np.asarray(np.equal(values, np.array(None, dtype=object)), dtype=np.bool_)
    empty = np.isnat if values.dtype.kind == "M" else np.isnan
    return np.asarray(empty(values), dtype=np.bool_)


def clean_text(text: str | None) -> str | None:
    """Strip the spaces around a text; return None if it stands for a missing value.

    True and false are spelled as in Python, so that files from different programs agree.
    """
    stripped = "" if text is None else text.strip()
    return None if stripped in MISSING else _BOOLS.get(stripped, stripped)


def rows_of(chunk: Chunk, where: str) -> int:
    """Return the number of rows of a chunk; all columns must have the same."""
    lengths = {name: len(values) for name, values in chunk.items()}
    if not lengths:
        raise DataError(f"{where}: a chunk holds no column")
    if len(set(lengths.values())) > 1:
        few, many = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise ShapeError(
            f"{where}: columns must have equally many rows, but {few!r} has {lengths[few]} and "
            f"{many!r} {lengths[many]}"
        )
    return next(iter(lengths.values()))


def quoted(names: Iterable[str], limit: int = 5) -> str:
    """Return the first names, quoted, for a message."""
    return listed(map(quote, names), limit)


def as_option(names: Sequence[str]) -> str:
    """Return names as an option takes them in a shell, separated by commas; a long list is cut.

    Examples
    --------
    >>> print(as_option(["age", "size, in cm"]))
    'age,"size, in cm"'
    """
    short_names = [shortened(name) for name in names[:5]]
    cells = [
        '"{}"'.format(name.replace('"', '""')) if {*',"'} & {*name} else name
        for name in short_names
    ]
    return for_shell(",".join(cells)) + ",…" * (len(names) > 5)


def quote(text: str) -> str:
    """Return a text from a table, quoted and shortened, for a message."""
    return repr(shortened(text))


def time_texts(values: Array) -> Array:
    """Return times as texts: dates alone if every time of day is midnight.

    Examples
    --------
    >>> time_texts(np.array(["2024-02-29", "NaT"], dtype="datetime64[s]"))
    array(['2024-02-29', None], dtype=object)
    """
    present = values[~np.isnat(values)]
    is_days = bool((present == present.astype("datetime64[D]")).all())
    texts = np.datetime_as_string(values, unit="D" if is_days else "s").astype(object)
    texts[np.isnat(values)] = None
    return texts


def is_missing(value: Any) -> bool:
    """Return true if a value is None, NaN, or pandas's ``NaT`` or ``NA``.

    Examples
    --------
    >>> [is_missing(value) for value in (None, float("nan"), np.datetime64("NaT"), "nan", False)]
    [True, True, True, False, False]
    """
    try:
        return value is None or bool(value != value)
    except TypeError:  # a comparison with NA is neither true nor false
        return True


def _moment(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value


def _objects(array: Array, name: str, where: str) -> Array:
    kinds = set(map(type, array.tolist()))
    if kinds <= {str, type(None)}:
        return array
    values = [None if is_missing(value) else value for value in array.tolist()]
    present = [value for value in values if value is not None]
    if all(isinstance(value, _NUMBERS) and not isinstance(value, bool) for value in present):
        return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    if all(isinstance(value, dt.date) for value in present):
        return np.array([_moment(value) for value in values], dtype="datetime64[s]")
    if all(isinstance(value, str | bool | np.bool_) for value in present):
        return np.array([None if v is None else str(v) for v in values], dtype=object)
    raise DataError(
        f"{where}: column {name!r} must hold text or numbers, not both and nothing else, but it "
        f"holds {', '.join(sorted(kind.__name__ for kind in kinds))}"
    )
