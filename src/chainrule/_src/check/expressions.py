"""Changes of an expression: an operand dropped, another operator, index, constant or variable."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.calls import CALLS
from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import (
    Change,
    binary,
    called_name,
    is_sign_test,
    negated,
    numpy_name,
    stepped,
    transposed,
)
from chainrule._src.check.indices import is_index, of_subscript
from chainrule._src.check.ingredients import fits, one_hot
from chainrule._src.check.loops import products
from chainrule._src.check.numbers import is_divisor
from chainrule._src.check.rules import Rules
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site, is_array, is_number

OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Div: (ast.Mult,),
    ast.Mult: (ast.Div, ast.MatMult, ast.Add),
    ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,), ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.Div, ast.FloorDiv), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip


COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.Lt, ast.LtE, ast.GtE), ast.Lt: (ast.Gt, ast.GtE, ast.LtE),
    ast.GtE: (ast.LtE, ast.Lt, ast.Gt), ast.LtE: (ast.GtE, ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip


CURVED = ("sqrt", "log", "exp", "log1p", "tanh", "abs", "square")  # of which f(a + b) ≠ f(a) + b

WHOLE = ast.IfExp | ast.Assign | ast.Subscript  # where a computed whole number may be another

EXPRESSIONS = Rules()


@EXPRESSIONS.of(ast.UnaryOp)
def _operand_alone(node: ast.UnaryOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    yield node.operand, "sign" if isinstance(node.op, ast.USub) else "extra call", 1, node


@EXPRESSIONS.of(ast.Compare)
def _other_comparison(node: ast.Compare, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for i, op in enumerate(COMPARED.get(type(node.ops[0]), ()) if len(node.ops) == 1 else ()):
        cost = 1.5 if i or not is_sign_test(node) else 1.0
        yield ast.Compare(node.left, [op()], node.comparators), "comparison", cost, None
    if isinstance(site.owner, ast.BinOp):  # a prediction for its probability
        yield node.left, "extra call", 1.3, f"a comparison ({ast.unparse(node)})"


@EXPRESSIONS.of(ast.Compare)
def _largest(node: ast.Compare, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the mask of the largest entry: the derivative of a maximum."""
    if isinstance(site.value, np.ndarray) and len(node.ops) == 1:
        largest = ast.Call(ast.Attribute(numpy_name(), "max", ast.Load()), [node.left], [])
        yield ast.Compare(node.left, [ast.Eq()], [largest]), "comparison", 1.5, None


