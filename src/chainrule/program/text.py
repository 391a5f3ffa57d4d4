"""A program as NumPy that one can read.

Every equation becomes an expression; a value that the code gave no name and that is used once
stands where it is used, every other value has a line of its own. Python's own parser and printer
put the pieces together, so that brackets stand where they must.
"""

from __future__ import annotations

import ast
import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

from chainrule.autodiff.trees import Path, leaves
from chainrule.ops.recurrence import ITEM, SCAN
from chainrule.program.batch import Nested, depends_on_n, every
from chainrule.program.equations import Equation, Listing, Variable, shape_text
from chainrule.program.helpers import helpers_of, quoted
from chainrule.program.literals import literal_text, result_text
from chainrule.program.loops import loop_lines, written_sizes
from chainrule.program.making import making
from chainrule.program.naming import Names
from chainrule.program.templates import Filler, template_of

WIDTH = 92  # columns of a line without its comment


@making()
def module_text(program: Listing, name: str = "value") -> str:
    """Write a program of a value and its gradients as a module."""
    return "".join(_Writer(program, program.result[0], name).module())


@making()
def function_text(
    program: Listing,
    name: str,
    doc: str,
    value: Any = None,
    *,
    value_name: str = "value",
    spread: bool = False,
) -> str:
    """Write a program as a function alone; `quoted` writes the imports and helpers it needs.

    Parameters
    ----------
    program : Listing
        A tuple as its result is returned as it is.
    name, doc : str
        The function's, and its docstring.
    value : Variable, optional
        What everything else is the gradient of, and ``value_name`` what to call it: then the text
        has a part for each.
    spread : bool, default False
        The arrays within the arguments, as far as they are used, are arguments themselves, of any
        shape.
    """
    return "".join(_Writer(program, value, value_name).function(name, doc, spread))


@making()
def equation_lines(program: Listing) -> list[tuple[Variable, str, str]]:
    """Return every variable with its name and the expression that gives it (none for inputs)."""
    writer = _Writer(program, None, "value", inlines=False)
    lines = [(v, writer.names[v], "") for _, v in leaves(program.arguments)]
    for equation in program.equations:
        name = writer.names[equation.output]
        code = [code for code, _ in writer.lines(equation)]
        if len(code) > 1:
            operands = (writer.names[v] for v in equation.variables)
            code = [f"{equation.primitive.name}({', '.join(operands)})"]
        lines.append((equation.output, name, code[0].removeprefix(f"{name} = ")))
    return lines


