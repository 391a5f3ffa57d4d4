"""Other indices of an array: swapped, sliced otherwise, or none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from chainrule._src.check.edits import Change


def of_subscript(node: ast.Subscript) -> Iterator[Change]:
    """Yield the same array with other indices, and the array without an index."""

    def sub(index: ast.expr) -> ast.expr:
        return ast.Subscript(node.value, index, node.ctx)

    index = node.slice
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        yield sub(ast.Tuple(index.elts[::-1], ast.Load())), "index", 1.3, None
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for i, part in enumerate(parts):
        if isinstance(part, ast.Slice):
            for new in _other_slices(part):
                elts = [*parts[:i], new, *parts[i + 1 :]]
                new_index = ast.Tuple(elts, ast.Load()) if isinstance(index, ast.Tuple) else new
                yield sub(new_index), "slice", 1.4, None
        elif not isinstance(index, ast.Tuple) and isinstance(part, ast.Constant):
            func = ast.Attribute(ast.Name("np", ast.Load()), "sum", ast.Load())
            axis = [ast.keyword("axis", ast.Constant(0))]
            yield ast.Call(func, [node.value], axis), "one sample", 1.4, None
        if isinstance(index, ast.Tuple) and isinstance(part, ast.Slice):
            length = ast.Call(ast.Name("len", ast.Load()), [node.value], [])
            func = ast.Attribute(ast.Name("np", ast.Load()), "arange", ast.Load())
            elts = [*parts[:i], ast.Call(func, [length], []), *parts[i + 1 :]]
            yield sub(ast.Tuple(elts, ast.Load())), "index", 1.5, None
    yield node.value, "extra index", 1.5, None


def _other_slices(part: ast.Slice) -> Iterator[ast.Slice]:
    low, high, step = part.lower, part.upper, part.step
    minus = ast.UnaryOp(ast.USub(), ast.Constant(1))
    if low is not None or high is not None or step is not None:
        yield ast.Slice(None, None, None)
    if step is None:
        yield ast.Slice(low, high, minus)  # flipped
    else:
        yield ast.Slice(low, high, None)
    for new in (ast.Slice(ast.Constant(1), high), ast.Slice(low, minus), ast.Slice(None, high),
                ast.Slice(low, None), ast.Slice(high, None), ast.Slice(None, low)):  # fmt: skip
        if ast.dump(new) != ast.dump(part):
            yield new
