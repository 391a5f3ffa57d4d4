"""Changes that insert a factor, a term, a sum or an expression of the right program."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import (
    Change,
    binary,
    called_name,
    exchanged,
    is_outermost,
    negated,
    number,
    numpy_name,
    swapped,
)
from chainrule._src.check.ingredients import (
    distinct,
    factors,
    fits,
    fitting_arrays,
    one_hot,
    over_axis,
    penalties,
    slopes,
)
from chainrule._src.check.rules import Rules
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site, is_number

SCALED, REPLACED = Rules(), Rules()


def rewritten(site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield an expression with a variable replaced throughout, two swapped, or a call removed."""
    node = site.node
    inside = [n for n in nodes_of(node) if isinstance(n, ast.Name | ast.Subscript | ast.Attribute)]
    counts = Counter(ast.unparse(n) for n in inside)
    values = {text: other_value for _, other_value, text in around.named(site)}
    for text, count in counts.items():
        if count > 1 and isinstance(values.get(text), np.ndarray):
            for other, other_value, name in around.named(site):
                if name != text and np.shape(other_value) == np.shape(values[text]):
                    yield exchanged(node, text, other), "other value", 1.3, (text, name)
            variable = ast.parse(text, mode="eval").body
            for helper in around.helpers(site):
                call = ast.Call(ast.Name(helper, ast.Load()), [variable], [])
                yield exchanged(node, text, call), "missing call", 1.4, helper
    texts = [t for t in counts if counts[t] == 1 and isinstance(values.get(t), np.ndarray)]
    for i, one in enumerate(texts):
        for two in texts[i + 1 :]:
            if values[one].shape == values[two].shape and one not in two and two not in one:
                yield swapped(node, one, two), "exchanged", 1.2, (one, two)
    calls = Counter(ast.unparse(n) for n in nodes_of(node) if isinstance(n, ast.Call) and n.args)
    for text, count in calls.items():
        if count > 1:
            inner = next(n for n in nodes_of(node) if ast.unparse(n) == text)
            assert isinstance(inner, ast.Call)
            yield exchanged(node, text, inner.args[0]), "extra call", 1.4, called_name(inner)


