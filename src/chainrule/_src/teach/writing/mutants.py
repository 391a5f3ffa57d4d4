"""Wrong answers made of a right one: small changes of its syntax tree, as texts."""

from __future__ import annotations

import ast
import copy
from collections.abc import Container, Iterator
from dataclasses import dataclass

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}  # fmt: skip
NAMES = {
    "sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin",
    "argmin": "argmax", "zeros": "ones", "ones": "zeros", "exp": "log", "log": "exp",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed answer.

    Attributes
    ----------
    line : int
        The line of the change in the text.
    old, new : str
        The changed expression or statement, before and after.
    text : str
        The whole answer.
    before : str
        The text that was changed.
    """

    line: int
    old: str
    new: str
    text: str
    before: str

    @property
    def replacement(self) -> tuple[str, str]:
        """A piece that the text before has once, and its replacement: at most some lines."""
        if self.before.count(self.old) == 1:
            return self.old, self.new
        count = self.old.count("\n") + 1
        lines, changed = self.before.split("\n"), self.text.split("\n")
        last = self.line - 1 + count + len(changed) - len(lines)
        return "\n".join(lines[self.line - 1 :][:count]), "\n".join(changed[self.line - 1 : last])


def mutants(text: str, most: int = 60, lines: Container[int] | None = None) -> list[Mutant]:
    r"""Return at most so many changes of an answer, each at one place, without doubles.

    ``lines`` are those in which a change may begin, by default all.

    Examples
    --------
    >>> [mutant.new for mutant in mutants("def half(x):\n    return x / 2")]
    ['x / 2', 'x * 2', '3']
    """
    tree = ast.parse(text)
    by_text = {
        mutant.text: mutant
        for node in ast.walk(tree)
        if hasattr(node, "lineno") and (lines is None or node.lineno in lines)
        for changed in _changes(node)
        if (mutant := _mutant(text, node, changed)) is not None and mutant.text != text
    }
    chosen = list(by_text.values())
    return chosen[:: -(-len(chosen) // most) or 1] if most else []


def _mutant(text: str, node: ast.AST, changed: str) -> Mutant | None:
    old, line = ast.get_source_segment(text, node), getattr(node, "lineno", 0)
    if old is None:
        return None
    encoded = text.encode()
    before = sum(len(part) + 1 for part in encoded.split(b"\n")[: line - 1])
    start = before + getattr(node, "col_offset", 0)
    new = encoded[:start] + changed.encode() + encoded[start + len(old.encode()) :]
    return Mutant(line, old, changed, new.decode(), text)


def _changes(node: ast.AST) -> Iterator[str]:
    """Yield texts that can stand in the place of a node."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        yield _with(node, op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield ast.unparse(node.operand)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield _with(node, ops=[COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield repr(not node.value)
        elif isinstance(node.value, int | float):
            yield repr(node.value + 1)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.unparse(node.value)
    elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name):
        yield "pass"  # without a whole name a mutant would only raise an error


def _calls(node: ast.Call) -> Iterator[str]:
    """Yield a call with another function, without a keyword, and with arguments exchanged."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in NAMES:
        func = ast.Attribute(node.func.value, NAMES[node.func.attr], node.func.ctx)
        yield _with(node, func=func)
    for keyword in node.keywords:
        yield _with(node, keywords=[other for other in node.keywords if other is not keyword])
    if len(node.args) == 2:
        yield _with(node, args=node.args[::-1])


def _with(node: ast.AST, **fields: object) -> str:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return ast.unparse(changed)
