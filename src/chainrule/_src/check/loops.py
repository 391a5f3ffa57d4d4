"""Changes that insert a line into a loop: a step back in time, a slope, a term of a sum."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.edits import Edit, as_load, as_store, binary, numpy_name, transposed
from chainrule._src.check.ingredients import factors, fitting_arrays
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site, is_array

MOST = 60  # products that are tried in one line
Named = tuple[ast.expr, Any, str]


def step_of_loop(
    code: FunctionSource, tree: ast.For | ast.While, around: BuildingBlocks
) -> Iterator[Edit]:
    """Yield changes that update at the end of a loop what its next turn reads."""
    end = last_site(code, tree.body, around)
    for new, cost in LoopContext(code, tree, end, around).steps() if end is not None else ():
        yield _behind(code, tree, -1, new, "missing line", cost, new)


def within_loop(
    code: FunctionSource, tree: ast.For | ast.While, around: BuildingBlocks
) -> Iterator[Edit]:
    """Yield changes that insert a line at the head of a loop, at its end or behind its sums."""
    body = tree.body
    head, end = last_site(code, body[:1], around), last_site(code, body, around)
    if head is None or end is None:
        return
    loop = LoopContext(code, tree, end, around)
    for name in loop.carried:
        for new, kind, cost, detail in changed(name, head, around):
            yield Edit(code, tree, "body", slice(0, 1), [new, body[0]], kind, cost,
                       body[0].lineno, tree, detail)  # fmt: skip
        for new, kind, cost, detail in changed(name, end, around):
            yield _behind(code, tree, -1, new, kind, cost, detail)
    for new, cost in loop.counts():
        yield _behind(code, tree, -1, new, "missing line", cost, new)
    sums = list(loop.sums())
    for i, s in enumerate(body):
        if isinstance(s, ast.AugAssign) or s is body[-1]:
            for new in sums:
                yield _behind(code, tree, i, new, "missing line", 2.0, new)


def _behind(
    code: FunctionSource, tree: ast.For | ast.While, i: int, new: Any, kind: str, cost: float,
    detail: Any,
) -> Edit:  # fmt: skip
    """Return the change that inserts a line behind a statement of a loop."""
    i %= len(tree.body)
    s = tree.body[i]
    return Edit(code, tree, "body", slice(i, i + 1), [s, new], kind, cost,
                s.end_lineno or s.lineno, tree, detail)  # fmt: skip


@dataclass
class LoopContext:
    """A loop and its variables; ``end`` is the expression that is first reached last."""

    code: FunctionSource
    tree: ast.For | ast.While
    end: Site
    around: BuildingBlocks

    @cached_property
    def named(self) -> list[Named]:
        """The names and values of the variables at the end of a turn."""
        return self.around.named(self.end)

    @cached_property
    def names(self) -> list[ast.Name]:
        """The names in the loop's body, in the order in which they are read and set."""
        parts = (node for s in self.tree.body for node in _in_order(s))
        return [node for node in parts if isinstance(node, ast.Name)]

    @cached_property
    def carried(self) -> list[str]:
        """The loop-carried variables: a turn reads their values of the turn before."""
        first: dict[str, ast.Name] = {}
        for node in self.names:
            first.setdefault(node.id, node)
        stored = _stored(self.tree)
        return [k for k, v in first.items() if k in stored and isinstance(v.ctx, ast.Load)]

    @cached_property
    def outside(self) -> set[str]:
        """The variables that the code around the loop sets and the loop does not set."""
        return _stored(self.code.tree) - _stored(self.tree)

    @cached_property
    def grown(self) -> list[str]:
        """The variables and entries that the code adds to, and the entries that it sets."""
        nodes = nodes_of(self.code.tree)
        targets = [n.target for n in nodes if isinstance(n, ast.AugAssign)]
        targets += [t for n in nodes if isinstance(n, ast.Assign) for t in n.targets
                    if isinstance(t, ast.Subscript)]  # fmt: skip
        return [*map(ast.unparse, targets)]

    @cached_property
    def arrays(self) -> list[tuple[ast.expr, Any]]:
        """The arrays that a turn computes."""
        stored = _stored(self.tree)
        pairs: list[tuple[ast.expr, Any]]
        pairs = [(o, v) for o, v, t in self.named if t in stored and is_array(v)]
        s = self.tree.body[-1]
        target = s.targets[0] if isinstance(s, ast.Assign) else None
        value = next((p.value for p in self.around.watch.sites if p.owner is s), None)
        if isinstance(target, ast.Name) and is_array(value):
            pairs.append((as_load(target), value))
        return pairs

    def steps(self) -> Iterator[tuple[ast.stmt, float]]:
        """Yield lines that update, for the next turn, a variable that the loop never sets."""
        read = {node.id for node in self.names} & self.outside
        for _, value, text in self.named:
            if text not in read or not is_array(value) or not np.ndim(value):
                continue
            target = ast.Name(text, ast.Store())
            for other, other_value in self.arrays:
                zero = 0.6 * (not value.any())  # nothing else is ever carried: a line is missing
                for product in products(other, other_value, value.shape, self.named):
                    yield ast.Assign([target], product), 2.0 - zero
                for factor, what, _ in self.named if other_value.shape == value.shape else ():
                    if is_array(what) and what.shape == value.shape and factor is not other:
                        yield ast.Assign([target], binary(other, ast.Mult(), factor)), 2.3
                if other_value.shape == value.shape:
                    yield ast.Assign([target], other), 2.0

    def counts(self) -> Iterator[tuple[ast.stmt, float]]:
        """Yield lines that move on a position, which the loop reads and leaves at zero."""
        wholes = [(o, v, t) for o, v, t in self.named if isinstance(v, int | np.integer)]
        read = {node.id for node in self.names} & self.outside
        steps = [ast.Constant(1), *(o for o, value, _ in wholes if value > 0)]
        for name in (text for _, value, text in wholes if value == 0 and text in read):
            for step in steps:
                yield ast.AugAssign(ast.Name(name, ast.Store()), ast.Add(), step), 1.95

    def sums(self) -> Iterator[ast.stmt]:
        """Yield lines that add a turn's values to a sum that stays zero, or that no turn reads."""
        read = {node.id for node in self.names}
        for node, value, text in self.named:
            name = text.partition("[")[0]
            is_sum = is_array(value) and np.ndim(value) and (not value.any() or name not in read)
            is_grown = any(target.startswith(text) for target in self.grown)
            if is_sum and name in self.outside and not is_grown:
                for term in _shares(value.shape, self.arrays, self.named):
                    yield ast.AugAssign(as_store(node), ast.Add(), term)


