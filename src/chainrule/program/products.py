"""Products summed over axes: small ones in loops, large ones by BLAS or its like, `gemm`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.ops.kernel import Contraction
from chainrule.program.batch import at
from chainrule.program.loops import Access, Buffer, Statement
from chainrule.program.lowering import Lowering, places, shape_of, stored
from chainrule.program.program import Equation, Program, Variable
from chainrule.program.reductions import Reduced, reduce

SMALLEST = 512  # multiplications from which a matrix product goes to BLAS
ROUTINES = {np.dtype(np.float32): "sgemm", np.dtype(np.float64): "dgemm"}


def contraction(low: Lowering, equation: Equation, kernel: Contraction) -> None:
    """Lower products that are summed."""
    output = equation.output
    shapes = [shape_of(operand) for operand in equation.operands]
    terms, out, sizes = letters_of(equation, kernel)
    letters = [*out, *(c for c in sizes if c not in out)]
    summed = [c for c in letters if c not in out]
    product = Product(equation, terms, out, [c for c in summed if sizes[c] != 1], sizes)
    if product.by_blas(low):
        return
    for operand in equation.operands:  # each entry is used many times: make it once
        if isinstance(operand, Variable) and product.summed and not _lies_ready(low, operand):
            low.hold(operand)
    axes = dict(zip(letters, low.axes([sizes[c] for c in letters]), strict=True))

    def entry(at: Mapping[str, str]) -> ast.expr:
        value: ast.expr | None = None
        for operand, term, shape in zip(equation.operands, terms, shapes, strict=True):
            variables = [axes[c][0] for c in term]
            index = zip(variables, shape, strict=True)
            place = ["0" if size == 1 else at.get(v, v) for v, size in index]
            factor = low.entry(operand, place, output.dtype)
            value = factor if value is None else ast.BinOp(value, ast.Mult(), factor)
        assert value is not None
        return value

    def add(total: ast.expr, value: ast.expr) -> ast.stmt:
        return ast.AugAssign(stored(total), ast.Add(), value)

    kept = [axes[c] for c in out]
    gone = [axes[c] for c in summed]
    start = low.number(0, output.dtype)
    reduce(low, output, Reduced(kept, gone, places(kept), entry, start, add))


def letters_of(equation: Equation, kernel: Contraction) -> tuple[list[str], str, dict[str, Any]]:
    """Return einsum's letters of a product's operands and result, and their sizes."""
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
    """Return how many operations the products of a program take for a batch size."""
    total = 0.0
    for equation in program.equations:
        kernel = equation.primitive.kernel
        if isinstance(kernel, Contraction):
            sizes = letters_of(equation, kernel)[2]
            total += 2 * float(np.prod([at(size, n) for size in sizes.values()], dtype=float))
    return total


def _lies_ready(low: Lowering, operand: Variable) -> bool:
    """Whether entries are read from an array as they are."""
    expression = low.glance(operand, places(low.axes(operand.shape)))
    return isinstance(expression, ast.Subscript)


class Product:
    """A sum of products that may be a matrix product.

    Parameters
    ----------
    equation : Equation
    terms : list of str
        A letter for each axis of each operand, as in einsum.
    out : str
        The letters of the result.
    summed : list of str
        The letters summed over, but for axes of one entry.
    sizes : dict of str to size
    """

    def __init__(
        self, equation: Equation, terms: list[str], out: str, summed: list[str], sizes: Any
    ) -> None:
        self.equation, self.terms, self.out = equation, terms, out
        self.summed, self.sizes = summed, sizes

    def by_blas(self, low: Lowering) -> bool:
        """Emit a call of BLAS, if it is a matrix product and large enough."""
        output = self.equation.output
        if not self._is_matrix_product(low):
            return False
        a, b = self.terms
        rows = [c for c in self.out if c in a and self.sizes[c] != 1]
        columns = [c for c in self.out if c in b and self.sizes[c] != 1]
        found = [
            self._matrix(low, operand, term, free)
            for operand, term, free in zip(
                self.equation.operands, self.terms, (rows, columns), strict=True
            )
        ]
        if found[0] is None or found[1] is None:
            return False
        made = low.output(output)
        lies = [self.out[axis] for axis in made.order if self.sizes[self.out[axis]] != 1]
        if lies not in (rows + columns, columns + rows):
            made.order = tuple(range(len(self.out)))
            lies = [c for c in self.out if self.sizes[c] != 1]
        height, width = self._size(rows), self._size(columns)
        (first, first_plain), (second, second_turned) = found[0], found[1]
        if lies != rows + columns:
            # It lies transposed: (A B)ᵀ = Bᵀ Aᵀ.
            height, width = width, height
            (second, second_turned), (first, first_plain) = found[0], found[1]
            rows, columns = columns, rows
        call = (
            f"{ROUTINES[output.dtype]}({int(not first_plain)}, {int(second_turned)}, {height}, "
            f"{width}, {self._size(self.summed)}, {first.name}, {second.name}, {made.name})"
        )
        axes = low.axes([self.sizes[c] for c in (*rows, *columns)])
        variables = [variable for variable, _ in axes]
        left, right = tuple(variables[: len(rows)]), tuple(variables[len(rows) :])
        touched = [
            Access(first.name, (*left, "…") if first_plain else ("…", *left), False),
            Access(second.name, (*right, "…") if second_turned else ("…", *right), False),
            Access(made.name, (*left, *right), True),
        ]
        low.items.append(Statement(ast.parse(call).body[0], touched))
        return True

    def _is_matrix_product(self, low: Lowering) -> bool:
        output, sizes = self.equation.output, self.sizes
        if len(self.terms) != 2 or output.dtype not in ROUTINES or not self.summed:
            return False
        a, b = self.terms
        left = [c for c in self.out if c in a and c not in b]
        right = [c for c in self.out if c in b and c not in a]
        apart = [c for c in self.out if c in a] + [c for c in self.out if c in b]
        if [*self.out] not in (left + right, right + left) or sorted(apart) != sorted(self.out):
            return False
        if any(c not in a or c not in b for c in self.summed):
            return False
        if any(len(set(term)) != len(term) for term in self.terms):
            return False
        if any(np.dtype(o.dtype) != output.dtype for o in self.equation.operands):
            return False

        def total(letters: Sequence[str]) -> int:
            return int(np.prod([at(sizes[c], low.n) for c in letters], dtype=float))

        m, k, p = total(left), total(self.summed), total(right)
        return min(m, k, p) > 1 and m * k * p >= SMALLEST

    def _size(self, letters: Sequence[str]) -> str:
        return " * ".join(f"({self.sizes[c]})" for c in letters) or "1"

    def _matrix(
        self, low: Lowering, operand: Any, term: str, free: list[str]
    ) -> tuple[Buffer, bool] | None:
        """Return a buffer that holds an operand as a matrix, and whether sums run along rows."""
        found = _permuted(low, operand)
        if found is None and isinstance(operand, Variable) and operand not in low.stored:
            low.hold(operand)
            found = _permuted(low, operand)
        if found is None:
            return None
        buffer, order = found
        lies = [term[axis] for axis in order]
        if lies not in (free + self.summed, self.summed + free):
            return None
        return buffer, lies == free + self.summed


def _permuted(low: Lowering, operand: Any) -> tuple[Buffer, list[int]] | None:
    """Return the buffer that an operand is, and the operand's axes as they lie in memory."""
    axes = low.axes(shape_of(operand))
    if not isinstance(operand, Variable | np.ndarray):
        return None
    expression = low.glance(operand, places(axes))
    if not isinstance(expression, ast.Subscript) or not isinstance(expression.value, ast.Name):
        return None
    buffer = low.buffers[expression.value.id]
    if buffer.role == "data":
        return None
    place = expression.slice
    parts = place.elts if isinstance(place, ast.Tuple) else [place]
    axis_of = {var: axis for axis, (var, extent) in enumerate(axes) if extent != "1"}
    order = []
    for part, size in zip(map(ast.unparse, parts), buffer.memory_shape or (1,), strict=True):
        if part in axis_of and str(size) == axes[axis_of[part]][1]:
            order.append(axis_of.pop(part))
        elif part != "0" or size != 1:
            return None
    return None if axis_of else (buffer, order)
