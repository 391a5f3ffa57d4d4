"""From a step to an engine: recorded for the batch sizes there are, compiled where that pays."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from chainrule.autodiff.names import argument_names
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.compiler.kernels import Kernel, training_kernel
from chainrule.compiler.lowering import shape_of
from chainrule.compiler.products import operations_of
from chainrule.errors import (
    ChainruleError,
    CompileError,
    DataError,
    OutOfRangeError,
    ShapeError,
    TraceError,
)
from chainrule.ops.kernel import Recurrence, Scatter
from chainrule.program.batch import at
from chainrule.program.equations import Equation
from chainrule.program.program import Program
from chainrule.program.recording import Tape, tape
from chainrule.program.tracing import Recorder
from chainrule.recurrence.summing import prepared
from chainrule.running.engines import (
    Engine,
    NativeEngine,
    NumpyEngine,
    Step,
    place_of,
    rows_in,
    rows_of,
)
from chainrule.running.form import Form, form_of
from chainrule.running.sized import SizedEngine

# Seconds on a machine of 2024: to compile a structure and each of its equations, and what NumPy
# takes in an update for each equation, entry made, entry scattered and operation of a product, by
# BLAS or by einsum. No clock is asked, so that the same run takes the same engine everywhere.
COMPILING, COMPILING_EQUATION = 0.3, 1.5e-3
EQUATION, ENTRY, SCATTERED, BLAS, EINSUM = 3e-6, 7e-10, 2.5e-8, 1e-11, 1.5e-10
ENGINES = {"auto": None, "compiled": True, "numpy": False}
EXAMPLE = 8  # samples that a program for many batch sizes is looked for with
REMEMBERED = 128  # batch sizes' programs, and kernels

Known = dict[Hashable, dict[int, Program]]  # by shapes and dtypes: a program for each batch size
T = TypeVar("T")
_programs: dict[Hashable, Program] = {}  # by what was recorded
_kernels: dict[Hashable, Form] = {}


def make_engine(
    step: Step,
    loss: Any,
    carry: Any,
    data: Any,
    batch_size: int,
    engine: str,
    updates: int,
    known: Known | None = None,
) -> Engine:
    """Return the engine for a run of so many updates.

    ``known`` holds what was recorded of a step that is still the same; it is added to.

    Raises
    ------
    CompileError
        If ``engine`` is "compiled" and the step cannot be compiled.
    """
    wanted = ENGINES[engine]
    data = map_leaves(_plain, data)
    recorded = RecordedStep(step, loss, carry, data, known)
    in_numpy = NumpyEngine(recorded, carry, data, recorded.dtype)
    try:
        program = recorded.program(batch_size)
        if not (pays(program, batch_size, updates) if wanted is None else wanted):
            return in_numpy
        form = form_of_step(program, data, batch_size)
        compiled = NativeEngine(program, form, carry, data, batch_size)
        return SizedEngine(compiled, in_numpy, lambda n: recorded.run(n) is program)
    except (TraceError, CompileError) as error:
        _falls_back(loss, error, wanted)
        return in_numpy
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, ChainruleError):
            raise
        kind = ShapeError if isinstance(error, ValueError) else DataError
        shapes = ", ".join(str(leaf.shape) for _, leaf in leaves(data))
        raise kind(
            f"{_name(loss)} fails on data of shapes {shapes}: {place_of(error)}{error}"
        ) from error


class RecordedStep(Recorder):
    """A step that runs as the program recorded for its batch size.

    Parameters
    ----------
    step : callable
    loss : callable
        Its arguments' names are those of the step's.
    carry, data : tree of ndarray

    Attributes
    ----------
    dtype : numpy.dtype or None
        That the parameters have together, and that floating data are taken in.
    """

    def __init__(
        self, step: Step, loss: Any, carry: Any, data: Any, known: Known | None = None
    ) -> None:
        first, *others = argument_names(loss, 1 + len(data))
        names = ["carry", *(f"{name}_" if name == "carry" else name for name in others)]
        self.dtype = _dtype(carry)
        example = rows_of(data, np.arange(EXAMPLE) % max(rows_in(data), 1), self.dtype)
        super().__init__(step, (carry, *example), prepared, values=False, names=names)
        # One array of parameters is called what the loss calls it.
        self._called = None if isinstance(carry["params"], dict | list | tuple) else first
        self._runs: dict[int, Step] = {}
        if known is not None:
            self._known = known.setdefault(_forms(carry, data), self._known)

    def sketched(self, made: Callable[[], T], named: bool = False) -> T:
        """Return what is made of a recording, in range or not: that is told of a batch."""
        try:
            return super().sketched(made, named)
        except OutOfRangeError:
            _, *names = self.given
            for name in names:
                self.given[name] = map_leaves(_zeros, self.given[name])
            return super().sketched(made, named)

    def taped(self, n: int, named: bool = False) -> Tape:
        """Return what the step does for ``n`` samples, operation by operation."""
        return self.sketched(lambda: tape(self.f, self._resized(n), named), named)

    def program(self, n: int) -> Program:
        """Return the program that another step was recorded as, if it does the same, or a new one.

        What a step does is known from its recording alone.
        """
        if n not in self._known:
            found = _programs.get(self.taped(n).key)
            self._known[n] = self._made(n) if found is None else found
        return self._known[n]

    def _made(self, n: int) -> Program:
        """Return what is recorded once more, with names."""
        taped = self.taped(n, named=True)
        found = _programs.get(taped.key)  # it may do something else this time
        if found is None:
            self._fresh[n] = taped.program()
            found = super().program(n)
            self._fresh.clear()
            _keep(_programs, taped.key, found)
        return found

    def tried(self, n: int) -> tuple[int, ...]:
        """Return the batch size itself: what is recorded for it is used."""
        return (n, self.n, 2 * n + 5) if n > 1 else ()

    def confirmed(self, program: Program, size: int) -> bool:
        """Not be asked: whether it holds is found out for each size that comes up."""
        return True

    def found(self, n: int) -> Program:
        """Return a new program, with the names that this step's own code has."""
        program = super().found(n)
        program.proof = None  # it holds the data
        if self._called:
            program.arguments["carry"]["params"].name = self._called
        return program

    def run(self, n: int) -> Step:
        """Return what makes an update with a batch of ``n``; the step itself if it must be."""
        if n not in self._runs:
            try:
                self._runs[n] = self.program(n)
            except Exception:  # an error of the step itself comes when it runs
                self._runs[n] = self.f
        return self._runs[n]

    def __call__(self, carry: Any, *batch: Any) -> tuple[Any, Any]:
        """Make an update."""
        return self.run(rows_in(batch))(carry, *batch)


