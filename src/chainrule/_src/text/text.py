"""Programs as readable NumPy: as a function, as a module, or one expression for each value."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from chainrule._src.core.equations import Listing, Variable, needed_for
from chainrule._src.core.trees import Path, leaves
from chainrule._src.text import loops  # noqa: F401  (adds its rules to the table of lines)
from chainrule._src.text.aliases import shared_results
from chainrule._src.text.helpers import helpers_of, quoted
from chainrule._src.text.in_place import reads_first
from chainrule._src.text.lines import WIDTH, LineWriter
from chainrule._src.text.making import making
from chainrule._src.text.naming import Names
from chainrule._src.trace.batch import depends_on_n


@making()
def module_text(program: Listing, name: str = "value") -> str:
    """Return a program of a value and its gradients, written as a module."""
    return "".join(ProgramText(program, program.result[0], name).module())


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
    """Return a program written as a function; `quoted` writes the imports and helpers it needs.

    Parameters
    ----------
    program : Listing
        The function returns the program's result; a tuple stays a tuple.
    name, doc : str
        Name and docstring of the function.
    value : Variable, optional
        The differentiated value, which gets the name ``value_name``. If given, the text has a part
        for the forward pass and one for the backward pass.
    spread : bool, default False
        If true, the function's arguments are the arrays inside the program's arguments that are
        used; their shapes are not checked.
    """
    return "".join(ProgramText(program, value, value_name).function(name, doc, spread))


@making()
def equation_lines(program: Listing) -> list[tuple[Variable, str, str]]:
    """Return every variable with its name and its expression; inputs have no expression."""
    writer = ProgramText(program, None, "value", inlines=False).writer
    lines = [(v, writer.names[v], "") for _, v in leaves(program.arguments)]
    for equation in program.equations:
        name = writer.names[equation.output]
        code = [code for code, _ in writer.lines(equation)]
        if len(code) > 1:
            operands = (writer.names[v] for v in equation.variables)
            code = [f"{equation.primitive.name}({', '.join(operands)})"]
        lines.append((equation.output, name, code[0].removeprefix(f"{name} = ")))
    return lines


class ProgramText:
    """Writes a program as a function; ``value`` is the differentiated value, or None."""

    def __init__(self, program: Listing, value: Any, name: str, inlines: bool = True) -> None:
        self.program, self.helpers = program, helpers_of(program)
        self.forward = needed_for(value, program.equations)
        self.backward = needed_for(program.result[1], program.equations) if self.forward else set()
        reserved = (helper.__name__ for helper in self.helpers)
        self.names = Names(program, value, name, reserved)
        results = {v for _, v in leaves(program.result) if isinstance(v, Variable)}
        equations = program.equations
        self.equations = reads_first(equations, results, self.part) if inlines else equations
        listing = Listing(program.arguments, self.equations, program.result)
        self.writer = LineWriter(listing, self.names, self.forward, inlines)
        self.copied = shared_results(program) if self.forward else set()

    def module(self) -> Iterator[str]:
        """Yield the text of a module that contains the function."""
        yield f"{quoted(self.helpers)}\n\n\n"
        yield from self.function("value_and_gradients")

    def function(self, name: str, doc: str = "", spread: bool = False) -> Iterator[str]:
        """Yield the text of the function; see `function_text`."""
        arguments = self._used_names() if spread else self.program.arguments
        yield f"def {name}({', '.join(arguments)}):\n"
        if doc:
            yield textwrap.indent(f'"""{doc}"""\n', "    ")
        if not self.program.general:
            yield "    # for the shapes it was recorded with alone\n"
        parts = self._parts(with_shapes=not spread)
        returned = self._returned()
        prelude = [] if spread else [*self._unpacking(), *self._batch_size()]
        prelude += [] if doc else self._lengths()
        prelude += self._sizes(code for lines in parts.values() for code, _ in lines)
        yield "".join(f"    {line}\n" for line in prelude)
        commented = (code for lines in parts.values() for code, shape in lines if shape)
        column = max(map(len, commented), default=0)
        for title, lines in parts.items():
            if lines:
                yield "\n" if prelude or (title != "forward" and self.forward) else ""
                yield f"    # {title}\n" if self.forward else ""
            for code, shape in lines:
                yield f"    {code:<{column}}  # {shape}\n" if shape else f"    {code}\n"
        yield ("\n" if self.forward else "") + f"    return {returned}\n"

    def _parts(self, with_shapes: bool) -> dict[str, list[tuple[str, str]]]:
        """Return the lines of each part of the function: their code and the result's shape."""
        parts: dict[str, list[tuple[str, str]]] = {"forward": [], "backward": [], "state": []}
        for title in parts:
            for equation in self.equations:
                if self.part(equation.output) == title:
                    parts[title] += [
                        (code, shape if with_shapes else "")
                        for code, shape in self.writer.lines(equation)
                    ]
        return parts

    def part(self, variable: Variable) -> str:
        """Return the part of the text that a variable belongs to: forward, backward or state."""
        if variable in self.forward:
            return "forward"
        return "state" if self.forward and variable not in self.backward else "backward"

    def _returned(self) -> str:
        result = self.program.result
        parts: list[tuple[Path, Any]] = [((), result)]
        if isinstance(result, tuple):
            parts = [((i,), part) for i, part in enumerate(result)]
        line = ", ".join(self._tree(part, path) for path, part in parts)
        if len(line) <= WIDTH:
            return line
        return ", ".join(self._tall(part, path) for path, part in parts)

    def _tall(self, tree: Any, path: Path) -> str:
        """Return the text of a dict with one line for each entry."""
        if not isinstance(tree, dict):
            return self._tree(tree, path)
        entries = ((_key_text(key), self._tree(part, (*path, key))) for key, part in tree.items())
        inside = "".join(f"        {key}: {text},\n" for key, text in entries)
        return f"{{\n{inside}    }}"

    def _used_names(self) -> list[str]:
        """Return the names of the inputs that are used."""
        return [
            self.names[v]
            for v in self.program.inputs
            if self.writer.uses[v] or v in self.writer.results
        ]

    def _unpacking(self) -> Iterator[str]:
        used = [
            (self.names[variable], _path_text(path))
            for path, variable in leaves(self.program.arguments)
            if len(path) > 1 and (self.writer.uses[variable] or variable in self.writer.results)
        ]
        if used:
            names, places = (", ".join(part) for part in zip(*used, strict=True))
            together = f"{names} = {places}"
            yield from [together] if len(together) <= WIDTH else map(" = ".join, used)

    def _batch_size(self) -> Iterator[str]:
        if self.program.batch is not None and self.program.general and self.writer.mentions_n:
            yield f"{self.writer.n} = {self._length(self.program.batch)}"

    def _lengths(self) -> Iterator[str]:
        """Yield assertions on the lengths of data whose length is not the batch size."""
        parameters = next(iter(self.program.arguments), None)
        for path, variable in leaves(self.program.arguments):
            data = path[0] != parameters and variable.shape and path != self.program.batch
            if data and not depends_on_n(variable.shape):
                yield f"assert {self._length(path)} == {variable.shape[0]}"

    def _sizes(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield an assertion on the batch size, unless the text holds for all sizes.

        A line that divides a number by the batch size raises an error for an empty batch itself.
        """
        batch, proof = self.program.batch, self.program.proof
        if batch is not None and proof is not None:
            low, high = proof.sizes(self.program)
            divides = re.compile(rf"(?<![\w.])[\d.]+(e-?\d+)? / {self.writer.n}\b")
            if low == 1 and any(map(divides.search, lines)):
                low = 0
            ends = f"{low} <= " * (low > 0), f" <= {high}" * (high is not None)
            if any(ends):
                yield f"assert {self._length(batch).join(ends)}"

    def _length(self, path: Path) -> str:
        where = _path_text(path)
        return f"{where}.shape[0]" if "len" in self.program.arguments else f"len({where})"

    def _tree(self, tree: Any, path: Path) -> str:
        if isinstance(tree, dict):
            entries = (
                f"{_key_text(key)}: {self._tree(part, (*path, key))}" for key, part in tree.items()
            )
            return "{" + ", ".join(entries) + "}"
        if isinstance(tree, tuple | list):
            inside = ", ".join(self._tree(part, (*path, i)) for i, part in enumerate(tree))
            if isinstance(tree, list):
                return f"[{inside}]"
            return f"({inside},)" if len(tree) == 1 else f"({inside})"
        if isinstance(tree, Variable):
            return self.names[tree] + ".copy()" * (path in self.copied)
        return "None" if tree is None else ast.unparse(self.writer.constant(tree))


def _path_text(path: Path) -> str:
    return str(path[0]) + "".join(f"[{_key_text(part)}]" for part in path[1:])


def _key_text(key: Any) -> str:
    if isinstance(key, str):
        return json.dumps(key, ensure_ascii=False) if key.isprintable() else ascii(key)
    return repr(key)
