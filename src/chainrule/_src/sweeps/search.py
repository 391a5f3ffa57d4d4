"""The search itself: rung by rung, tasks for what trains and outcomes for the store."""

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
from chainrule._src.sweeps.member import Member, Outcome, Settings, Task, Trains
from chainrule._src.sweeps.outcomes import Batch, Rung
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.rungs import Bracket, survivors
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import Memory, Store

FLUSHED = 1.0  # seconds of work that are lost at most, besides what is being trained
MOST = 2048  # outcomes that wait to be written


class Candidates:
    """The settings that are tried, each with some seeds.

    Parameters
    ----------
    space : Space
    places : ndarray, shape (candidates, settings that vary)
    seed : int
        The first of the seeds; a setting of that name replaces it.
    seeds : int
    epochs : int
        Which a setting of that name replaces.
    """

    def __init__(self, space: Space, places: Array, seed: int, seeds: int, epochs: int) -> None:
        self.space, self.places = space, places
        self.seed, self.seeds, self.epochs = seed, seeds, epochs

    def __len__(self) -> int:
        return len(self.places)

    def settings(self, candidate: int) -> Settings:
        """Return what is tried."""
        return self.space.settings(self.places[candidate].tolist())

    def member(self, number: int) -> Member:
        """Return a member by its number."""
        candidate, seed = divmod(number, self.seeds)
        settings = self.settings(candidate)
        return Member(number, settings, int(settings.get("seed", self.seed)) + seed)

    def until(self, candidates: Array, epochs: int) -> Array:
        """Return until which epoch each candidate is trained, in a rung until ``epochs``."""
        if "epochs" not in self.space.order:
            return np.full(len(candidates), epochs)
        settings = (self.settings(int(each)) for each in candidates)
        found = [int(each.get("epochs", epochs)) for each in settings]
        return np.array(found, np.int64)


class Search:
    """Trains candidates in brackets, and lets the best of each rung go on.

    Parameters
    ----------
    candidates : Candidates
    brackets : iterable of Bracket
        Taken one after another: later ones may depend on what came of earlier ones.
    trains : Trains
    store : Store
    ranking : Ranking
        The score that decides.
    keep : int
        Of so many candidates of each bracket, the best, the models are kept.
    callbacks : sequence of Callback
        An epoch is a rung to them.
    choose : callable, optional
        From a rung, and how many would go on by halving, to the positions of those who do.
    models : int, optional
        How many candidates there are to be, where not all are known.
    """

    def __init__(
        self,
        candidates: Candidates,
        brackets: Iterable[Bracket],
        trains: Trains,
        store: Store,
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
        """Return what was found, and the models that were kept; not who trained and looked on."""
        gone = dict.fromkeys(("trains", "brackets", "callbacks", "_choose"))
        return {**vars(self), **gone, "store": Memory.of(self.store, self.rungs, self.keep)}

    def run(self) -> None:
        """Search until the end, Ctrl-C, or a callback that sets ``stop_training``."""
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
        """Return what is to come, in a sentence."""
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
        """How many epochs are trained all in all, where that is known."""
        if not isinstance(self.brackets, list):
            return None
        cost: int = sum(bracket.cost for bracket in self.brackets)
        return cost * self.candidates.seeds

    @property
    def done_epochs(self) -> int:
        """How many epochs were trained, by other processes and earlier ones too."""
        found, reached = 0, 0
        for rung in self.rungs:
            before = reached if rung.number else 0
            reached = int(rung.epochs.max(initial=0))
            found += int(rung.done.sum()) * (reached - before) * rung.seeds
        return found

    def logs(self) -> dict[str, float]:
        """Return how far it is, and the best score of those that were trained longest."""
        found = {"models": float(self.trained), "epochs": float(self.trained_epochs)}
        for rungs in self.by_epochs()[:1]:
            best = [rung.score()[at] for rung in rungs for at in rung.best(1)]
            found[rungs[0].monitor] = float(max(best) if rungs[0].higher else min(best))
        return found

    def by_epochs(self) -> list[list[Rung]]:
        """Return the rungs with a score that reached each number of epochs, the longest first."""
        found: dict[int, list[Rung]] = {}
        for rung in self.rungs:
            if np.isfinite(rung.score()).any():
                found.setdefault(int(rung.epochs.max()), []).append(rung)
        return [found[epochs] for epochs in sorted(found, reverse=True)]

    def _all(self) -> None:
        for number, bracket in enumerate(self.brackets):
            who, before = np.arange(bracket.first, bracket.first + bracket.count), None
            for step, epochs in enumerate(bracket.epochs):
                last = step == len(bracket.epochs) - 1
                wanted = self.keep if last else bracket.sizes[step + 1]
                until = self.candidates.until(who, epochs)
                rung = Rung(number, step, who, until, self.candidates.seeds, wanted, self.ranking)
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
                who = who[self._survivors(rung, bracket.sizes[step + 1])]
                if not len(who):
                    rung.is_last = True
                    break

    def _survivors(self, rung: Rung, count: int) -> Array:
        if self._choose is not None:
            return self._choose(rung, count)
        return survivors(rung.score(), count, rung.higher)

    def _train(self, rung: Rung, before: Rung | None) -> None:
        """Train what is left of a rung, and wait for what others have taken of it."""
        self.store.begin(rung)
        tell(self.callbacks, "on_epoch_begin", len(self.rungs) - 1, {})
        while not rung.complete and not self.stop_training:
            self._train_some(rung, before)
            if not rung.complete:
                self.store.wait(rung)
        if rung.complete:
            tell(self.callbacks, "on_epoch_end", len(self.rungs) - 1, self.logs())

    def _train_some(self, rung: Rung, before: Rung | None) -> None:
        waiting: list[Outcome] = []
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
            with interrupts.deferred():  # what was trained is kept
                self._flush(rung, before, waiting)
                close = getattr(outcomes, "close", None)
                if close is not None:
                    close()

    def _tasks(self, rung: Rung, before: Rung | None) -> Iterator[Task]:
        for positions in self.store.pieces(rung):
            for at in positions:
                first = int(rung.candidates[at]) * rung.seeds
                for number in range(first, first + rung.seeds):
                    checkpoint = None if before is None else self.store.checkpoint(before, number)
                    member = self.candidates.member(number)
                    yield Task(member, int(rung.epochs[at]), checkpoint)

    def _flush(self, rung: Rung, before: Rung | None, waiting: list[Outcome]) -> list[Outcome]:
        """Keep outcomes of whole candidates; return the rest."""
        whole = len(waiting) - len(waiting) % rung.seeds
        now, rest = waiting[:whole], waiting[whole:]
        if not now:
            return rest
        batch = Batch.of(now)
        if batch.scores:
            self.ranking.check(batch.scores)
        new = rung.take(batch)
        best = np.intersect1d(new, rung.best(rung.wanted))
        numbers = set(rung.members(best))
        kept = {
            each.member.number: each.checkpoint
            for each in now
            if each.member.number in numbers and each.checkpoint is not None
        }
        self.store.record(rung, batch, kept)
        self.trained += len(now)
        done = 0 if before is None else int(before.epochs[0])
        self.trained_epochs += sum(each.epochs for each in now) - done * len(now)
        tell(self.callbacks, "on_progress", self.trained, self.logs())
        return rest

    def _interrupted(self) -> None:
        if not self.interrupted:
            self.interrupted = True
            warnings.warn(
                f"the sweep was interrupted after {self.trained:,} models", InterruptedWarning,
                stacklevel=5,
            )  # fmt: skip
