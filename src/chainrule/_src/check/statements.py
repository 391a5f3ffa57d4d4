"""Changes of whole statements: ``=`` and ``+=`` exchanged, left out, moved."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from chainrule._src.check.code import FunctionSource
from chainrule._src.check.edits import Edit, as_load, numpy_name
from chainrule._src.check.expressions import OPERATORS, of_subscript
from chainrule._src.check.lines import Block, more_lines
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import is_number


def statement_edits(code: FunctionSource, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield changes of whole statements: ``=`` and ``+=`` exchanged, left out, moved."""
    for owner, field, block in _blocks(code.tree):
        for i, s in enumerate(block):

            def edit(new: Any, kind: str, cost: float, where: Any = i, detail: Any = None,
                     owner: Any = owner, field: str = field, s: Any = s) -> Edit:  # fmt: skip
                return Edit(code, owner, field, where, new, kind, cost, s.lineno, s, detail)

            for target in s.targets if isinstance(s, ast.Assign) else []:
                if isinstance(target, ast.Subscript):
                    for new, kind, cost, detail in of_subscript(target):
                        if isinstance(new, ast.Subscript):
                            yield edit(
                                [*_but(s.targets, target, new)],
                                kind,
                                cost,
                                None,
                                detail,
                                s,
                                "targets",
                            )
            if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Subscript):
                for new, kind, cost, detail in of_subscript(s.target):
                    if isinstance(new, ast.Subscript):
                        yield edit(new, kind, cost, None, detail, s, "target")
            if isinstance(s, ast.AugAssign):
                at = {ast.Add: "add", ast.Sub: "subtract"}.get(type(s.op))
                if isinstance(s.target, ast.Subscript) and at:
                    func = ast.Attribute(
                        ast.Attribute(numpy_name(), at, ast.Load()), "at", ast.Load()
                    )
                    args = [as_load(s.target.value), s.target.slice, s.value]
                    yield edit(ast.Expr(ast.Call(func, args, [])), "repeated index", 1.3)
                plain = ast.Assign([s.target], s.value)
                yield edit(plain, "added", 1.2)
                for other in OPERATORS.get(type(s.op), ()):
                    if other is not ast.MatMult:
                        yield edit(ast.AugAssign(s.target, other(), s.value), "operator", 1.2)
            single = isinstance(s, ast.Assign) and len(s.targets) == 1
            if single and isinstance(s.targets[0], ast.Name | ast.Subscript):
                grown = ast.AugAssign(s.targets[0], ast.Add(), s.value)
                yield edit(grown, "overwritten", 1.2)
            if len(block) > 1 and isinstance(s, ast.Assign | ast.AugAssign | ast.Expr | ast.If):
                yield edit([], "extra line", 1.8, slice(i, i + 1))
            if isinstance(s, ast.If):
                yield edit(s.body, "extra condition", 2, slice(i, i + 1))
                flipped = ast.If(ast.UnaryOp(ast.Not(), s.test), s.body, s.orelse)
                yield edit(flipped, "comparison", 2)
            if isinstance(s, ast.Break | ast.Continue) and len(block) > 1:
                yield edit([], "extra line", 1.5, slice(i, i + 1))
            if isinstance(s, ast.Return):
                yield from _divided(code, s, around)
            yield from more_lines(Block(code, owner, field, block), i, around)
            yield from _moved(code, owner, field, block, i)


def _but(items: list[Any], old: Any, new: Any) -> list[Any]:
    return [new if item is old else item for item in items]


def _divided(code: FunctionSource, s: ast.Return, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield the change that divides all returned arrays by the number of samples."""
    site = next((p for p in around.watch.sites if p.owner is s), None)
    if site is None or not site.trace.values:
        return
    for scalar, _, _ in around.count(site):
        text = _each_divided(site.value, f"({ast.unparse(site.node)})", ast.unparse(scalar))
        if text and not is_number(site.value):
            new = ast.parse(text, mode="eval").body
            yield Edit(code, s, "value", None, new, "missing divisor", 1.5, s.lineno, s, scalar)


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


def _moved(
    code: FunctionSource, owner: ast.AST, field: str, block: list[Any], i: int
) -> Iterator[Edit]:
    s = block[i]
    if isinstance(s, ast.Assign | ast.AugAssign | ast.Expr):
        for j in range(len(block)):
            if j in (i, i + 1) or isinstance(block[j], ast.Return):
                continue
            low, high = min(i, j), max(i + 1, j + 1) if j > i else i + 1
            passed = [b for b in block[low:high] if b is not s]
            new = [s, *passed] if j < i else [*passed, s]
            detail = block[j]
            yield Edit(code, owner, field, slice(low, high), new, "order of lines", 2.2,
                       s.lineno, s, detail)  # fmt: skip
    if isinstance(s, ast.For | ast.While) and isinstance(s.body[-1], ast.Return):
        loop = copy.copy(s)
        loop.body = s.body[:-1] or [ast.Pass()]
        last = s.body[-1]
        yield Edit(code, owner, field, slice(i, i + 1), [loop, last], "return in the loop", 1.5,
                   last.lineno, last)  # fmt: skip
    if isinstance(s, ast.If) and not s.orelse:
        if len(s.body) > 1 and isinstance(s.body[-1], ast.AugAssign | ast.Assign):
            shortened, moved = ast.If(s.test, s.body[:-1], []), s.body[-1]
            yield Edit(code, owner, field, slice(i, i + 1), [shortened, moved], "extra condition",
                       2, moved.lineno, moved)  # fmt: skip
        if i + 1 < len(block) and isinstance(block[i + 1], ast.AugAssign | ast.Assign):
            grown = ast.If(s.test, [*s.body, block[i + 1]], [])
            yield Edit(code, owner, field, slice(i, i + 2), [grown], "missing condition", 1.9,
                       block[i + 1].lineno, block[i + 1])  # fmt: skip
    if isinstance(s, ast.For | ast.While):
        for k in (0, len(s.body) - 1):
            inner = s.body[k]
            if len(s.body) < 2 or not isinstance(inner, ast.Assign | ast.AugAssign | ast.Expr):
                continue
            loop = copy.copy(s)
            loop.body = [b for b in s.body if b is not inner]
            new = [inner, loop] if k == 0 else [loop, inner]
            yield Edit(code, owner, field, slice(i, i + 1), new, "inside the loop", 2,
                       inner.lineno, inner)  # fmt: skip
        for k in (i - 1, i + 1):
            if not 0 <= k < len(block):
                continue
            outer = block[k]
            if isinstance(outer, ast.Assign | ast.AugAssign | ast.Expr):
                loop = copy.copy(s)
                loop.body = [outer, *s.body] if k < i else [*s.body, outer]
                where = slice(min(i, k), max(i, k) + 1)
                yield Edit(code, owner, field, where, [loop], "outside the loop", 2,
                           outer.lineno, outer)  # fmt: skip


def _blocks(tree: ast.AST) -> Iterator[tuple[ast.AST, str, list[Any]]]:
    """Yield node, field and content of every list of statements in a tree."""
    for owner in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(owner, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield owner, field, block
