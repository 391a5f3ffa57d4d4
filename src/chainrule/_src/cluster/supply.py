"""An adapter from rounds to the trainer: epochs with callbacks, Ctrl-C and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.interrupts import check
from chainrule._src.cluster.group import DataGroup
from chainrule._src.cluster.groups import dealt
from chainrule._src.cluster.job import Job, State
from chainrule._src.cluster.options import Rounds
from chainrule._src.cluster.places import Executor
from chainrule._src.cluster.rounds import RoundResult, Work, plus, works
from chainrule._src.compile.running.engines import Engine, NumpyEngine, Outcome
from chainrule._src.core.trees import map_leaves

CARRIED = ("params", "state", "layers")


class CarryEngine(NumpyEngine):
    """An engine that only stores the carry between rounds; its step is never run."""

    name = "auto"

    def __init__(self, carry: Any) -> None:
        super().__init__(_refuse, carry, (), None)


def _refuse(*_: Any) -> Any:
    raise NotImplementedError


class RoundSupply:
    """Supplies a trainer with epochs that run as rounds.

    Attributes
    ----------
    epochs : int
        Number of epochs of the run; nothing is prefetched beyond the last epoch.
    first : tuple or None
        The batch at which the loss became NaN.
    updates, samples : int
        Numbers per epoch; updates are those of the longest shard.
    all_updates : int
        Updates of all shards per epoch.
    done : dict
        Progress within an epoch, for a checkpoint: rounds, loss, samples, updates.
    velocity : dict or None
        State of the outer optimizer.
    refused : bool
        True if a part of the data did not fit the model.
    """

    def __init__(
        self, groups: Sequence[DataGroup], job: Job, executor: Executor, options: Rounds,
        constrained: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        self.groups, self.job, self.executor, self.options = groups, job, executor, options
        self.dealt = dealt(groups, options.shards)
        self.constrained = constrained
        self.batch_size = job.batch_size
        self.samples = sum(group.rows for group in groups)
        rows = [sum(groups[n].rows for n in numbers) for numbers in self.dealt]
        each = [-(-count // job.batch_size) for count in rows]
        self.updates, self.all_updates = max(each), sum(each)
        self.first: Any = None
        self.velocity: Any = None
        self.refused = False
        self.done = _nothing()
        self.epoch, self.epochs = 0, 1
        self.after_round: Callable[[Engine], None] = lambda engine: None

    def together(self, epochs: int) -> int:
        """Return the number of epochs to run at once."""
        return 1

    def seen(self, updates: int) -> int:
        """Return the number of samples in the epoch so far."""
        return int(self.done["samples"]) or self.samples

    def finished(self, updates: int) -> int:
        """Return the number of finished epochs when a run fails."""
        return 0

    def batch(self, update: int) -> Any:
        """Return the batch that failed."""
        return self.first

    def run(self, engine: Engine, outcome: Outcome) -> None:
        """Run an epoch, or the remaining rounds of an interrupted epoch."""
        if self.done["rounds"] == 0:
            self.done = _nothing()
        elif self.done["metrics"]:
            engine.write("metrics", self.done["metrics"])
        outcome.updates, outcome.totals[0] = self.done["updates"], self.done["loss"]
        rounds = list(self._works(self.epoch))
        for number in range(self.done["rounds"], len(rounds)):
            following = rounds[number + 1] if number + 1 < len(rounds) else self._next()
            self._round(engine, outcome, rounds[number], following)
            if outcome.fails:
                return
            is_last = number + 1 == len(rounds)
            if is_last:
                self.epoch, self.done["rounds"] = self.epoch + 1, 0
            else:
                self.done["rounds"] = number + 1
            self.done |= {"loss": float(outcome.totals[0]), "updates": outcome.updates}
            self.done["metrics"] = engine.read("metrics")
            if not is_last:
                self.after_round(engine)
            outcome.look()
            check()

    def _next(self) -> list[Work]:
        """Return the work of the next epoch's first round; an empty list after the last epoch."""
        return next(self._works(self.epoch + 1)) if self.epoch + 1 < self.epochs else []

    def _works(self, epoch: int) -> Iterator[list[Work]]:
        """Yield the rounds of an epoch."""
        steps, is_last = self.options.round_steps, epoch + 1 == self.epochs
        return works(self.groups, self.dealt, self.job.shuffling, epoch, steps, is_last)

    def _round(
        self, engine: Engine, outcome: Outcome, each: Sequence[Work], then: Sequence[Work]
    ) -> None:
        state = {key: engine.read(key) for key in CARRIED}
        try:
            result = self.executor.round(self.job, state, each, then)
        except (DataError, ShapeError):
            self.refused = True
            raise
        outcome.updates += result.updates
        if result.failed is not None:
            self.first, outcome.fails = result.failed, True
            return
        assert result.state is not None
        outcome.totals[0] += result.loss
        self.done["samples"] += result.rows
        for key in CARRIED:
            engine.write(key, result.state[key])
        if not self.options.is_mean:
            engine.write("params", self._outer(state, result))
        engine.write("metrics", plus(engine.read("metrics"), result.metrics))

    def _outer(self, state: State, result: RoundResult) -> Any:
        """Return parameters after a Nesterov step towards the mean."""
        assert result.state is not None
        mu, rate = self.options.outer_momentum, self.options.outer_rate
        before = state["params"]
        if self.velocity is None:
            self.velocity = {n: np.zeros(np.shape(w), np.float64) for n, w in before.items()}
        moved = {}
        for name, mean in result.state["params"].items():
            old = np.asarray(before[name], np.float64)
            step = mean - old
            self.velocity[name] = mu * self.velocity[name] + step
            moved[name] = old + rate * (step + mu * self.velocity[name])
        new = {name: moved[name].astype(w.dtype) for name, w in before.items()}
        return map_leaves(np.asarray, self.constrained(new))

    def place_of(self) -> Mapping[str, Any]:
        """Return the progress of the run, for a checkpoint."""
        return {
            "epoch": self.epoch, **self.done, "velocity": self.velocity, "seed": self.job.seed,
        }  # fmt: skip

    def go_on(self, progress: Mapping[str, Any]) -> None:
        """Resume from the progress in a checkpoint."""
        self.epoch, self.velocity = progress["epoch"], progress["velocity"]
        self.done = {key: progress[key] for key in self.done}


def _nothing() -> dict[str, Any]:
    return {"rounds": 0, "loss": 0.0, "samples": 0, "updates": 0, "metrics": None}