@EXPRESSIONS.of(ast.BinOp)
def _other_activation(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the slope of tanh for that of the sigmoid, both by their results, and vice versa."""
    one = ast.Constant(1)
    match node:
        case ast.BinOp(h, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Sub(), other)):
            if ast.unparse(h) == ast.unparse(other):
                square = binary(h, ast.Pow(), ast.Constant(2))
                yield binary(one, ast.Sub(), square), "slope", 1.2, None
        case ast.BinOp(ast.Constant(1), ast.Sub(), ast.BinOp(h, ast.Pow(), ast.Constant(2))):
            yield binary(h, ast.Mult(), binary(one, ast.Sub(), h)), "slope", 1.2, None


@EXPRESSIONS.of(ast.Call)
def _other_call(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    yield from CALLS.changes(site, around)


@EXPRESSIONS.of(ast.IfExp)
def _other_branch(node: ast.IfExp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    cost = 2.8 if callable(site.value) else 1.5  # another way to compute is seldom the mistake
    yield ast.IfExp(node.test, node.orelse, node.body), "branches", cost, None


@EXPRESSIONS.of(ast.Attribute)
def _not_transposed(node: ast.Attribute, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if node.attr == "T":
        yield node.value, "transpose", 1, None
    match node:
        case ast.Attribute(ast.Call(ast.Attribute(_, "reshape") as func, [rows, columns], []), "T"):
            yield ast.Call(func, [columns, rows], []), "transpose", 1.2, None


@EXPRESSIONS.of(ast.BinOp)
def _other_operation(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    left, right, op, value = node.left, node.right, node.op, site.value
    if isinstance(op, ast.Mult | ast.MatMult):
        yield left, "extra factor", 1, right
        yield right, "extra factor", 1, left
    if isinstance(op, ast.Div | ast.FloorDiv):
        yield left, "extra divisor", 1, right
        yield binary(right, op, left), "swapped", 2, None
    if isinstance(op, ast.Pow):
        yield left, "extra power", 1, right
    if isinstance(op, ast.Add):
        yield left, "extra term", 1.2, right
        yield right, "extra term", 1.2, left
    if isinstance(op, ast.Sub):
        yield left, "extra term", 1.2, right
        yield right, "extra term", 1.5, left
        yield negated(right), "extra term", 1.2, left
        constant = isinstance(left, ast.Constant) or isinstance(right, ast.Constant)
        yield binary(right, op, left), "sign", 1.05 if constant else 1, None
    if isinstance(op, ast.Sub | ast.Add) and is_number(value):
        for labels in one_hot(np.shape(value), site, around):
            yield binary(left, ast.Sub(), labels), "labels", 1.6, None
    for other in OPERATORS.get(type(op), ()):
        turned = {type(op), other} == {ast.Add, ast.Sub}
        yield binary(left, other(), right), "operator", 1.0 if turned else 1.4, None
    if isinstance(op, ast.Div):
        yield binary(right, ast.Mult(), left), "operator", 1.4, None
    if isinstance(op, ast.MatMult) or (
        isinstance(op, ast.Mult) and isinstance(value, np.ndarray) and value.ndim == 2
    ):
        product = ast.MatMult()
        for a, b, cost in (
            (right, left, 1.2), (transposed(left), right, 1), (left, transposed(right), 1),
            (transposed(left), transposed(right), 1.3), (transposed(right), left, 1.3),
            (right, transposed(left), 1.3), (transposed(right), transposed(left), 1.3),
        ):  # fmt: skip
            yield binary(a, product, b), "transpose", cost, None


@EXPRESSIONS.of(ast.Constant)
def _other_string(node: ast.Constant, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the other strings that the code compares with, as the names of activations."""
    if isinstance(node.value, str) and isinstance(site.owner, ast.Call):
        for text in around.strings - {node.value}:
            yield ast.Constant(text), "other value", 1.2, (ast.unparse(node), repr(text))


@EXPRESSIONS.of(ast.Call)
def _jacobian_of_softmax(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield ``diag(s) - outer(s, s)`` for a diagonal matrix."""
    value = site.value
    if called_name(node) in ("diag", "diagflat") and is_array(value) and value.ndim == 2:
        match node.args:
            case [ast.BinOp(share, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Sub(), _))]:
                shares = share
            case _:
                shares = node.args[0]
        ones = ast.Call(ast.Attribute(numpy_name(), "outer", ast.Load()), [shares] * 2, [])
        diagonal = ast.Call(node.func, [shares], node.keywords)
        yield binary(diagonal, ast.Sub(), ones), "softmax", 1.4, ones


@EXPRESSIONS.of(ast.BinOp)
def _first_factor(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield ``a`` for ``a * b * c``: a slope of two factors is too much."""
    inner = node.left
    both = isinstance(node.op, ast.Mult) and isinstance(inner, ast.BinOp)
    if both and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
        slope = binary(inner.right, ast.Mult(), node.right)
        yield inner.left, "extra factor", 1.2, slope
        yield binary(inner.left, ast.Mult(), node.right), "extra factor", 1.2, inner.right


@EXPRESSIONS.of(ast.Call, names=CURVED)
def _term_behind(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield ``f(a) + b`` for ``f(a + b)``, as an epsilon under a root."""
    match node.args:
        case [ast.BinOp(left, ast.Add() | ast.Sub() as op, right)]:
            call = ast.Call(node.func, [left], node.keywords)
            yield binary(call, op, right), "term inside", 1.45, right


@EXPRESSIONS.of(ast.BinOp)
def _term_inside(node: ast.BinOp, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield ``f(a + b)`` for ``f(a) + b``."""
    match node:
        case ast.BinOp(ast.Call(function, [argument], words) as call, ast.Add() | ast.Sub(), right):
            if called_name(call) in CURVED:
                inside = binary(argument, node.op, right)
                yield ast.Call(function, [inside], words), "term behind", 1.45, right


@EXPRESSIONS.of(ast.Subscript)
def _other_subscript(node: ast.Subscript, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    yield from of_subscript(node)


@EXPRESSIONS.of(ast.Name, ast.Attribute, ast.Subscript)
def _other_variable(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield other variables of the same type and shape."""
    text, value = ast.unparse(node), site.value
    if site.field == "func" or (
        isinstance(site.owner, ast.Attribute) and site.owner.attr == "shape"
    ):
        return
    if isinstance(value, int | np.integer) and value > 2 and is_divisor(site):
        less = binary(node, ast.Sub(), ast.Constant(1))
        yield less, "other value", 1.4, f"{text} - 1"
    if isinstance(value, int) and is_divisor(site):
        for count, other_value, name in around.count(site):
            if other_value != value:
                yield count, "other value", 1.2, name
    if isinstance(value, np.ndarray | float | int | np.number) and not isinstance(value, bool):
        for other, other_value, name in around.named(site):
            if name != text and np.shape(other_value) == np.shape(value):
                near = (
                    0.3 if name.strip("0123456789[]'\"") == text.strip("0123456789[]'\"") else 0.0
                )
                is_mixed = isinstance(value, int | np.integer) != isinstance(
                    other_value, int | np.integer
                )
                is_compared = isinstance(site.statement, ast.If | ast.While) and not np.ndim(value)
                is_entry = isinstance(node, ast.Subscript) and not isinstance(
                    node.slice, ast.Constant
                )
                is_fixed = is_entry and isinstance(other, ast.Name | ast.Attribute)
                cost = 1.1 - near + 1.0 * is_mixed + 1.2 * is_compared  # rather another threshold
                cost += 0.5 * is_fixed  # rather another entry
                yield other, "other value", cost, name
                if np.ndim(value) == 2 and np.shape(value)[0] == np.shape(value)[1]:
                    yield transposed(other), "other value", 2.2, name
    elif isinstance(value, list | tuple | dict):
        scope = site.trace.scope
        for name, other_value in scope.items():
            if name != text and type(other_value) is type(value) and not _into_itself(site, name):
                yield ast.Name(name, ast.Load()), "other value", 1.2, name


def _into_itself(site: Site, name: str) -> bool:
    """Return true if a list with this name would be appended to itself, which NumPy cannot end."""
    for call in nodes_of(site.statement):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            texts = [ast.unparse(part) for part in call.args]
            inserted = call is site.owner and ast.unparse(call.func.value) == name
            if inserted or (call.func is site.owner and name in texts):
                return True
    return False


@EXPRESSIONS.of(ast.Name, ast.Attribute, ast.Subscript)
def _called_in_loss(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield calls of the loss and of this function that have this expression as an argument."""
    text = ast.unparse(node)
    is_operand = isinstance(site.owner, ast.BinOp) and is_array(site.value)
    calls = [other for other, _, _ in around.of_loss(site)] if site.field != "func" else []
    for other in [*calls, *(nodes_of(site.code.tree) if is_operand else ())]:
        if isinstance(other, ast.Call) and text in map(ast.unparse, other.args):
            yield other, "missing call", 1.4, called_name(other)


@EXPRESSIONS.of(ast.BinOp, ast.Call, ast.Name, ast.Subscript)
def _unread_variable(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield changes that use a variable whose value the code computes and never reads."""
    names = around.unread(site.code)
    is_read = isinstance(node, ast.Name) and isinstance(site.owner, ast.BinOp)
    if not names or not is_array(site.value) or is_read:
        return
    for other, value, text in around.named(site):
        fitting = is_array(value) and value.ndim and fits(value.shape, np.shape(site.value))
        if isinstance(other, ast.Name) and text in names and fitting:
            yield binary(node, ast.Add(), other), "missing term", 1.2, other
            yield binary(node, ast.Mult(), other), "missing factor", 1.3, other
        if isinstance(other, ast.Name) and text in names and is_array(value) and value.ndim:
            shape = np.shape(site.value)
            for product in itertools.islice(products(other, value, shape, around.named(site)), 12):
                yield binary(node, ast.Add(), product), "missing term", 1.3, product


@EXPRESSIONS.of(ast.expr)
def _reversed_loop(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if site.field == "iter" and isinstance(site.value, list | np.ndarray | tuple):
        yield _reversed(node), "order", 1.1, None


@EXPRESSIONS.of(ast.expr)
def _counted(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield whole numbers in scope for one that is computed, 1 for what is added to a number."""
    if isinstance(site.owner, ast.AugAssign) and isinstance(site.value, float | np.floating):
        yield ast.Constant(1), "other value", 1.5, (ast.unparse(node), "1")
    is_scalar = isinstance(site.value, int | float | np.number)
    is_count = is_divisor(site) and is_scalar
    is_whole = isinstance(site.value, int | np.integer) and isinstance(site.owner, WHOLE)
    for other, value, text in around.of_loss(site) if is_count else ():
        if not np.ndim(value) and value != site.value:
            yield other, "other value", 1.4, (ast.unparse(node), text)
    for other, value, text in around.named(site) + around.count(site) if (
        isinstance(node, ast.Call | ast.Attribute) and (is_count or is_whole)
    ) else ():  # fmt: skip
        if isinstance(value, int | np.integer) and value > is_count and text != ast.unparse(node):
            yield other, "other value", 1.35, (ast.unparse(node), text)


@EXPRESSIONS.of(ast.BinOp, ast.Call, ast.Name)
def _missing_function(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the activation of a value: the learner's own functions of one argument."""
    is_result = site.owner is site.statement and site.field == "value"
    is_compared = isinstance(site.owner, ast.BinOp) and isinstance(site.owner.op, ast.Sub)
    if (is_result or (is_compared and site.field == "left")) and is_number(site.value):
        for helper in around.helpers(site):
            if helper not in (called_name(node), site.code.code_object.co_name):
                call = ast.Call(ast.Name(helper, ast.Load()), [node], [])
                yield call, "missing call", 1.4, helper


@EXPRESSIONS.of(ast.Name, ast.BinOp, ast.Call, ast.Subscript)
def _missing_backward(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield the backward pass of a layer: a function of an unread cache, a method of a layer."""
    if not is_array(site.value) or isinstance(site.owner, ast.BinOp | ast.Attribute):
        return
    for name in sorted(around.unread(site.code)):
        for function in around.functions(site, 2) if name in site.trace.scope else ():
            arguments = [node, ast.Name(name, ast.Load())]
            call = ast.Call(ast.Name(function, ast.Load()), arguments, [])
            yield call, "missing call", 1.35, function
    for layer, method in around.unused_layers(site.code):
        call = ast.Call(ast.Attribute(layer, method, ast.Load()), [node], [])
        yield call, "missing call", 1.35, f"{ast.unparse(layer)}.{method}"


@EXPRESSIONS.of(ast.Name, ast.Attribute, ast.Subscript)
def _complement(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    one, value = ast.Constant(1), site.value
    if isinstance(value, float) and 0 < value < 1 and isinstance(site.owner, ast.BinOp):
        yield binary(one, ast.Sub(), node), "other share", 1.45, node
    is_label = isinstance(value, int | np.integer) and value in (0, 1) and not is_index(site)
    if is_label and isinstance(site.owner, ast.BinOp):
        yield binary(one, ast.Sub(), node), "complement", 1.45, node
    is_share = is_array(value) and not isinstance(site.owner, ast.Attribute | ast.Subscript)
    if site.field != "iter" and is_share and (np.abs(value) <= 1).all():
        yield binary(one, ast.Sub(), node), "complement", 1.45, node
        yield binary(node, ast.Sub(), one), "missing term", 1.48, one
        square = binary(node, ast.Pow(), ast.Constant(2))
        yield binary(one, ast.Sub(), square), "complement", 1.45, node


@EXPRESSIONS.of(ast.expr)
def _reversed_result(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    value = site.value
    if isinstance(value, list) and isinstance(site.owner, ast.Return) and len(value) > 1:
        yield _reversed(node), "order", 1.1, None


def _reversed(node: ast.expr) -> ast.expr:
    backwards = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
    return ast.Subscript(node, backwards, ast.Load())


@EXPRESSIONS.of(ast.List, ast.Tuple)
def _exchanged_parts(node: Any, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if 2 <= len(node.elts) <= 6 and isinstance(node.ctx, ast.Load):
        for i in range(len(node.elts) - 1):
            elts = list(node.elts)
            elts[i], elts[i + 1] = elts[i + 1], elts[i]
            pair = node.elts[i], node.elts[i + 1]
            yield type(node)(elts, ast.Load()), "exchanged", 1.1, pair


@EXPRESSIONS.of(ast.Dict)
def _exchanged_values(node: ast.Dict, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if len(node.values) <= 12:
        for i, j in itertools.combinations(range(len(node.values)), 2):
            values = list(node.values)
            values[i], values[j] = values[j], values[i]
            yield ast.Dict(node.keys, values), "exchanged", 1.1, (node.values[i], node.values[j])


@EXPRESSIONS.of(ast.Call, names=("len",))
def _other_length(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if is_index(site):
        return
    total = ast.Call(ast.Attribute(numpy_name(), "sum", ast.Load()), node.args, [])
    yield total, "function", 1.45, None
    for other, value, text in around.named(site):
        if isinstance(value, int | np.integer) and value != site.value:
            yield other, "other value", 1.4, text
        if isinstance(other, ast.Name) and np.ndim(value) and len(value) != site.value:
            length = ast.Call(node.func, [other], [])
            yield length, "other value", 1.4, (ast.unparse(node), ast.unparse(length))


@EXPRESSIONS.of(ast.expr)
def _other_step(node: ast.expr, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    is_whole = isinstance(site.value, int | np.integer) and not isinstance(site.value, bool)
    for step in (-1, 1) if is_whole and is_index(site) else ():
        yield stepped(node, step), "index", 1.5, None
