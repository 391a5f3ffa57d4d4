"""The right program: the loss and its gradient as text, with the value of every expression."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, TypeGuard

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import ChainruleError
from chainrule._src.check.code import nodes_of, source_of_text
from chainrule._src.check.edits import exchanged
from chainrule._src.check.known import ValueTable
from chainrule._src.check.watching import Watch
from chainrule._src.core.recording import tape
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import leaves
from chainrule._src.text.text import module_text

NAME = "value_and_gradients"
GENERATED = re.compile(r"\bt\d+\b")  # names of the right program that nobody wrote
WRITTEN, LONGEST = 4, 70  # definitions that are looked into, characters of an expression in a text
LONG = 400  # lines of a right program; a longer one is not analysed
_number = itertools.count()


def right_gradient(
    loss: Callable[..., Any], parameters: Mapping[str, Array], data: Any, n: int | None, names: Any
) -> RightProgram:
    """Return the right program of a loss's gradient; ``names`` are those of the data."""
    arguments = dict(zip(("params", *names), (dict(parameters), *data), strict=True))
    sizes = [s for v in parameters.values() for s in v.shape]
    try:
        return RightProgram(value_and_grad(loss), arguments, n, sizes)
    except ChainruleError:  # code that turns its data into plain arrays: record them as constants

        def of_parameters(params: Any, *_: Any) -> Any:
            return value_and_grad(lambda values: loss(values, *data))(params)

        return RightProgram(of_parameters, arguments, n, sizes)


def right_value(f: Callable[..., Any], args: Mapping[str, Any], n: int | None) -> RightProgram:
    """Return the right program of a function; its result has the name ``value``."""
    sizes = [s for _, leaf in leaves(dict(args)) for s in np.shape(leaf)]
    return RightProgram(lambda *arguments: (f(*arguments), {}), args, n, sizes)


class _Named(ast.NodeTransformer):
    """Replaces literals by names: arrays of the data, and the number of samples."""

    def __init__(self, data: Mapping[str, Array], n: int | None) -> None:
        self.data, self.n = data, n
        self.count = next((k for k, v in data.items() if v.ndim and len(v) == n), None)

    def visit_Constant(self, node: ast.Constant) -> Any:
        """Replace a fraction by a quotient with the number of samples: 0.2857... by 2 / len(X)."""
        value = node.value
        if type(value) is not float or not self.n or self.count is None:
            return node
        times = round(value * self.n, 9)
        short = len(repr(times)) <= 6 and len(repr(value)) > 6
        if not short and abs(times) not in (0.5, 1, 2):
            return node
        length = ast.Call(ast.Name("len", ast.Load()), [ast.Name(self.count, ast.Load())], [])
        numerator = int(times) if times.is_integer() else times
        return ast.BinOp(ast.Constant(numerator), ast.Div(), length)

    def text(self, text: str) -> str:
        """Return a program's text in which the data have their names."""
        return ast.unparse(ast.fix_missing_locations(self.visit(ast.parse(text))))

    def visit_Call(self, node: ast.Call) -> Any:
        """Replace a call of `np.array` by the name of the data with these entries."""
        if ast.unparse(node.func) == "np.array":
            array = eval(ast.unparse(node), {"np": np})
            for name, value in self.data.items():
                if np.shape(value) == array.shape and np.array_equal(value, array):
                    return ast.Name(name, ast.Load())
        return self.generic_visit(node)


