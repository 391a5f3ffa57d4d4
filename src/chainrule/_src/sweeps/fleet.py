"""Many models trained by a few threads, those of one structure by one kernel."""

from __future__ import annotations

import threading
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
from chainrule._src.sweeps.member import Member, Outcome, Task
from chainrule._src.sweeps.scoring import Scoring, score_of
from chainrule._src.sweeps.structure import Structure
from chainrule._src.sweeps.trained import train

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
    width : int, default 32
        So many members of one structure and seed may share a kernel, where that is faster and each
        has the bits that it has alone: small ones that are trained one sample at a time.
    scoring : str or callable, optional
        Of estimators, in place of their own score.
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
        self._unlike: set[Hashable] = set()  # plain settings of which no two members can be alike
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __reduce__(self) -> Any:
        """Return what trains alike elsewhere, without what was recorded and compiled here."""
        about = self.build, self.folds, self.batch_size, self.workers, self.width, self.scoring
        return Fleet, about

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task, in the order of the tasks."""
        source, waiting = iter(tasks), deque[Future[list[Outcome]]]()
        order, done = deque[int](), dict[int, Outcome]()
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
                    done.update((each.member.number, each) for each in future.result())
                    while order and order[0] in done:
                        yield done.pop(order.popleft())
            finally:
                self._stop.set()
                for future in waiting:
                    future.cancel()

    def _parts(self, tasks: list[Task]) -> Iterator[list[Task]]:
        """Yield tasks for a thread each: those that may be side by side come together."""
        if self.width == 1:
            yield tasks
            return
        for part in _alike(tasks, lambda task: plain_key(task.member.settings)).values():
            yield from (part[at : at + self.width] for at in range(0, len(part), self.width))

    def chunk(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Train members; what a build or a training raises is their outcome."""
        found = {task.member.number: Outcome(task.member, task.epochs) for task in tasks}
        known: dict[int, Structure] = {}
        for task in tasks:
            try:
                known[task.member.number] = self.structure(task.member)
            except Exception as error:
                found[task.member.number].failed(_told(error))
        built = [task for task in tasks if task.member.number in known]
        for group in _alike(built, lambda task: known[task.member.number]).values():
            structure = known[group[0].member.number]
            width = self.width if structure.beside(group, self.width) else 1
            for at in range(0, len(group), width):
                part = group[at : at + width]
                self._train(structure, part, [found[t.member.number] for t in part], width)
        return list(found.values())

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
                found.opened(member)
                if found.problem is None or found.holds(member):
                    return found
        found = Structure(*about, shared=False)
        found.opened(member)
        self._unlike.add(key)
        return found

    def _train(
        self, structure: Structure, tasks: list[Task], outcomes: list[Outcome], width: int
    ) -> None:
        """Train members side by side, or one."""
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
                outcome.failed(_told(error))

    def _fit(self, task: Task, outcome: Outcome) -> None:
        """Train what fits itself, an estimator, from the start."""
        for samples, held in self.folds:
            with self._lock:  # builds come one after another
                model = built(self.build, task.member)
            model = fitted(model, task.member, samples)
            outcome.add({"score": score_of(model, self.scoring, *held)})

    def _watch(self, done: Updates) -> None:
        if self._stop.is_set():
            raise StoppedError


def _alike(tasks: Iterable[Task], kind: Callable[[Task], Hashable]) -> dict[Any, list[Task]]:
    """Return tasks of one kind that begin and end alike, with the same order of samples."""
    found: dict[Any, list[Task]] = {}
    for task in tasks:
        done = task.checkpoint[0]["epochs"] if task.checkpoint else 0
        key = kind(task), task.member.seed, task.epochs, done
        found.setdefault(key, []).append(task)
    return found


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
