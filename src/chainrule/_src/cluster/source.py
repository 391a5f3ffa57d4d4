"""Data in groups, together with the executor that trains on the groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.cluster.categories import Categories, merged
from chainrule._src.cluster.collections import cluster_of, current_client, is_collection, partitions
from chainrule._src.cluster.group import DataGroup
from chainrule._src.cluster.groups import Slice, groups_of
from chainrule._src.cluster.options import Rounds
from chainrule._src.cluster.places import Cluster, Executor, LocalExecutor
from chainrule._src.data.preprocessing.values import is_missing

FEW = 64  # samples with which a step is recorded


@dataclass
class DataSource:
    """Data in groups.

    Attributes
    ----------
    groups : list of Group
    executor : Executor
    """

    groups: list[DataGroup]
    executor: Executor

    def shards(self, most: int) -> int:
        """Return the number of shards of a run with at most ``most`` shards."""
        return max(1, min(most, sum(group.rows > 0 for group in self.groups)))

    @cached_property
    def names(self) -> tuple[Any, ...]:
        """The columns' names; ``()`` without names, or if a column holds lists."""
        first = self.groups[0] if self.groups else None
        names = () if first is None else first.names
        n_encoded = sum(len(texts) - 1 for _, texts in getattr(first, "categories", ()))
        return names if names and len(names) + n_encoded == self.few[1][0].shape[1] else ()

    @cached_property
    def few(self) -> tuple[int, list[Any]]:
        """The number of the first nonempty group, and some of its rows."""
        number = next((n for n, group in enumerate(self.groups) if group.rows), None)
        if number is None:
            raise DataError("fit: there are no samples")
        return number, self._each(_few, [number])[0]

    def encode_texts(self) -> Categories:
        """Encode columns of text by the categories of all groups, and return these categories.

        Raises
        ------
        DataError
            If a column has too many.
        """
        numbers = [n for n, group in enumerate(self.groups) if group.rows and group.texts]
        categories = merged(self._each(_distinct, numbers))
        self.groups = [group.encoded(categories) for group in self.groups]
        return categories

    def labels(self) -> tuple[Array, Array]:
        """Return the sorted labels, and the weight of each: the sum over its samples.

        Raises
        ------
        DataError
            If labels are missing, or cannot be sorted.
        """
        parts = [each for each in self._each(_labels, range(len(self.groups))) if len(each[0])]
        if not parts:
            raise DataError("fit: there are no samples")
        classes = _sorted(np.concatenate([labels for labels, _ in parts]), "fit")[0]
        sums = np.zeros(len(classes))
        for labels, weights in parts:
            sums[np.searchsorted(classes, labels)] += weights
        return classes, sums

    def _each(self, function: Callable[..., Any], numbers: Sequence[int]) -> list[Any]:
        """Apply a function to groups; return the results."""
        calls = [(n, self.groups[n], self.groups[n].inputs) for n in numbers]
        if isinstance(self.executor, Cluster):
            futures = [self.executor.submit(function, *args) for args in calls]
            return self.executor.results(futures)
        return [function(*args) for args in calls]


def _distinct(number: int, group: DataGroup, inputs: Any) -> dict[Any, set[str]]:
    return group.distinct(*inputs)


def _few(number: int, group: DataGroup, inputs: Any) -> list[Any]:
    rows = group.read(*inputs)
    return [part[:FEW].copy() for part in rows]  # copies, which do not keep the group in memory


def _labels(number: int, group: DataGroup, inputs: Any) -> tuple[Array, Array]:
    _, y, weight = (*group.read(*inputs), None)[:3]
    y, where = np.ravel(y), f"fit: partition {number}"
    if y.dtype.kind in "fO" and any(map(is_missing, y[y != y] if y.dtype.kind == "f" else y)):
        raise DataError(f"{where}: y holds missing labels (None or NaN); leave these rows out")
    labels, codes = _sorted(y, where)
    return labels, np.bincount(codes, weight, len(labels))


def _sorted(labels: Any, where: str) -> tuple[Array, Array]:
    """Return the sorted distinct labels, and the index of every label in this array."""
    try:
        distinct = np.unique(labels, return_inverse=True)
    except TypeError as error:  # texts beside numbers
        kinds = sorted({type(label).__name__ for label in labels})
        raise DataError(f"{where}: labels in y must be of one kind, received {kinds}") from error
    return distinct[0], distinct[1].ravel()


@contextmanager
def opened(x: Any, y: Any, weight: Any, client: Any, options: Rounds) -> Iterator[DataSource]:
    """Context manager: yield data in groups, with the executor for a client or for this machine.

    Raises
    ------
    DataError, FileError, MissingDependencyError
    """
    if client is None and is_collection(x) and options.n_workers is None:
        client = current_client()
    with cluster_of(client, options.n_workers, options.timeout) as cluster:
        executor: Executor = LocalExecutor() if cluster is None else cluster
        try:
            if y is None:
                raise DataError(
                    "fit: y is missing: give the targets, one a sample; of files and frames "
                    "the name of a column"
                )
            if is_collection(x):
                yield DataSource(partitions(x, y, weight, cluster), executor)
            else:
                groups = groups_of(x, y, weight, options.shards)
                if cluster is not None:
                    groups = [g.on(cluster) if isinstance(g, Slice) else g for g in groups]
                yield DataSource(groups, executor)
        finally:
            executor.close()