def _zeros(leaf: Any) -> Any:
    """Return indices that are in range in place of whole numbers."""
    return np.zeros_like(leaf)


def _forms(carry: Any, data: Any) -> Hashable:
    """Return something that is equal where a recording is, for the same step."""
    return (
        *((path, np.shape(leaf), np.asarray(leaf).dtype) for path, leaf in leaves(carry)),
        *((path, leaf.shape[1:], leaf.dtype) for path, leaf in leaves(data)),
    )


def form_of_step(program: Program, data: Any, batch_size: int) -> Form:
    """Return the kernel of a step's program for data of these dtypes."""
    names = list(program.arguments)[1:]
    found = leaves(dict(zip(names, data, strict=True)))
    dtypes = {path: leaf.dtype for path, leaf in found}
    key = (program, batch_size, tuple(dtypes.values()))
    if key not in _kernels:
        _keep(_kernels, key, form_of(training_kernel(program, batch_size, dtypes), names))
    return _kernels[key]


def step_kernel(step: Step, loss: Any, carry: Any, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step."""
    data = map_leaves(lambda leaf: _plain(np.asarray(leaf)), data)
    program = RecordedStep(step, loss, carry, data).found(batch_size)
    return form_of_step(program, data, batch_size).kernel


def _keep(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember a value, and forget the oldest where there are too many."""
    table[key] = value
    if len(table) > REMEMBERED:
        table.pop(next(iter(table)), None)


def _falls_back(loss: Any, error: Exception, wanted: bool | None) -> None:
    """Say that a loss runs in NumPy, unless that was asked for; refuse if it was to be compiled."""
    message = f"{_name(loss)} cannot be compiled: {place_of(error)}{error}"
    if wanted:
        raise CompileError(message) from error
    if wanted is None:
        warnings.warn(f"{message}; it runs in NumPy", stacklevel=4)


def _dtype(carry: Any) -> np.dtype[Any] | None:
    """Return the dtype that the parameters have together; None if there are none."""
    found: set[np.dtype[Any]] = {leaf.dtype for _, leaf in leaves(carry["params"])}
    return np.result_type(*found) if len(found) > 1 else next(iter(found), None)


def pays(program: Program, batch_size: int, updates: int) -> bool:
    """Whether NumPy would take longer for a run than it takes to compile it."""
    runs = list(_runs(program.equations, batch_size))
    each = sum(times * _seconds(equation, batch_size) for equation, times in runs)
    return updates * each > COMPILING + len(runs) * COMPILING_EQUATION


def _seconds(equation: Equation, n: int) -> float:
    """Return what NumPy takes for an equation."""
    entries: int = math.prod(at(equation.output.shape, n))
    scatters = isinstance(equation.primitive.kernel, Scatter)
    scattered: int = math.prod(at(shape_of(equation.operands[0]), n)) if scatters else 0
    operation = EINSUM if equation.primitive.name == "einsum" else BLAS
    return (
        EQUATION + entries * ENTRY + scattered * SCATTERED + operations_of(equation, n) * operation
    )


def _runs(equations: Iterable[Equation], n: int, times: int = 1) -> Iterator[tuple[Equation, int]]:
    """Yield equations and how often each runs: those of a recurrence in every step."""
    for equation in equations:
        if isinstance(equation.primitive.kernel, Recurrence):
            steps = at(equation.params["steps"], n)
            yield from _runs(equation.params["body"].equations, n, times * steps)
        else:
            yield equation, times


def _name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


def _plain(leaf: Any) -> Any:
    """Return data as machine code reads them: in the machine's byte order, rows together."""
    dtype = leaf.dtype.newbyteorder("=")
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32 if dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(leaf, dtype)