class RightProgram:
    """A recorded function as NumPy text, with the value of every expression.

    Parameters
    ----------
    function : callable
        Returns a value, and gradients by name.
    arguments : mapping of str to tree of ndarray
        The function's arguments by name.
    n : int or None
        The number of samples.
    sizes : sequence of int
        Sizes that a factor may be equal to.

    Attributes
    ----------
    text : str
    code : FunctionSource
    watch : Watch
        The values of the expressions on these data.
    table : ValueTable
    run : callable
        Runs the text; returns the gradients by name, or ``{"value": value}`` without gradients.
    defined : dict of str to expr
        The expression that each variable is assigned.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: Mapping[str, Any], n: int | None, sizes: Any
    ) -> None:
        program = tape(function, dict(arguments)).program()
        if len(program.equations) > 4 * LONG:
            raise ValueError("the right program is too long to be read")
        text = module_text(program, "loss")
        data = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
        self.text = _Named(data, n).text(text)
        if self.text.count("\n") > LONG:
            raise ValueError("the right program is too long to be read")
        file = f"<the right program {next(_number)}>"
        self.code = source_of_text(self.text, NAME, file)
        self.function = self.code.functions[0]
        self.run = partial(_results, self.function, tuple(arguments.values()))
        self.watch = Watch([self.code], self.run, scopes=False)
        final = [f"d_{name}" for name in arguments.get("params", ())]
        parts = {ast.unparse(node) for node in self.terms if not isinstance(node, ast.Name)}
        parts |= {f"{ast.unparse(one)} + {ast.unparse(two)}" for one, two in self._apart}
        self.table = ValueTable(self._values(), n, sizes, final, parts)
        self.numbers = tuple(
            dict.fromkeys(
                abs(c.value)
                for c in nodes_of(self.code.tree)
                if isinstance(c, ast.Constant)
                and type(c.value) is float
                and c.value % 1
                and not (n and abs(2 * n * c.value - round(2 * n * c.value)) < 1e-9)
            )
        )[:6]
        self.defined = {
            s.targets[0].id: s.value
            for s in nodes_of(self.code.tree)
            if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)
        }

    @cached_property
    def stated(self) -> list[tuple[str, ast.expr, Any]]:
        """Name ("" if it has none), expression and value of every number or array."""
        entries = []
        for site in self.watch.sites:
            value, statement = site.value, site.statement
            if isinstance(value, np.ndarray | np.floating | float):
                name = ""
                if isinstance(statement, ast.Assign) and site.node is statement.value:
                    target = statement.targets[0]
                    name = target.id if isinstance(target, ast.Name) else ""
                entries.append((name, site.node, value))
        return entries

    def _values(self) -> Iterator[tuple[str, Any]]:
        """Yield names and expressions with their values, names first."""
        for name, _, value in self.stated:
            if name:
                yield name, value
        for name, node, value in self.stated:
            if not name and not isinstance(node, ast.Constant):
                yield ast.unparse(node), value
        for one, three in self._apart:
            total = self.value_by_node[id(one)] + self.value_by_node[id(three)]
            yield f"{ast.unparse(one)} + {ast.unparse(three)}", total

    def written_out(self, text: str) -> str:
        """Return a text in which expressions take the place of the names of unnamed values."""

        def of(match: re.Match[str]) -> str:
            node: ast.expr = ast.Name(match[0], ast.Load())
            for _ in range(WRITTEN):
                names = {n.id for n in nodes_of(node) if isinstance(n, ast.Name)}
                for name in filter(GENERATED.fullmatch, names & self.defined.keys()):
                    node = exchanged(node, name, self.defined[name])
            written = "" if isinstance(node, ast.Name) else ast.unparse(node)
            return f"({written})" if 0 < len(written) <= LONGEST else "an inner value"

        return GENERATED.sub(of, text)

    @cached_property
    def value_by_node(self) -> dict[int, Any]:
        """The values of the expressions, by the ids of their nodes."""
        return {id(site.node): site.value for site in self.watch.sites if site.trace.values}

    @cached_property
    def terms(self) -> set[ast.AST]:
        """The expressions that are terms of sums."""
        sums = [node for node in nodes_of(self.code.tree) if _is_sum(node)]
        return {node.left for node in sums} | {s.right for s in sums if isinstance(s.op, ast.Add)}

    @cached_property
    def _apart(self) -> list[tuple[ast.expr, ast.expr]]:
        """The pairs of terms, of sums of three, that other code may add first."""
        pairs = []
        for node in nodes_of(self.code.tree):
            match node:
                case ast.BinOp(ast.BinOp(one, ast.Add(), two), ast.Add(), three):
                    pairs += [(one, three), (two, three)]
        return [pair for pair in pairs if {id(part) for part in pair} <= self.value_by_node.keys()]

    @cached_property
    def expressions(self) -> list[tuple[str, ast.expr, Any]]:
        """The entries of `stated` that are operations, calls or terms; their result is an array."""
        return [
            (name, node, value)
            for name, node, value in self.stated
            if isinstance(value, np.ndarray)
            and (isinstance(node, ast.BinOp | ast.Call) or _is_transposed_term(node, self.terms))
        ]

    @cached_property
    def named(self) -> dict[str, Any]:
        """The value of each variable at its first use: arrays and numbers."""
        values: dict[str, Any] = {}
        for site in self.watch.sites:
            is_plain = isinstance(site.value, np.ndarray | np.number | float | int)
            if isinstance(site.node, ast.Name) and is_plain:
                values.setdefault(site.node.id, site.value)
        return values


def _results(function: Callable[..., Any], arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Return the gradients that a text gives, by name; ``{"value": value}`` if it gives none."""
    value, gradients = function(*arguments)
    return gradients or {"value": value}


def _is_transposed_term(node: ast.expr, terms: set[ast.AST]) -> bool:
    return isinstance(node, ast.Attribute) and node in terms


def _is_sum(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
