"""How a CSV file is written, told by its beginning; and what is wrong with one."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import DataError, FileError
from chainrule.preprocessing.values import quoted

SEPARATORS = (",", ";", "\t", "|")
HEAD = 2**22  # characters that are looked at
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
_COMMA, _POINT = re.compile(r"[-+]?\d+,\d+"), re.compile(r"[-+]?\d+\.\d+")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes
    ----------
    separator : str
    names : tuple of str
        The header's fields.
    header_lines : int
        Lines before the first row.
    decimal : str
        ``","`` where the separator is another and numbers are written so.
    """

    separator: str
    names: tuple[str, ...]
    header_lines: int
    decimal: str


def read_dialect(path: Path) -> Dialect:
    """Return how a file is written.

    Raises
    ------
    FileError
        If it cannot be read.
    DataError
        If it is empty, has no header or no rows, names two columns alike, or is not UTF-8.
    """
    head = _head(path)
    separator = max(SEPARATORS, key=lambda each: len(_header(head, each)))
    records = _records(io.StringIO(head, newline=""), separator)
    try:
        lines, names = next(records, (0, []))
    except csv.Error as error:
        raise DataError(f"{path}: the first line does not name columns: {error}") from error
    if not names:
        raise DataError(f"{path} is empty; expected a line of column names, then rows")
    _check_header(path, names)
    rows = _sample(records)
    if not rows:
        raise DataError(f"{path} holds a line of column names, but no rows")
    fields = [field.strip() for row in rows for field in row]
    comma = separator != "," and any(map(_COMMA.fullmatch, fields))
    decimal = "," if comma and not any(map(_POINT.fullmatch, fields)) else "."
    return Dialect(separator, tuple(name.strip() for name in names), lines, decimal)


def broken_line(path: Path, dialect: Dialect) -> str:
    """Return what is wrong with a file that could not be read to its end."""
    with path.open("rb") as binary:
        for number, line in enumerate(binary, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return f"line {number:,} is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8"
    with path.open(encoding="utf-8-sig", newline="") as text, contextlib.suppress(csv.Error):
        for number, fields in _records(text, dialect.separator):
            if len(fields) != len(dialect.names):
                return (
                    f"line {number:,} has {len(fields)} fields, but the header names "
                    f"{len(dialect.names)} columns"
                )
    return ""


def _head(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read(HEAD)
    except UnicodeDecodeError as error:
        fault = broken_line(path, Dialect(",", (), 0, "."))
        raise DataError(f"{path}: {fault}") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error


def _header(head: str, separator: str) -> list[str]:
    try:
        return next(_records(io.StringIO(head, newline=""), separator), (0, []))[1]
    except csv.Error:  # a field of over 128 kB
        return []


def _sample(records: Iterator[tuple[int, list[str]]]) -> list[list[str]]:
    """Return the first rows; where a field is too long to look at, an empty one instead."""
    rows: list[list[str]] = []
    try:
        rows.extend(fields for _, fields in itertools.islice(records, 100))
    except csv.Error:
        rows.append([])
    return rows


def _records(text: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank, with the number of its last line."""
    reader = csv.reader(text, delimiter=separator)
    yield from ((reader.line_num, fields) for fields in reader if fields)


def _check_header(path: Path, names: list[str]) -> None:
    stripped = [name.strip() for name in names]
    if not any(stripped):
        raise DataError(f"{path}: the first line names no column")
    numbers = [name for name in stripped if _NUMBER.fullmatch(name)]
    whole = all(name.isascii() and name.isdigit() for name in numbers)
    if numbers and not (whole and all(int(a) < int(b) for a, b in itertools.pairwise(numbers))):
        raise DataError(
            f"{path}: the first line looks like data ({quoted(numbers, 3)}), not like names of "
            "columns; add a line that names them"
        )
    twice = [name for name, count in Counter(stripped).items() if name and count > 1]
    if twice:
        raise DataError(
            f"{path}: each column needs a name of its own, but these are there more than once: "
            f"{quoted(twice)}"
        )
