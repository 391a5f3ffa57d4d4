"""Many models trained by a few threads, those of one structure by one kernel."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from chainrule.errors import DivergenceError
from chainrule.running.engines import Outcome as Updates
from chainrule.sweeps.member import Member, Outcome, Task
from chainrule.sweeps.structure import Build, Fold, Structure, plain_key
from chainrule.training.supply import Samples
from chainrule.training.trainer import Run
from chainrule.validation import seeded

STRUCTURES = 64  # that are kept at hand
ALIKE = 8  # of these with equal plain settings
CHUNK = 8  # tasks that a thread takes at once


class Stopped(Exception):  # noqa: N818
    """Training is to end in the middle of a member."""


class Fleet:
    """Trains the members of a sweep.

    Parameters
    ----------
    build : callable
        Returns a model for settings.
    folds : sequence of Fold
        A member is trained once for each.
    batch_size : int
    workers : int, optional
        Threads; by default one a processor.
    """

    def __init__(
        self, build: Build, folds: Sequence[Fold], batch_size: int, workers: int | None = None
    ) -> None:
        self.build, self.folds, self.batch_size = build, folds, batch_size
        self.workers = workers or len(os.sched_getaffinity(0))
        self._structures: OrderedDict[str, list[Structure]] = OrderedDict()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task, in the order of the tasks."""
        source, waiting = iter(tasks), deque[Future[list[Outcome]]]()
        self._stop.clear()
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                while True:
                    while len(waiting) < 2 * self.workers:
                        chunk = list(islice(source, CHUNK))
                        if not chunk:
                            break
                        waiting.append(pool.submit(self._chunk, chunk))
                    if not waiting:
                        return
                    yield from waiting.popleft().result()
            finally:
                self._stop.set()
                for future in waiting:
                    future.cancel()

    def _chunk(self, tasks: Sequence[Task]) -> list[Outcome]:
        return [self._outcome(task) for task in tasks]

    def _outcome(self, task: Task) -> Outcome:
        """Train a member; what its build or its training raises is its outcome."""
        outcome = Outcome(task.member, task.epochs)
        try:
            self._train(task, outcome)
        except Stopped:
            raise
        except Exception as error:
            outcome.error = f"{type(error).__name__}: {error}"
        return outcome

    @property
    def structures(self) -> int:
        """How many structures there are at hand."""
        return sum(map(len, self._structures.values()))

    def structure(self, member: Member) -> Structure:
        """Return the structure that a member is built as."""
        key = plain_key(member.settings)
        with self._lock:
            known = self._structures.setdefault(key, [])
            self._structures.move_to_end(key)
            for structure in known:
                if structure.admits(member):
                    return structure
            found = Structure(self.build, member, self.folds, self.batch_size)
            known.append(found)
            del known[:-ALIKE]
            while len(self._structures) > STRUCTURES:
                self._structures.popitem(last=False)
            return found

    def _train(self, task: Task, outcome: Outcome) -> None:
        structure = self.structure(task.member)
        if structure.problem is None:
            self._fit(task, outcome)
            return
        for fold in range(len(self.folds)):
            structure.runs(fold, task.member)  # records, where more may be decided
        if not structure.admits(task.member):
            structure = self.structure(task.member)
        outcome.checkpoint = []
        for fold in range(len(self.folds)):
            train, held = structure.runs(fold, task.member)
            carry, rng, done = _start(structure, task, fold)
            train.engine.begin(carry)
            assert isinstance(train.supply, Samples)
            train.supply.rng = rng
            outcome.losses.append(self._epochs(train, task.epochs - done))
            after = {key: train.engine.read(key) for key in structure.kept}
            state = {"rng": rng.bit_generator.state, "epochs": task.epochs}
            outcome.checkpoint.append(after | state)
            outcome.add(_scores(structure, held, after, carry))

    def _fit(self, task: Task, outcome: Outcome) -> None:
        """Train what fits itself, an estimator, from the start."""
        for train, held in self.folds:
            with self._lock, seeded(task.member.seed):
                model = self.build(**task.member.settings)
            if model.get_params().get("random_state", 0) is None:
                model.set_params(random_state=task.member.seed)
            model.fit(*train)
            outcome.add({"score": float(model.score(*held))})

    def _epochs(self, run: Run, epochs: int) -> list[float]:
        """Train for so many epochs; return the mean loss of each."""
        losses: list[float] = []
        while len(losses) < epochs:
            done = Updates(np.zeros(run.supply.together(epochs - len(losses))), watch=self._watch)
            run.supply.run(run.engine, done)
            if done.fails:
                epoch = len(losses) + run.supply.finished(done.updates) + 1
                raise DivergenceError(f"the loss became NaN or infinite in epoch {epoch}")
            losses += (done.totals / run.supply.samples).tolist()
        return losses

    def _watch(self, done: Updates) -> None:
        if self._stop.is_set():
            raise Stopped


def _start(structure: Structure, task: Task, fold: int) -> tuple[dict[str, Any], Any, int]:
    """Return a carry to go on from, the generator of orders, and the epochs that are done."""
    carry, rng = structure.start(task.member)
    if task.checkpoint is None:
        return carry, rng, 0
    kept = task.checkpoint[fold]
    rng.bit_generator.state = kept["rng"]
    return carry | {key: kept[key] for key in structure.kept}, rng, kept["epochs"]


def _scores(structure: Structure, held: Run, after: Any, carry: Any) -> Any:
    """Return loss and metrics of the samples held back."""
    problem = structure.problem
    assert problem is not None
    parts = {key: after[key] for key in problem.scored}
    if getattr(problem.optimizer, "use_ema", False):
        averages = problem.optimizer.finalize_variable_values(after["params"], after["state"])
        parts["params"] = averages
    held.engine.begin(parts | {key: carry[key] for key in ("metrics", "settings")})
    done = Updates(np.zeros(1))
    held.supply.run(held.engine, done)
    logs = held.logs(done)
    return dict.fromkeys(logs, math.nan) if done.fails else logs
