"""The data of a run: samples with random access, or an iterator of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.interrupts import immediate
from chainrule._src.base.packed import PackedRows
from chainrule._src.compile.running.engines import Engine, Outcome, rows_in, rows_of, run_part
from chainrule._src.core.trees import leaves

UNKNOWN = 1000  # assumed number of updates of an epoch whose length is not known yet
BLOCK = 2**14  # samples that are unpacked at once
TOGETHER = 1_000_000  # largest number of samples of epochs that run in one call


class Samples:
    """Samples with random access, in a new order for every pass.

    An epoch is a pass, or the next ``steps`` batches of a pass: a pass spans several epochs, whose
    last one may be shorter. With ``drop_remainder`` a pass ends before its last batch if
    that batch is smaller than the others.

    Attributes
    ----------
    first : tuple
        Example data with which a step can be recorded.
    is_packed : bool
        True if rows are unpacked during a run, some batches at once.
    updates, samples : int
        Numbers of updates and samples of the last epoch; before training, of the first epoch.
    at : int
        Number of samples of the present pass in earlier epochs.
    before : dict or None
        The state of the random generator at the start of the present pass.
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
        self.is_packed = any(isinstance(leaf, PackedRows) for _, leaf in leaves(data))
        self.rows = self.pass_length = rows_in(data)
        self.batch_size = min(batch_size, self.rows)
        if drop_remainder and self.rows:
            self.pass_length -= self.rows % self.batch_size
        self.longest = min(self.pass_length, (steps or self.rows) * self.batch_size)
        self.at = 0
        self.before: Mapping[str, Any] | None = None
        self._outcome: Outcome | None = None  # of the epoch that runs
        self.samples = self.longest
        self.updates = -(-self.samples // self.batch_size)

    def _order(self, passes: int) -> Any:
        """Return the orders of the samples in several passes, before they are shuffled."""
        return np.broadcast_to(np.arange(self.rows), (passes, self.rows))

    @property
    def example(self) -> Any:
        """The data, or some rows of them, by which an engine is made."""
        return rows_of(self.first, slice(self.batch_size), None) if self.is_packed else self.first

    def together(self, epochs: int) -> int:
        """Return the number of epochs that run in one call, at most ``epochs``."""
        is_whole = self.longest == self.pass_length and not self.is_packed
        return max(1, min(epochs, TOGETHER // self.rows)) if is_whole else 1

    def run(self, engine: Engine, outcome: Outcome) -> None:
        """Run as many epochs as ``outcome.totals`` has entries."""
        if self.at == 0:
            self.begin(len(outcome.totals))
        end = min((self.at // self.longest + 1) * self.longest, self.pass_length)
        self.orders = self._pass[:, self.at : end]
        self.samples = int(self.orders.shape[1])
        self.updates = -(-self.samples // self.batch_size)
        self._outcome = outcome
        try:
            if self.is_packed:
                self._run_blocks(engine, outcome)
            else:
                engine.run(self.orders, self.batch_size, outcome)
        finally:
            self._outcome = None
        self.at = (self.at + self.samples) % self.pass_length

    def _run_blocks(self, engine: Engine, outcome: Outcome) -> None:
        """Run an epoch whose rows are unpacked for some batches at once."""
        size = self.batch_size * max(1, BLOCK // self.batch_size)
        for start in range(0, self.samples, size):
            rows = self.orders[0, start : start + size]
            engine.feed(rows_of(self.first, rows, None))
            run_part(engine.run, np.arange(len(rows)), self.batch_size, outcome)
            if outcome.fails:
                break

    def place(self) -> tuple[int, bool]:
        """Return the number of samples taken of the pass, and true if the epoch is complete."""
        n_done = 0 if self._outcome is None else self.seen(self._outcome.updates)
        return (self.at + n_done) % self.pass_length, n_done == self.samples

    def begin(self, passes: int = 1) -> None:
        """Draw the orders of new passes over the samples."""
        self._pass = self._order(passes)
        if self.rng is not None:
            self.before = self.rng.bit_generator.state  # a run may resume within a pass
            self._pass = self.rng.permuted(self._pass, axis=1)

    def go_on(self, rng: np.random.Generator | None, at: int) -> None:
        """Resume in the middle of a pass; ``rng`` has the state of the start of that pass."""
        if at >= self.rows:
            raise DataError(f"fit: the checkpoint stands at sample {at}, there are {self.rows}")
        self.rng, self.at = rng, at
        if at:
            self.begin()

    def seen(self, updates: int) -> int:
        """Return the number of samples in the first updates of an epoch."""
        return min(updates * self.batch_size, self.samples)

    def finished(self, updates: int) -> int:
        """Return the number of complete epochs in a number of updates."""
        return updates // self.updates

    def batch(self, update: int) -> Any:
        """Return the batch of one update of the last run."""
        epoch, at = divmod(update, self.updates)
        start = at * self.batch_size
        return rows_of(self.first, self.orders[epoch, start : start + self.batch_size], None)


class Batches:
    """Batches from an iterator, with the attributes of `Samples`.

    Parameters
    ----------
    batches : iterable, or callable that returns one
    checked : callable
        Function of a batch that returns a step's data.
    where : str
        Name of the run in error messages.
    steps : int, optional
        Batches per epoch. With this number one iterator may serve all epochs.
    again : bool, default True
        If true, there is more than one pass.
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
        # A list can be checked before training.
        for batch in batches if isinstance(batches, list) else ():
            checked(batch)
        if once:  # training also needs the first batch
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
        """Return 1: each epoch is run by one call."""
        return 1

    def seen(self, updates: int) -> int:
        """Return the number of samples of the epoch so far."""
        return self.samples

    def finished(self, updates: int) -> int:
        """Return 0: an interrupted call has no complete epoch."""
        return 0

    def run(self, engine: Engine, outcome: Outcome) -> None:
        """Run one epoch."""
        samples = 0
        for batch in islice(self._all(), self.steps):
            self.last = batch
            engine.feed(batch)
            rows = rows_in(batch)
            part = Outcome(np.zeros(1))
            engine.run(np.arange(rows)[np.newaxis], rows, part)
            outcome.updates += part.updates
            outcome.fails = part.fails
            if outcome.fails:
                break
            samples += rows
            outcome.totals[0] += part.totals[0]
            self.samples = samples
            outcome.look()
        if not samples and not outcome.fails:
            raise DataError(
                f"{self.where}: X gave no batch this time; give a function that starts anew"
            )
        self.updates = max(outcome.updates, 1) if not outcome.fails else outcome.updates + 1

    def batch(self, update: int) -> Any:
        """Return the last batch."""
        return self.last


def _interruptible(source: Iterator[Any]) -> Iterator[Any]:
    """Yield the items of an iterator; Ctrl-C may interrupt it while it computes an item."""
    while True:
        with immediate():
            try:
                batch = next(source)
            except StopIteration:
                return
        yield batch


def each_batch(batches: Any, where: str) -> Iterator[Any]:
    """Return an iterator over batches; a function is called and must return an iterable."""
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
    """Return true if ``X`` is an iterable of batches, or a function (of an iterable)."""
    if isinstance(X, np.ndarray | dict | tuple | str | bytes) or hasattr(X, "__array__"):
        return False
    if isinstance(X, list):
        return bool(X) and isinstance(X[0], tuple) and all(np.ndim(p) > 0 for p in X[0])
    return callable(X) or isinstance(X, Iterable)
