"""Changes that insert a line: an average, a penalty, labels, a path."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.edits import (
    Edit,
    as_load,
    as_store,
    binary,
    copy_of,
    exchanged,
    index_parts,
)
from chainrule._src.check.ingredients import distinct, penalties
from chainrule._src.check.loops import changed, last_site, step_of_loop, within_loop
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import is_array

MOST = 60  # lines of one sort that are tried behind one statement
Named = tuple[ast.expr, Any, str]


@dataclass(frozen=True)
class Block:
    """A list of statements, with the node and the field of the tree that holds the list."""

    code: FunctionSource
    owner: ast.AST
    field: str
    statements: list[Any]

    @cached_property
    def texts(self) -> list[str]:
        """The statements as texts that are equal for equal statements."""
        return list(map(ast.dump, self.statements))

    def edit(
        self, where: int | slice, new: Any, kind: str, cost: float,
        statement: ast.stmt | None = None, detail: Any = None,
    ) -> Edit:  # fmt: skip
        """Return the change of some statements; by default the first one is the mistake's line."""
        s = statement or self.statements[where.start if isinstance(where, slice) else where]
        return Edit(self.code, self.owner, self.field, where, new, kind, cost, s.lineno, s, detail)

    def behind(
        self, i: int, new: ast.stmt, kind: str, cost: float, detail: Any, line: int | None = None
    ) -> Edit:
        """Return the change that inserts a line behind a statement."""
        s = self.statements[i]
        return Edit(self.code, self.owner, self.field, slice(i, i + 1), [s, new], kind, cost,
                    line or s.lineno, s, detail)  # fmt: skip


