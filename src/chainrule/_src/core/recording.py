"""Recording: from a function and its arguments to a program for just these shapes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from chainrule._src.base.validation import numeric
from chainrule._src.core.backward import ancestors
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.forms import condensed
from chainrule._src.core.names import watch_names
from chainrule._src.core.program import Program
from chainrule._src.core.refusals import OuterTensorError
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.core.weak import Weak, as_value, is_weak, plain
from chainrule._src.ops import NUMPY
from chainrule._src.ops.filling import filled
from chainrule._src.ops.reduce import MAX, MEAN, MIN, PROD, SUM
from chainrule._src.ops.shape import BROADCAST_TO, RESHAPE
from chainrule._src.trace.batch import Filled, Nested, constant

_MULTIPLY = NUMPY[np.multiply]
_REDUCTIONS = {SUM, MEAN, MAX, MIN, PROD}
_COPIES = {*_REDUCTIONS, BROADCAST_TO, RESHAPE}  # where the shape stays as it is


_sketching = ContextVar("_sketching", default=False)


@contextmanager
def sketching(on: bool = True) -> Iterator[None]:
    """Have programs recorded without their values, where those take long."""
    token = _sketching.set(on)
    try:
        yield
    finally:
        _sketching.reset(token)


def recording_level() -> Level:
    """Return a new level of a recording that becomes a program."""
    return Level(records_all=True, sketches=_sketching.get())


@dataclass(eq=False)
class Tape:
    """What a function did with tensors, operation by operation.

    Attributes
    ----------
    inputs : dict of str to tree of Tensor
        The arguments by name.
    result : tree of Tensor and constants
    level : Level
        Of the recording.
    """

    inputs: dict[str, Any]
    result: Any
    level: Level

    def program(self) -> Program:
        """Return it as a program."""
        _refuse_outer(self.result, self._tensors(), self.level)
        return program_of(self.inputs, self.result, self.level)[0]

    @cached_property
    def key(self) -> Hashable:
        """Something that is equal where two tapes become the same program, names of inputs too."""
        found = self._tensors()
        numbers = {tensor.order: i for i, tensor in enumerate(found)}
        level = self.level

        def part(leaf: Any) -> Any:
            inside = type(leaf) is Tensor and leaf.level is level
            return ("tensor", numbers[leaf.order]) if inside else key_of(np.asarray(leaf))

        return (
            _structure(self.inputs, part),
            tuple([_told(tensor, numbers, level) for tensor in found]),
            _structure(self.result, part),
        )

    def _tensors(self) -> list[Tensor]:
        """Return all that the result was computed from, and the inputs."""
        level = self.level
        outputs = [t for _, t in leaves(self.result) if type(t) is Tensor and t.level is level]
        found = {t.order: t for t in ancestors(*outputs)}
        found |= {t.order: t for _, t in leaves(self.inputs)}
        return [found[order] for order in sorted(found)]


def _refuse_outer(result: Any, recorded: Sequence[Tensor], level: Level) -> None:
    """Refuse tensors of a transformation around it: a program holds numbers."""
    constants = [leaf for _, leaf in leaves(result)]
    constants += [o for tensor in recorded if tensor.primitive for o in tensor.operands]
    if any(type(o) is Tensor and o.level is not level for o in constants):
        raise OuterTensorError()


def _told(tensor: Tensor, numbers: dict[int, int], level: Level) -> Hashable:
    """Return what tells a tensor from others in the same place."""
    about = tensor.about
    while type(about) is Tensor and about.order not in numbers:
        about = about.value
    source = numbers[about.order] if type(about) is Tensor else None
    if tensor.primitive is None or tensor.level is not level:
        return (tensor.name, tensor.shape, tensor.dtype.str, is_weak(tensor), source)
    operands = [*tensor.operands]
    for i, parent in tensor.parents:
        operands[i] = numbers[parent.order], "tensor"
    told = [o if type(o) is tuple else key_of(o) for o in operands]
    return (tensor.primitive, *told, key_of(tensor.params) if tensor.params else (), source)


def tape(f: Callable[..., Any], given: dict[str, Any], named: bool = True) -> Tape:
    """Return what ``f`` does with these arguments, by name; the first one holds parameters.

    With ``named``, values are called what the code calls them, which takes half as long again.
    """
    level = recording_level()

    def wrap(leaf: Any) -> Any:
        return Tensor.made(level.captured(as_value(leaf)), level)

    def parameter(leaf: Any) -> Any:
        whole = isinstance(leaf, int) and not isinstance(leaf, bool)
        return wrap(float(leaf) if whole else leaf)

    first = next(iter(given), None)
    inputs = {
        name: map_leaves(parameter if name == first else wrap, value)
        for name, value in given.items()
    }
    found = [*leaves(inputs)]
    for (_, tensor), name in zip(found, leaf_names(tuple([p for p, _ in found])), strict=True):
        tensor.name = name
    with watch_names() if named else nullcontext(), level.captured:
        result = f(*inputs.values())
    return Tape(inputs, result, level)  # whose own code is not to be watched


@lru_cache(1024)
def leaf_names(paths: tuple[Path, ...]) -> list[str]:
    """Name leaves after the last parts of their paths, as few as tell one from those before."""
    names: list[str] = []
    for path in paths:
        ends = ("_".join(map(str, path[-count:])) for count in range(1, len(path) + 1))
        plain = (unicodedata.normalize("NFKC", end) for end in ends)
        found = (name for name in plain if name.isidentifier() and name not in names)
        names.append(next(found, re.sub(r"\W", "_", "_".join(map(str, path)))))
    return names


def program_of(
    inputs: dict[str, Any], result: Any, level: Level
) -> tuple[Program, dict[int, Variable]]:
    """Return what a level recorded, and the variable of each tensor by its order."""
    outputs = [
        leaf for _, leaf in leaves(result) if isinstance(leaf, Tensor) and leaf.level is level
    ]
    recorded = {t.order: t for t in ancestors(*outputs)}
    recorded |= {t.order: t for _, t in leaves(inputs)}
    variables = {
        order: Variable(tensor.name, tensor.shape, tensor.dtype, tensor.value)
        for order, tensor in recorded.items()
    }
    own = _Constants(level)
    equations = []
    for order in sorted(recorded):
        tensor = recorded[order]
        if tensor.primitive is not None and tensor.level is level:
            operands, params = list(tensor.operands), dict(tensor.params)
            for i, parent in tensor.parents:
                operands[i] = variables[parent.order]
            taken = tuple([o if type(o) is Variable else own(plain(o)) for o in operands])
            equations.append(Equation(variables[order], tensor.primitive, taken, params))
    results = [variables[output.order] for output in outputs]
    for prune in {e.primitive.prune for e in equations if e.primitive.prune}:
        equations = prune(equations, results)
    equations, same = _simplified(filled(equations, results))
    variables = {order: same.get(variable, variable) for order, variable in variables.items()}
    for order, tensor in recorded.items():
        _tell_adjoint(variables, order, tensor, level)

    def known(leaf: Any) -> Any:
        inside = isinstance(leaf, Tensor) and leaf.level is level
        if inside:
            return variables[leaf.order]
        return own(numeric(np.asarray(leaf), "the result", "trace"))

    arguments = map_leaves(lambda tensor: variables[tensor.order], inputs)
    return Program(arguments, equations, map_leaves(known, result)), variables


class _Constants:
    """The constants of one program, which are its own: later writes do not change them."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._copies: dict[int, tuple[Any, Any]] = {}  # by the id of the array beside each

    def __call__(self, array: Any) -> Any:
        """Return an array as the program may have it."""
        if not isinstance(array, np.ndarray):
            return float(array) if type(array) is int and abs(array) >= 2**63 else array
        if id(array) not in self._copies:
            self._copies[id(array)] = array, constant(self._level.captured(array))
        return self._copies[id(array)][1]


