"""From a step to an engine: recorded for the batch sizes there are, compiled where that pays."""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import numpy as np

from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.compiler.kernels import Kernel, training_kernel
from chainrule.compiler.lowering import shape_of
from chainrule.compiler.products import operations_of
from chainrule.errors import (
    ChainruleError,
    CompileError,
    DataError,
    ShapeError,
    TraceError,
)
from chainrule.ops.kernel import Recurrence, Scatter
from chainrule.program.batch import at
from chainrule.program.equations import Equation
from chainrule.program.program import Program
from chainrule.running.engines import (
    Engine,
    NativeEngine,
    NumpyEngine,
    Step,
    data_leaves,
    place_of,
)
from chainrule.running.recorded import RecordedStep, keep
from chainrule.running.sized import SizedEngine

# Seconds on a machine of 2024: to compile a structure and each of its equations, and what NumPy
# takes in an update for each equation, entry made, entry scattered and operation of a product, by
# BLAS or by einsum. No clock is asked, so that the same run takes the same engine everywhere.
COMPILING, COMPILING_EQUATION = 0.3, 1.5e-3
EQUATION, ENTRY, SCATTERED, BLAS, EINSUM = 3e-6, 7e-10, 2.5e-8, 1e-11, 1.5e-10
ENGINES = {"auto": None, "compiled": True, "numpy": False}

_kernels: dict[Hashable, Kernel] = {}


def make_engine(
    step: Step,
    loss: Any,
    carry: Any,
    data: Any,
    batch_size: int,
    engine: str,
    updates: int,
    **known: Any,
) -> Engine:
    """Return the engine for a run of so many updates.

    ``known`` is what is known of the step, as for `RecordedStep`.

    Raises
    ------
    CompileError
        If ``engine`` is "compiled" and the step cannot be compiled.
    """
    wanted = ENGINES[engine]
    data = map_leaves(_plain, data)
    recorded = RecordedStep(step, loss, carry, data, **known)
    in_numpy = NumpyEngine(recorded, carry, data, recorded.dtype)
    try:
        program = recorded.program(batch_size)
        if not (pays(program, batch_size, updates) if wanted is None else wanted):
            return in_numpy
        kernel = kernel_of(program, data, batch_size)
        compiled = NativeEngine(program, kernel, carry, data, batch_size)
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


def kernel_of(program: Program, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step's program for data of these dtypes."""
    dtypes = {path: leaf.dtype for path, leaf in data_leaves(program, data)}
    key = (program, batch_size, tuple(dtypes.values()))
    if key not in _kernels:
        keep(_kernels, key, training_kernel(program, batch_size, dtypes))
    return _kernels[key]


def step_kernel(step: Step, loss: Any, carry: Any, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step."""
    data = map_leaves(lambda leaf: _plain(np.asarray(leaf)), data)
    return kernel_of(
        RecordedStep(step, loss, carry, data).recorder.found(batch_size), data, batch_size
    )


def _falls_back(loss: Any, error: Exception, wanted: bool | None) -> None:
    """Say that a loss runs in NumPy, unless that was asked for; refuse if it was to be compiled."""
    message = f"{_name(loss)} cannot be compiled: {place_of(error)}{error}"
    if wanted:
        raise CompileError(message) from error
    if wanted is None:
        warnings.warn(f"{message}; it runs in NumPy", stacklevel=4)


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
