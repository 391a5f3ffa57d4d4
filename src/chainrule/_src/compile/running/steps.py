"""From a step to an engine: the step is recorded, and compiled if this saves time."""

from __future__ import annotations

import functools
import gc
import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any

from chainrule._src.base.errors import (
    ChainruleError,
    CompileError,
    DataError,
    MachineError,
    ShapeError,
    TraceError,
)
from chainrule._src.base.users_code import place_of
from chainrule._src.compile.native.code import begin, compiling_ahead, product_is_begun
from chainrule._src.compile.running.account import expected_seconds
from chainrule._src.compile.running.cost import cost_of
from chainrule._src.compile.running.engines import Engine, NativeEngine, NumpyEngine, Step, rows_in
from chainrule._src.compile.running.form import Cost, Form, digest, keep, load, read, write, written
from chainrule._src.compile.running.recorded import RecordedStep, StepCaches, plain
from chainrule._src.compile.running.sized import SizedEngine
from chainrule._src.core.trees import leaves, map_leaves

# Seconds on a machine of 2024 with two cores, to compile a structure and each of its equations.
# Nothing is timed, so that the same run takes the same engine everywhere.
COMPILING, COMPILING_EQUATION = 0.13, 2.4e-4
ENGINES = {"auto": None, "compiled": True, "numpy": False}

_read: dict[Hashable, Form] = {}  # forms from disk, by the cache key of the recording


