"""Train members on the workers of a Dask cluster, in batches of about a second."""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from chainrule._src.cluster.job import pickled
from chainrule._src.cluster.places import Cluster, check_client, dask, same
from chainrule._src.sweeps.building import Fold
from chainrule._src.sweeps.fleet import Fleet
from chainrule._src.sweeps.member import TaskOutcome, TrainingTask
from chainrule._src.sweeps.scoring import Scoring

SECONDS = 1.0  # target duration of a batch
GROWTH = 8  # largest ratio of the sizes of consecutive batches
AHEAD = 2  # batches in flight per thread of a worker
TIMEOUT = 600.0  # seconds without a finished batch before the sweep fails
FLEETS = 4  # cached fleets of a worker


class SubmittedBatch(NamedTuple):
    """Tasks that were submitted to a worker, with their future."""

    tasks: list[TrainingTask]
    future: Any


class ClusterFleet(Fleet):
    """Trains the members of a sweep on the workers of a Dask client.

    A batch is a pure function of its tasks: if a worker is lost, Dask runs the batch again
    elsewhere. A member whose workers die repeatedly gets the error ``KilledWorker``.

    Parameters
    ----------
    client : distributed.Client
    build, folds, batch_size, scoring
        As for `Fleet`.

    Raises
    ------
    DataError
        If ``build`` cannot be pickled, or ``client`` is not a Dask client.
    """

    def __init__(
        self, client: Any, build: Any, folds: Sequence[Fold], batch_size: int,
        scoring: Scoring = None,
    ) -> None:  # fmt: skip
        super().__init__(build, folds, batch_size, scoring=scoring)
        self.cluster = Cluster(check_client(client), TIMEOUT)
        self._code = pickled(build, "build"), pickled(scoring, "scoring")
        self._name = uuid.uuid4().hex

    def run(self, tasks: Iterable[TrainingTask]) -> Iterator[TaskOutcome]:
        """Yield the outcome of each task, in the order of the tasks."""
        source, waiting, size = iter(tasks), deque[SubmittedBatch](), 1
        parts: deque[list[TrainingTask]] = deque()
        data = self.cluster.submit(same, list(self.folds))
        try:
            while True:
                threads = sum(self.cluster.client.nthreads().values())
                while len(waiting) < AHEAD * max(threads, 1):
                    parts = parts or _parts(source, size, max(threads, 1))
                    if not parts:
                        break
                    waiting.append(self._submit(parts.popleft(), data))
                if not waiting:
                    return
                outcomes, seconds = self._result(waiting.popleft(), data)
                if seconds:
                    fits = int(len(outcomes) * SECONDS / seconds)
                    size = max(1, min(fits, GROWTH * size))
                yield from outcomes
        finally:
            for batch in waiting:
                batch.future.cancel()

    def _submit(self, tasks: list[TrainingTask], data: Any) -> SubmittedBatch:
        about = self._name, self._code, self.batch_size
        return SubmittedBatch(tasks, self.cluster.submit(train_batch, about, data, tasks))

    def _result(
        self, batch: SubmittedBatch, data: Any, again: int = 2
    ) -> tuple[list[TaskOutcome], float]:
        """Return the outcomes of a batch, and the seconds that it took.

        If workers died, the tasks are submitted again one by one, up to ``again`` times, because
        another task may have killed the worker.
        """
        try:
            outcomes, seconds = self.cluster.results([batch.future])[0]
            return pickle.loads(outcomes), seconds
        except dask("distributed").KilledWorker as error:
            if len(batch.tasks) == 1 and not again:
                (task,) = batch.tasks
                return [TaskOutcome(task.member, task.epochs, error=f"KilledWorker: {error}")], 0.0
            parts = [
                self._result(self._submit([task], data), data, again - 1) for task in batch.tasks
            ]
            return [outcome for outcomes, _ in parts for outcome in outcomes], 0.0


_fleets: OrderedDict[str, Fleet] = OrderedDict()  # of this process, if it is a worker
_lock = threading.Lock()


def _parts(source: Iterator[TrainingTask], size: int, threads: int) -> deque[list[TrainingTask]]:
    """Return the next batches, one for each thread; the last tasks are shared by all threads."""
    some = list(islice(source, size * threads))
    if len(some) < size * threads:
        size = -(-len(some) // (AHEAD * threads)) or 1
    return deque(some[at : at + size] for at in range(0, len(some), size))


def train_batch(about: Any, folds: Any, tasks: list[TrainingTask]) -> tuple[bytes, float]:
    """Train tasks on a worker; return their pickled outcomes and the seconds.

    The outcomes are pickled here, because Dask would send each of their small arrays separately.
    """
    name, code, batch_size = about
    began = time.perf_counter()
    with _lock:
        if name not in _fleets:
            build, scoring = map(pickle.loads, code)
            _fleets[name] = Fleet(build, folds, batch_size, 1, scoring=scoring)
            while len(_fleets) > FLEETS:
                _fleets.popitem(last=False)
        fleet = _fleets[name]
    outcomes = fleet.chunk(tasks)
    return pickle.dumps(outcomes, pickle.HIGHEST_PROTOCOL), time.perf_counter() - began
