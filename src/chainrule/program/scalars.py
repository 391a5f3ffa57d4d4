"""Elementwise operations, as expressions of entries."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from chainrule.ops.kernel import Elementwise, Numbered
from chainrule.ops.moves import aligned, flat
from chainrule.program.batch import Linear, Scaled
from chainrule.program.equations import Equation, Variable
from chainrule.program.lowering import Lowering, cast, parsed, shape_of

OWN = {"exp", "log", "tanh"}  # what vector_math.py computes


def elementwise(low: Lowering, equation: Equation, kernel: Elementwise) -> None:
    """Lower an operation that takes entries at the same place."""
    dtype = _working_dtype(equation)
    chooses = equation.primitive.name == "where"  # its condition stays what it is

    def entry(index: Sequence[str]) -> ast.expr:
        operands = {}
        for i, operand in enumerate(equation.operands):
            place = aligned(tuple(index), shape_of(operand))
            operands[f"_{i}"] = low.entry(operand, place, None if chooses and i == 0 else dtype)
        return filled(low, kernel.scalar, operands, dtype)

    low.define(equation.output, entry)


def numbered(low: Lowering, equation: Equation, kernel: Numbered) -> None:
    """Lower an operation that makes entries of their numbers in order."""
    output = equation.output
    scalar = parsed(kernel.scalar(output.dtype.name))

    def entry(index: Sequence[str]) -> ast.expr:
        known = {f"_{i}": _whole(low, o) for i, o in enumerate(equation.operands)}
        known["place"] = parsed(flat(index, output.shape))
        return typed(deepcopy(scalar), known, np.dtype(np.int64))

    low.define(output, entry)


def _whole(low: Lowering, operand: Any) -> ast.expr:
    """Return a single whole number; one that is fixed is an argument of the kernel."""
    if isinstance(operand, Variable):
        return low.entry(operand, [])
    return cast(low.number(operand, np.float64), np.float64, np.int64)


def filled(
    low: Lowering, scalar: str, operands: dict[str, ast.expr], dtype: np.dtype[Any]
) -> ast.expr:
    """Return an expression with operands in their places, each computed once."""
    tree = parsed(scalar)
    counts = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    power = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow)
    for name, operand in operands.items():
        again = counts[name] > 1 or (power and name == "_0")
        if again and not isinstance(operand, ast.Name | ast.Constant):
            operands[name] = low.before("t", operand)
    if power and dtype.kind == "f":
        short = _short_power(operands["_0"], operands["_1"], dtype.name)
        if short is not None:
            return short
    return typed(tree, operands, dtype)


def typed(tree: ast.expr, operands: Mapping[str, ast.expr], dtype: np.dtype[Any]) -> ast.expr:
    """Return an expression with operands in their places and its numbers of a type."""
    filler = _Filler(operands, dtype)
    return filler.visit(tree)  # type: ignore[no-any-return]


def _working_dtype(equation: Equation) -> np.dtype[Any]:
    """Return the dtype that NumPy computes in."""
    if equation.output.dtype.kind != "b":
        return equation.output.dtype
    known = [v.dtype for v in equation.variables]
    others = [o for o in equation.operands if not isinstance(o, Variable | Scaled | Linear)]
    return np.result_type(*known, *(getattr(o, "dtype", o) for o in others))


def _short_power(base: ast.expr, exponent: ast.expr, dtype: str) -> ast.expr | None:
    text, number = ast.unparse(base), ast.unparse(exponent)
    for whole in (2, 3, 4):
        if number == f"{dtype}({whole})":
            return parsed(" * ".join([f"({text})"] * whole))
    return parsed(f"{dtype}(1) / ({text})") if number == f"{dtype}(-1)" else None


class _Filler(ast.NodeTransformer):
    def __init__(self, operands: Mapping[str, ast.expr], dtype: np.dtype[Any]) -> None:
        self.operands, self.dtype = operands, dtype

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.operands.get(node.id, node)

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if self.dtype.kind == "f" and not isinstance(node.value, bool):
            return parsed(f"{self.dtype.name}({node.value!r})")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr, ast.Load()) if node.attr in OWN else node
