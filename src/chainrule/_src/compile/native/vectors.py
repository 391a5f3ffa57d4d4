"""Instructions on numbers, addresses and vectors are written in LLVM's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

WHOLE, FLAG, PLACE = "i64", "i1", "ptr"
REAL = {4: "float", 8: "double"}  # by the bytes of an entry
EXACT = {("add", 0), ("sub", 0), ("mul", 1)}  # operations that return their first operand


class Value:
    """The result of an instruction, or an integer literal. Its operators write instructions."""

    __slots__ = ("code", "kind", "text")

    def __init__(self, code: Vectors, kind: str, text: str) -> None:
        self.code, self.kind, self.text = code, kind, text

    def __str__(self) -> str:
        return self.text

    def __add__(self, other: Any) -> Value:
        return self.code.whole("add", self, other)

    def __sub__(self, other: Any) -> Value:
        return self.code.whole("sub", self, other)

    def __mul__(self, other: Any) -> Value:
        return self.code.whole("mul", self, other)

    def __mod__(self, other: Any) -> Value:
        return self.code.whole("urem", self, other)

    def __lt__(self, other: Any) -> Value:
        return self.code.new(FLAG, f"icmp slt {self.kind} {self}, {other}")

    def __ge__(self, other: Any) -> Value:
        return self.code.new(FLAG, f"icmp sge {self.kind} {self}, {other}")

    def equals(self, other: Any) -> Value:
        """Write a test of equality, and return its flag."""
        return self.code.new(FLAG, f"icmp eq {self.kind} {self}, {other}")

    def __and__(self, other: Value) -> Value:
        return self.code.new(FLAG, f"and i1 {self}, {other}")

    def __or__(self, other: Value) -> Value:
        return self.code.new(FLAG, f"or i1 {self}, {other}")

    def __invert__(self) -> Value:
        return self.code.new(FLAG, f"xor i1 {self}, true")


class Vectors:
    """Writes a function on vectors of a floating-point dtype.

    Parameters
    ----------
    name : str
    arguments : dict of str to str
        The LLVM types of the arguments by name.
    size : int
        The bytes of an entry.
    lanes : int
        The number of entries of a vector.
    """

    def __init__(self, name: str, arguments: Mapping[str, str], size: int, lanes: int) -> None:
        self.name, self.size, self.lanes = name, size, lanes
        self.real = REAL[size]
        self.given = {each: Value(self, kind, f"%{each}") for each, kind in arguments.items()}
        self._vector = f"<{lanes} x {self.real}>"
        self._suffix = f"v{lanes}f{8 * size}"
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._block, self._count = "begin", 0
        self._known: list[dict[str, Value]] = [{}]  # results by instruction, for nested scopes
        self.declared: dict[str, str] = {}
        self.zero = Value(self, self._vector, "zeroinitializer")

    def text(self, how: str = "") -> str:
        """Return the definition of the function."""
        parameters = _listed(self.given.values())
        lines = ["entry:", *self._entry, "br label %begin", "begin:", *self._lines, "ret void"]
        return "\n".join([f"define void @{self.name}({parameters}) {how} {{", *lines, "}\n"])

    # Whole numbers and flags

    def number(self, value: int) -> Value:
        """Return an integer literal."""
        return Value(self, WHOLE, str(value))

    def whole(self, operation: str, a: Any, b: Any) -> Value:
        """Return a sum, difference, product or remainder of integers."""
        if operation in ("add", "mul") and str(a).isdigit():
            a, b = b, a
        if str(b).isdigit():
            if (operation, int(str(b))) in EXACT:
                return a if isinstance(a, Value) else self.number(a)
            if operation == "mul" and str(b) == "0":
                return self.number(0)
            if operation == "mul" and str(a).isdigit():
                return self.number(int(str(a)) * int(str(b)))
        return self.new(WHOLE, f"{operation} i64 {a}, {b}")

    def select(self, flag: Value, a: Any, b: Any) -> Value:
        """Return one of two values of the same type: ``a`` if the flag is set, else ``b``."""
        kind = a.kind if isinstance(a, Value) else WHOLE
        return self.new(kind, f"select i1 {flag}, {kind} {a}, {kind} {b}")

    def least(self, a: Any, b: Value) -> Value:
        """Return the smaller of two integers."""
        return self.select(b < a, b, a)

    def new(self, kind: str, instruction: str, pure: bool = True) -> Value:
        """Write an instruction, and return its result; equal ``pure`` ones are written once."""
        result = next((scope[instruction] for scope in self._known if instruction in scope), None)
        if result is None:
            result = self._named(kind)
            self._lines.append(f"{result} = {instruction}")
            if pure:
                self._known[-1][instruction] = result
        return result

    # Ways

    def loop(
        self, begin: Any, end: Any, step: int, turn: Callable[..., Any],
        values: Sequence[Value] = (),
    ) -> Sequence[Value]:  # fmt: skip
        """Write a loop, and return its loop-carried values after the last iteration.

        ``turn(index, *values)`` writes an iteration and returns the values for the next one. With
        a negative step, the index must hit ``end`` exactly.
        """
        before, head = self._block, self._label()
        firsts = [begin if isinstance(begin, Value) else self.number(begin), *values]
        index, *current = phis = [self._named(first.kind) for first in firsts]
        self._lines.append(f"br label %{head}")
        self._begin(head)
        at = len(self._lines)
        inside, after = self._branch(index < end if step > 0 else ~index.equals(end))
        with self._scope(inside):
            following = [index + step, *(turn(index, *current) or ())]
        self._lines.append(f"br label %{head}")
        self._lines[at:at] = [
            f"{phi} = phi {phi.kind} [{first}, %{before}], [{later}, %{self._block}]"
            for phi, first, later in zip(phis, firsts, following, strict=True)
        ]
        self._begin(after)
        return current

    def when(
        self, flag: Value, make: Callable[[], Sequence[Value] | None],
        others: Sequence[Value] = (),
    ) -> Sequence[Value]:  # fmt: skip
        """Write a branch: if the flag is set, the values of ``make()``, else ``others``."""
        before = self._block
        inside, after = self._branch(flag)
        with self._scope(inside):
            values = make() or ()
        last = self._block
        self._lines.append(f"br label %{after}")
        self._begin(after)
        return [
            self.new(a.kind, f"phi {a.kind} [{a}, %{last}], [{b}, %{before}]", pure=False)
            for a, b in zip(values, others, strict=True)
        ]

    def either(self, flag: Value, yes: Callable[[], Any], no: Callable[[], Any]) -> None:
        """Write a branch: ``yes()`` if the flag is set, else ``no()``."""
        first, second = self._branch(flag)
        after = self._label()
        for label, make in ((first, yes), (second, no)):
            with self._scope(label):
                make()
            self._lines.append(f"br label %{after}")
        self._begin(after)

    def leave(self) -> None:
        """Write a return; instructions after it in this block are never reached."""
        self._lines.append("ret void")
        self._begin(self._label())

    def call(self, name: str, arguments: Mapping[str, Value]) -> None:
        """Write a call of another function without a result."""
        self._lines.append(f"call void @{name}({_listed(arguments.values())})")

    # Memory and vectors

    def memory(self, entries: int) -> Value:
        """Return the address of a new stack array of ``entries`` entries."""
        address = self._named(PLACE)
        align = self.lanes * self.size
        self._entry.append(f"{address} = alloca [{entries} x {self.real}], align {align}")
        return address

    def at(self, address: Value, *steps: Any) -> Value:
        """Return an address, moved on by the sum of ``steps`` entries."""
        for step in steps:
            if str(step) != "0":
                text = f"getelementptr {self.real}, ptr {address}, i64 {step}"
                address = self.new(PLACE, text)
        return address

    def moved(self, value: Value, step: Value) -> Value:
        """Return an address or a distance, increased by ``step`` entries."""
        return self.at(value, step) if value.kind == PLACE else value + step

    def first(self, count: Value) -> Value:
        """Return a mask of the first ``count`` lanes."""
        lanes = ", ".join(f"i64 {lane}" for lane in range(self.lanes))
        kind = f"<{self.lanes} x i64>"
        text = f"icmp slt {kind} <{lanes}>, {self._repeated(count)}"
        return self.new(f"<{self.lanes} x i1>", text)

    def scalar(self, address: Value) -> Value:
        """Load an entry and broadcast it to all lanes."""
        text = f"load {self.real}, ptr {address}, align {self.size}"
        return self._repeated(self.new(self.real, text, pure=False))

    def load(self, address: Value, flags: Value | None = None) -> Value:
        """Load a vector, or only the lanes of a mask; the other lanes are 0."""
        if flags is None:
            text = f"load {self._vector}, ptr {address}, align {self.size}"
            return self.new(self._vector, text, pure=False)
        return self._intrinsic(
            self._vector, f"masked.load.{self._suffix}.p0", address, self._align, flags, self.zero
        )

    def store(self, vector: Value, address: Value, flags: Value | None = None) -> None:
        """Store a vector, or only the lanes of a mask."""
        if flags is None:
            self._lines.append(f"store {vector.kind} {vector}, ptr {address}, align {self.size}")
        else:
            name = f"masked.store.{self._suffix}.p0"
            self._intrinsic("void", name, vector, address, self._align, flags)

    def fetch(self, address: Value, writes: bool, near: int = 3) -> None:
        """Prefetch a cache line that is soon read or written.

        The address need not be valid. ``near`` is 3 for all levels of the cache, 2 for all levels
        but the first.
        """
        codes = [Value(self, "i32", str(code)) for code in (int(writes), near, 1)]  # 1: of data
        self._intrinsic("void", "prefetch.p0", address, *codes)

    def plus(self, a: Value, b: Value) -> Value:
        """Return the sum of two vectors."""
        return self.new(self._vector, f"fadd {self._vector} {a}, {b}")

    def fused(self, a: Value, b: Value, c: Value) -> Value:
        """Return ``a * b + c``, rounded once if the processor has fused multiply-add."""
        return self._intrinsic(self._vector, f"fmuladd.{self._suffix}", a, b, c)

    def transposed(self, rows: list[Value]) -> list[Value]:
        """Transpose a square of as many vectors as lanes.

        The two halves are interleaved like a pack of cards, again and again, until every entry is
        in its position.
        """
        half = self.lanes // 2
        low = [lane for i in range(half) for lane in (i, i + self.lanes)]
        orders = [", ".join(f"i32 {lane + shift}" for lane in low) for shift in (0, half)]
        kind, of = self._vector, f"<{self.lanes} x i32>"
        for _ in range(half.bit_length()):
            rows = [
                self.new(kind, f"shufflevector {kind} {a}, {kind} {b}, {of} <{order}>")
                for a, b in zip(rows[:half], rows[half:], strict=True)
                for order in orders
            ]
        return rows

    @property
    def _align(self) -> Value:
        return Value(self, "i32", str(self.size))

    def _repeated(self, value: Value) -> Value:
        kind = f"<{self.lanes} x {value.kind}>"
        one = self.new(kind, f"insertelement {kind} poison, {value.kind} {value}, i32 0")
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self.new(kind, f"shufflevector {kind} {one}, {kind} poison, {zeros}")

    def _intrinsic(self, kind: str, name: str, *arguments: Value) -> Value:
        kinds = ", ".join(value.kind for value in arguments)
        self.declared[name] = f"declare {kind} @llvm.{name}({kinds})\n"
        call = f"call {kind} @llvm.{name}({_listed(arguments)})"
        if kind == "void":
            self._lines.append(call)
            return self.zero
        return self.new(kind, call, pure=False)

    # Blocks

    def _named(self, kind: str) -> Value:
        self._count += 1
        return Value(self, kind, f"%v{self._count}")

    def _label(self) -> str:
        self._count += 1
        return f"b{self._count}"

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label

    def _branch(self, flag: Value) -> tuple[str, str]:
        labels = self._label(), self._label()
        self._lines.append(f"br i1 {flag}, label %{labels[0]}, label %{labels[1]}")
        return labels

    @contextmanager
    def _scope(self, label: str) -> Iterator[None]:
        """Begin a block and a scope: its results cannot be reused after the block."""
        self._begin(label)
        self._known.append({})
        yield
        self._known.pop()


def _listed(values: Iterable[Value]) -> str:
    """Return values with their types, as an argument list."""
    return ", ".join(f"{value.kind} {value}" for value in values)
