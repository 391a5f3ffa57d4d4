"""Statements and loops are written in LLVM's language; `lower` has writers for other languages.

Every loop nest becomes a function, whose arguments are its buffers and numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule._src.compile.lower.nodes import (
    BOOL,
    ONE,
    PART,
    ZERO,
    Buffer,
    Call,
    Const,
    Expr,
    Load,
    Local,
    children,
    whole,
)
from chainrule._src.compile.lower.statements import (
    Accumulate,
    Break,
    Declare,
    Effect,
    If,
    Item,
    Let,
    Loop,
    Product,
    Store,
    While,
    natural,
)
from chainrule._src.compile.native.blocks import in_blocks
from chainrule._src.compile.native.values import TYPES, FunctionModule, Values, memory_type

SIZE = re.compile(r"\$(-?\d+)\$")  # in a nest: a number that may be another in equal nests
SHORTEST, MASKED = 5, 16  # the range of iterations for which LLVM chooses masked vectors


class NestModule(FunctionModule, Protocol):
    """The interface of the module that functions are written for.

    Attributes
    ----------
    sums : str
        LLVM's fast-math flags for sums.
    inline : bool
        If true, loop nests are inlined into their caller.
    """

    sums: str
    inline: bool

    def nest(self, body: str, arguments: str) -> str:
        """Add a loop nest to the module, and return the text of its call."""


class FunctionWriter(Values):
    """Writes the statements of one function."""

    module: NestModule

    def text(self) -> str:
        """Return the lines of the function, which declares its variables first."""
        lines = ["entry:", *self.entry, "br label %begin", "begin:", *self.lines]
        return "".join(line + "\n" for line in lines)

    def header(self, name: str, arguments: Sequence[Any], result: np.dtype[Any] | None) -> str:
        """Return the head of the definition, and bind the arguments to names."""
        parameters = []
        for i, argument in enumerate(arguments):
            if isinstance(argument, Buffer):
                self.pointers[argument] = f"%a{i}"
                parameters.append(f"ptr noalias %a{i}")
            else:
                kind = TYPES[argument.dtype]
                parameters.append(f"{kind} %a{i}")
                self.line(f"store {kind} %a{i}, ptr {self.place(argument)}")
        returned = "void" if result is None else TYPES[result]
        return f"define internal {returned} @{name}({', '.join(parameters)})"

    # Statements

    def block(self, items: Sequence[Any], outlined: bool = False) -> None:
        """Write statements. If ``outlined``, each loop nest becomes a separate function."""
        for item in items:
            if outlined and isinstance(item, Loop) and self._nest(item):
                continue
            getattr(self, f"_{type(item).__name__.lower()}")(item, outlined)

    def _nest(self, loop: Loop) -> bool:
        """Write a loop nest as a function and its call; return false if it cannot be a function."""
        changed = _changed_locals(loop, self.places)
        if loop.var is PART or (changed and self.module.inline):
            return False
        writer = Nest(self.module, self.flags, self.slots)
        writer.whole(loop, changed)
        head, arguments = writer.signature(self)
        body = f"{head} #NEST {{\n{writer.text()}  ret void\n}}\n"
        self.line(self.module.nest(body, arguments))
        return True

    def _let(self, item: Let, outlined: bool) -> None:
        self._set(item.local, self.value(item.value))

    def _set(self, local: Local, value: str) -> None:
        self.line(f"store {TYPES[local.dtype]} {value}, ptr {self.place(local)}")

    def _store(self, item: Store, outlined: bool) -> None:
        value = self.value(item.value)
        self._put(item.place, value)

    def _put(self, target: Load, value: str) -> None:
        address = self.address(target)
        if target.dtype == BOOL:
            value = self.new(f"zext i1 {value} to i8")
        self.line(f"store {memory_type(target.dtype)} {value}, ptr {address}")

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

    def _effect(self, item: Effect, outlined: bool) -> None:
        self.value(item.call)

    def _declare(self, item: Declare, outlined: bool) -> None:
        buffer = item.buffer
        if buffer.role == "local":
            self.pointers[buffer] = f"%own{len(self.entry)}"
            kind = f"[{math.prod(buffer.shape)} x {memory_type(buffer.dtype)}]"
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
        stop, address = self.stop(item), self.place(item.var)
        head, inside, after = self.label(), self.label(), self.label()
        self.line(f"store i64 {self.value(item.start)}, ptr {address}")
        self.line(f"br label %{head}")
        self.line(f"{head}:")
        index = self.new(f"load i64, ptr {address}")
        goes_on = self.new(f"icmp slt i64 {index}, {stop}")
        self.line(f"br i1 {goes_on}, label %{inside}, label %{after}")
        self.line(f"{inside}:")
        self._inside(item.body, after, outlined)
        now = self.new(f"load i64, ptr {address}")
        further = self.new(f"add nsw i64 {now}, {self.value(item.step)}")
        self.line(f"store i64 {further}, ptr {address}")
        self.line(f"br label %{head}{self._hint(item)}")
        self.line(f"{after}:")

    def stop(self, loop: Loop) -> str:
        """Return the upper bound of a loop."""
        return self.value(loop.stop)

    def _hint(self, loop: Loop) -> str:
        """Return a hint for LLVM to vectorize a loop or not, where its own choice would be slower.

        An outer loop whose inner loops LLVM has unrolled is not vectorized. A short loop over the
        entries of a single sample is vectorized without masks: LLVM would choose masked vectors,
        and a processor that reads back an entry of a masked store has to wait.
        """
        if not loop.innermost:
            return ", !llvm.loop !0"
        return ", !llvm.loop !2" if self.module.inline and _is_short(loop) else ""

    def _product(self, item: Product, outlined: bool) -> None:
        """Write a call of ``gemm``, for this thread's part of the side that is divided."""
        kind, routine = TYPES[item.c.dtype], f"chainrule_{item.routine}"
        ta, tb = item.turns
        sizes, begins = item.computed
        places = [
            self.entry_at(operand.buffer, self.value(begin))
            for operand, begin in zip((item.a, item.b, item.c), begins, strict=True)
        ]
        numbers = [f"i64 {self.value(number)}" for number in (*sizes, *item.leads)]
        a, b, c = (
            f"ptr {operand}, {step}" for operand, step in zip(places, numbers[3:], strict=True)
        )
        self.module.declare(
            "void", routine, f"i32, i32, i32, i64, i64, i64, {kind}, ptr, i64, ptr, i64, "
            f"{kind}, ptr, i64",
        )  # fmt: skip
        self.line(
            f"call void @{routine}(i32 101, i32 {111 + ta}, i32 {111 + tb}, "
            f"{', '.join(numbers[:3])}, {kind} 1.0, {a}, {b}, {kind} 0.0, {c})"
        )


