"""Changes of whole statements: ``=`` and ``+=`` exchanged, left out, moved."""

from __future__ import annotations

import ast
import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.check.aliases import copies
from chainrule._src.check.clock import Deadline
from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.edits import Change, Edit, as_load, numpy_name
from chainrule._src.check.expressions import OPERATORS
from chainrule._src.check.indices import of_subscript
from chainrule._src.check.lines import Block, likely_lines, more_lines
from chainrule._src.check.slices import of_slices, of_strides
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import is_number

SIMPLE = ast.Assign | ast.AugAssign | ast.Expr  # statements that may be moved
Rule = Callable[[Block, int, BuildingBlocks], Iterator[Edit]]


def copy_edits(code: FunctionSource) -> Iterator[Edit]:
    """Yield the changes that copy an array which another variable shares."""
    for owner, field, statements in _blocks(code.tree):
        yield from copies(Block(code, owner, field, statements))


def _of_target(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield other indices of the array entries that a statement writes."""
    s = block.statements[i]
    for target in s.targets if isinstance(s, ast.Assign) else []:
        for new, kind, cost, detail in _other_entries(target):
            targets = [new if each is target else each for each in s.targets]
            yield Edit(block.code, s, "targets", None, targets, kind, cost, s.lineno, s, detail)
    if isinstance(s, ast.AugAssign):
        for new, kind, cost, detail in _other_entries(s.target):
            yield Edit(block.code, s, "target", None, new, kind, cost, s.lineno, s, detail)


def _of_one_index(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield entries ``t[row, label]`` for ``t[row]`` that is written, ``t[label]`` for ``t[:]``."""
    s = block.statements[i]
    target = s.targets[0] if isinstance(s, ast.Assign) else getattr(s, "target", None)
    if not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Tuple):
        return
    is_all = isinstance(target.slice, ast.Slice)
    site = next((p for p in around.watch.sites if p.statement is s and p.trace.values), None)
    for other, value, _ in around.named(site) if site is not None else ():
        if isinstance(value, int | np.integer) and not isinstance(value, bool):
            index = other if is_all else ast.Tuple([target.slice, other], ast.Load())
            new: Any = ast.Subscript(target.value, index, ast.Store())
            field = "targets" if isinstance(s, ast.Assign) else "target"
            yield Edit(block.code, s, field, None, [new] if field == "targets" else new, "index",
                       1.6, s.lineno, s)  # fmt: skip


