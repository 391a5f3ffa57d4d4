"""Nodes as LLVM's language: one of three tables over them, beside two in `compiler`.

Every nest of loops becomes a function of the buffers and numbers that it works on. Nests that do
the same are written the same, so that what repeats (layers of one shape) is compiled once.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from chainrule.compiler.functions import function_of
from chainrule.compiler.kernels import Kernel
from chainrule.compiler.nodes import (
    BOOL,
    PART,
    WHOLE,
    Buffer,
    Call,
    Const,
    Load,
    Local,
)
from chainrule.compiler.reading import Function
from chainrule.compiler.statements import (
    Accumulate,
    Break,
    Declare,
    If,
    Let,
    Loop,
    Product,
    Run,
    Store,
    While,
)
from chainrule.errors import CompileError
from chainrule.native import ENTRY
from chainrule.native.llvm import FEW, Text
from chainrule.native.values import TYPES, Values, held

SUMS = "reassoc nsz contract "  # in any order; NaN and infinity stay
# Else as it is written: numbers that are constants in one kernel and inputs of another, as settings
# of a sweep, give the same bits.
PLAIN = "nsz contract "
ORDERED = "nsz "  # whatever stands around it: a product with a sum is not one operation either
HINTS = """!0 = distinct !{!0, !1}
!1 = !{!"llvm.loop.vectorize.enable", i1 false}
!2 = distinct !{!2, !3}
!3 = !{!"llvm.loop.vectorize.enable", i1 true}
"""
# For Intel's processors LLVM halves vectors, lest their clock slows down; products have whole ones
# anyway. Loops over the entries of a single sample are too short for them.
WIDE = ' "prefer-vector-width"="512"'
SHORTEST, MASKED = 5, 16  # turns of loops of which LLVM makes masked vectors
LONG = 60  # lines from which a nest that repeats is called for a single sample as well
CALLED = re.compile(r"call .*?@([\w.]+)\(")
MODULE = 300  # lines of nests from which a module is not added to


def modules(kernel: Kernel) -> list[Text]:
    """Return a kernel as modules: ``i64 chainrule_kernel(ptr to pointers)`` is in the last.

    What they are depends on the kernel alone, so that its numbers do, however many make them.
    """
    module = Module(ORDERED, ORDERED, "", True) if kernel.one else Module(PLAIN, SUMS, WIDE)
    body = module.add(kernel.function, kernel.slots)
    count = len(kernel.function.arguments)
    loads = "".join(
        f"  %p{i} = getelementptr ptr, ptr %table, i64 {i}\n  %a{i} = load ptr, ptr %p{i}\n"
        for i in range(count)
    )
    given = ", ".join(f"ptr %a{i}" for i in range(count))
    entry = (
        f"define i64 @{ENTRY}(ptr %table) {{\n{loads}"
        f"  %done = call i64 @{body}({given})\n  ret i64 %done\n}}\n"
    )
    return module.texts(entry)


class Module:
    """The functions of a kernel; each is written once.

    Parameters
    ----------
    flags, sums : str
        What LLVM may do with floating-point arithmetic, and with what is added up.
    how : str
        Attributes of those that are not written where they are called.
    inline : bool, default False
        Whether nests of loops are written where they are called. To LLVM one large function is
        more work than many small ones, but a call takes as long as the short loops of one sample.
    """

    def __init__(self, flags: str, sums: str, how: str, inline: bool = False) -> None:
        self.flags, self.sums, self.inline = flags, sums, inline
        self.apart = f"noinline nounwind{how}"
        self.declared: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.nests: dict[str, str] = {}  # by what they do: their names
        self.uses: Counter[str] = Counter()

    def texts(self, entry: str) -> list[Text]:
        """Return all that was written and its entry, nests in modules of their own."""
        nests = {
            name: body.replace("@NEST(", f"@{name}(", 1).replace("#NEST", self._how(name, body))
            for body, name in self.nests.items()
        }
        if self.inline:
            return [Text(self._whole([entry, *nests.values()], {}), unrolls=True)]
        heads = {
            name: body.partition(") ")[0].replace("define internal", "declare") + ")\n"
            for name, body in nests.items()
        }
        given = {name: body.replace(" internal", "", 1) for name, body in nests.items()}
        texts = [Text(self._whole([given[name] for name in each], {})) for each in _groups(nests)]
        texts.append(Text(self._whole([entry], heads), FEW))
        # All kernels' names are in one table.
        tag = sha256("".join(each.text for each in texts).encode()).hexdigest()[:16]
        return [each._replace(text=each.text.replace("@nest", f"@nest_{tag}_")) for each in texts]

    def _whole(self, parts: list[str], heads: dict[str, str]) -> str:
        """Return a module of some parts, with the functions that they call."""
        known = {**self.declared, **self.functions, **heads}
        found = set()
        for part in parts:  # which grow
            for name in CALLED.findall(part):
                if name in known and name not in found:
                    found.add(name)
                    parts.append(known[name])
        return "\n".join([*parts, HINTS])

    def _how(self, name: str, body: str) -> str:
        again = self.uses[name] > 1 and body.count("\n") > LONG
        return "alwaysinline nounwind" if self.inline and not again else self.apart

    def add(self, function: Function, slots: dict[Buffer, Buffer] | None = None) -> str:
        """Write the function of a kernel, and return its name."""
        writer = Writer(self, self.flags, slots or {})
        head = writer.header(function.name, function.arguments, WHOLE)
        writer.block(function.body, outlined=True)
        assert function.result is not None
        writer.line(f"ret i64 {writer.value(function.result)}")
        self.functions[function.name] = f"{head} {self.apart} {{\n{writer.text()}}}\n"
        return function.name

    def call(self, name: str, dtype: np.dtype[Any]) -> Function:
        """See that a function that kernels call is written, and return it."""
        found = function_of(name, dtype)
        if found is None:
            raise CompileError(f"{name} of {dtype.name} numbers runs in NumPy alone")
        if found.name not in self.functions:
            self.functions[found.name] = ""  # those that it calls come after
            writer = Writer(self, "contract ", {})
            result = found.result
            kind = None if result is None else result.dtype
            head = writer.header(found.name, found.arguments, kind)
            writer.block(found.body)
            how = "alwaysinline nounwind"
            if result is None:  # it is called between loops, not in them
                how = self.apart
                writer.line("ret void")
            else:
                writer.line(f"ret {TYPES[result.dtype]} {writer.value(result)}")
            self.functions[found.name] = f"{head} {how} {{\n{writer.text()}}}\n"
        return found

    def declare(self, result: str, name: str, arguments: str) -> None:
        """Declare what is not part of the kernel."""
        self.declared.setdefault(name, f"declare {result} @{name}({arguments})")


class Writer(Values):
    """Writes the statements of one function."""

    module: Module

    def text(self) -> str:
        """Return the lines of the function, its variables first."""
        lines = ["entry:", *self.entry, "br label %begin", "begin:", *self.lines]
        return "".join(line + "\n" for line in lines)

    def header(self, name: str, arguments: Sequence[Any], result: np.dtype[Any] | None) -> str:
        """Return the head of the definition, and take the arguments."""
        given = []
        for i, argument in enumerate(arguments):
            if isinstance(argument, Buffer):
                self.pointers[argument] = f"%a{i}"
                given.append(f"ptr noalias %a{i}")
            else:
                kind = TYPES[argument.dtype]
                given.append(f"{kind} %a{i}")
                self.line(f"store {kind} %a{i}, ptr {self.place(argument)}")
        returned = "void" if result is None else TYPES[result]
        return f"define internal {returned} @{name}({', '.join(given)})"

    # Statements

    def block(self, items: Sequence[Any], outlined: bool = False) -> None:
        """Write statements; nests of loops as functions of their own if they are ``outlined``."""
        for item in items:
            if outlined and isinstance(item, Loop) and self._nest(item):
                continue
            getattr(self, f"_{type(item).__name__.lower()}")(item, outlined)

    def _nest(self, loop: Loop) -> bool:
        """Write a nest as a function and its call, if it leaves nothing in local variables."""
        if loop.var is PART or _leaves_locals(loop, self.places):
            return False
        writer = Nest(self.module, self.flags, self.slots)
        writer.block([loop])
        head, given = writer.signature(self)
        body = f"{head} #NEST {{\n{writer.text()}  ret void\n}}\n"
        name = self.module.nests.setdefault(body, f"nest{len(self.module.nests)}")
        self.module.uses[name] += 1
        self.line(f"call void @{name}({given})")
        return True

    def _let(self, item: Let, outlined: bool) -> None:
        self._set(item.local, self.value(item.value))

    def _set(self, local: Local, value: str) -> None:
        self.line(f"store {TYPES[local.dtype]} {value}, ptr {self.place(local)}")

    def _store(self, item: Store, outlined: bool) -> None:
        value = self.value(item.value)
        self._put(item.place, value)

    def _put(self, place: Load, value: str) -> None:
        address = self.address(place)
        if place.dtype == BOOL:
            value = self.new(f"zext i1 {value} to i8")
        self.line(f"store {held(place.dtype)} {value}, ptr {address}")

    def _accumulate(self, item: Accumulate, outlined: bool) -> None:
        value = Local("_", item.value.dtype)
        self._set(value, self.value(item.value))
        flags, self.flags = self.flags, self.module.sums
        total = self.value(Call(item.name, (item.target, value), item.target.dtype))
        self.flags = flags
        if isinstance(item.target, Local):
            self._set(item.target, total)
        else:
            self._put(item.target, total)

    def _run(self, item: Run, outlined: bool) -> None:
        self.value(item.call)

    def _declare(self, item: Declare, outlined: bool) -> None:
        buffer = item.buffer
        if buffer.role == "local":
            self.pointers[buffer] = f"%own{len(self.entry)}"
            kind = f"[{math.prod(buffer.shape)} x {held(buffer.dtype)}]"
            self.entry.append(f"{self.pointers[buffer]} = alloca {kind}, align 64")

    def _break(self, item: Break, outlined: bool) -> None:
        self.line(f"br label %{self.exits[-1]}")
        self.line(f"{self.label()}:")

    def _if(self, item: If, outlined: bool) -> None:
        inside, after = self.label(), self.label()
        self.line(f"br i1 {self.value(item.test)}, label %{inside}, label %{after}")
        self.line(f"{inside}:")
        self.block(item.body, outlined)
        self.line(f"br label %{after}")
        self.line(f"{after}:")

    def _while(self, item: While, outlined: bool) -> None:
        head, inside, after = self.label(), self.label(), self.label()
        self.line(f"br label %{head}")
        self.line(f"{head}:")
        self.line(f"br i1 {self.value(item.test)}, label %{inside}, label %{after}")
        self.line(f"{inside}:")
        self._inside(item.body, after, outlined)
        self.line(f"br label %{head}")
        self.line(f"{after}:")

    def _inside(self, body: Sequence[Any], after: str, outlined: bool) -> None:
        self.exits.append(after)
        self.block(body, outlined)
        self.exits.pop()

    def _loop(self, item: Loop, outlined: bool) -> None:
        stop, place = self.value(item.stop), self.place(item.var)
        head, inside, after = self.label(), self.label(), self.label()
        self.line(f"store i64 {self.value(item.start)}, ptr {place}")
        self.line(f"br label %{head}")
        self.line(f"{head}:")
        here = self.new(f"load i64, ptr {place}")
        goes_on = self.new(f"icmp slt i64 {here}, {stop}")
        self.line(f"br i1 {goes_on}, label %{inside}, label %{after}")
        self.line(f"{inside}:")
        self._inside(item.body, after, outlined)
        now = self.new(f"load i64, ptr {place}")
        further = self.new(f"add nsw i64 {now}, {self.value(item.step)}")
        self.line(f"store i64 {further}, ptr {place}")
        self.line(f"br label %{head}{self._hint(item)}")
        self.line(f"{after}:")

    def _hint(self, loop: Loop) -> str:
        """Tell LLVM which loops to make vectors of, where it would choose otherwise.

        Not of an outer loop whose inner ones it has written out. But of one with a few entries of a
        single sample, and with the last entries one by one: LLVM would take masked vectors, and a
        processor that reads what such a one has just stored waits for it.
        """
        if not loop.innermost:
            return ", !llvm.loop !0"
        return ", !llvm.loop !2" if self.module.inline and _is_short(loop) else ""

    def _product(self, item: Product, outlined: bool) -> None:
        """Write a call of C's ``gemm``, for a part of the side that is shared out."""
        kind, routine = TYPES[item.c.dtype], f"chainrule_{item.routine}"
        ta, tb = item.turns
        sizes, begins = item.computed
        places = [
            self.entry_at(place.buffer, self.value(begin))
            for place, begin in zip((item.a, item.b, item.c), begins, strict=True)
        ]
        numbers = [f"i64 {self.value(number)}" for number in (*sizes, *item.leads)]
        a, b, c = (f"ptr {place}, {step}" for place, step in zip(places, numbers[3:], strict=True))
        self.module.declare(
            "void", routine, f"i32, i32, i32, i64, i64, i64, {kind}, ptr, i64, ptr, i64, "
            f"{kind}, ptr, i64",
        )  # fmt: skip
        self.line(
            f"call void @{routine}(i32 101, i32 {111 + ta}, i32 {111 + tb}, "
            f"{', '.join(numbers[:3])}, {kind} 1.0, {a}, {b}, {kind} 0.0, {c})"
        )


