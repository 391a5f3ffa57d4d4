"""Statements and loops are written in LLVM's language; `lower` has writers for other languages.

Every loop nest becomes a function, whose arguments are its buffers and numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

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
from chainrule._src.compile.lower.reading import Function
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
    walk,
)
from chainrule._src.compile.native.blocks import in_blocks
from chainrule._src.compile.native.gemm import PLAIN, ROW_MAJOR, TRANSPOSED
from chainrule._src.compile.native.values import FunctionModule, Values
from chainrule._src.compile.native.writer import INT32, POINTER, TYPES, Value, memory_type

SIZE = re.compile(r"\$(-?\d+)\$")  # in a nest: a number that may be another in equal nests
SHORTEST, MASKED = 5, 16  # the range of iterations for which LLVM chooses masked vectors


class FunctionWriter(Values):
    """Writes the statements of one function, whose arrays do not overlap."""

    of_pointer = " noalias"

    def function(
        self, function: Function, how: str, outlined: bool = False, internal: bool = True
    ) -> str:
        """Return the definition of a function with the attributes ``how``."""
        parameters = []
        for i, argument in enumerate(function.arguments):
            if isinstance(argument, Buffer):
                self.pointers[argument] = value = self.literal(f"%a{i}", POINTER)
            else:
                value = self.literal(f"%a{i}", TYPES[argument.dtype])
                self.store(value, self.place(argument))
            parameters.append(value)
        self.block(function.body, outlined)
        result = None if function.result is None else self.value(function.result)
        return self.definition(function.name, parameters, how, result, internal)

    def inlined(self, function: Function, arguments: Sequence[Value]) -> Value:
        """Write a function in place of its call, and return its result."""
        parameters = [each for each in function.arguments if isinstance(each, Local)]
        for parameter, value in zip(parameters, arguments, strict=True):
            self._set(parameter, value)
        self.block(function.body)
        return self.value(function.result)

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
        body = writer.definition("NEST", writer.taken.values(), "#NEST", internal=True)
        self.line(self.module.nest(body, writer.arguments(self)))
        return True

    def _let(self, item: Let, outlined: bool) -> None:
        self._set(item.local, self.value(item.value))

    def _set(self, local: Local, value: Value) -> None:
        self.store(value, self.place(local))

    def _store(self, item: Store, outlined: bool) -> None:
        self._put(item.place, self.value(item.value))

    def _put(self, target: Load, value: Value) -> None:
        address = self.address(target)
        if target.dtype == BOOL:
            value = self.convert("zext", value, memory_type(BOOL))
        self.store(value, address)

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

    _routine = _effect

    def _declare(self, item: Declare, outlined: bool) -> None:
        buffer = item.buffer
        if buffer.role == "local":
            kind = f"[{math.prod(buffer.shape)} x {memory_type(buffer.dtype)}]"
            self.pointers[buffer] = self.stack(kind, 64)

    def _break(self, item: Break, outlined: bool) -> None:
        self.leave(f"br label %{self.exits[-1]}")

    def _if(self, item: If, outlined: bool) -> None:
        self.when(self.value(item.test), partial(self.block, item.body, outlined))

    def _while(self, item: While, outlined: bool) -> None:
        again = self.head()
        inside, after = self.branch(self.value(item.test))
        with self.within(inside, again):
            self._inside(item.body, after, outlined)
        self.begin(after)

    def _inside(self, body: Sequence[Any], after: str, outlined: bool) -> None:
        self.exits.append(after)
        self.block(body, outlined)
        self.exits.pop()

    def _loop(self, item: Loop, outlined: bool) -> None:
        stop, address = self.stop(item), self.place(item.var)
        self.store(self.value(item.start), address)
        again = self.head()
        inside, after = self.branch(self._local_value(item.var) < stop)
        self.begin(inside)
        first = len(self.lines)
        self._inside(item.body, after, outlined)
        now = self._local_value(item.var)
        self.store(self.op("add nsw", now, self.value(item.step)), address)
        hint = self._shortened(item, first) or self._hint(item)
        self.line(f"br label %{again}{hint}")
        self.begin(after)

    def _shortened(self, loop: Loop, first: int) -> str:
        """Have an innermost loop call its sines and cosines if it has many; return a hint for LLVM.

        A call waits for the result of the call before. So two iterations shall run at once, as LLVM
        itself decides for loops that add something up.
        """
        text = self.module.shortened("\n".join(self.lines[first:])) if loop.innermost else None
        if text is None:
            return ""
        self.lines[first:] = [text]
        adds = any(isinstance(item, Accumulate) for item in walk(loop.body))
        return "" if adds else ", !llvm.loop !4"

    def stop(self, loop: Loop) -> Value:
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
        sizes, begins = item.computed
        a, b, c = (
            self.entry_at(operand.buffer, self.value(begin))
            for operand, begin in zip((item.a, item.b, item.c), begins, strict=True)
        )
        m, n, k, lda, ldb, ldc = (self.value(number) for number in (*sizes, *item.leads))
        codes = ROW_MAJOR, *(TRANSPOSED if turn else PLAIN for turn in item.turns)
        layouts = [self.literal(code, INT32) for code in codes]
        alpha, beta = (self.literal(number, TYPES[item.c.dtype]) for number in (1.0, 0.0))
        arguments = *layouts, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc
        self.outside(f"chainrule_{item.routine}", *arguments)


class Nest(FunctionWriter):
    """Writes a loop nest. The buffers and variables that it uses become its arguments, in order."""

    def __init__(self, module: FunctionModule, flags: str, slots: dict[Buffer, Buffer]) -> None:
        super().__init__(module, flags, slots)
        self.own: set[Local] = set()
        self.taken: dict[Any, Value] = {}
        self._depth, self._is_open = 0, not module.inline

    def whole(self, loop: Loop, changed: Sequence[Local]) -> None:
        """Write the nest. ``changed`` are the local variables that later statements read."""
        copies = [
            (TYPES[local.dtype], self.place(local), self._argument(local, POINTER))
            for local in changed
        ]
        self.own |= {*changed}
        for kind, inner, outside in copies:
            self.store(self.load(kind, outside), inner)
        self.block([loop] if self.module.inline else in_blocks(loop))
        for kind, inner, outside in copies:
            self.store(self.load(kind, inner), outside)

    def _argument(self, what: Any, kind: str) -> Value:
        """Return the argument for a buffer, a variable or the address of a changed variable."""
        if what not in self.taken:
            self.taken[what] = self.literal(f"%a{len(self.taken)}", kind)
        return self.taken[what]

    def pointer(self, buffer: Buffer) -> Value:
        """Return the address of a buffer: an argument, or the nest's own memory."""
        root = self.slots.get(buffer.root, buffer.root)
        return self.pointers.get(root) or self._argument(root, POINTER)

    def _set(self, local: Local, value: Value) -> None:
        self.own.add(local)
        super()._set(local, value)

    def _loop(self, item: Loop, outlined: bool) -> None:
        item = flat(item)
        self.own.add(item.var)
        self._depth += 1
        super()._loop(item, outlined)
        self._depth -= 1

    def stop(self, loop: Loop) -> Value:
        """Return the upper bound of a loop. For an inner loop it is a literal, which is faster."""
        was = self._is_open
        self._is_open = was and not (loop.innermost and self._depth > 1)
        bound = super().stop(loop)
        self._is_open = was
        return bound

    def number(self, value: int) -> Value:
        """Return an integer, marked as a size that may be another in equal nests."""
        return self.literal(f"${value}$" if self._is_open and abs(value) > 1 else value)

    def _local_value(self, expr: Local) -> Value:
        if expr in self.own:
            return super()._local_value(expr)
        return self._argument(expr, TYPES[expr.dtype])

    def arguments(self, outside: FunctionWriter) -> list[Value]:
        """Return the arguments of a call in ``outside``."""
        return [
            outside.pointer(what) if isinstance(what, Buffer)
            else outside.place(what) if argument.kind == POINTER
            else outside.value(what)
            for what, argument in self.taken.items()
        ]  # fmt: skip


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


def _changed_locals(loop: Loop, outside: dict[Local, Value]) -> list[Any]:
    """Return the local variables of the caller that a nest changes."""
    changed = (a.what for a in loop.accesses if a.index is None and a.writes)
    return [local for local in dict.fromkeys(changed) if local in outside]
