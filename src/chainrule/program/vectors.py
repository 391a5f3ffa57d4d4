"""Instructions on vectors, written one after another in LLVM's language."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

WHOLE = ir.IntType(64)
_INDEX = ir.IntType(32)
_POINTER = ir.PointerType()
_tools: Any = cgutils


def number(value: int) -> Any:
    """Return a whole number that is known now."""
    return ir.Constant(WHOLE, value)


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
        self._entry: Any = ir.FloatType() if size == 4 else ir.DoubleType()
        self._vector = ir.VectorType(self._entry, lanes)
        self._kind = f"v{lanes}f{8 * size}"
        self._align = ir.Constant(_INDEX, size)
        self.zero = ir.Constant(self._vector, None)
        self.none = self.first(number(0))
        self.all = self.first(number(lanes))

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

    def load(self, place: Any, flags: Any) -> Any:
        """Load the lanes that flags name; the others are 0."""
        name = f"llvm.masked.load.{self._kind}.p0"
        return self._call(name, self._vector, self._pointer(place), self._align, flags, self.zero)

    def store(self, vector: Any, place: Any, flags: Any) -> None:
        """Store the lanes that flags name."""
        name = f"llvm.masked.store.{self._kind}.p0"
        self._call(name, ir.VoidType(), vector, self._pointer(place), self._align, flags)

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """Return ``a * b + c``, rounded once."""
        return self._call(f"llvm.fma.{self._kind}", self._vector, a, b, c)

    def variable(self, value: Any) -> Any:
        """Return a variable of this value; LLVM keeps it in a register."""
        place = _tools.alloca_once(self.builder, value.type)
        self.builder.store(value, place)
        return place

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
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        function = _tools.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, arguments)
