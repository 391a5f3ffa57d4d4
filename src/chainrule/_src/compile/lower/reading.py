"""Python code is parsed into typed nodes: scalar expressions of operations, and functions.

The record of an operation has a scalar expression such as ``"1 / (1 + np.exp(-_0))"``. The
functions that kernels call (`functions`) and their frames (`driver`) are small Python functions.
Both are parsed here, once. A number takes the dtype of the operand that it is combined with.
"""

from __future__ import annotations

import ast
import functools
import linecache
import operator
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import Any

import numpy as np

from chainrule._src.compile.lower.nodes import (
    BOOL,
    WHOLE,
    Buffer,
    Call,
    Cast,
    Const,
    Expr,
    Load,
    Local,
    Select,
    cast,
)
from chainrule._src.compile.lower.statements import (
    Accumulate,
    Break,
    Effect,
    If,
    Item,
    Let,
    Loop,
    Store,
    While,
)

OPERATORS: dict[type[Any], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.FloorDiv: "floordiv",
    ast.Mod: "mod", ast.Pow: "pow", ast.BitAnd: "bitand", ast.BitOr: "bitor", ast.BitXor: "bitxor",
    ast.LShift: "shl", ast.RShift: "shr", ast.USub: "neg", ast.Not: "not", ast.And: "and",
    ast.Or: "or", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq",
    ast.NotEq: "ne",
}  # fmt: skip
_FOLDED: dict[type[Any], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip
BITS, _BITS = {"mixed", "random_bits"}, np.dtype(np.uint32)
LOGICAL = {"not", "and", "or"}
TESTS = {"lt", "le", "gt", "ge", "eq", "ne", "isnan", "isfinite", "isinf"}
DTYPES = {
    "f4": "float32", "f8": "float64", "i4": "int32", "i8": "int64",
    **{name: name for name in ("float32", "float64", "int64", "int32", "uint32")},
}  # fmt: skip
ALIASES = {
    "logical_and": "and", "logical_or": "or", "logical_not": "not", "invert": "invert",
    "fabs": "abs",
}  # fmt: skip


@dataclass(eq=False, repr=False)
class Function:
    """A function that kernels call.

    Attributes
    ----------
    name : str
    arguments : list of Local or Buffer
    body : list of Item
    result : Expr or None
    """

    name: str
    arguments: list[Local | Buffer]
    body: list[Item] = field(default_factory=list)
    result: Expr | None = None


@functools.lru_cache(1024)
def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@functools.lru_cache(1024)
def names_in(text: str) -> Mapping[str, int]:
    """Return the number of occurrences of each name in an expression."""
    counts: dict[str, int] = {}
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.Name):
            counts[node.id] = counts.get(node.id, 0) + 1
    return counts


def operation(text: str) -> str | None:
    """Return the name of the operation of an expression ``_0 op _1``, else None."""
    tree = _tree(text)
    plain = isinstance(tree, ast.BinOp) and all(
        isinstance(side, ast.Name) for side in (tree.left, tree.right)
    )
    return OPERATORS[type(tree.op)] if plain else None  # type: ignore[attr-defined]


def expression(text: str, operands: Mapping[str, Any], dtype: np.dtype[Any] | None = None) -> Expr:
    """Parse an expression and replace its names by operands.

    Parameters
    ----------
    text : str
    operands : mapping of str to Expr or Buffer
    dtype : numpy.dtype, optional
        The dtype of numbers in the expression.
    """
    return _Reader(operands, dtype).value(_tree(text))


