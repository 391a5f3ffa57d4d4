"""What a run in rounds would take: a model of cost from sizes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.autodiff.trees import leaves
from chainrule.distributed.job import State
from chainrule.distributed.rounds import TOGETHER
from chainrule.distributed.supply import RoundSupply
from chainrule.running.engines import Outcome

TASK = 1e-3  # seconds that Dask's scheduler takes for a task
TRIAL = 0.2  # seconds that updates are measured for
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
        Of an epoch; updates are those of the longest shard.
    epochs : int
    update : float
        Seconds of an update, by one thread.
    bandwidth : float
        Bytes a second.
    workers : int
        Of the cluster that is given; 0 without one.
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

    def seconds(self, workers: int = 0) -> float:
        """Return what an epoch takes with so many workers; 0: in this process, nothing is sent."""
        each = math.ceil(self.shards / max(workers, 1)) * self.updates * self.update
        return each + (self.rounds * self.exchange(workers) if workers else 0.0)

    def exchange(self, workers: int) -> float:
        """Return what a round takes besides its updates.

        The driver sends and receives parameters once, workers hand them on to one another, results
        are put together some at a time, and the scheduler takes its time for every task.
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
        """The number of workers with the shortest epoch; 0 where none help."""
        choices = [w for w in WORKERS if w <= self.shards]
        return min((0, *choices), key=self.seconds)

    def __str__(self) -> str:
        lines = [
            f"{self.rows:,} rows in {self.shards} shards, {self.parameters:,} parameters",
            f"{self.rounds} rounds an epoch of {self.updates} updates a shard, "
            f"{_time(self.update)} each",
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
    """Return the plan of a run; a few updates are made to see how long they take."""
    job, model = supply.job, supply.job.ready().model
    params = model.network.params
    given = {"params": params, "state": model.optimizer.init(params), "layers": model.network.state}
    steps = supply.options.round_steps
    return Plan(
        rows=supply.samples,
        parameters=sum(w.size for w in params.values()),
        size=sum(np.asarray(leaf).nbytes for _, leaf in leaves(given)),
        shards=len(supply.dealt),
        rounds=-(-supply.updates // steps),
        updates=supply.updates,
        epochs=epochs,
        update=seconds_an_update(job.ready(), given, data),
        bandwidth=supply.options.bandwidth,
        workers=supply.place.workers,
    )


def seconds_an_update(ready: Any, given: State, data: Any) -> float:
    """Return what an update takes on a batch of such rows."""
    size = ready.job.batch_size
    data = tuple(np.resize(part, (size, *part.shape[1:])) for part in data)
    given = {key: given[key] for key in ("params", "state", "layers")}
    ready.begin(given, data)
    ready.engine.feed(data)
    order, count, spent, best = np.arange(size)[np.newaxis], 1, 0.0, np.inf
    ready.engine.run(order, size, Outcome(np.zeros(1)))
    while spent < TRIAL:
        began = time.perf_counter()
        ready.engine.run(np.repeat(order, count, 0), size, Outcome(np.zeros(count)))
        took = time.perf_counter() - began
        count, spent, best = 2 * count, spent + took, min(best, took / count)
    return float(best)


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
