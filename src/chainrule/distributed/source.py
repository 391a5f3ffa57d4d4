"""Data in groups, and where they are trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.distributed.collections import (
    cluster_of,
    current_client,
    is_collection,
    partitions,
)
from chainrule.distributed.group import Group
from chainrule.distributed.groups import Slice, groups_of
from chainrule.distributed.options import Rounds
from chainrule.distributed.places import Cluster, Here, Place
from chainrule.errors import DataError
from chainrule.validation import Array

FEW = 64  # samples that a step is recorded with


@dataclass
class Source:
    """Data in groups.

    Attributes
    ----------
    groups : list of Group
    place : Here or Cluster
    """

    groups: list[Group]
    place: Place

    def each(self, function: Callable[..., Any]) -> list[Any]:
        """Return what a function makes of the samples, targets and weights of every group."""
        if isinstance(self.place, Cluster):
            place = self.place
            return place.results([place.submit(_of, function, g, g.given) for g in self.groups])
        return [_of(function, group, group.given) for group in self.groups]

    def few(self) -> tuple[int, list[Any]]:
        """Return some rows of the first group that has any, and its number."""
        number = next((n for n, group in enumerate(self.groups) if group.rows), None)
        if number is None:
            raise DataError("fit: there are no samples")
        return number, Source([self.groups[number]], self.place).each(_few)[0]

    def labels(self) -> Array:
        """Return all labels that occur, sorted."""
        found = [labels for labels in self.each(_labels) if len(labels)]
        if not found:
            raise DataError("fit: there are no samples")
        return np.unique(np.concatenate(found))


def _of(function: Callable[..., Any], group: Group, given: Any) -> Any:
    return function(*group.read(*given))


def _few(*rows: Any) -> list[Any]:
    return [None if part is None else part[:FEW] for part in rows]


def _labels(X: Any, y: Any, *_: Any) -> Any:
    return np.unique(y)


@contextmanager
def opened(x: Any, y: Any, weight: Any, client: Any, options: Rounds) -> Iterator[Source]:
    """Yield data in groups, on the cluster of a client, of this machine's own, or here.

    Raises
    ------
    DataError, FileError, MissingDependencyError
    """
    if client is None and is_collection(x) and options.n_workers is None:
        client = current_client()
    with cluster_of(client, options.n_workers, options.timeout) as cluster:
        place: Place = Here() if cluster is None else cluster
        try:
            if is_collection(x):
                yield Source(partitions(x, y, weight, cluster), place)
            else:
                groups = groups_of(x, y, weight, options.shards)
                if cluster is not None:
                    groups = [g.on(cluster) if isinstance(g, Slice) else g for g in groups]
                yield Source(groups, place)
        finally:
            place.close()
