"""A round: each shard trains from the same parameters, as a pure function; then the mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.cluster.frames import of_column
from chainrule._src.cluster.group import DataGroup, Empty, Rows
from chainrule._src.cluster.job import Job, Shuffling, State
from chainrule._src.cluster.reading import GroupReader, NextUse, ReadRequest, reader
from chainrule._src.compile.running.engines import Outcome, rows_in
from chainrule._src.core.trees import leaves, map_leaves

TOGETHER = 8  # results that are averaged at once
BLOCK = 2**14  # entries that are summed at once: they fit into the processor's cache
SEEDS = "seed_state"  # the name of the random state in layers such as Dropout
ODD = 0x9E3779B9  # a Weyl constant: the shards' seeds differ


class RowRange(NamedTuple):
    """A range ``start:stop`` of a group's rows, in the order of an epoch."""

    number: int
    group: DataGroup
    start: int
    stop: int


class Work(NamedTuple):
    """The work of a shard in a round."""

    shard: int
    epoch: int
    pieces: tuple[RowRange, ...]
    is_last: bool = False  # in the last epoch?

    @property
    def rows(self) -> int:
        """The number of samples."""
        return sum(piece.stop - piece.start for piece in self.pieces)

    def next_use(self, piece: RowRange) -> NextUse:
        """Return the next use of the group to which a range belongs."""
        if piece.stop < piece.group.rows:
            return NextUse.SOON
        return NextUse.NOTHING if self.is_last else NextUse.NEXT_EPOCH


@dataclass
class RoundResult:
    """The result of one shard, or of several shards together.

    Attributes
    ----------
    state : dict
        Parameters, the optimizer's state and the layers'.
    rows, updates : int
    loss : float
        Summed over samples.
    metrics : tree
    failed : tuple or None
        The batch at which the loss became NaN or infinite.
    """

    state: State | None
    rows: int
    updates: int
    loss: float
    metrics: Any
    failed: Any = None


def works(
    groups: Sequence[DataGroup], dealt: Sequence[Sequence[int]], shuffling: Shuffling,
    epoch: int, steps: int, is_last: bool = False,
) -> Iterator[list[Work]]:  # fmt: skip
    """Yield the rounds of an epoch: the work of each shard that still has samples."""
    remaining = [_stream(groups, numbers, shuffling, epoch, s) for s, numbers in enumerate(dealt)]
    while any(remaining):
        round_: list[Work] = []
        for shard, pieces in enumerate(remaining):
            ranges = _take(pieces, steps * shuffling.batch_size)
            if ranges:
                round_.append(Work(shard, epoch, tuple(ranges), is_last))
        yield round_


def _stream(
    groups: Sequence[DataGroup],
    numbers: Sequence[int],
    shuffling: Shuffling,
    epoch: int,
    shard: int,
) -> list[RowRange]:
    """Return a shard's groups in the (shuffled) order of an epoch."""
    order = np.arange(len(numbers))
    if shuffling.shuffle:
        order = np.random.default_rng([shuffling.seed, epoch, 0, shard]).permutation(order)
    chosen = [numbers[int(at)] for at in order]
    return [RowRange(number, groups[number], 0, groups[number].rows) for number in chosen]


def _take(pieces: list[RowRange], rows: int) -> list[RowRange]:
    """Remove ``rows`` rows from the front of a list of ranges, and return their ranges."""
    ranges: list[RowRange] = []
    while pieces and rows:
        first = pieces[0]
        stop = min(first.stop, first.start + rows)
        ranges.append(first._replace(stop=stop))
        rows -= stop - first.start
        if stop == first.stop:
            pieces.pop(0)
        else:
            pieces[0] = first._replace(start=stop)
    return ranges


def started(state: State) -> RoundResult:
    """Wrap the initial state of a round as the result of a round."""
    return RoundResult(state, 0, 0, 0.0, None)


def train_shard(
    job: Job, start: RoundResult, work: Work, parts: Sequence[Any], after: Work | None = None
) -> RoundResult:
    """Train a shard for a round, and return its result.

    Parameters
    ----------
    job : Job
    start : Result
        Holds the parameters and states at the beginning of the round.
    work : Work
    parts : sequence
        For each range, the arguments of its group's `read`.
    after : Work, optional
        The work that follows in this process; its data are prefetched.

    Raises
    ------
    DataError
        If data do not fit the model; the message has the number of the partition.
    """
    ready, source, state = job.ready(), reader(), start.state
    assert state is not None
    result = RoundResult(None, 0, 0, 0.0, None)
    batches = read_batches(job.shuffling, ready.data, work, parts, source, after)
    first = next(batches)
    ready.begin(_with_own_seeds(state, work.shard), first[0])
    with ready.engine.running():
        for data, order in chain([first], batches):
            ready.engine.feed(data)
            outcome = Outcome(np.zeros(1))
            ready.engine.run(order[np.newaxis], job.batch_size, outcome)
            result.updates += outcome.updates
            result.loss += float(outcome.totals[0])
            if outcome.fails:
                rows = order[outcome.updates * job.batch_size :][: job.batch_size]
                result.failed = tuple(np.asarray(each[rows]) for each in data)
                break
            result.rows += len(order)
    read = ready.engine.read
    result.state = {key: read(key) for key in ("params", "state", "layers")}
    for name in result.state["layers"]:
        if name.endswith(SEEDS):
            result.state["layers"][name] = state["layers"][name]
    result.metrics = _combined(np.subtract, read("metrics"), ready.zero)
    return result


def _with_own_seeds(state: State, shard: int) -> State:
    """Return a state with a seed of the shard's own for each layer that draws random numbers."""
    layers = {
        name: (value + shard * ODD) % 2**32 if name.endswith(SEEDS) else value
        for name, value in state["layers"].items()
    }
    return {**state, "layers": layers}


