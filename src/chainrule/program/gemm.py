"""Matrix products of our own, for processors with vectors of 64 bytes.

The result is made in tiles that stay in registers, a few rows by a few vectors, as in Goto and van
de Geijn, "Anatomy of high-performance matrix multiplication" (2008). Both operands are read where
they lie, but for panels of the second that lie transposed or serve many rows: those are laid
together first. Every entry is one chain of fused multiplications and additions in the order of the
terms, whatever the tiles: rows or columns that are left to other threads change no bit.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from chainrule.program.vectors import WHOLE, Vectors, number

BYTES = 64  # of a vector
ROWS = (12, 10, 8, 4, 2, 1)  # of tiles; the largest take 24 of 32 registers for their sums
VECTORS = 2  # across a tile; the last columns have tiles of one
HEIGHT, TERMS = 384, 256  # rows and terms of a block of the first operand, which stays in the cache
TALL = 192  # rows from which it pays to lay a panel together
TRANSPOSED = 112  # as C calls it


def product(size: int, lanes: int) -> Any:
    """Return a function of what C's ``gemm`` takes, for Numba.

    It multiplies alone: matrices lie row by row, ``alpha`` is 1 and ``beta`` 0.

    Parameters
    ----------
    size : int
        Bytes of an entry, 4 or 8.
    lanes : int
        Entries of a vector.
    """
    across = VECTORS * lanes
    memory, strip, copy, turn = _intrinsics(size, lanes)

    def gemm(
        order: Any, ta: Any, tb: Any, m: Any, n: Any, k: Any, alpha: Any, a: Any, lda: Any,
        b: Any, ldb: Any, beta: Any, c: Any, ldc: Any,
    ) -> Any:  # fmt: skip
        panel = memory()
        down, along = (1, lda) if ta == TRANSPOSED else (lda, 1)
        for row in range(0, m, HEIGHT):
            height = min(HEIGHT, m - row)
            for term in range(0, k, TERMS):
                depth = min(TERMS, k - term)
                left = a + size * (row * down + term * along)
                column = 0
                while column < n:
                    width = across if n - column >= across else min(lanes, n - column)
                    right, step = b + size * (term * ldb + column), ldb
                    if tb == TRANSPOSED:
                        turn(b + size * (column * ldb + term), ldb, depth, width, panel)
                        right, step = panel, across
                    elif height >= TALL:
                        copy(right, ldb, depth, width, panel)
                        right, step = panel, across
                    made = c + size * (row * ldc + column)
                    strip(left, down, along, right, step, made, ldc, height, depth, width, term)
                    column += width
        return 0

    return gemm


def _intrinsics(size: int, lanes: int) -> tuple[Any, ...]:
    """Return what the product is made of; all take whole numbers, addresses included."""

    def emitting(emit: Any, count: int) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            emit(Vectors(builder, size, lanes), *arguments)
            return context.get_dummy_value()

        return types.void(*[types.intp] * count), code

    @intrinsic
    def memory(typing: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            with builder.goto_entry_block():
                place = builder.alloca(ir.ArrayType(ir.IntType(8), TERMS * VECTORS * lanes * size))
            place.align = BYTES
            return builder.ptrtoint(place, WHOLE)

        return types.intp(), code

    @intrinsic
    def strip(
        typing: Any, a: Any, down: Any, along: Any, b: Any, across: Any, c: Any, ldc: Any,
        height: Any, depth: Any, width: Any, done: Any,
    ) -> Any:  # fmt: skip
        return emitting(_strip, 11)

    @intrinsic
    def copy(typing: Any, b: Any, ldb: Any, depth: Any, width: Any, panel: Any) -> Any:
        return emitting(_copy, 5)

    @intrinsic
    def turn(typing: Any, b: Any, ldb: Any, depth: Any, width: Any, panel: Any) -> Any:
        return emitting(_turn, 5)

    return memory, strip, copy, turn


def _strip(
    code: Vectors, a: Any, down: Any, along: Any, b: Any, across: Any, c: Any, ldc: Any,
    height: Any, *rest: Any,
) -> None:  # fmt: skip
    """Emit all rows of a few columns: large tiles as long as there are rows for them."""
    builder = code.builder

    def tiles(vectors: int) -> None:
        begin: Any = number(0)
        for rows in ROWS:
            left = builder.srem(builder.sub(height, begin), number(rows))
            end = builder.sub(height, left)
            with cgutils.for_range_slice(builder, begin, end, number(rows)) as (row, _):
                first = code.at(a, builder.mul(row, down))
                made = code.at(c, builder.mul(row, ldc))
                _tile(code, rows, vectors, first, down, along, b, across, made, ldc, *rest)
            begin = end

    width = rest[1]
    with builder.if_else(builder.icmp_signed(">", width, number(code.lanes))) as (wide, narrow):
        with wide:
            tiles(VECTORS)
        with narrow:
            tiles(1)


def _tile(
    code: Vectors, rows: int, vectors: int, a: Any, down: Any, along: Any, b: Any, across: Any,
    c: Any, ldc: Any, depth: Any, width: Any, done: Any,
) -> None:  # fmt: skip
    """Emit a tile: sums of products, added to what is there if terms were ``done`` before.

    One of several vectors is full; one of a single vector may be narrower.
    """
    builder = code.builder
    columns = [number(code.lanes * vector) for vector in range(vectors)]
    flags = code.first(width) if vectors == 1 else code.all
    places = {
        (row, v): code.at(c, builder.mul(number(row), ldc), column)
        for row in range(rows)
        for v, column in enumerate(columns)
    }
    sums = {at: code.variable(code.zero) for at in places}
    with builder.if_then(builder.icmp_signed(">", done, number(0))):
        for at, place in places.items():
            builder.store(code.load(place, flags), sums[at])
    with cgutils.for_range(builder, depth) as turn:
        line = code.at(b, builder.mul(turn.index, across))
        seconds = [code.load(code.at(line, column), flags) for column in columns]
        for row in range(rows):
            steps = builder.mul(number(row), down), builder.mul(turn.index, along)
            first = code.scalar(code.at(a, *steps))
            for v, second in enumerate(seconds):
                total = code.fused(first, second, builder.load(sums[row, v]))
                builder.store(total, sums[row, v])
    for at, place in places.items():
        code.store(builder.load(sums[at]), place, flags)


def _copy(code: Vectors, b: Any, ldb: Any, depth: Any, width: Any, panel: Any) -> None:
    """Emit a copy of a panel as a tile reads it."""
    builder, across = code.builder, number(VECTORS * code.lanes)
    columns = [number(code.lanes * vector) for vector in range(VECTORS)]
    flags = [code.first(builder.sub(width, column)) for column in columns]
    with cgutils.for_range(builder, depth) as turn:
        source = code.at(b, builder.mul(turn.index, ldb))
        target = code.at(panel, builder.mul(turn.index, across))
        for column, flag in zip(columns, flags, strict=True):
            code.store(code.load(code.at(source, column), flag), code.at(target, column), code.all)


def _turn(code: Vectors, b: Any, ldb: Any, depth: Any, width: Any, panel: Any) -> None:
    """Emit a copy of a panel that lies transposed."""
    builder = code.builder
    zero, step, across = number(0), number(code.lanes), number(VECTORS * code.lanes)
    with (
        cgutils.for_range_slice(builder, zero, width, step) as (column, _),
        cgutils.for_range_slice(builder, zero, depth, step) as (term, _),
    ):
        here = code.first(builder.sub(depth, term))
        rows = []
        for lane in range(code.lanes):
            row = builder.add(column, number(lane))
            flags = builder.select(builder.icmp_signed("<", row, width), here, code.none)
            rows.append(code.load(code.at(b, builder.mul(row, ldb), term), flags))
        for lane, vector in enumerate(code.transposed(rows)):
            line = builder.mul(builder.add(term, number(lane)), across)
            code.store(vector, code.at(panel, line, column), code.all)
