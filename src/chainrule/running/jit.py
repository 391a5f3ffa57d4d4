"""Functions of arrays, compiled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autodiff.derived import Derived, P, R
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.compiler.kernels import Kernel, function_kernel
from chainrule.compiler.lowering import FIXED
from chainrule.errors import OutOfRangeError
from chainrule.native.code import load
from chainrule.program.passes import expand
from chainrule.program.tracing import Recorder
from chainrule.validation import refuse_foreign


def jit(f: Callable[P, R]) -> Callable[P, R]:
    """Return a function that does what ``f`` does, compiled.

    ``f`` is recorded and compiled once for each combination of shapes and dtypes; machine code is
    kept on disk, so the next process starts at once.

    Parameters
    ----------
    f : callable
        Written in NumPy; takes arrays, or dicts, lists and tuples of them, and returns arrays in
        any such structure. What it takes from outside (weights, say) is taken when it is recorded:
        later changes are not seen.

    Returns
    -------
    callable
        With ``f``'s positional arguments; safe to call from several threads. A copy by `pickle`
        holds ``f`` alone and compiles for itself.

    Raises
    ------
    CompileError, TraceError
        When called, if ``f`` cannot be compiled.

    Examples
    --------
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> predict = jit(lambda x: np.tanh(x @ W))
    >>> predict(np.array([0.1, 0.2])).round(4)
    array([0.6044, 0.7616])
    """
    compiled: dict[Any, _Call] = {}

    def jitted(*args: Any) -> R:
        try:
            key: Any = tuple([(a.shape, a.dtype) for a in args])
            arrays: Any = args
        except AttributeError:  # a structure, or numbers
            found = list(leaves(args))
            arrays = [_array(leaf) for _, leaf in found]
            paths = tuple(path for path, _ in found)
            key = (paths, *((a.shape, a.dtype) for a in arrays))
        call = compiled.get(key)
        if call is None:
            call = compiled[key] = _Call(f, args)
        result: R = call(arrays)
        return result

    return Derived(jitted, jit, f)


def _array(leaf: Any) -> Any:
    refuse_foreign(leaf, "an argument", "jit")
    return np.asarray(leaf)


class _Call:
    """A function compiled for some shapes and dtypes, with the memory that it works in."""

    def __init__(self, f: Callable[..., Any], args: Any) -> None:
        args = map_leaves(_array, list(args))
        program = Recorder(f, args, expand).alone()
        self.program, self.result = program, program.result
        kernel = function_kernel(program)
        inputs = {path: i for i, (path, _) in enumerate(leaves(program.arguments))}
        self.inputs: list[tuple[int, Any]] = []
        self.outputs: list[Any] = []
        arrays = self._arrays(kernel, inputs)
        self.run = load(kernel).bound(arrays)
        self.checks, self.fault = kernel.checks, arrays[list(FIXED).index("fault")]
        self.lock = threading.Lock()
        self.single = not isinstance(self.result, dict | list | tuple)

    def _arrays(self, kernel: Kernel, inputs: dict[Any, int]) -> list[Any]:
        fixed_ones = {
            "constants": np.array([*kernel.constants, 0.0]),
            "totals": np.zeros(1),
            "sizes": np.array([0, 0, 1, 1, 1, 1, 0, 1, 1]),
        }
        arrays = [fixed_ones.get(name, np.zeros(2, np.int64)) for name in FIXED]
        for buffer in kernel.pointed:
            array: Any = np.zeros(buffer.memory_shape or (1,), buffer.dtype)
            if buffer.role == "constant":
                array = np.ascontiguousarray(np.transpose(buffer.content, buffer.order))
            shaped = array.reshape(buffer.shape) if not buffer.shape else array
            if buffer.role == "argument":
                self.inputs.append((inputs[buffer.content], shaped))
            elif buffer.role == "result":
                self.outputs.append(shaped)
            arrays.append(array)
        return arrays

    def _explain(self, arrays: Any) -> None:
        """Run the program in NumPy, which tells the row that is out of range."""
        values = iter(arrays)
        arguments = list(self.program.arguments.values())
        self.program(*map_leaves(lambda _: next(values), arguments))

    def __call__(self, arrays: Any) -> Any:
        with self.lock:
            for i, place in self.inputs:
                place[...] = arrays[i]
            self.run()
            if self.fault[0]:
                number, self.fault[0] = int(self.fault[0]), 0
                self._explain(arrays)
                raise OutOfRangeError(self.checks[number - 1])
            if self.single:
                return self.outputs[0].copy()
            values = iter([output.copy() for output in self.outputs])
        return map_leaves(lambda _: next(values), self.result)
