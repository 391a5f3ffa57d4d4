"""Columns of a large text file, parsed once and kept in a temporary file."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from typing import Any

from chainrule._src.base.forks import lock
from chainrule._src.data.tables.arrow import pyarrow

DISK = 4  # largest share of the free disk that is taken: a quarter


class SpilledColumns:
    """Arrow's arrays of each column, block by block, in a temporary file.

    Parsing a text takes ten times as long as reading its number from a file. A column whose first
    block holds plain numbers is kept as numbers; if a later block is not, its texts are lost, and
    the column has to be read from the source. So have all columns if the disk becomes full.

    Attributes
    ----------
    numbers : set of str
        The columns that are kept as numbers.
    """

    def __init__(self) -> None:
        self.numbers: set[str] = set()
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as this
        self._closing = weakref.finalize(self, self._file.close)
        self._blocks: dict[str, list[tuple[int, int]]] = {}  # place and size of each block
        self._mixed: set[str] = set()
        self._size, self._is_full, self._turns = 0, False, lock()
        self._pa = pyarrow()

    def add(self, name: str, texts: Any, floats: Any) -> None:
        """Add a column's next block: its texts, and its numbers if all are plain numbers."""
        blocks = self._blocks.setdefault(name, [])
        if not blocks and floats is not None:
            self.numbers.add(name)
        array = floats if name in self.numbers else texts
        if array is None:
            self._mixed.add(name)
        elif name not in self._mixed:
            buffer = self._pa.record_batch([array], self._schema(name)).serialize()
            blocks.append((self._size, buffer.size))
            self._write(buffer)

    def _write(self, buffer: Any) -> None:
        if self._is_full:
            return
        try:
            self._is_full = self._file.write(buffer) < buffer.size
        except OSError:
            self._is_full = True
        self._size += buffer.size

    def _bytes(self, start: int, size: int) -> bytes:
        """Return bytes by their position: threads and forked processes share the file's own."""
        content: bytes
        if hasattr(os, "pread"):
            content = os.pread(self._file.fileno(), size, start)
        else:  # Windows, which has no forks
            with self._turns:
                self._file.seek(start)
                content = self._file.read(size)
        return content

    def _schema(self, name: str) -> Any:
        dtype = self._pa.float64() if name in self.numbers else self._pa.string()
        return self._pa.schema([("", dtype)])

    def discard(self, names: set[str]) -> None:
        """Forget columns."""
        self._mixed |= names

    def holds(self, names: list[str]) -> bool:
        """Return true if all blocks of these columns are here."""
        return not self._is_full and not self._mixed.intersection(names)

    def blocks(self, names: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the arrays of these columns, block by block."""
        schemas = {name: self._schema(name) for name in names}
        for places in zip(*(self._blocks[name] for name in names), strict=True):
            arrays = {}
            for name, (start, size) in zip(names, places, strict=True):
                buffer = self._pa.py_buffer(self._bytes(start, size))
                arrays[name] = self._pa.ipc.read_record_batch(buffer, schemas[name]).column(0)
            yield arrays


def fits(size: int) -> bool:
    """Return true if the disk of temporary files exists and has room for a file's columns."""
    try:
        return DISK * size < shutil.disk_usage(tempfile.gettempdir()).free
    except OSError:  # no folder can be written into
        return False
