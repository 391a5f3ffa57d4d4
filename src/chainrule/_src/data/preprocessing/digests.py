"""Digests of rows, by which a model recognises the rows that it was trained on."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing.records import Record

KEPT = 2**15  # digests in a model, at most: 128 kB
BLOCK = 2**20  # words of rows that are mixed at once


def digests(X: Array, y: Array) -> Array:
    """Return a digest of 64 bits of each row's features and target.

    Examples
    --------
    >>> of_rows = digests(np.array([[1.0], [2.0], [1.0]]), np.array([0, 0, 0]))
    >>> of_rows[0] == of_rows[2], of_rows[0] == of_rows[1]
    (np.True_, np.False_)
    """
    width = math.prod(X.shape[1:])
    rng = np.random.Generator(np.random.PCG64(0))  # the same factors in every process
    factors = rng.integers(2**63, size=width + 1, dtype=np.uint64) * 2 + 1
    mixed: Array = _words(y) * factors[-1]
    step = max(1, BLOCK // max(1, width))
    for start in range(0, len(X), step):
        part = slice(start, start + step)
        mixed[part] += _words(X[part]).reshape(-1, width) @ factors[:-1]
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _words(values: Array) -> Array:
    """Return numbers as words of 32 bits; -0.0 and 0.0 are equal."""
    return (np.asarray(values, np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)


@dataclass(frozen=True, eq=False)
class TrainedRows:
    """The digests of the rows that a model was trained on; of many rows a sample.

    Of more than 32,768 digests the smallest are kept. They are a random sample of the rows, and
    other rows belong to the same sample if their digests are as small.

    Attributes
    ----------
    rows : int
        Number of rows that the model was trained on.
    sample : ndarray of uint32, shape (k,)
        The upper halves of the smallest digests, in ascending order.
    """

    rows: int
    sample: Array

    @classmethod
    def of(cls, of_rows: Array) -> Self:
        """Return a sample of the digests of rows."""
        halves = np.unique((of_rows >> np.uint64(32)).astype(np.uint32))
        return cls(len(of_rows), halves[:KEPT])

    def matches(self, X: Array, y: Array) -> tuple[int, int]:
        """Return the number of rows that were trained on, and of those that were looked up."""
        halves = (digests(X, y) >> np.uint64(32)).astype(np.uint32)
        if len(self.sample) == KEPT:
            halves = halves[halves <= self.sample[-1]]
        places = np.searchsorted(self.sample[:-1], halves)
        return int((self.sample[places] == halves).sum()), len(halves)

    def to_dict(self) -> dict[str, Any]:
        """Return the digests as plain JSON values."""
        text = base64.b64encode(self.sample.astype("<u4").tobytes()).decode("ascii")
        return {"rows": self.rows, "digests": text}

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """Return the digests that `to_dict` described.

        Raises
        ------
        DataError
            If the description is invalid.
        """
        try:
            raw = base64.b64decode(record.text("digests"), validate=True)
            sample = np.frombuffer(raw, "<u4").astype(np.uint32)
        except ValueError:
            sample = np.zeros(0, np.uint32)
        if not 0 < len(sample) <= KEPT or (sample[1:] <= sample[:-1]).any():
            raise DataError("preprocessor: the digests of the rows of training are damaged")
        return cls(record.count("rows"), sample)


class KnownRows:
    """Counts the rows that a model was trained on, chunk by chunk.

    Parameters
    ----------
    trained : TrainedRows or None
        None for a model that keeps no digests, which knows no row.
    """

    def __init__(self, trained: TrainedRows | None) -> None:
        self._trained, self._matches, self._looked_up, self._rows = trained, 0, 0, 0

    def add(self, X: Array, y: Array) -> None:
        """Count rows, given as features and encoded targets."""
        self._rows += len(y)
        if self._trained is not None:
            matches, looked_up = self._trained.matches(X, y)
            self._matches, self._looked_up = self._matches + matches, self._looked_up + looked_up

    @property
    def share(self) -> float:
        """Share of the rows that the model was trained on; of many rows, that of a sample."""
        return self._matches / max(self._looked_up, 1)

    @property
    def count(self) -> str:
        """The number of rows that the model was trained on, as a text; empty if there are none."""
        number = self.share * self._rows
        if self._looked_up < self._rows and number:
            return f"about {float(f'{number:.3g}'):,.0f}"
        return f"{number:,.0f}" if number else ""
