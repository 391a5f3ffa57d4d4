"""A writer of functions on vectors of floating-point numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule._src.compile.native.writer import (
    FLAG,
    INT32,
    INT64,
    POINTER,
    TYPES,
    Value,
    Writer,
    vector_type,
)

EXACT = {("add", 0), ("sub", 0), ("mul", 1)}  # operations that return their first operand


class Vectors(Writer):
    """Writes a function on vectors of a floating-point dtype.

    Parameters
    ----------
    arguments : dict of str to str
        The LLVM types of the arguments by name.
    dtype : dtype
    width : int
        The bytes of a vector.
    """

    def __init__(self, arguments: Mapping[str, str], dtype: np.dtype[Any], width: int) -> None:
        super().__init__()
        self.size, self.real = dtype.itemsize, TYPES[dtype]
        self.lanes = width // self.size
        self.given = {each: Value(self, kind, f"%{each}") for each, kind in arguments.items()}
        self._vector = vector_type(self.lanes, self.real)
        self._suffix = f"v{self.lanes}f{8 * self.size}"
        self._known: list[dict[str, Value]] = [{}]  # results by instruction, for nested scopes
        self.zero = self.literal("zeroinitializer", self._vector)

    # Whole numbers and flags

    def pure(self, kind: str, instruction: str) -> Value:
        """Write an instruction, and return its result; equal ones are written once."""
        for scope in self._known:
            if instruction in scope:
                return scope[instruction]
        result = self._known[-1][instruction] = self.new(kind, instruction)
        return result

    def op(self, name: str, a: Value, b: object) -> Value:
        """Return the result of an operation; operations on literals are simplified."""
        if name in ("add", "mul") and a.text.isdigit():
            a, b = b if isinstance(b, Value) else self.literal(b), a
        if str(b).isdigit():
            if (name, int(str(b))) in EXACT:
                return a
            if name == "mul" and str(b) == "0":
                return self.literal(0)
            if name == "mul" and a.text.isdigit():
                return self.literal(int(a.text) * int(str(b)))
        return super().op(name, a, b)

    def least(self, a: Any, b: Value) -> Value:
        """Return the smaller of two integers."""
        return self.select(b < a, b, a)

    # Blocks

    @contextmanager
    def within(self, label: str, after: str, hint: str = "") -> Iterator[None]:
        """Context manager that writes a block, whose results cannot be reused after the block."""
        with super().within(label, after, hint):
            self._known.append({})
            yield
            self._known.pop()

    # Memory and vectors

    def memory(self, entries: int) -> Value:
        """Return the address of a new stack array of ``entries`` entries."""
        return self.stack(f"[{entries} x {self.real}]", self.lanes * self.size)

    def at(self, address: Value, *steps: Any) -> Value:
        """Return an address, moved on by the sum of ``steps`` entries."""
        for step in steps:
            if str(step) != "0":
                address = self.element(self.real, address, step)
        return address

    def moved(self, value: Value, step: Value) -> Value:
        """Return an address or a distance, increased by ``step`` entries."""
        return self.at(value, step) if value.kind == POINTER else value + step

    def first(self, count: Value) -> Value:
        """Return a mask of the first ``count`` lanes."""
        lanes = ", ".join(f"i64 {lane}" for lane in range(self.lanes))
        text = f"icmp slt {vector_type(self.lanes, INT64)} <{lanes}>, {self._repeated(count)}"
        return self.pure(vector_type(self.lanes, FLAG), text)

    def scalar(self, address: Value) -> Value:
        """Load an entry and broadcast it to all lanes."""
        return self._repeated(self.load(self.real, address, self.size))

    def load_vector(self, address: Value, flags: Value | None = None) -> Value:
        """Load a vector, or only the lanes of a mask; the other lanes are 0."""
        if flags is None:
            return self.load(self._vector, address, self.size)
        name = f"llvm.masked.load.{self._suffix}.p0"
        return self.outside(name, address, self._align, flags, self.zero, kind=self._vector)

    def store_vector(self, vector: Value, address: Value, flags: Value | None = None) -> None:
        """Store a vector, or only the lanes of a mask."""
        if flags is None:
            self.store(vector, address, self.size)
        else:
            name = f"llvm.masked.store.{self._suffix}.p0"
            self.outside(name, vector, address, self._align, flags)

    def fetch(self, address: Value, writes: bool, near: int = 3) -> None:
        """Prefetch a cache line that is soon read or written.

        The address need not be valid. ``near`` is 3 for all levels of the cache, 2 for all levels
        but the first.
        """
        codes = [self.literal(code, INT32) for code in (int(writes), near, 1)]  # 1: of data
        self.outside("llvm.prefetch.p0", address, *codes)

    def fused(self, a: Value, b: Value, c: Value) -> Value:
        """Return ``a * b + c``, rounded once if the processor has fused multiply-add."""
        return self.outside(f"llvm.fmuladd.{self._suffix}", a, b, c, kind=self._vector)

    def transposed(self, rows: list[Value]) -> list[Value]:
        """Transpose a square of as many vectors as lanes.

        The two halves are interleaved like a pack of cards, again and again, until every entry is
        in its position.
        """
        half = self.lanes // 2
        low = [lane for i in range(half) for lane in (i, i + self.lanes)]
        orders = [", ".join(f"i32 {lane + shift}" for lane in low) for shift in (0, half)]
        for _ in range(half.bit_length()):
            rows = [
                self._shuffled(a, b, f"<{order}>")
                for a, b in zip(rows[:half], rows[half:], strict=True)
                for order in orders
            ]
        return rows

    @property
    def _align(self) -> Value:
        return self.literal(self.size, INT32)

    def _repeated(self, value: Value) -> Value:
        kind = vector_type(self.lanes, value.kind)
        text = f"insertelement {kind} poison, {value.kind} {value}, i32 0"
        return self._shuffled(self.pure(kind, text), "poison", "zeroinitializer")

    def _shuffled(self, a: Value, b: object, order: str) -> Value:
        """Return the lanes of two vectors in another order."""
        of = vector_type(self.lanes, INT32)
        return self.pure(a.kind, f"shufflevector {a.kind} {a}, {a.kind} {b}, {of} {order}")
