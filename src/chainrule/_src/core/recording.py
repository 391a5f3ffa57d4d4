"""Recording: a function runs with tensors, and its operations become the equations of a program.

The program holds for the recorded shapes only; the wing `trace` makes it hold for other batch
sizes. Read next: `program`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule._src.base.arrays import numeric
from chainrule._src.base.registry import provided
from chainrule._src.core.backward import ancestors
from chainrule._src.core.captured import around
from chainrule._src.core.equations import Equation, Variable, constant
from chainrule._src.core.names import watch_names
from chainrule._src.core.program import Program
from chainrule._src.core.refusals import OuterTensorError
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.core.weak import as_value, plain

_sketching = ContextVar("_sketching", default=False)


@contextmanager
def sketching(on: bool = True) -> Iterator[None]:
    """Within this context, record only shapes and dtypes of results that are slow to compute."""
    token = _sketching.set(on)
    try:
        yield
    finally:
        _sketching.reset(token)


def recording_level() -> Level:
    """Return a new level for a recording that becomes a program."""
    return Level(records_all=True, sketches=_sketching.get())


@dataclass(eq=False)
class Tape:
    """The operations that a function applied to tensors, in order.

    Attributes
    ----------
    inputs : dict of str to tree of Tensor
        The arguments by name.
    result : tree of Tensor and constants
    level : Level
        The level of the recording.
    """

    inputs: dict[str, Any]
    result: Any
    level: Level

    def program(self) -> Program:
        """Return the recorded operations as a program."""
        _refuse_outer(self.result, self.tensors(), self.level)
        return program_of(self.inputs, self.result, self.level)[0]

    def tensors(self) -> list[Tensor]:
        """Return the inputs and all tensors that the result was computed from, in order."""
        level = self.level
        outputs = [t for _, t in leaves(self.result) if type(t) is Tensor and t.level is level]
        by_order = {t.order: t for t in ancestors(*outputs)}
        by_order |= {t.order: t for _, t in leaves(self.inputs)}
        return [by_order[order] for order in sorted(by_order)]


def _refuse_outer(result: Any, recorded: Sequence[Tensor], level: Level) -> None:
    """Refuse a result or operand that is a tensor of an outer transformation.

    The constants of a program must be numbers.
    """
    constants = [leaf for _, leaf in leaves(result)]
    constants += [o for tensor in recorded if tensor.primitive for o in tensor.operands]
    if any(type(o) is Tensor and o.level is not level for o in constants):
        raise OuterTensorError()


def tape(f: Callable[..., Any], arguments: dict[str, Any], named: bool = True) -> Tape:
    """Run ``f`` with tensors in place of these arguments, and return the recording.

    The first argument holds the parameters: its integers are recorded as floats. If ``named``,
    tensors are named after the code's variables, which takes half as long again.
    """
    level = recording_level()

    def wrap(leaf: Any) -> Any:
        return Tensor.made(level.captured(as_value(leaf)), level)

    def parameter(leaf: Any) -> Any:
        is_int = isinstance(leaf, int) and not isinstance(leaf, bool)
        return wrap(float(leaf) if is_int else leaf)

    first = next(iter(arguments), None)
    inputs = {
        name: map_leaves(parameter if name == first else wrap, value)
        for name, value in arguments.items()
    }
    pairs = [*leaves(inputs)]
    for (_, tensor), name in zip(pairs, leaf_names(tuple([p for p, _ in pairs])), strict=True):
        tensor.name = name
    with watch_names() if named else nullcontext(), level.captured:
        result = around.result(f(*inputs.values()))
    return Tape(inputs, result, level)  # outside of `watch_names`


@lru_cache(1024)
def leaf_names(paths: tuple[Path, ...]) -> list[str]:
    """Return short names of leaves: the last parts of their paths, as many as make them unique."""
    names: list[str] = []
    for path in paths:
        ends = ("_".join(map(str, path[-count:])) for count in range(1, len(path) + 1))
        plain = (unicodedata.normalize("NFKC", end) for end in ends)
        candidates = (name for name in plain if name.isidentifier() and name not in names)
        names.append(next(candidates, re.sub(r"\W", "_", "_".join(map(str, path)))))
    return names


def program_of(
    inputs: dict[str, Any], result: Any, level: Level
) -> tuple[Program, dict[int, Variable]]:
    """Return the program that a level recorded, and the variable of each tensor, by its order."""
    outputs = [
        leaf for _, leaf in leaves(result) if isinstance(leaf, Tensor) and leaf.level is level
    ]
    recorded = {t.order: t for t in ancestors(*outputs)}
    recorded |= {t.order: t for _, t in leaves(inputs)}
    variables = {
        order: Variable(tensor.name, tensor.shape, tensor.dtype, tensor.value)
        for order, tensor in recorded.items()
    }
    as_constant = _Constants(level)
    equations = []
    for order in sorted(recorded):
        tensor = recorded[order]
        if tensor.primitive is not None and tensor.level is level:
            operands, params = list(tensor.operands), dict(tensor.params)
            for i, parent in tensor.parents:
                operands[i] = variables[parent.order]
            final = tuple([o if type(o) is Variable else as_constant(plain(o)) for o in operands])
            equations.append(Equation(variables[order], tensor.primitive, final, params))
    results = [variables[output.order] for output in outputs]
    equations, same = provided("simplification of programs")(equations, results)
    variables = {order: same.get(variable, variable) for order, variable in variables.items()}
    for order, tensor in recorded.items():
        _tell_adjoint(variables, order, tensor, level)

    def output(leaf: Any) -> Any:
        inside = isinstance(leaf, Tensor) and leaf.level is level
        if inside:
            return variables[leaf.order]
        return as_constant(numeric(np.asarray(leaf), "the result", "trace"))

    arguments = map_leaves(lambda tensor: variables[tensor.order], inputs)
    return Program(arguments, equations, map_leaves(output, result)), variables


class _Constants:
    """Copies of the constants of one program, which later writes do not change."""

    def __init__(self, level: Level) -> None:
        self._level = level
        self._copies: dict[int, tuple[Any, Any]] = {}  # id of an array → the array, its copy

    def __call__(self, array: Any) -> Any:
        """Return the constant for an array: its copy, or `Filled`."""
        if not isinstance(array, np.ndarray):
            return float(array) if type(array) is int and abs(array) >= 2**63 else array
        if id(array) not in self._copies:
            self._copies[id(array)] = array, constant(self._level.captured(array))
        return self._copies[id(array)][1]


def _tell_adjoint(variables: dict[int, Variable], order: int, tensor: Tensor, level: Level) -> None:
    """Set ``adjoint_of`` of the tensor's variable, if the tensor is a gradient."""
    source: Any = tensor.about
    while isinstance(source, Tensor):
        if source.level is level and source.order in variables:
            variable, about = variables[order], variables[source.order]
            if variable.adjoint_of is None and variable is not about:
                variable.adjoint_of = about
            return
        source = source.value
