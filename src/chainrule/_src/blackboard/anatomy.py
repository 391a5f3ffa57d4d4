"""The computation of a network for one sample, equation by equation, as data for the page."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError, TraceError
from chainrule._src.blackboard.entries import Entries
from chainrule._src.blackboard.mathml import mathml
from chainrule._src.blackboard.subject import Subject
from chainrule._src.compile.lower.script import script
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Recurrence, ResultItem
from chainrule._src.core.program import Program
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.text.making import making
from chainrule._src.text.text import ProgramText, equation_lines
from chainrule._src.trace.passes import copied, expand, fixed
from chainrule._src.trace.recurrence.unrolling import unrolled
from chainrule._src.trace.tracing import Recorder

LONGEST = 1000  # equations; longer programs are not shown
WIDEST = 72  # characters of an expression that may stand for a value
ROLES = "params", "X", "y"
PRIMITIVES: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.Pow: "power", ast.MatMult: "matmul",
}  # fmt: skip


def anatomy(
    forward: Callable[..., Any],
    loss: Callable[..., Any],
    params: Any,
    X: Any,
    y: Any,
    states: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the equations of a network for one sample, as plain values.

    Parameters
    ----------
    forward : callable
        ``forward(params, X)``, in NumPy.
    loss : callable
        ``loss(params, X, y)``, a single number.
    params : tree of ndarray
    X, y : ndarray
        Samples, a row each. Floats are converted to float64.
    states : dict, optional
        States of layers that ``forward`` reads from its first argument, as it reads parameters.
        They are not parameters of the loss.

    Returns
    -------
    dict
        ``"predict"`` for ``forward``; ``"learn"`` for the loss and its gradient by the parameters
        and by ``X`` if ``X`` is of floats. Each is None if it cannot be recorded or written as
        text, if it runs in NumPy alone, or if it has more than 1,000 equations; else a dict of

        - ``inputs``: name, role (params, X or y), key (see `key_of`), shape;
        - ``lines``: the lines of `chainrule.source`, each with code, formula (MathML), part
          (forward or backward), and shape of the value; a short loop is unrolled;
        - ``equations``: each with name, code, formula, shape, part; ``line``, the number of the
          line that contains it; ``adjoint``, the name of its output's gradient, or None;
          ``uses``, the names of its operands; ``entry``, see `chainrule._src.blackboard.entries`;
        - ``loss``, ``output``, ``gradients`` by key and ``input_gradient``: names, or None;
        - ``script``: see `chainrule._src.compile.lower.script`.

        The shapes are for one sample. The code of an equation whose value no line assigns is its
        expression, if that is short.

    Examples
    --------
    >>> def forward(params, X):
    ...     z = X @ params["W"]
    ...     return np.tanh(z)
    >>> def loss(params, X, y):
    ...     return np.mean((forward(params, X) - y) ** 2)
    >>> found = anatomy(forward, loss, {"W": np.ones((3, 1))}, np.ones((2, 3)), np.ones((2, 1)))
    >>> [line["code"] for line in found["predict"]["lines"]]
    ['z = X @ W', 'output = np.tanh(z)']
    >>> last = found["learn"]["equations"][-1]
    >>> last["code"], [(x["name"], x["strides"]) for x in last["entry"]["operands"]]
    ('d_W = X.T @ d_z', [('X', [1, 0]), ('d_z', [0, 0])])
    """
    params, X, y, states = (map_leaves(_double, tree) for tree in (params, X, y, states or {}))
    by_input = all(x.dtype.kind == "f" for _, x in leaves(X))
    gradient = value_and_grad(loss, argnums=(0, 1) if by_input else (0,))
    return {
        "predict": _taken_apart(forward, ({**params, **states} if states else params, X), "output"),
        "learn": _taken_apart(gradient, (params, X, y), getattr(loss, "__name__", "loss")),
    }


def anatomy_of(subject: Subject) -> dict[str, Any]:
    """Return the `anatomy` of a subject's model; both values are None if recording fails."""
    none, data = {"predict": None, "learn": None}, subject.data
    if subject.forward is None:
        return none
    try:
        parts = list(subject.parts.values())
        states = subject.states(parts)
        return anatomy(
            _of_states(subject, parts), subject.loss, subject.params, data.X[:1], data.y[:1], states
        )
    except Exception:  # a learner's code may raise anything
        if subject.kind != "loss":
            raise
        return none


def _of_states(subject: Subject, parts: Sequence[Mapping[str, Any]]) -> Callable[..., Any]:
    """Return a forward pass that reads the states of layers from its first argument."""
    plain = subject.forward
    assert plain is not None
    if not parts:
        return plain

    def forward(params_and_states: Mapping[str, Any], X: Any) -> Any:
        params = {name: params_and_states[name] for name in subject.params}
        return plain(
            params, X, *({n: params_and_states.get(n, s) for n, s in p.items()} for p in parts)
        )

    return forward


