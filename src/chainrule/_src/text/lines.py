"""The lines of an equation's text.

An unnamed value that is used once is written inside the expression that uses it; every other value
gets a line. Python's own parser and printer put the expressions together, so brackets are set only
where they are needed.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from chainrule._src.core.equations import Equation, Listing, Variable, shape_text
from chainrule._src.core.primitive import Lines
from chainrule._src.core.trees import leaves
from chainrule._src.text.in_place import InPlace, augmented
from chainrule._src.text.literals import literal_text, result_text
from chainrule._src.text.naming import Names
from chainrule._src.text.templates import Filler, template_of

WIDTH = 92  # columns of a line without its comment
Line = tuple[str, str]  # code, and the shape of the value that it assigns


class LineWriter:
    """Writes the equations of a program, one after another.

    Parameters
    ----------
    program : Listing
    names : Names
        The names of the program's variables.
    forward : collection of Variable
        The variables of the forward pass. Their expressions and those of the backward pass are not
        written inside each other.
    inlines : bool
        If true, values may be written inside other expressions, and recurrences as loops.
    outer : LineWriter, optional
        The writer of the program that this program is nested in.

    Attributes
    ----------
    n : str
        Name of the batch size.
    mentions_n : bool
        True once a line uses the batch size.
    uses : Counter of Variable
        Number of operands that are this variable.
    results : set of Variable
        The variables that are results of the program.
    inline : dict of Variable to expression
        The expressions of variables that have no line.
    """

    def __init__(
        self,
        program: Listing,
        names: Names,
        forward: Collection[Variable] = (),
        inlines: bool = True,
        outer: LineWriter | None = None,
    ) -> None:
        self.program, self.names, self.forward, self.inlines = program, names, forward, inlines
        self.outermost: LineWriter = outer.outermost if outer else self
        self.depth: int = outer.depth + 1 if outer else 0
        self.n: str = outer.n if outer else names.fresh("n")
        self.mentions_n = False
        self.uses = Counter(v for equation in program.equations for v in equation.variables)
        self.user = {v: equation for equation in program.equations for v in equation.variables}
        self.results = {v for _, v in leaves(program.result) if isinstance(v, Variable)}
        self.inline: dict[Variable, ast.expr] = {}
        self.in_place = InPlace(program, self.results, names) if inlines and not outer else None

    def nested(self, program: Listing) -> LineWriter:
        """Return the writer of a program that is nested in one of this program's equations."""
        return LineWriter(program, self.names, outer=self)

    def lines(self, equation: Equation) -> Iterator[Line]:
        """Yield the equation's lines with their shapes; no line if it is written inside another."""
        yield from self._lines(equation)
        if self.in_place:
            self.in_place.note(equation, self.inline)

    def _lines(self, equation: Equation) -> Iterator[Line]:
        text = equation.primitive.text
        if self.inlines and isinstance(text, Lines):
            yield from LINES[equation.primitive.name](self, equation)
            return
        variable = equation.output
        array = self.in_place.array(equation) if self.in_place else None
        if array is not None:
            self.names.chosen[variable] = self.names[array]
        elif self.in_place and self._has_name_of_operand(equation):
            self.names.chosen[variable] = self.names.fresh(self.names[variable])
        body = self.filled(equation)[array is not None :]  # without the line of the copy
        if self._stands_inside(equation, body):
            self.inline[variable] = body[0].value
            return
        target = self.names[variable]
        for statement in map(augmented, body):
            if isinstance(statement, ast.Expr) and len(body) == 1:
                statement = ast.Assign([ast.Name(target)], statement.value, lineno=0)
            code = ast.unparse(statement)
            yield code, self.shape(variable.shape) if code.startswith(f"{target} = ") else ""

    def _has_name_of_operand(self, equation: Equation) -> bool:
        """Return true if a copy would take the name of the array that it is a copy of."""
        array = self.in_place.arrays.get(equation.output) if self.in_place else None
        return array is not None and self.names[array] == self.names[equation.output]

    def _stands_inside(self, equation: Equation, body: list[Any]) -> bool:
        """Return true if the value is written inside another expression."""
        variable = equation.output
        if not self.inlines or variable in self.results:
            return False
        if equation.primitive.text == "_0":
            return True  # the operand itself
        is_written = self.in_place is not None and variable in self.in_place.arrays.values()
        if is_written or len(body) > 1 or not isinstance(body[0], ast.Expr):
            return False
        if self.uses[variable] != 1 or self.names.is_named(variable):
            return False
        user = self.user[variable]
        position = next(i for i, operand in enumerate(user.operands) if operand is variable)
        same_part = (variable in self.forward) == (user.output in self.forward)
        once = template_of(user).count(f"_{position}") == 1
        return same_part and once and len(ast.unparse(body[0])) < WIDTH // 2

    def filled(self, equation: Equation) -> list[Any]:
        """Return the syntax tree of the equation's text, with operands and parameters inserted."""
        tree = ast.parse(template_of(equation))
        assigned = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        local = {name: self.names.fresh(name) for name in sorted(assigned - {"_y"})}
        if assigned:
            local["_y"] = self.names[equation.output]
        params, operands = equation.params, enumerate(equation.operands)
        written: dict[str, Callable[[], ast.expr]] = {"n": self._size}  # in indices
        written |= {name: partial(self.literal, value) for name, value in params.items()}
        written |= {f"_{i}": partial(self.operand, equation, o) for i, o in operands}
        return list(Filler(written, params, local).visit(tree).body)

    def shape(self, shape: Any) -> str:
        """Return a shape as the text of a comment."""
        return shape_text(shape).replace("n", self.n)

    def operand(self, equation: Equation, operand: Any) -> ast.expr:
        """Return the expression of an operand of an equation."""
        if isinstance(operand, Variable):
            return self.inline.get(operand) or ast.Name(self.names[operand])
        return self.literal(operand, equation)

    def literal(self, value: Any, equation: Equation | None = None) -> ast.expr:
        """Return the expression of a parameter, or of a constant of an equation."""
        return self._parsed(literal_text(value, equation))

    def _parsed(self, text: str) -> ast.expr:
        tree = ast.parse(text, mode="eval")
        expression: ast.Expression = Filler({"n": self._size}, {}, {}).visit(tree)
        return expression.body

    def _size(self) -> ast.expr:
        """Return the expression of the batch size."""
        self.outermost.mentions_n = True
        return ast.Name(self.n)

    def constant(self, value: Any) -> ast.expr:
        """Return the expression of a constant that is a result."""
        return self._parsed(result_text(value))


# Name of a primitive whose text is `Lines` → function that writes the lines.
LINES: dict[str, Callable[[LineWriter, Equation], Iterator[Line]]] = {}