def _of_dropped(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield the variables for ``_`` in an unpacking whose new value the code would read."""
    s = block.statements[i]
    target = s.targets[0] if isinstance(s, ast.Assign) else None
    if not isinstance(target, ast.Tuple):
        return
    names = [node for node in nodes_of(block.code.tree) if isinstance(node, ast.Name)]
    read = dict.fromkeys(n.id for n in names if isinstance(n.ctx, ast.Load))
    stored = [n.id for n in names if isinstance(n.ctx, ast.Store)]
    for k, part in enumerate(target.elts):
        for name in read if isinstance(part, ast.Name) and part.id == "_" else ():
            if stored.count(name) == 1:
                elts = [*target.elts[:k], ast.Name(name, ast.Store()), *target.elts[k + 1 :]]
                new = [ast.Tuple(elts, ast.Store())]
                detail = ast.Name(name, ast.Load())
                yield Edit(block.code, s, "targets", None, new, "dropped", 1.3, s.lineno, s, detail)


def _other_entries(target: ast.expr) -> Iterator[Change]:
    for change in of_subscript(target) if isinstance(target, ast.Subscript) else ():
        if isinstance(change[0], ast.Subscript):
            yield change


def _of_augmented(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield ``=`` for ``+=``, other operators, and ``np.add.at`` for repeated indices."""
    s = block.statements[i]
    if not isinstance(s, ast.AugAssign):
        return
    at = {ast.Add: "add", ast.Sub: "subtract"}.get(type(s.op))
    if isinstance(s.target, ast.Subscript) and at:
        yield block.edit(i, _at(at, s.target, s.value), "repeated index", 1.3)
    yield block.edit(i, ast.Assign([s.target], s.value), "added", 1.2)
    for other in OPERATORS.get(type(s.op), ()):
        if other is not ast.MatMult:
            yield block.edit(i, ast.AugAssign(s.target, other(), s.value), "operator", 1.2)


def _at(name: str, target: ast.Subscript, value: ast.expr) -> ast.Expr:
    """Return ``np.add.at(array, index, value)``, or the same with another operation."""
    func = ast.Attribute(ast.Attribute(numpy_name(), name, ast.Load()), "at", ast.Load())
    return ast.Expr(ast.Call(func, [as_load(target.value), target.slice, value], []))


def _of_assignment(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    s = block.statements[i]
    if isinstance(s, ast.Assign) and len(s.targets) == 1:
        target = s.targets[0]
        if isinstance(target, ast.Name | ast.Subscript | ast.Attribute):
            yield block.edit(i, ast.AugAssign(target, ast.Add(), s.value), "overwritten", 1.2)
        if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant):
            yield block.edit(i, _at("add", target, s.value), "repeated index", 1.25)


def _left_out(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    s, alone = block.statements[i], len(block.statements) == 1
    if not alone and isinstance(s, ast.Assign | ast.AugAssign | ast.Expr | ast.If):
        texts = block.texts
        if texts.count(texts[i]) > 1:
            cost = 1.0 if texts[i] in texts[:i] else 1.1
            yield block.edit(slice(i, i + 1), [], "doubled line", cost)
        yield block.edit(slice(i, i + 1), [], "extra line", 1.8)
    if isinstance(s, ast.If):
        yield block.edit(slice(i, i + 1), s.body, "extra condition", 2)
        flipped = ast.If(ast.UnaryOp(ast.Not(), s.test), s.body, s.orelse)
        yield block.edit(i, flipped, "comparison", 2)
    if not alone and isinstance(s, ast.Break | ast.Continue):
        yield block.edit(slice(i, i + 1), [], "extra line", 1.5)


def _divided(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield the change that divides all returned arrays by the number of samples."""
    s = block.statements[i]
    if not isinstance(s, ast.Return):
        return
    site = next((p for p in around.watch.sites if p.owner is s), None)
    if site is None or not site.trace.values:
        return
    for scalar, _, _ in around.count(site):
        text = _each_divided(site.value, f"({ast.unparse(site.node)})", ast.unparse(scalar))
        if text and not is_number(site.value):
            new = ast.parse(text, mode="eval").body
            yield Edit(
                block.code, s, "value", None, new, "missing divisor", 1.5, s.lineno, s, scalar
            )


def _each_divided(value: Any, text: str, by: str, names: str = "vw") -> str:
    """Return code that divides an array, or all arrays of a dict, list or tuple; else "".

    ``text`` is the code of ``value``. Containers may be nested up to ``len(names)`` levels.
    """
    if is_number(value):
        return f"{text} / {by}"
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple) or not names or not value:
        return ""
    parts = {_each_divided(part, names[0], by, names[1:]) for part in inner}
    each = parts.pop()
    if parts or not each:
        return ""
    if isinstance(value, dict):
        return f"{{k: {each} for k, {names[0]} in {text}.items()}}"
    every = f"{each} for {names[0]} in {text}"
    return f"[{every}]" if isinstance(value, list) else f"tuple({every})"


def _past_others(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield orders in which a line stands before or after other lines of its block."""
    statements, s = block.statements, block.statements[i]
    if not isinstance(s, SIMPLE):
        return
    for j, other in enumerate(statements):
        if j in (i, i + 1) or isinstance(other, ast.Return):
            continue
        low, high = min(i, j), max(i, j) + 1 if j > i else i + 1
        passed = [each for each in statements[low:high] if each is not s]
        new = [s, *passed] if j < i else [*passed, s]
        yield block.edit(slice(low, high), new, "order of lines", 2.2, s, other)


def _return_behind_loop(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    s = block.statements[i]
    if isinstance(s, ast.For | ast.While) and isinstance(s.body[-1], ast.Return):
        loop, last = copy.copy(s), s.body[-1]
        loop.body = s.body[:-1] or [ast.Pass()]
        yield block.edit(slice(i, i + 1), [loop, last], "return in the loop", 1.5, last)


def _conditioned(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a line that holds only where a truth value in scope is true, or is false."""
    s = block.statements[i]
    if not isinstance(s, ast.AugAssign | ast.Assign):
        return
    site = next((p for p in around.watch.sites if p.statement is s and p.trace.values), None)
    for name, value in site.trace.scope.items() if site is not None else ():
        if isinstance(value, bool | np.bool_):
            test = ast.Name(name, ast.Load())
            for condition in (test, ast.UnaryOp(ast.Not(), test)):
                new = ast.If(condition, [s], [])
                yield block.edit(i, new, "unconditioned", 1.7, s, condition)


def _on_a_condition_of_the_loss(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a line, or the first or last lines of a loop, on a condition that the loss has."""
    s = block.statements[i]
    site = next((p for p in around.watch.sites if p.statement is s and p.trace.values), None)
    if site is None or not isinstance(block.owner, ast.For):
        return
    count = len(block.statements)
    names = {*site.trace.scope, *site.code.functions[0].__globals__}
    for condition in around.loss.conditions:
        if not {n.id for n in nodes_of(condition) if isinstance(n, ast.Name)} <= names:
            continue
        for end in sorted({i + 1, count}) if i else range(1, count + 1):
            new = ast.If(condition, block.statements[i:end], [])
            cost = 1.7 if end - i == count else 1.75  # rather all of the loop: as with `continue`
            yield block.edit(slice(i, end), [new], "unconditioned", cost, s, condition)


def _over_the_end_of_if(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a condition without its last line, and one that holds for the next line, too."""
    statements, s = block.statements, block.statements[i]
    if not isinstance(s, ast.If) or s.orelse:
        return
    last = s.body[-1]
    if len(s.body) > 1 and isinstance(last, ast.AugAssign | ast.Assign):
        shortened = ast.If(s.test, s.body[:-1], [])
        yield block.edit(slice(i, i + 1), [shortened, last], "extra condition", 2, last)
    following = statements[i + 1] if i + 1 < len(statements) else None
    if isinstance(following, ast.AugAssign | ast.Assign):
        grown = ast.If(s.test, [*s.body, following], [])
        yield block.edit(slice(i, i + 2), [grown], "missing condition", 1.9, following)


def _over_the_ends_of_loop(block: Block, i: int, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield a loop without its first or last line, and with the line before or behind the loop."""
    statements, s = block.statements, block.statements[i]
    if not isinstance(s, ast.For | ast.While):
        return
    for k in (0, len(s.body) - 1):
        inner = s.body[k]
        if len(s.body) > 1 and isinstance(inner, SIMPLE):
            loop = copy.copy(s)
            loop.body = [each for each in s.body if each is not inner]
            new = [inner, loop] if k == 0 else [loop, inner]
            yield block.edit(slice(i, i + 1), new, "inside the loop", 2, inner)
    for k in (i - 1, i + 1):
        outer = statements[k] if 0 <= k < len(statements) else None
        if isinstance(outer, SIMPLE):
            loop = copy.copy(s)
            loop.body = [outer, *s.body] if k < i else [*s.body, outer]
            where = slice(min(i, k), max(i, k) + 1)
            yield block.edit(where, [loop], "outside the loop", 2, outer)


# The rules of which some changes are in the first tier, and the others.
LIKELY: tuple[Rule, ...] = (
    _of_target, _of_one_index, of_slices, of_strides, _of_dropped, _of_augmented, _of_assignment,
    _left_out, likely_lines,
)  # fmt: skip
OTHERS: tuple[Rule, ...] = (
    _divided, more_lines, _past_others, _return_behind_loop, _conditioned,
    _on_a_condition_of_the_loss, _over_the_end_of_if, _over_the_ends_of_loop,
)  # fmt: skip


def _blocks(tree: ast.AST) -> Iterator[tuple[ast.AST, str, list[Any]]]:
    """Yield node, field and content of every list of statements in a tree."""
    for owner in nodes_of(tree):
        for field in ("body", "orelse"):
            block = getattr(owner, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield owner, field, block


class StatementEdits:
    """The changes of whole statements of a program, made when they are first asked for.

    Parameters
    ----------
    codes : sequence of FunctionSource
    around : BuildingBlocks
    deadline : Deadline, optional
        The end of the search.
    """

    def __init__(
        self, codes: Sequence[FunctionSource], around: BuildingBlocks, deadline: Deadline | None
    ) -> None:
        self._codes, self._around, self._deadline = codes, around, deadline
        self._by_tier: dict[int, dict[int, list[Edit]]] = {}

    @cached_property
    def likely(self) -> list[Edit]:
        """The changes by the rules of which some are in the first tier."""
        return self._by_rules(LIKELY)

    @cached_property
    def _others(self) -> list[Edit]:
        return self._by_rules(OTHERS)

    def of(self, tier: int) -> dict[int, list[Edit]]:
        """Return the changes that belong to a tier, by the ids of the statements."""
        if tier not in self._by_tier:
            self._by_tier[tier] = defaultdict(list)
            for edit in (*self.likely, *(self._others if tier else ())):
                if tier_of(edit) == tier:
                    self._by_tier[tier][id(edit.statement)].append(edit)
        return self._by_tier[tier]

    def _by_rules(self, rules: tuple[Rule, ...]) -> list[Edit]:
        edits: list[Edit] = []
        for code in self._codes:
            for owner, field, statements in _blocks(code.tree):
                block = Block(code, owner, field, statements)
                for i in range(len(statements)):
                    if self._deadline is not None and self._deadline.has_passed:
                        return edits
                    edits += [edit for rule in rules for edit in rule(block, i, self._around)]
        return edits


def tier_of(edit: Edit) -> int:
    """Return the tier of a change of a statement."""
    return 0 if edit.cost < 1.5 else 1 if edit.cost < 2 else 2
