"""Programs: what a function did, as a flat list of named equations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.autodiff.backward import ancestors
from chainrule.autodiff.derived import Derived, P
from chainrule.autodiff.names import argument_names, watch_names
from chainrule.autodiff.refusals import entries_told
from chainrule.autodiff.tensor import Level, Tensor
from chainrule.autodiff.trees import Path, leaves, map_leaves
from chainrule.config import Shown
from chainrule.errors import ShapeError, TraceError
from chainrule.ops import NUMPY, Primitive
from chainrule.program.batch import Filled, at, constant, generalise
from chainrule.validation import refuse_foreign


@dataclass(eq=False, repr=False)
class Variable(Shown):
    """A value in a program.

    Attributes
    ----------
    name : str or None
        What the code called it, if it did.
    shape : tuple of int or Linear
    dtype : numpy.dtype
    value : ndarray
        What it was when the program was recorded.
    adjoint_of : Variable or None
        The variable whose gradient this is.
    """

    name: str | None
    shape: tuple[Any, ...]
    dtype: np.dtype[Any]
    value: Any
    adjoint_of: Variable | None = None


@dataclass(eq=False, repr=False)
class Equation(Shown):
    """``output = primitive(*operands, **params)``; operands are variables or constants."""

    output: Variable
    primitive: Primitive
    operands: tuple[Any, ...]
    params: dict[str, Any]

    @property
    def variables(self) -> list[Variable]:
        """The operands that are variables."""
        return [operand for operand in self.operands if isinstance(operand, Variable)]


@dataclass(repr=False)
class Program:
    """A recorded function: its inputs, its equations in order, its result.

    ``program(*args)`` runs it in NumPy, one equation after another; ``print(program)`` shows it.

    Attributes
    ----------
    arguments : dict of str to tree of Variable
        The arguments by name, with a variable for each array.
    equations : list of Equation
    result : tree of Variable or constant
    batch : Path or None
        Where the batch size is read: the first array with a sample a row.
    general : bool
        Whether it holds for every batch size, or for the recorded one alone.
    """

    arguments: dict[str, Any]
    equations: list[Equation]
    result: Any
    batch: Path | None = None
    general: bool = True

    def __call__(self, *args: Any) -> Any:
        """Run the program.

        Raises
        ------
        ShapeError
            If the arguments are not of the structure or the shapes that it was recorded for.
        """
        if len(args) != len(self.arguments):
            raise ShapeError(
                f"program: expected {len(self.arguments)} arguments "
                f"({', '.join(self.arguments)}), received {len(args)}"
            )
        given = dict(zip(self.arguments, args, strict=True))
        found = dict(leaves(given))
        inputs = dict(leaves(self.arguments))
        if found.keys() != inputs.keys():
            raise ShapeError(
                f"program: expected arguments with {_paths(inputs)}, received {_paths(found)}"
            )
        n = np.shape(found[self.batch])[0] if self.batch is not None and self.general else 0
        values: dict[Variable, Any] = {}
        for path, variable in inputs.items():
            value = np.asarray(found[path])
            if value.shape != at(variable.shape, n):
                raise ShapeError(
                    f"program: {variable.name} was recorded with shape "
                    f"{shape_text(variable.shape)}, received {value.shape}"
                )
            values[variable] = (
                value if value.dtype == variable.dtype else value.astype(variable.dtype)
            )

        def known(operand: Any) -> Any:
            return values[operand] if isinstance(operand, Variable) else at(operand, n)

        for equation in self.equations:
            operands = (known(operand) for operand in equation.operands)
            params = {name: at(value, n) for name, value in equation.params.items()}
            values[equation.output] = equation.primitive.value(*operands, **params)
        return map_leaves(known, self.result)

    def __repr__(self) -> str:
        return f"<Program of {', '.join(self.arguments)}: {len(self.equations)} equations>"

    def __str__(self) -> str:
        from chainrule.program.show import table

        return table(self)

    def _repr_html_(self) -> str:
        from chainrule.program.show import html

        return html(self)

    def to_dot(self) -> str:
        """Return the graph in Graphviz's language, with values and gradients."""
        from chainrule.program.show import dot

        return dot(self)

    @property
    def inputs(self) -> Iterator[Variable]:
        """The arguments' variables."""
        for _, variable in leaves(self.arguments):
            yield variable

    @property
    def variables(self) -> Iterator[Variable]:
        """Every variable, inputs first."""
        yield from self.inputs
        for equation in self.equations:
            yield equation.output