@contextmanager
def uncollected() -> Iterator[None]:
    """Context manager that disables the garbage collector.

    Recording and compiling create so many long-lived objects that the collector would scan the
    objects of all imported libraries: 70 ms in a process that uses scikit-learn.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@functools.cache
def _settle() -> None:
    """Move all live objects to the oldest generation, so that they are not scanned again soon.

    There are many after the first kernel, which imports the compiler and LLVM.
    """
    if not gc.get_freeze_count():  # else other code froze objects, which must stay frozen
        gc.freeze()
        gc.unfreeze()


def make_engine(
    step: Step,
    loss: Any,
    carry: Any,
    data: Any,
    batch_size: int,
    engine: str,
    updates: int,
    recordings: StepCaches | None = None,
    counts_others: bool = True,
) -> Engine:
    """Return the engine for a run of ``updates`` updates.

    ``recordings`` holds earlier recordings of the same step; new ones are added to it. If
    ``counts_others`` is false, other runs of this process do not influence the choice, so that
    several processes that share a run choose the same engine.

    Raises
    ------
    CompileError
        If ``engine`` is "compiled" and the step cannot be compiled.
    """
    choice = ENGINES[engine]
    data = map_leaves(plain, data)
    recorded = RecordedStep(step, loss, carry, data, recordings)
    in_numpy = NumpyEngine(recorded, carry, data, recorded.dtype)
    # Kernels for one sample call no products.
    compiles = choice is True and batch_size > 1 and not product_is_begun(recorded.dtype)
    try:
        with uncollected(), compiling_ahead(recorded.dtype) if compiles else nullcontext():
            if choice is False:
                recorded.program(batch_size)  # errors of the step are raised here
                return in_numpy
            plan = _KernelPlan(recorded, data, batch_size)
            if choice is None and not plan.pays(updates, counts_others):
                return in_numpy
            return SizedEngine(plan.engine(carry), in_numpy, plan.holds)
    except (TraceError, CompileError) as error:
        _falls_back(loss, error, choice)
        return in_numpy
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, ChainruleError):
            raise
        kind = ShapeError if isinstance(error, ValueError) else DataError
        shapes = ", ".join(str(leaf.shape) for _, leaf in leaves(data))
        raise kind(
            f"{_name(loss)} fails on data of shapes {shapes}: {place_of(error)}{error}"
        ) from error


class _KernelPlan:
    """The way to a step's kernel: from this process, from disk, or compiled now.

    Parameters
    ----------
    step : RecordedStep
    data : tuple of tree of ndarray
    batch_size : int
    """

    def __init__(self, step: RecordedStep, data: Any, batch_size: int) -> None:
        self._step, self._data, self._size = step, data, batch_size
        self._dtypes = [leaf.dtype.str for _, leaf in leaves(data)]

    @cached_property
    def _cached(self) -> Form | None:
        """The kernel that is cached on disk, or None."""
        key = self._step.key(self._size), self._size, *self._dtypes
        form = _read.get(key) or read(self._name(self._size))
        if not isinstance(form, Form):
            return None
        keep(_read, key, form)
        return form

    def _name(self, n: int) -> str | None:
        """Return the cache key on disk for batches of ``n``."""
        return digest(self._step.key(n), self._size, self._dtypes)

    def cost(self) -> Cost:
        """Return the seconds of an update in NumPy, and the number of equations to compile."""
        if self._step.known(self._size) is None and self._cached is not None:
            return self._cached.cost
        return cost_of(self._step.program(self._size), self._size)

    def pays(self, updates: int, counts_others: bool = True) -> bool:
        """Return true if compiling takes less time than running the structure in NumPy.

        Kernels on disk are ignored, so that the same calls get the same engines and the same bits.
        """
        seconds, equations = self.cost()
        price, alone = COMPILING + equations * COMPILING_EQUATION, updates * seconds
        if not counts_others:
            return alone > price
        structure = self._step.key(self._size), self._size, *self._dtypes
        return expected_seconds(structure, alone) > price

    def engine(self, carry: Any) -> NativeEngine:
        """Return an engine that runs the compiled step."""
        is_written = self._is_written()
        if not is_written and self._cached is not None and load(self._cached) is not None:
            return NativeEngine(self._step, self._cached, carry, self._data, self._size)
        with nullcontext() if is_written else compiling_ahead(self._step.dtype):
            from chainrule._src.compile.running.compiling import form_of_step

            program = self._step.program(self._size)
            form = form_of_step(program, self._data, self._size)
            is_new = form.code is None
            if is_new:
                begin(form.kernel)
                if last_size := rows_in(self._data) % self._size:
                    self.holds(last_size)  # record the last batch while other threads compile
            engine = NativeEngine(self._step, form, carry, self._data, self._size)
        if is_new:
            _settle()
            if form.code is not None:
                write(self._name(self._size), form)
        return engine

    def _is_written(self) -> bool:
        """Return true if this process has already created the kernel."""
        program = self._step.known(self._size)
        return program is not None and written(program, self._data, self._size) is not None

    def holds(self, n: int) -> bool:
        """Return true if the kernel is valid for a batch of ``n``."""
        running, key = self._step.seen.running, (n, self._size, *self._dtypes)
        holds = running.get(key)
        if holds is None:
            holds = n == self._size or self._is_same(n)
            keep(running, key, holds)
        return holds

    def _is_same(self, n: int) -> bool:
        try:
            key, other_key = self._name(self._size), self._name(n)
            if key is not None and read(other_key) == key:
                return True
            same = self._step.holds(self._step.program(self._size), n)
        except Exception:  # an error of the step is raised again when the step runs
            return False
        if same and key is not None:
            write(other_key, key)
        return same


def _falls_back(loss: Any, error: Exception, choice: bool | None) -> None:
    """Warn that a loss runs in NumPy, or raise an error if the user requires a compiled engine."""
    message = f"{_name(loss)} cannot be compiled: {place_of(error)}{error}"
    if choice:
        raise CompileError(message) from error
    if choice is None and isinstance(error, MachineError):
        _warn_of_machine(f"{error}; all runs go on in NumPy")
    elif choice is None:
        warnings.warn(f"{message}; it runs in NumPy", stacklevel=4)


@functools.cache
def _warn_of_machine(message: str) -> None:
    """Warn once per process."""
    warnings.warn(message, stacklevel=5)


def _name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))