class _Reader:
    """Parses expressions; ``names`` maps names to their values."""

    def __init__(self, names: Mapping[str, Any], dtype: np.dtype[Any] | None = None) -> None:
        self.names, self.dtype = dict(names), dtype

    def value(self, node: ast.expr) -> Expr:
        """Parse an expression; a number without a dtype so far is a `Const` with dtype None."""
        result: Expr = getattr(self, f"_{type(node).__name__.lower()}")(node)
        return result

    def _constant(self, node: ast.Constant) -> Expr:
        return self._number(node.value)

    def _number(self, value: Any) -> Expr:
        if isinstance(value, bool):
            return Const(value, BOOL)
        kind: Any = self.dtype
        return Const(value, kind if kind is None or kind.kind != "b" else WHOLE)

    def _name(self, node: ast.Name) -> Any:
        if node.id == "inf":
            return Const(np.inf, np.dtype(np.float64))
        return self.names[node.id]

    def _attribute(self, node: ast.Attribute) -> Expr:
        return self._number({"inf": np.inf, "nan": np.nan}[node.attr])

    def _subscript(self, node: ast.Subscript) -> Load:
        buffer = self.names[node.value.id]  # type: ignore[attr-defined]
        return Load(buffer, (self.typed(self.value(node.slice), WHOLE),))

    def _unaryop(self, node: ast.UnaryOp) -> Expr:
        value, name = self.value(node.operand), OPERATORS[type(node.op)]
        if name == "neg" and isinstance(value, Const):
            return Const(-value.value, value.dtype)
        if name == "not":
            return Call("not", (cast(value, BOOL),), BOOL)
        return Call(name, (value,), value.dtype)

    def _binop(self, node: ast.BinOp) -> Expr:
        first, second = self.value(node.left), self.value(node.right)
        if isinstance(first, Const) and isinstance(second, Const) and first.dtype is None:
            return self._number(_FOLDED[type(node.op)](first.value, second.value))
        return self.call(OPERATORS[type(node.op)], [first, second])

    def _compare(self, node: ast.Compare) -> Expr:
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        tests = [
            self.call(OPERATORS[type(op)], list(pair))
            for op, pair in zip(node.ops, pairwise(sides), strict=True)
        ]
        return functools.reduce(lambda a, b: Call("and", (a, b), BOOL), tests)

    def _boolop(self, node: ast.BoolOp) -> Expr:
        name = OPERATORS[type(node.op)]
        parts = [cast(self.value(part), BOOL) for part in node.values]
        return functools.reduce(lambda a, b: Call(name, (a, b), BOOL), parts)

    def _ifexp(self, node: ast.IfExp) -> Expr:
        one, other = self.alike([self.value(node.body), self.value(node.orelse)])
        return Select(cast(self.value(node.test), BOOL), one, other)

    def _call(self, node: ast.Call) -> Expr:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "view":
            kind = np.dtype(DTYPES[node.args[0].id])  # type: ignore[attr-defined]
            return Call("view", (self.value(node.func.value),), kind)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id  # type: ignore[attr-defined]
        arguments = [self.value(argument) for argument in node.args]
        if name in DTYPES:
            return self.typed(arguments[0], np.dtype(DTYPES[name]))
        return self.call(ALIASES.get(name, name), arguments)

    def call(self, name: str, arguments: list[Any]) -> Expr:
        """Return an operation on arguments of one dtype."""
        if name in LOGICAL:
            return Call(name, tuple(cast(a, BOOL) for a in arguments), BOOL)
        values = [a for a in arguments if isinstance(a, Expr)]
        if name in BITS:
            return Call(name, tuple(self.typed(value, _BITS) for value in values), _BITS)
        converted = iter(self.alike(values))
        operands = tuple(next(converted) if isinstance(a, Expr) else a for a in arguments)
        kind = next((a.dtype for a in operands if isinstance(a, Expr)), WHOLE)
        return Call(name, operands, BOOL if name in TESTS else kind)

    def alike(self, values: Sequence[Expr]) -> list[Expr]:
        """Convert values to the common dtype of those that have a dtype; numbers adapt."""
        dtypes: Any = [v.dtype for v in values if v.dtype is not None]
        if not dtypes:
            return [*values]
        kind = dtypes[0] if len(set(dtypes)) == 1 else np.result_type(*dtypes)
        return [self.typed(value, kind) for value in values]

    def typed(self, value: Expr, kind: np.dtype[Any]) -> Expr:
        """Convert a value to a dtype."""
        if value.dtype is not None:
            return cast(value, kind)
        if isinstance(value, Select):
            return Select(value.test, self.typed(value.one, kind), self.typed(value.other, kind))
        assert isinstance(value, Const)
        return Const(value.value, kind)


def known(*_: Any) -> Any:
    """A placeholder for functions of kernels, in Python code that is parsed but never run."""


