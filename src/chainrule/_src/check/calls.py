"""Changes of a call: another axis, function, order of arguments, or no call at all."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.edits import Change, binary, called_name, is_numpy, transposed
from chainrule._src.check.rules import Rules
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site

CALLS = Rules()
FUNCTIONS = (
    ("sum", "mean"), ("maximum", "minimum"), ("max", "min"), ("exp", "log"), ("tanh", "sinh"),
    ("zeros_like", "ones_like"), ("zeros", "ones"), ("var", "std"), ("argmax", "argmin"),
    ("sqrt", "square"), ("log10", "log"), ("log2", "log"), ("sin", "cos"), ("sign", "abs"),
    ("matmul", "multiply"), ("max", "argmax"), ("min", "argmin"), ("add", "subtract"),
    ("inner", "outer"), ("sum", "cumsum"), ("zeros", "eye"), ("sum", "prod"),
    ("sum", "max"), ("mean", "max"),
)  # fmt: skip
RARE_FUNCTIONS = (  # seldom confused; a pair that differs by 1 hides a wrong number beside it
    ("log1p", "log"), ("expm1", "exp"), ("tanh", "arctan"), ("divide", "floor_divide"),
    ("floor", "rint"),
)  # fmt: skip
ALONG_AXES = ("sum", "mean", "max", "min", "var", "std", "prod", "softmax", "cumsum")
# The last axis is tried before the second one: it is right for one sample, too.
AXES: tuple[Any, ...] = (0, -1, 1, 2, None, (0, 1), (0, 2), (1, 2), (0, 2, 3), (0, 1, 2))


def _keepdims() -> ast.keyword:
    return ast.keyword("keepdims", ast.Constant(True))


def _receiver(node: ast.Call) -> ast.expr | None:
    """Return the array whose method is called, or None for a function."""
    is_method = isinstance(node.func, ast.Attribute) and not is_numpy(node.func.value)
    return node.func.value if is_method and isinstance(node.func, ast.Attribute) else None


def _operands(node: ast.Call) -> list[ast.expr]:
    receiver = _receiver(node)
    return [receiver, *node.args] if receiver is not None else list(node.args)


def _keywords(node: ast.Call, *names: str) -> list[ast.keyword]:
    return [keyword for keyword in node.keywords if keyword.arg in names]


@CALLS.of(ast.Call)
def _argument_alone(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for part in _operands(node):
        if not isinstance(part, ast.Starred):
            yield part, "extra call", 1.1, called_name(node)


@CALLS.of(ast.Call, names=ALONG_AXES)
def _other_axis(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    keep = _keywords(node, "keepdims")
    others = [k for k in node.keywords if k.arg not in ("axis", "keepdims")]
    n_arrays = 1 if _receiver(node) is None else 0
    array, positional = node.args[:n_arrays], node.args[n_arrays:]
    present = [*(k.value for k in _keywords(node, "axis")), *positional][:1]
    for axis in AXES:
        literal = None if axis is None else ast.Constant(axis)
        if literal is not None and [*map(ast.unparse, present)] == [ast.unparse(literal)]:
            continue
        axes = [ast.keyword("axis", literal)] if literal is not None else []
        yield ast.Call(node.func, array, [*axes, *keep, *others]), "axis", 1.2, axis
        if not keep and axis is not None:
            yield ast.Call(node.func, array, [*axes, _keepdims(), *others]), "axis", 1.6, axis


@CALLS.of(ast.Call, names=ALONG_AXES)
def _other_keepdims(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    without = [k for k in node.keywords if k.arg != "keepdims"]
    keywords = without if _keywords(node, "keepdims") else [*node.keywords, _keepdims()]
    yield ast.Call(node.func, node.args, keywords), "keepdims", 1.1, None


@CALLS.of(ast.Call, names=("maximum",))
def _derivative_of_relu(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for operand in node.args if len(node.args) == 2 else ():
        if not isinstance(operand, ast.Constant):
            yield ast.Compare(operand, [ast.Gt()], [ast.Constant(0)]), "slope", 1.2, None


@CALLS.of(ast.Call, names=("log",))
def _derivative_of_log(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for operand in _operands(node)[:1]:
        yield binary(ast.Constant(1), ast.Div(), operand), "derivative of log", 1.4, "log"


@CALLS.of(ast.Call)
def _other_function(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    name = called_name(node)
    for pairs, cost in ((FUNCTIONS, 1.1), (RARE_FUNCTIONS, 1.7)):
        for pair in pairs:
            if name in pair:
                other = pair[1 - pair.index(name)]
                yield _with_name(node, other), "function", cost, other
    if isinstance(node.func, ast.Name):
        n_args = len(node.args)
        functions = around.helpers(site) if n_args == 1 else around.functions(site, n_args)
        for function in functions:
            if function != name:
                yield _with_name(node, function), "function", 1.3, function


@CALLS.of(ast.Call)
def _swapped_arguments(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if len(node.args) == 2 and _receiver(node) is None:
        yield ast.Call(node.func, node.args[::-1], node.keywords), "swapped", 0.9, None
    if len(node.args) == 3:
        a, b, c = node.args
        yield ast.Call(node.func, [a, c, b], node.keywords), "swapped", 1.2, None


@CALLS.of(ast.Call, names=("where",))
def _one_case(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if len(node.args) == 3:
        yield node.args[1], "extra call", 1.2, "where"
        yield node.args[2], "extra call", 1.4, "where"


@CALLS.of(ast.Call, names=("dot", "matmul", "outer"))
def _transposed_operands(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    first, operands = _receiver(node), _operands(node)
    if len(operands) != 2 or (first is not None and called_name(node) == "outer"):
        return
    a, b = operands
    pairs = [(transposed(a), b), (a, transposed(b)), (transposed(b), a), (b, transposed(a))]
    if first is not None:
        pairs.insert(2, (b, a))
    for x, y in pairs:
        if first is None:
            yield ast.Call(node.func, [x, y], node.keywords), "transpose", 1.1, None
        else:
            func = ast.Attribute(x, called_name(node), ast.Load())
            yield ast.Call(func, [y], node.keywords), "transpose", 1.1, None


@CALLS.of(ast.Call, names=("einsum",))
def _subscripts(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if node.args and isinstance(node.args[0], ast.Constant):
        for text in _other_subscripts(str(node.args[0].value)):
            args = [ast.Constant(text), *node.args[1:]]
            yield ast.Call(node.func, args, node.keywords), "subscripts", 1.5, text


@CALLS.of(ast.Call, names=("transpose",))
def _exchanged_axes(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for i in range(len(node.args) - 1):
        args = list(node.args)
        args[i], args[i + 1] = args[i + 1], args[i]
        yield ast.Call(node.func, args, node.keywords), "transpose", 1.5, None


@CALLS.of(ast.Call, names=("reshape",))
def _other_shape(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield other orders of the axes: those of the array, or of its new shape."""
    array = _receiver(node)
    if array is None:
        return
    text = ast.unparse(array)
    ndim = next((np.ndim(v) for _, v, t in around.named(site) if t == text), 0)
    for order in itertools.permutations(range(ndim)) if 2 < ndim < 5 else ():
        if order[0] == 0 and order != tuple(range(ndim)):  # rather not those of the samples
            axes: list[ast.expr] = [ast.Constant(axis) for axis in order]
            turned = ast.Call(ast.Attribute(array, "transpose", ast.Load()), axes, [])
            func = ast.Attribute(turned, "reshape", ast.Load())
            yield ast.Call(func, node.args, node.keywords), "transpose", 1.4, None
    if len(node.args) == 2:
        yield ast.Call(node.func, node.args[::-1], []), "swapped", 1.2, None