def _tell_adjoint(variables: dict[int, Variable], order: int, tensor: Tensor, level: Level) -> None:
    """Note which variable the tensor is the gradient of, if it is one."""
    source: Any = tensor.about
    while isinstance(source, Tensor):
        if source.level is level and source.order in variables:
            mine, about = variables[order], variables[source.order]
            if mine.adjoint_of is None and mine is not about:
                mine.adjoint_of = about
            return
        source = source.value


def simplified(program: Program) -> Program:
    """Return the program with equal expressions computed once, and nothing done in vain."""
    equations, same = _simplified(program.equations)

    def known(leaf: Any) -> Any:
        return same.get(leaf, leaf) if isinstance(leaf, Variable) else leaf

    result = map_leaves(known, program.result)
    return Program(program.arguments, equations, result, program.batch, program.general)


def _simplified(
    equations: Sequence[Equation],
) -> tuple[list[Equation], dict[Variable, Variable]]:
    """Return equations without those that repeat another, and what stands for their outputs."""
    kept: list[Equation] = []
    same: dict[Variable, Variable] = {}
    seen: dict[Hashable, Variable] = {}
    for equation in equations:
        operands = [same.get(o, o) if type(o) is Variable else o for o in equation.operands]
        if any(type(o) is Filled for o in operands):
            operands = [_as_number(equation, i, operands) for i in range(len(operands))]
        params = _few_axes(equation)
        parts = tuple([o if type(o) is Variable else key_of(o) for o in operands])
        key = (equation.primitive, parts, key_of(params) if params else ())
        found = seen.get(key) or _unchanged(equation, operands)
        if found is not None:
            same[equation.output] = found
            found.name = found.name or equation.output.name
            continue
        seen[key] = equation.output
        kept.append(Equation(equation.output, equation.primitive, tuple(operands), params))
    return kept, same


