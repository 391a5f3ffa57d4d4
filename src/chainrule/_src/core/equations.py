"""Equations, their variables and constants: the parts of a program.

An equation is ``output = primitive(*operands, **params)``. Shapes, parameters and constants may
depend on the batch size ``n``; such a part is `Symbolic`, and ``at(n)`` gives its value.

Read next: `recording`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.showing import Shown
from chainrule._src.core.primitive import Primitive
from chainrule._src.core.trees import Path, leaves


class Symbolic:
    """A part of a program that may depend on the batch size: a number, shape or constant."""

    __slots__ = ()

    def at(self, n: int) -> Any:
        """Return the plain value of this part for a batch size."""
        raise NotImplementedError


@dataclass(frozen=True)
class Filled(Symbolic):
    """A constant array whose entries are all equal."""

    number: Any
    shape: Any
    dtype: np.dtype[Any]

    def at(self, n: int) -> Any:
        """Return the array for a batch size."""
        return np.full(at(self.shape, n), at(self.number, n), self.dtype)


# Values of these types never depend on the batch size.
PLAIN = frozenset([int, str, bool, float, type, type(None), np.ndarray])


def at(value: Any, n: int) -> Any:
    """Return the plain value of a shape, parameter or constant for a batch size."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Symbolic):
        return value.at(n)
    if isinstance(value, (tuple, list)):
        return type(value)([at(part, n) for part in value])
    if isinstance(value, slice):
        return slice(at(value.start, n), at(value.stop, n), at(value.step, n))
    return value


def constant(array: Any) -> Any:
    """Return an array as `Filled` if its entries are all equal or if it is empty.

    Arrays in a foreign byte order are converted to the machine's byte order.
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
    """A value in a program: an input, or the output of an equation.

    Attributes
    ----------
    name : str or None
        Name of the variable in the recorded code, if it had one.
    shape : tuple of int or Linear
    dtype : numpy.dtype
    value : ndarray
        The value when the program was recorded.
    adjoint_of : Variable or None
        If this is a gradient: the variable that it is the gradient of.
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
    """Evidence that a program matches the recorded function, for given batch sizes."""

    def holds(self, program: Any, n: int) -> bool:
        """Return true if the program does the same as the function for ``n`` samples."""

    def sizes(self, program: Any) -> tuple[int, int | None]:
        """Return the smallest and the largest batch size; None as the largest means no bound."""

    def alone(self, n: int | None = None) -> Any:
        """Return the program for one batch size only, by default that of the examples."""


@dataclass(eq=False, repr=False)
class Listing:
    """The equations that lead from arguments to a result; a `Program` is a listing that can run.

    Attributes
    ----------
    arguments : dict of str to tree of Variable
        The arguments by name, with a variable for each array.
    equations : list of Equation
    result : tree of Variable or constant
    batch : Path or None
        Path of the first array with one sample per row; its length is the batch size.
    general : bool
        If true, the equations hold for more batch sizes than the recorded one.
    proof : Proof or None
        Checks a batch size, by recording the function for that size.
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
    """Return the variables that are needed to compute values, including those of the values."""
    needed = {leaf for _, leaf in leaves(values) if isinstance(leaf, Variable)}
    for equation in reversed(equations):
        if equation.output in needed:
            needed.update(equation.variables)
    return needed


def shape_text(shape: tuple[Any, ...]) -> str:
    """Return a shape as text, with the batch size as ``n``; also a tuple of shapes."""
    sizes = ", ".join(shape_text(s) if isinstance(s, tuple) else str(s) for s in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
