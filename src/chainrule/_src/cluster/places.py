"""Executors of rounds: this process, or the workers of a cluster."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from importlib import import_module
from itertools import zip_longest
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.errors import ClusterError, DataError
from chainrule._src.base.extras import needs
from chainrule._src.base.interrupts import check
from chainrule._src.cluster.homes import homes
from chainrule._src.cluster.job import Job, State, forget
from chainrule._src.cluster.reading import reader
from chainrule._src.cluster.rounds import (
    RoundResult,
    Work,
    mean,
    same_bits,
    started,
    together,
    train_shard,
)
from chainrule._src.core.trees import map_leaves

GLANCE = 0.5  # seconds between checks for Ctrl-C and of the cluster
SILENCE = 2  # seconds without a scheduler after which the run ends with an error
AGAIN = 3  # attempts to run a round whose workers are lost
CHAIN = 8  # rounds in a chain of futures: each begins with the result of the one before


class Executor(Protocol):
    """The interface of an executor of rounds.

    Attributes
    ----------
    workers : int
        The current number of workers; 0 for this process.
    """

    @property
    def workers(self) -> int:
        """The current number of workers."""

    def round(
        self, job: Job, state: State, works: Sequence[Work], after: Sequence[Work]
    ) -> RoundResult:
        """Run a round and return its result; ``after`` is the work of the next round."""

    def close(self) -> None:
        """Free the caches of the run."""


class LocalExecutor:
    """An executor that trains the shards one after another in this process."""

    workers = 0

    def round(
        self, job: Job, state: State, works: Sequence[Work], after: Sequence[Work]
    ) -> RoundResult:
        """Run a round and return its result."""
        results, start = [], started(state)
        for work, then in zip_longest(works, [*works[1:], *after[:1]]):
            parts = [piece.group.inputs for piece in work.pieces]
            results.append(train_shard(job, start, work, parts, then))
        while len(results) > 1:
            results = [mean(some, start) for some in together(results)]
        return results[0]

    def close(self) -> None:
        """Clear the caches of rows and of recordings."""
        reader().forget()
        forget()


def dask(name: str = "dask") -> Any:
    """Import Dask, or a package on which it depends.

    Raises
    ------
    MissingDependencyError
        If the package is not installed.
    """
    with needs("training on a cluster", "cluster", "dask", "distributed"):
        return import_module(name)


@dataclass
class PendingRound:
    """A round that was submitted to workers.

    Attributes
    ----------
    last : Future
        The round's result.
    parts : list of Future
        The intermediate results on which it depends.
    works : sequence of Work
    number : int
        The length of its chain: the rounds before it that would run again if workers are lost.
    """

    last: Any
    parts: list[Any]
    works: Sequence[Work]
    number: int


def check_client(client: Any) -> Any:
    """Check and return a client of a cluster.

    Raises
    ------
    DataError
        If it is not a client, or is asynchronous or closed.
    """
    if getattr(client, "asynchronous", False) or not hasattr(client, "submit"):
        raise DataError(f"client must be a distributed.Client, and no asynchronous one: {client!r}")
    if getattr(client, "status", None) in ("closing", "closed"):
        raise DataError(f"client must be in use, and this one is closed: {client!r}")
    return client


class Cluster:
    """An executor on the workers of a client.

    The tasks hold everything that a round needs. If a worker is lost, Dask runs its tasks again on
    another one, with the same bits. Workers begin the next round speculatively, from the mean that
    they store, while the result travels to this process and callbacks run. If a callback changes
    the state that the next round begins with, that work is discarded, and not tried again.

    Parameters
    ----------
    client : distributed.Client
    timeout : float
        Seconds without a finished task after which the run ends with an error.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self.client, self.timeout = client, timeout
        self._ahead: PendingRound | None = None  # the round that was submitted early
        self._reached: State | None = None  # the state that it begins with
        self._foresees = True

    @property
    def workers(self) -> int:
        """The current number of workers."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def round(
        self, job: Job, state: State, works: Sequence[Work], after: Sequence[Work]
    ) -> RoundResult:
        """Run a round and return its result."""
        for attempt in range(AGAIN):
            try:
                return self._round(job, state, works, after)
            except dask("distributed").KilledWorker as error:
                if attempt == AGAIN - 1:
                    raise ClusterError(
                        f"fit: workers were lost again and again: {error}. Is there memory for "
                        "two groups of rows in each?"
                    ) from error
        raise AssertionError

    def _round(
        self, job: Job, state: State, works: Sequence[Work], after: Sequence[Work]
    ) -> RoundResult:
        now, self._ahead = self._ahead, None
        if now is not None and not (now.works == works and same_bits(self._reached, state)):
            now, self._foresees = None, False
        if now is None:
            now = self._submit_round(job, self.submit(same, started(state)), works, 0)
        if after and self._foresees and now.number + 1 < CHAIN:
            self._ahead = self._submit_round(job, now.last, after, now.number + 1)
        try:
            result: RoundResult = self.results([now.last], now.parts)[0]
        except BaseException:
            self._ahead = None
            raise
        self._reached = map_leaves(np.copy, result.state) if self._ahead else None
        return result

    def _submit_round(
        self, job: Job, start: Any, works: Sequence[Work], number: int
    ) -> PendingRound:
        """Submit a round that begins with a result, or with the future of a result."""
        results: list[Any] = [None] * len(works)
        for home, numbers in self._homes(works).items():
            home_works = [works[n] for n in numbers]
            data = [[piece.group.inputs for piece in work.pieces] for work in home_works]
            each = [job] * len(home_works), [start] * len(home_works), home_works, data
            for n, future in zip(
                numbers, self.submit_each(train_shard, *each, home=home), strict=True
            ):
                results[n] = future
        parts = list(results)
        while len(results) > 1:
            results = [self.submit(mean, some, start) for some in together(results)]
            parts += results
        return PendingRound(results[0], parts, works, number)

    def _homes(self, works: Sequence[Work]) -> dict[str | None, list[int]]:
        """Assign the shards of a round to workers; see `homes`."""
        inputs = [[part for p in work.pieces for part in p.group.inputs] for work in works]
        needs = [[part.key for part in each] for each in inputs]
        about, wait = self.client.scheduler, {"callback_timeout": GLANCE}
        try:
            keys = [key for each in needs for key in each]
            stored = self.client.sync(about.who_has, keys=keys, **wait) if keys else {}
            return homes(needs, stored, self.client.sync(about.ncores, workers=None, **wait))
        except OSError:  # the scheduler does not answer: `results` handles it
            return homes(needs, {}, {})

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Submit a call of a function, and return its future."""
        return self.submit_each(function, *([each] for each in args))[0]

    def submit_each(
        self, function: Callable[..., Any], *args: Sequence[Any], home: str | None = None
    ) -> list[Any]:
        """Submit a call for each set of arguments, preferably to the worker ``home``."""
        keys = [f"{function.__name__}-{uuid.uuid4().hex}" for _ in args[0]]
        how = {"workers": [home], "allow_other_workers": True} if home else {}
        with _quietly():
            futures: list[Any] = self.client.map(function, *args, key=keys, pure=False, **how)
        return futures

    def results(self, futures: Sequence[Any], others: Sequence[Any] = ()) -> list[Any]:
        """Wait for futures and return their results.

        Raises
        ------
        ClusterError
            If the scheduler is lost, or nothing is finished for too long.
        """
        glance = min(GLANCE, self.timeout / 2)
        finished, since = -1, time.monotonic()
        heard = since
        # One wait, which no timeout cancels: a `Future.result` that times out as it begins to fetch
        # leaves its client with a cancelled fetch, for which all later ones wait.
        fetch = asyncio.run_coroutine_threadsafe(
            self.client.gather(list(futures), asynchronous=True), self.client.loop.asyncio_loop
        )
        try:
            while not wait([fetch], glance).done:
                count = sum(future.done() for future in (*others, *futures))
                if count != finished:
                    finished, since = count, time.monotonic()
                is_there = self.client.status == "running"
                heard = time.monotonic() if is_there else heard
                if time.monotonic() - heard > SILENCE:
                    raise self._lost(f"its scheduler has been away for {SILENCE} s")
                if time.monotonic() - since > self.timeout:
                    workers = self._described_workers() if is_there else "0 workers"
                    raise self._lost(f"nothing was finished in {self.timeout:g} s, by {workers}")
                check()
            return list(fetch.result())
        except dask("distributed").CancelledError as error:
            raise self._lost(f"{error}") from error
        finally:
            if not all(future.done() for future in futures):  # the fetch has not begun
                fetch.cancel()

    def _described_workers(self) -> str:
        """Return the number of workers, and of those that Dask has paused, as a text."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        n_paused = sum(worker["status"] == "paused" for worker in workers)
        reason = f", of which {n_paused} are paused: their memory is nearly full"
        return f"{len(workers)} workers{reason if n_paused else ''}"

    def _lost(self, reason: str) -> ClusterError:
        reason = reason.rstrip(". ")
        return ClusterError(
            f"the cluster at {self.client.scheduler.address if self.client.scheduler else '?'} "
            f"does not answer: {reason}. Look at its log; with checkpoint=path, fit called again "
            "with another client goes on from the last round"
        )

    def close(self) -> None:
        """Forget the next round; the client stays open."""
        self._ahead = None


def same(value: Any) -> Any:
    """Return the argument; as a task its result can be recomputed when a worker is lost."""
    return value


def _quietly() -> Any:
    """Context manager: Dask does not warn of large graphs, which hold parameters on purpose."""
    return dask().config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