class ChangedLocal(NamedTuple):
    """A local variable of the caller that a loop nest changes."""

    local: Local


class Nest(FunctionWriter):
    """Writes a loop nest. The buffers and variables that it uses become its arguments, in order."""

    def __init__(self, module: NestModule, flags: str, slots: dict[Buffer, Buffer]) -> None:
        super().__init__(module, flags, slots)
        self.own: set[Local] = set()
        self.taken: dict[Any, str] = {}
        self._depth, self._is_open = 0, not module.inline

    def whole(self, loop: Loop, changed: Sequence[Local]) -> None:
        """Write the nest. ``changed`` are the local variables that later statements read."""
        copies = [
            (TYPES[local.dtype], self.place(local), self._variable(local)) for local in changed
        ]
        for kind, inner, outside in copies:
            self.line(f"store {kind} {self.new(f'load {kind}, ptr {outside}')}, ptr {inner}")
        self.block([loop] if self.module.inline else in_blocks(loop))
        for kind, inner, outside in copies:
            self.line(f"store {kind} {self.new(f'load {kind}, ptr {inner}')}, ptr {outside}")

    def _variable(self, local: Local) -> str:
        """Return the argument for the address of a caller's variable that the nest changes."""
        self.own.add(local)
        return self.taken.setdefault(ChangedLocal(local), f"%a{len(self.taken)}")

    def pointer(self, buffer: Buffer) -> str:
        """Return the argument for the address of a buffer."""
        root = self.slots.get(buffer.root, buffer.root)
        if root not in self.pointers:
            self.pointers[root] = self.taken[root] = f"%a{len(self.taken)}"
        return self.pointers[root]

    def _set(self, local: Local, value: str) -> None:
        self.own.add(local)
        super()._set(local, value)

    def _loop(self, item: Loop, outlined: bool) -> None:
        item = flat(item)
        self.own.add(item.var)
        self._depth += 1
        super()._loop(item, outlined)
        self._depth -= 1

    def stop(self, loop: Loop) -> str:
        """Return the upper bound of a loop. For an inner loop it is a literal, which is faster."""
        was = self._is_open
        self._is_open = was and not (loop.innermost and self._depth > 1)
        bound = super().stop(loop)
        self._is_open = was
        return bound

    def number(self, value: int) -> str:
        """Return an integer, marked as a size that may be another in equal nests."""
        return f"${value}$" if self._is_open and abs(value) > 1 else str(value)

    def _local_value(self, expr: Local) -> str:
        if expr in self.own:
            return super()._local_value(expr)
        if expr not in self.taken:
            self.taken[expr] = f"%a{len(self.taken)}"
        return self.taken[expr]

    def signature(self, outside: FunctionWriter) -> tuple[str, str]:
        """Return the head of the definition, and the arguments of a call in ``outside``."""
        parameters, arguments = [], []
        for what, name in self.taken.items():
            if isinstance(what, Buffer):
                parameters.append(f"ptr noalias {name}")
                arguments.append(f"ptr {outside.pointer(what)}")
            elif isinstance(what, ChangedLocal):
                parameters.append(f"ptr noalias {name}")
                arguments.append(f"ptr {outside.place(what.local)}")
            else:
                kind = TYPES[what.dtype]
                parameters.append(f"{kind} {name}")
                arguments.append(f"{kind} {outside.value(what)}")
        return f"define internal void @NEST({', '.join(parameters)})", ", ".join(arguments)


