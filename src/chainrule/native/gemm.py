"""Matrix products of our own, written in LLVM's language.

The result is made in tiles that stay in registers, a few rows by a few vectors, as in Goto and van
de Geijn, "Anatomy of high-performance matrix multiplication" (2008). Operands are read where they
lie, but for panels of the second that lie transposed or serve many rows, and blocks of a transposed
first that serve many columns. Those are laid together before, or by the first tile as it reads
them. Every entry is one chain of fused multiplications and additions in the order of the terms,
whatever the tiles: rows or columns that are left to other threads change no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from llvmlite import ir

from chainrule.native.vectors import WHOLE, Vectors, number, real

# Rows of tiles, for processors with so many registers: their sums take three quarters of them.
ROWS = {32: (12, 4, 2, 1), 16: (6, 4, 2, 1)}
VECTORS = 2  # across a tile; the last columns have tiles of one
HEIGHT, TERMS = 192, 256  # rows and terms of a block of the first operand, which stays in the cache
TALL = 48  # rows from which it pays to lay a panel of the second together
AHEAD = 32  # terms from those that are multiplied to those of which a line is fetched
APART = 8  # entries between rows of a block: no power of two, or they would share few lines of it
CHOICE: Any = ir.IntType(32)
PLAIN, TRANSPOSED = (ir.Constant(CHOICE, code) for code in (111, 112))  # as C calls them
NAMES = ("order", "ta", "tb", "m", "n", "k", "alpha", "a", "lda", "b", "ldb", "beta", "c", "ldc")


class Shape(NamedTuple):
    """What depends on the processor.

    Attributes
    ----------
    width : int
        Bytes of a vector.
    rows : tuple of int
        That tiles have, the largest first.
    """

    width: int
    rows: tuple[int, ...]

    @property
    def masks(self) -> bool:
        """Whether to load a part of a vector takes no longer than to load all of it."""
        return self.width == 64

    @property
    def wide(self) -> int:
        """Return the columns from which it pays to turn a transposed first operand.

        A tile reads but a part of each line of the cache, and lines a power of two apart push each
        other out.
        """
        return 8 * self.width


def module(name: str, size: int, width: int, registers: int) -> str:
    """Return LLVM's text of a function that takes what C's ``gemm`` takes.

    It multiplies alone: matrices lie row by row, ``alpha`` is 1 and ``beta`` is 0, or 1 to add to
    what is there.

    Parameters
    ----------
    name : str
        Of the function.
    size : int
        Bytes of an entry, 4 or 8.
    width : int
        Bytes of a vector.
    registers : int
        That hold vectors.
    """
    kinds: dict[str, Any] = dict.fromkeys(("alpha", "beta"), real(size))
    kinds |= dict.fromkeys(("order", "ta", "tb"), CHOICE)
    kind = ir.FunctionType(ir.VoidType(), [kinds.get(name, WHOLE) for name in NAMES])
    made = ir.Module()
    product, turned = (ir.Function(made, kind, called) for called in (name, f"{name}_turned"))
    turned.attributes.add("noinline")  # its block is large, and seldom wanted
    shape = Shape(width, ROWS[registers])
    kernels = [(product, turned, _Product), (turned, product, _Turned)]
    for function, other, kernel in kernels:
        code = Vectors(ir.IRBuilder(function.append_basic_block()), size, width // size)
        kernel(code, shape, function, other).emit()
        code.builder.ret_void()
    return str(made)


class _Blocks:
    """Loops over the blocks of the first operand.

    Parameters
    ----------
    code : Vectors
    shape : Shape
    function : llvmlite.ir.Function
        That is written.
    other : llvmlite.ir.Function
        That it calls.
    """

    def __init__(self, code: Vectors, shape: Shape, function: Any, other: Any) -> None:
        self.code, self.builder, self.shape, self.other = code, code.builder, shape, other
        self.given = dict(zip(NAMES, function.args, strict=True))
        self.across = VECTORS * code.lanes
        adds = self.builder.fcmp_ordered("!=", self.given["beta"], ir.Constant(real(code.size), 0))
        self.adds: Any = adds

    def emit(self) -> None:
        """Emit the loops over rows and over terms."""
        code, builder, m, k = self.code, self.builder, self.given["m"], self.given["k"]

        def rows(row: Any) -> None:
            height = code.least(number(HEIGHT), builder.sub(m, row))

            def terms(term: Any) -> None:
                depth = code.least(number(TERMS), builder.sub(k, term))
                more = builder.or_(self.adds, builder.icmp_signed(">", term, number(0)))
                self.block(row, term, height, depth, more)

            code.loop(number(0), k, TERMS, terms)

        code.loop(number(0), m, HEIGHT, rows)

    def block(self, row: Any, term: Any, height: Any, depth: Any, more: Any) -> None:
        """Emit the product of a block with all columns, added if there were ``more`` terms."""
        raise NotImplementedError

    def turn(self, source: Any, far: Any, depth: Any, width: Any, target: Any, apart: Any) -> None:
        """Emit a copy of ``width`` rows of ``depth`` entries as columns."""
        code, builder = self.code, self.builder

        def columns(column: Any) -> None:
            def terms(term: Any) -> None:
                here = builder.sub(depth, term)
                rows = []
                for lane in range(code.lanes):
                    row = builder.add(column, number(lane))
                    inside = builder.icmp_signed("<", row, width)
                    flags = code.first(builder.select(inside, here, number(0)))
                    rows.append(code.load(code.at(source, builder.mul(row, far), term), flags))
                for lane, vector in enumerate(code.transposed(rows)):
                    line = builder.mul(builder.add(term, number(lane)), apart)
                    code.store(vector, code.at(target, line, column))

            code.loop(number(0), depth, code.lanes, terms)

        code.loop(number(0), width, code.lanes, columns)


class _Turned(_Blocks):
    """The product of a transposed operand, whose blocks are turned."""

    def block(self, row: Any, term: Any, height: Any, depth: Any, more: Any) -> None:
        """Emit the product of a block with all columns, added if there were ``more`` terms."""
        code, builder, given = self.code, self.builder, self.given
        lda, ldb, ldc, one = given["lda"], given["ldb"], given["ldc"], number(1)
        apart = TERMS + APART
        block = code.memory(HEIGHT * apart)
        a = code.at(given["a"], builder.mul(term, lda), row)
        self.turn(a, lda, height, depth, block, number(apart))
        along = builder.select(builder.icmp_signed("==", given["tb"], TRANSPOSED), one, ldb)
        b = code.at(given["b"], builder.mul(term, along))
        c = code.at(given["c"], builder.mul(row, ldc))
        beta = builder.uitofp(more, real(code.size))
        part = {"ta": PLAIN, "m": height, "k": depth, "a": block, "lda": number(apart)}
        part |= {"b": b, "c": c, "beta": beta}
        builder.call(self.other, list((given | part).values()))


class _Product(_Blocks):
    """The product of operands as they lie."""

    def emit(self) -> None:
        """Emit the product, or a call of the other if the first operand is to be turned."""
        code, builder, given = self.code, self.builder, self.given
        turned = builder.icmp_signed("==", given["ta"], TRANSPOSED)
        wide = builder.icmp_signed(">=", given["n"], number(self.shape.wide))
        with builder.if_then(builder.and_(turned, wide), likely=False):
            builder.call(self.other, list(given.values()))
            builder.ret_void()
        self.panel = code.memory(TERMS * self.across)
        self.turned = turned
        self.down = builder.select(turned, number(1), given["lda"])
        self.along = builder.select(turned, given["lda"], number(1))
        super().emit()

    def block(self, row: Any, term: Any, height: Any, depth: Any, more: Any) -> None:
        """Emit the product of a block with all columns, added if there were ``more`` terms."""
        code, builder, given = self.code, self.builder, self.given
        a = code.at(given["a"], builder.mul(row, self.down), builder.mul(term, self.along))

        def panels(column: Any) -> None:
            width = code.least(number(self.across), builder.sub(given["n"], column))
            b = code.at(given["b"], builder.mul(term, given["ldb"]), column)
            c = code.at(given["c"], builder.mul(row, given["ldc"]), column)
            turned = builder.icmp_signed("==", given["tb"], TRANSPOSED)
            with builder.if_then(turned):
                below = builder.mul(column, given["ldb"])
                place = code.at(given["b"], below, term)
                self.turn(place, given["ldb"], depth, width, self.panel, number(self.across))
            tall = builder.icmp_signed(">=", height, number(TALL))
            tall = builder.and_(tall, builder.not_(turned))
            full = builder.icmp_signed("==", width, number(self.across))
            with builder.if_else(full) as (yes, no):
                with yes:
                    self._full(a, b, c, height, tall, turned, depth, more)
                with no:
                    self._narrow(a, b, c, height, tall, turned, width, depth, more)

        code.loop(number(0), given["n"], self.across, panels)

    def _full(
        self, a: Any, b: Any, c: Any, height: Any, tall: Any, turned: Any, depth: Any, more: Any
    ) -> None:
        """Emit a full panel, which the first tile lays together as it reads it."""
        builder, rows, ldb = self.builder, self.shape.rows[0], self.given["ldb"]
        with builder.if_then(tall):
            places = a, b, ldb, c, depth, more
            self._either_way(lambda: self._tile(rows, VECTORS, *places, lays=True))
        begin = builder.select(tall, number(rows), number(0))
        b, ldb = self._held(builder.or_(tall, turned), b)
        self._strip(VECTORS, a, b, ldb, c, height, depth, more, begin=begin)

    def _narrow(
        self, a: Any, b: Any, c: Any, height: Any, tall: Any, turned: Any, width: Any,
        depth: Any, more: Any,
    ) -> None:  # fmt: skip
        """Emit a panel of the last columns, vector by vector."""
        code, builder = self.code, self.builder
        laid = tall if self.shape.masks else builder.not_(turned)
        with builder.if_then(laid):
            self._lay(b, self.given["ldb"], depth, width)
        b, ldb = self._held(builder.or_(laid, turned), b)

        def vector(shift: Any) -> None:
            flags = code.first(builder.sub(width, shift))
            places = code.at(b, shift), ldb, code.at(c, shift)
            self._strip(1, a, *places, height, depth, more, flags)

        code.loop(number(0), width, code.lanes, vector)

    def _held(self, laid: Any, b: Any) -> tuple[Any, Any]:
        """Return where a panel lies, and how far its rows are."""
        select = self.builder.select
        return select(laid, self.panel, b), select(laid, number(self.across), self.given["ldb"])

    def _lay(self, source: Any, far: Any, depth: Any, width: Any) -> None:
        """Emit a copy of a narrow panel, with zeros behind its columns."""
        code, builder = self.code, self.builder
        columns = [number(code.lanes * vector) for vector in range(VECTORS)]
        flags = [code.first(builder.sub(width, column)) for column in columns]

        def terms(term: Any) -> None:
            here = code.at(source, builder.mul(term, far))
            there = code.at(self.panel, builder.mul(term, number(self.across)))
            for column, flag in zip(columns, flags, strict=True):
                code.store(code.load(code.at(here, column), flag), code.at(there, column))

        code.loop(number(0), depth, 1, terms)

    def _strip(
        self, vectors: int, a: Any, b: Any, ldb: Any, c: Any, height: Any, *rest: Any,
        begin: Any = None,
    ) -> None:  # fmt: skip
        """Emit the rows of a few columns: large tiles as long as there are rows for them."""
        code, builder = self.code, self.builder
        begin = number(0) if begin is None else begin
        for rows in self.shape.rows:
            left = builder.urem(builder.sub(height, begin), number(rows))
            end = builder.sub(height, left)

            def tile(row: Any, rows: int = rows) -> None:
                first = code.at(a, builder.mul(row, self.down))
                made = code.at(c, builder.mul(row, self.given["ldc"]))
                self._tile(rows, vectors, first, b, ldb, made, *rest)

            if rows == self.shape.rows[0]:
                self._either_way(partial(code.loop, begin, end, rows, tile))
            else:
                code.loop(begin, end, rows, tile)
            begin = end

    def _either_way(self, emit: Callable[[], Any]) -> None:
        """Emit something twice, for a first operand that is transposed and for one that is not."""
        far, steps = self.given["lda"], (self.down, self.along)
        with self.builder.if_else(self.turned) as (yes, no):
            with yes:
                self.down, self.along = number(1), far
                emit()
            with no:
                self.down, self.along = far, number(1)
                emit()
        self.down, self.along = steps

    def _tile(
        self, rows: int, vectors: int, a: Any, b: Any, ldb: Any, c: Any, depth: Any, more: Any,
        flags: Any = None, lays: bool = False,
    ) -> None:  # fmt: skip
        """Emit a tile: sums of products, added to what is there if there were ``more`` terms.

        One of several vectors is full; flags tell of a single vector how much of it is. One that
        ``lays`` the second's panel together stores what it reads of it.
        """
        code, builder = self.code, self.builder
        columns = [number(code.lanes * vector) for vector in range(vectors)]
        lines = [code.at(c, builder.mul(number(row), self.given["ldc"])) for row in range(rows)]
        places = [code.at(line, column) for line in lines for column in columns]
        below = builder.mul(number(rows), self.given["ldc"])
        for place in places:
            code.fetch(
                code.at(place, below), writes=True
            )  # what the next tile writes is in the cache by then
        before = builder.block
        with builder.if_then(more):
            held = [code.load(place, flags) for place in places]
            loaded = builder.block
        begin = [builder.phi(code.zero.type) for _ in places]
        for phi, value in zip(begin, held, strict=True):
            phi.add_incoming(code.zero, before)
            phi.add_incoming(value, loaded)

        def add(term: Any, *sums: Any) -> list[Any]:
            line, made = code.at(b, builder.mul(term, ldb)), list(sums)
            wanted = flags if self.shape.masks else None
            if self.along is self.given["lda"]:
                later = builder.add(term, number(AHEAD))
                code.fetch(code.at(a, builder.mul(later, self.along)), writes=False)
            seconds = [code.load(code.at(line, column), wanted) for column in columns]
            if lays:
                there = code.at(self.panel, builder.mul(term, number(self.across)))
                for second, column in zip(seconds, columns, strict=True):
                    code.store(second, code.at(there, column))
                    beside = builder.add(column, number(self.across))  # the next panel's
                    code.fetch(code.at(line, beside), writes=False, near=2)
            for row in range(rows):
                steps = builder.mul(number(row), self.down), builder.mul(term, self.along)
                first = code.scalar(code.at(a, *steps))
                for at, second in enumerate(seconds, row * vectors):
                    made[at] = code.fused(first, second, sums[at])
            return made

        for total, place in zip(code.loop(number(0), depth, 1, add, begin), places, strict=True):
            code.store(total, place, flags)
