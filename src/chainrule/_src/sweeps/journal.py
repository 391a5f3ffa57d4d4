"""Journals: one file a process, to which lines are added, each with a checksum.

A line is JSON whose last entry, ``crc``, is the CRC-32 of what stands before it. Whatever a process
that was killed, or a disk, did to a line, it is skipped and counted.
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
    r"""Return a record as a line.

    Examples
    --------
    >>> line_of({"numbers": [1, 2]})
    b'{"numbers":[1,2],"crc":"efb31217"}\n'
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    body = text[:-1].encode(errors="backslashreplace")
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def record_of(line: bytes) -> dict[str, Any] | None:
    """Return the record of a line, or None if it is damaged."""
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
        A new file, made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Add records in one go; they are on the disk when it returns.

        Raises
        ------
        FileError
            If that is not possible; what was written before is kept.
        """
        content = b"".join(map(line_of, records))
        try:
            if self._file is None:
                self._file = self.path.open("xb", buffering=0)
                sync_folder(self.path.parent)
            written = self._file.write(content)
            if written != len(content):  # the disk is full; a second try says so
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
    """The journals of all processes, read as they grow.

    Attributes
    ----------
    damaged : int
        Lines that were skipped.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.damaged = folder, 0
        self._read: dict[str, int] = {}  # how far
        self._rest: set[str] = set()  # files whose last line is not whole

    def new(self, but: Path | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the records that were added since, each with the name of its file.

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
        """How many files end within a line: their writers are at it, or were killed."""
        return len(self._rest)

    def _lines(self, path: Path) -> list[bytes]:
        try:
            with path.open("rb") as file:
                file.seek(self._read.get(path.name, 0))
                content = file.read()
        except OSError as error:
            raise FileError(f"cannot read {path}: {error.strerror or error}") from error
        *lines, rest = content.split(b"\n")
        self._read[path.name] = self._read.get(path.name, 0) + len(content) - len(rest)
        (self._rest.add if rest else self._rest.discard)(path.name)
        return lines
