"""The interface of a group: rows that are read together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from chainrule._src.cluster.categories import Categories

BLOCK = 2**17  # bytes that are read from a file at once: they fit into the processor's cache
Rows = tuple[Any, ...]  # samples, targets, weights: arrays
Empty = Callable[[tuple[int, ...], Any], Any]  # allocates an array of a shape and dtype


class DataGroup(Protocol):
    """Rows that are read together."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The arguments of `read`: futures on a cluster, else partitions of Dask's collections."""

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of the columns; ``()`` if they have none."""

    @property
    def is_file(self) -> bool:
        """True if the group is read from a file: prefetching saves time."""

    @property
    def takes_a_core(self) -> bool:
        """True if reading keeps a core busy; false if it mostly waits for a disk."""

    @property
    def texts(self) -> tuple[Any, ...]:
        """The names of the columns of texts or categories, which are no numbers."""

    def encoded(self, categories: Categories) -> DataGroup:
        """Return the group with categories of columns, which `read` encodes."""

    def distinct(self, *inputs: Any) -> dict[Any, set[str]]:
        """Return the distinct texts of each of the columns `texts`."""

    def read(self, *inputs: Any, empty: Empty = np.empty) -> Rows:
        """Return samples, targets and, if there are any, their weights.

        ``empty(shape, dtype)`` allocates the large arrays.
        """
