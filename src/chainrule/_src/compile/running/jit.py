"""Functions of arrays are compiled: `jit`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule._src.base.errors import OutOfRangeError
from chainrule._src.base.forks import lock
from chainrule._src.compile.lower.kernels import Kernel, function_kernel
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.native.code import load
from chainrule._src.compile.running.form import REMEMBERED, keep
from chainrule._src.compile.running.memory import aligned
from chainrule._src.compile.running.recorded import EXAMPLE
from chainrule._src.core.derived import Derived, P, R
from chainrule._src.core.equations import at
from chainrule._src.core.program import Program
from chainrule._src.core.refusals import OuterTensorError
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.core.weak import Weak, as_value, checked, strong
from chainrule._src.ops.fillable import Fillable
from chainrule._src.trace.arguments import argument_names
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

_RECORDED = frozenset([Tensor, Fillable])
TYPICAL = 64  # rows: the layout of a kernel for any number of rows is chosen for this number


def jit(f: Callable[P, R]) -> Callable[P, R]:
    """Return a compiled version of a function.

    ``f`` is recorded and compiled for each combination of shapes and dtypes. Python numbers among
    the arguments do not change the dtype of the result: ``x * 2.0`` stays float32, as in NumPy. If
    calls differ only in the number of rows, they share the same machine code, except for a single
    row. Machine code is cached on disk, so the next process does not compile again.

    Parameters
    ----------
    f : callable
        A function in NumPy. Its arguments and results are arrays, or dicts, lists and tuples of
        arrays. Outside values (for example weights) are read when ``f`` is recorded, and later
        changes have no effect.

    Returns
    -------
    callable
        A function with ``f``'s arguments; several threads may call it. Whole numbers, flags, texts
        and functions that are given by name are fixed: each is compiled for itself. A copy by
        `pickle` contains ``f`` alone and compiles again. Within `grad`, `trace`, `vmap` and other
        transforms it calls ``f`` itself, so that they record the operations of ``f``. A method is
        compiled for each instance, and the attributes of the instance are outside values.

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
    compiled: dict[Any, _CompiledCall] = {}
    named_calls: dict[Any, Callable[..., Any]] = {}
    itself: Any = f
    recordings = _Recordings(f)

    def jitted(*args: Any, **named: Any) -> Any:
        if named:
            return _with_names(f, args, named, named_calls)
        if not _RECORDED.isdisjoint(map(type, args)):
            return itself(*args)  # the outer function records the operations
        arrays: Any = args
        try:
            key: Any = tuple([(a.shape, a.dtype) for a in args])
        except AttributeError:
            key = None
        if key is None:  # a structure, or numbers
            argument_leaves = list(leaves(args))
            if any(type(leaf) in _RECORDED for _, leaf in argument_leaves):
                return itself(*args)
            arrays = [_checked(leaf) for _, leaf in argument_leaves]
            paths = tuple(path for path, _ in argument_leaves)
            key = (paths, *((a.shape, _kind(a)) for a in arrays))
        call = compiled.get(key)
        if call is None:
            try:
                with recordings.lock:
                    call = compiled.get(key) or recordings.call(map_leaves(_checked, list(args)))
                    keep(compiled, key, call)
            except OuterTensorError:
                return itself(*args)
        return call(arrays)

    return Derived(jitted, jit, f)


def _with_names(
    f: Callable[..., Any], args: Any, named: dict[str, Any], calls: dict[Any, Callable[..., Any]]
) -> Any:
    """Return ``f(*args, **named)``. Arrays and floats are data; ``calls`` has a `jit` for the rest.

    A text, a flag or a whole number chooses what ``f`` does, so each is compiled for itself.
    """
    if any(type(leaf) in _RECORDED for _, leaf in leaves([args, named])):
        return f(*args, **named)
    data = {name: value for name, value in named.items() if _is_data(value)}
    fixed = {name: value for name, value in named.items() if name not in data}
    key = (len(args), *data, *((name, type(value), value) for name, value in fixed.items()))
    call = calls.get(key)
    if call is None:

        def by_position(*arrays: Any) -> Any:
            split = len(arrays) - len(data)
            return f(*arrays[:split], **dict(zip(data, arrays[split:], strict=True)), **fixed)

        call = jit(by_position)
        keep(calls, key, call)
    return call(*args, *data.values())


def _is_data(value: Any) -> bool:
    """Return true if a named argument is a float, an array, or a structure of arrays."""
    return isinstance(value, float | dict | list | tuple) or hasattr(value, "dtype")


def _checked(leaf: Any) -> Any:
    return as_value(checked(leaf, "an argument", "jit"))


def _kind(value: Any) -> Any:
    """Return the part of the cache key for one argument: its dtype, or its kind of Python number.

    An int's size belongs to the key, because NumPy refuses large ints for small dtypes.
    """
    if type(value) is not Weak:
        return value.dtype
    number = value.number
    return type(number), np.min_scalar_type(number) if type(number) is int else None


Forms = list[tuple[Any, tuple[int, ...], Any]]  # of each array: path, shape and kind


def _rows(one: Forms, other: Forms) -> tuple[set[Any], int] | None:
    """Return the arrays whose numbers of rows differ, and their number of rows in ``one``.

    The result is None if the forms differ in more than one number of rows.
    """
    if [(p, len(s), s[1:], d) for p, s, d in one] != [(p, len(s), s[1:], d) for p, s, d in other]:
        return None
    apart = {p: (s[0], t[0]) for (p, s, _), (_, t, _) in zip(one, other, strict=True) if s != t}
    if len(set(apart.values())) != 1:
        return None
    return set(apart), next(iter(apart.values()))[0]