def read_batches(
    shuffling: Shuffling,
    checked: Callable[..., Rows],
    work: Work,
    parts: Sequence[Any],
    source: GroupReader,
    after: Work | None = None,
) -> Iterator[tuple[Any, Any]]:
    """Yield data and the order of their rows: full batches, except for the last of a round.

    The remaining rows of a group form a batch with the first rows of the next group.
    ``checked(rows, where, empty)`` returns rows in the form that a step takes.
    """
    size, over = shuffling.batch_size, None
    pieces = [*work.pieces, *(after.pieces if after is not None else ())]
    inputs = [*parts, *[()] * (len(pieces) - len(parts))]
    requests = [
        ReadRequest(
            shuffling.run,
            piece.group,
            each,
            partial(_converted, checked, piece),
            work.next_use(piece),
        )
        for piece, each in zip(pieces, inputs, strict=True)
    ]
    for at, piece in enumerate(work.pieces):
        data = source.read(requests[at:])
        order = source.orders.of(
            (shuffling.run, work.epoch, piece.number),
            partial(_order, shuffling, work.epoch, piece),
            is_over=piece.stop == piece.group.rows,
        )[piece.start : piece.stop]  # fmt: skip
        if over is not None:
            need = size - rows_in(over)
            some = tuple(each[order[:need]] for each in data)
            over = tuple(np.concatenate(pair) for pair in zip(over, some, strict=True))
            order = order[need:]
            if rows_in(over) < size:
                continue
            yield over, np.arange(size)
        full = len(order) - len(order) % size
        is_last = at == len(work.pieces) - 1
        if is_last:
            full = len(order)
        over = tuple(each[order[full:]] for each in data) if full < len(order) else None
        if full:
            yield data, order[:full]
    if over is not None:
        yield over, np.arange(rows_in(over))


def _converted(checked: Callable[..., Rows], piece: RowRange, rows: Rows, empty: Empty) -> Rows:
    """Check the rows of a range's group, and convert them to the form that a step takes."""
    where, had = f"fit: partition {piece.number}", piece.group.rows
    if len(rows[0]) != had:
        raise DataError(f"{where} has {len(rows[0])} rows, it had {had}: data must stay")
    try:
        converted = checked(rows, where, empty)
    except DataError as error:
        raise type(error)(f"{error}{of_column(rows[0], piece.group.names)}") from error
    return converted


def _order(shuffling: Shuffling, epoch: int, piece: RowRange) -> Any:
    """Return the order of a group's rows in an epoch: a permutation if rows are shuffled."""
    order = np.arange(piece.group.rows)
    if shuffling.shuffle:
        order = np.random.default_rng([shuffling.seed, epoch, 1, piece.number]).permutation(order)
    return order


# Means in a fixed order


def together(results: Sequence[Any]) -> list[Sequence[Any]]:
    """Split results into the groups that are averaged together."""
    return [results[at : at + TOGETHER] for at in range(0, len(results), TOGETHER)]


def mean(results: Sequence[RoundResult], start: RoundResult) -> RoundResult:
    """Average results, weighted by samples; the state has the structure of the initial state.

    Leaves that are not averaged (`is_averaged`) come from the result with the most updates.
    """
    longest = max(results, key=lambda result: result.updates)
    result = RoundResult(
        start.state,
        sum(result.rows for result in results),
        longest.updates,
        sum(result.loss for result in results),
        reduce(plus, [result.metrics for result in results]),
        next((result.failed for result in results if result.failed is not None), None),
    )
    if result.failed is None:
        weights, parts = [each.rows for each in results], [dict(leaves(r.state)) for r in results]
        means = iter(
            _mean([part[path] for part in parts], weights) if is_averaged(path, leaf) else leaf
            for path, leaf in leaves(longest.state)
        )
        result.state = map_leaves(lambda _: next(means), longest.state)
    return result


def _mean(parts: Sequence[Any], weights: Sequence[int]) -> Any:
    """Return the weighted mean of arrays, summed in a fixed order in float64.

    It is computed in blocks: allocating arrays for the products would take longer than the sum.
    """
    flat, rows = [np.ravel(part) for part in parts], sum(weights)
    average, (sums, product) = np.empty_like(flat[0]), np.empty((2, BLOCK))
    for start in range(0, average.size, BLOCK):
        block = slice(start, start + BLOCK)
        into = average[block]
        total, more = sums[: into.size], product[: into.size]
        np.multiply(flat[0][block], weights[0], total, dtype=np.float64)
        for part, weight in zip(flat[1:], weights[1:], strict=True):
            total += np.multiply(part[block], weight, more, dtype=np.float64)
        np.divide(total, rows, into, casting="same_kind")
    return average.reshape(np.shape(parts[0]))


def is_averaged(path: Any, leaf: Any) -> bool:
    """Return true if a leaf is a weight or an array of the optimizer, and not a count or rate."""
    return leaf.dtype.kind == "f" and (path[0] != "state" or np.ndim(leaf) > 0)


def _combined(combine: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """Combine two trees leaf by leaf with the function ``combine``."""
    others = iter([leaf for _, leaf in leaves(b)])
    return map_leaves(lambda leaf: combine(leaf, next(others)), a)


def plus(sums: Any, more: Any) -> Any:
    """Return the sums of metrics: those so far plus those of more samples."""
    return _combined(np.add, sums, more)


def same_bits(a: Any, b: Any) -> bool:
    """Return true if two states are equal bit for bit."""
    pairs = zip(leaves(a), leaves(b), strict=True)
    return all(path == other and x.tobytes() == y.tobytes() for (path, x), (other, y) in pairs)
