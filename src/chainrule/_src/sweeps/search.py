"""The search: rung by rung, it sends tasks to the trainer and outcomes to the store."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._src.base import interrupts
from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import InterruptedWarning
from chainrule._src.nn.callbacks import Callback, introduce, tell
from chainrule._src.sweeps.member import Member, Settings, TaskOutcome, TrainingTask, Trains
from chainrule._src.sweeps.outcomes import OutcomeBatch, Rung
from chainrule._src.sweeps.ranking import PARAMETERS, Ranking
from chainrule._src.sweeps.rungs import Bracket, survivors
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import MemoryStore, SweepStore

FLUSHED = 1.0  # seconds between writes: a crash loses at most so much finished work
MOST = 2048  # maximum number of outcomes that wait to be written


class Candidates:
    """The settings that are tried, each with one or several seeds.

    Parameters
    ----------
    space : Space
    places : ndarray, shape (candidates, settings that vary)
    seed : int
        The first seed; a setting of this name replaces it.
    seeds : int
    epochs : int
        Number of epochs; a setting of this name replaces it.
    """

    def __init__(self, space: Space, places: Array, seed: int, seeds: int, epochs: int) -> None:
        self.space, self.places = space, places
        self.seed, self.seeds, self.epochs = seed, seeds, epochs

    def __len__(self) -> int:
        return len(self.places)

    def settings(self, candidate: int) -> Settings:
        """Return the settings of a candidate."""
        return self.space.settings(self.places[candidate].tolist())

    def member(self, number: int) -> Member:
        """Return a member by its number."""
        candidate, seed = divmod(number, self.seeds)
        settings = self.settings(candidate)
        return Member(number, settings, int(settings.get("seed", self.seed)) + seed)

    def until(self, candidates: Array, epochs: int) -> Array:
        """Return the epoch until which each candidate is trained, by default ``epochs``."""
        if "epochs" not in self.space.order:
            return np.full(len(candidates), epochs)
        settings = (self.settings(int(each)) for each in candidates)
        limits = [int(each.get("epochs", epochs)) for each in settings]
        return np.array(limits, np.int64)


class Search:
    """Trains candidates in brackets, and promotes the best of each rung.

    Parameters
    ----------
    candidates : Candidates
    brackets : iterable of Bracket
        Taken lazily, because later brackets may depend on the outcomes of earlier ones.
    trains : Trains
    store : SweepStore
    ranking : Ranking
        The monitored score.
    keep : int
        Number of the best candidates of each bracket whose models are kept.
    callbacks : sequence of Callback
        Callbacks, for which a rung is an epoch.
    choose : callable, optional
        Function of a rung, and of the number that halving would promote, that returns the
        positions of the promoted candidates.
    models : int, optional
        Total number of candidates, if not all are known at the start.
    """

    def __init__(
        self,
        candidates: Candidates,
        brackets: Iterable[Bracket],
        trains: Trains,
        store: SweepStore,
        ranking: Ranking,
        keep: int,
        callbacks: Sequence[Callback] = (),
        choose: Callable[[Rung, int], Array] | None = None,
        models: int | None = None,
    ) -> None:
        self.candidates, self.brackets, self.trains = candidates, brackets, trains
        self.store, self.ranking, self.keep = store, ranking, keep
        self.callbacks, self._choose = callbacks, choose
        self.models = (models or len(candidates)) * candidates.seeds
        self.rungs: list[Rung] = []
        self.stop_training = self.interrupted = False
        self.trained = self.trained_epochs = 0  # by this process

    def __getstate__(self) -> dict[str, Any]:
        """Pickle results and kept models, without trainer, brackets and callbacks."""
        gone = dict.fromkeys(("trains", "brackets", "callbacks", "_choose"))
        return {**vars(self), **gone, "store": MemoryStore.of(self.store, self.rungs, self.keep)}

    def run(self) -> None:
        """Run the search until the end, Ctrl-C, or a callback that sets ``stop_training``."""
        about = {
            "verbose": 0,
            "epochs": self.epochs,
            "steps": len(self.candidates),
            "samples": None,
        }
        introduce(self.callbacks, self, about)
        with interrupts.deferred(late=self._interrupted):
            try:
                tell(self.callbacks, "on_train_begin", {})
                self._all()
            except KeyboardInterrupt:
                self._interrupted()
            finally:
                tell(self.callbacks, "on_train_end", self.logs())
                self.store.close()
        for note in self.store.notes():
            warnings.warn(f"sweep: {note}", stacklevel=4)

    def plan_text(self) -> str:
        """Return a sentence that describes the plan."""
        seeds, plan = self.candidates.seeds, self.brackets
        several = f", {seeds} seeds of each settings" if seeds > 1 else ""
        text = f"{self.models:,} models{several}"
        if not isinstance(plan, list) or not plan:
            return text
        rungs = ", ".join(
            " → ".join(f"{n * seeds:,} × {e}" for n, e in zip(b.sizes, b.epochs, strict=True))
            for b in plan
        )
        return f"{text}, for so many epochs: {rungs}; {self.epochs:,} epochs in all"

    @property
    def epochs(self) -> int | None:
        """Total number of epochs to train; None if it is unknown."""
        if not isinstance(self.brackets, list):
            return None
        cost: int = sum(bracket.cost for bracket in self.brackets)
        return cost * self.candidates.seeds

    @property
    def done_epochs(self) -> int:
        """Number of epochs that were trained so far, including other and earlier processes."""
        n_epochs, reached = 0, 0
        for rung in self.rungs:
            before = reached if rung.number else 0
            reached = int(rung.epochs.max(initial=0))
            n_epochs += int(rung.done.sum()) * (reached - before) * rung.seeds
        return n_epochs

    def logs(self) -> dict[str, float]:
        """Return the progress, and the best score among the members trained longest."""
        progress = {"models": float(self.trained), "epochs": float(self.trained_epochs)}
        for rungs in self.by_epochs()[:1]:
            best = [rung.score()[at] for rung in rungs for at in rung.best(1)]
            progress[rungs[0].monitor] = float(max(best) if rungs[0].higher else min(best))
        return progress

    def by_epochs(self) -> list[list[Rung]]:
        """Return the rungs that have a score, grouped by epochs, the longest first."""
        groups: dict[int, list[Rung]] = {}
        for rung in self.rungs:
            if np.isfinite(rung.score()).any():
                groups.setdefault(int(rung.epochs.max()), []).append(rung)
        return [groups[epochs] for epochs in sorted(groups, reverse=True)]

    def _all(self) -> None:
        for number, bracket in enumerate(self.brackets):
            candidates, before = np.arange(bracket.first, bracket.first + bracket.count), None
            for step, epochs in enumerate(bracket.epochs):
                last = step == len(bracket.epochs) - 1
                n_needed = self.keep if last else bracket.sizes[step + 1]
                until = self.candidates.until(candidates, epochs)
                rung = Rung(
                    number, step, candidates, until, self.candidates.seeds, n_needed, self.ranking
                )
                rung.is_last = last
                self.rungs.append(rung)
                self._train(rung, before)
                if self.stop_training or not rung.complete:
                    return
                if before is not None:
                    self.store.end(before)
                before = rung
                if last:
                    break
                candidates = candidates[self._survivors(rung, bracket.sizes[step + 1])]
                if not len(candidates):
                    rung.is_last = True
                    break

    def _survivors(self, rung: Rung, count: int) -> Array:
        if self._choose is not None:
            return self._choose(rung, count)
        return survivors(rung.keys(), count, higher=False)

    def _train(self, rung: Rung, before: Rung | None) -> None:
        """Train the remaining candidates of a rung, and wait for those that others have leased."""
        self.store.begin(rung)
        tell(self.callbacks, "on_epoch_begin", len(self.rungs) - 1, {})
        while not rung.complete and not self.stop_training:
            self._train_some(rung, before)
            if not rung.complete:
                self.store.wait(rung)
        if rung.complete:
            tell(self.callbacks, "on_epoch_end", len(self.rungs) - 1, self.logs())

    def _train_some(self, rung: Rung, before: Rung | None) -> None:
        waiting: list[TaskOutcome] = []
        outcomes = self.trains.run(self._tasks(rung, before))
        flushed = time.monotonic()
        try:
            for outcome in outcomes:
                waiting.append(outcome)
                interrupts.check()
                now = time.monotonic()
                if now - flushed > FLUSHED or len(waiting) >= MOST:
                    waiting, flushed = self._flush(rung, before, waiting), now
                    if self.stop_training:
                        break
        finally:
            with interrupts.deferred():  # finished outcomes must be stored
                self._flush(rung, before, waiting)
                close = getattr(outcomes, "close", None)
                if close is not None:
                    close()

    def _tasks(self, rung: Rung, before: Rung | None) -> Iterator[TrainingTask]:
        for positions in self.store.pieces(rung):
            for at in positions:
                first = int(rung.candidates[at]) * rung.seeds
                for number in range(first, first + rung.seeds):
                    checkpoint = None if before is None else self.store.checkpoint(before, number)
                    member = self.candidates.member(number)
                    yield TrainingTask(member, int(rung.epochs[at]), checkpoint)

    def _flush(
        self, rung: Rung, before: Rung | None, waiting: list[TaskOutcome]
    ) -> list[TaskOutcome]:
        """Store the outcomes of complete candidates; return the other outcomes."""
        n_complete = len(waiting) - len(waiting) % rung.seeds
        now, remaining = waiting[:n_complete], waiting[n_complete:]
        if not now:
            return remaining
        batch = OutcomeBatch.of(now)
        if PARAMETERS not in self.ranking.names(batch.scores):
            batch.scores.pop(PARAMETERS, None)
        if batch.scores:
            self.ranking.check(batch.scores)
        new = rung.take(batch)
        best = np.intersect1d(new, rung.best(rung.n_best))
        numbers = set(rung.members(best))
        checkpoints = {
            each.member.number: each.checkpoint
            for each in now
            if each.member.number in numbers and each.checkpoint is not None
        }
        self.store.record(rung, batch, checkpoints)
        self.trained += len(now)
        start = 0 if before is None else int(before.epochs[0])
        self.trained_epochs += sum(each.epochs for each in now) - start * len(now)
        tell(self.callbacks, "on_progress", self.trained, self.logs())
        return remaining

    def _interrupted(self) -> None:
        if not self.interrupted:
            self.interrupted = True
            warnings.warn(
                f"the sweep was interrupted after {self.trained:,} models", InterruptedWarning,
                stacklevel=5,
            )  # fmt: skip
