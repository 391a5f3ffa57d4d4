"""Detect the dialect of a CSV file from its beginning, and locate errors in such a file."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import DataError, FileError
from chainrule._src.data.preprocessing.values import quoted
from chainrule._src.data.tables.table import check_columns

SEPARATORS = (",", ";", "\t", "|")
HEAD = 2**22  # characters that are examined
MARKS = {  # the first match counts
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_SEP_LINE = re.compile(r"\"?sep=([,;\t|])\"?[ \t]*\r?\n", re.IGNORECASE)  # Excel's first line
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """The format of a CSV file: separator, header and encoding.

    Attributes
    ----------
    separator : str
    names : tuple of str
        The header's fields.
    header_lines : int
        Number of lines before the first row.
    encoding : str
    """

    separator: str
    names: tuple[str, ...]
    header_lines: int
    encoding: str = "utf-8"


def read_dialect(path: Path, encoding: str = "utf-8") -> Dialect:
    """Detect the dialect of a file.

    A byte order mark identifies UTF-16 and UTF-32, a first line such as ``sep=;`` the separator.

    Raises
    ------
    FileError
        If the file cannot be read.
    DataError
        If the file is empty, has no header, no rows, duplicate column names or too many columns,
        or another encoding.
    """
    encoding = _marked(path, encoding)
    head = _head(path, encoding)
    declared = _SEP_LINE.match(head)
    if declared:
        separator, skipped = declared[1], 1
        head = head[declared.end() :]
    else:
        separator, skipped = max(SEPARATORS, key=lambda each: len(_header(head, each))), 0
    records = _records(io.StringIO(head, newline=""), separator)
    try:
        lines, names = next(records, (0, []))
    except csv.Error as error:
        raise DataError(f"{path}: the first line does not name columns: {error}") from error
    if not names:
        raise DataError(f"{path} is empty; expected a line of column names, then rows")
    is_cut = len(head) == HEAD and lines == 1 and "\n" not in head.rstrip("\n")
    check_columns(str(path), len(names), at_least=is_cut)
    _check_header(path, names)
    if not _has_more(records) and len(head) < HEAD:
        raise DataError(f"{path} holds a line of column names, but no rows")
    return Dialect(separator, tuple(name.strip() for name in names), skipped + lines, encoding)


def broken_line(path: Path, dialect: Dialect) -> str:
    """Describe the first bad line of a file that could not be read completely."""
    # In other encodings, a byte equal to "\n" is not always the end of a line.
    splits = "16" not in dialect.encoding and "32" not in dialect.encoding
    with path.open("rb") as binary:
        for number, line in enumerate(binary, 1):
            try:
                line.decode(dialect.encoding) if splits else None
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return (
                    f"line {number:,} is not {dialect.encoding.upper()} (byte 0x{byte:02x}); save "
                    "the file as UTF-8, or say what it is, as in --encoding latin-1"
                )
    with (
        path.open(encoding=with_mark(dialect.encoding), newline="") as text,
        contextlib.suppress(csv.Error, UnicodeDecodeError),
    ):
        for number, fields in _records(text, dialect.separator):
            if number == 1 and _SEP_LINE.fullmatch(dialect.separator.join(fields) + "\n"):
                continue
            if len(fields) != len(dialect.names):
                open_quote = any("\n" in field for field in fields)
                return (
                    f"line {number:,} has {_count(fields, 'field')}, but the header names "
                    f"{_count(dialect.names, 'column')}" + "; is a quote not closed?" * open_quote
                )
    return ""


def _count(items: Sequence[str], what: str) -> str:
    return f"{len(items)} {what}{'s' * (len(items) != 1)}"


def with_mark(encoding: str) -> str:
    """Return the codec that reads an encoding with or without a byte order mark."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _marked(path: Path, encoding: str) -> str:
    """Return the encoding of a file's byte order mark, unless one other than UTF-8 is given."""
    if encoding != "utf-8":
        return encoding
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    return next((name for mark, name in MARKS.items() if begin.startswith(mark)), encoding)


def _head(path: Path, encoding: str) -> str:
    try:
        with path.open(encoding=with_mark(encoding), newline="") as file:
            return file.read(HEAD)
    except UnicodeError as error:
        fault = broken_line(path, Dialect(",", (), 0, encoding)) or f"it is not {encoding}"
        raise DataError(f"{path}: {fault}") from error
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error


def _header(head: str, separator: str) -> list[str]:
    try:
        return next(_records(io.StringIO(head, newline=""), separator), (0, []))[1]
    except csv.Error:  # a field of over 128 kB
        return []


def _has_more(records: Iterator[Any]) -> bool:
    try:
        return next(records, None) is not None
    except csv.Error:  # a field of over 128 kB
        return True


def _records(text: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each non-blank record with the number of its last line."""
    reader = csv.reader(text, delimiter=separator)
    yield from ((reader.line_num, fields) for fields in reader if fields)


def _check_header(path: Path, names: list[str]) -> None:
    stripped = [name.strip() for name in names]
    if not any(stripped):
        raise DataError(f"{path}: the first line names no column")
    numbers = [name for name in stripped if _NUMBER.fullmatch(name)]
    integers = all(name.isascii() and name.isdigit() for name in numbers)
    if numbers and not (integers and all(int(a) < int(b) for a, b in itertools.pairwise(numbers))):
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
