"""Where rounds run: in this process, or on the workers of a cluster."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from chainrule.distributed.job import Job, State
from chainrule.distributed.reading import reader
from chainrule.distributed.rounds import TOGETHER, Result, Work, added, mean, train_shard
from chainrule.errors import ClusterError, MissingDependencyError
from chainrule.interrupts import check

GLANCE = 0.5  # seconds between looks at the keyboard and the cluster
SILENCE = 2  # seconds without a scheduler after which it is given up
AGAIN = 3  # times that what was lost with workers is asked for


class Place(Protocol):
    """What runs rounds.

    Attributes
    ----------
    workers : int
        How many there are now; 0 in this process.
    """

    @property
    def workers(self) -> int:
        """How many there are now."""

    def round(self, job: Job, given: State, works: Sequence[Work], after: Any) -> Result:
        """Return what comes of a round; ``after`` is the work that follows it, if known."""

    def close(self) -> None:
        """Let go of what was kept for the run."""


class Here:
    """Shards one after another, in the process that asks for them."""

    workers = 0

    def round(self, job: Job, given: State, works: Sequence[Work], after: Any) -> Result:
        """Return what comes of a round."""
        results = []
        for work, then in zip(works, [*works[1:], after], strict=True):
            parts = [_computed(piece.group.given) for piece in work.pieces]
            results.append(train_shard(job, given, work, parts, then))
        while len(results) > TOGETHER:
            results = [added(some) for some in _split(results)]
        return mean(results, given)

    def close(self) -> None:
        """Let go of what was read."""
        reader().forget()


def _computed(given: tuple[Any, ...]) -> list[Any]:
    """Return parts of Dask's collections computed in this process."""
    if not given:
        return []
    return list(dask().compute(*given, scheduler="synchronous"))


def dask(name: str = "dask") -> Any:
    """Return Dask, or its part for clusters.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            "clusters and Dask's collections need Dask: pip install 'chainrule[dask]'"
        ) from error


def _split(results: Sequence[Any]) -> list[Sequence[Any]]:
    return [results[at : at + TOGETHER] for at in range(0, len(results), TOGETHER)]


class Cluster:
    """The workers of a client.

    All that a round needs is in its tasks, so that whichever worker is lost, Dask runs its tasks
    again elsewhere, to the same bits.

    Parameters
    ----------
    client : distributed.Client
    timeout : float
        Seconds without a finished task after which it is given up.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self.client, self.timeout = client, timeout

    @property
    def workers(self) -> int:
        """How many there are now."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def round(self, job: Job, given: State, works: Sequence[Work], after: Any) -> Result:
        """Return what comes of a round."""
        for attempt in range(AGAIN):
            try:
                return self._round(job, given, works)
            except dask("distributed").KilledWorker as error:
                if attempt == AGAIN - 1:
                    raise ClusterError(
                        f"fit: workers were lost again and again: {error}. Is there memory for "
                        "two groups of rows in each?"
                    ) from error
        raise AssertionError

    def _round(self, job: Job, given: State, works: Sequence[Work]) -> Result:
        start = self.submit(same, given)
        results = [
            self.submit(train_shard, job, start, work, [p.group.given for p in work.pieces])
            for work in works
        ]
        waiting = list(results)
        while len(results) > TOGETHER:
            results = [self.submit(added, some) for some in _split(results)]
            waiting += results
        last = self.submit(mean, results, start)
        found: Result = self.results([last], waiting)[0]
        return found

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Have a function called by a worker."""
        key = f"{function.__name__}-{uuid.uuid4().hex}"
        with _quietly():
            return self.client.submit(function, *args, key=key, pure=False)

    def results(self, futures: Sequence[Any], others: Sequence[Any] = ()) -> list[Any]:
        """Wait for results and return them.

        Raises
        ------
        ClusterError
            If the scheduler is lost, or nothing is finished for too long.
        """
        glance = min(GLANCE, self.timeout / 2)
        finished, since = -1, time.monotonic()
        heard = since
        while True:
            try:
                return [future.result(timeout=glance) for future in futures]
            except dask("distributed").CancelledError as error:
                raise self._lost(f"{error}") from error
            except (TimeoutError, UnboundLocalError) as error:
                # The second is how a client says that a wait was cancelled as it timed out.
                if isinstance(error, UnboundLocalError) and _failed(futures):
                    raise
                count = sum(future.done() for future in (*others, *futures))
                if count != finished:
                    finished, since = count, time.monotonic()
                if time.monotonic() - since > self.timeout:
                    raise self._lost(f"nothing was finished in {self.timeout:g} s") from error
                if self.client.status == "running":
                    heard = time.monotonic()
                elif time.monotonic() - heard > SILENCE:
                    raise self._lost(f"its scheduler has been away for {SILENCE} s") from error
            check()

    def _lost(self, reason: str) -> ClusterError:
        return ClusterError(
            f"the cluster at {self.client.scheduler.address if self.client.scheduler else '?'} "
            f"does not answer: {reason}. Look at its log; with checkpoint=path, fit called again "
            "with another client goes on from the last round"
        )

    def close(self) -> None:
        """Leave the client to its owner."""


def _failed(futures: Sequence[Any]) -> bool:
    """Whether what a future waits for has raised an error itself."""
    return any(future.status == "error" for future in futures)


def same(thing: Any) -> Any:
    """Return a thing: as a task it can be had again when a worker is lost."""
    return thing


def _quietly() -> Any:
    """Return a context in which Dask does not warn of parameters in a graph: it is meant so."""
    return dask().config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