@CALLS.of(ast.Call)
def _without_option(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    for word in node.keywords:
        if word.arg not in ("axis", "keepdims", None):
            others = [k for k in node.keywords if k is not word]
            yield ast.Call(node.func, node.args, others), "extra option", 1.2, word.arg


@CALLS.of(ast.Call, names=("range",))
def _other_range(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    yield ast.Call(ast.Name("reversed", ast.Load()), [node], []), "order", 1.2, None
    args = node.args
    if len(args) == 1:
        yield ast.Call(node.func, [ast.Constant(1), args[0]], []), "range", 1.3, None
    if len(args) == 2 and isinstance(args[0], ast.Constant):
        yield ast.Call(node.func, [args[1]], []), "range", 1.3, None
    if len(args) == 3:
        yield ast.Call(node.func, args[:2], []), "range", 1.5, None


@CALLS.of(ast.Call, names=("reversed",))
def _forwards(node: ast.Call, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    if node.args:
        yield node.args[0], "order", 1, None


def _other_subscripts(text: str) -> Iterator[str]:
    """Yield einsum subscripts in which two letters of a term are swapped, or one is replaced."""
    inputs, arrow, out = text.replace(" ", "").partition("->")
    terms = [*inputs.split(","), out] if arrow else inputs.split(",")
    letters = sorted({c for c in text if c.isalpha()})
    for i, term in enumerate(terms):
        for a in range(len(term)):
            for b in range(a + 1, len(term)):
                other = list(term)
                other[a], other[b] = other[b], other[a]
                yield _joined([*terms[:i], "".join(other), *terms[i + 1 :]], arrow)
            for letter in letters:
                if letter not in term:
                    new = term[:a] + letter + term[a + 1 :]
                    yield _joined([*terms[:i], new, *terms[i + 1 :]], arrow)


def _joined(terms: list[str], arrow: str) -> str:
    return f"{','.join(terms[:-1])}->{terms[-1]}" if arrow else ",".join(terms)


def _with_name(node: ast.Call, name: str) -> ast.Call:
    if isinstance(node.func, ast.Attribute):
        func: ast.expr = ast.Attribute(node.func.value, name, ast.Load())
    else:
        func = ast.Name(name, ast.Load())
    return ast.Call(func, node.args, node.keywords)
