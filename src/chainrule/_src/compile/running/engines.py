"""Engines that run updates: a step, one batch after another, in NumPy or compiled.

A step is a function ``step(carry, *data)`` → ``(loss, carry)``. The carry is the state that goes
from one update to the next (parameters, optimizer state). Each row of the data is a sample.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.errors import DataError, OutOfRangeError
from chainrule._src.base.interrupts import check, immediate
from chainrule._src.base.users_code import place_of
from chainrule._src.compile.running.bound import reserved_kernel
from chainrule._src.compile.running.form import Form
from chainrule._src.compile.running.threads import TRIAL, TURN, end_turn, free, sharing
from chainrule._src.compile.running.trail import Trail, UpdateRange, bytes_of
from chainrule._src.core.trees import leaves, map_leaves

Step = Callable[..., tuple[Any, Any]]
FEW = 4  # data that are smaller than the carry by this factor are copied instead of the carry


@dataclass(eq=False, repr=False)
class Outcome:
    """The progress of a run of updates.

    Attributes
    ----------
    totals : ndarray
        The sum of the samples' losses, for each epoch.
    updates : int
        The number of finished updates.
    fails : bool
        True if the loss of the next update is NaN or infinite. The carry is then the last one with
        a finite loss.
    watch : callable or None
        A callback that receives this object during the run, at most about 20 times a second.
    each : bool
        If true, ``watch`` is called after every update.
    alone : bool
        True if no user code runs before or between the updates. Such code could change the data.
    """

    totals: Any
    updates: int = 0
    fails: bool = False
    watch: Callable[[Outcome], None] | None = None
    each: bool = False
    alone: bool = True

    def look(self) -> None:
        """Call the ``watch`` callback, unless the run has failed."""
        if self.watch is not None and not self.fails:
            self.watch(self)


class Engine(Protocol):
    """The interface of engines, which run updates. The carry is a dict of named parts."""

    name: str

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a part of the carry, or the entry ``name`` of this part (None if missing)."""

    def write(self, key: str, part: Any) -> None:
        """Replace one part of the carry."""

    def begin(self, carry: Any) -> None:
        """Replace the carry. `undo` cannot go back to an earlier carry."""

    def undo(self) -> None:
        """Restore the carry before the last update."""

    def running(self) -> AbstractContextManager[None]:
        """Return a context manager that holds the resources of runs, for example threads."""

    def feed(self, data: Any) -> None:
        """Replace the samples."""

    def run(self, orders: Any, batch_size: int, outcome: Outcome) -> None:
        """Run one update per batch, for each epoch's order of samples; ``outcome`` is updated."""

    def is_as_recorded(self, batch_size: int) -> bool:
        """Return true if the step is unchanged since it was recorded for this batch size."""


class NumpyEngine:
    """Runs a step in NumPy.

    The carry is a dict: ``read`` and ``write`` take a part of it by its key.

    Parameters
    ----------
    step : callable
        A function or its program.
    carry : tree of ndarray
    data : tuple of tree of ndarray
        The step's arguments after the carry.
    dtype : numpy.dtype
        The dtype that floating-point data are converted to.
    """

    name = "numpy"

    def __init__(self, step: Step, carry: Any, data: Any, dtype: Any) -> None:
        self.step, self._carry, self.data, self.dtype = step, carry, data, dtype
        self._before = carry

    @property
    def keys(self) -> Iterable[str]:
        """The names of the carry's parts."""
        return self._carry.keys()  # type: ignore[no-any-return]

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a copy of a part of the carry, or of its entry ``name`` (None if missing)."""
        part = self._carry[key] if name is None else self._carry[key].get(name)
        return map_leaves(np.array, part)

    def write(self, key: str, part: Any) -> None:
        """Replace one part of the carry."""
        self._carry = {**self._carry, key: part}

    def begin(self, carry: Any) -> None:
        """Replace the carry. `undo` cannot go back to an earlier carry."""
        self._carry = self._before = dict(carry)

    def undo(self) -> None:
        """Restore the carry before the last update."""
        self._carry = self._before

    def running(self) -> AbstractContextManager[None]:
        """Return a context manager that does nothing, since NumPy needs no resources."""
        return nullcontext()

    def feed(self, data: Any) -> None:
        """Replace the samples."""
        self.data = data

    def is_as_recorded(self, batch_size: int) -> bool:
        """Return true if the step is unchanged since it was recorded for this batch size."""
        return is_as_recorded(self.step, batch_size)

    def run(self, orders: Any, batch_size: int, outcome: Outcome) -> None:
        """Run one update per batch, for each epoch's order of samples; ``outcome`` is updated."""
        end_turn()
        starts, looked = range(0, orders.shape[1], batch_size), time.perf_counter()
        for (epoch, order), start in product(enumerate(orders), starts):
            rows = order[start : start + batch_size]
            loss, carry = updated(self.step, self._carry, self.data, rows, self.dtype)
            outcome.fails = not np.isfinite(loss)
            if outcome.fails:
                self.undo()
                return
            self._before, self._carry = self._carry, carry
            outcome.updates += 1
            outcome.totals[epoch] += float(loss) * len(rows)
            if outcome.each or time.perf_counter() - looked > TURN:
                outcome.look()
                looked = time.perf_counter()
            check()


