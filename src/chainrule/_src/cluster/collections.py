"""Dask's arrays and frames as groups of rows, one group for each partition."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.interrupts import ignored
from chainrule._src.cluster.frames import names_of, text_columns
from chainrule._src.cluster.group import DataGroup
from chainrule._src.cluster.groups import FutureRows, Slice
from chainrule._src.cluster.places import Cluster, check_client, dask


def is_collection(obj: Any) -> bool:
    """Return true if an object is a collection of Dask's."""
    return hasattr(obj, "__dask_graph__")


def partitions(x: Any, y: Any, weight: Any, cluster: Cluster | None) -> list[DataGroup]:
    """Return the partitions of collections as groups; a cluster computes and stores their data.

    Without a cluster they stay lazy, and are computed one at a time.

    Without ``y`` they are samples alone.

    Raises
    ------
    DataError
        If the collections do not have the same partitions.
    """
    if is_frame(x) and isinstance(y, str):
        x, y, weight = _columns(x, y, weight)
    if not len(getattr(x, "columns", [y])):
        raise DataError("fit: there is no column to learn from besides the target")
    collections = [each for each in (x, y, weight) if each is not None]
    if not all(map(is_collection, collections)):
        raise DataError(
            "fit: where x is one of Dask's collections, y and sample_weight must be such too, or "
            "names of columns of a frame"
        )
    collections = [_whole_rows(each, x) for each in collections]
    if len({len(each) for each in map(_delayed, collections)}) > 1:
        raise DataError(
            "fit: x and y must have the same partitions, received "
            f"{[len(_delayed(each)) for each in collections]}; y.rechunk(x.chunks[0]) makes them so"
        )
    parts = list(zip(*map(_delayed, collections), strict=True))
    if cluster is not None:
        flat = cluster.client.compute([part for each in parts for part in each])
        steps = iter(flat)
        parts = [tuple(next(steps) for _ in each) for each in parts]
    rows, names, texts = _rows(x, parts, cluster), names_of(x), text_columns(x)
    return [
        Slice(tuple(FutureRows(str(part.key)) for part in each), 0, count, each, names, texts)
        for each, count in zip(parts, rows, strict=True)
    ]


def is_frame(obj: Any) -> bool:
    """Return true if a collection is a frame or a series."""
    return hasattr(obj, "npartitions") and hasattr(obj, "map_partitions")


def _columns(frame: Any, target: str, weight: Any) -> Any:
    """Split a frame into the columns to learn from, the target, and the weights."""
    named = [target, *([weight] if isinstance(weight, str) else [])]
    if target == weight:
        raise DataError(f"fit: {target!r} cannot be both the target and the weights of samples")
    for name in named:
        if name not in frame.columns:
            raise DataError(f"fit: there is no column {name!r}; there are {list(frame.columns)}")
    weight = frame[weight] if isinstance(weight, str) else weight
    return frame.drop(columns=named), frame[target], weight


def _whole_rows(each: Any, x: Any) -> Any:
    """Rechunk an array: one chunk has all columns, and the rows are split like those of x."""
    if not hasattr(each, "rechunk"):
        return each
    if each.ndim > 1 and any(count != 1 for count in each.numblocks[1:]):
        each = each.rechunk(dict.fromkeys(range(1, each.ndim), -1))
    is_known = hasattr(x, "chunks") and not np.isnan([*x.chunks[0], *each.chunks[0]]).any()
    return each.rechunk({0: x.chunks[0]}) if is_known and sum(x.chunks[0]) == len(each) else each


def _delayed(each: Any) -> list[Any]:
    if is_frame(each):  # optimized, one column of a file has fewer partitions than several
        return list(each.to_delayed(optimize_graph=False))
    return list(each.to_delayed().ravel())


def _rows(x: Any, parts: Sequence[Any], cluster: Cluster | None) -> list[int]:
    """Return the number of rows of each partition, from the chunks of an array if known."""
    if hasattr(x, "chunks") and not np.isnan(x.chunks[0]).any():
        return [int(count) for count in x.chunks[0]]
    if cluster is not None:
        return cluster.results([cluster.submit(len, first) for first, *_ in parts])
    return [len(first.compute(scheduler="synchronous")) for first, *_ in parts]


def current_client() -> Any:
    """Return the active client, or None; this does not import Dask."""
    distributed = sys.modules.get("distributed")
    try:
        return None if distributed is None else distributed.get_client()
    except ValueError:
        return None


@contextmanager
def cluster_of(client: Any, n_workers: int | None, timeout: float) -> Iterator[Cluster | None]:
    """Yield a cluster of the client, or of ``n_workers`` local processes for the time; or None."""
    if n_workers == 0 or (client is None and not n_workers):
        yield None
        return
    if client is not None:
        yield Cluster(check_client(client), timeout)
        return
    distributed = dask("distributed")
    with ignored():  # by the workers: a terminal sends Ctrl-C to them too
        local_cluster = distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        )  # fmt: skip
    with local_cluster as local, distributed.Client(local, set_as_default=False) as started:
        yield Cluster(started, timeout)
