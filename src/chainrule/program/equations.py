"""Equations: what a program is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.config import Shown
from chainrule.ops import Primitive


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


def shape_text(shape: tuple[Any, ...]) -> str:
    """Write a shape, the batch size as ``n``."""
    sizes = ", ".join(str(size) for size in shape)
    return f"({sizes},)" if len(shape) == 1 else f"({sizes})"
