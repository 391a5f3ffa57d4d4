"""Loops: a recurrence is written as a ``for`` loop over the lines of its body."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.core.equations import Equation, Listing, Variable
from chainrule._src.core.primitive import Lines
from chainrule._src.text.lines import LINES, Line, LineWriter
from chainrule._src.trace.passes import copied


def loop_lines(writer: LineWriter, equation: Equation) -> Iterator[Line]:
    """Yield the lines of a recurrence, which assign its results to variables."""
    yield from _LoopWriter(writer, equation).lines()


def no_lines(writer: LineWriter, equation: Equation) -> Iterator[Line]:
    """Yield nothing: the loop has assigned this result to a variable already."""
    yield from ()


class _LoopWriter:
    """Writes the loop of one recurrence.

    Parameters
    ----------
    writer : LineWriter
        The writer of the program that contains the recurrence.
    equation : Equation
    """

    def __init__(self, writer: LineWriter, equation: Equation) -> None:
        self.writer, self.equation, self.names = writer, equation, writer.names
        self.body: Listing = copied(equation.params["body"].program)
        self.carry: list[Variable] = self.body.arguments["carry"]
        self.new, self.ys = self.body.result
        self.results = Counter(map(id, [*self.new, *self.ys]))
        self.positions = {e.output: i for i, e in enumerate(self.body.equations)}
        self.direct = dict(self._renewed())
        self.inner = writer.nested(self.body)
        self._name()

    def lines(self) -> Iterator[Line]:
        """Yield the lines of the loop."""
        operands = [self.writer.operand(self.equation, o) for o in self.equation.operands]
        count, closed = len(self.carry), self.body.arguments["closed"]
        for variable, operand in zip(self.carry, operands, strict=False):
            code = f"{self.names[variable]} = {ast.unparse(operand)}"
            yield code, self.writer.shape(variable.shape)
        others: list[ast.expr] = []
        for i, operand in enumerate(operands[count:], count):
            if not isinstance(operand, ast.Name):  # it is computed once, before the loop
                name, shape = self._before(i)
                yield f"{name} = {ast.unparse(operand)}", shape
                operand = ast.Name(name)
            others.append(operand)
        self.inner.inline.update(zip(closed, others, strict=False))
        for name, y in zip(self.stacks, self.ys, strict=True):
            sizes = (self.equation.params["steps"], *np.shape(y))
            dtype = "" if y.dtype == np.float64 else f", {self._literal(y.dtype.type)}"
            yield f"{name} = np.empty({self._literal(sizes)}{dtype})", self.writer.shape(sizes)
        turns = f"range({self._literal(self.equation.params['steps'])})"
        reverse = self.equation.params["reverse"]
        yield f"for {self.step} in {f'reversed({turns})' if reverse else turns}:", ""
        inside = list(self._turn(others[len(closed) :]))
        yield from ((f"    {code}", shape) for code, shape in inside or [("pass", "")])

    def _before(self, i: int) -> tuple[str, str]:
        """Return a name for an operand that is computed before the loop, and its shape."""
        operand = self.equation.operands[i]
        if isinstance(operand, Variable):
            return self.names[operand], self.writer.shape(operand.shape)
        return self.names.fresh([*self.body.inputs][i].name or "t"), ""

    def _name(self) -> None:
        """Choose the names of the loop's results: those in the program, or those in the body."""
        items = {
            e.params["number"]: e.output
            for e in self.writer.program.equations
            if self.equation.output in e.variables
        }
        self.step = self.names.turn(self.writer.depth)
        self.stacks: list[str] = []
        for number, leaf in enumerate([*self.carry, *self.ys]):
            item = items.get(number)
            if item is None or not (self.names.is_named(item) or item in self.names.chosen):
                ending = "s" if number >= len(self.carry) else ""
                ending = "_before" if ending and any(leaf is c for c in self.carry) else ending
                name = getattr(leaf, "name", None)
                about = getattr(leaf, "adjoint_of", None)
                wish = name or (about and about.name and f"d_{about.name}") or "t"
                name = self.names.fresh(wish + ending)
            else:
                name = self.names[item]
            if item is not None:
                self.names.chosen[item] = name
            if number < len(self.carry):
                self.names.chosen[leaf] = name
            else:
                self.stacks.append(name)
        self.names.add(self.body, but=self.direct)

    def _renewed(self) -> Iterator[tuple[Variable, Variable]]:
        """Yield pairs of a new carry and the old carry whose name it may take."""
        last = {v: i for i, e in enumerate(self.body.equations) for v in e.variables}
        for old, new in zip(self.carry, self.new, strict=True):
            made_here = isinstance(new, Variable) and new in self.positions
            twice = sum(other is new for other in self.new) > 1
            if not made_here or twice or self.results[id(old)]:
                continue
            equation = self.body.equations[self.positions[new]]
            if last.get(old, -1) <= self.positions[new] and not _has_lines(equation):
                yield new, old

    def _turn(self, xs: list[ast.expr]) -> Iterator[Line]:
        inner = self.inner
        for variable, stack in zip(self.body.arguments["x"], xs, strict=True):
            entry = f"{ast.unparse(stack)}[{self.step}]"
            if inner.uses[variable] == 1 and variable not in inner.results:
                inner.inline[variable] = ast.parse(entry, mode="eval").body
            else:
                yield f"{inner.names[variable]} = {entry}", self.writer.shape(variable.shape)
        stacks = {id(y): name for name, y in zip(self.stacks, self.ys, strict=True)}
        for i, e in enumerate(self.body.equations):
            v = e.output
            if v in self.direct:
                if self._may_take(i, e, self.direct[v]):
                    self.names.chosen[v] = self.names[self.direct[v]]
                elif v.name:
                    self.names.chosen[v] = self.names.fresh(v.name)
            if id(v) in stacks and self._is_stacked_alone(v, e):
                code = ast.unparse(inner.filled(e)[0].value)
                yield f"{stacks.pop(id(v))}[{self.step}] = {code}", self.writer.shape(v.shape)
            else:
                yield from inner.lines(e)
        for y in self.ys:
            if id(y) in stacks:
                code = ast.unparse(self._code(y))
                yield f"{stacks[id(y)]}[{self.step}] = {code}", self.writer.shape(np.shape(y))
        yield from self._handed_on()

    def _may_take(self, i: int, e: Equation, old: Variable) -> bool:
        """Return true if no expression that is written later reads the old carry."""
        name, positions, user = self.names[old], self.positions, self.inner.user
        waiting = [
            code
            for v, code in self.inner.inline.items()
            if v in positions and v in user and positions[user[v].output] > i
        ]
        read = any(isinstance(n, ast.Name) and n.id == name for c in waiting for n in ast.walk(c))
        return not read and len(self.inner.filled(e)) == 1

    def _is_stacked_alone(self, v: Variable, e: Equation) -> bool:
        """Return true if an unnamed value is stacked and not used otherwise."""
        once = self.results[id(v)] == 1 and not self.inner.uses[v] and not self.names.is_named(v)
        return once and not _has_lines(e) and len(self.inner.filled(e)) == 1

    def _handed_on(self) -> Iterator[Line]:
        """Yield the assignment of the new carry to the variables of the old carry."""
        pairs = [
            (self.names[old], ast.unparse(self._code(new)))
            for old, new in zip(self.carry, self.new, strict=True)
        ]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        if pairs:
            yield " = ".join(", ".join(part) for part in zip(*pairs, strict=True)), ""

    def _literal(self, value: Any) -> str:
        return ast.unparse(self.writer.literal(value))

    def _code(self, leaf: Any) -> ast.expr:
        expression: ast.expr
        if isinstance(leaf, Variable):
            expression = self.inner.inline.get(leaf) or ast.Name(self.names[leaf])
        else:
            expression = self.inner.constant(leaf)
        return expression


def _has_lines(e: Equation) -> bool:
    return isinstance(e.primitive.text, Lines)


LINES["scan"], LINES["item"] = loop_lines, no_lines
