"""Changes that bring in a line: an average, a path, labels, a step back through a loop."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checking.code import Code
from chainrule.checking.edits import (
    Edit,
    as_load,
    as_store,
    binary,
    exchanged,
    numpy_name,
    transposed,
)
from chainrule.checking.surroundings import Surroundings, distinct, factors, fits, penalties
from chainrule.checking.watching import Place, is_array

MOST = 60  # lines of one sort that are tried in one place
Named = tuple[ast.expr, Any, str]


@dataclass(frozen=True)
class Block:
    """A list of statements, and where it hangs."""

    code: Code
    owner: ast.AST
    field: str
    statements: list[Any]

    def behind(
        self, i: int, new: ast.stmt, kind: str, cost: float, detail: Any, line: int | None = None
    ) -> Edit:
        """Return the change that puts a line behind a statement."""
        s = self.statements[i]
        return Edit(self.code, self.owner, self.field, slice(i, i + 1), [s, new], kind, cost,
                    line or s.lineno, s, detail)  # fmt: skip


def more_lines(block: Block, i: int, around: Surroundings) -> Iterator[Edit]:
    """Yield lines that may be missing behind a statement, or within a loop."""
    yield from _followed(block, i, around)
    yield from _doubled(block, i, around)
    s = block.statements[i]
    if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name):
        place = _place(block.code, [s], around)
        for new, *rest in _changes(s.target.id, place, around) if place else ():
            yield block.behind(i, new, *rest)
    if isinstance(s, ast.For | ast.While):
        yield from _within(block.code, s, around)


def _place(code: Code, statements: list[Any], around: Surroundings) -> Place | None:
    """Return the expression of some statements that was first reached last."""
    inside = {id(node) for s in statements for node in ast.walk(s)}
    reached = [p for p in around.watch.places
               if p.code is code and p.seen.values and id(p.statement) in inside]  # fmt: skip
    return max(reached, key=lambda p: p.seen.order, default=None)


def _changes(name: str, place: Place, around: Surroundings) -> Iterator[tuple[Any, ...]]:
    """Yield lines that change an array: labels subtracted, a factor, a product with a matrix."""
    named = around.named(place)
    value: Any = next((v for _, v, t in named if t == name), None)
    if not is_array(value) or not np.ndim(value):
        return
    node, target = ast.Name(name, ast.Load()), ast.Name(name, ast.Store())
    for label, theirs, _ in named:
        size = np.shape(value)[-1]
        if _is_label(theirs, size, np.shape(value)):
            index: ast.expr = label
            if np.ndim(theirs):
                length = ast.Call(ast.Name("len", ast.Load()), [node], [])
                arange = ast.Attribute(numpy_name(), "arange", ast.Load())
                index = ast.Tuple([ast.Call(arange, [length], []), label], ast.Load())
            one = ast.Subscript(node, index, ast.Store())
            less = ast.AugAssign(one, ast.Sub(), ast.Constant(1))
            yield less, "missing term", 1.9, "labels"
    for other, theirs, text in named:
        if text != name and is_array(theirs) and fits(np.shape(theirs), np.shape(value)):
            for factor, cost in factors(other, theirs, place, around):
                new = ast.AugAssign(target, ast.Mult(), factor)
                yield new, "missing factor", cost + 0.2, factor
    for other, product in itertools.islice(_products(node, value, value.shape, named), MOST):
        yield ast.Assign([target], product), "missing factor", 2.1, other


def _is_label(value: Any, size: int, shape: tuple[int, ...]) -> bool:
    """Whether a value could be the index of a class: one number, or one a sample."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer | np.ndarray):
        return False
    array = np.asarray(value)
    fitting = array.shape == shape[:-1] and array.dtype.kind in "iu" and array.size > 0
    return bool(fitting and array.min() >= 0 and array.max() < size)


