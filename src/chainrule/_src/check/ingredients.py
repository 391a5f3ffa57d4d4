"""Parts that a change may insert: scalars, arrays that fit, labels, penalties, slopes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from chainrule._src.check.edits import binary, exchanged, number, numpy_name, transposed
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site


def distinct(
    scalars: list[tuple[ast.expr, Any, str]], numbers: tuple[float, ...] = ()
) -> list[tuple[ast.expr, Any, str]]:
    """Return at most twelve scalars with different values, or at different variable indices."""
    by_value: dict[tuple[float, str], tuple[ast.expr, Any, str]] = {}
    for node, value, text in scalars:
        key = float(value), _index_of(node)
        first = by_value.setdefault(key, (node, value, text))
        if isinstance(node, ast.Name) and not isinstance(first[0], ast.Name):
            by_value[key] = node, value, text  # an entry may have this value by chance
    for amount in numbers:
        by_value.setdefault((amount, ""), (number(amount), amount, str(amount)))
    return list(by_value.values())[:12]


def _index_of(node: ast.expr) -> str:
    """Return the text of a variable index, or of the object of an attribute, "" if there is none.

    Such values may be equal at one turn of a loop alone.
    """
    if isinstance(node, ast.Attribute):
        return ast.unparse(node.value)
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
        return ast.unparse(node.slice)
    return ""


def fits(small: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Return true if the shape ``small`` broadcasts to ``shape``."""
    try:
        return np.broadcast_shapes(small, shape) == shape
    except ValueError:
        return False


def fitting_arrays(
    value: Any, named: list[tuple[ast.expr, Any, str]]
) -> Iterator[tuple[ast.expr, Any, str]]:
    """Yield the named arrays that broadcast against a value, one number a sample as a column."""
    shape = np.shape(value)
    for other, array, text in named:
        if not np.ndim(array) or array.dtype.kind not in "fb":
            continue
        if fits(array.shape, shape):
            yield other, array, text
        elif array.shape == shape[:1]:
            column = ast.Tuple([ast.Slice(), ast.Constant(None)], ast.Load())
            yield ast.Subscript(other, column, ast.Load()), array[:, None], f"{text}[:, None]"


def one_hot(shape: tuple[int, ...], site: Site, around: BuildingBlocks) -> Iterator[ast.expr]:
    """Yield one-hot rows (or columns) of labels; for a single label, its one-hot row."""
    eye = ast.Attribute(ast.Name("np", ast.Load()), "eye", ast.Load())
    for node, value, _ in around.named(site) if len(shape) == 1 else ():
        if isinstance(value, int | np.integer) and 0 <= value < shape[0] > 1:
            yield ast.Subscript(ast.Call(eye, [ast.Constant(shape[0])], []), node, ast.Load())
    if len(shape) != 2:
        return
    for node, value, _ in around.named(site):
        if np.ndim(value) == 1 and value.dtype.kind in "iu" and len(value) in shape:
            turned = len(value) != shape[0]
            classes = shape[0] if turned else shape[1]
            if value.min() >= 0 and value.max() < classes:
                rows = ast.Call(eye, [ast.Constant(classes)], [])
                one_hot_rows: ast.expr = ast.Subscript(rows, node, ast.Load())
                yield transposed(one_hot_rows) if turned else one_hot_rows


def penalties(shape: tuple[int, ...], site: Site, around: BuildingBlocks) -> Iterator[ast.expr]:
    """Yield multiples of variables by small numbers: derivatives of a penalty."""
    named = around.named(site)
    scalars = [(o, v, t) for o, v, t in named if not np.ndim(v)]
    for other, other_value, _ in named:
        if np.ndim(other_value) and other_value.shape == shape and other_value.dtype.kind == "f":
            for scalar, amount, _ in distinct(scalars, around.numbers):
                is_name = not isinstance(scalar, ast.Constant | ast.UnaryOp)
                if np.asarray(amount).dtype.kind == "f" and (is_name or 0 < abs(amount) < 1):
                    for times in (1, 2):
                        factor = scalar if times == 1 else binary(number(2), ast.Mult(), scalar)
                        yield binary(factor, ast.Mult(), other)


SLOPES = (
    "1.0 * (_ > 0)", "np.where(_ > 0, 1.0, np.exp(_))", "np.where(_ > 0, 1.0, _ + 1)",
    "1 / (1 + np.exp(-_))", "1 - np.exp(-_)", "_ * (1 - _)", "1 - _**2", "1 - np.tanh(_)**2",
)  # fmt: skip


def slopes(node: ast.expr, around: BuildingBlocks) -> Iterator[ast.expr]:
    """Yield derivatives of activations, as functions of their input or of their output."""
    small = [f"np.where(_ > 0, 1.0, {number})" for number in around.numbers if number < 1]
    for text in (*SLOPES, *small):
        yield exchanged(_template(text), "_", node)


@cache
def _template(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def factors(
    node: ast.expr, value: Any, site: Site, around: BuildingBlocks
) -> Iterator[tuple[ast.expr, float]]:
    """Yield derivatives of activations in terms of one variable, each with the cost of a factor."""
    one: ast.expr = ast.Constant(1)
    yield node, 1.7
    if value.dtype.kind == "b":
        return
    positive = ast.Compare(node, [ast.Gt()], [ast.Constant(0)])
    yield positive, 1.7
    if (value > 0).all() and (value < 1).all():
        less = binary(one, ast.Sub(), node)
        yield binary(node, ast.Mult(), less), 1.7
        yield less, 1.9
    if (np.abs(value) < 1).all():
        yield binary(one, ast.Sub(), binary(node, ast.Pow(), ast.Constant(2))), 1.7
    for helper in around.helpers(site):
        yield ast.Call(ast.Name(helper, ast.Load()), [node], []), 1.7


def over_axis(name: str, array: ast.expr, axis: int, keepdims: bool) -> ast.expr:
    """Return the call of NumPy's ``sum`` or ``mean`` over an axis."""
    keywords = [ast.keyword("axis", ast.Constant(axis))]
    keywords += [ast.keyword("keepdims", ast.Constant(True))] if keepdims else []
    return ast.Call(ast.Attribute(numpy_name(), name, ast.Load()), [array], keywords)
