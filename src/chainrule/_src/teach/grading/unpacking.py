"""Zips of submissions, unpacked with limits: no links, no paths that lead out, no bombs."""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from chainrule._src.base.errors import FileError

MOST_FILES, MOST_BYTES = 20_000, 2 * 2**30  # of a class's zip
STUDENTS_FILES, STUDENTS_BYTES = 1_000, 200 * 2**20
_PIECE = 2**20


def unpack(
    archive: Path, to: Path, files: int = MOST_FILES, size: int = MOST_BYTES
) -> dict[str, str]:
    """Unpack a zip into a new folder; return the reason for each entry that is left out.

    Times of files are those of the zip, because they say when a file was handed in.

    Raises
    ------
    FileError
        If the file is no zip, or has more files or bytes than the limits.
    """
    refused: dict[str, str] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > files:
                raise FileError(
                    f"{archive.name} has {len(entries)} files; at most {files} are read"
                )
            budget = size
            for entry in entries:
                reason = _reason(entry)
                if reason:
                    refused[entry.filename] = reason
                    continue
                budget -= _write(opened, entry, to.joinpath(*_parts(entry)), budget, archive.name)
    except (zipfile.BadZipFile, NotImplementedError, OSError, RuntimeError, EOFError) as error:
        raise FileError(f"{archive.name} cannot be unpacked: {error}") from None
    return refused


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(entry.filename.replace("\\", "/")).parts


def _reason(entry: zipfile.ZipInfo) -> str:
    """Return why an entry is not unpacked, or ""."""
    parts = _parts(entry)
    if not parts or parts[0].endswith(("/", ":")) or ".." in parts or "\0" in entry.filename:
        return "the path leads out of the zip"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return "a link, or no file"
    return "it is encrypted" if entry.flag_bits & 1 else ""


def _write(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, to: Path, budget: int, name: str
) -> int:
    """Write an entry; return its size, which is counted and not read from the zip's list."""
    to.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with opened.open(entry) as source, to.open("xb") as file:
        for piece in _pieces(source):
            size += len(piece)
            if size > budget:
                raise FileError(f"{name} has too many bytes when it is unpacked")
            file.write(piece)
    when = time.mktime((*entry.date_time, 0, 0, -1))
    os.utime(to, (when, when))
    return size


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece
