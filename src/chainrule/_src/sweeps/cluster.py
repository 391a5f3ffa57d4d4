"""Members trained by the workers of a Dask cluster, in batches of about a second."""

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
from chainrule._src.sweeps.member import Outcome, Task
from chainrule._src.sweeps.scoring import Scoring

SECONDS = 1.0  # that a batch takes
GROWTH = 8  # by which a batch is larger than the one before, at most
AHEAD = 2  # batches at a worker's thread
TIMEOUT = 600.0  # seconds without a finished batch after which a cluster is given up
FLEETS = 4  # that a worker keeps


class Batch(NamedTuple):
    """Tasks that are at a worker."""

    tasks: list[Task]
    future: Any


class ClusterFleet(Fleet):
    """Trains the members of a sweep on the workers of a client.

    A batch is a pure function of its tasks: where a worker is lost, Dask runs it again elsewhere.
    A member with which workers are lost again and again has that as its error.

    Parameters
    ----------
    client : distributed.Client
    build, folds, batch_size, scoring
        As for `Fleet`.

    Raises
    ------
    DataError
        If ``build`` cannot be sent to other machines, or ``client`` is none.
    """

    def __init__(
        self, client: Any, build: Any, folds: Sequence[Fold], batch_size: int,
        scoring: Scoring = None,
    ) -> None:  # fmt: skip
        super().__init__(build, folds, batch_size, scoring=scoring)
        self.cluster = Cluster(check_client(client), TIMEOUT)
        self._code = pickled(build, "build"), pickled(scoring, "scoring")
        self._name = uuid.uuid4().hex

    def run(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield the outcome of each task, in the order of the tasks."""
        source, waiting, size = iter(tasks), deque[Batch](), 1
        parts: deque[list[Task]] = deque()
        data = self.cluster.submit(same, list(self.folds))
        try:
            while True:
                threads = sum(self.cluster.client.nthreads().values())
                while len(waiting) < AHEAD * max(threads, 1):
                    parts = parts or _parts(source, size, max(threads, 1))
                    if not parts:
                        break
                    waiting.append(self._sent(parts.popleft(), data))
                if not waiting:
                    return
                outcomes, seconds = self._came(waiting.popleft(), data)
                if seconds:
                    fits = int(len(outcomes) * SECONDS / seconds)
                    size = max(1, min(fits, GROWTH * size))
                yield from outcomes
        finally:
            for batch in waiting:
                batch.future.cancel()

    def _sent(self, tasks: list[Task], data: Any) -> Batch:
        about = self._name, self._code, self.batch_size
        return Batch(tasks, self.cluster.submit(train_batch, about, data, tasks))

    def _came(self, batch: Batch, data: Any, again: int = 2) -> tuple[list[Outcome], float]:
        """Return what came of a batch, and in how many seconds.

        What is lost with workers is sent model by model, and each once more: another may have been
        at fault.
        """
        try:
            outcomes, seconds = self.cluster.results([batch.future])[0]
            return pickle.loads(outcomes), seconds
        except dask("distributed").KilledWorker as error:
            if len(batch.tasks) == 1 and not again:
                (task,) = batch.tasks
                return [Outcome(task.member, task.epochs, error=f"KilledWorker: {error}")], 0.0
            parts = [self._came(self._sent([task], data), data, again - 1) for task in batch.tasks]
            return [outcome for outcomes, _ in parts for outcome in outcomes], 0.0


_fleets: OrderedDict[str, Fleet] = OrderedDict()  # of this process, which works for others
_lock = threading.Lock()


def _parts(source: Iterator[Task], size: int, threads: int) -> deque[list[Task]]:
    """Return the next batches, one for each thread; the last tasks are divided among all."""
    some = list(islice(source, size * threads))
    if len(some) < size * threads:
        size = -(-len(some) // (AHEAD * threads)) or 1
    return deque(some[at : at + size] for at in range(0, len(some), size))


def train_batch(about: Any, folds: Any, tasks: list[Task]) -> tuple[bytes, float]:
    """Return what comes of tasks, and how many seconds that took.

    The outcomes are pickled here: a cluster would send each of their many small arrays by itself.
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
