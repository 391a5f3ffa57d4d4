"""Where the batches of a run come from: samples at random access, or an iterator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.interrupts import immediate
from chainrule._src.compile.running.engines import Engine, Outcome, rows_in, rows_of

UNKNOWN = 1000  # updates of an epoch that is not known yet: taken for many
TOGETHER = 1_000_000  # samples of epochs that are run at once where nothing watches


class Samples:
    """Samples at random access, in a new order every pass.

    An epoch is a pass, or the next ``steps`` batches of one: passes go on over epochs, the last
    epoch of a pass may be shorter. With ``drop_remainder`` a pass ends before the last batch if
    that would be smaller than the others.

    Attributes
    ----------
    first : tuple
        Data that a step can be recorded with.
    updates, samples : int
        Of an epoch: the last one, the first one before it.
    at : int
        Samples of the present pass that were taken before this epoch.
    before : dict or None
        The state of the random generator when that pass began.
    """

    def __init__(
        self,
        data: Any,
        batch_size: int,
        rng: np.random.Generator | None,
        steps: int | None = None,
        drop_remainder: bool = False,
    ) -> None:
        self.first, self.rng = data, rng
        self.rows = self.taken = rows_in(data)
        self.batch_size = min(batch_size, self.rows)
        if drop_remainder and self.rows:
            self.taken -= self.rows % self.batch_size
        self.longest = min(self.taken, (steps or self.rows) * self.batch_size)
        self.at = 0
        self.before: Mapping[str, Any] | None = None
        self._done: Outcome | None = None  # of the epoch that runs
        self.samples = self.longest
        self.updates = -(-self.samples // self.batch_size)

    def _order(self, passes: int) -> Any:
        """Return the order of the samples in so many passes."""
        return np.broadcast_to(np.arange(self.rows), (passes, self.rows))

    def together(self, epochs: int) -> int:
        """Return how many epochs to run at once, of so many wanted."""
        is_whole = self.longest == self.taken
        return max(1, min(epochs, TOGETHER // self.rows)) if is_whole else 1

    def run(self, engine: Engine, done: Outcome) -> None:
        """Run the epochs that ``done`` has room for."""
        if self.at == 0:
            self.begin(len(done.totals))
        end = min((self.at // self.longest + 1) * self.longest, self.taken)
        self.orders = self._pass[:, self.at : end]
        self.samples = int(self.orders.shape[1])
        self.updates = -(-self.samples // self.batch_size)
        self._done = done
        try:
            engine.run(self.orders, self.batch_size, done)
        finally:
            self._done = None
        self.at = (self.at + self.samples) % self.taken

    def place(self) -> tuple[int, bool]:
        """Return how many samples of the pass are taken, and whether an epoch is at its end."""
        done = 0 if self._done is None else self.seen(self._done.updates)
        return (self.at + done) % self.taken, done == self.samples

    def begin(self, passes: int = 1) -> None:
        """Begin with passes over the samples."""
        self._pass = self._order(passes)
        if self.rng is not None:
            self.before = self.rng.bit_generator.state  # a run may go on within a pass
            self._pass = self.rng.permuted(self._pass, axis=1)

    def go_on(self, rng: np.random.Generator | None, at: int) -> None:
        """Go on in the middle of a pass that began when the generator was as it is."""
        if at >= self.rows:
            raise DataError(f"fit: the checkpoint stands at sample {at}, there are {self.rows}")
        self.rng, self.at = rng, at
        if at:
            self.begin()

    def seen(self, updates: int) -> int:
        """Return how many samples so many updates of an epoch take."""
        return min(updates * self.batch_size, self.samples)

    def finished(self, updates: int) -> int:
        """Return how many epochs so many updates are."""
        return updates // self.updates

    def batch(self, update: int) -> Any:
        """Return the data of an update of the last run."""
        epoch, at = divmod(update, self.updates)
        start = at * self.batch_size
        return rows_of(self.first, self.orders[epoch, start : start + self.batch_size], None)


class Batches:
    """Batches from an iterator, with the same attributes.

    Parameters
    ----------
    batches : iterable, or callable that returns one
    checked : callable
        From a batch as it comes to a step's data.
    where : str
        What errors call the run.
    steps : int, optional
        Batches an epoch. Then one iterator may serve all epochs, one after the other.
    again : bool, default True
        Whether there is more than one pass.
    """

    def __init__(
        self,
        batches: Any,
        checked: Callable[[Any], Any],
        where: str,
        steps: int | None = None,
        again: bool = True,
    ) -> None:
        self.batches, self.checked, self.where, self.steps = batches, checked, where, steps
        once = not callable(batches) and iter(batches) is batches
        if once and again and steps is None:
            raise DataError(
                f"{where}: X is an iterator, which can be gone through once; give a list, a "
                "function that returns a new iterator for every epoch, or steps_per_epoch"
            )
        self.first: Any = None
        self._rest = iter(batches) if once else None
        self._ahead: list[Any] = []
        first = next(self._all(), None)
        if first is None:
            raise DataError(f"{where}: X gives no batch")
        for batch in batches if isinstance(batches, list) else ():  # all are known before
            checked(batch)
        if once:  # it is to be trained on as well
            self._ahead = [first]
        self.first = self.last = first
        self.batch_size = rows_in(first)
        self.updates = steps or UNKNOWN
        self.samples = 1

    def _all(self) -> Iterator[Any]:
        if self._rest is not None:
            ahead, self._ahead = self._ahead, []
            yield from ahead
            source = self._rest
        else:
            with immediate():
                source = each_batch(self.batches, self.where)
        for batch in _interruptible(source):
            data = self.checked(batch)
            if self.first is not None and len(data) != len(self.first):
                raise DataError(
                    f"{self.where}: a batch has {len(data)} parts, the first one had "
                    f"{len(self.first)}; let all have a sample_weight, or none"
                )
            yield data

    def together(self, epochs: int) -> int:
        """Return how many epochs to run at once."""
        return 1

    def seen(self, updates: int) -> int:
        """Return how many samples there were in the epoch so far."""
        return self.samples

    def finished(self, updates: int) -> int:
        """Return how many epochs are finished where one broke off."""
        return 0

    def run(self, engine: Engine, done: Outcome) -> None:
        """Run an epoch."""
        samples = 0
        for batch in islice(self._all(), self.steps):
            self.last = batch
            engine.feed(batch)
            rows = rows_in(batch)
            part = Outcome(np.zeros(1))
            engine.run(np.arange(rows)[np.newaxis], rows, part)
            done.updates += part.updates
            done.fails = part.fails
            if done.fails:
                break
            samples += rows
            done.totals[0] += part.totals[0]
            self.samples = samples
            done.look()
        if not samples and not done.fails:
            raise DataError(
                f"{self.where}: X gave no batch this time; give a function that starts anew"
            )
        self.updates = max(done.updates, 1) if not done.fails else done.updates + 1

    def batch(self, update: int) -> Any:
        """Return the data of the last update."""
        return self.last


def _interruptible(source: Iterator[Any]) -> Iterator[Any]:
    """Yield what an iterator gives, which may wait for it as long as it likes."""
    while True:
        with immediate():
            try:
                batch = next(source)
            except StopIteration:
                return
        yield batch


def each_batch(batches: Any, where: str) -> Iterator[Any]:
    """Return an iterator over batches, or over those that a function gives."""
    source = batches
    if callable(batches) and not isinstance(batches, type):
        try:
            source = batches()
        except TypeError as error:
            raise DataError(f"{where}: {batches!r} gives no batches: {error}") from error
    if not isinstance(source, Iterable):
        raise DataError(f"{where}: batches must come from an iterable, received {source!r}")
    return iter(source)


def gives_batches(X: Any) -> bool:
    """Whether ``X`` gives batches instead of holding samples."""
    if isinstance(X, np.ndarray | dict | tuple | str | bytes) or hasattr(X, "__array__"):
        return False
    if isinstance(X, list):
        return bool(X) and isinstance(X[0], tuple) and all(np.ndim(p) > 0 for p in X[0])
    return callable(X) or isinstance(X, Iterable)
