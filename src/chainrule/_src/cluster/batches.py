"""Batches of data that come in parts, to score and to predict: only one part is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.cluster.categories import Categories
from chainrule._src.cluster.collections import is_collection, partitions
from chainrule._src.cluster.group import DataGroup
from chainrule._src.cluster.groups import groups_of
from chainrule._src.nn.network.inputs import comes_in_parts

SIZE = 1024  # rows of a batch by default


class PartBatches:
    """An iterable of batches of a file, a folder or Dask's collections, read part by part.

    Parameters
    ----------
    x, y, weight
        As for `Sequential.fit`. Without ``y`` batches are samples alone.
    size : int, optional
        Rows of a batch; a batch ends with its part.
    encode : callable, optional
        Function of a batch's targets.
    target : str, optional
        Column of the data that is left out of the samples; for data without ``y``.
    categories : Categories
        Categories of the columns of text.
    like : Sequential, optional
        Model whose ``feature_names`` the columns must have.
    """

    def __init__(
        self, x: Any, y: Any = None, weight: Any = None, *, size: int | None = None,
        encode: Callable[[Any], Any] | None = None, target: str | None = None,
        categories: Categories = (), like: Any = None,
    ) -> None:  # fmt: skip
        self._has_y = y is not None
        self._size, self._encode = size or SIZE, encode
        groups = groups_in(x, y if self._has_y else target, weight)
        self.groups = [group.encoded(categories) if categories else group for group in groups]
        names, expected = [*map(str, self.names)], like and like.feature_names
        if names and expected and names != expected:
            hint = "; y names a column that is no feature" if {*names} > {*expected} else ""
            raise DataError(
                f"the columns are {names}, but the model was fitted to {expected}, in this "
                f"order{hint}"
            )

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of the columns of samples; ``()`` if there are none."""
        return self.groups[0].names if self.groups else ()

    def __iter__(self) -> Iterator[Any]:
        for group in self.groups:
            if group.rows:
                yield from self._batches(group.read(*group.inputs))

    def _batches(self, rows: tuple[Any, ...]) -> Iterator[Any]:
        for start in range(0, len(rows[0]), self._size):
            X, *more = (part[start : start + self._size] for part in rows)
            if not self._has_y:
                yield X
                continue
            y, *weight = more
            yield (X, y if self._encode is None else self._encode(y), *weight)


def batches_in_parts(
    data: Any, size: int | None = None, where: str = "fit", like: Any = None
) -> Any:
    """Return ``(x, y)`` or ``(x, y, weight)`` as batches if ``x`` comes in parts, else unchanged.

    The columns must be the ``feature_names`` of the model ``like``, if it has any.

    Raises
    ------
    DataError, FileError
        If the data cannot be read as described.
    """
    is_pair = isinstance(data, tuple | list) and len(data) in (2, 3)
    if comes_in_parts(data) and not is_pair:
        raise DataError(f"{where}: expected (x, y), of a file too: ('rows.parquet', 'y')")
    if not is_pair or not any(comes_in_parts(part) for part in data):
        return data
    return PartBatches(*data, size=size, like=like)


def groups_in(x: Any, y: Any, weight: Any) -> list[DataGroup]:
    """Return files, folders or Dask's collections as groups, which this process reads."""
    if is_collection(x):
        return partitions(x, y, weight, None)
    return groups_of(x, y, weight, 1)