def _products(
    node: ast.expr, value: Any, shape: tuple[int, ...], named: list[Named]
) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield matrices, and their products with a value that have a shape."""
    for other, theirs, _ in named:
        if np.ndim(theirs) != 2 or theirs.dtype.kind != "f" or theirs.size < 2:
            continue
        for matrix, turned in ((theirs, other), (theirs.T, transposed(other))):
            if np.ndim(value) == 1 and matrix.shape == (*shape, value.shape[0]):
                yield other, binary(turned, ast.MatMult(), node)
            elif np.ndim(value) == 2 and (*value.shape[:1], *matrix.shape[1:]) == shape and (
                value.shape[1] == matrix.shape[0]
            ):  # fmt: skip
                yield other, binary(node, ast.MatMult(), turned)
            elif np.ndim(value) == 2 and (*matrix.shape[:1], *value.shape[1:]) == shape and (
                matrix.shape[1] == value.shape[0]
            ):  # fmt: skip
                yield other, binary(turned, ast.MatMult(), node)


def _within(code: Code, loop: ast.For | ast.While, around: Surroundings) -> Iterator[Edit]:
    """Yield lines at the head and at the end of a loop, for what it carries to its next turn."""
    first, last = loop.body[0], loop.body[-1]
    head, end = _place(code, [first], around), _place(code, loop.body, around)
    if head is None or end is None:
        return

    def edit(where: slice, new: list[Any], line: int, kind: str, cost: float, detail: Any) -> Edit:
        return Edit(code, loop, "body", where, new, kind, cost, line, loop, detail)

    names = [n for s in loop.body for n in _in_order(s) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    for name in dict.fromkeys(n.id for n in names):
        if name in stored and isinstance(_first(names, name).ctx, ast.Load):
            for new, *rest in _changes(name, head, around):
                yield edit(slice(0, 1), [new, first], first.lineno, *rest)
    line = last.end_lineno or last.lineno
    for new, cost in _carried(code, loop, names, stored, end, around):
        yield edit(slice(-1, None), [last, new], line, "missing line", cost, new)


def _first(names: list[ast.Name], name: str) -> ast.Name:
    return next(n for n in names if n.id == name)


def _in_order(s: ast.stmt) -> Iterator[ast.AST]:
    """Yield the parts of a statement, those of its value before its targets."""
    if isinstance(s, ast.Assign | ast.AugAssign):
        yield from ast.walk(s.value)
        if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name):
            yield as_load(s.target)
        for target in s.targets if isinstance(s, ast.Assign) else [s.target]:
            yield from ast.walk(target)
    else:
        yield from ast.walk(s)


def _carried(
    code: Code, loop: ast.For | ast.While, names: list[ast.Name], stored: set[str], place: Place,
    around: Surroundings,
) -> Iterator[tuple[ast.stmt, float]]:  # fmt: skip
    """Yield lines that give what a loop reads and never sets another value for its next turn.

    Sums that stay zero get the loop's values added.
    """
    named = around.named(place)
    own: list[tuple[ast.expr, Any]]
    own = [(ast.Name(t, ast.Load()), v) for _, v, t in named if t in stored and is_array(v)]
    own += _given_last(loop.body[-1], around)
    inside = {id(n) for n in ast.walk(loop)}
    before = {n.id for n in ast.walk(code.tree) if isinstance(n, ast.Name) and id(n) not in inside
              and isinstance(n.ctx, ast.Store)}  # fmt: skip
    for node, value, text in named:
        if not is_array(value) or not np.ndim(value):
            continue
        if text in before - stored and any(n.id == text for n in names):
            target = ast.Name(text, ast.Store())
            for other, theirs in own:
                for _, product in _products(other, theirs, value.shape, named):
                    yield ast.Assign([target], product), 2.0
                if theirs.shape == value.shape:
                    yield ast.Assign([target], other), 2.0
                    for factor, what, _ in named:
                        if is_array(what) and what.shape == value.shape and factor is not other:
                            yield ast.Assign([target], binary(other, ast.Mult(), factor)), 2.3
        base = text.partition("[")[0]
        if base in before and not value.any() and not _is_grown(code, text):
            for term in _shares(value.shape, own, named):
                yield ast.AugAssign(as_store(node), ast.Add(), term), 2.0


def _given_last(s: ast.stmt, around: Surroundings) -> list[tuple[ast.expr, Any]]:
    """Return the variable that a statement sets, with its value."""
    target = s.targets[0] if isinstance(s, ast.Assign) else None
    value = next((p.value for p in around.watch.places if p.owner is s), None)
    return [(as_load(target), value)] if isinstance(target, ast.Name) and is_array(value) else []


def _is_grown(code: Code, text: str) -> bool:
    """Whether something is added to a variable, or to a part of it."""
    grown = [n.target for n in ast.walk(code.tree) if isinstance(n, ast.AugAssign)]
    grown += [t for n in ast.walk(code.tree) if isinstance(n, ast.Assign) for t in n.targets
              if isinstance(t, ast.Subscript)]  # fmt: skip
    return any(ast.unparse(t).startswith(text) for t in grown)


def _shares(
    shape: tuple[int, ...], own: list[tuple[ast.expr, Any]], named: list[Named]
) -> Iterator[ast.expr]:
    """Yield what a turn of a loop may add to a sum: a value, or a product of two."""
    for other, theirs in own:
        if theirs.shape == shape:
            yield other
        for factor, what, _ in named if len(shape) == 2 else ():
            if not is_array(what) or np.ndim(what) != np.ndim(theirs):
                continue
            if np.ndim(what) == 1 and {(*what.shape, *theirs.shape), (*theirs.shape, *what.shape)} \
                    & {shape}:  # fmt: skip
                pair = [factor, other] if (*what.shape, *theirs.shape) == shape else [other, factor]
                yield ast.Call(ast.Attribute(numpy_name(), "outer", ast.Load()), pair, [])
            elif np.ndim(what) == 2 and what.shape[0] == theirs.shape[0]:
                if (what.shape[1], theirs.shape[1]) == shape:
                    yield binary(transposed(factor), ast.MatMult(), other)
                elif (theirs.shape[1], what.shape[1]) == shape:
                    yield binary(transposed(other), ast.MatMult(), factor)


def _followed(block: Block, i: int, around: Surroundings) -> Iterator[Edit]:
    """Yield a line more behind a statement that changes something in place: divided, a penalty."""
    s, code = block.statements[i], block.code
    inner = [t for t in ast.walk(s) if isinstance(t, ast.AugAssign)]
    if isinstance(s, ast.AugAssign | ast.For):
        bases = {ast.unparse(b): b for t in inner for b in _bases(t.target)}
    elif isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Subscript):
        bases = {ast.unparse(b): b for b in _bases(s.targets[0])}
    else:
        return
    place = next((p for p in around.watch.places if p.code is code and p.statement is (
        s if isinstance(s, ast.Assign | ast.AugAssign) else inner[0] if inner else s)
        and p.seen.values), None)  # fmt: skip
    if place is None:
        return
    named = around.named(place)
    shapes = {t: np.shape(v) for _, v, t in named}
    scalars = [(o, v, t) for o, v, t in named
               if not np.ndim(v) and v not in (0, 1, -1) and abs(v) > 1]  # fmt: skip
    scalars += around.count(place)
    line = s.end_lineno if isinstance(s, ast.For) else s.lineno
    for text, base in bases.items():
        for scalar, _, _ in distinct(scalars):
            new = ast.Assign([as_store(base)], binary(as_load(base), ast.Div(), scalar))
            yield block.behind(i, new, "missing divisor", 1.55, scalar, line)
        shape = shapes.get(text, ())
        for term in penalties(shape, place, around) if shape else ():
            new = ast.Assign([as_store(base)], binary(as_load(base), ast.Add(), term))
            yield block.behind(i, new, "missing term", 2.4, term, line)


def _doubled(block: Block, i: int, around: Surroundings) -> Iterator[Edit]:
    """Yield a line more that is like a neighbour: with another sign, index or variable."""
    s = block.statements[i]
    if not isinstance(s, ast.AugAssign) or not isinstance(s.op, ast.Add | ast.Sub):
        return
    place = next((p for p in around.watch.places if p.statement is s and p.seen.values), None)
    if place is None:
        return
    named = around.named(place)
    shapes = {t: np.shape(v) for _, v, t in named}
    ways: list[tuple[ast.expr, ast.expr]] = [(s.target, s.value)]
    if isinstance(s.target, ast.Subscript):
        parts = s.target.slice.elts if isinstance(s.target.slice, ast.Tuple) else [s.target.slice]
        for k, part in enumerate(parts):
            for other, theirs, text in named:
                if isinstance(theirs, int | np.integer) and text != ast.unparse(part):
                    elts = [*parts[:k], other, *parts[k + 1 :]]
                    index = ast.Tuple(elts, ast.Load()) if len(parts) > 1 else elts[0]
                    ways.append((ast.Subscript(s.target.value, index, ast.Store()), s.value))
    inner = [n for n in ast.walk(s.value) if isinstance(n, ast.Name | ast.Subscript)]
    for node in inner:
        own = shapes.get(ast.unparse(node))
        for other, theirs, text in named:
            if np.shape(theirs) == own and text != ast.unparse(node):
                ways.append((s.target, exchanged(s.value, ast.unparse(node), other)))
    for other, theirs, _ in named:
        if np.ndim(theirs) and np.shape(theirs) == shapes.get(ast.unparse(s.target)):
            ways.append((s.target, other))
    for target, value in ways[:MOST]:
        for op in (ast.Add(), ast.Sub()):
            new = ast.AugAssign(as_store(target), op, copy.deepcopy(value))
            yield block.behind(i, new, "missing line", 2.6, new)


def _bases(target: ast.expr) -> Iterator[ast.expr]:
    """Yield the arrays that a target may be a part of: the variable, an entry of a list or dict."""
    while isinstance(target, ast.Subscript):
        if isinstance(target.slice, ast.Constant):
            yield target
            if isinstance(target.slice.value, str):
                return
        target = target.value
    yield target
