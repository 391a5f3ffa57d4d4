"""From a step to an engine: recorded once for all batch sizes, compiled where that pays."""

from __future__ import annotations

import warnings
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from chainrule.autodiff.names import argument_names
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.errors import ChainruleError, CompileError, DataError, ShapeError, TraceError
from chainrule.program.engines import (
    Engine,
    NativeEngine,
    NumpyEngine,
    Step,
    data_leaves,
    place_of,
    rows_in,
    rows_of,
)
from chainrule.program.kernels import Kernel, training_kernel
from chainrule.program.native import is_ready
from chainrule.program.passes import expand
from chainrule.program.products import operations
from chainrule.program.program import Program, Variable, trace

COMPILING = 2.5  # seconds that a new structure takes
EQUATION, OPERATION = 2e-6, 2e-11  # seconds that NumPy takes for each, on a machine of 2024
ENGINES = {"auto": None, "compiled": True, "numpy": False}


def make_engine(
    step: Step,
    loss: Any,
    carry: Any,
    data: Any,
    batch_size: int,
    engine: str,
    updates: int,
    means: Any = None,
) -> Engine:
    """Return the engine for a run of so many updates.

    ``means`` tells what the step does: where it and all shapes are as they were, what was recorded
    then is used again. None if that cannot be told.

    Raises
    ------
    CompileError
        If ``engine`` is "compiled" and the step cannot be compiled.
    """
    dtype = _dtype(carry)
    wanted = ENGINES[engine]
    data = map_leaves(_plain, data)
    try:
        key = _structure_key(means, carry, data, batch_size)
        program = _programs.get(key) or step_program(step, loss, carry, data, dtype, batch_size)
        _keep(_programs, key, program)
        if data and not program.general:
            raise TraceError("it does something else for every batch size")
    except (TraceError, CompileError) as error:
        _falls_back(loss, error, wanted)
        return NumpyEngine(step, carry, data, dtype)
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, ChainruleError):
            raise
        kind = ShapeError if isinstance(error, ValueError) else DataError
        shapes = ", ".join(str(leaf.shape) for _, leaf in leaves(data))
        raise kind(
            f"{_name(loss)} fails on data of shapes {shapes}: {place_of(error)}{error}"
        ) from error
    if wanted is False:
        return NumpyEngine(program, carry, data, dtype)
    try:
        kernel = _kernels.get(key) or kernel_of(program, data, batch_size)
        _keep(_kernels, key, kernel)
        if not wanted and not _pays(program, batch_size, updates, kernel):
            return NumpyEngine(program, carry, data, dtype)
        return NativeEngine(program, kernel, carry, data, batch_size)
    except CompileError as error:
        _falls_back(loss, error, wanted)
        return NumpyEngine(program, carry, data, dtype)


def _falls_back(loss: Any, error: Exception, wanted: bool | None) -> None:
    """Say that a loss runs in NumPy, unless that was asked for; refuse if it was to be compiled."""
    message = f"{_name(loss)} cannot be compiled: {place_of(error)}{error}"
    if wanted:
        raise CompileError(message) from error
    if wanted is None:
        warnings.warn(f"{message}; it runs in NumPy", stacklevel=4)


_programs: dict[Any, Program] = {}
_kernels: dict[Any, Kernel] = {}
REMEMBERED = 64  # structures


def _structure_key(means: Any, carry: Any, data: Any, batch_size: int) -> Any:
    if means is None:
        return None
    forms = [(path, np.shape(x), np.asarray(x).dtype) for path, x in leaves(carry)]
    forms += [(path, x.shape[1:], x.dtype) for path, x in leaves(data)]
    return (means, tuple(forms), batch_size)


def _keep(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Remember a value, and forget the oldest where there are too many."""
    if key is not None:
        table[key] = value
        if len(table) > REMEMBERED:
            table.pop(next(iter(table)), None)


def kernel_of(program: Program, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step's program for data of these dtypes."""
    dtypes = {path: leaf.dtype for path, leaf in data_leaves(program, data)}
    return training_kernel(program, batch_size, dtypes)


def step_kernel(step: Step, loss: Any, carry: Any, data: Any, batch_size: int) -> Kernel:
    """Return the kernel of a step."""
    data = map_leaves(lambda leaf: _plain(np.asarray(leaf)), data)
    program = step_program(step, loss, carry, data, _dtype(carry), batch_size)
    return kernel_of(program, data, batch_size)


def _dtype(carry: Any) -> np.dtype[Any] | None:
    """Return the dtype that the parameters have together; None if there are none."""
    found = [leaf.dtype for _, leaf in leaves(carry["params"])]
    return np.result_type(*found) if found else None


def _pays(program: Program, batch_size: int, updates: int, kernel: Kernel) -> bool:
    """Whether a run is long enough for compiling, or compiled already."""
    each = len(program.equations) * EQUATION + operations(program, batch_size) * OPERATION
    return updates * each > COMPILING or is_ready(kernel.text, kernel.dtypes)


def _name(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


def _plain(leaf: Any) -> Any:
    """Return data as machine code reads them: in the machine's byte order, rows together."""
    dtype = leaf.dtype.newbyteorder("=")
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32 if dtype.itemsize == 2 else np.float64)
    return np.ascontiguousarray(leaf, dtype)


def step_program(
    step: Step, loss: Any, carry: Any, data: Any, dtype: Any, batch_size: int
) -> Program:
    """Record a step for all batch sizes, with the names that the loss gives its arguments."""
    first, *others = argument_names(loss, 1 + len(data))
    names = ["carry", *(f"{name}_" if name == "carry" else name for name in others)]
    parameters = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in names]
    step.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    example = rows_of(data, np.arange(max(batch_size, 2)) % max(rows_in(data), 1), dtype)
    program = trace(step, expand)(carry, *example)
    params = program.arguments["carry"]["params"]
    if isinstance(params, Variable):  # one array: it is called what the loss calls it
        params.name = first
    return program
