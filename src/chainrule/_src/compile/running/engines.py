"""Engines that run updates: a step, one batch after another, in NumPy or compiled.

A step is a function ``step(carry, *data)`` → ``(loss, carry)``: the carry is all that goes from one
update to the next (parameters, what the optimizer remembers), the data hold a sample a row.
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
from chainrule._src.compile.running.bound import taken
from chainrule._src.compile.running.form import Form
from chainrule._src.compile.running.threads import TRIAL, TURN, end_turn, free, sharing
from chainrule._src.compile.running.trail import Run, Trail, bytes_of
from chainrule._src.core.trees import leaves, map_leaves

Step = Callable[..., tuple[Any, Any]]
FEW = 4  # batches that are smaller than the carry by this factor are kept rather than the carry


@dataclass(eq=False, repr=False)
class Outcome:
    """How far a run of updates got.

    Attributes
    ----------
    totals : ndarray
        The sum of the samples' losses, for each epoch.
    updates : int
    fails : bool
        Whether the next update's loss is NaN or infinite. The carry is then the last one whose
        loss was finite.
    watch : callable or None
        Called with this object in between, at most some 20 times a second.
    each : bool
        Whether ``watch`` is called after every single update instead.
    alone : bool
        Whether nobody else's code runs before it or in between, which may change the data.
    """

    totals: Any
    updates: int = 0
    fails: bool = False
    watch: Callable[[Outcome], None] | None = None
    each: bool = False
    alone: bool = True

    def look(self) -> None:
        """Let it be watched."""
        if self.watch is not None and not self.fails:
            self.watch(self)


class Engine(Protocol):
    """What runs updates. The carry is a dict; its parts are told by their keys."""

    name: str

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a part of the carry, or what is called so in it; None if nothing is."""

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""

    def begin(self, carry: Any) -> None:
        """Take a whole carry to start with; there is no way back to one before it."""

    def undo(self) -> None:
        """Go back to before the last update."""

    def running(self) -> AbstractContextManager[None]:
        """Have what runs need at hand."""

    def feed(self, data: Any) -> None:
        """Take other samples."""

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""

    def is_as_recorded(self, batch_size: int) -> bool:
        """Whether the step still does what was recorded for batches of this size."""


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
        In which floating data are taken.
    """

    name = "numpy"

    def __init__(self, step: Step, carry: Any, data: Any, dtype: Any) -> None:
        self.step, self._carry, self.data, self.dtype = step, carry, data, dtype
        self._before = carry

    @property
    def keys(self) -> Iterable[str]:
        """What the parts of the carry are called."""
        return self._carry.keys()  # type: ignore[no-any-return]

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a copy of a part of the carry, or of what is called so in it, if anything."""
        part = self._carry[key] if name is None else self._carry[key].get(name)
        return map_leaves(np.array, part)

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        self._carry = {**self._carry, key: part}

    def begin(self, carry: Any) -> None:
        """Take a whole carry to start with; there is no way back to one before it."""
        self._carry = self._before = dict(carry)

    def undo(self) -> None:
        """Go back to before the last update."""
        self._carry = self._before

    def running(self) -> AbstractContextManager[None]:
        """Have what runs need at hand: nothing here."""
        return nullcontext()

    def feed(self, data: Any) -> None:
        """Take other samples."""
        self.data = data

    def is_as_recorded(self, batch_size: int) -> bool:
        """Whether the step still does what was recorded for batches of this size."""
        return is_as_recorded(self.step, batch_size)

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""
        end_turn()
        starts, looked = range(0, orders.shape[1], batch_size), time.perf_counter()
        for (epoch, order), start in product(enumerate(orders), starts):
            rows = order[start : start + batch_size]
            loss, carry = updated(self.step, self._carry, self.data, rows, self.dtype)
            done.fails = not np.isfinite(loss)
            if done.fails:
                self.undo()
                return
            self._before, self._carry = self._carry, carry
            done.updates += 1
            done.totals[epoch] += float(loss) * len(rows)
            if done.each or time.perf_counter() - looked > TURN:
                done.look()
                looked = time.perf_counter()
            check()