def trace(
    f: Callable[P, Any], prepare: Callable[[Program], Program] | None = None
) -> Callable[P, Program]:
    """Return a function that records what ``f`` does.

    Parameters
    ----------
    f : callable
        Written in NumPy. Record ``value_and_grad(f)`` to have its gradient recorded as well.
    prepare : callable, optional
        Applied to every single recording, before they are made to serve every batch size.

    Returns
    -------
    callable
        With ``f``'s positional arguments; returns a `Program`. Arrays in the arguments after the
        first that have the same length hold a sample a row, and the program serves every batch
        size.

    Raises
    ------
    TraceError
        When called, if ``f`` branches on values or leaves NumPy's functions.

    Examples
    --------
    >>> program = trace(lambda w, x: np.sum(np.tanh(x @ w)))(np.ones(2), np.zeros((3, 2)))
    >>> [equation.primitive.name for equation in program.equations]
    ['matmul', 'tanh', 'sum']
    >>> program(np.array([1.0, 0.0]), np.array([[0.5, 2.0]])).round(4)
    np.float64(0.4621)
    """

    def record(given: dict[str, Any]) -> Program:
        program = _record(f, given)
        return program if prepare is None else prepare(program)

    def trace_f(*args: Any) -> Program:
        names = argument_names(f, len(args))
        given = dict(zip(names, args, strict=True))
        for path, leaf in leaves(given):
            refuse_foreign(leaf, str(path[0]), "trace")
        batch, n = _batch(given)
        if batch is None:
            return record(given)
        # A size of 1 broadcasts, and a factor that happens to be 1 for a size is left out.
        for size in (max(n, 2), 2 * n + 5):
            try:
                return generalised(given, n, (size, size + 1), batch)
            except (TraceError, ShapeError, ValueError, IndexError):
                continue
        alone = record(given)
        alone.general = False
        return alone

    def generalised(given: dict[str, Any], n: int, sizes: tuple[int, int], batch: Path) -> Program:
        first, second = (record(_resized(given, n, size)) for size in sizes)
        merged = _generalised(first, second, sizes)
        merged.batch = batch
        # A third size must confirm what two suggest: n // 2 looks like n - 3 between two.
        third = _resized(given, n, 2 * sizes[0] + 3)
        for data in (third, given) if sizes[0] > max(n, 2) else (third,):
            _confirm(merged(*data.values()), _record(f, data))
        return merged

    return Derived(trace_f, trace, f, prepare)


