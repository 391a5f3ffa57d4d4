"""Changes that copy an array which another variable shares and which is changed in place."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.edits import Edit, as_load, binary, called_name, exchanged
from chainrule._src.check.lines import Block

VIEWS = ("reshape", "ravel", "transpose", "squeeze", "asarray", "view", "swapaxes")
IN_PLACE = ("at", "fill", "sort", "fill_diagonal", "put", "putmask", "copyto", "put_along_axis")


def copies(block: Block) -> Iterator[Edit]:
    """Yield assignments of a copy in the place of an alias, and ``a = a * b`` for ``a *= b``."""
    changed = _changed_in_place(block.code)
    for i, s in enumerate(block.statements):
        if isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name | ast.Attribute):
            value = binary(as_load(s.target), s.op, s.value)
            if isinstance(s.target, ast.Name):
                yield block.edit(i, ast.Assign([s.target], value), "in place", 1.1, s, s.target)
            yield from _used_once(block, i, value)
        elif isinstance(s, ast.Assign) and _is_alias(s.value):
            names = {ast.unparse(target) for target in s.targets}
            if names & changed:
                new = ast.Call(ast.Attribute(s.value, "copy", ast.Load()), [], [])
                detail = ast.Tuple([as_load(s.targets[0]), s.value], ast.Load())
                yield block.edit(i, ast.Assign(s.targets, new), "alias", 1.0, s, detail)


def _used_once(block: Block, i: int, value: ast.BinOp) -> Iterator[Edit]:
    """Yield the next line with ``a * b`` for ``a``, without the preceding line ``a *= b``."""
    s, following = block.statements[i], block.statements[i + 1 : i + 2]
    for line in following:
        read = getattr(line, "value", None)
        text = ast.unparse(s.target)
        if isinstance(line, ast.Assign | ast.AugAssign | ast.Return) and read is not None:
            new = copy.copy(line)
            new.value = exchanged(read, text, value)
            if ast.unparse(new.value) != ast.unparse(read):
                yield block.edit(slice(i, i + 2), [new], "in place", 1.2, s, s.target)


def _is_alias(value: ast.expr) -> bool:
    """Return true if an expression may be another variable's array, or a view of that array."""
    if isinstance(value, ast.Call):
        return called_name(value) in VIEWS
    return isinstance(value, ast.Name | ast.Attribute | ast.Subscript)


def _changed_in_place(code: FunctionSource) -> set[str]:
    """Return the variables whose arrays a function changes in place."""
    targets: list[Any] = []
    for node in nodes_of(code.tree):
        if isinstance(node, ast.AugAssign):
            targets.append(node.target)
        elif isinstance(node, ast.Assign):
            targets += [t for t in node.targets if isinstance(t, ast.Subscript)]
        elif isinstance(node, ast.Call) and called_name(node) in IN_PLACE:
            targets += node.args[:1]
            targets += [node.func.value] if isinstance(node.func, ast.Attribute) else []
        elif isinstance(node, ast.keyword) and node.arg == "out":
            targets.append(node.value)
    return {ast.unparse(_base(target)) for target in targets}


def _base(target: ast.expr) -> ast.expr:
    while isinstance(target, ast.Subscript):
        target = target.value
    return target
