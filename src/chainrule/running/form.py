"""What a run must know of a kernel: which arrays it works on, and where its machine code is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from chainrule.compiler.kernels import Kernel
    from chainrule.native.code import NativeFunction


@dataclass
class Place:
    """An array that a kernel works on.

    Attributes
    ----------
    name : str
    role : str
        See `chainrule.compiler.nodes.Buffer`.
    content : path or ndarray or None
        Which leaf of the arguments or of the result it is, or the constant itself.
    dtype : numpy.dtype
    order : tuple of int
        The axes of the leaf as they lie in memory.
    sizes : tuple of int, Linear or str
        Its shape in memory; ``"parts"`` is as many as share the work.
    """

    name: str
    role: str
    content: Any
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    sizes: tuple[Any, ...]


@dataclass(eq=False)
class Form:
    """A kernel as a run sees it.

    Attributes
    ----------
    names : list of str
        What the step's arguments after the carry are called.
    places : list of Place
        By the kernel's arguments.
    constants : list of float
        Numbers that the kernel leaves open.
    checks : list of str
        What went wrong, by the number that the kernel leaves in ``fault``.
    shared : bool
        Whether several threads may run it together.
    products : list of str
        The dtypes of the matrix products that it calls.
    kernel : Kernel
    idle : list
        Memory that a run has left for the next one.
    """

    names: list[str]
    places: list[Place]
    constants: list[float]
    checks: list[str]
    shared: bool
    products: list[str]
    kernel: Kernel
    idle: list[Any] = field(default_factory=list)


def form_of(kernel: Kernel, names: list[str]) -> Form:
    """Return a kernel as a run sees it."""
    from chainrule.compiler.nodes import PARTS, ROWS

    told = {id(PARTS): "parts", id(ROWS): "rows"}
    places = [
        Place(
            b.name, b.role, b.content, b.dtype, b.order,
            tuple(told.get(id(size), size) for size in b.memory_shape),
        )
        for b in kernel.pointed
    ]  # fmt: skip
    products = sorted({item.c.dtype.name for item in kernel.products})
    return Form(names, places, kernel.constants, kernel.checks, kernel.shared, products, kernel)


def load(form: Form) -> NativeFunction:
    """Return the machine code of a kernel."""
    from chainrule.native import code

    return code.load(form.kernel)