def shape_text(shape: tuple[Any, ...]) -> str:
    """Write a shape, the batch size as ``n``."""
    sizes = ", ".join(str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"


def _confirm(result: Any, recorded: Program) -> None:
    """Hold a result against that of a recording: a loss may do otherwise when it is recorded."""
    for (_, a), (_, b) in zip(leaves(result), leaves(recorded.result), strict=True):
        expected = b.value if isinstance(b, Variable) else at(b, 0)
        if np.shape(a) != np.shape(expected) or not np.allclose(
            a, expected, rtol=1e-4, atol=1e-6, equal_nan=True
        ):
            raise TraceError("the code does something else for another batch size")


def _batch(given: dict[str, Any]) -> tuple[Path | None, int]:
    data = list(given)[1:]
    for path, leaf in leaves({name: given[name] for name in data}):
        if np.ndim(leaf) > 0:
            return path, np.shape(leaf)[0]
    return None, 0


def _resized(given: dict[str, Any], n: int, size: int) -> dict[str, Any]:
    def resize(leaf: Any) -> Any:
        if np.ndim(leaf) > 0 and np.shape(leaf)[0] == n:
            return np.asarray(leaf)[np.arange(size) % n]
        return leaf

    names = list(given)
    return {
        name: value if name == names[0] else map_leaves(resize, value)
        for name, value in given.items()
    }


def _record(f: Callable[..., Any], given: dict[str, Any]) -> Program:
    level = Level(records_all=True)

    def wrap(leaf: Any) -> Any:
        return Tensor.made(np.asarray(leaf), level)

    def parameter(leaf: Any) -> Any:
        whole = isinstance(leaf, int) and not isinstance(leaf, bool)
        return wrap(float(leaf) if whole else leaf)

    first = next(iter(given), None)
    inputs = {
        name: map_leaves(parameter if name == first else wrap, value)
        for name, value in given.items()
    }
    taken: set[str] = set()
    for path, tensor in leaves(inputs):
        tensor.name = _leaf_name(path, taken)
        taken.add(tensor.name)
    with watch_names(), entries_told:
        result = f(*inputs.values())
    return program_of(inputs, result, level)[0]


def _leaf_name(path: Path, taken: set[str]) -> str:
    """Name a leaf after the last parts of its path, as few as tell it from others."""
    for count in range(1, len(path) + 1):
        name = "_".join(map(str, path[-count:]))
        if name.isidentifier() and name not in taken:
            return name
    return re.sub(r"\W", "_", "_".join(map(str, path)))


def program_of(
    inputs: dict[str, Any], result: Any, level: Level
) -> tuple[Program, dict[int, Variable]]:
    """Return what a level recorded, and the variable of each tensor by its order."""
    outputs = [
        leaf for _, leaf in leaves(result) if isinstance(leaf, Tensor) and leaf.level is level
    ]
    recorded = {t.order: t for output in outputs for t in ancestors(output)}
    variables: dict[int, Variable] = {}

    def variable(tensor: Tensor) -> Variable:
        if tensor.order not in variables:
            variables[tensor.order] = Variable(
                tensor.name, tensor.shape, tensor.dtype, tensor.value
            )
        return variables[tensor.order]

    arguments = map_leaves(variable, inputs)
    equations: list[Equation] = []
    seen: dict[Any, Variable] = {}
    for order in sorted(recorded):
        tensor = recorded[order]
        if tensor.primitive is None:
            continue
        operands = list(map(constant, tensor.operands))
        for i, parent in tensor.parents:
            operands[i] = variables[parent.order]
        operands = [_as_number(tensor, operand, operands) for operand in operands]
        key = (tensor.primitive, tuple(map(_key, operands)), _key(tensor.params))
        same = seen.get(key) or _unchanged(tensor, operands)
        if same is not None:  # a common subexpression, or a product with 1
            variables[order] = same
            same.name = same.name or tensor.name
            continue
        seen[key] = variable(tensor)
        equations.append(
            Equation(seen[key], tensor.primitive, tuple(operands), dict(tensor.params))
        )
    for order, tensor in recorded.items():
        source = tensor.about
        while isinstance(source, Tensor):
            if source.level is level and source.order in variables:
                if (
                    variables[order].adjoint_of is None
                    and variables[order] is not variables[source.order]
                ):
                    variables[order].adjoint_of = variables[source.order]
                break
            source = source.value

    def known(leaf: Any) -> Any:
        inside = isinstance(leaf, Tensor) and leaf.level is level
        return variables[leaf.order] if inside else constant(np.asarray(leaf))

    return Program(arguments, equations, map_leaves(known, result)), variables


def _as_number(tensor: Tensor, operand: Any, operands: list[Any]) -> Any:
    """Return the number of a constant that broadcasts all the same, else the operand itself."""
    assert tensor.primitive is not None
    if not tensor.primitive.broadcasts or not isinstance(operand, Filled):
        return operand
    others = [v for v in operands if isinstance(v, Variable) and v.shape == tensor.shape]
    fits = bool(others) and operand.dtype == others[0].dtype
    return operand.number if fits or "shape" in tensor.params else operand


def _unchanged(tensor: Tensor, operands: list[Any]) -> Variable | None:
    """Return the factor that a multiplication with a plain 1 leaves as it is."""
    if tensor.primitive is NUMPY[np.multiply]:
        for one, other in (operands, operands[::-1]):
            is_one = not isinstance(one, Variable) and np.ndim(one) == 0 and np.all(one == 1)
            if is_one and isinstance(other, Variable) and other.dtype == tensor.dtype:
                return other
    return None


def _key(thing: Any) -> Any:
    """Something hashable that is equal where the thing is the same."""
    if isinstance(thing, dict):
        return tuple((name, _key(value)) for name, value in thing.items())
    if isinstance(thing, tuple | list):
        return tuple(map(_key, thing))
    if isinstance(thing, slice):
        return (slice, thing.start, thing.stop, thing.step)
    if isinstance(thing, np.ndarray):
        return (thing.shape, thing.dtype.str, thing.tobytes())
    if isinstance(thing, float | int | np.generic):
        return (type(thing), str(thing))
    return thing


def _generalised(first: Program, second: Program, sizes: tuple[int, int]) -> Program:
    """Make the first recording hold for every batch size, by the second."""
    if len(first.equations) != len(second.equations):
        raise TraceError("the code does something else for another batch size")
    pairs = dict(zip(first.variables, second.variables, strict=True))

    def merged(a: Any, b: Any) -> Any:
        if isinstance(a, Variable):
            if pairs[a] is not b:
                raise TraceError("the code does something else for another batch size")
            return a
        return generalise(a, b, sizes)

    shapes = {v: generalise(v.shape, w.shape, sizes) for v, w in pairs.items()}
    equations = []
    for a, b in zip(first.equations, second.equations, strict=True):
        if a.primitive is not b.primitive or len(a.operands) != len(b.operands):
            raise TraceError("the code does something else for another batch size")
        operands = tuple(map(merged, a.operands, b.operands))
        params = {name: generalise(a.params[name], b.params[name], sizes) for name in a.params}
        equations.append(Equation(a.output, a.primitive, operands, params))
    result = map_leaves(merged, first.result, second.result)
    for variable, shape in shapes.items():
        variable.shape = shape
    return Program(first.arguments, equations, result)


def _paths(found: dict[Path, Any]) -> str:
    return ", ".join(str(path[0]) + "".join(f"[{part!r}]" for part in path[1:]) for path in found)
