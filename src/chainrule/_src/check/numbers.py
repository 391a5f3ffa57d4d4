"""Changes of numbers: other constants, exponents, roots, a term of a divisor."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.edits import Change, binary, number, numpy_name
from chainrule._src.check.indices import is_index
from chainrule._src.check.rules import Rules
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site, is_array, is_number

NUMBERS = Rules()
TINY = 1e-4  # a smaller number does as well as zero, so that it explains nothing


def is_divisor(site: Site) -> bool:
    """Return true if an expression is a divisor."""
    owner = site.owner
    if isinstance(owner, ast.AugAssign):
        return isinstance(owner.op, ast.Div)
    return isinstance(owner, ast.BinOp) and isinstance(owner.op, ast.Div) and site.field == "right"


@NUMBERS.of(ast.BinOp)
def _other_power(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the same base with neighbours of the exponent, and the factor that a derivative has."""
    exponent: Any = None
    with contextlib.suppress(ValueError):
        exponent = ast.literal_eval(node.right)
    if not isinstance(node.op, ast.Pow) or not isinstance(exponent, int | float):
        return
    for other in dict.fromkeys((exponent - 1, exponent + 1, -exponent, 2 * exponent)):
        if other not in (0, exponent):
            yield binary(node.left, ast.Pow(), number(other)), "extra power", 1.3, None
    factor = exponent + 1
    if factor not in (0, 1):
        yield binary(number(factor), ast.Mult(), node), "missing factor", 1.45, factor


@NUMBERS.of(ast.BinOp)
def _power_of_a_part(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield ``a - b**k`` for ``(a - b)**k``, and the other way round."""
    match node:
        case ast.BinOp(ast.BinOp(left, ast.Add() | ast.Sub() as op, right), ast.Pow(), exponent):
            inside = binary(left, op, binary(right, ast.Pow(), exponent))
            yield inside, "parentheses", 1.3, None
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, ast.BinOp(right, ast.Pow(), exponent)):
            outside = binary(binary(left, op, right), ast.Pow(), exponent)
            yield outside, "parentheses", 1.35, None


@NUMBERS.of(ast.BinOp)
def _factor_of_a_term(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield ``(a + b) * c`` for ``a + b * c``, the other way round, and ``a * c + b``."""
    match node:
        case ast.BinOp(a, ast.Add() | ast.Sub() as plus, ast.BinOp(b, op, c)):
            if isinstance(op, ast.Mult | ast.Div):
                yield binary(binary(a, plus, b), op, c), "parentheses", 1.3, None
                yield binary(binary(a, op, c), plus, b), "parentheses", 1.35, None
            if isinstance(op, ast.Mult):
                yield binary(binary(b, op, a), plus, c), "parentheses", 1.35, None
    match node:
        case ast.BinOp(ast.BinOp(c, op, a), ast.Add() | ast.Sub() as plus, b):
            if isinstance(op, ast.Mult):
                yield binary(c, op, binary(a, plus, b)), "parentheses", 1.3, None
                yield binary(a, plus, binary(c, op, b)), "parentheses", 1.35, None
            if isinstance(op, ast.Mult | ast.Div):
                yield binary(c, plus, binary(b, op, a)), "parentheses", 1.35, None
        case ast.BinOp(ast.BinOp(a, ast.Add() | ast.Sub() as plus, b), op, c):
            if isinstance(op, ast.Mult | ast.Div):
                yield binary(a, plus, binary(b, op, c)), "parentheses", 1.3, None
                yield binary(binary(a, op, c), plus, b), "parentheses", 1.3, None
    match node:
        case ast.BinOp(c, ast.Mult() as op, ast.BinOp(a, ast.Add() | ast.Sub() as plus, b)):
            yield binary(binary(c, op, a), plus, b), "parentheses", 1.3, None
            yield binary(a, plus, binary(c, op, b)), "parentheses", 1.3, None


@NUMBERS.of(ast.Name, ast.Subscript, ast.Attribute)
def _square_or_root(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the square of a factor or divisor, and its root, as of a variance."""
    owner, value = site.owner, site.value
    is_factor = isinstance(owner, ast.BinOp) and isinstance(owner.op, ast.Mult | ast.Div)
    match owner:
        case ast.BinOp(ast.Constant(1), ast.Sub(), other):
            is_factor |= other is node  # the slope of tanh
    if is_factor and is_number(value):
        yield binary(node, ast.Pow(), ast.Constant(2)), "missing power", 1.46, None
    if is_factor and is_array(site.value) and (site.value > 0).all():
        root = ast.Call(ast.Attribute(numpy_name(), "sqrt", ast.Load()), [node], [])
        yield root, "missing call", 1.45, "sqrt (the root)"


@NUMBERS.of(ast.Constant)
def _other_constant(node: ast.Constant, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    value = node.value
    if type(value) not in (int, float):
        return
    assert isinstance(value, int | float)
    others: list[float] = [2 * value, value / 2, -value, 0, 1, 2, 0.5, *around.numbers]
    if isinstance(value, int) or float(value).is_integer():
        others = [value + 1, value - 1, *others]
    is_position = isinstance(value, int) and (is_index(site) or site.field == "slice")
    if is_position or isinstance(site.owner, ast.keyword):
        return
    is_alone = site.owner is site.statement and not isinstance(site.statement, ast.For)
    if value and (is_alone or (value == 1 and isinstance(site.owner, ast.Call))):
        for scalar, amount, _ in around.named(site):
            if not np.ndim(amount) and amount not in (0, 1, -1) and not isinstance(amount, bool):
                new = binary(node, ast.Div(), scalar)
                yield new, "missing divisor", 1.5, scalar
    if isinstance(site.owner, ast.BinOp | ast.UnaryOp) and value in (0, 1):
        for node_, other_value, text in around.named(site):
            if np.ndim(other_value) and other_value.dtype.kind == "f":
                yield node_, "other value", 2.1, text
    for count, other_value, _ in around.count(site) if is_divisor(site) else ():
        if other_value != value:
            yield count, "constant", 1.5, count
    for scalar, amount, _ in around.named(site):
        is_variable = (
            isinstance(scalar, ast.Name | ast.Attribute)
            and isinstance(amount, float)
            and abs(amount) > TINY
        )
        if is_variable and amount != value:
            yield scalar, "constant", 1.3, scalar
    for other in dict.fromkeys(others):
        if other != value:
            same = isinstance(value, int) and float(other).is_integer()
            cost = 1.65 if other in (2 * value, value / 2) else 1.4
            cost += 0.7 * isinstance(site.owner, ast.Compare)  # a threshold
            yield number(int(other) if same else other), "constant", cost, other
