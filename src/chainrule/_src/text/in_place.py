"""Assignments in a text are written in place where nothing reads the old array any more.

``t = x.copy(); t[i] = v`` becomes ``x[i] = v``: the result has the array's name from then on.
Equations that read the old array are written before, if they can be.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from chainrule._src.core.equations import Equation, Listing, Variable
from chainrule._src.core.kernel import Contraction, Elementwise, Reduction, Replacement, Scatter
from chainrule._src.text.naming import Names

MOST_MOVED = 20  # equations that are written before an assignment
_NEW = (Contraction, Elementwise, Reduction, Replacement, Scatter)  # results in new memory


def reads_first(
    equations: Sequence[Equation], results: Collection[Variable], part: Callable[[Variable], str]
) -> list[Equation]:
    """Return the equations in an order in which an array is read before it is written into.

    ``part`` returns the part of the text that a variable belongs to; equations stay in theirs.
    """
    maker = {e.output: e for e in equations}
    users: dict[Variable, list[Equation]] = defaultdict(list)
    for e in equations:
        for v in dict.fromkeys(e.variables):
            users[v].append(e)
    ordered: dict[Variable, Equation] = {}
    begun: set[Variable] = set()

    def readers(e: Equation, inline: bool) -> list[Equation]:
        """Return the equations that must come before an assignment, if they can.

        If ``inline``, also those that values used once may be written inside of.
        """
        x = e.operands[0]
        if not isinstance(x, Variable) or x in results or x not in maker or not _is_new(maker[x]):
            return []
        views, reading = [x], []
        for v in views:
            others = [u for u in users[v] if u is not e and u.output not in ordered]
            reading += others
            views += [u.output for u in others if not _is_new(u) or (
                inline and isinstance(u.primitive.kernel, Elementwise) and len(users[u.output]) == 1
            )]  # fmt: skip
        needed = dict.fromkeys(reading)
        for u in (todo := list(needed)):
            makers = (maker[v] for v in u.variables if v in maker and v not in ordered)
            todo += [m for m in makers if m not in needed]
            needed |= dict.fromkeys(todo)
            if len(todo) > MOST_MOVED:
                return []
        fits = all(u.output not in begun and part(u.output) == part(e.output) for u in needed)
        return reading if fits else []

    def add(e: Equation) -> None:
        if e.output in begun:
            return
        begun.add(e.output)
        for v in e.variables:
            if v in maker:
                add(maker[v])
        n_waiting = len(begun) - len(ordered)
        if isinstance(e.primitive.kernel, Replacement) and n_waiting <= MOST_MOVED:
            for reader in readers(e, True) or readers(e, False):
                add(reader)
        ordered[e.output] = e

    for e in equations:
        add(e)
    return list(ordered.values())


class InPlace:
    """The assignments of a program that may be written in place.

    Parameters
    ----------
    program : Listing
    results : collection of Variable
    names : Names
        Arrays get the name of the result that is written in their place.

    Attributes
    ----------
    arrays : dict of Variable to Variable
        The array that each result may take the place of.
    """

    def __init__(self, program: Listing, results: Collection[Variable], names: Names) -> None:
        last = {v: i for i, e in enumerate(program.equations) for v in e.variables}
        self._last = last | dict.fromkeys(results, len(program.equations))
        self._position = {e.output: i for i, e in enumerate(program.equations)}
        self._memory: dict[Variable, set[Variable]] = {}  # variables whose memory a value shows
        self._mentions: dict[Variable, set[Variable]] = {}  # of values without a line
        self.arrays: dict[Variable, Variable] = {}
        new = {e.output for e in program.equations if _is_new(e) and e.output.shape}
        for i, e in reversed(list(enumerate(program.equations))):
            x = e.operands[0] if isinstance(e.primitive.kernel, Replacement) else None
            if isinstance(x, Variable) and x in new and self._last[x] == i:
                self.arrays[e.output] = x
                if e.output in names.chosen and not names.is_named(x):
                    names.chosen[x] = names.chosen[e.output]

    def note(self, equation: Equation, inline: Collection[Variable]) -> None:
        """Note the arrays that an equation's value mentions or shows."""
        variable = equation.output
        if variable in inline:
            self._mentions[variable] = self._read(equation.variables)
        elif not _is_new(equation):
            self._memory[variable] = self._read(equation.variables)

    def _read(self, variables: Iterable[Variable]) -> set[Variable]:
        read: set[Variable] = set()
        for v in variables:
            read |= self._mentions.get(v, {v} | self._memory.get(v, set()))
        return read

    def array(self, equation: Equation) -> Variable | None:
        """Return the array that an assignment is written into; None if it needs a copy."""
        x, now = self.arrays.get(equation.output), self._position[equation.output]
        if x is None or x in self._mentions:
            return None
        later = [v for v, read in self._mentions.items() if x in read and self._last[v] > now]
        views = [v for v, read in self._memory.items() if x in read and self._last.get(v, 0) > now]
        values = [v for v in equation.operands[1:] if isinstance(v, Variable)]
        several = len(equation.params["indices"]) > 1  # a value must not read what was written
        is_read = bool(later or views) or (several and x in self._read(values))
        return None if is_read else x


def _is_new(equation: Equation) -> bool:
    return isinstance(equation.primitive.kernel, _NEW) and equation.primitive.text != "_0"


def augmented(statement: Any) -> Any:
    """Return ``x[i] += v`` for ``x[i] = x[i] + v``; other statements unchanged."""
    match statement:
        case ast.Assign([ast.Subscript() as target], ast.BinOp(left, operator, right)):
            if ast.unparse(left) == ast.unparse(target):
                return ast.AugAssign(target, operator, right)
    return statement
