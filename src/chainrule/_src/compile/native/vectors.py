"""Instructions on numbers, addresses and vectors, written one after another in LLVM's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

WHOLE, FLAG, PLACE = "i64", "i1", "ptr"
REAL = {4: "float", 8: "double"}  # by the bytes of an entry
EXACT = {("add", 0), ("sub", 0), ("mul", 1)}  # what leaves the first operand as it is


class Value:
    """What an instruction gives, or a whole number that is known; operators write instructions."""

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
        """Whether it is the same number."""
        return self.code.new(FLAG, f"icmp eq {self.kind} {self}, {other}")

    def __and__(self, other: Value) -> Value:
        return self.code.new(FLAG, f"and i1 {self}, {other}")

    def __or__(self, other: Value) -> Value:
        return self.code.new(FLAG, f"or i1 {self}, {other}")

    def __invert__(self) -> Value:
        return self.code.new(FLAG, f"xor i1 {self}, true")


class Vectors:
    """A function, and what it can do with vectors of a floating dtype.

    Parameters
    ----------
    name : str
    arguments : dict of str to str
        Their dtypes by name.
    size : int
        Bytes of an entry.
    lanes : int
        Entries of a vector.
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
        self._known: list[dict[str, Value]] = [{}]  # by instruction, a scope within another
        self.declared: dict[str, str] = {}
        self.zero = Value(self, self._vector, "zeroinitializer")

    def text(self, how: str = "") -> str:
        """Return its definition."""
        given = _listed(self.given.values())
        lines = ["entry:", *self._entry, "br label %begin", "begin:", *self._lines, "ret void"]
        return "\n".join([f"define void @{self.name}({given}) {how} {{", *lines, "}\n"])

    # Whole numbers and flags

    def number(self, value: int) -> Value:
        """Return a whole number that is known now."""
        return Value(self, WHOLE, str(value))

    def whole(self, operation: str, a: Any, b: Any) -> Value:
        """Return a sum, a difference, a product or a rest."""
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
        """Return one of two values of a dtype."""
        kind = a.kind if isinstance(a, Value) else WHOLE
        return self.new(kind, f"select i1 {flag}, {kind} {a}, {kind} {b}")

    def least(self, a: Any, b: Value) -> Value:
        """Return the smaller of two whole numbers."""
        return self.select(b < a, b, a)

    def new(self, kind: str, instruction: str, pure: bool = True) -> Value:
        """Return what an instruction gives; a ``pure`` one is not written again."""
        found = next((scope[instruction] for scope in self._known if instruction in scope), None)
        if found is None:
            found = self._named(kind)
            self._lines.append(f"{found} = {instruction}")
            if pure:
                self._known[-1][instruction] = found
        return found

    # Ways

    def loop(
        self, begin: Any, end: Any, step: int, turn: Callable[..., Any],
        values: Sequence[Value] = (),
    ) -> Sequence[Value]:  # fmt: skip
        """Write a loop, and return the values that it leaves; of steps down, its end is met.

        ``turn(index, *values)`` writes a turn and returns the values for the next.
        """
        before, head = self._block, self._label()
        firsts = [begin if isinstance(begin, Value) else self.number(begin), *values]
        index, *held = phis = [self._named(first.kind) for first in firsts]
        self._lines.append(f"br label %{head}")
        self._begin(head)
        at = len(self._lines)
        inside, after = self._branch(index < end if step > 0 else ~index.equals(end))
        with self._scope(inside):
            following = [index + step, *(turn(index, *held) or ())]
        self._lines.append(f"br label %{head}")
        self._lines[at:at] = [
            f"{phi} = phi {phi.kind} [{first}, %{before}], [{later}, %{self._block}]"
            for phi, first, later in zip(phis, firsts, following, strict=True)
        ]
        self._begin(after)
        return held

    def when(
        self, flag: Value, make: Callable[[], Sequence[Value] | None],
        others: Sequence[Value] = (),
    ) -> Sequence[Value]:  # fmt: skip
        """Write what is done where a flag is set; returns what it makes there, else the others."""
        before = self._block
        inside, after = self._branch(flag)
        with self._scope(inside):
            made = make() or ()
        last = self._block
        self._lines.append(f"br label %{after}")
        self._begin(after)
        return [
            self.new(a.kind, f"phi {a.kind} [{a}, %{last}], [{b}, %{before}]", pure=False)
            for a, b in zip(made, others, strict=True)
        ]

    def either(self, flag: Value, yes: Callable[[], Any], no: Callable[[], Any]) -> None:
        """Write what is done where a flag is set, and where it is not."""
        first, second = self._branch(flag)
        after = self._label()
        for label, make in ((first, yes), (second, no)):
            with self._scope(label):
                make()
            self._lines.append(f"br label %{after}")
        self._begin(after)

    def leave(self) -> None:
        """End the function here; what follows in this block is never reached."""
        self._lines.append("ret void")
        self._begin(self._label())

    def call(self, name: str, arguments: Mapping[str, Value]) -> None:
        """Call a function like this one."""
        self._lines.append(f"call void @{name}({_listed(arguments.values())})")

    # Memory and vectors

    def memory(self, entries: int) -> Value:
        """Return a place for so many entries, which the function has for itself."""
        place = self._named(PLACE)
        align = self.lanes * self.size
        self._entry.append(f"{place} = alloca [{entries} x {self.real}], align {align}")
        return place

    def at(self, place: Value, *steps: Any) -> Value:
        """Return the place so many entries behind another."""
        for step in steps:
            if str(step) != "0":
                text = f"getelementptr {self.real}, ptr {place}, i64 {step}"
                place = self.new(PLACE, text)
        return place

    def moved(self, value: Value, step: Value) -> Value:
        """Return a place, or a distance, so many entries further."""
        return self.at(value, step) if value.kind == PLACE else value + step

    def first(self, count: Value) -> Value:
        """Return flags of the first lanes, so many of them."""
        lanes = ", ".join(f"i64 {lane}" for lane in range(self.lanes))
        kind = f"<{self.lanes} x i64>"
        text = f"icmp slt {kind} <{lanes}>, {self._repeated(count)}"
        return self.new(f"<{self.lanes} x i1>", text)

    def scalar(self, place: Value) -> Value:
        """Load an entry into all lanes."""
        text = f"load {self.real}, ptr {place}, align {self.size}"
        return self._repeated(self.new(self.real, text, pure=False))

    def load(self, place: Value, flags: Value | None = None) -> Value:
        """Load a vector, or the lanes that flags name; the others are 0."""
        if flags is None:
            text = f"load {self._vector}, ptr {place}, align {self.size}"
            return self.new(self._vector, text, pure=False)
        return self._intrinsic(
            self._vector, f"masked.load.{self._suffix}.p0", place, self._align, flags, self.zero
        )

    def store(self, vector: Value, place: Value, flags: Value | None = None) -> None:
        """Store a vector, or the lanes that flags name."""
        if flags is None:
            self._lines.append(f"store {vector.kind} {vector}, ptr {place}, align {self.size}")
        else:
            name = f"masked.store.{self._suffix}.p0"
            self._intrinsic("void", name, vector, place, self._align, flags)

    def fetch(self, place: Value, writes: bool, near: int = 3) -> None:
        """Have a line of the cache fetched that is soon read or written.

        It need not be memory of ours. ``near`` is 3 for all levels of the cache, 2 for all but the
        first.
        """
        codes = [Value(self, "i32", str(code)) for code in (int(writes), near, 1)]  # 1: of data
        self._intrinsic("void", "prefetch.p0", place, *codes)

    def plus(self, a: Value, b: Value) -> Value:
        """Return the sum of two vectors."""
        return self.new(self._vector, f"fadd {self._vector} {a}, {b}")

    def fused(self, a: Value, b: Value, c: Value) -> Value:
        """Return ``a * b + c``, rounded once where the processor does that in one instruction."""
        return self._intrinsic(self._vector, f"fmuladd.{self._suffix}", a, b, c)

    def transposed(self, rows: list[Value]) -> list[Value]:
        """Return as many vectors as lanes transposed.

        Halves are shuffled into one another like a pack of cards, until each came to its place.
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

    def _intrinsic(self, kind: str, name: str, *given: Value) -> Value:
        kinds = ", ".join(value.kind for value in given)
        self.declared[name] = f"declare {kind} @llvm.{name}({kinds})\n"
        call = f"call {kind} @llvm.{name}({_listed(given)})"
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
        """Begin a block, what is computed in which is not known after it."""
        self._begin(label)
        self._known.append({})
        yield
        self._known.pop()


def _listed(values: Iterable[Value]) -> str:
    """Return values with their dtypes, as arguments."""
    return ", ".join(f"{value.kind} {value}" for value in values)
