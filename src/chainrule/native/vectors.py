"""Instructions on vectors, written one after another in LLVM's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

WHOLE = ir.IntType(64)
_INDEX = ir.IntType(32)
_POINTER = ir.PointerType()


def number(value: int) -> Any:
    """Return a whole number that is known now."""
    return ir.Constant(WHOLE, value)


def real(size: int) -> Any:
    """Return the floating dtype of so many bytes."""
    return ir.FloatType() if size == 4 else ir.DoubleType()


class Vectors:
    """What can be done with vectors of a floating dtype; places are addresses, whole numbers.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    size : int
        Bytes of an entry.
    lanes : int
        Entries of a vector.
    """

    def __init__(self, builder: Any, size: int, lanes: int) -> None:
        self.builder, self.size, self.lanes = builder, size, lanes
        self._entry = real(size)
        self._vector = ir.VectorType(self._entry, lanes)
        self._kind = f"v{lanes}f{8 * size}"
        self._align = ir.Constant(_INDEX, size)
        self.zero = ir.Constant(self._vector, None)

    def loop(
        self, begin: Any, end: Any, step: int, turn: Callable[..., Any], values: Sequence[Any] = ()
    ) -> Sequence[Any]:
        """Emit a loop, and return the values that it leaves.

        ``turn(index, *values)`` emits a turn and returns the values for the next.
        """
        builder, before = self.builder, self.builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index, *held = phis = [builder.phi(value.type) for value in (begin, *values)]
        builder.cbranch(builder.icmp_signed("<", index, end), body, after)
        builder.position_at_end(body)
        made = turn(index, *held) or ()
        following = builder.add(index, number(step)), *made
        for phi, first, later in zip(phis, (begin, *values), following, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(later, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return held

    def memory(self, entries: int) -> Any:
        """Return a place for so many entries, which the function has for itself."""
        with self.builder.goto_entry_block():
            place = self.builder.alloca(ir.ArrayType(self._entry, entries))
        place.align = self.lanes * self.size
        return self.builder.ptrtoint(place, WHOLE)

    def least(self, a: Any, b: Any) -> Any:
        """Return the smaller of two whole numbers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def at(self, place: Any, *steps: Any) -> Any:
        """Return the place so many entries behind another."""
        for step in steps:
            place = self.builder.add(place, self.builder.mul(step, number(self.size)))
        return place

    def first(self, count: Any) -> Any:
        """Return flags of the first lanes, so many of them."""
        lanes = ir.Constant(ir.VectorType(WHOLE, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", lanes, self._repeated(count))

    def scalar(self, place: Any) -> Any:
        """Load an entry into all lanes."""
        value = self.builder.load(self._pointer(place), typ=self._entry, align=self.size)
        return self._repeated(value)

    def load(self, place: Any, flags: Any = None) -> Any:
        """Load a vector, or the lanes that flags name; the others are 0."""
        pointer = self._pointer(place)
        if flags is None:
            return self.builder.load(pointer, typ=self._vector, align=self.size)
        name = f"llvm.masked.load.{self._kind}.p0"
        return self._call(name, self._vector, pointer, self._align, flags, self.zero)

    def store(self, vector: Any, place: Any, flags: Any = None) -> None:
        """Store a vector, or the lanes that flags name."""
        pointer = self._pointer(place)
        if flags is None:
            self.builder.store(vector, pointer, align=self.size)
        else:
            name = f"llvm.masked.store.{self._kind}.p0"
            self._call(name, ir.VoidType(), vector, pointer, self._align, flags)

    def fetch(self, place: Any, writes: bool, near: int = 3) -> None:
        """Have a line of the cache fetched that is soon read or written.

        It need not be memory of ours. ``near`` is 3 for all levels of the cache, 2 for all but the
        first.
        """
        codes = (ir.Constant(_INDEX, code) for code in (int(writes), near, 1))  # 1: of data
        self._call("llvm.prefetch.p0", ir.VoidType(), self._pointer(place), *codes)

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """Return ``a * b + c``, rounded once where the processor does that in one instruction."""
        return self._call(f"llvm.fmuladd.{self._kind}", self._vector, a, b, c)

    def transposed(self, rows: list[Any]) -> list[Any]:
        """Return as many vectors as lanes transposed.

        Halves are shuffled into one another like a pack of cards, until each came to its place.
        """
        half = self.lanes // 2
        low = [lane for i in range(half) for lane in (i, i + self.lanes)]
        kind = ir.VectorType(_INDEX, self.lanes)
        shuffles = [ir.Constant(kind, [lane + shift for lane in low]) for shift in (0, half)]
        for _ in range(half.bit_length()):
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [self.builder.shuffle_vector(*pair, s) for pair in pairs for s in shuffles]
        return rows

    def _repeated(self, value: Any) -> Any:
        nothing = ir.Constant(ir.VectorType(value.type, self.lanes), ir.Undefined)
        one = self.builder.insert_element(nothing, value, ir.Constant(_INDEX, 0))
        zeros = ir.Constant(ir.VectorType(_INDEX, self.lanes), None)
        return self.builder.shuffle_vector(one, nothing, zeros)

    def _pointer(self, place: Any) -> Any:
        return self.builder.inttoptr(place, _POINTER)

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        module = self.builder.module
        function = module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [argument.type for argument in arguments])
            function = ir.Function(module, kind, name)
        return self.builder.call(function, arguments)
