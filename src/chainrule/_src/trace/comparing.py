"""Comparison of two recordings: they are merged into one program, or found equal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Equation, Filled, Variable, at
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.trace.batch import Counted, Diagonal, Nested, fix, generalise
from chainrule._src.trace.passes import needed

_ARRAYS = (Filled, Counted, Diagonal, np.ndarray, np.generic)
_OTHERWISE = "the code does something else for another batch size"


def generalised(first: Program, second: Program, sizes: tuple[int, int]) -> Program:
    """Merge recordings for two batch sizes into one program for every batch size."""
    if len(first.equations) != len(second.equations):
        raise TraceError(_OTHERWISE)
    pairs = dict(zip(first.variables, second.variables, strict=True))

    def merged(a: Any, b: Any) -> Any:
        if isinstance(a, Variable):
            if pairs[a] is not b:
                raise TraceError(_OTHERWISE)
            return a
        return generalise(a, b, sizes)

    shapes = {v: generalise(v.shape, w.shape, sizes) for v, w in pairs.items()}
    equations = []
    for a, b in zip(first.equations, second.equations, strict=True):
        if a.primitive is not b.primitive or len(a.operands) != len(b.operands):
            raise TraceError(_OTHERWISE)
        operands = tuple(map(merged, a.operands, b.operands))
        params = {name: generalise(a.params[name], b.params[name], sizes) for name in a.params}
        equations.append(Equation(a.output, a.primitive, operands, params))
    result = map_leaves(merged, first.result, second.result)
    for variable, shape in shapes.items():
        variable.shape = shape
    return Program(first.arguments, equations, result)


def same(a: Program, b: Program, shapes: bool = True, n: int = 0) -> bool:
    """Return true if two programs for one batch size compute the same.

    ``n`` is the batch size for ``a``, if ``a`` is a general program.
    """
    a, b = needed(a), needed(b)
    if len(a.equations) != len(b.equations):
        return False
    pairs: dict[Variable, Variable] = {}

    def equal(x: Any, y: Any) -> bool:
        return pairs.get(x) is y if type(x) is Variable else _equal(fix(x, n), y)

    def paired(x: Variable, y: Variable) -> bool:
        pairs[x] = y
        return x.dtype == y.dtype and (not shapes or at(x.shape, n) == y.shape)

    inputs = all(paired(x, y) for x, y in zip(a.inputs, b.inputs, strict=True))
    return (
        inputs
        and all(
            e.primitive is f.primitive
            and len(e.operands) == len(f.operands)
            and all(map(equal, e.operands, f.operands))
            and _same_params(e.params, f.params, n)
            and paired(e.output, f.output)
            for e, f in zip(a.equations, b.equations, strict=True)
        )
        and _same_result(a.result, b.result, equal)
    )


def _same_result(a: Any, b: Any, equal: Callable[[Any, Any], bool]) -> bool:
    results, expected = list(leaves(a)), list(leaves(b))
    return [path for path, _ in results] == [path for path, _ in expected] and all(
        equal(x, y) for (_, x), (_, y) in zip(results, expected, strict=True)
    )


def _same_params(a: dict[str, Any], b: dict[str, Any], n: int) -> bool:
    return a.keys() == b.keys() and all(_equal(at(value, n), b[key]) for key, value in a.items())


def _equal(a: Any, b: Any) -> bool:
    """Return true if constants or parameters are equal, except for rounding errors."""
    if a is b:
        return True
    if isinstance(a, _ARRAYS):
        return isinstance(b, _ARRAYS) and _equal_arrays(np.asarray(at(a, 0)), np.asarray(at(b, 0)))
    if type(a) is not type(b):
        return False
    if isinstance(a, Nested):
        return a.equals(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, slice):
        return all(map(_equal, (a.start, a.stop, a.step), (b.start, b.stop, b.step)))
    if isinstance(a, float):
        return a == b or math.isclose(a, b, rel_tol=1e-13) or (a != a and b != b)
    return bool(a == b)


def _equal_arrays(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> bool:
    if (x.shape, x.dtype) != (y.shape, y.dtype):
        return False
    if x.tobytes() == y.tobytes():
        return True
    if x.dtype.kind != "f":
        return np.array_equal(x, y)
    rtol = 1e-6 if x.dtype.itemsize < 8 else 1e-13
    return np.allclose(x, y, rtol=rtol, atol=0, equal_nan=True)