class Nest(Writer):
    """Writes a nest of loops; what it takes from outside become its arguments in order."""

    def __init__(self, module: Module, flags: str, slots: dict[Buffer, Buffer]) -> None:
        super().__init__(module, flags, slots)
        self.own: set[Local] = set()
        self.taken: dict[Any, str] = {}

    def pointer(self, buffer: Buffer) -> str:
        """Return the address of a buffer, an argument."""
        root = self.slots.get(buffer.root, buffer.root)
        if root not in self.pointers:
            self.pointers[root] = self.taken[root] = f"%a{len(self.taken)}"
        return self.pointers[root]

    def _set(self, local: Local, value: str) -> None:
        self.own.add(local)
        super()._set(local, value)

    def _loop(self, item: Loop, outlined: bool) -> None:
        self.own.add(item.var)
        super()._loop(item, outlined)

    def _local_value(self, expr: Local) -> str:
        if expr in self.own:
            return super()._local_value(expr)
        if expr not in self.taken:
            self.taken[expr] = f"%a{len(self.taken)}"
        return self.taken[expr]

    def signature(self, outside: Writer) -> tuple[str, str]:
        """Return the head of the definition, and what a call outside is given."""
        parameters, given = [], []
        for what, name in self.taken.items():
            if isinstance(what, Buffer):
                parameters.append(f"ptr noalias {name}")
                given.append(f"ptr {outside.pointer(what)}")
            else:
                kind = TYPES[what.dtype]
                parameters.append(f"{kind} {name}")
                given.append(f"{kind} {outside.value(what)}")
        return f"define internal void @NEST({', '.join(parameters)})", ", ".join(given)


def _groups(nests: dict[str, str]) -> list[list[str]]:
    """Return the names of nests in groups that are about equally long."""
    groups: list[list[str]] = []
    lines = MODULE
    for name, body in nests.items():
        if lines >= MODULE:
            groups.append([])
            lines = 0
        groups[-1].append(name)
        lines += body.count("\n")
    return groups


def _is_short(loop: Loop) -> bool:
    """Whether LLVM would make masked vectors of a loop, and may be told to make others.

    It takes the turns in any order then.
    """
    few = isinstance(loop.stop, Const) and SHORTEST <= loop.stop.value < MASKED
    return few and loop.is_apart


def _leaves_locals(loop: Loop, outside: dict[Local, str]) -> bool:
    return any(a.index is None and a.writes and a.what in outside for a in loop.accesses)
