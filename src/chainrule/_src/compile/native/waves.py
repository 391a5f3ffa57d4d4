"""Sine, cosine and tangent in long loops, which call them instead of containing their instructions.

Each has a branch around its slow path (`rare`), and LLVM's time to vectorize a loop grows with the
square of the number of such branches. So a loop with many of them contains calls, and LLVM replaces
each call by one of the function's variant for vectors. Such a loop is also faster, because its
instructions fit into the processor's cache. In a loop with few of them, the calls would cost up to
a quarter of the time.

If a loop has sines and cosines, one call returns both, since they share nearly all arithmetic. LLVM
merges calls with equal arguments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from chainrule._src.compile.lower.functions import function_of
from chainrule._src.compile.lower.nodes import Call, Select
from chainrule._src.compile.native.emission import FunctionWriter
from chainrule._src.compile.native.rare import LANES, PURE, RARE, with_variants
from chainrule._src.compile.native.values import FunctionModule
from chainrule._src.compile.native.writer import FLAG, TYPES, Value, Writer, vector_type

WAVE = re.compile(r"@(sin|cos|tan)_(float32|float64)\(")  # in a call
TOGETHER = {"sin": ("sin", "cos"), "cos": ("sin", "cos"), "tan": ("tan",)}
FEW = 8  # waves that a loop contains
FLAGS = " contract"
# Earlier versions do not vectorize calls that return several values.
CAN_CALL = llvm.llvm_version_info >= (21, 0, 0)


def has_many(loop: str) -> bool:
    """Return true if a loop has more than a few waves."""
    return CAN_CALL and len(WAVE.findall(loop)) > FEW


def with_calls(module: FunctionModule, loop: str) -> str:
    """Return the text of a loop that calls its waves, and add their functions to the module."""
    present = {*WAVE.findall(loop)}

    def called(call: re.Match[str]) -> str:
        name, dtype = call.groups()
        names = [each for each in TOGETHER[name] if (each, dtype) in present]
        several = "_".join(["waves", *names, dtype])
        if several not in module.functions:
            _write(module, several, names, np.dtype(dtype))
        return f"@{name}_of_{several}("

    return WAVE.sub(called, loop)


def _write(
    module: FunctionModule, several: str, names: Sequence[str], dtype: np.dtype[Any]
) -> None:
    """Write a function of several waves, its variants, and a function of each single wave."""
    functions, real = [function_of(name, dtype) for name in names], TYPES[dtype]
    possible = [lanes for lanes in LANES if lanes * dtype.itemsize <= module.target.width]
    how = f"noinline {with_variants(several, 1, possible)}"
    texts = [_results(FunctionWriter(module, FLAGS, {}), several, functions, real, how)]
    for lanes in possible:
        kind, vectors = vector_type(lanes, real), LaneWriter(module, FLAGS, lanes)
        texts += [
            _variant(several, kind, len(names), lanes),
            _results(vectors, f"{several}_{lanes}_each", functions, kind, f"noinline {PURE}"),
        ]
    module.functions[several] = "".join(texts)
    for i, name in enumerate(names):
        one = f"{name}_of_{several}"
        module.functions[one] = _one_result(one, several, real, len(names), i)


def _results(code: FunctionWriter, name: str, functions: Sequence[Any], kind: str, how: str) -> str:
    """Return a function that returns the results of several functions of the same argument."""
    x, struct = code.literal("%x", kind), _struct(kind, len(functions))
    results = code.literal("poison", struct)
    for i, function in enumerate(functions):
        y = code.inlined(function, [x])
        results = code.pure(struct, f"insertvalue {struct} {results}, {kind} {y}, {i}")
    return code.definition(name, [x], how, results, internal=how.endswith(PURE))


def _one_result(name: str, several: str, kind: str, count: int, i: int) -> str:
    """Return a function that returns one of the results of another function."""
    code = Writer()
    x, struct = code.literal("%x", kind), _struct(kind, count)
    results = code.call(several, x, kind=struct)
    y = code.pure(kind, f"extractvalue {struct} {results}, {i}")
    return code.definition(name, [x], f"alwaysinline {PURE}", y, internal=True)


def _variant(name: str, kind: str, count: int, lanes: int) -> str:
    """Return a vector variant; it replaces inactive lanes, which may be undefined, by 0."""
    code = Writer()
    x, active = code.literal("%x", kind), code.literal("%active", vector_type(lanes, FLAG))
    defined = code.select(active, x, code.literal("zeroinitializer", kind))
    results = code.call(f"{name}_{lanes}_each", defined, kind=_struct(kind, count))
    return code.definition(f"{name}_{lanes}", [x, active], f"alwaysinline {PURE}", results)


def _struct(kind: str, count: int) -> str:
    return f"{{{', '.join([kind] * count)}}}"


class LaneWriter(FunctionWriter):
    """Writes a function of vectors, whose lanes are entries of a loop.

    Both parts of a selection are computed, except for calls of rare functions.
    """

    def __init__(self, module: FunctionModule, flags: str, lanes: int) -> None:
        super().__init__(module, flags, {})
        self.lanes, self.of_lanes = lanes, f"v{lanes}"
        self._all = self.literal("splat (i1 true)", vector_type(lanes, FLAG))
        self._active = self._all  # the lanes for which the current expression is selected

    def type_of(self, dtype: np.dtype[Any]) -> str:
        """Return the type of vectors of a dtype."""
        return vector_type(self.lanes, super().type_of(dtype))

    def constant(self, number: Any, dtype: np.dtype[Any]) -> Value:
        """Return a vector that has the same number in each lane."""
        one = super().constant(number, dtype)
        return self.literal(f"splat ({one.kind} {one})", self.type_of(dtype))

    def branched(self, expr: Select, test: Value) -> Value:
        """Write a selection for each lane."""
        one = self._where(test, expr.one)
        other = self._where(self.op("xor", test, self._all), expr.other)
        return self.select(test, one, other)

    def _where(self, test: Value, expr: Any) -> Value:
        active, self._active = self._active, self.op("and", self._active, test)
        value = self.value(expr)
        self._active = active
        return value

    def _function(self, expr: Call, kind: np.dtype[Any]) -> Value:
        arguments = [self.value(argument) for argument in expr.args]
        function = self.module.called(expr.name, kind)
        if expr.name not in RARE:
            return self.inlined(function, arguments)
        variant = f"{function.name}_{self.lanes}"
        return self.call(variant, *arguments, self._active, kind=self.type_of(expr.dtype))
