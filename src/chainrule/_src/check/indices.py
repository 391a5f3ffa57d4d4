"""Other indices of an array: swapped, sliced otherwise, or none; other whole numbers."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Change, binary, called_name, index_parts, negated, swapped
from chainrule._src.check.rules import Rules
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site, is_array

INDICES = Rules()
SMALL = 8  # the largest border of a window that is tried


def of_subscript(node: ast.Subscript) -> Iterator[Change]:
    """Yield the same array with other indices, and the array without an index."""

    def sub(index: ast.expr) -> ast.expr:
        return ast.Subscript(node.value, index, node.ctx)

    index = node.slice
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        yield sub(ast.Tuple(index.elts[::-1], ast.Load())), "index", 1.3, None
    parts = index_parts(index)
    for i, part in enumerate(parts):
        if isinstance(part, ast.Slice):
            for new in other_slices(part):
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
    if isinstance(index, ast.Name | ast.BinOp):  # all from there on, or before, for one
        for some in (ast.Slice(index, None), ast.Slice(None, index)):
            yield sub(some), "slice", 1.45, None
    yield node.value, "extra index", 1.5, None


def other_slices(part: ast.Slice) -> Iterator[ast.Slice]:
    """Yield slices with other ends, the other way round, and the whole."""
    low, high, step = part.lower, part.upper, part.step
    minus = ast.UnaryOp(ast.USub(), ast.Constant(1))
    if low is not None or high is not None or step is not None:
        yield ast.Slice(None, None, None)
    if step is None:
        yield ast.Slice(low, high, minus)  # flipped
    else:
        yield ast.Slice(low, high, None)
    ends = [ast.Slice(None, negated(low))] if low is not None else []  # the first for the last
    ends += [ast.Slice(negated(high), None)] if high is not None else []
    for new in (ast.Slice(ast.Constant(1), high), ast.Slice(low, minus), ast.Slice(None, high),
                ast.Slice(low, None), ast.Slice(high, None), ast.Slice(None, low),
                *ends):  # fmt: skip
        if ast.dump(new) != ast.dump(part):
            yield new


@INDICES.of(ast.Name, ast.Subscript)
def _window(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield windows of images: a border is left out that a convolution padded."""
    if is_array(site.value) and site.value.ndim > 2 and not isinstance(site.owner, ast.Subscript):
        yield from _windows(node, site.value.ndim, _wholes(site, around))


@INDICES.of(ast.Tuple)
def _swapped_names(node: ast.Tuple, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield an index of several axes in which two variables are swapped."""
    names = [n.id for n in nodes_of(node) if isinstance(n, ast.Name)] if is_index(site) else []
    once = [name for name in dict.fromkeys(names) if names.count(name) == 1]
    for one, two in itertools.combinations(once[-4:], 2):
        yield swapped(node, one, two), "exchanged", 1.3, (one, two)


@INDICES.of(ast.Name, ast.BinOp, ast.Tuple)
def _unread_number(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield whole numbers times one that the code computes and never reads, such as a stride."""
    values = site.value if isinstance(site.value, tuple) else (site.value,)
    is_whole = all(isinstance(v, int | np.integer) for v in values)
    names = around.unread(site.code) if site.owner is site.statement and is_whole else ()
    for other, _ in _wholes(site, around) if names else ():
        if ast.unparse(other) in names:
            yield _times(node, other), "missing factor", 1.2, other


def _wholes(site: Site, around: BuildingBlocks) -> list[tuple[ast.expr, int]]:
    """Return the whole numbers in scope that have a name."""
    return [
        (node, int(value)) for node, value, _ in around.named(site)
        if isinstance(node, ast.Name) and isinstance(value, int | np.integer)
    ]  # fmt: skip


def _windows(node: Any, ndim: int, wholes: list[tuple[ast.expr, int]]) -> Iterator[Change]:
    """Yield windows of an array of images: within a border of so many rows and columns."""
    borders = [(name, value) for name, value in wholes if 0 < value <= SMALL]
    parts = node.slice.elts if _has_slices(node) else []
    for name, _ in borders:
        shifted = [_shifted(part, name) for part in parts]
        if any(new is not old for new, old in zip(shifted, parts, strict=True)):
            index = ast.Tuple(shifted, ast.Load())
            yield ast.Subscript(node.value, index, ast.Load()), "slice", 1.5, None
        if not parts and ndim > 2:
            inner = ast.Slice(name, ast.UnaryOp(ast.USub(), name))
            index = ast.Tuple([ast.Constant(...), inner, inner], ast.Load())
            yield ast.Subscript(node, index, ast.Load()), "slice", 1.6, None


def _has_slices(node: Any) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)


def _shifted(part: Any, by: ast.expr) -> Any:
    """Return ``by : by + high`` for ``: high``."""
    is_open = isinstance(part, ast.Slice) and part.lower is None and part.step is None
    if not is_open or part.upper is None or isinstance(part.upper, ast.UnaryOp):
        return part
    return ast.Slice(by, binary(by, ast.Add(), part.upper))


def _times(node: ast.expr, name: ast.expr) -> ast.expr:
    """Return a whole number, or each of several, times another."""
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_times(part, name) for part in node.elts], ast.Load())
    return binary(node, ast.Mult(), name)


def is_index(site: Site) -> bool:
    """Return true if an expression is an index or part of an index."""
    return site.field == "slice" or isinstance(site.owner, ast.Slice) or (
        isinstance(site.owner, ast.Call) and called_name(site.owner) == "range"
    ) or (isinstance(site.owner, ast.Tuple) and site.owner is not site.statement)  # fmt: skip
