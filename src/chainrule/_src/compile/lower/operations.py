"""The number of operations of products. This module does not import the compiler."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule._src.core.equations import Equation, Filled, Variable, at
from chainrule._src.core.kernel import Contraction, Recurrence
from chainrule._src.core.program import Program
from chainrule._src.trace.batch import BatchScaled, Counted, Diagonal, Linear


def shape_of(operand: Any) -> tuple[Any, ...]:
    """Return the shape of a variable or constant."""
    if isinstance(operand, Variable | Filled | Counted | Diagonal):
        return tuple(operand.shape)
    return () if isinstance(operand, BatchScaled | Linear) else np.shape(operand)


def letters_of(equation: Equation, kernel: Contraction) -> tuple[list[str], str, dict[str, Any]]:
    """Return einsum's letters for a product's operands and result, and the letters' sizes."""
    shapes = [shape_of(operand) for operand in equation.operands]
    inputs, out = kernel.subscripts(tuple(map(len, shapes)), **equation.params).split("->")
    terms = inputs.split(",")
    sizes: dict[str, Any] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(term, shape, strict=True):
            if sizes.get(letter, 1) == 1:
                sizes[letter] = size
    return terms, out, sizes


def operations(program: Program, n: int) -> float:
    """Return the number of operations of a program's products, for a batch size."""
    return _operations(program.equations, n)


def _operations(equations: Iterable[Equation], n: int) -> float:
    total = 0.0
    for equation in equations:
        if isinstance(equation.primitive.kernel, Recurrence):
            params = equation.params
            total += at(params["steps"], n) * _operations(params["body"].equations, n)
        else:
            total += operations_of(equation, n)
    return total


def operations_of(equation: Equation, n: int) -> float:
    """Return the number of operations of an equation if it is a product, and 0 otherwise."""
    kernel = equation.primitive.kernel
    if not isinstance(kernel, Contraction):
        return 0.0
    sizes = letters_of(equation, kernel)[2]
    return 2 * float(np.prod([at(size, n) for size in sizes.values()], dtype=float))
