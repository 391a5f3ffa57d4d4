"""Recorded functions and training steps become kernels of a web module.

A kernel is WebAssembly code, and a form: a description of the arrays that the code works on, as
plain values. The page's runtime reads the form, lays out the memory, and calls the code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.errors import CompileError, ExportError, TraceError
from chainrule._src.compile.lower.kernels import Kernel, function_kernel, training_kernel
from chainrule._src.compile.lower.operations import operations
from chainrule._src.compile.running.compiling import array_specs
from chainrule._src.compile.running.form import ArraySpec
from chainrule._src.compile.running.recorded import RecordedStep
from chainrule._src.compile.wasm.kernel import RELAXED, wasm_kernel
from chainrule._src.core.equations import at
from chainrule._src.core.program import Program
from chainrule._src.core.trees import Path, leaves
from chainrule._src.trace.batch import Linear
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

TYPICAL = 32  # rows: the layout of a kernel for any number of rows is chosen for this number
EXAMPLES = 4096  # rows at most that are recorded
LARGE = 2.5e5  # operations of products in a call from which speed counts more than size


class WebKernel(NamedTuple):
    """A kernel for web pages.

    Attributes
    ----------
    form : dict
        Plain values: ``arrays``, ``numbers``, ``checks`` (error messages), ``heap`` (the first
        free address), and ``rows``, the smallest and the largest number of rows that the kernel
        serves.
    code, relaxed : bytes
        The WebAssembly module, and one for browsers that fuse multiplications and additions; empty
        if the kernel is small, unless it updates after each sample.
    constants : dict of str to ndarray
        Constant arrays, in the memory's order of axes, by name.
    """

    form: dict[str, Any]
    code: bytes
    relaxed: bytes
    constants: dict[str, Any]


def function_for_web(
    f: Callable[..., Any], arguments: Mapping[str, Any], where: str, is_batch: Sequence[str] = (),
    large: float = LARGE,
) -> WebKernel:  # fmt: skip
    """Return the kernel of a function.

    Parameters
    ----------
    f : callable
    arguments : mapping of str to tree of ndarray
        Examples of the function's arguments by name.
    where : str
        Name of the function in error messages.
    is_batch : sequence of str
        The arguments with a sample per row.
    large : float
        The operations of products in a call from which speed counts more than size.
    """
    try:
        recorder = Recorder(
            f, tuple(arguments.values()), prepared, lambda path: path[0] in is_batch, values=False,
            names=tuple(arguments),
        )  # fmt: skip
        program = recorder.serving(recorder.n)
        if program is None:
            program = recorder.alone()
        is_large = operations(program, TYPICAL) >= large
        kernel = function_kernel(program, TYPICAL)
        return _web_kernel(kernel, _served(recorder, program), is_large, is_large)
    except (CompileError, TraceError) as error:
        raise ExportError(f"{where} cannot run in a web page: {error}") from error


def step_for_web(
    step: Callable[..., Any], loss: Any, carry: Any, data: Any, batch_size: int, where: str,
    large: float = LARGE, is_fixed: bool = False,
) -> WebKernel:  # fmt: skip
    """Return the kernel that runs a training step over batches of samples.

    Parameters
    ----------
    step : callable
        ``step(carry, *data)`` → ``(loss, carry)``.
    loss : callable
        The loss function, whose arguments' names become those of the data.
    carry, data : tree of ndarray
        Examples.
    batch_size : int
        The layout is chosen for it. A kernel for 1 serves no other size.
    where : str
        Name of the function in error messages.
    large : float
        As for `function_for_web`.
    is_fixed : bool
        If true, the kernel serves no other batch size.
    """
    try:
        recorded = RecordedStep(step, loss, carry, data)
        program = recorded.found(min(batch_size, EXAMPLES))
        rows: tuple[int, int | None] = (batch_size, batch_size)
        if batch_size > 1 and not is_fixed:
            rows = _batches(recorded, program, batch_size)
        names = [*program.arguments][1:]
        dtypes = {path: leaf.dtype for path, leaf in leaves(dict(zip(names, data, strict=True)))}
        kernel = training_kernel(program, batch_size, dtypes, threads=False)
        is_large = operations(program, batch_size) >= large
        # An update after each sample amplifies roundings: fused, they are those of machine code.
        return _web_kernel(kernel, rows, is_large, is_large or batch_size == 1)
    except (CompileError, TraceError) as error:
        raise ExportError(f"{where} cannot train in a web page: {error}") from error


def _served(recorder: Recorder, program: Program) -> tuple[int, int | None]:
    """Return the smallest and the largest number of rows that a program serves."""
    if recorder.batch is None:
        return 0, None
    if not program.general:
        return recorder.n, recorder.n
    low, high = recorder.sizes(program)
    return max(low, 1), high


def _batches(recorder: Recorder, program: Program, batch_size: int) -> tuple[int, int | None]:
    """Return the numbers of rows that a step's program serves; refuse one that serves too few."""
    if not program.general:
        n = min(batch_size, EXAMPLES)
        raise CompileError(
            f"its code depends on the number of rows in a batch, and was recorded for {n} rows "
            "only, while the last batch of an epoch may have fewer; choose another batch_size, "
            "or compute the same for any number of rows"
        )
    low, high = _served(recorder, program)
    if not low <= batch_size <= (high or batch_size):
        raise CompileError(
            f"its code depends on the number of rows in a batch, and was recorded for {low} to "
            f"{high or 'more'} rows only; choose such a batch_size"
        )
    return low, high


def _web_kernel(
    kernel: Kernel, rows: tuple[int, int | None], is_large: bool, fuses: bool
) -> WebKernel:
    specs = array_specs(kernel)
    plain = wasm_kernel(kernel, is_large=is_large)
    relaxed = wasm_kernel(kernel, RELAXED).code if fuses else b""
    constants = {
        spec.name: np.ascontiguousarray(np.transpose(spec.content, spec.order))
        for spec in specs
        if spec.role == "constant"
    }
    form = {
        "arrays": [_array(spec) for spec in specs],
        "numbers": [_number(value) for value in kernel.constants],
        "checks": kernel.checks,
        "heap": plain.heap,
        "rows": rows,
    }
    return WebKernel(form, plain.code, relaxed, constants)


def _number(value: float) -> float | str:
    """Return a number as JSON has it: NaN and the infinities are texts, which JavaScript reads."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _array(spec: ArraySpec) -> dict[str, Any]:
    """Describe an array: a size is a number, ``"rows"``, or ``[a, b]`` for a + b·n.

    The order of the axes in memory is left out if it is NumPy's.
    """
    key = spec.name if spec.role == "constant" else path_key(spec.content)
    sizes = [[size.offset, size.slope] if isinstance(size, Linear) else size for size in spec.sizes]
    order = {} if list(spec.order) == sorted(spec.order) else {"order": spec.order}
    return {"role": spec.role, "key": key, "dtype": spec.dtype.str, **order, "sizes": sizes}


def path_key(path: Path | None) -> str:
    """Return the name of a leaf in a web module: its path with slashes."""
    return "/".join(map(str, path or ()))


def keyed(tree: Any, *prefix: str) -> dict[str, Any]:
    """Return the leaves of a tree by their names in a web module."""
    named = {path_key(path): np.asarray(at(leaf, 1)) for path, leaf in leaves(tree, prefix)}
    if len(named) != len(list(leaves(tree))):
        raise ExportError("two weights have the same name in a web page; rename keys with slashes")
    return named