def _double(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return array.astype(float) if array.dtype.kind == "f" else array


def key_of(path: Path) -> str:
    """Return the name of a parameter on the page: the keys of its path, joined by dots."""
    return ".".join(map(str, path))


def _taken_apart(f: Callable[..., Any], args: Sequence[Any], name: str) -> dict[str, Any] | None:
    try:
        program = _in_steps(Recorder(f, args).program(1))
    except Exception:  # the function may not accept a single sample
        return None
    if len(program.equations) > LONGEST:
        return None
    try:
        with making():
            return Body(program, args, name).as_dict()
    except (CompileError, TraceError):
        return None


def _in_steps(program: Program) -> Program:
    """Return a program with unrolled loops, unless that has more than `LONGEST` equations."""
    try:
        unrolled_program = unrolled(program)
    except TraceError:
        return program
    return unrolled_program if len(unrolled_program.equations) <= LONGEST else program


class Body:
    """The program of a function for one sample, with its text.

    Parameters
    ----------
    recording : Program
        Returns a value, or a value and its gradients; recorded for one sample.
    args : sequence
        The arguments of the function.
    name : str
        Name of the value, if the code has no name for it.

    Attributes
    ----------
    lines : list of (str, str)
        The lines of the text: code and part.
    program : Program
        The program for one sample, with composite operations expanded.
    line_of : dict of Variable to int
        The number of the line that computes each value.
    """

    def __init__(self, recording: Program, args: Sequence[Any], name: str) -> None:
        self.learns = isinstance(recording.result, tuple)
        value = recording.result[0] if self.learns else recording.result
        if isinstance(value, Variable):
            value.name = value.name or name
        self.text = ProgramText(recording, value if self.learns else None, name)
        self.lines: list[tuple[str, str]] = []
        self._lines_of = self._written(recording)
        with np.errstate(all="ignore"):  # the numbers do not matter to a recording
            self.program = expand(self._of_one_sample(recording, args))
        self.line_of: dict[Variable, int] = {}
        for owner, equations in self._groups():
            self._place(self._lines_of[owner], equations)
        self._name_others()
        written = equation_lines(self.program)
        self.names = {v: name for v, name, _ in written}
        self.codes = {v: f"{name} = {code}" for v, name, code in written}

    # The text

    def _written(self, program: Program) -> dict[str, list[int]]:
        """Write all lines; return the line numbers of each value, by the value's name."""
        writer, lines_of, within = self.text.writer, {}, []
        names = self.text.names
        for equation in program.equations:
            start = len(self.lines)
            forward = not self.learns or self.text.part(equation.output) == "forward"
            part = "forward" if forward else "backward"
            self.lines += ((code, part) for code, _ in writer.lines(equation))
            numbers = [*range(start, len(self.lines))]
            if isinstance(equation.primitive.kernel, Recurrence):
                numbers = [i for i in numbers if self.lines[i][0].startswith("for ")]
            if numbers:
                lines_of[names[equation.output]] = numbers
            else:
                within.append(equation)
        for equation in within:  # all have names, in order
            names[equation.output]
        user = {v: e.output for e in reversed(program.equations) for v in e.variables}
        for equation in reversed(within):  # an inner expression is in its user's first line
            # The result of a loop is in the loop's line.
            is_loop_result = isinstance(equation.primitive.kernel, ResultItem)
            beside = equation.operands[0] if is_loop_result else user[equation.output]
            lines_of[names[equation.output]] = lines_of[names[beside]][-1:]
        return lines_of

    def _of_one_sample(self, program: Program, args: Sequence[Any]) -> Program:
        """Return the program for one sample, with every value named as in the text."""
        general = program.general and program.batch is not None
        one = fixed(program, 1) if general else copied(program)
        for before, variable in zip(program.variables, one.variables, strict=True):
            variable.name = self.text.names[before]
        arrays = (np.asarray(leaf) for _, leaf in leaves(list(args)))
        for variable, array in zip(one.inputs, arrays, strict=True):
            variable.value = array if array.shape == variable.shape else array[:1]
        return one

    def _groups(self) -> Iterator[tuple[str, list[Equation]]]:
        """Yield the name of each line's value, with the equations of that line."""
        group: list[Equation] = []
        for equation in self.program.equations:
            group.append(equation)
            name = equation.output.name
            if name in self._lines_of:
                yield name, group
                group = []

    def _place(self, lines: Sequence[int], equations: list[Equation]) -> None:
        """Assign a line to each equation, and name the values that these lines assign.

        The lines of a softmax, for instance, are ``exp = …`` and the result.
        """
        waiting = iter(equations)
        for line in lines[:-1]:
            target, operation = _target(self.lines[line][0])
            passed = []
            for equation in waiting:
                passed.append(equation.output)
                if equation.primitive.name == operation and equation.output.name is None:
                    equation.output.name = target
                    self.line_of |= dict.fromkeys(passed, line)
                    break
        for equation in equations:
            self.line_of.setdefault(equation.output, lines[-1])

    def _name_others(self) -> None:
        """Give names to the values that are unnamed in the text; its names stay reserved."""
        names = self.text.names
        for variable in self.program.variables:
            if variable.name is not None:
                names.chosen[variable] = variable.name
        for variable in self.program.variables:
            variable.name = names[variable]

    # The values for the page

    def as_dict(self) -> dict[str, Any]:
        """Return the program and its text as plain values."""
        value, gradients, by_input = self._results()
        shapes = {name: [*v.shape] for v, name in self.names.items()}
        return {
            "inputs": list(self._inputs()),
            "lines": [
                {
                    "code": code,
                    "formula": mathml(code),
                    "part": part,
                    "shape": shapes.get(code.partition(" = ")[0]),
                }
                for code, part in self.lines
            ],
            # In the order of the lines: a program may run an equation of the backward part early.
            "equations": sorted(self._equations(), key=lambda equation: equation["line"]),
            "loss": self._name(value) if self.learns else None,
            "output": None if self.learns else self._name(value),
            "gradients": {key_of(path): self._name(leaf) for path, leaf in leaves(gradients)},
            "input_gradient": self._name(by_input),
            "script": script(self.program, self.names),
        }

    def _inputs(self) -> Iterator[dict[str, Any]]:
        arguments = [*self.program.arguments]
        for path, variable in leaves(self.program.arguments):
            role = ROLES[min(arguments.index(str(path[0])), 2)]
            key = key_of(path[1:]) if role == "params" else None
            name, shape = self.names[variable], [*variable.shape]
            yield {"name": name, "role": role, "key": key, "shape": shape}

    def _equations(self) -> Iterator[dict[str, Any]]:
        adjoints = {
            v.adjoint_of: name for v, name in self.names.items() if v.adjoint_of is not None
        }
        with_lines = {v for v, name in self.names.items() if self._has_line(v)}
        entries, moved = Entries(self.names, with_lines), _Inline()
        for equation in self.program.equations:
            output = equation.output
            line, entry = self.line_of[output], entries.of(equation)
            is_inner = output in entries.moved or output not in with_lines
            code = moved.written(self.codes[output], is_inner)
            yield {
                "name": self.names[output],
                "code": code,
                "formula": mathml(code),
                "shape": _shape(output),
                "part": self.lines[line][1],
                "line": line,
                "adjoint": adjoints.get(output),
                "uses": [self.names[v] for v in dict.fromkeys(equation.variables)],
                "entry": entry,
            }

    def _has_line(self, variable: Variable) -> bool:
        """Return true if a line assigns the value, or if the value is an input."""
        line = self.line_of.get(variable)
        return line is None or self.lines[line][0].startswith(f"{self.names[variable]} = ")

    def _results(self) -> tuple[Any, Any, Any]:
        """Return the value, its gradients by the parameters and its gradient by the input."""
        if not self.learns:
            return self.program.result, {}, None
        value, (gradients, *by_input) = self.program.result
        return value, gradients, by_input[0] if by_input else None

    def _name(self, leaf: Any) -> str | None:
        return self.names[leaf] if isinstance(leaf, Variable) else None


class _Inline(ast.NodeTransformer):
    """Inlines values that no line of the text assigns: ``X.T @ d_z`` instead of ``t1 @ d_z``."""

    def __init__(self) -> None:
        self.known: dict[str, ast.expr] = {}

    def written(self, code: str, is_inner: bool) -> str:
        """Return a line with inner values inlined; of an inner value, its expression alone.

        The name of an inner value with a long expression remains, as in loops.
        """
        (line,) = ast.parse(code).body
        assert isinstance(line, ast.Assign)
        line.value = self.visit(line.value)
        expression = ast.unparse(line.value)
        if not is_inner or len(expression) > WIDEST:
            return ast.unparse(line)
        self.known[ast.unparse(line.targets[0])] = line.value
        return expression

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the expression to inline for a name, or the name itself."""
        return self.known.get(node.id, node)


def _shape(variable: Variable) -> list[int]:
    """Return a shape; for several results, stored one after another, the number of entries."""
    shape = variable.shape
    several = bool(shape) and isinstance(shape[0], tuple)
    return [sum(map(math.prod, shape))] if several else [*shape]


def _target(code: str) -> tuple[str, str]:
    """Return the name that a line assigns, and the outermost operation of its value."""
    statement = ast.parse(code.strip()).body[0]
    assert isinstance(statement, ast.Assign)
    match statement.value:
        case ast.BinOp(_, op, _):
            operation = PRIMITIVES.get(type(op), "")
        case ast.Call(ast.Attribute(_, name)):
            operation = name
        case _:
            operation = ""
    return ast.unparse(statement.targets[0]), operation
