"""Matrix products, written in LLVM's language.

The result is computed in tiles that stay in registers, a few rows by a few vectors, as in Goto and
van de Geijn, "Anatomy of high-performance matrix multiplication" (2008). Operands are read in
place, with two exceptions: panels of the second operand that are transposed or serve many rows, and
blocks of a transposed first operand that serve many columns. These are packed (copied into
contiguous memory) before, or by the first tile that reads them. Every entry is a sum over blocks of
terms, in order, and each block is a chain of fused multiplications and additions. This does not
depend on the tiles, so the division of rows or columns among threads does not change any bit. A
single chain of a million terms would lose four digits of float32's seven.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.compile.native.frames import attributes, size_of, touch
from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.native.vectors import Vectors
from chainrule._src.compile.native.writer import INT32, INT64, POINTER, TYPES, Value, Writer

MANY = 31  # address registers from which each row of a tile has its own
HEIGHT, TERMS = 192, 256  # rows and terms of a block of the first operand, which stays in the cache
TALL = 48  # rows from which it is faster to pack a panel of the second operand
NEAR = 6  # rows of a tile that are addressed from one register if there are few registers
APART = 8  # padding of a block's rows: at distances of powers of two they share few cache lines
ROW_MAJOR, PLAIN, TRANSPOSED = 101, 111, 112  # the numbers of CBLAS for these layouts
NAMES = ("order", "ta", "tb", "m", "n", "k", "alpha", "a", "lda", "b", "ldb", "beta", "c", "ldc")


class Shape(NamedTuple):
    """The shape of tiles, which depends on the processor.

    Attributes
    ----------
    width : int
        The bytes of a vector.
    rows : tuple of int
        The possible numbers of rows of a tile, the largest first.
    vectors : int
        The number of vectors in a row of a tile; tiles of the last columns have one.
    near : int
        The number of rows of a tile that are addressed from one register.
    """

    width: int
    rows: tuple[int, ...]
    vectors: int
    near: int

    @classmethod
    def of(cls, target: Machine) -> Shape:
        """Return the shape for a processor: a tile's sums take three quarters of its registers.

        A processor that executes few instructions per cycle has wider tiles, which load less.
        """
        if target.is_wasm:  # a larger tile leaves the registers of an x86 processor
            return cls(target.width, (4, 2, 1), 2, 4)
        if target.addresses >= MANY:
            return cls(target.width, (8, 4, 2, 1), 3, 1)
        rows = (12, 4, 2, 1) if target.registers == 32 else (6, 4, 2, 1)
        return cls(target.width, rows, 2, NEAR)

    @property
    def masks(self) -> bool:
        """True if a masked load of a part of a vector is as fast as a full load."""
        return self.width == 64

    @property
    def wide(self) -> int:
        """The number of columns from which it is faster to transpose a transposed first operand.

        Otherwise a tile reads only a part of each cache line, and cache lines at distances of
        powers of two evict each other.
        """
        return 8 * self.width


def module(name: str, dtype: str, target: Machine, shape: Shape | None = None) -> str:
    """Return LLVM's text of a function with the arguments of C's ``gemm``.

    Only a part of ``gemm`` is supported: matrices are in row-major order, ``alpha`` is 1, and
    ``beta`` is 0, or 1 to add to the result.

    Parameters
    ----------
    name : str
        The name of the function.
    dtype : str
        Either float32 or float64.
    target : Machine
    shape : Shape, optional
        By default, the shape that is fastest on the target.
    """
    kinds = dict.fromkeys(NAMES, INT64) | dict.fromkeys("abc", POINTER)
    kinds |= dict.fromkeys(("alpha", "beta"), TYPES[np.dtype(dtype)])
    kinds |= dict.fromkeys(("order", "ta", "tb"), INT32)
    plain = f"{name}_plain" if target.is_windows else name
    shape, turned = shape or Shape.of(target), f"{name}_turned"
    product, other = (Vectors(kinds, np.dtype(dtype), target.width) for _ in range(2))
    _PlainProduct(product, shape, turned).emit()
    _TransposedProduct(other, shape, plain).emit()
    arguments, how = product.given.values(), attributes(target)
    # The second function needs a large block on the stack and is seldom called.
    texts = [
        *(product.declared | other.declared).values(),
        product.definition(plain, arguments, how),
        other.definition(turned, arguments, f"noinline {how}"),
    ]
    if target.is_windows:  # the entry touches the stack's pages and then calls the product
        entry = Writer()
        texts.append(touch(entry, target, size_of("\n".join(texts))))
        entry.call(plain, *arguments)
        texts.append(entry.definition(name, arguments, how))
    return "\n".join(texts)


class _Blocks:
    """Loops over the blocks of the first operand.

    Parameters
    ----------
    code : Vectors
    shape : Shape
    other : str
        The name of the function that it calls.
    """

    def __init__(self, code: Vectors, shape: Shape, other: str) -> None:
        self.code, self.shape, self.other, self.given = code, shape, other, code.given
        self.across = shape.vectors * code.lanes
        self.adds = code.compare("fcmp one", self.given["beta"], 0.0)

    def emit(self) -> None:
        """Emit the loops over rows and over terms."""
        code, m, k = self.code, self.given["m"], self.given["k"]

        def rows(row: Value) -> None:
            height = code.least(HEIGHT, m - row)

            def terms(term: Value) -> None:
                depth = code.least(TERMS, k - term)
                self.block(row, term, height, depth, self.adds | ~term.equals(0))

            code.loop(0, code.select(k.equals(0), 1, k), TERMS, terms)  # k = 0: zeros

        code.loop(0, m, HEIGHT, rows)

    def block(self, row: Value, term: Value, height: Value, depth: Value, more: Value) -> None:
        """Emit the product of a block with all columns, added to the result if ``more`` is set."""
        raise NotImplementedError

    def turn(
        self, source: Value, far: Value, depth: Value, width: Value, target: Value, apart: int
    ) -> None:
        """Emit a transposed copy: ``width`` rows of ``depth`` entries become columns."""
        code = self.code

        def columns(column: Value) -> None:
            def terms(term: Value) -> None:
                rows = []
                for lane in range(code.lanes):
                    row = column + lane
                    flags = code.first(code.select(row < width, depth - term, 0))
                    rows.append(code.load_vector(code.at(source, row * far, term), flags))
                for lane, vector in enumerate(code.transposed(rows)):
                    code.store_vector(vector, code.at(target, (term + lane) * apart, column))

            code.loop(0, depth, code.lanes, terms)

        code.loop(0, width, code.lanes, columns)


class _TransposedProduct(_Blocks):
    """The product with a transposed first operand, whose blocks are transposed first."""

    def block(self, row: Value, term: Value, height: Value, depth: Value, more: Value) -> None:
        """Emit the product of a block with all columns, added to the result if ``more`` is set."""
        code, arguments, apart = self.code, self.given, TERMS + APART
        block = code.memory(HEIGHT * apart)
        a = code.at(arguments["a"], term * arguments["lda"], row)
        self.turn(a, arguments["lda"], height, depth, block, apart)
        along = code.select(arguments["tb"].equals(TRANSPOSED), code.literal(1), arguments["ldb"])
        b = code.at(arguments["b"], term * along)
        c = code.at(arguments["c"], row * arguments["ldc"])
        part: Mapping[str, Value] = {
            "ta": code.literal(PLAIN, INT32), "m": height, "k": depth, "a": block,
            "lda": code.literal(apart), "b": b, "c": c,
            "beta": code.convert("uitofp", more, code.real),
        }  # fmt: skip
        code.call(self.other, *{**arguments, **part}.values())


class _PlainProduct(_Blocks):
    """The product that reads its first operand in place."""

    def emit(self) -> None:
        """Emit the product, or a call of `_TransposedProduct` if that is faster."""
        code, arguments = self.code, self.given

        def other() -> None:
            code.call(self.other, *arguments.values())
            code.leave("ret void")

        self.turned = arguments["ta"].equals(TRANSPOSED)
        code.when(self.turned & (arguments["n"] >= self.shape.wide), other)
        self.panel = code.memory(TERMS * self.across)
        self.down = code.select(self.turned, code.literal(1), arguments["lda"])
        self.along = code.select(self.turned, arguments["lda"], code.literal(1))
        super().emit()

    def block(self, row: Value, term: Value, height: Value, depth: Value, more: Value) -> None:
        """Emit the product of a block with all columns, added to the result if ``more`` is set."""
        code, arguments = self.code, self.given
        a = code.at(arguments["a"], row * self.down, term * self.along)
        turned = arguments["tb"].equals(TRANSPOSED)
        tall = (height >= TALL) & ~turned

        def panels(column: Value) -> None:
            width = code.least(self.across, arguments["n"] - column)
            b = code.at(arguments["b"], term * arguments["ldb"], column)
            c = code.at(arguments["c"], row * arguments["ldc"], column)

            def turn() -> None:
                address = code.at(arguments["b"], column * arguments["ldb"], term)
                self.turn(address, arguments["ldb"], depth, width, self.panel, self.across)

            code.when(turned, turn)
            operands = a, b, c, height, tall, turned, depth, more
            code.either(
                width.equals(self.across),
                lambda: self._full(*operands),
                lambda: self._narrow(*operands, width),
            )

        code.loop(0, arguments["n"], self.across, panels)

    def _full(
        self, a: Value, b: Value, c: Value, height: Value, tall: Value, turned: Value,
        depth: Value, more: Value,
    ) -> None:  # fmt: skip
        """Emit a full panel of columns. The first tile packs the panel while it reads its rows."""
        code, rows = self.code, self.shape.rows[0]
        ldb, rows_below = self.given["ldb"], height - rows
        first = partial(self._tile, rows, self.shape.vectors, a, b, ldb, c, rows_below, depth, more)
        code.when(tall, partial(first, lays=True))
        begin = code.select(tall, rows, 0)
        b, ldb = self._held(tall | turned, b)
        self._strip(self.shape.vectors, a, b, ldb, c, height, depth, more, begin=begin)

    def _narrow(
        self, a: Value, b: Value, c: Value, height: Value, tall: Value, turned: Value,
        depth: Value, more: Value, width: Value,
    ) -> None:  # fmt: skip
        """Emit a panel of the last columns, vector by vector."""
        code = self.code
        laid = tall if self.shape.masks else ~turned
        code.when(laid, lambda: self._lay(b, depth, width))
        address, ldb = self._held(laid | turned, b)

        def vector(shift: Value) -> None:
            flags = code.first(width - shift)
            places = code.at(address, shift), ldb, code.at(c, shift)
            self._strip(1, a, *places, height, depth, more, flags)

        code.loop(0, width, code.lanes, vector)

    def _held(self, laid: Value, b: Value) -> tuple[Value, Value]:
        """Return the address of a panel, and the distance between its rows."""
        select = self.code.select
        across = self.code.literal(self.across)
        return select(laid, self.panel, b), select(laid, across, self.given["ldb"])

    def _lay(self, source: Value, depth: Value, width: Value) -> None:
        """Emit a copy of a narrow panel, padded with zero columns."""
        code = self.code
        columns = [code.lanes * vector for vector in range(self.shape.vectors)]
        flags = [code.first(width - column) for column in columns]

        def terms(term: Value) -> None:
            source_row = code.at(source, term * self.given["ldb"])
            panel_row = code.at(self.panel, term * self.across)
            for column, flag in zip(columns, flags, strict=True):
                code.store_vector(
                    code.load_vector(code.at(source_row, column), flag), code.at(panel_row, column)
                )

        code.loop(0, depth, 1, terms)

    def _strip(
        self, vectors: int, a: Value, b: Value, ldb: Value, c: Value, height: Value, depth: Value,
        more: Value, flags: Value | None = None, begin: Any = 0,
    ) -> None:  # fmt: skip
        """Emit the tiles of a few columns: as many large tiles as fit, then smaller ones."""
        code, ldc = self.code, self.given["ldc"]
        for rows in self.shape.rows:
            end = height - (height - begin) % rows

            def tile(row: Value, rows: int = rows) -> None:
                first, result = code.at(a, row * self.down), code.at(c, row * ldc)
                rows_below = height - (row + rows)
                self._tile(rows, vectors, first, b, ldb, result, rows_below, depth, more, flags)

            code.loop(begin, end, rows, tile)
            begin = end

    def _tile(
        self, rows: int, vectors: int, a: Value, b: Value, ldb: Value, c: Value, rows_below: Value,
        depth: Value, more: Value, flags: Value | None = None, lays: bool = False,
    ) -> None:  # fmt: skip
        """Emit a tile: sums of products, added to the result if ``more`` is set.

        A tile of several vectors is full; for a single vector, ``flags`` mask its lanes. If
        ``lays``, the tile packs the second operand's panel: it stores the entries that it reads.
        Only cache lines of the ``rows_below`` are prefetched: others may belong to other threads.
        """
        code, ldc = self.code, self.given["ldc"]
        columns = [code.lanes * vector for vector in range(vectors)]
        lines = [code.at(c, ldc * row) for row in range(rows)]
        places = [code.at(line, column) for line in lines for column in columns]
        following = ldc * code.least(rows, rows_below)
        for address in places:  # so that the next tile's result is in the cache in time
            code.fetch(code.at(address, following), writes=True)
        begin = [code.zero for _ in places]
        # All addresses that advance with the terms stay in registers: either one distance from the
        # begin of each row, or one address for every few rows.
        near, spread = self.shape.near, self.shape.near == 1
        shifts = [self.down * row for row in range(near)]
        begins = [code.at(a, self.down * row) for row in range(0, rows, near)]
        moving = [b, *([code.literal(0)] if spread else begins)]
        steps = [ldb, *[self.along] * (len(moving) - 1)]
        if lays:
            moving, steps = [*moving, self.panel], [*steps, code.literal(self.across)]

        def add(_: Value, *values: Value) -> list[Value]:
            addresses, sums = values[: len(moving)], values[len(moving) :]
            line, *firsts = addresses
            if spread:
                firsts[:1] = [code.at(first, firsts[0]) for first in begins]
            mask = flags if self.shape.masks else None
            seconds = [code.load_vector(code.at(line, column), mask) for column in columns]
            if lays:
                for second, column in zip(seconds, columns, strict=True):
                    code.store_vector(second, code.at(firsts[-1], column))
                    beside = code.at(line, column + self.across)  # the next panel's
                    code.fetch(beside, writes=False, near=2)
            new_sums: list[Value] = []
            for row in range(rows):
                factor = code.scalar(code.at(firsts[row // near], shifts[row % near]))
                for second in seconds:
                    new_sums.append(code.fused(factor, second, sums[len(new_sums)]))
            return [*map(code.moved, addresses, steps), *new_sums]

        sums = code.loop(depth, 0, -1, add, [*moving, *begin])[len(moving) :]

        def with_others() -> list[Value]:
            pairs = zip(places, sums, strict=True)
            return [code.op("fadd", code.load_vector(at, flags), total) for at, total in pairs]

        totals = code.when(more, with_others, sums)
        for total, address in zip(totals, places, strict=True):
            code.store_vector(total, address, flags)
