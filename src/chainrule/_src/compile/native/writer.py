"""The writer of LLVM's language: types, values, instructions and blocks of one function."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

INT64, FLAG, POINTER, BYTE, INT32, VOID = "i64", "i1", "ptr", "i8", "i32", "void"
TYPES: dict[np.dtype[Any], str] = {
    np.dtype(np.float32): "float", np.dtype(np.float64): "double", np.dtype(bool): FLAG,
    **{np.dtype(f"{sign}{size}"): f"i{8 * size}" for sign in "iu" for size in (1, 2, 4, 8)},
}  # fmt: skip


def _binary(method: str, name: str) -> Callable[[Value, Any], Value]:
    """Return the method of an operator, which writes an instruction."""

    def write(a: Value, b: Any) -> Value:
        result: Value = getattr(a.writer, method)(name, a, b)
        return result

    return write


class Value:
    """An argument, a literal or the result of an instruction, with its type.

    Its operators write instructions.
    """

    __slots__ = ("kind", "text", "writer")
    __add__, __sub__ = _binary("op", "add"), _binary("op", "sub")
    __mul__, __mod__ = _binary("op", "mul"), _binary("op", "urem")
    __and__, __or__ = _binary("op", "and"), _binary("op", "or")
    __lt__, __ge__ = _binary("compare", "icmp slt"), _binary("compare", "icmp sge")
    equals = _binary("compare", "icmp eq")

    def __init__(self, writer: Writer, kind: str, text: str) -> None:
        self.writer, self.kind, self.text = writer, kind, text

    def __str__(self) -> str:
        return self.text

    def __invert__(self) -> Value:
        return self.writer.op("xor", self, "true")


class Writer:
    """Writes the instructions of one function.

    Parameters
    ----------
    declared : dict of str to str, optional
        Declarations by the names of functions. Functions from outside of the module are added.

    Attributes
    ----------
    of_pointer : str
        The attribute of parameters that are pointers.
    lines : list of str
        The instructions and labels so far.
    current : str
        The label of the current block.
    """

    of_pointer = ""

    def __init__(self, declared: dict[str, str] | None = None) -> None:
        self.declared = {} if declared is None else declared
        self.lines: list[str] = []
        self.current = "begin"
        self._entry: list[str] = []
        self._count = 0

    def definition(
        self, name: str, parameters: Iterable[Value], how: str,
        result: Value | None = None, internal: bool = False,
    ) -> str:  # fmt: skip
        """Return the definition of the function, which returns ``result``.

        ``how`` are its attributes; other modules cannot call an ``internal`` function.
        """
        returned = listed([result]) if result else VOID
        head = f"{'internal ' if internal else ''}{result.kind if result else VOID} @{name}"
        entry = ["entry:", *self._entry, "br label %begin"] if self._entry else []
        begin = [f"define {head}({listed(parameters, self.of_pointer)}) {how} {{", *entry, "begin:"]
        return "\n".join([*begin, *self.lines, f"ret {returned}", "}\n"])

    # Instructions

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append(text)

    def fresh(self, kind: str) -> Value:
        """Return a new name for a value."""
        self._count += 1
        return Value(self, kind, f"%v{self._count}")

    def new(self, kind: str, instruction: str) -> Value:
        """Write an instruction, and return its result."""
        result = self.fresh(kind)
        self.lines.append(f"{result.text} = {instruction}")
        return result

    def pure(self, kind: str, instruction: str) -> Value:
        """Write an instruction that always has the same result, and return the result."""
        return self.new(kind, instruction)

    def literal(self, number: object, kind: str = INT64) -> Value:
        """Return a literal or an argument as a value."""
        return Value(self, kind, str(number))

    def constant(self, number: Any, dtype: np.dtype[Any]) -> Value:
        """Return the literal of a number of a dtype."""
        if dtype.kind == "f":
            (bits,) = struct.unpack("<Q", struct.pack("<d", float(dtype.type(number))))
            return self.literal(f"0x{bits:016X}", TYPES[dtype])
        if dtype.kind == "b":
            return self.literal("true" if number else "false", FLAG)
        return self.literal(int(number), TYPES[dtype])

    def op(self, name: str, a: Value, b: object) -> Value:
        """Write an operation on two values of the same type, and return the result."""
        return self.pure(a.kind, f"{name} {a.kind} {a.text}, {b}")

    def compare(self, name: str, a: Value, b: object) -> Value:
        """Write a comparison of two values of the same type, and return its flag."""
        return self.pure(like(a.kind, FLAG), f"{name} {a.kind} {a.text}, {b}")

    def convert(self, name: str, value: Value, kind: str) -> Value:
        """Write a conversion to another type, and return the result."""
        return self.pure(kind, f"{name} {value.kind} {value} to {kind}")

    def select(self, flag: Value, a: Any, b: Any) -> Value:
        """Return one of two values of the same type: ``a`` if the flag is set, else ``b``."""
        kind = a.kind if isinstance(a, Value) else INT64
        return self.pure(kind, f"select {flag.kind} {flag}, {kind} {a}, {kind} {b}")

    def call(self, name: str, *arguments: Value, kind: str = VOID, flags: str = "") -> Value:
        """Write a call of a function of the same module, and return the result."""
        text = f"call{flags} {kind} @{name}({listed(arguments)})"
        if kind != VOID:
            return self.new(kind, text)
        self.line(text)
        return self.literal("", VOID)

    def outside(self, name: str, *arguments: Value, kind: str = VOID, flags: str = "") -> Value:
        """Write the declaration and a call of a function from outside of the module."""
        kinds = ", ".join([argument.kind for argument in arguments])
        self.declared.setdefault(name, f"declare {kind} @{name}({kinds})")
        return self.call(name, *arguments, kind=kind, flags=flags)

    # Memory

    def stack(self, kind: str, align: int = 0) -> Value:
        """Return the address of a new stack variable."""
        address = self.fresh(POINTER)
        self._entry.append(f"{address} = alloca {kind}{_aligned(align)}")
        return address

    def element(self, kind: str, address: Value, index: object, flags: str = "") -> Value:
        """Return the address of an entry of an array, by the index of the entry."""
        return self.pure(POINTER, f"getelementptr{flags} {kind}, ptr {address.text}, i64 {index}")

    def load(self, kind: str, address: Value, align: int = 0) -> Value:
        """Return the value in memory at an address."""
        return self.new(kind, f"load {kind}, ptr {address.text}{_aligned(align)}")

    def store(self, value: Value, address: Value, align: int = 0) -> None:
        """Store a value in memory at an address."""
        self.line(f"store {value.kind} {value.text}, ptr {address.text}{_aligned(align)}")

    # Blocks

    def label(self) -> str:
        """Return a new name for a block."""
        self._count += 1
        return f"b{self._count}"

    def begin(self, label: str) -> None:
        """Begin a block."""
        self.line(f"{label}:")
        self.current = label

    def head(self) -> str:
        """Begin a new block that can be jumped to again, and return its label."""
        label = self.label()
        self.line(f"br label %{label}")
        self.begin(label)
        return label

    def branch(self, flag: Value) -> tuple[str, str]:
        """Write a branch to one of two new blocks; the first one if the flag is set."""
        yes, no = self.label(), self.label()
        self.line(f"br i1 {flag}, label %{yes}, label %{no}")
        return yes, no

    @contextmanager
    def within(self, label: str, after: str, hint: str = "") -> Iterator[None]:
        """Context manager that writes a block, and at its end a jump to the block ``after``."""
        self.begin(label)
        yield
        self.line(f"br label %{after}{hint}")

    def leave(self, jump: str) -> None:
        """Write a jump or return; instructions after it in this block are never reached."""
        self.line(jump)
        self.begin(self.label())

    def loop(
        self, begin: Any, end: Any, step: int, turn: Callable[..., Any],
        values: Sequence[Value] = (),
    ) -> Sequence[Value]:  # fmt: skip
        """Write a loop, and return its loop-carried values after the last iteration.

        ``turn(index, *values)`` writes an iteration and returns the values for the next one. With
        a negative step, the index must hit ``end`` exactly.
        """
        firsts = [begin if isinstance(begin, Value) else self.literal(begin), *values]
        before, head = self.current, self.head()
        at = len(self.lines)
        index, *current = phis = [self.fresh(first.kind) for first in firsts]
        inside, after = self.branch(index < end if step > 0 else ~index.equals(end))
        with self.within(inside, head):
            following = [index + step, *(turn(index, *current) or ())]
        self.lines[at:at] = phi(phis, (before, firsts), (self.current, following))
        self.begin(after)
        return current

    def when(
        self, flag: Value, make: Callable[[], Sequence[Value] | None],
        others: Sequence[Value] = (),
    ) -> Sequence[Value]:  # fmt: skip
        """Write a branch: if the flag is set, the values of ``make()``, else ``others``."""
        before = self.current
        inside, after = self.branch(flag)
        with self.within(inside, after):
            values = make() or ()
        last = self.current
        self.begin(after)
        results = [self.fresh(value.kind) for value in values]
        self.lines += phi(results, (last, values), (before, others))
        return results

    def either(self, flag: Value, yes: Callable[[], Any], no: Callable[[], Any]) -> None:
        """Write a branch: ``yes()`` if the flag is set, else ``no()``."""
        first, second = self.branch(flag)
        after = self.label()
        for label, make in ((first, yes), (second, no)):
            with self.within(label, after):
                make()
        self.begin(after)


def memory_type(dtype: np.dtype[Any]) -> str:
    """Return the type of an entry in memory."""
    return BYTE if dtype.kind == "b" else TYPES[dtype]


def vector_type(lanes: int, kind: str) -> str:
    """Return the type of a vector."""
    return f"<{lanes} x {kind}>"


def like(other: str, kind: str) -> str:
    """Return the type of vectors of ``kind`` with as many lanes as another type has."""
    lanes, of, _ = other.partition(" x ")
    return f"{lanes}{of}{kind}>" if of else kind


def listed(values: Iterable[Value], of_pointer: str = "") -> str:
    """Return values with their types, as an argument list; pointers with an attribute."""
    kinds = {POINTER: POINTER + of_pointer}
    return ", ".join([f"{kinds.get(v.kind, v.kind)} {v.text}" for v in values])


def phi(
    results: Sequence[Value], one: tuple[str, Sequence[Any]], other: tuple[str, Sequence[Any]]
) -> list[str]:
    """Return the first lines of a block: values that depend on which of two blocks was left."""
    return [
        f"{result} = phi {result.kind} [{a}, %{one[0]}], [{b}, %{other[0]}]"
        for result, a, b in zip(results, one[1], other[1], strict=True)
    ]


def _aligned(align: int) -> str:
    return f", align {align}" if align else ""
