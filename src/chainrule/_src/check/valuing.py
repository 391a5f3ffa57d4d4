"""Evaluation of changed expressions that reuses the recorded values of unchanged parts."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule._src.check.code import located
from chainrule._src.check.edits import as_load, copy_of
from chainrule._src.check.watching import Site

OPERATIONS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.MatMult: operator.matmul, ast.Pow: operator.pow,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
    ast.Invert: operator.invert,
}  # fmt: skip


class Evaluator:
    """An evaluator of expressions that reuses recorded values.

    Parameters
    ----------
    recorded : mapping of int to object
        The recorded values of nodes, by the nodes' ids.
    changed : set of int
        The ids of nodes whose recorded values are no longer valid.
    names : mapping of str to object
    """

    def __init__(
        self, recorded: Mapping[int, Any], changed: set[int], names: Mapping[str, Any]
    ) -> None:
        self.recorded, self.changed, self.names = recorded, changed, names

    def of(self, node: Any) -> Any:
        """Return the value of an expression."""
        if id(node) in self.recorded and id(node) not in self.changed:
            return self.recorded[id(node)]
        match node:
            case ast.BinOp(left, op, right):
                return OPERATIONS[type(op)](self.of(left), self.of(right))
            case ast.UnaryOp(op, operand):
                return OPERATIONS[type(op)](self.of(operand))
            case ast.Compare(left, [op], [right]) if type(op) in OPERATIONS:
                return OPERATIONS[type(op)](self.of(left), self.of(right))
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self.names[name]
            case ast.Attribute(value, name) if not name.startswith("__"):
                return getattr(self.of(value), name)
            case ast.Subscript(value, index):
                return self.of(value)[self.of(index)]
            case ast.Slice(low, high, step):
                return slice(
                    *(None if part is None else self.of(part) for part in (low, high, step))
                )
            case ast.Tuple(parts):
                return tuple(map(self.of, parts))
            case ast.Call(function, arguments, words) if all(word.arg for word in words):
                named = {str(word.arg): self.of(word.value) for word in words}
                return self.of(function)(*map(self.of, arguments), **named)
        new = located(ast.Expression(copy_of(node)), 1)
        return eval(compile(new, "<changed>", "eval"), dict(self.names))


def value_of(statement: Any, line: Site, evaluator: Evaluator) -> Any:
    """Return the value of a statement's target after it; for an array's entry, the array."""
    if line.field != "value":
        return evaluator.of(statement.body) if isinstance(statement, ast.Lambda) else None
    value = evaluator.of(statement.value)
    target = getattr(statement, "target", None) or getattr(statement, "targets", [None])[0]
    if isinstance(statement, ast.AugAssign):
        value = OPERATIONS[type(statement.op)](evaluator.of(as_load(target)), value)
    if isinstance(target, ast.Subscript):
        base = evaluator.of(as_load(target.value))
        if isinstance(base, np.ndarray):
            base = base.copy()
            base[evaluator.of(target.slice)] = value
            return base
    return value


def equal(a: Any, b: Any) -> bool:
    """Return true if two values agree to 1e-9 of their size; other objects only if identical."""
    if np.shape(a) != np.shape(b):
        return False
    try:
        first, second = np.asarray(a, float), np.asarray(b, float)
    except (TypeError, ValueError):
        return a is b
    near = np.abs(first - second) <= 1e-300 + 1e-9 * np.abs(second)
    return bool((near | (first == second)).all())