@REPLACED.of(ast.BinOp, ast.Call)
def _other_factor(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    parts = [n for n in _parts(node) if n is not node]
    for other, array, _ in _float_arrays(site, around):
        if fits(array.shape, np.shape(site.value)):
            with_slopes = (
                *(f for f, _ in factors(other, array, site, around)),
                *slopes(other, around),
            )
            for factor in with_slopes:
                for part in parts:
                    yield binary(part, ast.Mult(), factor), "other factor", 2.0, factor


@REPLACED.of(ast.expr)
def _slope_or_variable(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield slopes of the arrays of the same shape, and variables of another shape."""
    shape = np.shape(site.value)
    is_variable = isinstance(node, ast.Name | ast.Subscript | ast.Attribute)
    for other, array, text in around.named(site):
        if not np.ndim(array):
            continue
        if array.shape == shape and array.dtype.kind == "f":
            if site.owner in (site.statement, site.code.tree):
                for slope in slopes(other, around):
                    yield slope, "slope", 2.1, text
            else:
                positive = ast.Compare(other, [ast.Gt()], [ast.Constant(0)])
                yield binary(ast.Constant(1.0), ast.Mult(), positive), "other value", 2.1, text
        if is_variable and array.shape != shape and np.ndim(array) == len(shape):
            yield other, "other value", 1.9, text


@REPLACED.of(ast.BinOp, ast.Call, ast.Name)
def _slope_by_result(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield slopes of sigmoid and tanh by the result of a call: ``f(z) * (1 - f(z))``."""
    if site.owner not in (site.statement, site.code.tree):
        return
    helpers = [n for n in around.helpers(site) if n != site.code.code_object.co_name]
    called = (n for n in nodes_of(node) if isinstance(n, ast.Call))
    calls = {ast.unparse(n): n for n in called if called_name(n) in (*helpers, "tanh")}
    inputs = [n.args[0] for n in calls.values() if n.args] or [node]
    if calls or isinstance(node, ast.Name):  # of another activation
        calls |= {n: ast.Call(ast.Name(n, ast.Load()), inputs[:1], []) for n in helpers}
    for call in calls.values():
        less = binary(ast.Constant(1), ast.Sub(), call)
        yield binary(call, ast.Mult(), less), "slope", 1.6, None
        yield (
            binary(ast.Constant(1), ast.Sub(), binary(call, ast.Pow(), ast.Constant(2))),
            ("slope"),
            1.6,
            None,
        )


@REPLACED.of(ast.BinOp)
def _penalty_for_a_term(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield multiples of variables for a term, such as a penalty or a momentum."""
    if isinstance(node.op, ast.Add | ast.Sub):
        for term in penalties(np.shape(site.value), site, around):
            yield binary(node.left, node.op, term), "other term", 2.2, term
            yield binary(node.right, ast.Add(), term), "other term", 2.2, term


@REPLACED.of(ast.expr)
def _another_expression(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield expressions of the same shape, from the learner's and from the right program."""
    if isinstance(node, ast.Constant):
        return
    for other, array, text in around.expressions(site):
        if np.shape(array) == np.shape(site.value) and text != ast.unparse(node):
            yield other, "other value", 2.0, text
    is_statement = site.owner is site.statement
    is_operand = isinstance(site.owner, ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Compare)
    for name, new, is_term in around.translation.expressions(site) if not is_operand else ():
        cost = (1.8 if name else 2.0) + (0 if is_statement else 0.3)
        yield new, "right expression", cost, name
        if is_term and is_statement:
            yield binary(node, ast.Add(), new), "missing term", 2.1, new


def _float_arrays(site: Site, around: BuildingBlocks) -> Iterator[tuple[ast.expr, Any, str]]:
    """Yield the named arrays of floats: expression, array and text."""
    for other, array, text in around.named(site):
        if np.ndim(array) and array.dtype.kind == "f":
            yield other, array, text


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product, or the arguments of a call."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return [*_parts(node.left), *([] if isinstance(node.op, ast.Div) else _parts(node.right))]
    if isinstance(node, ast.Call) and called_name(node) in (
        "maximum",
        "where",
        "multiply",
        "minimum",
    ):
        return [a for a in node.args if not isinstance(a, ast.Constant)]
    return [node]


@SCALED.of(ast.expr)
def _one_more(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the outermost expression plus or minus 1, doubled and halved, and its inverse."""
    if is_outermost(site):
        for sign, cost in ((ast.Add(), 1.9), (ast.Sub(), 2.0)):
            yield binary(node, sign, ast.Constant(1)), "missing term", cost, ast.Constant(1)
        if is_number(site.value) and np.all(site.value):
            inverse = binary(ast.Constant(1), ast.Div(), node)
            yield inverse, "inverse", 1.6, None
        for constant in (2, 0.5):
            yield binary(ast.Constant(constant), ast.Mult(), node), "missing factor", 1.6, constant


@SCALED.of(ast.expr)
def _scalar_factor(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if not is_outermost(site):
        return
    scalars = [each for each in around.named(site) if _is_scale(each[1])]
    for other, amount, _ in distinct([*scalars, *around.count(site)]):
        is_entry = isinstance(other, ast.Subscript) and not isinstance(other.slice, ast.Constant)
        yield binary(node, ast.Div(), other), "missing divisor", 1.8 if is_entry else 1.5, other
        if isinstance(amount, int | np.integer) and amount > 1:
            root = ast.Call(ast.Attribute(numpy_name(), "sqrt", ast.Load()), [other], [])
            yield binary(node, ast.Div(), root), "missing divisor", 1.8, root
        yield binary(node, ast.Mult(), other), "missing factor", 1.8, other
    shares = [each for each in scalars if isinstance(each[1], float) and 0 < each[1] < 1]
    for other, _, _ in distinct(shares):
        less = binary(ast.Constant(1), ast.Sub(), other)
        yield binary(node, ast.Mult(), less), "missing factor", 1.8, less


def _is_scale(value: Any) -> bool:
    """Return true for a number that may be a factor: a float that is not 0, or another whole."""
    if np.ndim(value):
        return False
    if isinstance(value, float | np.floating) and value:  # also 1.0, perhaps a label's sign
        return True
    return value not in (0, 1, -1) and not isinstance(value, bool)


@SCALED.of(ast.expr)
def _length_divisor(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if is_outermost(site):
        for length, _, _ in around.lengths(site):
            yield binary(node, ast.Div(), length), "missing divisor", 1.6, length


@SCALED.of(ast.expr)
def _array_factor(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    arrays = list(fitting_arrays(site.value, around.named(site)))
    if arrays and isinstance(node, ast.Name | ast.Subscript | ast.Call):
        yield binary(node, ast.Pow(), ast.Constant(2)), "missing power", 1.6, None
    node_text = ast.unparse(node)
    for other, array, text in arrays:
        if text != node_text and np.ndim(array) >= np.ndim(site.value) - 1:
            for factor, cost in factors(other, array, site, around):
                yield binary(node, ast.Mult(), factor), "missing factor", cost, factor
            if not fits(np.shape(array), np.shape(site.value)) or not around.tells(site):
                continue
            if around.admits(site, -site.value * array - site.value):
                yield binary(negated(node), ast.Mult(), other), "missing factor", 2.1, other


@SCALED.of(ast.expr)
def _within_bounds(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield a value that is zero where a variable is not between two numbers of the loss."""
    is_copy = isinstance(node, ast.Name | ast.Attribute)  # such as what a forward pass keeps
    is_line = site.owner is site.statement and np.ndim(site.value) and not is_copy
    is_told = is_line and around.tells(site)
    shape, bounds = np.shape(site.value), around.loss.bounds if is_told else []
    for other, array, _ in _float_arrays(site, around) if is_told else ():
        for low, high in itertools.combinations((-np.inf, *bounds, np.inf), 2):
            mask = (array > low) & (array < high)
            if array.shape != shape or np.isinf([low, high]).all():
                continue
            if around.admits(site, site.value * mask - site.value):
                inside = _between(other, low, high)
                yield binary(node, ast.Mult(), inside), "missing factor", 1.75, inside


def _between(node: ast.expr, low: float, high: float) -> ast.expr:
    """Return ``(node > low) & (node < high)``, with finite bounds alone."""
    ends = [(ast.Gt(), low), (ast.Lt(), high)]
    parts = [ast.Compare(node, [op], [number(end)]) for op, end in ends if np.isfinite(end)]
    return parts[0] if len(parts) == 1 else binary(parts[0], ast.BitAnd(), parts[1])


@SCALED.of(ast.expr)
def _of_the_loss(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield products with expressions of the loss, sums with them, and these in its place."""
    shape = np.shape(site.value)
    for other, value, text in around.of_loss(site) if is_outermost(site) else ():
        array = np.asarray(value, np.float64)
        if array.shape == shape[:1] != shape:  # one number a sample, as a column
            other = ast.Subscript(other, ast.Tuple([ast.Slice(), ast.Constant(None)], ast.Load()),
                                  ast.Load())  # fmt: skip
            array = array.reshape(-1, *(1 for _ in shape[1:]))
        if not fits(array.shape, shape):
            continue
        for new, kind, cost, changed in (
            (binary(node, ast.Mult(), other), "factor of the loss", 1.75, site.value * array),
            (binary(node, ast.Add(), other), "missing term", 1.9, site.value + array),
            (other, "other value", 1.85, np.broadcast_to(array, shape)),
        ):
            if around.admits(site, changed - site.value):
                detail = text if kind == "other value" else other
                yield new, kind, cost, detail


@SCALED.of(ast.expr)
def _through_numpy(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield functions of NumPy of a line's value: its sign, its part within bounds."""
    if (
        site.owner is site.statement
        and site.field == "value"
        and not isinstance(node, ast.Constant)
    ):
        yield from _functions_of(node, site, around)


@REPLACED.of(ast.Name, ast.Attribute, ast.Subscript)
def _factor_through_numpy(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield functions of NumPy of an array that is a factor."""
    owner = site.owner
    is_factor = isinstance(owner, ast.BinOp) and isinstance(owner.op, ast.Mult | ast.Div)
    if is_factor and np.ndim(site.value) and around.tells(site):
        yield from _functions_of(node, site, around)


def _functions_of(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for name in ("sign", "abs", "exp", "log", "sqrt", "square", "tanh"):
        func = ast.Attribute(numpy_name(), name, ast.Load())
        if around.admits(site, getattr(np, name)(site.value) - site.value):
            yield ast.Call(func, [node], []), "missing call", 1.7, name
    for bound in (1, *around.numbers):
        if around.admits(site, np.clip(site.value, -bound, bound) - site.value):
            func = ast.Attribute(numpy_name(), "clip", ast.Load())
            ends: list[ast.expr] = [number(-bound), number(bound)]
            yield ast.Call(func, [node, *ends], []), "missing call", 1.8, "clip"


@SCALED.of(ast.expr)
def _summed(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield sums over an axis, and the quotient by such a sum."""
    n_axes = np.ndim(site.value)
    for axis in range(n_axes):
        named = -1 if 0 < axis == n_axes - 1 else axis  # right for one sample, too
        total = over_axis("sum", node, named, keepdims=True)
        yield binary(node, ast.Div(), total), "missing divisor", 1.9, total
        for keepdims in (False, True):
            yield over_axis("sum", node, named, keepdims), "missing sum", 1.7, axis


def shared(site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the terms of a softmax or a normalisation: paths that all entries of an axis share."""
    node, shape = site.node, np.shape(site.value)
    named = [n for n in around.named(site) if shape and np.shape(n[1]) == shape]
    floats = [
        (other, other_value) for other, other_value, _ in named if other_value.dtype.kind == "f"
    ]
    for axis in range(len(shape)):
        over = partial(over_axis, axis=axis, keepdims=True)
        for other, other_value in floats:
            is_share = np.allclose(other_value.sum(axis=axis), 1) and (other_value >= 0).all()
            is_normal = np.allclose(other_value.mean(axis=axis), 0, atol=1e-8)
            if not is_share and not (
                is_normal and np.allclose(other_value.var(axis=axis), 1, rtol=0.1)
            ):
                continue
            for inner in [node, *(o for o, _ in floats if o is not other)]:
                product = binary(inner, ast.Mult(), other)
                if is_share:
                    less = binary(inner, ast.Sub(), over("sum", product))
                    yield binary(other, ast.Mult(), less), "softmax", 1.9, other
                term = binary(other, ast.Mult(), over("sum" if is_share else "mean", product))
                yield binary(node, ast.Sub(), term), "missing term", 2.2, term
        for inner in [node, *(o for o, _ in floats)]:
            mean = over("mean", inner)
            yield binary(node, ast.Sub(), mean), "missing term", 2.2, mean


def with_terms(site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield an expression with an additional term."""
    node, shape = site.node, np.shape(site.value)
    if isinstance(node, ast.Constant):
        return
    if not shape:
        for other, other_value, text in around.named(site):
            is_scalar = is_number(other_value) and not np.ndim(other_value)
            if is_scalar and text != ast.unparse(node):
                yield binary(node, ast.Add(), other), "missing term", 2.2, other
        return
    node_text = ast.unparse(node)
    for other, other_value, text in around.named(site):
        if not np.ndim(other_value) or text == node_text or not fits(np.shape(other_value), shape):
            continue
        if other_value.dtype.kind in "fiu":  # labels are whole numbers
            far = 0.0 if np.shape(other_value) == shape else 0.1
            for op, cost, sign in ((ast.Add(), 2.2, 1), (ast.Sub(), 2.3, -1)):
                if around.admits(site, sign * np.broadcast_to(other_value, shape)):
                    yield binary(node, op, other), "missing term", cost + far, other
    if site.owner is site.statement:
        yield from shared(site, around)
    if is_outermost(site):
        for term in penalties(shape, site, around):
            yield binary(node, ast.Add(), term), "missing term", 2.4, term
    for labels in one_hot(shape, site, around):
        yield binary(node, ast.Sub(), labels), "missing term", 2.0, "labels"
        if not isinstance(site.owner, ast.Subscript):
            yield labels, "labels", 1.9, None
