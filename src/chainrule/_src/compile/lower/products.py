"""Sums of products (einsum): small ones become loops, large ones become matrix products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._src.compile.lower.lanes import Places, Reduced, Target
from chainrule._src.compile.lower.lowering import Lowering, places
from chainrule._src.compile.lower.nodes import (
    ANYWHERE,
    PART,
    PARTS,
    ZERO,
    Buffer,
    Call,
    Const,
    Expr,
    Load,
    Local,
    cast,
    whole,
)
from chainrule._src.compile.lower.operations import letters_of, shape_of
from chainrule._src.compile.lower.reductions import in_parts, reduced, taken_together
from chainrule._src.compile.lower.statements import Accumulate, Product, Side, nest
from chainrule._src.core.equations import Equation, Variable
from chainrule._src.core.kernel import Contraction

SMALLEST = 512  # multiplications from which a sum of products becomes a matrix product
MATRICES = (np.dtype(np.float32), np.dtype(np.float64))


def contraction(low: Lowering, equation: Equation, kernel: Contraction) -> None:
    """Lower a sum of products."""
    output = equation.output
    shapes = [shape_of(operand) for operand in equation.operands]
    terms, out, sizes = letters_of(equation, kernel)
    letters = [*out, *(c for c in sizes if c not in out)]
    summed = [c for c in letters if c not in out]
    if Matrices(low, equation, terms, out, [c for c in summed if sizes[c] != 1], sizes).emitted():
        return
    if any(sizes[c] != 1 for c in summed):
        for operand in equation.operands:
            low.ready(operand)  # each entry is used many times
    axes = dict(zip(letters, low.axes([sizes[c] for c in letters]), strict=True))

    def entry(at: Places) -> Expr:
        value: Expr | None = None
        for operand, term, shape in zip(equation.operands, terms, shapes, strict=True):
            index = zip((axes[c][0] for c in term), shape, strict=True)
            operand_index = tuple([ZERO if size == 1 else at.get(v, v) for v, size in index])
            factor = low.entry(operand, operand_index, output.dtype)
            value = factor if value is None else Call("mul", (value, factor), output.dtype)
        assert value is not None
        return value

    def add(total: Target, value: Expr) -> Accumulate:
        return Accumulate(total, cast(value, output.dtype))

    remaining = [axes[c] for c in out]
    gone = [axes[c] for c in summed]
    start = low.numbers.of(0, output.dtype)
    reduced(low, equation, Reduced(remaining, gone, places(remaining), entry, start, add))


@dataclass(eq=False, repr=False)
class Matrix:
    """An array whose memory is a matrix.

    Attributes
    ----------
    buffer : Buffer
    letters : list of str
        The einsum letters of its axes in memory order, without axes of size 1.
    free, summed : list of str
        The letters that remain in the result, and those that are summed over.
    plain : bool
        If true, sums run along the rows of the matrix, otherwise along its columns.
    """

    buffer: Buffer
    letters: list[str]
    free: list[str]
    summed: list[str]
    plain: bool

    def entry(self, variables: Mapping[str, Local]) -> Load:
        """Return an entry, indexed by the letters' variables or `ANYWHERE` for summed letters."""
        letters, shape = iter(self.letters), self.buffer.memory_shape or (1,)
        parts = [ZERO if n == 1 else variables.get(next(letters), ANYWHERE) for n in shape]
        return Load(self.buffer, tuple(parts))


