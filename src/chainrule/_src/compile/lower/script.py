"""Programs are written as scripts in JavaScript.

A script is an array of functions, one for each equation. So a web page can compute the values one
after another, change an entry of any value, and continue from this value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.functions import function_of
from chainrule._src.compile.lower.javascript import (
    ARRAYS,
    HAND,
    ScriptWriter,
    member,
    number_text,
    valid_name,
)
from chainrule._src.compile.lower.kernels import Kernel, function_kernel
from chainrule._src.compile.lower.nodes import Buffer
from chainrule._src.compile.lower.reading import Function
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Recurrence, ResultItem
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves
from chainrule._src.trace.recurrence.primitives import ITEM


def script(program: Program, names: Mapping[Variable, str]) -> str:
    """Return a program as JavaScript: an expression that is an array of functions.

    Parameters
    ----------
    program : Program
        A program of fixed shapes, with composite operations expanded.
    names : mapping of Variable to str
        The names of every input and every output of an equation.

    Returns
    -------
    str
        The functions ``(v) => { … }`` in the order of the equations. ``v`` has a Float64Array for
        each name, with entries in NumPy's order. The caller sets the inputs, and each function sets
        its output. Several results of one equation are concatenated. An index out of range throws
        a RangeError.

    Raises
    ------
    CompileError
        If an operation cannot be compiled.

    Examples
    --------
    >>> from chainrule._src.trace.tracing import trace
    >>> program = trace(lambda x: np.sum(x * 3))(np.ones(2))
    >>> print(script(program, dict(zip(program.variables, "xyz"))))
    [
    (v) => {
      const x = v.x;
      const out = v.y = new Float64Array(2);
      let t1_j;
      for (let j = 0; j < 2; j += 1) {
        t1_j = x[j] * 3;
        out[j] = t1_j;
      }
    },
    (v) => {
      const y = v.y;
      const out = v.z = new Float64Array(1);
      let t1_total, t1_0;
      t1_total = 0;
      for (let j = 0; j < 2; j += 1) {
        t1_total += y[j];
      }
      t1_0 = t1_total;
      out[0] = t1_0;
    },
    ]
    """
    written = Script(names)
    functions = "".join(f"{written.function(equation)},\n" for equation in program.equations)
    if not written.shared:
        return f"[\n{functions}]"
    shared = "".join(f"const {name} = {text};\n" for name, text in written.shared.items())
    return f"(() => {{\n{shared}return [\n{functions}];\n}})()"


class Script:
    """The functions of a script, and the code that they share.

    Parameters
    ----------
    names : mapping of Variable to str

    Attributes
    ----------
    shared : dict of str to str
        Functions that others call and constant arrays, by name.
    """

    def __init__(self, names: Mapping[Variable, str]) -> None:
        self.names = names
        self.shared: dict[str, str] = {}
        self._constants: dict[int, tuple[str, Any]] = {}

    def function(self, equation: Equation) -> str:
        """Return the function that computes an equation."""
        kernel = equation.primitive.kernel
        if isinstance(kernel, ResultItem):
            return self._part(equation)
        lines = self._lines(equation)
        return "\n".join(["(v) => {", *(f"  {line}" for line in lines), "}"])

    def _part(self, equation: Equation) -> str:
        """Return the function that copies one of several results from the array of all results."""
        (several,), number = equation.operands, equation.params["number"]
        sizes = [math.prod(shape) for shape in several.shape]
        start = sum(sizes[:number])
        target, source = (member(self.names[v]) for v in (equation.output, several))
        return f"(v) => {{ {target} = {source}.slice({start}, {start + sizes[number]}); }}"

    def _lines(self, equation: Equation) -> Iterator[str]:
        inputs = {self.names[v]: v for v in equation.variables}
        results, equations = _results(equation)
        kernel = function_kernel(Program(dict(inputs), equations, results))
        writer = ScriptWriter(self.called, kernel.constants)
        size = sum(math.prod(leaf.shape) for _, leaf in leaves(results))
        declaration = (
            f"const out = {member(self.names[equation.output])} = new Float64Array({size});"
        )
        yield from self._memory(kernel, writer, declaration)
        if kernel.checks:
            yield "const fault = [0];"
        yield from writer.body(kernel.function.body)
        if kernel.checks:
            messages = ", ".join(map(json.dumps, kernel.checks))
            yield f"if (fault[0]) throw new RangeError([{messages}][fault[0] - 1]);"

    def _memory(self, kernel: Kernel, writer: ScriptWriter, declaration: str) -> Iterator[str]:
        """Name the buffers, and yield their declarations; results are parts of one array."""
        by_role: dict[str, list[Buffer]] = {}
        for buffer in kernel.buffers:
            by_role.setdefault(buffer.role, []).append(buffer)
            writer.buffers[buffer] = f"{buffer.name}$"
        for buffer in by_role.get("argument", ()):
            name = writer.buffers[buffer] = valid_name(buffer.content[0])
            yield f"const {name} = {member(buffer.content[0])};"
        yield declaration
        start, results = 0, by_role.get("result", [])
        for buffer in results:
            end = start + math.prod(buffer.shape)
            if len(results) == 1:
                writer.buffers[buffer] = "out"
            else:
                yield f"const {writer.buffers[buffer]} = out.subarray({start}, {end});"
            start = end
        for buffer in by_role.get("constant", ()):
            writer.buffers[buffer] = self._constant(buffer)
        for buffer in by_role.get("temporary", ()):
            kind = ARRAYS.get(buffer.dtype.name, "Float64Array")
            yield f"const {writer.buffers[buffer]} = new {kind}({math.prod(buffer.shape)});"

    def _constant(self, buffer: Buffer) -> str:
        array = np.asarray(buffer.content)
        if id(buffer.content) not in self._constants:
            name = f"$constant{len(self._constants)}"
            self._constants[id(buffer.content)] = name, buffer.content
            laid = np.transpose(array, buffer.order).ravel().tolist()
            self.shared[name] = f"[{','.join(number_text(x, array.dtype) for x in laid)}]"
        return self._constants[id(buffer.content)][0]

    def called(self, name: str, dtype: np.dtype[Any]) -> str:
        """Write a function, unless it is written, and return its name."""
        name = "pow" if name == "float_power" else name
        if name in HAND and (name != "pow" or dtype.kind == "f"):
            self.shared.setdefault(f"${name}", HAND[name])
            return f"${name}"
        function = function_of(name, dtype)
        if function is None:
            raise CompileError(f"{name} of {dtype.name} numbers runs in NumPy alone")
        key = f"${function.name}"
        if key not in self.shared:
            text = self._called(function)
            self.shared[key] = text
        return key

    def _called(self, function: Function) -> str:
        writer = ScriptWriter(self.called)
        writer.buffers |= {b: b.name for b in function.arguments if isinstance(b, Buffer)}
        parameters = ", ".join(argument.name for argument in function.arguments)
        lines = list(writer.body(function.body, {a.name for a in function.arguments}))
        if function.result is not None:
            lines.append(f"return {writer.text(function.result)};")
        return "\n".join([f"({parameters}) => {{", *(f"  {line}" for line in lines), "}"])


def _results(equation: Equation) -> tuple[Any, list[Equation]]:
    """Return the results of an equation as a tree, and the equations that compute the tree."""
    output = equation.output
    if not isinstance(equation.primitive.kernel, Recurrence):
        return output, [equation]
    results = zip(output.shape, output.value.parts, strict=True)
    parts = [Variable(None, shape, part.dtype, None) for shape, part in results]
    items = [Equation(part, ITEM, (output,), {"number": i}) for i, part in enumerate(parts)]
    return tuple(parts), [equation, *items]