def likely_lines(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield the line behind a statement that is left out most often: an average, a step back."""
    s = block.statements[i]
    yield from _followed(block, i, around)
    if isinstance(s, ast.For | ast.While):
        yield from step_of_loop(block.code, s, around)


def more_lines(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield changes that insert another line behind a statement or into a loop."""
    yield from _doubled(block, i, around)
    yield from _unpacked(block, i, around)
    s = block.statements[i]
    name = _array_written(s)
    if name:
        site = last_site(block.code, [s], around)
        is_set = isinstance(s, ast.Assign)
        line = next((p for p in around.watch.sites if p.owner is s and p.field == "value"), None)
        value = line.value if is_set and line is not None else None
        for new, kind, cost, detail in changed(name, site, around, value) if site else ():
            if isinstance(s, ast.AugAssign) or detail == "labels":
                yield block.behind(i, new, kind, cost, detail)
    if isinstance(s, ast.For | ast.While):
        yield from within_loop(block.code, s, around)


def _array_written(s: ast.stmt) -> str:
    """Return the variable that a statement sets or changes in place, "" if it is none."""
    if isinstance(s, ast.AugAssign):
        target: ast.expr = s.target
        while isinstance(target, ast.Subscript):
            target = target.value
    elif isinstance(s, ast.Assign) and len(s.targets) == 1:
        target = s.targets[0]
    else:
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _followed(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a line behind a statement that changes an array in place: a division, a penalty."""
    s, code = block.statements[i], block.code
    inner = [t for t in nodes_of(s) if isinstance(t, ast.AugAssign)]
    if isinstance(s, ast.AugAssign | ast.For):
        bases = {ast.unparse(b): b for t in inner for b in _bases(t.target)}
    elif isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Subscript):
        bases = {ast.unparse(b): b for b in _bases(s.targets[0])}
    else:
        return
    site = next((p for p in around.watch.sites if p.code is code and p.statement is (
        s if isinstance(s, ast.Assign | ast.AugAssign) else inner[0] if inner else s)
        and p.trace.values), None)  # fmt: skip
    if site is None:
        return
    named = around.named(site)
    shapes = {t: np.shape(v) for _, v, t in named}
    scalars = [(o, v, t) for o, v, t in named
               if not np.ndim(v) and v not in (0, 1, -1) and abs(v) > 1]  # fmt: skip
    scalars += around.count(site)
    line = s.end_lineno if isinstance(s, ast.For) else s.lineno
    behind = [k for k, t in enumerate(block.statements) if k > i and _is_division(t)]
    last = behind[0] if isinstance(s, ast.For) and behind else i  # beside the other averages
    cost = 1.45 if isinstance(s, ast.For) else 1.55
    for text, base in bases.items():
        for scalar, _, _ in distinct(scalars):
            if last > i:
                new: ast.stmt = ast.AugAssign(as_store(base), ast.Div(), scalar)
                parts = slice(last, last + 1), [block.statements[last], new]
                edit = block.edit(*parts, "missing divisor", cost - 0.05, s, scalar)
                edit.line = block.statements[last].lineno
                yield edit
            new = ast.Assign([as_store(base)], binary(as_load(base), ast.Div(), scalar))
            yield block.behind(i, new, "missing divisor", cost, scalar, line)
        shape = shapes.get(text, ())
        for term in penalties(shape, site, around) if shape else ():
            new = ast.Assign([as_store(base)], binary(as_load(base), ast.Add(), term))
            yield block.behind(i, new, "missing term", 2.4, term, line)


def _is_division(s: ast.stmt) -> bool:
    return isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Div)


def _unpacked(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a line that adds an array to one of several that a function returns: another path."""
    s = block.statements[i]
    line = next((p for p in around.watch.sites if p.owner is s and p.field == "value"), None)
    targets = s.targets[0] if isinstance(s, ast.Assign) else None
    if not isinstance(targets, ast.Tuple) or line is None or not isinstance(line.value, tuple):
        return
    for target, value in zip(targets.elts, line.value, strict=False):
        for addend, array, text in around.named(line) if isinstance(target, ast.Name) else ():
            if is_array(value) and is_array(array) and array.shape == value.shape and value.ndim:
                new = ast.AugAssign(as_store(target), ast.Add(), addend)
                if text != ast.unparse(target):
                    yield block.behind(i, new, "missing line", 1.9, new)


def _doubled(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a line that is a copy of its neighbour with another sign, index or variable."""
    s = block.statements[i]
    if not isinstance(s, ast.AugAssign) or not isinstance(s.op, ast.Add | ast.Sub):
        return
    site = next((p for p in around.watch.sites if p.statement is s and p.trace.values), None)
    if site is None:
        return
    for target, value in itertools.islice(_variants(s, around.named(site)), MOST):
        for op in (ast.Add(), ast.Sub()):
            new = ast.AugAssign(as_store(target), op, copy_of(value))
            yield block.behind(i, new, "missing line", 2.6, new)


def _variants(s: ast.AugAssign, named: list[Named]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield target and value of a statement, with another index or variable."""
    shapes = {t: np.shape(v) for _, v, t in named}
    yield s.target, s.value
    yield from _renamed(s, named)
    if isinstance(s.target, ast.Subscript):
        parts = index_parts(s.target.slice)
        for k, part in enumerate(parts):
            for other, other_value, text in named:
                if isinstance(other_value, int | np.integer) and text != ast.unparse(part):
                    elts = [*parts[:k], other, *parts[k + 1 :]]
                    index = ast.Tuple(elts, ast.Load()) if len(parts) > 1 else elts[0]
                    yield ast.Subscript(s.target.value, index, ast.Store()), s.value
    for other, other_value, _ in named:
        if np.ndim(other_value) and np.shape(other_value) == shapes.get(ast.unparse(s.target)):
            yield s.target, other
    for node in [n for n in nodes_of(s.value) if isinstance(n, ast.Name | ast.Subscript)]:
        shape = shapes.get(ast.unparse(node))
        for other, other_value, text in named:
            if np.shape(other_value) == shape and text != ast.unparse(node):
                yield s.target, exchanged(s.value, ast.unparse(node), other)
    match s.value:
        case ast.Call(_, [one, two], []) | ast.BinOp(one, _, two):
            texts = [ast.unparse(part).removesuffix(".T") for part in (one, two)]
            fitting = [
                [(o, t) for o, v, t in named if is_array(v) and np.shape(v) == shapes.get(text)]
                for text in texts
            ]
            for (first, a), (second, b) in itertools.product(*fitting):
                if a != texts[0] and b != texts[1]:
                    product = exchanged(exchanged(s.value, texts[0], first), texts[1], second)
                    yield s.target, product


def _renamed(s: ast.AugAssign, named: list[Named]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield target and value of the statement for another variable: ``dW2`` and ``W2`` for 1."""
    texts = {text for _, value, text in named if np.ndim(value)}
    target = next(_bases(s.target))
    target_text = ast.unparse(target)
    for sibling in texts - {target_text} if target_text in texts else ():
        old, new = _different(target_text, sibling)
        read = {ast.unparse(n): n for n in nodes_of(s.value) if ast.unparse(n) in texts}
        pairs = {text: new.join(text.rsplit(old, 1)) for text in read} if old else {}
        renamed = {text: name for text, name in pairs.items() if name in texts and name != text}
        if renamed:
            value = s.value
            for text, name in renamed.items():
                value = exchanged(value, text, ast.parse(name, mode="eval").body)
            yield (
                exchanged(as_load(s.target), target_text, ast.parse(sibling, mode="eval").body),
                value,
            )


def _different(one: str, other: str) -> tuple[str, str]:
    """Return the parts of two texts between the same beginning and the same end."""
    short = min(len(one), len(other))
    start = next((k for k in range(short) if one[k] != other[k]), short)
    most = short - start
    end = next((k for k in range(most) if one[-1 - k] != other[-1 - k]), most)
    return one[start : len(one) - end], other[start : len(other) - end]


def _bases(target: ast.expr) -> Iterator[ast.expr]:
    """Yield the arrays to which a target belongs: a variable, or an entry of a list or dict."""
    while isinstance(target, ast.Subscript):
        if isinstance(target.slice, ast.Constant):
            yield target
            if isinstance(target.slice.value, str):
                return
        target = target.value
    yield target
