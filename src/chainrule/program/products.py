"""Products summed over axes: small ones in loops, large ones by BLAS or its like, `gemm`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.ops.kernel import Contraction
from chainrule.program.batch import at
from chainrule.program.equations import Equation, Variable
from chainrule.program.loops import Access, Buffer, Statement
from chainrule.program.lowering import Lowering, places, shape_of, stored
from chainrule.program.program import Program
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
    for operand in equation.operands if product.summed else ():
        low.ready(operand)  # each entry is used many times
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


@dataclass(frozen=True)
class Matrix:
    """An array that lies in memory as a matrix.

    Attributes
    ----------
    buffer : Buffer
    free, summed : list of str
        The letters of its two sides, but for axes of one entry, in the order in which they lie.
    plain : bool
        Whether sums run along its rows.
    """

    buffer: Buffer
    free: list[str]
    summed: list[str]
    plain: bool


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
        found = self._matrices(low)
        if found is None:
            return False
        first, second = found
        made = low.output(output)
        lies = [self.out[axis] for axis in made.order if self.sizes[self.out[axis]] != 1]
        if lies not in (first.free + second.free, second.free + first.free):
            lies = first.free + second.free
            made.order = _order(self.out, lies)
        if lies[: len(first.free)] != first.free:
            first, second = second, first  # it lies transposed: (A B)ᵀ = Bᵀ Aᵀ
        rows, columns = first.free, second.free
        call = (
            f"{ROUTINES[output.dtype]}({int(not first.plain)}, {int(second.plain)}, "
            f"{self._size(rows)}, {self._size(columns)}, {self._size(first.summed)}, "
            f"{first.buffer.name}, {second.buffer.name}, {made.name})"
        )
        axes = low.axes([self.sizes[c] for c in (*rows, *columns)])
        variables = [variable for variable, _ in axes]
        left, right = tuple(variables[: len(rows)]), tuple(variables[len(rows) :])
        touched = [
            Access(first.buffer.name, (*left, "…") if first.plain else ("…", *left), False),
            Access(second.buffer.name, (*right, "…") if second.plain else ("…", *right), False),
            Access(made.name, (*left, *right), True),
        ]
        low.items.append(Statement(ast.parse(call).body[0], touched))
        return True

    def _is_matrix_product(self, low: Lowering) -> bool:
        output, sizes = self.equation.output, self.sizes
        if len(self.terms) != 2 or output.dtype not in ROUTINES or not self.summed:
            return False
        a, b = self.terms
        left = [c for c in self.out if c in a]
        right = [c for c in self.out if c in b]
        if sorted(left + right) != sorted(self.out):
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

    def _matrices(self, low: Lowering) -> list[Matrix] | None:
        """Return the operands as matrices whose summed letters lie in the same order.

        One that does not lie so is written out: windows of an image become the rows of a matrix.
        """
        pairs = list(zip(self.equation.operands, self.terms, strict=True))
        found = [self._lying(low, operand, term) for operand, term in pairs]
        lying = [matrix for matrix in found if matrix is not None]
        summed = max(lying, key=lambda m: self._entries(low, m)).summed if lying else self.summed
        for side, (operand, term) in enumerate(pairs):
            matrix = found[side]
            if matrix is None or matrix.summed != summed:
                if not isinstance(operand, Variable):
                    return None
                free = [c for c in term if c not in summed and self.sizes[c] != 1]
                held = low.written_out(operand, _order(term, free + summed))
                found[side] = Matrix(held, free, summed, True)
        return [matrix for matrix in found if matrix is not None]

    def _lying(self, low: Lowering, operand: Any, term: str) -> Matrix | None:
        """Return an operand as a matrix, if that is how it lies in memory."""
        found = _permuted(low, operand)
        if found is None:
            return None
        buffer, order = found
        letters = [term[axis] for axis in order]
        count = len(self.summed)
        for plain in (True, False):
            split = len(letters) - count if plain else count
            ends = letters[:split], letters[split:]
            free, summed = ends if plain else ends[::-1]
            if set(summed) == set(self.summed):
                return Matrix(buffer, free, summed, plain)
        return None

    def _entries(self, low: Lowering, matrix: Matrix) -> int:
        return low.entries_of([str(self.sizes[c]) for c in (*matrix.free, *matrix.summed)])


def _order(term: str, letters: list[str]) -> tuple[int, ...]:
    """Return the axes of an array that is to lie by letters; axes of one entry come first."""
    alone = [axis for axis, letter in enumerate(term) if letter not in letters]
    return (*alone, *(term.index(letter) for letter in letters))


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
