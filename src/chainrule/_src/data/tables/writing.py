"""Write columns to CSV or Parquet files in a stream of chunks."""

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
    r"""Yield a CSV file in chunks of bytes: a line of column names, then rows.

    Parameters
    ----------
    chunks : iterable of dict of str to ndarray
        Numbers, or texts as objects; the same columns in each chunk.
    separator : str
    safe : bool
        If true, texts that a spreadsheet would take for a formula are escaped, see `for_csv`.

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
    """Yield a Parquet file in chunks of bytes: a row group for each chunk of rows.

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
        yield sink.take()
    if writer is not None:
        writer.close()
        yield sink.take()


class _Sink(io.RawIOBase):
    """A write-only file whose bytes are handed on while it is written."""

    def __init__(self) -> None:
        self._buffer, self._size = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        data, self._buffer = bytes(self._buffer), bytearray()
        return data


WRITERS: dict[str, Callable[..., Iterator[bytes]]] = {
    "": csv_file,
    ".csv": csv_file,
    ".txt": csv_file,
    ".tsv": partial(csv_file, separator="\t"),
    ".parquet": parquet_file,
    ".pq": parquet_file,
}
"""Functions that write a file, by its suffix; CSV if there is no suffix."""