def _stored(tree: ast.AST) -> set[str]:
    """Return the variables that code sets."""
    names = [node for node in nodes_of(tree) if isinstance(node, ast.Name)]
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _in_order(s: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement; those of the value come before those of the targets."""
    if isinstance(s, ast.Assign | ast.AugAssign):
        yield from nodes_of(s.value)
        if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name):
            yield as_load(s.target)
        for target in s.targets if isinstance(s, ast.Assign) else [s.target]:
            yield from nodes_of(target)
    else:
        yield from nodes_of(s)


def _shares(
    shape: tuple[int, ...], arrays: list[tuple[ast.expr, Any]], named: list[Named]
) -> Iterator[ast.expr]:
    """Yield terms that a turn of a loop may add to a sum: a value, or a product of two values."""
    for other, other_value in arrays:
        if other_value.shape == shape:
            yield other
            for factor, number, _ in named:
                if isinstance(number, float | np.floating):
                    yield binary(factor, ast.Mult(), other)
        for factor, what, _ in named if len(shape) == 2 else ():
            if not is_array(what) or np.ndim(what) != np.ndim(other_value):
                continue
            for (a, left), (b, right) in itertools.permutations(
                [(other, other_value), (factor, what)]
            ):
                if left.ndim == 1 and left.shape + right.shape == shape:
                    outer = ast.Attribute(numpy_name(), "outer", ast.Load())
                    yield ast.Call(outer, [a, b], [])
                turned = left.ndim == 2 and len(left) == len(right)
                if turned and (left.shape[1], right.shape[1]) == shape:
                    yield binary(transposed(a), ast.MatMult(), b)


def last_site(code: FunctionSource, statements: list[Any], around: BuildingBlocks) -> Site | None:
    """Return the expression, of some statements, whose first evaluation came last."""
    inside = {id(node) for s in statements for node in nodes_of(s)}
    reached = [p for p in around.watch.sites
               if p.code is code and p.trace.values and id(p.statement) in inside]  # fmt: skip
    return max(reached, key=lambda p: p.trace.order, default=None)


def changed(
    name: str, site: Site, around: BuildingBlocks, value: Any = None
) -> Iterator[tuple[Any, ...]]:
    """Yield lines that change an array: they subtract labels, or multiply by a factor or matrix.

    ``value`` is that of the array, by default its value at the site.
    """
    named = around.named(site)
    if value is None:
        value = next((v for _, v, t in named if t == name), None)
    if not is_array(value) or not np.ndim(value):
        return
    node, target = ast.Name(name, ast.Load()), ast.Name(name, ast.Store())
    for label, other_value, _ in named:
        shape = np.shape(value)
        if len(shape) == 2 and shape[1] == 1:  # a column, of one sample
            shape = shape[:1]
        if _is_label(other_value, shape[-1], shape):
            index: ast.expr = label
            if np.ndim(other_value):
                length = ast.Call(ast.Name("len", ast.Load()), [node], [])
                arange = ast.Attribute(numpy_name(), "arange", ast.Load())
                index = ast.Tuple([ast.Call(arange, [length], []), label], ast.Load())
            one = ast.Subscript(node, index, ast.Store())
            less = ast.AugAssign(one, ast.Sub(), ast.Constant(1))
            yield less, "missing term", 1.9, "labels"
    for other, other_value, text in fitting_arrays(value, named):
        if text != name:
            for factor, cost in factors(other, other_value, site, around):
                new = ast.AugAssign(target, ast.Mult(), factor)
                yield new, "missing factor", cost + 0.2, factor
    for product in itertools.islice(products(node, value, value.shape, named), MOST):
        line = ast.Assign([target], product)
        yield line, "missing line", 1.9, line


def _is_label(value: Any, size: int, shape: tuple[int, ...]) -> bool:
    """Return true if a value may be class labels: one number, or one number per sample."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer | np.ndarray):
        return False
    array = np.asarray(value)
    fitting = array.shape == shape[:-1] and array.dtype.kind in "iu" and array.size > 0
    return bool(fitting and array.min() >= 0 and array.max() < size)


def products(
    node: ast.expr, value: Any, shape: tuple[int, ...], named: list[Named]
) -> Iterator[ast.expr]:
    """Yield the products of a value and a matrix that have a shape."""
    for other, other_value, _ in named:
        if np.ndim(other_value) != 2 or other_value.dtype.kind != "f" or other_value.size < 2:
            continue
        for matrix, turned in ((other_value, other), (other_value.T, transposed(other))):
            if np.ndim(value) == 1 and matrix.shape == (*shape, value.shape[0]):
                yield binary(turned, ast.MatMult(), node)
            elif np.ndim(value) == 2 and (*value.shape[:1], *matrix.shape[1:]) == shape and (
                value.shape[1] == matrix.shape[0]
            ):  # fmt: skip
                yield binary(node, ast.MatMult(), turned)
            elif np.ndim(value) == 2 and (*matrix.shape[:1], *value.shape[1:]) == shape and (
                matrix.shape[1] == value.shape[0]
            ):  # fmt: skip
                yield binary(turned, ast.MatMult(), node)