class NativeEngine:
    """Runs a step compiled, many updates a call.

    Parameters
    ----------
    step : callable
        A function or its program, which tells what went wrong.
    form : Form
        Of its kernel.
    carry, data
        As for `NumpyEngine`.
    batch_size : int
        The largest.
    """

    name = "compiled"

    def __init__(self, step: Step, form: Form, carry: Any, data: Any, batch_size: int) -> None:
        self._compiled = taken(form, batch_size, self)
        self._trail = Trail(self._compiled)
        self._step = step
        self._carry = carry
        for key, part in carry.items():
            self._compiled.write(key, part)
        self.data = data
        self._compiled.bind(data)
        self._weight = 0  # bytes of data that are kept to go back to them

    def feed(self, data: Any) -> None:
        """Take other samples; few are kept to go back to, since who gives them may change them."""
        self._weight = bytes_of(data)
        few = self._weight * FEW <= self._compiled.size
        self.data = map_leaves(np.array, data) if few else data
        self._trail.due |= not few

    def read(self, key: str, name: str | None = None) -> Any:
        """Return a copy of a part of the carry, or of what is called so in it, if anything."""
        if name is None:
            return self._compiled.read(key, self._carry[key])
        part = self._carry[key].get(name)
        return None if part is None else self._compiled.read(key, {name: part})[name]

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        self._carry = {**self._carry, key: part}
        self._compiled.write(key, part)
        self._trail.wrote(key, part)

    def begin(self, carry: Any) -> None:
        """Take a whole carry to start with; there is no way back to one before it."""
        self._carry = dict(carry)
        for key, part in carry.items():
            self._compiled.write(key, part)
        self._trail.forget()

    def is_as_recorded(self, batch_size: int) -> bool:
        """Whether the step still does what was recorded for batches of this size."""
        return is_as_recorded(self._step, batch_size)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have threads at hand, if they help and no other run has them."""
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

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""
        self._compiled.bind(self.data)
        self._compiled.take(orders, batch_size)
        updates, paces = len(orders) * self._compiled.updates, self._compiled.form.paces
        while done.updates < updates and not done.fails:
            most = self._compiled.threads if self._compiled.helpers else 1
            now = free(most)
            threads, longest = paces.plan(now, batch_size, TURN if now == most else TRIAL)
            count = min(1 if done.each else longest, updates - done.updates)
            if not done.alone and count > 1:  # the last one is to be undone without the data
                self._turn(done, count - 1, threads)
                count = 1
            if not done.fails:
                self._turn(done, count, threads)
            done.look()
            check()

    def _turn(self, done: Outcome, count: int, threads: int) -> None:
        kernel = self._compiled
        self._trail.due |= not done.alone
        self._trail.begin()
        run = Run(self.data, kernel.orders, kernel.batch_size, done.updates, count)
        end_turn()
        began = time.perf_counter()
        try:
            completed = kernel.run(run.first, count, threads)
        except BaseException as error:  # it may have left the threads at different places
            self._trail.again()
            if isinstance(error, OutOfRangeError):
                self._explain(run, kernel.faulty)
            raise
        done.updates += completed
        done.totals[:] = kernel.totals[0][: len(done.totals)]
        done.fails = completed < count
        if completed:
            run.count = completed
            self._trail.ran(run, self._weight)
        if done.fails:
            self.undo()
            return
        kernel.form.paces.took(time.perf_counter() - began, count, threads, run.batch_size)

    def _explain(self, run: Run, update: int) -> None:
        """Make an update once more in NumPy, which tells the row that is out of range."""
        epoch, at = divmod(update, -(-run.orders.shape[1] // run.batch_size))
        rows = run.orders[epoch, at * run.batch_size : (at + 1) * run.batch_size]
        updated(self._step, self._carry, self.data, rows, None)

    def undo(self) -> None:
        """Go back to before the last update."""
        self._trail.back()
        self._compiled.bind(self.data)


def is_as_recorded(step: Step, batch_size: int) -> bool:
    """Whether a step does what was recorded of it, which plain functions and programs always do."""
    asked = getattr(step, "is_as_recorded", None)
    return asked is None or bool(asked(batch_size))


def updated(step: Step, carry: Any, data: Any, rows: Any, dtype: Any) -> tuple[Any, Any]:
    """Make an update with some rows of data.

    Raises
    ------
    OutOfRangeError
        With the row among all data.
    """
    batch = rows_of(data, rows, dtype)
    try:
        with np.errstate(all="ignore"), immediate():  # what is not finite is found later
            return step(carry, *batch)
    except OutOfRangeError as error:
        inside = error.row is not None and error.row < len(rows)
        row = int(rows[error.row]) if inside else error.row
        raise OutOfRangeError(f"{place_of(error)}{error.message}", row) from error
    except IndexError as error:
        raise DataError(f"{place_of(error)}{error}") from error


def rows_in(data: Any) -> int:
    """Return how many samples there are."""
    return next((len(leaf) for _, leaf in leaves(data)), 0)


def rows_of(data: Any, rows: Any, dtype: Any) -> Any:
    """Return rows of data, floating ones in a dtype if one is given."""

    def taken(leaf: Any) -> Any:
        part = np.asarray(leaf[rows])
        if dtype is None or part.dtype.kind != "f":
            return part
        return part.astype(dtype, copy=False)

    return map_leaves(taken, data)
