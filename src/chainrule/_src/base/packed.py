"""Rows of features whose categories are kept as numbers, and unpacked when they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array


class PackedRows:
    """A matrix of float32 in which a one-hot encoded column takes 4 bytes a row.

    An index of rows, such as a slice or an array of numbers, returns these rows as an ndarray.

    Parameters
    ----------
    rows, width : int
        Shape of the matrix.
    groups : iterable of slice
        Features of which at most one is 1 in each row, while the others are 0.

    Examples
    --------
    >>> packed = PackedRows(2, 3, [slice(1, 3)])
    >>> packed.write(0, np.array([[0.5, 0, 1], [1.5, 0, 0]], dtype=np.float32))
    >>> packed[[1, 0]].tolist(), packed.nbytes
    ([[1.5, 0.0, 0.0], [0.5, 0.0, 1.0]], 16)
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, rows: int, width: int, groups: Iterable[slice]) -> None:
        self.shape, self._groups = (rows, width), list(groups)
        is_number = np.ones(width, dtype=bool)
        for group in self._groups:
            is_number[group] = False
        self._places = np.flatnonzero(is_number)
        self._numbers = np.empty((rows, len(self._places)), dtype=np.float32)
        self._ones = np.empty((rows, len(self._groups)), dtype=np.int32)  # places; -1 for none

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the packed rows take."""
        return self._numbers.nbytes + self._ones.nbytes

    def __len__(self) -> int:
        return self.shape[0]

    def write(self, start: int, features: Array) -> None:
        """Replace the rows from ``start`` on."""
        part = slice(start, start + len(features))
        self._numbers[part] = features[:, self._places]
        for ones, group in zip(self._ones.T, self._groups, strict=True):
            codes = features[:, group].argmax(axis=1)
            has_one = features[np.arange(len(features)), group.start + codes] > 0
            ones[part] = np.where(has_one, group.start + codes, -1)

    def __getitem__(self, rows: Any) -> Array:
        numbers, ones = self._numbers[rows], self._ones[rows]
        out = np.zeros((*numbers.shape[:-1], self.shape[1]), dtype=np.float32)
        out[..., self._places] = numbers
        flat = out.reshape(-1, self.shape[1])
        at, group = np.nonzero(ones.reshape(len(flat), -1) >= 0)
        flat[at, ones.reshape(len(flat), -1)[at, group]] = 1
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:].astype(dtype or self.dtype, copy=False)


def is_read_by_rows(value: Any) -> bool:
    """Return true for a matrix whose rows are read when they are needed, a memmap or packed."""
    return isinstance(value, np.memmap | PackedRows)