class Matrices:
    """A sum of products that may be a matrix product, or a matrix product for each batch entry.

    Parameters
    ----------
    low : Lowering
    equation : Equation
    terms : list of str
        The einsum letters of each operand.
    out : str
        The letters of the result.
    summed : list of str
        The letters that are summed over, without axes of size 1.
    sizes : dict of str to size
    """

    def __init__(
        self, low: Lowering, equation: Equation, terms: list[str], out: str, summed: list[str],
        sizes: Any,
    ) -> None:  # fmt: skip
        self.low, self.equation, self.terms, self.out = low, equation, terms, out
        self.summed, self.sizes = summed, sizes
        self.each = [c for c in out if sizes[c] != 1 and all(c in term for term in terms)]

    def emitted(self) -> bool:
        """Emit a matrix product if possible and large enough; return true if it was emitted."""
        low, output = self.low, self.equation.output
        matrices = self._matrices() if self._is_matrix_product() else None
        if matrices is None:
            return False
        first, second = matrices
        buffer = low.output(output)
        lies = [self.out[axis] for axis in buffer.order if self.sizes[self.out[axis]] != 1]
        if not any(self._lie(lies, *sides) for sides in ((first, second), (second, first))):
            lies = self.each + first.free + second.free
            buffer.order = _order(self.out, lies)
        if self._lie(lies, second, first):
            first, second = second, first  # it lies transposed: (A B)ᵀ = Bᵀ Aᵀ
        self._emit(Matrix(buffer, lies, first.free + second.free, [], True), first, second)
        return True

    def _emit(self, result: Matrix, first: Matrix, second: Matrix) -> None:
        low, buffer, outermost = self.low, result.buffer, first.summed[0]
        letters = [*self.each, *first.free, *second.free, outermost]
        axes = dict(zip(letters, low.axes([self.sizes[c] for c in letters]), strict=True))
        variables = {c: variable for c, (variable, _) in axes.items()}
        split = variables[outermost] is low.sample and self._is_split(first, second)
        if not split:
            del variables[outermost]
        rows, columns, terms = (
            self._side(part, variables) for part in (first.free, second.free, first.summed)
        )
        a, b, c = (matrix.entry(variables) for matrix in (first, second, result))
        product = Product(a, b, c, rows, columns, terms, (not first.plain, second.plain))
        if split:
            parts = in_parts(low, buffer)
            low.items.append(replace(product, c=Load(parts, (PART, *c.index)), shared="terms"))
            taken_together(low, buffer, parts, lambda a, b: Call("add", (a, b), buffer.dtype))
        else:
            low.items += nest([axes[c] for c in result.letters if c in self.each], [product])

    def _is_split(self, first: Matrix, second: Matrix) -> bool:
        """Return true if each thread sums over its own samples, and then their sums are added.

        Otherwise each thread computes a part of the result, and reads all samples of the operands,
        most of which other threads have computed. The method with less traffic between cores wins.
        """
        sides = first.free, second.free, first.summed
        m, n, k = (self.low.entries_of([self.sizes[c] for c in letters]) for letters in sides)
        return self.low.shared and not self.each and PARTS * m * n <= k * (m + 2 * n)

    def _lie(self, letters: list[str], first: Matrix, second: Matrix) -> bool:
        return self._is_matrix(letters, first.free, second.free)

    def _is_matrix(self, letters: list[str], rows: list[str], columns: list[str]) -> bool:
        """Return true if the axes in memory order are a stack of matrices with contiguous lines."""
        places = [[letters.index(c) for c in side] for side in (rows, columns)]
        in_line = all(side == [*range(side[0], side[0] + len(side))] for side in places)
        return in_line and places[0] < places[1] and places[1][-1] == len(letters) - 1

    def _is_matrix_product(self) -> bool:
        output, sizes = self.equation.output, self.sizes
        if len(self.terms) != 2 or output.dtype not in MATRICES or not self.summed:
            return False
        a, b = self.terms
        rows = [c for c in self.out if c in a and c not in self.each]
        columns = [c for c in self.out if c in b and c not in self.each]
        operands = list(zip(self.equation.operands, self.terms, strict=True))
        if any(
            c not in t or shape_of(o)[t.index(c)] == 1 for c in self.summed for o, t in operands
        ):
            return False
        if any(len(set(term)) != len(term) for term in self.terms):
            return False
        if any(np.dtype(o.dtype) != output.dtype for o in self.equation.operands):
            return False

        def total(letters: Sequence[str]) -> int:
            return self.low.entries_of([sizes[c] for c in letters])

        m, k, p = total(rows), total(self.summed), total(columns)
        return min(m, k, p) > 1 and m * k * p >= SMALLEST

    def _side(self, letters: Sequence[str], variables: Mapping[str, Local]) -> Side:
        axes = tuple([variables.get(c, ANYWHERE) for c in letters])
        of_samples = axes[0] is self.low.sample
        count, each = (self._size(part) for part in (letters[:1], letters[1:]))
        return Side(axes, count, each) if of_samples else Side(axes, count * each)

    def _size(self, letters: Sequence[str]) -> Expr:
        size: Expr = Const(1)
        for letter in letters:
            size = size * whole(self.sizes[letter])
        return size

    def _matrices(self) -> list[Matrix] | None:
        """Return the operands as matrices with the summed letters in the same memory order.

        An operand with another layout is copied: windows of an image become the rows of a matrix.
        """
        pairs = list(zip(self.equation.operands, self.terms, strict=True))
        matrices = [self._lying(operand, term) for operand, term in pairs]
        lying = [matrix for matrix in matrices if matrix is not None]
        summed = max(lying, key=self._entries).summed if lying else self.summed
        for side, (operand, term) in enumerate(pairs):
            matrix = matrices[side]
            if matrix is None or matrix.summed != summed:
                if not isinstance(operand, Variable):
                    return None
                each = [c for c in self.each if shape_of(operand)[term.index(c)] != 1]
                free = [c for c in term if c not in (*summed, *self.each) and self.sizes[c] != 1]
                lies = each + free + summed
                copy = self.low.written_out(operand, _order(term, lies))
                matrices[side] = Matrix(copy, lies, free, summed, True)
        return [matrix for matrix in matrices if matrix is not None]

    def _lying(self, operand: Any, term: str) -> Matrix | None:
        """Return an operand as a matrix if its memory layout allows that, otherwise None."""
        permuted = _permuted(self.low, operand)
        if permuted is None:
            return None
        buffer, order = permuted
        letters = [term[axis] for axis in order]
        free = [c for c in letters if c not in (*self.summed, *self.each)]
        summed = [c for c in letters if c in self.summed]
        for plain in (True, False):
            if self._is_matrix(letters, *((free, summed) if plain else (summed, free))):
                return Matrix(buffer, letters, free, summed, plain)
        return None

    def _entries(self, matrix: Matrix) -> int:
        return self.low.entries_of([self.sizes[c] for c in (*matrix.free, *matrix.summed)])


def _order(term: str, letters: list[str]) -> tuple[int, ...]:
    """Return the axis order for a memory layout by letters; axes of size 1 come first."""
    alone = [axis for axis, letter in enumerate(term) if letter not in letters]
    return (*alone, *(term.index(letter) for letter in letters))


def _permuted(low: Lowering, operand: Any) -> tuple[Buffer, list[int]] | None:
    """Return the buffer of a permuted operand, and its axes in memory order, or None."""
    if not isinstance(operand, Variable | np.ndarray):
        return None
    axes = low.axes(shape_of(operand))
    entry = low.view(operand, places(axes))
    if entry is None or entry.buffer.role == "data":
        return None
    axis_of: dict[Local, int] = {var: axis for axis, (var, size) in enumerate(axes) if size != 1}
    order = []
    for part, size in zip(entry.index, entry.buffer.memory_shape or (1,), strict=True):
        if isinstance(part, Local) and part in axis_of and size == axes[axis_of[part]][1]:
            order.append(axis_of.pop(part))
        elif part != ZERO or size != 1:
            return None
    return None if axis_of else (entry.buffer, order)
