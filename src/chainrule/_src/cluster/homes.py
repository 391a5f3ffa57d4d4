"""Which worker a shard is trained by, as long as that is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence


def homes(
    needs: Sequence[Collection[str]],
    held: Mapping[str, Collection[str]],
    threads: Mapping[str, int],
) -> dict[str | None, list[int]]:
    """Return the shards of each worker, by number: those whose data it has, and not too many.

    A scheduler that finds the data of five of eight shards on one of two workers has that one
    train five; then the other waits at the end of every round.

    Parameters
    ----------
    needs : sequence of collection of str
        The keys of the data that each shard takes.
    held : mapping
        The workers that have data, by key.
    threads : mapping
        How many each worker has.

    Examples
    --------
    >>> held = {"x": ["a"], "y": ["a"], "z": ["a", "b"]}
    >>> homes([["x"], ["y"], ["z"], []], held, {"a": 1, "b": 1})
    {'a': [0, 1], 'b': [2, 3]}
    """
    if not threads:
        return {None: list(range(len(needs)))}
    total = sum(threads.values())
    room = {worker: -(-len(needs) * count // total) for worker, count in threads.items()}
    found: dict[str | None, list[int]] = {}
    for number, keys in enumerate(needs):
        has = Counter(worker for key in keys for worker in held.get(key, ()))
        home = max(room, key=lambda worker: (room[worker] > 0, has[worker], room[worker]))
        found.setdefault(home, []).append(number)
        room[home] -= 1
    return found
