"""A self-check of this machine: a few kernels are compiled, run, and compared with NumPy.

Each instruction set is tried once: vector mathematics in both precisions, matrix products, masks,
gathers, sums over lanes, calls of C's functions, and the control register. Nothing else is, since
LLVM takes milliseconds for each: a sine, whose instructions other functions have too, takes 70.
`verdict` has the kernels run in a separate process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.compile.lower.kernels import Kernel, function_kernel, training_kernel
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.native import ENTRY
from chainrule._src.compile.native.function import PRODUCT, products_of
from chainrule._src.compile.native.gemm import Shape, module
from chainrule._src.compile.native.llvm import NONE, Text
from chainrule._src.compile.native.modules import modules
from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.native.trial import CodeTrial, TrialCall
from chainrule._src.core.equations import at
from chainrule._src.core.program import Program
from chainrule._src.core.trees import Path, leaves
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

DIGITS = {"float32": 2e-5, "float64": 1e-12}  # relative
ROWS, COLUMNS, BATCH, UPDATES = 40, 19, 8, 3
RATE = 0.01
TILES = (2, 1)  # numbers of rows: high tiles take long to compile, of the same instructions
PLACES = np.array([2, 0, 2])
Run = Callable[[CodeTrial], list[list[bytes]]]


class KernelCheck(NamedTuple):
    """A kernel with its inputs and expected results.

    Attributes
    ----------
    kernel : Kernel
    batch : int
        The batch size of an update.
    inputs : dict of path to ndarray
    expected : dict of path to ndarray
        A path begins with the subject of the check, for error messages.
    digits, near : float
        The relative and the absolute tolerance.
    """

    kernel: Kernel
    batch: int
    inputs: Mapping[Path, Any]
    expected: Mapping[Path, Any]
    digits: float
    near: float = 0.0


def elementary(x: Any) -> Any:
    """Return the results of some of chainrule's own elementary functions, and of C's fmod."""
    size = np.abs(x)
    inlined = np.exp(x), np.log(size), np.tanh(x)
    return inlined, x * 0.5, np.sqrt(size), np.floor(x), np.remainder(size, 0.7), x > 0


def gathered(X: Any) -> Any:
    """Return a sum, places of maxima, and transposed and indexed entries."""
    return np.sum(X), np.argmax(X, axis=0), X.T[PLACES]


def plain_product(a: Any, b: Any) -> Any:
    """Return a matrix product without BLAS, which may itself be wrong on a machine."""
    return np.sum(a[..., None] * b, axis=-2) if np.ndim(b) > 1 else np.sum(a * b, axis=-1)


def multiplied(A: Any, B: Any, dot: Any = np.matmul) -> Any:
    """Return products of plain and transposed operands, large enough for tiles."""
    return dot(A, B), dot(A.T, A), dot(B.T, A.T)


def computed32(x: Any, X: Any, B: Any, dot: Any = np.matmul) -> dict[str, Any]:
    """Return the results of the functions that are checked in float32, by subject."""
    moves = {"float32 sums and moves": gathered(X)}
    return {
        "float32 functions": elementary(x), "float32 products": multiplied(X, B, dot), **moves,
    }  # fmt: skip


def computed64(x: Any, X: Any, B: Any, dot: Any = np.matmul) -> dict[str, Any]:
    """Return the results of the functions that are checked in float64, by subject."""
    return {"float64 functions": elementary(x), "float64 products": multiplied(X, B, dot)}


def updated(carry: Any, X: Any, y: Any, dot: Any = np.matmul) -> Any:
    """Return loss and weights after a gradient step; its kernel sets the control register."""
    W = carry["float32 updates"]
    h = np.tanh(dot(X, W))
    error = h - y[:, None]
    slopes = dot(X.T, error * (1 - h * h))
    return np.mean(error * error), {"float32 updates": W - RATE * slopes}


def checks() -> Iterator[KernelCheck]:
    """Yield the checks, the one that sets the control register before the last."""
    rng = np.random.default_rng(0)
    X, B = (rng.uniform(0.5, 1, shape) for shape in ((ROWS, COLUMNS), (COLUMNS, 33)))
    yield _of_function(computed32, "float32", X, B)
    yield _of_training(*(array.astype("float32") for array in (B / 10, X, X[:, 0])))
    yield _of_function(computed64, "float64", X, B)


def _of_function(f: Callable[..., Any], dtype: str, *matrices: Any) -> KernelCheck:
    info = np.finfo(dtype)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, info.tiny, 3 * float(info.smallest_subnormal)]
    x = np.array([*np.linspace(-20, 20, 37), *edges], dtype)
    args = x, *(matrix.astype(dtype) for matrix in matrices)
    program = Recorder(f, args, prepared, values=False).alone()
    inputs = dict(leaves(dict(zip(program.arguments, args, strict=True))))
    expected = dict(leaves({"result": f(*args, dot=plain_product)}))
    return KernelCheck(function_kernel(program), 1, inputs, expected, DIGITS[dtype])


def _of_training(W: Any, X: Any, y: Any) -> KernelCheck:
    carry, data = {"float32 updates": W}, (X, y)
    rows = [leaf[:BATCH] for leaf in data]
    program: Program = Recorder(updated, (carry, *rows), prepared, values=False).alone()
    state, *names = program.arguments
    samples = dict(leaves(dict(zip(names, data, strict=True))))
    kernel = training_kernel(program, BATCH, {path: leaf.dtype for path, leaf in samples.items()})
    inputs = {**dict(leaves({state: carry})), **samples}
    for update in range(UPDATES):
        part = slice(update * BATCH, (update + 1) * BATCH)
        _, carry = updated(carry, X[part], y[part], dot=plain_product)
    digits = 10 * DIGITS["float32"]
    near = digits * float(np.max(np.abs(W)))
    return KernelCheck(kernel, BATCH, inputs, dict(leaves({state: carry})), digits, near)


def first_fault(target: Machine, run: Run) -> str:
    """Return the first error of machine code on this machine; an empty string if there is none.

    Parameters
    ----------
    target : Machine
        This machine.
    run : callable
        Runs a trial, in this process or in another one; returns the arrays of each call.
    """
    with np.errstate(all="ignore"):
        all_checks = [*checks()]
    arrays = [_arrays(check) for check in all_checks]
    shape = Shape.of(target)._replace(rows=TILES)
    routines = {d: name for check in all_checks for d, name in products_of(check.kernel).items()}
    products = {
        PRODUCT + name: Text(module(ENTRY, dtype, target, shape), NONE)
        for dtype, name in routines.items()
    }
    calls = [
        TrialCall(modules(check.kernel, target), [array.tobytes() for array in each])
        for check, each in zip(all_checks, arrays, strict=True)
    ]
    results = run(CodeTrial(target, products, calls))
    for check, before, after in zip(all_checks, arrays, results, strict=True):
        pairs = zip(before, after, strict=True)
        read = [np.frombuffer(content, a.dtype).reshape(a.shape) for a, content in pairs]
        for path, result in _results(check, read):
            expected = check.expected[path]
            if not np.allclose(result, expected, check.digits, check.near, equal_nan=True):
                return f"{path[1]} are wrong"
    return ""


def _arrays(check: KernelCheck) -> list[Any]:
    """Return the arrays that a kernel is called with."""
    rows = max(len(leaf) for leaf in check.inputs.values())
    numbers = {
        "sizes": [0, 0, UPDATES, check.batch, rows, rows, 0, 1], "order": range(rows),
        "constants": [*check.kernel.constants, 0.0],
    }  # fmt: skip
    arrays = [np.array(numbers.get(name, [0, 0]), of.dtype) for name, of in FIXED.items()]
    for buffer in check.kernel.pointed:
        content, order = buffer.content, buffer.order
        if buffer.role == "constant":
            array = np.array(np.transpose(content, order), order="C")
        elif content in check.inputs:
            array = np.array(np.transpose(check.inputs[content], order), order="C")
        else:
            array = np.zeros(at(buffer.memory_shape, check.batch) or (1,), buffer.dtype)
        arrays.append(array)
    return arrays


def _results(check: KernelCheck, arrays: list[Any]) -> Iterator[tuple[Path, Any]]:
    """Yield the results of a function, or the state after updates, by path."""
    for buffer, array in zip(check.kernel.pointed, arrays[len(FIXED) :], strict=True):
        if buffer.role != "constant" and buffer.content in check.expected:
            shape = [at(size, check.batch) for size in buffer.shape]
            laid = array.reshape([shape[axis] for axis in buffer.order])
            yield buffer.content, np.transpose(laid, np.argsort(buffer.order))
