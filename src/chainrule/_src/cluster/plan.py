"""The estimated time of a run in rounds: a cost model of sizes and measured times."""

from __future__ import annotations

import math
import time
import uuid
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._src.cluster.groups import GROUP_BYTES, MemoryArray, Slice
from chainrule._src.cluster.job import State
from chainrule._src.cluster.reading import reader
from chainrule._src.cluster.rounds import (
    TOGETHER,
    RoundResult,
    RowRange,
    Work,
    mean,
    started,
    train_shard,
)
from chainrule._src.cluster.supply import RoundSupply
from chainrule._src.core.trees import leaves

TASK = 1e-3  # seconds of Dask's scheduler per task
TRIAL = 0.4  # seconds of measuring rounds
LONG = 100  # minimum updates of a long round
LEAST = 1e-8  # seconds of an update, at least
WORKERS = (1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000)


@dataclass(frozen=True)
class Plan:
    """The cost of an epoch.

    Attributes
    ----------
    rows, parameters : int
    size : int
        Bytes of parameters and the optimizer's state: what a shard receives and returns.
    shards, rounds, updates : int
        Numbers per epoch; updates are those of the longest shard.
    epochs : int
    update : float
        Seconds of an update in one thread.
    bandwidth : float
        Bytes per second.
    workers : int
        Workers of the current cluster; 0 without a cluster.
    each : float
        Seconds of a shard in a round besides its updates, in one thread: shuffling, loading and
        reading out the state, and its part of the mean.

    Notes
    -----
    Reading is not counted: files are read in parallel with the updates, and data in memory are
    converted only once.
    """

    rows: int
    parameters: int
    size: int
    shards: int
    rounds: int
    updates: int
    epochs: int
    update: float
    bandwidth: float
    workers: int = 0
    each: float = 0.0

    def seconds(self, workers: int = 0) -> float:
        """Return the seconds of an epoch for a number of workers; 0 means in this process."""
        one = self.updates * self.update + self.rounds * self.each
        trained = math.ceil(self.shards / max(workers, 1)) * one
        return trained + (self.rounds * self.exchange(workers) if workers else 0.0)

    def exchange(self, workers: int) -> float:
        """Return the seconds of a round besides its updates.

        The driver sends and receives the parameters once, workers pass them on to one another,
        results are averaged in groups, and the scheduler adds a cost per task.
        """
        once, tasks, received, results = self.size / self.bandwidth, self.shards, 0, self.shards
        while results > 1:
            received += min(results, TOGETHER)
            results = math.ceil(results / TOGETHER)
            tasks += results
        hops = math.ceil(math.log2(workers + 1))
        return (2 + hops + (received if workers > 1 else 0)) * once + tasks * TASK

    @property
    def best(self) -> int:
        """The number of workers with the shortest epoch; 0 if workers make it slower."""
        choices = [w for w in WORKERS if w <= self.shards]
        return min((0, *choices), key=self.seconds)

    def __str__(self) -> str:
        lines = [
            f"{self.rows:,} rows in {self.shards} shards, {self.parameters:,} parameters",
            f"{self.rounds} rounds an epoch of {self.updates} updates a shard, "
            f"{_time(self.update)} each and {_time(self.each)} for the rest of a shard's round",
            f"a round: {_bytes(self.size)} to each shard and back",
            f"an epoch without workers: {_time(self.seconds())}",
        ]
        for count in (w for w in WORKERS if w <= self.shards):
            took = self.seconds(count)
            lines.append(
                f"{count:5} workers: {_time(took)}, {self.seconds() / took:.2f} times as fast, "
                f"{self.rounds * self.exchange(count) / took:.0%} of it exchange"
            )
        if self.best == 0:
            lines.append(
                "Distributing would be slower: train in this process (n_workers=0), or give more "
                "round_steps"
            )
        elif self.workers and self.seconds(self.workers) > self.seconds():
            lines.append(f"With {self.workers} workers it would be slower than in this process")
        else:
            lines.append(f"Best: {self.best} workers. {self.epochs} epochs: "
                         f"{_time(self.epochs * self.seconds(self.best))}")  # fmt: skip
        return "\n".join(lines)


def plan_of(supply: RoundSupply, data: Any, epochs: int) -> Plan:
    """Return the plan of a run; it measures some rounds of a shard."""
    model = supply.job.ready().model
    params = model.network.params
    state = {"params": params, "state": model.optimizer.init(params), "layers": model.network.state}
    steps = supply.options.round_steps
    update, each = measured(supply, state, data)
    return Plan(
        rows=supply.samples,
        parameters=sum(w.size for w in params.values()),
        size=sum(np.asarray(leaf).nbytes for _, leaf in leaves(state)),
        shards=len(supply.dealt),
        rounds=-(-supply.updates // steps),
        updates=supply.updates,
        epochs=epochs,
        update=update,
        bandwidth=supply.options.bandwidth,
        workers=supply.executor.workers,
        each=each,
    )


def measured(supply: RoundSupply, state: State, data: Any) -> tuple[float, float]:
    """Measure the seconds of an update, and of a shard's round besides its updates.

    Several shards alternate short and long rounds on as many rows as their first groups have.
    With a single shard, rows and programs would stay in the processor's cache, unlike in a run.
    """
    size, start = supply.batch_size, started(state)
    job = replace(supply.job, classes=None, class_weight=None, run=uuid.uuid4().hex)
    shards = supply.dealt[:TOGETHER]
    most = GROUP_BYTES // (len(shards) * max(data[0][0].nbytes, 1)) + 1
    sizes = [min(max(supply.groups[first].rows, LONG * size), most) for first, *_ in shards]
    groups, fewest = [_filled(data, rows) for rows in sizes], min(sizes)
    steps = max(1, min(max(supply.options.round_steps, LONG), fewest // size))
    took: dict[int, list[float]] = {1: [], steps: []}
    until, at = time.perf_counter() + TRIAL, 0
    # Only the last results are stored: their states may be large.
    results: deque[RoundResult] = deque(maxlen=len(groups))
    while time.perf_counter() < until or len(results) < len(groups):
        for count in took:
            stop = min(fewest, count * size)
            at = at if at + stop <= fewest else 0
            for number, group in enumerate(groups):
                work = Work(number, 0, (RowRange(number, group, at, at + stop),))
                began = time.perf_counter()
                results.append(train_shard(job, start, work, [()]))
                took[count].append(time.perf_counter() - began)
            at += stop
    reader().forget()
    began = time.perf_counter()
    mean(results, start)
    summed = (time.perf_counter() - began) / len(groups)
    short, long = (float(np.median(took[count])) for count in (1, steps))
    update = (long - short) / (steps - 1) if steps > 1 else short
    return max(update, LEAST), max(short - update, 0.0) + summed


def _filled(data: Any, rows: int) -> Slice:
    """Return a group of ``rows`` rows that repeats the rows of ``data``."""
    return Slice(
        tuple(MemoryArray(np.resize(part, (rows, *part.shape[1:]))) for part in data), 0, rows
    )


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _bytes(count: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} B"
