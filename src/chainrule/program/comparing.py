"""Two recordings compared: one program made of them, or told to be the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.errors import TraceError
from chainrule.program.batch import Counted, Filled, Nested, at, generalise
from chainrule.program.equations import Equation, Variable
from chainrule.program.passes import needed
from chainrule.program.program import Program

_OTHERWISE = "the code does something else for another batch size"


def generalised(first: Program, second: Program, sizes: tuple[int, int]) -> Program:
    """Make the first recording hold for every batch size, by the second."""
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


def same(a: Program, b: Program, shapes: bool = True) -> bool:
    """Whether two programs for one batch size compute the same."""
    a, b = needed(a), needed(b)
    if len(a.equations) != len(b.equations):
        return False
    pairs: dict[Variable, Variable] = {}

    def equal(x: Any, y: Any) -> bool:
        return pairs.get(x) is y if isinstance(x, Variable) else _equal(x, y)

    def paired(x: Variable, y: Variable) -> bool:
        pairs[x] = y
        return x.dtype == y.dtype and (x.shape == y.shape or not shapes)

    inputs = all(paired(x, y) for x, y in zip(a.inputs, b.inputs, strict=True))
    return (
        inputs
        and all(
            e.primitive is f.primitive
            and len(e.operands) == len(f.operands)
            and all(map(equal, e.operands, f.operands))
            and _equal(e.params, f.params)
            and paired(e.output, f.output)
            for e, f in zip(a.equations, b.equations, strict=True)
        )
        and _same_result(a.result, b.result, equal)
    )


def _same_result(a: Any, b: Any, equal: Callable[[Any, Any], bool]) -> bool:
    found, expected = list(leaves(a)), list(leaves(b))
    return [path for path, _ in found] == [path for path, _ in expected] and all(
        equal(x, y) for (_, x), (_, y) in zip(found, expected, strict=True)
    )


def _equal(a: Any, b: Any) -> bool:
    """Whether constants or parameters are the same, but for the rounding of a number."""
    if isinstance(a, Filled | Counted | np.ndarray | np.generic):
        if not isinstance(b, Filled | Counted | np.ndarray | np.generic):
            return False
        x, y = np.asarray(at(a, 0)), np.asarray(at(b, 0))
        close = x.dtype.kind == "f"
        return (x.shape, x.dtype) == (y.shape, y.dtype) and (
            np.allclose(x, y, rtol=1e-6 if x.dtype.itemsize < 8 else 1e-13, atol=0, equal_nan=True)
            if close
            else np.array_equal(x, y)
        )
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
        return bool(np.isclose(a, b, rtol=1e-13, atol=0, equal_nan=True))
    return bool(a is b or a == b)