def function(source: Callable[..., Any], arguments: Mapping[str, Any], name: str = "") -> Function:
    """Parse a Python function into a function of kernels.

    Parameters
    ----------
    source : callable
        A function of assignments, ``if``, ``while`` and ``for`` over ``range``, with a single
        ``return`` at the end.
    arguments : mapping of str to dtype, Local or Buffer
        The arguments by the names of the function's parameters.
    """
    named = {
        parameter: Local(parameter, argument) if isinstance(argument, np.dtype) else argument
        for parameter, argument in arguments.items()
    }
    return _FunctionReader(named).function(source, name or source.__name__)


@functools.cache
def _definition(source: Callable[..., Any]) -> ast.FunctionDef:
    """Return the syntax tree of a function, without parsing the rest of its file.

    `inspect.getsource` would spend most of its time on the rest.
    """
    code = source.__code__
    lines = linecache.getlines(code.co_filename, source.__globals__)
    head, *following = lines[code.co_firstlineno - 1 :]
    indent = head[: len(head) - len(head.lstrip())]
    inside = f"{indent} ", f"{indent})"
    body = takewhile(lambda line: line.startswith(inside) or not line.strip(), following)
    definition = ast.parse(textwrap.dedent("".join([head, *body]))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


class _FunctionReader(_Reader):
    """Parses the statements of a function."""

    def function(
        self, source: Callable[..., Any], name: str, inside: Mapping[str, list[Item]] | None = None
    ) -> Function:
        """Parse a function, and replace calls of the names in ``inside`` by statements."""
        self.inside = inside or {}
        definition = _definition(source)
        parsed = Function(name, [self.names[parameter.arg] for parameter in definition.args.args])
        *statements, last = definition.body
        if isinstance(last, ast.Return) and last.value is not None:
            parsed.body = self.block(statements)
            result = self.value(last.value)
            parsed.result = self.typed(result, result.dtype or WHOLE)
        else:
            parsed.body = self.block([*statements, last])
        return parsed

    def block(self, statements: Sequence[ast.stmt]) -> list[Item]:
        """Parse statements."""
        items: list[Item] = []
        for node in statements:
            items += getattr(self, f"_{type(node).__name__.lower()}")(node)
        return items

    def _assign(self, node: ast.Assign) -> list[Item]:
        value, (target,) = self.value(node.value), node.targets
        if isinstance(target, ast.Subscript):
            entry = self._subscript(target)
            return [Store(entry, self.typed(value, entry.dtype))]
        local = self._local(target, value)  # type: ignore[arg-type]
        return [Let(local, self.typed(value, local.dtype))]

    def _local(self, target: ast.Name, value: Expr) -> Local:
        kind, existing = value.dtype or WHOLE, self.names.get(target.id)
        if existing is None or (value.dtype is not None and existing.dtype != kind):
            existing = self.names[target.id] = Local(target.id, kind)
        local: Local = existing
        return local

    def _augassign(self, node: ast.AugAssign) -> list[Item]:
        target: Any = self.value(node.target)
        value = self.typed(self.value(node.value), target.dtype)
        return [Accumulate(target, value, OPERATORS[type(node.op)])]

    def _expr(self, node: ast.Expr) -> list[Item]:
        if isinstance(node.value, ast.Constant):
            return []
        call: Any = node.value
        if call.func.id in self.inside:
            return self.inside[call.func.id]
        return [Effect(self.value(call))]

    def _if(self, node: ast.If) -> list[Item]:
        return [If(cast(self.value(node.test), BOOL), self.block(node.body))]

    def _while(self, node: ast.While) -> list[Item]:
        return [While(cast(self.value(node.test), BOOL), self.block(node.body))]

    def _for(self, node: ast.For) -> list[Item]:
        call: Any = node.iter
        bounds = [self.typed(self.value(bound), WHOLE) for bound in call.args]
        start, stop, step = (
            (Const(0), bounds[0], Const(1)) if len(bounds) == 1 else (*bounds, Const(1))[:3]
        )
        variable: Any = self._local(node.target, Const(0))  # type: ignore[arg-type]
        return [Loop(variable, stop, self.block(node.body), start, step)]

    def _break(self, node: ast.Break) -> list[Item]:
        return [Break()]


def framed(
    source: Callable[..., Any], names: Mapping[str, Any], inside: Mapping[str, list[Item]]
) -> Function:
    """Parse a function, and replace calls of the names in ``inside`` by statements."""
    return _FunctionReader(names).function(source, source.__name__, inside)


__all__ = ["Cast", "Function", "expression", "framed", "function", "names_in", "operation"]