class _Writer:
    """Writes one program."""

    def __init__(
        self, program: Listing, value: Any, name: str, inlines: bool = True, outer: Any = None
    ) -> None:
        self.program = program
        self.inlines = inlines
        self.forward = _needed(program, value)
        self.backward = _needed(program, program.result[1]) if self.forward else set()
        self.helpers = helpers_of(program)
        reserved = (helper.__name__ for helper in self.helpers)
        self.names = outer.names if outer else Names(program, value, name, reserved)
        self.depth: int = outer.depth + 1 if outer else 0
        self.n: str = outer.n if outer else self.names.fresh("n")
        self.uses = Counter(v for equation in program.equations for v in equation.variables)
        self.user = {v: equation for equation in program.equations for v in equation.variables}
        self.kept = {v for _, v in leaves(program.result) if isinstance(v, Variable)}
        self.inline: dict[Variable, ast.expr] = {}

    def nested(self, program: Listing) -> _Writer:
        """Return what writes a program within an equation of this one."""
        return _Writer(program, None, "", outer=self)

    def module(self) -> Iterator[str]:
        yield f"{quoted(self.helpers)}\n\n\n"
        yield from self.function("value_and_gradients")

    def function(self, name: str, doc: str = "", spread: bool = False) -> Iterator[str]:
        arguments = self._used_names() if spread else self.program.arguments
        yield f"def {name}({', '.join(arguments)}):\n"
        if doc:
            yield textwrap.indent(f'"""{doc}"""\n', "    ")
        if not self.program.general:
            yield "    # for the shapes it was recorded with alone\n"
        prelude = [] if spread else [*self._unpacking(), *self._batch_size()]
        prelude += [] if doc else self._lengths()
        prelude += self._sizes()
        yield "".join(f"    {line}\n" for line in prelude)
        parts: dict[str, list[Equation]] = {"forward": [], "backward": [], "state": []}
        for equation in self.program.equations:
            parts[self._part(equation.output)].append(equation)
        lines = {
            title: [line for equation in part for line in self.lines(equation)]
            for title, part in parts.items()
        }
        if spread:
            lines = {title: [(code, "") for code, _ in part] for title, part in lines.items()}
        column = max(
            (len(code) for part in lines.values() for code, shape in part if shape), default=0
        )
        for title, part in lines.items():
            if part:
                yield "\n" if prelude or (title != "forward" and self.forward) else ""
                yield f"    # {title}\n" if self.forward else ""
            for code, shape in part:
                yield f"    {code:<{column}}  # {shape}\n" if shape else f"    {code}\n"
        yield ("\n" if self.forward else "") + f"    return {self._returned()}\n"

    def _part(self, variable: Variable) -> str:
        """Return which part of the text a value belongs to."""
        if variable in self.forward:
            return "forward"
        return "state" if self.forward and variable not in self.backward else "backward"

    def _returned(self) -> str:
        result = self.program.result
        parts = result if isinstance(result, tuple) else (result,)
        line = ", ".join(map(self._tree, parts))
        return line if len(line) <= WIDTH else ", ".join(map(self._tall, parts))

    def _tall(self, tree: Any) -> str:
        """Write a dict with a line for each entry."""
        if not isinstance(tree, dict):
            return self._tree(tree)
        inside = "".join(f"        {_key_text(k)}: {self._tree(v)},\n" for k, v in tree.items())
        return f"{{\n{inside}    }}"

    def _used_names(self) -> list[str]:
        """Return the names of the inputs that are used."""
        return [self.names[v] for v in self.program.inputs if self.uses[v] or v in self.kept]

    def _unpacking(self) -> Iterator[str]:
        used = [
            (self.names[variable], _path_text(path))
            for path, variable in leaves(self.program.arguments)
            if len(path) > 1 and (self.uses[variable] or variable in self.kept)
        ]
        if used:
            names, places = (", ".join(part) for part in zip(*used, strict=True))
            together = f"{names} = {places}"
            yield from [together] if len(together) <= WIDTH else map(" = ".join, used)

    def _batch_size(self) -> Iterator[str]:
        if self.program.batch is not None and self.program.general and self._mentions_n():
            yield f"{self.n} = {self._length(self.program.batch)}"

    def _lengths(self) -> Iterator[str]:
        """Yield what must hold of data whose length is not the batch size."""
        parameters = next(iter(self.program.arguments), None)
        for path, variable in leaves(self.program.arguments):
            data = path[0] != parameters and variable.shape and path != self.program.batch
            if data and not depends_on_n(variable.shape):
                yield f"assert {self._length(path)} == {variable.shape[0]}"

    def _sizes(self) -> Iterator[str]:
        """Yield for which batch sizes the text holds, where not for all."""
        batch, proof = self.program.batch, self.program.proof
        if batch is not None and proof is not None:
            low, high = proof.sizes(self.program)
            ends = f"{low} <= " * (low > 1), f" <= {high}" * (high is not None)
            if any(ends):
                yield f"assert {self._length(batch).join(ends)}"

    def _length(self, path: Path) -> str:
        where = _path_text(path)
        return f"{where}.shape[0]" if "len" in self.program.arguments else f"len({where})"

    def _mentions_n(self) -> bool:
        things = [
            thing
            for equation in every(self.program.equations)
            for thing in (*equation.operands, *equation.params.values(), *written_sizes(equation))
            if not isinstance(thing, Nested)
        ]
        return any(map(depends_on_n, [*things, *(leaf for _, leaf in leaves(self.program.result))]))

    def lines(self, equation: Equation) -> Iterator[tuple[str, str]]:
        """Yield the equation's lines, each with its shape; none if it stands inside another."""
        if self.inlines and equation.primitive in (SCAN, ITEM):
            yield from loop_lines(self, equation) if equation.primitive is SCAN else ()
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
            shape = shape_text(variable.shape).replace("n", self.n)
            yield code, shape if code.startswith(f"{target} = ") else ""

    def _stands_inside(self, equation: Equation, body: list[Any]) -> bool:
        """Whether a value is written where it is used instead of on a line of its own."""
        variable = equation.output
        if equation.primitive.text == "_0" and variable not in self.kept:
            return True  # another name for the same
        if not self.inlines or len(body) > 1 or self.uses[variable] != 1 or variable in self.kept:
            return False
        if self.names.given(variable):
            return False
        user = self.user[variable]
        position = next(i for i, operand in enumerate(user.operands) if operand is variable)
        if user.primitive is SCAN and position >= len(user.params["body"].carry):
            return False  # it is used in every turn
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
        params = {k: v for k, v in equation.params.items() if not isinstance(v, Nested)}
        filler = Filler(
            {f"_{i}": self.operand(equation, o) for i, o in enumerate(equation.operands)},
            {name: self._literal(value) for name, value in params.items()},
            equation.params,
            local,
        )
        return list(filler.visit(tree).body)

    def operand(self, equation: Equation, operand: Any) -> ast.expr:
        if isinstance(operand, Variable):
            return self.inline.get(operand) or ast.Name(self.names[operand])
        return self._literal(operand, equation)

    def _literal(self, thing: Any, equation: Equation | None = None) -> ast.expr:
        return self._parsed(literal_text(thing, equation))

    def _parsed(self, text: str) -> ast.expr:
        tree = ast.parse(text, mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == "n":
                node.id = self.n
        return tree

    def _tree(self, tree: Any) -> str:
        if isinstance(tree, dict):
            return (
                "{" + ", ".join(f"{_key_text(k)}: {self._tree(v)}" for k, v in tree.items()) + "}"
            )
        if isinstance(tree, tuple | list):
            inside = ", ".join(map(self._tree, tree))
            if isinstance(tree, list):
                return f"[{inside}]"
            return f"({inside},)" if len(tree) == 1 else f"({inside})"
        if isinstance(tree, Variable):
            return self.names[tree]
        return "None" if tree is None else ast.unparse(self.constant(tree))

    def constant(self, thing: Any) -> ast.expr:
        """Return a constant that is a result."""
        return self._parsed(result_text(thing))


def _needed(program: Listing, values: Any) -> set[Variable]:
    """Return the variables that values are computed from."""
    needed = {leaf for _, leaf in leaves(values) if isinstance(leaf, Variable)}
    for equation in reversed(program.equations):
        if equation.output in needed:
            needed.update(equation.variables)
    return needed


def _path_text(path: Path) -> str:
    return str(path[0]) + "".join(f"[{_key_text(part)}]" for part in path[1:])


def _key_text(key: Any) -> str:
    if isinstance(key, str):
        return json.dumps(key, ensure_ascii=False) if key.isprintable() else ascii(key)
    return repr(key)
