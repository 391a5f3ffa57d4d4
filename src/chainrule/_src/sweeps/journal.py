"""Journals: one append-only file per process, whose lines have checksums.

A line is JSON whose last entry, ``crc``, is the CRC-32 of the text before this entry. A line that
was damaged by a killed process or by the disk is skipped and counted.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from chainrule._src.base.errors import FileError
from chainrule._src.data.storage.document import parse_json
from chainrule._src.data.storage.files import sync_folder

SUFFIX = ".jsonl"
_END = len(',"crc":"01234567"}')


def line_of(record: Mapping[str, Any]) -> bytes:
    r"""Encode a record as a line.

    Examples
    --------
    >>> line_of({"numbers": [1, 2]})
    b'{"numbers":[1,2],"crc":"efb31217"}\n'
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    body = text[:-1].encode(errors="backslashreplace")
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def record_of(line: bytes) -> dict[str, Any] | None:
    """Decode the record of a line; None if the line is damaged."""
    body, end = line[:-_END], line[-_END:]
    if end != b',"crc":"%08x"}' % zlib.crc32(body):
        return None
    try:
        record = parse_json(body.decode() + "}")
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


class Journal:
    """The journal that this process writes.

    Parameters
    ----------
    path : Path
        A new file, which is created with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append records in one write, and sync the file.

        Raises
        ------
        FileError
            If the records cannot be written; earlier records stay intact.
        """
        content = b"".join(map(line_of, records))
        try:
            if self._file is None:
                self._file = self.path.open("xb", buffering=0)
                sync_folder(self.path.parent)
            written = self._file.write(content)
            if written != len(content):  # the disk is full; a second write raises the error
                self._file.write(content[written:])
            os.fsync(self._file.fileno())
        except OSError as error:
            raise FileError(
                f"cannot write {self.path}: {error.strerror or error}; what was written before is "
                "kept: the same call goes on from there"
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class Journals:
    """The journals of all processes, read incrementally.

    Attributes
    ----------
    damaged : int
        Number of skipped lines.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.damaged = folder, 0
        self._read: dict[str, int] = {}  # number of bytes read, by file name
        self._incomplete: set[str] = set()  # files whose last line is incomplete

    def new(self, but: Path | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the records added since the last call, each with the name of its file.

        Raises
        ------
        FileError
            If a file cannot be read.
        """
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if path == but:
                continue
            for line in self._lines(path):
                record = record_of(line)
                if record is None:
                    self.damaged += 1
                else:
                    yield path.name, record

    @property
    def unfinished(self) -> int:
        """Number of files with an incomplete last line: its process is writing, or was killed."""
        return len(self._incomplete)

    def _lines(self, path: Path) -> list[bytes]:
        try:
            with path.open("rb") as file:
                file.seek(self._read.get(path.name, 0))
                content = file.read()
        except OSError as error:
            raise FileError(f"cannot read {path}: {error.strerror or error}") from error
        *lines, remainder = content.split(b"\n")
        self._read[path.name] = self._read.get(path.name, 0) + len(content) - len(remainder)
        (self._incomplete.add if remainder else self._incomplete.discard)(path.name)
        return lines
