"""A self-check of this machine: a few kernels are compiled and compared with NumPy.

`verdict` runs it in a separate process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.compile.lower.kernels import Kernel, function_kernel, training_kernel
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.native import cores
from chainrule._src.compile.native.function import (
    PRODUCT,
    NativeFunction,
    packed,
    product_text,
    products_of,
)
from chainrule._src.compile.native.helpers import compile_all
from chainrule._src.compile.native.llvm import Text
from chainrule._src.compile.native.modules import modules
from chainrule._src.compile.native.target import Target
from chainrule._src.core.equations import at
from chainrule._src.core.program import Program
from chainrule._src.core.trees import Path, leaves
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

DIGITS = {"float32": 2e-5, "float64": 1e-12}  # relative; for functions of one number
ROWS, COLUMNS, BATCH, UPDATES = 40, 19, 8, 3
RATE = 0.01


class KernelCheck(NamedTuple):
    """A kernel with its inputs and expected results.

    Attributes
    ----------
    name : str
        The subject of the check, for error messages.
    kernel : Kernel
    batch : int
        The batch size of an update.
    inputs : dict of path to ndarray
    expected : dict of path to ndarray
    digits : float
        The relative tolerance.
    is_each : bool
        If true, the tolerance is relative to each entry, and not to the largest.
    """

    name: str
    kernel: Kernel
    batch: int
    inputs: Mapping[Path, Any]
    expected: Mapping[Path, Any]
    digits: float
    is_each: bool = False


def elementary(x: Any) -> Any:
    """Return the results of elementary functions: all of chainrule's own, and some of C's."""
    size = np.abs(x)
    others = np.exp(x), np.log(size), np.tanh(x), np.sin(x), np.cos(x), np.expm1(x), np.log1p(size)
    return others, x * 0.5, np.sqrt(size), np.arctan(x), np.floor(x), np.power(size, 0.3), x > 0


def gathered(X: Any, places: Any) -> Any:
    """Return sums, a maximum, and transposed and indexed entries."""
    return np.sum(X), np.max(X, axis=1), np.argmax(X, axis=0), X.T[places], np.cumsum(X, axis=0)


def plain_product(a: Any, b: Any) -> Any:
    """Return a matrix product without BLAS, which may itself be wrong on a machine."""
    return np.sum(a[..., None] * b, axis=-2) if np.ndim(b) > 1 else np.sum(a * b, axis=-1)


def multiplied(A: Any, B: Any, dot: Any = np.matmul) -> Any:
    """Return products of plain and transposed operands, large enough for tiles."""
    return dot(A, B), dot(A.T, A), dot(B.T, A.T)


def updated(carry: Any, X: Any, y: Any, dot: Any = np.matmul) -> Any:
    """Return loss and weights after a gradient step; its kernel sets the control register."""
    h = np.tanh(dot(X, carry["first"]))
    error = dot(h, carry["second"]) - y
    back = error[:, None] * carry["second"] * (1 - h * h)
    slopes = {"first": dot(X.T, back), "second": dot(h.T, error)}
    return np.mean(error * error), {name: W - RATE * slopes[name] for name, W in carry.items()}


def checks(dtype: str) -> Iterator[KernelCheck]:
    """Yield the checks of a dtype."""
    rng = np.random.default_rng(0)
    info, digits = np.finfo(dtype), DIGITS[dtype]
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, info.tiny, 3 * float(info.smallest_subnormal)]
    x = np.array([*np.linspace(-20, 20, 37), *edges], dtype)
    yield _of_function(f"{dtype} functions", elementary, digits, x)._replace(is_each=True)
    X, B = (rng.uniform(0.5, 1, shape).astype(dtype) for shape in ((ROWS, COLUMNS), (COLUMNS, 33)))
    yield _of_function(f"{dtype} products", multiplied, digits, X, B)
    if dtype == "float64":  # the other checks differ from float32 only in the number of lanes
        return
    yield _of_function(f"{dtype} sums and moves", gathered, digits, X, np.array([2, 0, 2]))
    carry = {"first": B / 10, "second": rng.normal(size=33).astype(dtype) / 10}
    for batch in (1, BATCH):
        yield _of_training(f"{dtype} updates", carry, (X, X[:, 0]), batch, 10 * digits)


def _of_function(name: str, f: Callable[..., Any], digits: float, *args: Any) -> KernelCheck:
    program = Recorder(f, args, prepared, values=False).alone()
    inputs = dict(leaves(dict(zip(program.arguments, args, strict=True))))
    result = f(*args, dot=plain_product) if f is multiplied else program(*args)
    expected = dict(leaves({"result": result}))
    return KernelCheck(name, function_kernel(program), 1, inputs, expected, digits)


def _of_training(name: str, carry: Any, data: Any, batch: int, digits: float) -> KernelCheck:
    rows = [leaf[:batch] for leaf in data]
    program: Program = Recorder(updated, (carry, *rows), prepared, values=False).alone()
    state, *names = program.arguments
    samples = dict(leaves(dict(zip(names, data, strict=True))))
    kernel = training_kernel(program, batch, {path: leaf.dtype for path, leaf in samples.items()})
    inputs = {**dict(leaves({state: carry})), **samples}
    for update in range(UPDATES):
        part = slice(update * batch, (update + 1) * batch)
        batch_X, batch_y = (leaf[part] for leaf in data)
        _, carry = updated(carry, batch_X, batch_y, dot=plain_product)
    return KernelCheck(name, kernel, batch, inputs, dict(leaves({state: carry})), digits)


def first_fault(target: Target) -> str:
    """Return the first error of machine code on this machine; an empty string if there is none."""
    with np.errstate(all="ignore"):
        all_checks = [check for dtype in DIGITS for check in checks(dtype)]
    products = {dtype: product_text(dtype, target) for dtype in DIGITS}
    texts = [modules(check.kernel, target) for check in all_checks]
    every = [*products.values(), *(text for part in texts for text in part)]
    codes = dict(zip(every, compile_all(every, target, cores() - 1), strict=True))
    routines = {d: name for check in all_checks for d, name in products_of(check.kernel).items()}
    for dtype, name in routines.items():
        _function([products[dtype]], codes).provide(PRODUCT + name)
    for check, part in zip(all_checks, texts, strict=True):
        results = _results(check, _function(part, codes))
        for path, expected in check.expected.items():
            nearly = 0 if check.is_each else check.digits * np.max(np.abs(expected))
            if not np.allclose(results[path], expected, check.digits, nearly, equal_nan=True):
                return f"{check.name} are wrong"
    return ""


def _function(texts: list[Text], codes: Mapping[Text, bytes]) -> NativeFunction:
    return NativeFunction(packed([(text, codes[text]) for text in texts]))


def _results(check: KernelCheck, function: NativeFunction) -> dict[Path, Any]:
    """Run a kernel; return the results of a function, or the state after updates."""
    rows = max(len(leaf) for leaf in check.inputs.values())
    numbers = {
        "sizes": [0, 0, UPDATES, check.batch, rows, rows, 0, 1], "order": range(rows),
        "constants": [*check.kernel.constants, 0.0],
    }  # fmt: skip
    arrays = [np.array(numbers.get(name, [0, 0]), of.dtype) for name, of in FIXED.items()]
    results: dict[Path, Any] = {}
    for buffer in check.kernel.pointed:
        content, order = buffer.content, buffer.order
        if buffer.role == "constant":
            array = np.array(np.transpose(content, order), order="C")
        elif content in check.inputs:
            array = np.array(np.transpose(check.inputs[content], order), order="C")
        else:
            array = np.zeros(at(buffer.memory_shape, check.batch) or (1,), buffer.dtype)
        arrays.append(array)
        if content in check.expected:
            back = np.argsort(order)
            shape = [at(size, check.batch) for size in buffer.shape]
            laid = array.reshape([shape[axis] for axis in order])
            results[content] = np.transpose(laid, back)
    function.bound(arrays)()
    return results