def flat(loop: Loop) -> Loop:
    """Return nested loops over arrays of the same layout as a single loop, if that is possible.

    The single loop is longer, and equal for arrays of other shapes. It addresses an entry by the
    last index alone, which runs beyond the end of the last axis.
    """
    assumptions = [
        x for x in loop.body if isinstance(x, Effect) and x.call == natural(loop.var).call
    ]
    inner = loop.body[len(assumptions) :]
    variables, sizes = [loop.var], [ONE]
    while len(inner) == 1 and isinstance(inner[0], Loop):
        within = inner[0]
        if (within.start, within.step) != (ZERO, ONE) or not isinstance(within.stop, Const):
            return loop
        variables.append(within.var)
        sizes.append(within.stop)
        inner = within.body
    body = [item for item in inner if isinstance(item, Let | Store)]
    is_plain = len(sizes) > 1 and loop.step == ONE and len(body) == len(inner)
    if not is_plain or not all(_is_flat(item, variables, sizes[1:]) for item in body):
        return loop
    *others, last = variables
    size = math.prod(int(each.value) for each in sizes)
    first: dict[Expr, Expr] = dict.fromkeys(others, ZERO)
    items: list[Item] = [natural(last) for _ in assumptions]
    items += [item.replaced(first) for item in body]
    return Loop(last, loop.stop * size, items, loop.start * size)


def _is_flat(node: Any, variables: Sequence[Local], sizes: Sequence[Const]) -> bool:
    """Return true if the loop variables occur only as the last indices of arrays of these sizes."""
    if isinstance(node, Let):
        return _is_flat(node.value, variables, sizes)
    if isinstance(node, Store):
        return all(_is_flat(part, variables, sizes) for part in (node.place, node.value))
    if isinstance(node, Local):
        return node not in variables
    parts = children(node) if isinstance(node, Expr) else ()
    if isinstance(node, Load) and list(node.index[-len(variables) :]) == list(variables):
        lie = node.buffer.memory_shape[-len(sizes) :]
        if [whole(size) for size in lie] == list(sizes):
            parts = parts[: -len(variables)]
    return all(_is_flat(part, variables, sizes) for part in parts)


def _is_short(loop: Loop) -> bool:
    """Return true if LLVM would use masked vectors for a loop, and a hint can prevent the masks.

    With the hint, LLVM may run the iterations in any order.
    """
    few = isinstance(loop.stop, Const) and SHORTEST <= loop.stop.value < MASKED
    return few and loop.is_apart


def _changed_locals(loop: Loop, outside: dict[Local, str]) -> list[Any]:
    """Return the local variables of the caller that a nest changes."""
    changed = (a.what for a in loop.accesses if a.index is None and a.writes)
    return [local for local in dict.fromkeys(changed) if local in outside]