class NativeEngine:
    """Runs a compiled step, many updates in one call.

    Parameters
    ----------
    step : callable
        A function or its program. It runs in NumPy to find the row of an index out of range.
    form : Form
        The form of the step's kernel.
    carry, data
        As for `NumpyEngine`.
    batch_size : int
        The largest batch size.
    """

    name = "compiled"

    def __init__(self, step: Step, form: Form, carry: Any, data: Any, batch_size: int) -> None:
        self._compiled = reserved_kernel(form, batch_size, self)
        self._trail = Trail(self._compiled)
        self._step = step
        self._carry = carry
        for key, part in carry.items():
            self._compiled.carry.write(key, part)
        self.data = data
        self._compiled.bind(data)
        self._weight = 0  # bytes of the data, which the trail keeps to run updates again

    def feed(self, data: Any) -> None:
        """Replace the samples.

        A small amount of data is copied, because the caller may change the arrays before `undo`.
        For more data, the carry is copied instead.
        """
        self._weight = bytes_of(data)
        few = self._weight * FEW <= self._compiled.carry.size
        self.data = map_leaves(np.array, data) if few else data
        self._trail.due |= not few

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a copy of a part of the carry, or of its entry ``name`` (None if missing)."""
        if name is None:
            return self._compiled.carry.read(key, self._carry[key])
        part = self._carry[key].get(name)
        return None if part is None else self._compiled.carry.read(key, {name: part})[name]

    def write(self, key: str, part: Any) -> None:
        """Replace one part of the carry."""
        self._carry = {**self._carry, key: part}
        self._compiled.carry.write(key, part)
        self._trail.wrote(key, part)

    def begin(self, carry: Any) -> None:
        """Replace the carry. `undo` cannot go back to an earlier carry."""
        self._carry = dict(carry)
        for key, part in carry.items():
            self._compiled.carry.write(key, part)
        self._trail.forget()

    def is_as_recorded(self, batch_size: int) -> bool:
        """Return true if the step is unchanged since it was recorded for this batch size."""
        return is_as_recorded(self._step, batch_size)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Context manager that starts helper threads, unless another run uses threads."""
        kernel = self._compiled
        try:
            if not kernel.form.products:
                yield
                return
            with sharing(self, kernel.threads - 1) as kernel.helpers:
                yield
        finally:
            kernel.helpers = None
            kernel.release()

    def run(self, orders: Any, batch_size: int, outcome: Outcome) -> None:
        """Run one update per batch, for each epoch's order of samples; ``outcome`` is updated."""
        self._compiled.bind(self.data)
        self._compiled.take(orders, batch_size)
        updates, paces = len(orders) * self._compiled.updates, self._compiled.form.paces
        while outcome.updates < updates and not outcome.fails:
            most = self._compiled.threads if self._compiled.helpers else 1
            now = free(most)
            threads, longest = paces.plan(now, batch_size, TURN if now == most else TRIAL)
            count = min(1 if outcome.each else longest, updates - outcome.updates)
            if not outcome.alone and count > 1:  # `undo` of the last update must not need the data
                self._turn(outcome, count - 1, threads)
                count = 1
            if not outcome.fails:
                self._turn(outcome, count, threads)
            outcome.look()
            check()

    def _turn(self, outcome: Outcome, count: int, threads: int) -> None:
        kernel = self._compiled
        self._trail.due |= not outcome.alone
        self._trail.begin()
        run = UpdateRange(self.data, kernel.orders, kernel.batch_size, outcome.updates, count)
        end_turn()
        began = time.perf_counter()
        try:
            completed = kernel.run(run.first, count, threads)
        except BaseException as error:  # the threads may have stopped in different updates
            self._trail.again()
            if isinstance(error, OutOfRangeError):
                self._explain(run, kernel.faulty)
            raise
        outcome.updates += completed
        outcome.totals[:] = kernel.totals[0][: len(outcome.totals)]
        outcome.fails = completed < count
        if completed:
            run.count = completed
            self._trail.ran(run, self._weight)
        if outcome.fails:
            self.undo()
            return
        kernel.form.paces.took(time.perf_counter() - began, count, threads, run.batch_size)

    def _explain(self, run: UpdateRange, update: int) -> None:
        """Run an update again in NumPy, whose error names the row that is out of range."""
        epoch, at = divmod(update, -(-run.orders.shape[1] // run.batch_size))
        rows = run.orders[epoch, at * run.batch_size : (at + 1) * run.batch_size]
        updated(self._step, self._carry, self.data, rows, None)

    def undo(self) -> None:
        """Restore the carry before the last update."""
        self._trail.back()
        self._compiled.bind(self.data)


def run_part(
    run: Callable[[Any, int, Outcome], None], order: Any, batch_size: int, outcome: Outcome,
    epoch: int = 0,
) -> None:  # fmt: skip
    """Run a part of an epoch by an engine's ``run``; add its updates and loss to ``outcome``."""
    updates, total = outcome.updates, outcome.totals[epoch]

    def add(part: Outcome) -> None:
        outcome.updates, outcome.totals[epoch] = updates + part.updates, total + part.totals[0]

    def watch(part: Outcome) -> None:
        add(part)
        outcome.look()

    part = Outcome(np.zeros(1), watch=watch, each=outcome.each, alone=outcome.alone)
    try:
        run(order[np.newaxis], batch_size, part)
    finally:  # also after an interrupt
        add(part)
        outcome.fails = part.fails


def is_as_recorded(step: Step, batch_size: int) -> bool:
    """Return true if a step is unchanged since its recording; always for functions and programs."""
    method = getattr(step, "is_as_recorded", None)
    return method is None or bool(method(batch_size))


def updated(step: Step, carry: Any, data: Any, rows: Any, dtype: Any) -> tuple[Any, Any]:
    """Run an update with some rows of the data.

    Raises
    ------
    OutOfRangeError
        If an index is out of range. The error's row counts among all samples.
    """
    batch = rows_of(data, rows, dtype)
    try:
        with np.errstate(all="ignore"), immediate():  # the loss is checked later
            return step(carry, *batch)
    except OutOfRangeError as error:
        inside = error.row is not None and error.row < len(rows)
        row = int(rows[error.row]) if inside else error.row
        raise OutOfRangeError(f"{place_of(error)}{error.message}", row) from error
    except IndexError as error:
        raise DataError(f"{place_of(error)}{error}") from error


def rows_in(data: Any) -> int:
    """Return the number of samples."""
    return next((len(leaf) for _, leaf in leaves(data)), 0)


def rows_of(data: Any, rows: Any, dtype: Any) -> Any:
    """Return some rows of the data. Floating-point rows are converted to ``dtype`` unless None."""

    def selected(leaf: Any) -> Any:
        part = np.asarray(leaf[rows])
        if dtype is None or part.dtype.kind != "f":
            return part
        return part.astype(dtype, copy=False)

    return map_leaves(selected, data)
