"""What a group is: rows that are read together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

BLOCK = 2**17  # bytes that are asked of a file at once: they stay near to the processor
Rows = tuple[Any, ...]  # samples, targets, weights: arrays
Empty = Callable[[tuple[int, ...], Any], Any]  # makes an array of a shape and dtype


class Group(Protocol):
    """Rows that are read together."""

    @property
    def rows(self) -> int:
        """How many."""

    @property
    def given(self) -> tuple[Any, ...]:
        """What `read` takes: futures, on a cluster; else parts of Dask's collections."""

    @property
    def names(self) -> tuple[Any, ...]:
        """Of the columns, where they have any."""

    @property
    def is_file(self) -> bool:
        """Whether it pays to read it ahead."""

    @property
    def takes_a_core(self) -> bool:
        """Whether reading it takes one; else it is waiting for a disk."""

    def read(self, *given: Any, empty: Empty = np.empty) -> Rows:
        """Return samples, targets and, if there are any, their weights.

        Large arrays are made by ``empty``.
        """
