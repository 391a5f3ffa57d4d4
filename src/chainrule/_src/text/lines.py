"""The lines of an equation.

A value that the code gave no name and that is used once stands where it is used, every other value
has a line of its own. Python's own parser and printer put the pieces together, so that brackets
stand where they must.
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
from chainrule._src.text.literals import literal_text, result_text
from chainrule._src.text.naming import Names
from chainrule._src.text.templates import Filler, template_of

WIDTH = 92  # columns of a line without its comment
Line = tuple[str, str]  # code, and the shape of what it makes


class LineWriter:
    """Writes the equations of a program, one after another.

    Parameters
    ----------
    program : Listing
    names : Names
        Of its variables.
    forward : collection of Variable
        The part of the values before that of the others: neither stand inside one another.
    inlines : bool
        Whether values stand inside others at all, and loops are written.
    outer : LineWriter, optional
        Of the program that this one is nested in.

    Attributes
    ----------
    n : str
        What the batch size is called.
    mentions_n : bool
        Whether the lines so far mention it.
    uses : Counter of Variable
        How many operands are the variable.
    kept : set of Variable
        Those that are results.
    inline : dict of Variable to expression
        What stands for a variable that has no line.
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
        self.kept = {v for _, v in leaves(program.result) if isinstance(v, Variable)}
        self.inline: dict[Variable, ast.expr] = {}

    def nested(self, program: Listing) -> LineWriter:
        """Return what writes a program within an equation of this one."""
        return LineWriter(program, self.names, outer=self)

    def lines(self, equation: Equation) -> Iterator[Line]:
        """Yield the equation's lines, each with its shape; none if it stands inside another."""
        text = equation.primitive.text
        if self.inlines and isinstance(text, Lines):
            yield from LINES[equation.primitive.name](self, equation)
            return
        body = self.filled(equation)
        variable = equation.output
        if self._stands_inside(equation, body):
            self.inline[variable] = body[0].value
            return
        target = self.names[variable]
        for statement in body:
            if isinstance(statement, ast.Expr) and len(body) == 1:
                statement = ast.Assign([ast.Name(target)], statement.value, lineno=0)
            code = ast.unparse(statement)
            yield code, self.shape(variable.shape) if code.startswith(f"{target} = ") else ""

    def _stands_inside(self, equation: Equation, body: list[Any]) -> bool:
        """Whether a value is written where it is used instead of on a line of its own."""
        variable = equation.output
        if not self.inlines or variable in self.kept:
            return False
        if equation.primitive.text == "_0":
            return True  # another name for the same
        if len(body) > 1 or self.uses[variable] != 1 or self.names.given(variable):
            return False
        user = self.user[variable]
        position = next(i for i, operand in enumerate(user.operands) if operand is variable)
        same_part = (variable in self.forward) == (user.output in self.forward)
        once = template_of(user).count(f"_{position}") == 1
        return same_part and once and len(ast.unparse(body[0])) < WIDTH // 2

    def filled(self, equation: Equation) -> list[Any]:
        """Return the equation's text with everything in its place."""
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
        written: dict[str, Callable[[], ast.expr]] = {"n": self._size}  # in an index, for instance
        written |= {name: partial(self.literal, value) for name, value in params.items()}
        written |= {f"_{i}": partial(self.operand, equation, o) for i, o in operands}
        return list(Filler(written, params, local).visit(tree).body)

    def shape(self, shape: Any) -> str:
        """Return a shape as a comment."""
        return shape_text(shape).replace("n", self.n)

    def operand(self, equation: Equation, operand: Any) -> ast.expr:
        """Return what stands for an operand of an equation."""
        if isinstance(operand, Variable):
            return self.inline.get(operand) or ast.Name(self.names[operand])
        return self.literal(operand, equation)

    def literal(self, thing: Any, equation: Equation | None = None) -> ast.expr:
        """Return what stands for a parameter, or for a constant of an equation."""
        return self._parsed(literal_text(thing, equation))

    def _parsed(self, text: str) -> ast.expr:
        tree = ast.parse(text, mode="eval")
        found: ast.Expression = Filler({"n": self._size}, {}, {}).visit(tree)
        return found.body

    def _size(self) -> ast.expr:
        """Return what stands for the batch size."""
        self.outermost.mentions_n = True
        return ast.Name(self.n)

    def constant(self, thing: Any) -> ast.expr:
        """Return a constant that is a result."""
        return self._parsed(result_text(thing))


# By the name of a primitive whose text is `Lines`: the rule that writes them.
LINES: dict[str, Callable[[LineWriter, Equation], Iterator[Line]]] = {}