def _few_axes(equation: Equation) -> dict[str, Any]:
    """Return the parameters; of a reduction that keeps its axes, without those of size 1."""
    params = equation.params
    if equation.primitive not in _REDUCTIONS or not params.get("keepdims"):
        return params
    axes = params.get("axis")
    if axes is None:
        return params
    shape = np.shape(equation.operands[0])
    if not shape:  # NumPy lets a number have an axis
        return params
    axes = axes if isinstance(axes, tuple) else (axes,)
    longer = tuple(axis for axis in axes if shape[axis] != 1)
    return {**params, "axis": longer[0] if len(longer) == 1 else longer or axes}


def _as_number(equation: Equation, i: int, operands: Sequence[Any]) -> Any:
    """Return the number of a constant that broadcasts all the same, else the operand itself."""
    operand, output = operands[i], equation.output
    if i >= equation.primitive.broadcasts or not isinstance(operand, Filled):
        return operand
    variables = [v for v in operands if isinstance(v, Variable) and not is_weak(v)]
    others = [v for v in variables if v.shape == output.shape]
    fits = bool(others) and operand.dtype == others[0].dtype
    return operand.number if fits or "shape" in equation.params else operand


def _unchanged(equation: Equation, operands: Sequence[Any]) -> Variable | None:
    """Return the operand that an operation leaves as it is: times 1, or a sum of one entry each."""
    output = equation.output
    if equation.primitive is _MULTIPLY:
        pairs: list[Any] = [operands, operands[::-1]]
        for one, other in pairs:
            is_one = not isinstance(one, Variable) and np.ndim(one) == 0 and np.all(one == 1)
            if is_one and isinstance(other, Variable) and other.dtype == output.dtype:
                return other
    first: Any = operands[0] if operands else None
    copies = equation.primitive in _COPIES and isinstance(first, Variable)
    if copies and (first.shape, first.dtype) == (output.shape, output.dtype):
        return None if is_weak(first) else first  # NumPy makes a number whose dtype counts
    return None


def key_of(thing: Any) -> Any:
    """Return something hashable that is equal where a parameter or constant is the same."""
    if type(thing) is Variable:
        return thing
    if isinstance(thing, dict):
        return tuple([(name, key_of(value)) for name, value in thing.items()])
    if isinstance(thing, (tuple, list)):
        return (type(thing), *map(key_of, thing))
    if isinstance(thing, slice):
        return (slice, key_of(thing.start), key_of(thing.stop), key_of(thing.step))
    if isinstance(thing, Nested):
        return thing.key
    if isinstance(thing, Filled):
        return (Filled, key_of(thing.number), key_of(thing.shape), thing.dtype.str)
    if isinstance(thing, np.ndarray):
        return (thing.shape, thing.dtype.str, condensed(thing).tobytes())
    if isinstance(thing, float | int | np.generic):
        return (type(thing), str(thing))
    if type(thing) is Weak:
        return key_of(thing.number)
    return thing


def signature(program: Program) -> Hashable:
    """Return something that is equal where two programs are the same, names of inputs included."""
    numbers = {variable: i for i, variable in enumerate(program.variables)}

    def key(thing: Any) -> Any:
        return ("variable", numbers[thing]) if type(thing) is Variable else key_of(thing)

    inputs = {*program.inputs}

    def about(variable: Variable) -> Any:
        return (
            variable.name if variable in inputs else None, variable.shape, variable.dtype.str,
            is_weak(variable),
            numbers.get(variable.adjoint_of) if variable.adjoint_of else None,
        )  # fmt: skip

    return (
        _structure(program.arguments, key),
        tuple(map(about, program.variables)),
        tuple(
            (e.primitive, tuple(map(key, e.operands)), key_of(e.params) if e.params else ())
            for e in program.equations
        ),
        _structure(program.result, key),
    )


def _structure(tree: Any, key: Callable[[Any], Any]) -> Any:
    """Return something hashable that tells a tree's structure and leaves."""
    if isinstance(tree, dict):
        return (dict, *((name, _structure(part, key)) for name, part in tree.items()))
    if isinstance(tree, (tuple, list)):
        return (type(tree), *(_structure(part, key) for part in tree))
    return None if tree is None else key(tree)
