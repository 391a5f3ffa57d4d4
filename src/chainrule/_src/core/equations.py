"""Equations: what a program is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np

from chainrule._src.base.config import Shown
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.ops import Primitive


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


class Proof(Protocol):
    """Tells for which batch sizes a program does what the recorded function does."""

    def holds(self, program: Any, n: int) -> bool:
        """Whether the program is what the function does for ``n`` samples."""

    def sizes(self, program: Any) -> tuple[int, int | None]:
        """Return the smallest and the largest batch size of the program; None: no bound."""

    def alone(self, n: int | None = None) -> Any:
        """Return the program for one batch size, that of the examples if none is given."""


@dataclass(eq=False, repr=False)
class Listing:
    """Equations between arguments and a result: what a program is, before it runs.

    Attributes
    ----------
    arguments : dict of str to tree of Variable
        The arguments by name, with a variable for each array.
    equations : list of Equation
    result : tree of Variable or constant
    batch : Path or None
        Where the batch size is read: the first array with a sample a row.
    general : bool
        Whether it holds for more batch sizes than the recorded one.
    proof : Proof or None
        Tells for which ones, by recording the function for them.
    """

    arguments: dict[str, Any]
    equations: list[Equation]
    result: Any
    batch: Path | None = None
    general: bool = True
    proof: Proof | None = field(default=None, repr=False)

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


def needed_for(values: Any, equations: Sequence[Equation]) -> set[Variable]:
    """Return the variables that values are computed from, those among the values too."""
    needed = {leaf for _, leaf in leaves(values) if isinstance(leaf, Variable)}
    for equation in reversed(equations):
        if equation.output in needed:
            needed.update(equation.variables)
    return needed


L = TypeVar("L", bound=Listing)


def remade(program: L, param: Callable[[Any], Any], constant: Callable[[Any], Any]) -> L:
    """Return a program with variables of its own, other parameters, shapes and constants."""
    made = {
        v: Variable(v.name, param(v.shape), v.dtype, v.value, v.adjoint_of)
        for v in program.variables
    }
    for variable in made.values():
        source = variable.adjoint_of
        variable.adjoint_of = made.get(source, source) if source else None

    def known(thing: Any) -> Any:
        return made[thing] if isinstance(thing, Variable) else constant(thing)

    equations = [
        Equation(
            made[e.output],
            e.primitive,
            tuple(map(known, e.operands)),
            {name: param(value) for name, value in e.params.items()},
        )
        for e in program.equations
    ]
    arguments, result = map_leaves(known, program.arguments), map_leaves(known, program.result)
    return replace(program, arguments=arguments, equations=equations, result=result)


def copied(program: L) -> L:
    """Return the same program with variables of its own."""
    return remade(program, lambda thing: thing, lambda thing: thing)


def shape_text(shape: tuple[Any, ...]) -> str:
    """Write a shape, the batch size as ``n``; or the shapes of several results."""
    sizes = ", ".join(shape_text(s) if isinstance(s, tuple) else str(s) for s in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
