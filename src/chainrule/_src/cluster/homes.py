"""Assignment of shards to workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence


def homes(
    needs: Sequence[Collection[str]],
    stored: Mapping[str, Collection[str]],
    threads: Mapping[str, int],
) -> dict[str | None, list[int]]:
    """Assign to each worker shards whose data it stores, and at most its share of all shards.

    If one of two workers stores the data of five of eight shards, Dask's scheduler makes it train
    five; then the other worker waits at the end of every round.

    Parameters
    ----------
    needs : sequence of collection of str
        The keys of the data that each shard reads.
    stored : mapping
        The workers that store the data, by key.
    threads : mapping
        The number of threads of each worker.

    Examples
    --------
    >>> stored = {"x": ["a"], "y": ["a"], "z": ["a", "b"]}
    >>> homes([["x"], ["y"], ["z"], []], stored, {"a": 1, "b": 1})
    {'a': [0, 1], 'b': [2, 3]}
    """
    if not threads:
        return {None: list(range(len(needs)))}
    total = sum(threads.values())
    room = {worker: -(-len(needs) * count // total) for worker, count in threads.items()}
    assignment: dict[str | None, list[int]] = {}
    for number, keys in enumerate(needs):
        has = Counter(worker for key in keys for worker in stored.get(key, ()))
        home = max(room, key=lambda worker: (room[worker] > 0, has[worker], room[worker]))
        assignment.setdefault(home, []).append(number)
        room[home] -= 1
    return assignment
