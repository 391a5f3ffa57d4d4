"""Many models trained by a few threads, those of one structure by one kernel."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import Any

from chainrule.interrupts import check
from chainrule.running.engines import Outcome as Updates
from chainrule.running.threads import cores
from chainrule.sweeps.building import Build, Fold, built, fitted, plain_key
from chainrule.sweeps.member import Member, Outcome, Task
from chainrule.sweeps.structure import Structure
from chainrule.sweeps.trained import train

STRUCTURES = 64  # that are kept at hand
ALIKE = 8  # of these with equal plain settings
CHUNK = 8  # tasks that a thread takes at once
LOOK = 0.1  # seconds between looks at the keyboard
WIDTH = 32  # members that are side by side


class StoppedError(Exception):
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
    side_by_side : bool, default False
        Whether members of one structure and seed are trained in one kernel, `WIDTH` of them
        together. Each has the same bits then whoever is beside it, but others than those of its
        own fit: sums are added up in another order.
    """

    def __init__(
        self,
        build: Build,
        folds: Sequence[Fold],
        batch_size: int,
        workers: int | None = None,
        side_by_side: bool = False,
    ) -> None:
        self.build, self.folds, self.batch_size = build, folds, batch_size
        self.width = WIDTH if side_by_side else 1
        self.workers = workers or cores()
        self._structures: OrderedDict[Hashable, list[Structure]] = OrderedDict()
        self._unlike: set[Hashable] = set()  # plain settings of which no two members can be alike
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task, in the order of the tasks."""
        size = CHUNK if self.width == 1 else 4 * self.width
        source, waiting = iter(tasks), deque[Future[list[Outcome]]]()
        self._stop.clear()
        with ThreadPoolExecutor(self.workers, "chainrule") as pool:
            try:
                while True:
                    while len(waiting) < 2 * self.workers:
                        chunk = list(islice(source, size))
                        if not chunk:
                            break
                        waiting.append(pool.submit(self.chunk, chunk))
                    if not waiting:
                        return
                    future = waiting.popleft()
                    while not wait([future], LOOK).done:
                        check()  # Ctrl-C, where interrupts are deferred
                    yield from future.result()
            finally:
                self._stop.set()
                for future in waiting:
                    future.cancel()

    def chunk(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Train members; what a build or a training raises is their outcome."""
        found = {task.member.number: Outcome(task.member, task.epochs) for task in tasks}
        for group in self._groups(tasks, found):
            outcomes = [found[task.member.number] for task in group]
            try:
                self._train(group, outcomes)
            except StoppedError:
                raise
            except Exception as error:
                for outcome in outcomes:
                    outcome.error = _told(error)
        return list(found.values())

    def _groups(self, tasks: Sequence[Task], found: Any) -> Iterator[list[Task]]:
        """Yield tasks that are trained side by side: alike, and with the same order of samples."""
        if self.width == 1:
            yield from ([task] for task in tasks)
            return
        together: dict[Any, list[Task]] = {}
        for task in tasks:
            try:
                structure = self.structure(task.member)
            except Exception as error:
                found[task.member.number].error = _told(error)
                continue
            done = task.checkpoint[0]["epochs"] if task.checkpoint else 0
            key = structure, task.member.seed, task.epochs, done
            together.setdefault(key, []).append(task)
        for group in together.values():
            yield from (group[i : i + self.width] for i in range(0, len(group), self.width))

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
            found = self._made(member, key)
            known.append(found)
            del known[:-ALIKE]
            while len(self._structures) > STRUCTURES:
                self._structures.popitem(last=False)
            return found

    def _made(self, member: Member, key: Hashable) -> Structure:
        """Return a new structure, recorded: what a build sets elsewhere is not yet another's."""
        about = self.build, member, self.folds, self.batch_size
        if key not in self._unlike:
            with suppress(Exception):  # what takes no number without a value may take a plain one
                found = Structure(*about)
                found.opened(member, self.width)
                if found.problem is None or found.holds(member):
                    return found
        found = Structure(*about, shared=False)
        found.opened(member, self.width)
        self._unlike.add(key)
        return found

    def _train(self, tasks: Sequence[Task], outcomes: Sequence[Outcome]) -> None:
        """Train members of one structure."""
        structure, work = self.structure(tasks[0].member), list(zip(tasks, outcomes, strict=True))
        if structure.problem is None:
            self._fit(*work[0])
            return
        width = structure.opened(tasks[0].member, self.width)
        size = width if len(work) <= width else 1
        for start in range(0, len(work), size):
            train(structure, work[start : start + size], width, self._watch)

    def _fit(self, task: Task, outcome: Outcome) -> None:
        """Train what fits itself, an estimator, from the start."""
        for samples, held in self.folds:
            with self._lock:  # builds come one after another
                model = built(self.build, task.member)
            model = fitted(model, task.member, samples)
            outcome.add({"score": float(model.score(*held))})

    def _watch(self, done: Updates) -> None:
        if self._stop.is_set():
            raise StoppedError


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
