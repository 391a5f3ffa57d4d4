"""A recurrence as text: a ``for`` loop over the lines of its body."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.ops.recurrence import ITEM, SCAN
from chainrule.program.equations import Equation, Listing, Variable, copied, shape_text
from chainrule.program.literals import literal_text

Line = tuple[str, str]  # code, and the shape of what it makes


def written_sizes(equation: Equation) -> list[Any]:
    """Return the sizes that stand in the text of a recurrence."""
    if equation.primitive is not SCAN:
        return []
    body = equation.params["body"]
    return [y.shape for y in body.results[len(body.carry) :]]


def loop_lines(writer: Any, equation: Equation) -> Iterator[Line]:
    """Yield the lines of a recurrence, which leave its results in variables of their names."""
    yield from _Loop(writer, equation).lines()


class _Loop:
    """Writes one loop.

    Parameters
    ----------
    writer : _Writer
        Of the program that the recurrence is part of.
    equation : Equation
    """

    def __init__(self, writer: Any, equation: Equation) -> None:
        self.writer, self.equation, self.names = writer, equation, writer.names
        self.body: Listing = copied(equation.params["body"].program)
        self.steps = literal_text(equation.params["steps"]).replace("n", writer.n)
        self.carry: list[Variable] = self.body.arguments["carry"]
        self.new, self.given = self.body.result
        self.results = Counter(map(id, [*self.new, *self.given]))
        self.place = {e.output: i for i, e in enumerate(self.body.equations)}
        self.direct = dict(self._renewed())
        self.inner = writer.nested(self.body)
        self._name()

    def lines(self) -> Iterator[Line]:
        """Yield the lines."""
        operands = [self.writer.operand(self.equation, o) for o in self.equation.operands]
        count, closed = len(self.carry), self.body.arguments["closed"]
        for variable, operand in zip(self.carry, operands, strict=False):
            yield f"{self.names[variable]} = {ast.unparse(operand)}", self._shape(variable.shape)
        others: list[ast.expr] = []
        inputs = [*closed, *self.body.arguments["x"]]
        for variable, operand in zip(inputs, operands[count:], strict=True):
            if not isinstance(operand, ast.Name):
                name = self.names.fresh(variable.name or "t")
                yield f"{name} = {ast.unparse(operand)}", ""
                operand = ast.Name(name)
            others.append(operand)
        self.inner.inline.update(zip(closed, others, strict=False))
        for name, y in zip(self.stacks, self.given, strict=True):
            shape = (self.equation.params["steps"], *np.shape(y))
            sizes = literal_text(shape).replace("n", self.writer.n)
            dtype = "" if y.dtype == np.float64 else f", {literal_text(y.dtype.type)}"
            yield f"{name} = np.empty({sizes}{dtype})", self._shape(shape)
        turns = f"range({self.steps})"
        reverse = self.equation.params["reverse"]
        yield f"for {self.step} in {f'reversed({turns})' if reverse else turns}:", ""
        inside = list(self._turn(others[len(closed) :]))
        yield from ((f"    {code}", shape) for code, shape in inside or [("pass", "")])

    def _name(self) -> None:
        """Name what the loop leaves after the code's own names, or after the body's."""
        items = {
            e.params["number"]: e.output
            for e in self.writer.program.equations
            if e.primitive is ITEM and e.operands[0] is self.equation.output
        }
        self.step = self.names.turn(self.writer.depth)
        self.stacks: list[str] = []
        for number, leaf in enumerate([*self.carry, *self.given]):
            item = items.get(number)
            if item is None or not (self.names.given(item) or item in self.names.chosen):
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
        """Yield new carries that may take the name of the old where they are made."""
        last = {v: i for i, e in enumerate(self.body.equations) for v in e.variables}
        for old, new in zip(self.carry, self.new, strict=True):
            made_here = isinstance(new, Variable) and new in self.place
            twice = sum(other is new for other in self.new) > 1
            if not made_here or twice or self.results[id(old)]:
                continue
            made = self.body.equations[self.place[new]]
            if last.get(old, -1) <= self.place[new] and made.primitive is not ITEM:
                yield new, old

    def _turn(self, xs: list[ast.expr]) -> Iterator[Line]:
        inner = self.inner
        for variable, stack in zip(self.body.arguments["x"], xs, strict=True):
            entry = f"{ast.unparse(stack)}[{self.step}]"
            if inner.uses[variable] == 1 and variable not in inner.kept:
                inner.inline[variable] = ast.parse(entry, mode="eval").body
            else:
                yield f"{inner.names[variable]} = {entry}", self._shape(variable.shape)
        stacks = {id(y): name for name, y in zip(self.stacks, self.given, strict=True)}
        for i, e in enumerate(self.body.equations):
            v = e.output
            if v in self.direct:
                if self._may_take(i, e, self.direct[v]):
                    self.names.chosen[v] = self.names[self.direct[v]]
                elif v.name:
                    self.names.chosen[v] = self.names.fresh(v.name)
            if id(v) in stacks and self._is_stacked_alone(v, e):
                code = ast.unparse(inner.filled(e)[0].value)
                yield f"{stacks.pop(id(v))}[{self.step}] = {code}", self._shape(v.shape)
            else:
                yield from inner.lines(e)
        for y in self.given:
            if id(y) in stacks:
                code = ast.unparse(self._code(y))
                yield f"{stacks[id(y)]}[{self.step}] = {code}", self._shape(np.shape(y))
        yield from self._handed_on()

    def _may_take(self, i: int, e: Equation, old: Variable) -> bool:
        """Whether nothing that is still to be written reads the old carry."""
        name, place, user = self.names[old], self.place, self.inner.user
        waiting = [
            code
            for v, code in self.inner.inline.items()
            if v in place and v in user and place[user[v].output] > i
        ]
        read = any(isinstance(n, ast.Name) and n.id == name for c in waiting for n in ast.walk(c))
        return not read and len(self.inner.filled(e)) == 1

    def _is_stacked_alone(self, v: Variable, e: Equation) -> bool:
        """Whether a value without a name is stacked and nothing else is done with it."""
        once = self.results[id(v)] == 1 and not self.inner.uses[v] and not self.names.given(v)
        return once and e.primitive not in (SCAN, ITEM) and len(self.inner.filled(e)) == 1

    def _handed_on(self) -> Iterator[Line]:
        """Yield what makes the new carry the old one."""
        pairs = [
            (self.names[old], ast.unparse(self._code(new)))
            for old, new in zip(self.carry, self.new, strict=True)
        ]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        if pairs:
            yield " = ".join(", ".join(part) for part in zip(*pairs, strict=True)), ""

    def _code(self, leaf: Any) -> ast.expr:
        found: ast.expr
        if isinstance(leaf, Variable):
            found = self.inner.inline.get(leaf) or ast.Name(self.names[leaf])
        else:
            found = self.inner.constant(leaf)
        return found

    def _shape(self, shape: Any) -> str:
        return shape_text(shape).replace("n", self.writer.n)