class _Rows(Recorder):
    """Records a function for any number of rows.

    The recorded program does not depend on the number of rows of the first call.
    """

    def tried(self, n: int) -> tuple[int, ...]:
        return (EXAMPLE, *super().tried(n))


_General = tuple[Forms, set[Any], Recorder, Program, Kernel]


class _Recordings:
    """The recordings of a function: the forms of its calls, and programs for any number of rows.

    One kernel, whose layout is chosen for `TYPICAL` rows, serves all numbers of rows except 1. So
    the bits of a result do not depend on earlier calls.

    Attributes
    ----------
    lock : Lock
        Held while the function is recorded and compiled, so that two threads do not do it twice.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.lock = f, lock()
        self.forms: deque[Forms] = deque(maxlen=REMEMBERED)
        self.general: deque[_General] = deque(maxlen=REMEMBERED)

    def call(self, args: list[Any]) -> _CompiledCall:
        """Return the compiled call for the shapes and dtypes of these arguments."""
        names = argument_names(self.f, len(args))
        argument_leaves = leaves(dict(zip(names, args, strict=True)))
        forms = [(path, leaf.shape, _kind(leaf)) for path, leaf in argument_leaves]
        for earlier, rows, recorder, program, kernel in self.general:
            apart = _rows(forms, earlier)
            n = apart[1] if apart is not None and apart[0] == rows else 0
            if n > 1 and recorder.holds(program, n):
                return _CompiledCall(program, kernel, n)
        call = self._generalised(args, forms)
        if call is None:
            program = Recorder(self.f, args, prepared, values=False).alone()
            call = _CompiledCall(program, function_kernel(program), 1)
        self.forms.append(forms)
        return call

    def _generalised(self, args: list[Any], forms: Forms) -> _CompiledCall | None:
        """Return a call that serves any number of rows."""
        for rows in self._guesses(forms):
            recorder = _Rows(self.f, args, prepared, rows.__contains__, values=False)
            program = recorder.serving(recorder.n)
            if program is not None:
                kernel = function_kernel(program, TYPICAL)
                self.general.append((forms, rows, recorder, program, kernel))
                return _CompiledCall(program, kernel, recorder.n)
        return None

    def _guesses(self, forms: Forms) -> Iterator[set[Any]]:
        """Yield sets of arrays whose first axis may be the batch axis.

        Their number of rows differed from an earlier call, or several arguments share the number.
        """
        for earlier in self.forms:
            apart = _rows(forms, earlier)
            if apart is not None and apart[1] > 1:
                yield apart[0]
        arguments = [(path, shape[0]) for path, shape, _ in forms if len(path) == 1 and shape]
        for n in dict.fromkeys(n for _, n in reversed(arguments) if n > 1):
            first, *others = [path for path, rows in arguments if rows == n]
            yield {first, *others}
            if others:
                yield {*others}
                yield {first}


class _CompiledCall:
    """A function compiled for some shapes and dtypes.

    Parameters
    ----------
    program : Program
    kernel : Kernel
    n : int
        The number of rows, if the kernel serves any number of rows.
    """

    def __init__(self, program: Program, kernel: Kernel, n: int) -> None:
        self.program, self.kernel, self.n = program, kernel, n
        self.free = [_Memory(self)]  # idle memories; calls at the same time use different ones

    def __call__(self, arrays: Any) -> Any:
        try:
            memory = self.free.pop()
        except IndexError:
            memory = _Memory(self)
        try:
            return memory.run(arrays)
        finally:
            self.free.append(memory)


class _Memory:
    """The arrays of one call: inputs, outputs and temporaries."""

    def __init__(self, call: _CompiledCall) -> None:
        self.program, self.result = call.program, call.program.result
        numbers = {path: i for i, (path, _) in enumerate(leaves(call.program.arguments))}
        self.inputs: list[tuple[int, Any]] = []
        self.outputs: list[Any] = []
        arrays = self._arrays(call.kernel, call.n, numbers)
        self.call = load(call.kernel).bound(arrays)
        self.checks, self.fault = call.kernel.checks, arrays[list(FIXED).index("fault")]
        self.single = not isinstance(self.result, dict | list | tuple | None)

    def _arrays(self, kernel: Kernel, n: int, numbers: dict[Any, int]) -> list[Any]:
        fixed_ones = {
            "constants": np.array([*kernel.constants, 0.0]),
            "totals": np.zeros(1),
            "sizes": np.array([0, 0, 1, n, 1, 1, 0, 1, 1]),
        }
        arrays = [fixed_ones.get(name, np.zeros(2, np.int64)) for name in FIXED]
        for buffer in kernel.pointed:
            array: Any = aligned(at(buffer.memory_shape, n) or (1,), buffer.dtype)
            if buffer.role == "constant":
                array = np.ascontiguousarray(np.transpose(buffer.content, buffer.order))
            shaped = array.reshape(buffer.shape) if not buffer.shape else array
            if buffer.role == "argument":
                self.inputs.append((numbers[buffer.content], shaped))
            elif buffer.role == "result":
                self.outputs.append(shaped)
            arrays.append(array)
        return arrays

    def _explain(self, arrays: Any) -> None:
        """Run the program in NumPy, whose error names the row that is out of range."""
        values = iter(arrays)
        arguments = list(self.program.arguments.values())
        self.program(*map_leaves(lambda _: next(values), arguments))

    def run(self, arrays: Any) -> Any:
        """Return the function's result for these arrays."""
        for i, array in self.inputs:
            array[...] = strong(arrays[i])
        self.call()
        if self.fault[0]:
            number, self.fault[0] = int(self.fault[0]), 0
            self._explain(arrays)
            raise OutOfRangeError(self.checks[number - 1])
        if self.single:
            return self.outputs[0].copy()
        values = iter([output.copy() for output in self.outputs])
        return map_leaves(lambda _: next(values), self.result)
