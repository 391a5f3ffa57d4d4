"""Equations: what a program is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.showing import Shown
from chainrule._src.core.primitive import Primitive
from chainrule._src.core.trees import Path, leaves


class Symbolic:
    """A part of a program that depends on the batch size: a number, a shape, a constant."""

    __slots__ = ()

    def at(self, n: int) -> Any:
        """Return what it is for a batch size."""
        raise NotImplementedError


@dataclass(frozen=True)
class Filled(Symbolic):
    """An array with one number everywhere."""

    number: Any
    shape: Any
    dtype: np.dtype[Any]

    def at(self, n: int) -> Any:
        """Return the array for a batch size."""
        return np.full(at(self.shape, n), at(self.number, n), self.dtype)


# No batch size is in things of these types.
PLAIN = frozenset([int, str, bool, float, type, type(None), np.ndarray])


def at(thing: Any, n: int) -> Any:
    """Return a shape, parameter or constant for a batch size."""
    if type(thing) in PLAIN:
        return thing
    if isinstance(thing, Symbolic):
        return thing.at(n)
    if isinstance(thing, (tuple, list)):
        return type(thing)([at(part, n) for part in thing])
    if isinstance(thing, slice):
        return slice(at(thing.start, n), at(thing.stop, n), at(thing.step, n))
    return thing


def constant(array: Any) -> Any:
    """Return an array as `Filled` if it holds one number everywhere, or none.

    Arrays in another byte order than the machine's become arrays in its own.
    """
    if isinstance(array, np.ndarray) and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if isinstance(array, np.ndarray) and not array.size:
        return Filled(array.dtype.type(0), array.shape, array.dtype)
    if isinstance(array, np.ndarray) and array.ndim:
        first = array.flat[0]
        signs = array.dtype.kind == "f" and np.signbit(array) != np.signbit(first)  # of zeros
        if (array == first).all() and not np.any(signs):
            return Filled(first, array.shape, array.dtype)
    return array


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


def shape_text(shape: tuple[Any, ...]) -> str:
    """Write a shape, the batch size as ``n``; or the shapes of several results."""
    sizes = ", ".join(shape_text(s) if isinstance(s, tuple) else str(s) for s in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
