"""Columns as files, streamed: CSV, and Parquet, as the name says."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.escaping import for_csv
from chainrule._src.data.preprocessing.values import Chunk
from chainrule._src.data.tables.arrow import pyarrow

DIGITS = {np.dtype(np.float32): 6, np.dtype(np.float64): 7}


def csv_file(
    chunks: Iterable[Chunk], *, separator: str = ",", safe: bool = False
) -> Iterator[bytes]:
    r"""Yield a CSV file a chunk at a time: a line of column names, then rows.

    Parameters
    ----------
    chunks : iterable of dict of str to ndarray
        Numbers, or texts as objects; the same columns in each chunk.
    separator : str
    safe : bool
        Whether texts are changed where a spreadsheet would find a formula, see `for_csv`.

    Examples
    --------
    >>> chunk = {"name": np.array(["=1+1", "b"], object), "size": np.array([0.5, -2.0])}
    >>> b"".join(csv_file([chunk], safe=True))
    b"name,size\n'=1+1,0.5\nb,-2\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    for i, chunk in enumerate(chunks):
        if i == 0:
            writer.writerow(_texts(chunk, safe))
        writer.writerows(zip(*(_fields(values, safe) for values in chunk.values()), strict=True))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _fields(values: Array, safe: bool) -> list[str]:
    if values.dtype == object:
        return _texts(values, safe)
    digits = DIGITS.get(values.dtype)
    return [str(value) if digits is None else f"{value:.{digits}g}" for value in values.tolist()]


def _texts(values: Iterable[str], safe: bool) -> list[str]:
    return list(map(for_csv, values)) if safe else list(values)


def parquet_file(chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """Yield a Parquet file a piece at a time: a group of rows for each chunk.

    Raises
    ------
    MissingDependencyError
        Without pyarrow.
    """
    pa, parquet = pyarrow(), pyarrow("parquet")
    sink, writer = _Sink(), None
    for chunk in chunks:
        part = pa.table({name: pa.array(values) for name, values in chunk.items()})
        writer = writer or parquet.ParquetWriter(sink, part.schema)
        writer.write_table(part)
        yield sink.taken()
    if writer is not None:
        writer.close()
        yield sink.taken()


class _Sink(io.RawIOBase):
    """A file whose bytes are taken away while it is written."""

    def __init__(self) -> None:
        self._held, self._size = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


WRITERS: dict[str, Callable[..., Iterator[bytes]]] = {
    "": csv_file,
    ".csv": csv_file,
    ".txt": csv_file,
    ".tsv": partial(csv_file, separator="\t"),
    ".parquet": parquet_file,
    ".pq": parquet_file,
}
"""What writes a file, by the end of its name; CSV where there is none."""
