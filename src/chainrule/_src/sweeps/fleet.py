"""Train many models in a few threads; models of one structure share a kernel."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import Any

from chainrule._src.base.errors import OptionError
from chainrule._src.base.interrupts import check
from chainrule._src.compile.native import cores
from chainrule._src.compile.running.engines import Outcome as Updates
from chainrule._src.sweeps.building import Build, Fold, built, fitted, plain_key
from chainrule._src.sweeps.grouped import in_memory
from chainrule._src.sweeps.member import Member, TaskOutcome, TrainingTask
from chainrule._src.sweeps.scoring import Scoring, scores_of
from chainrule._src.sweeps.structure import Structure
from chainrule._src.sweeps.trained import train

STRUCTURES = 64  # maximum number of cached keys of structures
ALIKE = 8  # maximum number of cached structures per key
CHUNK = 8  # tasks per thread and call
LOOK = 0.1  # seconds between checks for Ctrl-C
WIDTH = 32  # maximum number of members side by side in one kernel


class StoppedError(Exception):
    """Training must stop in the middle of a member."""


class Fleet:
    """Trains the members of a sweep.

    Parameters
    ----------
    build : callable
        Function of settings that returns a model.
    folds : sequence of Fold
        A member is trained once for each fold.
    batch_size : int
    workers : int, optional
        Number of threads; by default one per processor.
    width : int, default 32
        Maximum number of members of one structure and seed that share a kernel. This is done only
        for small models with batch size 1, if it is faster and does not change a bit of any member.
    scoring : str, callable or dict of these, optional
        Scores of estimators, instead of their own.
    """

    def __init__(
        self,
        build: Build,
        folds: Sequence[Fold],
        batch_size: int,
        workers: int | None = None,
        width: int = WIDTH,
        scoring: Scoring = None,
    ) -> None:
        self.build, self.folds, self.batch_size = build, folds, batch_size
        self.scoring = scoring
        self.width = width if batch_size == 1 else 1
        self.workers = workers or cores()
        self._structures: OrderedDict[Hashable, list[Structure]] = OrderedDict()
        self._unlike: set[Hashable] = set()  # keys whose members cannot share a structure
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __reduce__(self) -> Any:
        """Pickle the arguments alone, without recordings and compiled kernels."""
        about = self.build, self.folds, self.batch_size, self.workers, self.width, self.scoring
        return Fleet, about

    def run(self, tasks: Iterable[TrainingTask]) -> Iterator[TaskOutcome]:
        """Yield the outcome of each task, in the order of the tasks."""
        source, waiting = iter(tasks), deque[Future[list[TaskOutcome]]]()
        order, outcomes = deque[int](), dict[int, TaskOutcome]()
        self._stop.clear()
        with ThreadPoolExecutor(self.workers, "chainrule") as pool:
            try:
                while True:
                    while len(waiting) < 2 * self.workers:
                        some = list(islice(source, CHUNK if self.width == 1 else 4 * self.width))
                        if not some:
                            break
                        order.extend(task.member.number for task in some)
                        waiting.extend(pool.submit(self.chunk, part) for part in self._parts(some))
                    if not waiting:
                        return
                    future = waiting.popleft()
                    while not wait([future], LOOK).done:
                        check()  # Ctrl-C, where interrupts are deferred
                    outcomes.update((each.member.number, each) for each in future.result())
                    while order and order[0] in outcomes:
                        yield outcomes.pop(order.popleft())
            finally:
                self._stop.set()
                for future in waiting:
                    future.cancel()

    def _parts(self, tasks: list[TrainingTask]) -> Iterator[list[TrainingTask]]:
        """Yield the tasks of each thread; tasks that may run side by side are grouped."""
        if self.width == 1:
            yield tasks
            return
        for part in _grouped(tasks, lambda task: plain_key(task.member.settings)).values():
            yield from (part[at : at + self.width] for at in range(0, len(part), self.width))

    def chunk(self, tasks: Sequence[TrainingTask]) -> list[TaskOutcome]:
        """Train members; an error of a build or a training becomes their outcome."""
        outcomes = {task.member.number: TaskOutcome(task.member, task.epochs) for task in tasks}
        structures: dict[int, Structure] = {}
        for task in tasks:
            try:
                structures[task.member.number] = self.structure(task.member)
            except Exception as error:
                outcomes[task.member.number].failed(_error_text(error))
        built = [task for task in tasks if task.member.number in structures]
        for group in _grouped(built, lambda task: structures[task.member.number]).values():
            structure = structures[group[0].member.number]
            width = self.width if structure.beside(group, self.width) else 1
            for at in range(0, len(group), width):
                part = group[at : at + width]
                self._train(structure, part, [outcomes[t.member.number] for t in part], width)
        return list(outcomes.values())

    @property
    def structures(self) -> int:
        """Number of cached structures."""
        return sum(map(len, self._structures.values()))

    def structure(self, member: Member) -> Structure:
        """Return the structure of a member, from the cache if possible."""
        key = plain_key(member.settings)
        with self._lock:
            candidates = self._structures.setdefault(key, [])
            self._structures.move_to_end(key)
            for structure in candidates:
                if structure.admits(member):
                    return structure
            new = self._new_structure(member, key)
            candidates.append(new)
            del candidates[:-ALIKE]
            while len(self._structures) > STRUCTURES:
                self._structures.popitem(last=False)
            return new

    def _new_structure(self, member: Member, key: Hashable) -> Structure:
        """Return a new structure, recorded at once, before another build changes global state."""
        about = self.build, member, self.folds, self.batch_size
        if key not in self._unlike:
            # A build that fails with symbolic settings may work with floats.
            with suppress(Exception):
                structure = Structure(*about)
                structure.opened(member)
                if structure.problem is None or structure.holds(member):
                    return structure
        structure = Structure(*about, shared=False)
        structure.opened(member)
        self._unlike.add(key)
        return structure

    def _train(
        self,
        structure: Structure,
        tasks: list[TrainingTask],
        outcomes: list[TaskOutcome],
        width: int,
    ) -> None:
        """Train one member, or several side by side."""
        try:
            if structure.problem is None:
                self._fit(tasks[0], outcomes[0])
            elif self.scoring is not None:
                raise OptionError(
                    "scoring", "is for estimators; let a network have the metric, and name it by "
                    "monitor"
                )  # fmt: skip
            else:
                train(structure, list(zip(tasks, outcomes, strict=True)), width, self._watch)
        except StoppedError:
            raise
        except Exception as error:
            for outcome in outcomes:
                outcome.failed(_error_text(error))

    def _fit(self, task: TrainingTask, outcome: TaskOutcome) -> None:
        """Fit an estimator on each fold, from the start."""
        for samples, validation in self.folds:
            with self._lock:  # only one build at a time
                model = built(self.build, task.member)
            began = time.perf_counter()
            model = fitted(model, task.member, samples)
            trained = time.perf_counter()
            outcome.add(scores_of(model, self.scoring, *in_memory(validation)))
            outcome.times.append((trained - began, time.perf_counter() - trained))

    def _watch(self, updates: Updates) -> None:
        if self._stop.is_set():
            raise StoppedError


def _grouped(
    tasks: Iterable[TrainingTask], kind: Callable[[TrainingTask], Hashable]
) -> dict[Any, list[TrainingTask]]:
    """Group tasks by kind, seed, and first and last epoch: such tasks can run side by side."""
    groups: dict[Any, list[TrainingTask]] = {}
    for task in tasks:
        start = task.checkpoint[0]["epochs"] if task.checkpoint else 0
        key = kind(task), task.member.seed, task.epochs, start
        groups.setdefault(key, []).append(task)
    return groups


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
