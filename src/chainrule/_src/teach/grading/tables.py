"""Tables that a teacher brings: CSV with any of the usual separators, columns by their names."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from chainrule._src.base.errors import DataError, FileError

Row = dict[str, str]


def read_rows(path: str | Path, needed: Sequence[str] = ()) -> tuple[list[str], list[Row]]:
    """Return the columns of a CSV file, and its rows.

    Raises
    ------
    FileError
        If the file cannot be read.
    DataError
        If one of the ``needed`` columns is missing, in whatever case it is written.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise FileError(f"{path} cannot be read: {reason}") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="")
    columns = [*(reader.fieldnames or ())]
    folded = {column.strip().casefold() for column in columns}
    for name in needed:
        if name not in folded:
            raise DataError(f"{path} has no column {name!r}; it has {', '.join(columns) or 'none'}")
    rows = [{key: value for key, value in row.items() if key is not None} for row in reader]
    return columns, rows


def cell(row: Row, *names: str) -> str:
    """Return the first cell of a row that is in one of these columns and not empty, or ""."""
    by_name = {key.strip().casefold(): (value or "").strip() for key, value in row.items()}
    return next((by_name[name] for name in names if by_name.get(name)), "")


def number(text: str, what: str) -> float:
    """Return a number; the error names the place, ``what``.

    Raises
    ------
    DataError
        If the text is no finite number.
    """
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise DataError(f"{what} is {text!r}, which is no number")
    return value
