"""Changes of a call: another axis, function, order of arguments, or no call at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from chainrule._src.check.edits import Change, binary, called_name, is_numpy, transposed
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site

FUNCTIONS = (
    ("sum", "mean"), ("maximum", "minimum"), ("max", "min"), ("exp", "log"), ("tanh", "sinh"),
    ("zeros_like", "ones_like"), ("zeros", "ones"), ("var", "std"), ("argmax", "argmin"),
    ("sqrt", "square"), ("sin", "cos"), ("sign", "abs"), ("matmul", "multiply"), ("tanh", "arctan"),
)  # fmt: skip


AXES: tuple[Any, ...] = (0, 1, -1, 2, None, (0, 1), (0, 2), (1, 2), (0, 2, 3), (0, 1, 2))


def of_call(node: ast.Call, value: Any, site: Site, around: BuildingBlocks) -> Iterator[Change]:
    """Yield a call with another function, argument or axis, and each argument without the call."""
    name = called_name(node)
    on = isinstance(node.func, ast.Attribute) and not is_numpy(node.func.value)
    first = node.func.value if on and isinstance(node.func, ast.Attribute) else None
    operands = [first, *node.args] if first is not None else list(node.args)
    operand = operands[0] if operands else None
    for part in operands:
        if not isinstance(part, ast.Starred):
            yield part, "extra call", 1.1, name
    if name in ("sum", "mean", "max", "min", "var", "std", "prod", "softmax", "cumsum"):
        keep = [k for k in node.keywords if k.arg == "keepdims"]
        others = [k for k in node.keywords if k.arg not in ("axis", "keepdims")]
        positional = node.args if on else node.args[1:]
        have = next(
            (k.value for k in node.keywords if k.arg == "axis"),
            positional[0] if positional else None,
        )
        base = node.args[:0] if on else node.args[:1]
        for axis in AXES:
            literal = None if axis is None else ast.parse(repr(axis), mode="eval").body
            if have is not None and literal is not None and ast.dump(have) == ast.dump(literal):
                continue
            axes = [ast.keyword("axis", literal)] if literal is not None else []
            yield ast.Call(node.func, base, [*axes, *keep, *others]), "axis", 1.2, axis
            if not keep and axis is not None:
                keepdims = ast.keyword("keepdims", ast.Constant(True))
                yield ast.Call(node.func, base, [*axes, keepdims, *others]), "axis", 1.6, axis
        if keep:
            yield _without(node, "keepdims"), "keepdims", 1.1, None
        else:
            keepdims = ast.keyword("keepdims", ast.Constant(True))
            yield ast.Call(node.func, node.args, [*node.keywords, keepdims]), "keepdims", 1.1, None
    if name == "log" and operand is not None:
        yield binary(ast.Constant(1), ast.Div(), operand), "derivative of log", 1.4, name
    for pair in FUNCTIONS:
        if name in pair:
            other = pair[1 - pair.index(name)]
            yield _with_name(node, other), "function", 1.1, other
    if isinstance(node.func, ast.Name):
        for other in around.helpers(site):
            if other != name:
                yield _with_name(node, other), "function", 1.3, other
    if len(node.args) == 2 and not on:
        yield ast.Call(node.func, node.args[::-1], node.keywords), "swapped", 0.9, None
    if len(node.args) == 3:
        a, b, c = node.args
        yield ast.Call(node.func, [a, c, b], node.keywords), "swapped", 1.2, None
        if name == "where":
            yield b, "extra call", 1.2, name
            yield c, "extra call", 1.4, name
    if name in ("dot", "matmul", "outer") and not on and len(node.args) == 2:
        a, b = node.args
        for x, y in (
            (transposed(a), b),
            (a, transposed(b)),
            (transposed(b), a),
            (b, transposed(a)),
        ):
            yield ast.Call(node.func, [x, y], node.keywords), "transpose", 1.1, None
    if name in ("dot", "matmul") and on and len(node.args) == 1 and first is not None:
        b = node.args[0]
        for x, y in ((transposed(first), b), (first, transposed(b)), (b, first),
                     (transposed(b), first), (b, transposed(first))):  # fmt: skip
            func = ast.Attribute(x, name, ast.Load())
            yield ast.Call(func, [y], node.keywords), "transpose", 1.1, None
    if name == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
        for text in _other_subscripts(str(node.args[0].value)):
            args = [ast.Constant(text), *node.args[1:]]
            yield ast.Call(node.func, args, node.keywords), "subscripts", 1.5, text
    if name == "transpose" and len(node.args) >= 2:
        for i in range(len(node.args) - 1):
            args = list(node.args)
            args[i], args[i + 1] = args[i + 1], args[i]
            yield ast.Call(node.func, args, node.keywords), "transpose", 1.5, None
    if name == "range":
        yield from _of_range(node)
    if name == "reversed" and node.args:
        yield node.args[0], "order", 1, None


def _of_range(node: ast.Call) -> Iterator[Change]:
    yield ast.Call(ast.Name("reversed", ast.Load()), [node], []), "order", 1.2, None
    args = node.args
    if len(args) == 1:
        yield ast.Call(node.func, [ast.Constant(1), args[0]], []), "range", 1.3, None
    if len(args) == 2 and isinstance(args[0], ast.Constant):
        yield ast.Call(node.func, [args[1]], []), "range", 1.3, None
    if len(args) == 3:
        yield ast.Call(node.func, args[:2], []), "range", 1.5, None


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


def _without(node: ast.Call, keyword: str) -> ast.Call:
    return ast.Call(node.func, node.args, [k for k in node.keywords if k.arg != keyword])


def _with_name(node: ast.Call, name: str) -> ast.Call:
    if isinstance(node.func, ast.Attribute):
        func: ast.expr = ast.Attribute(node.func.value, name, ast.Load())
    else:
        func = ast.Name(name, ast.Load())
    return ast.Call(func, node.args, node.keywords)
