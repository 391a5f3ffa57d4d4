"""Where rounds run: in this process, or on the workers of a cluster."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
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
    Result,
    Work,
    mean,
    same_bits,
    started,
    together,
    train_shard,
)
from chainrule._src.core.trees import map_leaves

GLANCE = 0.5  # seconds between looks at the keyboard and the cluster
SILENCE = 2  # seconds without a scheduler after which it is given up
AGAIN = 3  # times that what was lost with workers is asked for
CHAIN = 8  # rounds, of which each begins with what is left of the one before on the workers


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

    def round(self, job: Job, given: State, works: Sequence[Work], after: Sequence[Work]) -> Result:
        """Return what comes of a round; ``after`` is the work of the one that follows it."""

    def close(self) -> None:
        """Let go of what was kept for the run."""


class Here:
    """Shards one after another, in the process that asks for them."""

    workers = 0

    def round(self, job: Job, given: State, works: Sequence[Work], after: Sequence[Work]) -> Result:
        """Return what comes of a round."""
        results, start = [], started(given)
        for work, then in zip_longest(works, [*works[1:], *after[:1]]):
            parts = [piece.group.given for piece in work.pieces]
            results.append(train_shard(job, start, work, parts, then))
        while len(results) > 1:
            results = [mean(some, start) for some in together(results)]
        return results[0]

    def close(self) -> None:
        """Let go of what was read, and of what was recorded."""
        reader().forget()
        forget()


def dask(name: str = "dask") -> Any:
    """Return Dask, or its part for clusters.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    with needs("training on a cluster", "cluster", "dask", "distributed"):
        return import_module(name)


@dataclass
class Asked:
    """A round that workers were asked for.

    Attributes
    ----------
    last : Future
        Of its result.
    parts : list of Future
        Of what it is made of.
    works : sequence of Work
    number : int
        How many rounds before it this one goes back to, the results of which may be lost.
    """

    last: Any
    parts: list[Any]
    works: Sequence[Work]
    number: int


def check_client(client: Any) -> Any:
    """Return a client of a cluster.

    Raises
    ------
    DataError
        If it is none, or closed.
    """
    if getattr(client, "asynchronous", False) or not hasattr(client, "submit"):
        raise DataError(f"client must be a distributed.Client, and no asynchronous one: {client!r}")
    if getattr(client, "status", None) in ("closing", "closed"):
        raise DataError(f"client must be in use, and this one is closed: {client!r}")
    return client


class Cluster:
    """The workers of a client.

    All that a round needs is in its tasks, so that whichever worker is lost, Dask runs its tasks
    again elsewhere, to the same bits. Workers go on with the next round from the mean that they
    have, while its way to this process and what callbacks do take their time. Where a callback
    changed what a round is to begin with, that was in vain, and is not tried again.

    Parameters
    ----------
    client : distributed.Client
    timeout : float
        Seconds without a finished task after which it is given up.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self.client, self.timeout = client, timeout
        self._ahead: Asked | None = None  # the next round
        self._reached: State | None = None  # what it begins with
        self._foresees = True

    @property
    def workers(self) -> int:
        """How many there are now."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def round(self, job: Job, given: State, works: Sequence[Work], after: Sequence[Work]) -> Result:
        """Return what comes of a round."""
        for attempt in range(AGAIN):
            try:
                return self._round(job, given, works, after)
            except dask("distributed").KilledWorker as error:
                if attempt == AGAIN - 1:
                    raise ClusterError(
                        f"fit: workers were lost again and again: {error}. Is there memory for "
                        "two groups of rows in each?"
                    ) from error
        raise AssertionError

    def _round(
        self, job: Job, given: State, works: Sequence[Work], after: Sequence[Work]
    ) -> Result:
        now, self._ahead = self._ahead, None
        if now is not None and not (now.works == works and same_bits(self._reached, given)):
            now, self._foresees = None, False
        if now is None:
            now = self._asked(job, self.submit(same, started(given)), works, 0)
        if after and self._foresees and now.number + 1 < CHAIN:
            self._ahead = self._asked(job, now.last, after, now.number + 1)
        try:
            found: Result = self.results([now.last], now.parts)[0]
        except BaseException:
            self._ahead = None
            raise
        self._reached = map_leaves(np.copy, found.state) if self._ahead else None
        return found

    def _asked(self, job: Job, start: Any, works: Sequence[Work], number: int) -> Asked:
        """Ask for a round that begins with a result."""
        results: list[Any] = [None] * len(works)
        for home, numbers in self._homes(works).items():
            mine = [works[n] for n in numbers]
            data = [[piece.group.given for piece in work.pieces] for work in mine]
            each = [job] * len(mine), [start] * len(mine), mine, data
            for n, future in zip(numbers, self.asked(train_shard, *each, home=home), strict=True):
                results[n] = future
        parts = list(results)
        while len(results) > 1:
            results = [self.submit(mean, some, start) for some in together(results)]
            parts += results
        return Asked(results[0], parts, works, number)

    def _homes(self, works: Sequence[Work]) -> dict[str | None, list[int]]:
        """Return which of some shards each worker had best train."""
        given = [[part for p in work.pieces for part in p.group.given] for work in works]
        needs = [[part.key for part in each] for each in given]
        about, wait = self.client.scheduler, {"callback_timeout": GLANCE}
        try:
            keys = [key for each in needs for key in each]
            held = self.client.sync(about.who_has, keys=keys, **wait) if keys else {}
            return homes(needs, held, self.client.sync(about.ncores, workers=None, **wait))
        except OSError:  # the scheduler is away: those who wait find out
            return homes(needs, {}, {})

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        """Have a function called by a worker."""
        return self.asked(function, *([each] for each in args))[0]

    def asked(
        self, function: Callable[..., Any], *args: Sequence[Any], home: str | None = None
    ) -> list[Any]:
        """Have a function called for each of some arguments, by the worker at home if it can."""
        keys = [f"{function.__name__}-{uuid.uuid4().hex}" for _ in args[0]]
        how = {"workers": [home], "allow_other_workers": True} if home else {}
        with _quietly():
            found: list[Any] = self.client.map(function, *args, key=keys, pure=False, **how)
        return found

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
                is_there = self.client.status == "running"
                heard = time.monotonic() if is_there else heard
                if time.monotonic() - heard > SILENCE:
                    raise self._lost(f"its scheduler has been away for {SILENCE} s") from error
                if time.monotonic() - since > self.timeout:
                    count = self.workers if is_there else 0
                    reason = f"nothing was finished in {self.timeout:g} s, by {count} workers"
                    raise self._lost(reason) from error
            check()

    def _lost(self, reason: str) -> ClusterError:
        reason = reason.rstrip(". ")
        return ClusterError(
            f"the cluster at {self.client.scheduler.address if self.client.scheduler else '?'} "
            f"does not answer: {reason}. Look at its log; with checkpoint=path, fit called again "
            "with another client goes on from the last round"
        )

    def close(self) -> None:
        """Leave the client to its owner."""
        self._ahead = None


def _failed(futures: Sequence[Any]) -> bool:
    """Whether what a future waits for has raised an error itself."""
    return any(future.status == "error" for future in futures)


def same(thing: Any) -> Any:
    """Return a thing: as a task it can be had again when a worker is lost."""
    return thing


def _quietly() -> Any:
    """Return a context in which Dask does not warn of parameters in a graph: it is meant so."""
    return dask().config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
