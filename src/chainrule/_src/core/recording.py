"""Recording: from a function and its arguments to a program for just these shapes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule._src.base.arrays import numeric
from chainrule._src.core.backward import ancestors
from chainrule._src.core.equations import Equation, Variable, constant
from chainrule._src.core.names import watch_names
from chainrule._src.core.program import Program
from chainrule._src.core.refusals import OuterTensorError
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.core.weak import as_value, plain

# What is done with the equations of a recording; higher wings add to it. A pass takes the equations
# and the variables of the result, and returns the equations and what stands for removed variables.
Pass = Callable[
    [list[Equation], list[Variable]], tuple[list[Equation], Mapping[Variable, Variable]]
]
PASSES: list[Pass] = []
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
        _refuse_outer(self.result, self.tensors(), self.level)
        return program_of(self.inputs, self.result, self.level)[0]

    def tensors(self) -> list[Tensor]:
        """Return the inputs and all tensors that the result was computed from, in order."""
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
    for simplify in PASSES:
        equations, same = simplify(equations, results)
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
