"""Engines that run updates: a step, one batch after another, in NumPy or compiled.

A step is a function ``step(carry, *data)`` → ``(loss, carry)``: the carry is all that goes from one
update to the next (parameters, what the optimizer remembers), the data hold a sample a row.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np

from chainrule.autodiff.trees import Path, leaves, map_leaves
from chainrule.compiler.kernels import Kernel
from chainrule.errors import DataError, OutOfRangeError
from chainrule.interrupts import check, immediate
from chainrule.mentions import is_users
from chainrule.program.program import Program
from chainrule.running.bound import BoundKernel
from chainrule.running.threads import helpers, running

Step = Callable[..., tuple[Any, Any]]
TURN = 0.05  # seconds between looks at the keyboard
TRIAL = 0.005  # seconds that the pace with one thread alone is measured for
TURNS = 50  # between trials: processors and their other guests change
TRIALS = (4, 5)  # which turns: the first wakes the processor; a short run needs none


@dataclass
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
    """

    totals: Any
    updates: int = 0
    fails: bool = False
    watch: Callable[[Outcome], None] | None = None
    each: bool = False

    def look(self) -> None:
        """Let it be watched."""
        if self.watch is not None and not self.fails:
            self.watch(self)


class Engine(Protocol):
    """What runs updates. The carry is a dict; its parts are told by their keys."""

    name: str

    def read(self, key: str) -> Any:
        """Return a part of the carry."""

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""

    def undo(self) -> None:
        """Go back to before the last update."""

    def running(self) -> AbstractContextManager[None]:
        """Have what runs need at hand."""

    def feed(self, data: Any) -> None:
        """Take other samples."""

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""


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

    def read(self, key: str) -> Any:
        """Return a part of the carry."""
        return self._carry[key]

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        self._carry = {**self._carry, key: part}

    def undo(self) -> None:
        """Go back to before the last update."""
        self._carry = self._before

    def running(self) -> AbstractContextManager[None]:
        """Have what runs need at hand: nothing here."""
        return nullcontext()

    def feed(self, data: Any) -> None:
        """Take other samples."""
        self.data = data

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""
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
    program : Program
        Of the step.
    kernel : Kernel
        See `kernel_of`.
    carry, data
        As for `NumpyEngine`.
    batch_size : int
        The largest.
    """

    name = "compiled"

    def __init__(
        self, program: Program, kernel: Kernel, carry: Any, data: Any, batch_size: int
    ) -> None:
        self._compiled = BoundKernel(kernel, batch_size)
        self._program = program
        self._carry = carry
        for key, part in carry.items():
            self._compiled.write(key, part)
        self.feed(data)
        self._paces: dict[int, float] = {}  # threads → seconds an update takes
        self._turns = 0
        self._last: tuple[Any, ...] | None = None  # the turn before, to go back into

    def feed(self, data: Any) -> None:
        """Take other samples."""
        self.data = data
        self._compiled.bind(dict(data_leaves(self._program, data)))

    def read(self, key: str) -> Any:
        """Return a part of the carry, a copy."""
        return self._compiled.read(key, self._carry[key])

    def write(self, key: str, part: Any) -> None:
        """Take a part of the carry."""
        self._carry = {**self._carry, key: part}
        self._compiled.write(key, part)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have threads at hand, if they help and no other run has them."""
        kernel = self._compiled
        if not kernel.kernel.products:
            yield
            return
        with running(self) as alone:
            if kernel.threads > 1 and alone:
                with helpers(kernel.threads - 1) as kernel.helpers:
                    try:
                        yield
                    finally:
                        kernel.helpers = None
            else:
                yield

    def run(self, orders: Any, batch_size: int, done: Outcome) -> None:
        """Run updates, a batch after another, over samples in an order for each epoch."""
        self._compiled.take(orders, batch_size)
        updates = len(orders) * self._compiled.updates
        while done.updates < updates and not done.fails:
            threads, seconds = self._plan()
            # In turns that are short enough to be interrupted.
            known = threads in self._paces and not done.each
            longest = max(1, int(seconds / self._paces[threads])) if known else 1
            self._turn(done, min(longest, updates - done.updates), threads)
            done.look()
            check()

    def _plan(self) -> tuple[int, float]:
        """Return with how many threads to run next, the fastest so far or a trial, and how long.

        Whether a second thread helps depends on the machine: on how far apart its cores are.
        """
        if not self._compiled.helpers:
            return 1, TURN
        together, phase = self._compiled.threads, self._turns % TURNS
        self._turns += 1
        if phase in TRIALS:
            return 1, TRIAL
        alone = self._paces.get(1, np.inf)
        return (1 if alone < self._paces.get(together, 0.0) else together), TURN

    def _turn(self, done: Outcome, count: int, threads: int) -> None:
        kernel, began = self._compiled, time.perf_counter()
        start, first = kernel.state(), done.updates
        try:
            completed = kernel.run(first, count, threads)
        except BaseException as error:  # it may have left the threads at different places
            kernel.restore(start)
            if isinstance(error, OutOfRangeError):
                self._explain(kernel.faulty)
            raise
        done.updates += completed
        done.totals[:] = kernel.totals[0][: len(done.totals)]
        done.fails = completed < count
        if not done.fails:
            self._last = (self.data, kernel.orders, kernel.batch_size, first, count, start)
            if count > 1 or threads not in self._paces:
                self._paces[threads] = (time.perf_counter() - began) / count
        else:
            kernel.restore(start)
            if completed:
                kernel.run(first, completed - 1)
            else:
                self.undo()

    def _explain(self, update: int) -> None:
        """Make an update once more in NumPy, which tells the row that is out of range."""
        kernel = self._compiled
        epoch, at = divmod(update, kernel.updates)
        rows = kernel.orders[epoch, at * kernel.batch_size : (at + 1) * kernel.batch_size]
        updated(self._program, self._carry, self.data, rows, None)

    def undo(self) -> None:
        """Go back to before the last update."""
        if self._last is not None:
            data, orders, batch_size, first, count, start = self._last
            self.feed(data)
            self._compiled.take(orders, batch_size)
            self._compiled.restore(start)
            self._compiled.run(first, count - 1)


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


def place_of(error: Exception) -> str:
    """Return the user's own line that an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if is_users(frame.filename)), None)
    return f"{last.filename}, line {last.lineno}, `{last.line}`: " if last else ""


def data_leaves(program: Program, data: Any) -> list[tuple[Path, Any]]:
    """Return the leaves of data with their paths among the program's arguments."""
    names = list(program.arguments)[1:]
    return list(leaves(dict(zip(names, data, strict=True))))


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
