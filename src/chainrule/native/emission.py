"""Nodes as LLVM's language: one of two tables over them, the other is `compiler.text`.

Every nest of loops becomes a function of the buffers and numbers that it works on. Nests that do
the same are written the same, so that what repeats (layers of one shape) is compiled once.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.compiler.functions import function_of
from chainrule.compiler.kernels import Kernel
from chainrule.compiler.nodes import (
    BOOL,
    PART,
    PARTS,
    WHOLE,
    Accumulate,
    Affine,
    Break,
    Buffer,
    Call,
    Cast,
    Const,
    Declare,
    Expr,
    If,
    Let,
    Load,
    Local,
    Loop,
    Product,
    Run,
    Select,
    Store,
    While,
    reads,
    whole,
)
from chainrule.compiler.reading import Function
from chainrule.errors import CompileError
from chainrule.native.machine import machine

ENTRY = "chainrule_kernel"
FAST = "reassoc nsz arcp contract "  # sums in any order; NaN and infinity stay
TYPES = {
    "float32": "float", "float64": "double", "bool": "i1",
    **{f"{sign}int{bits}": f"i{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
ROLLED = '!0 = distinct !{!0, !1}\n!1 = !{!"llvm.loop.vectorize.enable", i1 false}\n'
LONG = 60  # lines from which a nest that repeats is called instead of written again

# By operation: the instruction for floats, signed and unsigned whole numbers.
ARITHMETIC = {
    "add": ("fadd", "add", "add"), "sub": ("fsub", "sub", "sub"), "mul": ("fmul", "mul", "mul"),
    "div": ("fdiv", "sdiv", "udiv"), "cdiv": ("fdiv", "sdiv", "udiv"),
    "crem": ("frem", "srem", "urem"), "shl": ("", "shl", "shl"), "shr": ("", "ashr", "lshr"),
    "bitand": ("", "and", "and"), "bitor": ("", "or", "or"), "bitxor": ("", "xor", "xor"),
    "and": ("", "and", "and"), "or": ("", "or", "or"),
}  # fmt: skip
LOGIC = {  # of booleans
    "add": "or", "mul": "and", "bitand": "and", "bitor": "or", "bitxor": "xor", "and": "and",
    "or": "or",
}  # fmt: skip
COMPARISONS = {
    "lt": ("olt", "slt", "ult"), "le": ("ole", "sle", "ule"), "gt": ("ogt", "sgt", "ugt"),
    "ge": ("oge", "sge", "uge"), "eq": ("oeq", "eq", "eq"), "ne": ("une", "ne", "ne"),
}  # fmt: skip
INTRINSICS = {
    "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "rint": "rint", "trunc": "trunc",
    "abs": "fabs", "sin": "sin", "cos": "cos", "exp2": "exp2", "log2": "log2", "log10": "log10",
    "pow": "pow", "float_power": "pow", "copysign": "copysign",
}  # fmt: skip
ROUNDING = {"floor", "ceil", "rint", "trunc"}
LIBRARY = {
    "expm1": "expm1", "log1p": "log1p", "cbrt": "cbrt", "tan": "tan", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "hypot": "hypot",
}  # fmt: skip
CHEAP = {*ARITHMETIC, *COMPARISONS, "neg", "not", "abs", "sqrt"} - {"div", "cdiv", "crem"}
ROUTINES = {"float32": "sgemm", "float64": "dgemm"}


def module_text(kernel: Kernel) -> str:
    """Return a kernel as LLVM's text: ``i64 chainrule_kernel(ptr to pointers)``."""
    module = Module()
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
    return module.text() + entry


class Module:
    """The functions of a kernel; each is written once."""

    def __init__(self) -> None:
        self.declared: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.nests: dict[str, str] = {}  # by what they do: their names
        self.uses: Counter[str] = Counter()

    def text(self) -> str:
        """Return all that was written."""
        nests = (
            body.replace("@NEST(", f"@{name}(", 1).replace("#NEST", self._how(name, body))
            for body, name in self.nests.items()
        )
        parts = [*self.declared.values(), *self.functions.values(), *nests]
        return "\n".join([*parts, ROLLED])

    def _how(self, name: str, body: str) -> str:
        again = self.uses[name] > 1 and body.count("\n") > LONG
        return "noinline nounwind" if again else "alwaysinline nounwind"

    def add(self, function: Function, slots: dict[Buffer, Buffer] | None = None) -> str:
        """Write the function of a kernel, and return its name."""
        writer = Writer(self, FAST, slots or {})
        head = writer.header(function.name, function.arguments, WHOLE)
        writer.block(function.body, outlined=True)
        assert function.result is not None
        writer.line(f"ret i64 {writer.value(function.result)}")
        self.functions[function.name] = f"{head} noinline nounwind {{\n{writer.text()}}}\n"
        return function.name

    def call(self, name: str, dtype: np.dtype[Any]) -> Function:
        """See that a function that kernels call is written, and return it."""
        found = function_of(name, dtype)
        if found is None:
            raise CompileError(f"{name} of {dtype.name} numbers runs in NumPy alone")
        if found.name not in self.functions:
            self.functions[found.name] = ""  # those that it calls come after
            writer = Writer(self, "contract ", {})
            kind = found.result.dtype if found.result is not None else None
            head = writer.header(found.name, found.arguments, kind)
            writer.block(found.body)
            if found.result is None:
                writer.line("ret void")
            else:
                writer.line(f"ret {TYPES[kind.name]} {writer.value(found.result)}")  # type: ignore[union-attr]
            text = f"{head} alwaysinline nounwind {{\n{writer.text()}}}\n"
            self.functions[found.name] = text
        return found

    def declare(self, result: str, name: str, arguments: str) -> None:
        """Declare what is not part of the kernel."""
        self.declared.setdefault(name, f"declare {result} @{name}({arguments})")


class Writer:
    """Writes one function.

    Parameters
    ----------
    module : Module
    flags : str
        What LLVM may do with floating-point arithmetic.
    slots : dict of Buffer to Buffer
        Buffers that have the memory of another.
    """

    def __init__(self, module: Module, flags: str, slots: dict[Buffer, Buffer]) -> None:
        self.module, self.flags, self.slots = module, flags, slots
        self.entry: list[str] = []
        self.lines: list[str] = []
        self.pointers: dict[Buffer, str] = {}
        self.places: dict[Local, str] = {}
        self.count = 0
        self.exits: list[str] = []

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
                kind = TYPES[argument.dtype.name]
                given.append(f"{kind} %a{i}")
                self.line(f"store {kind} %a{i}, ptr {self.place(argument)}")
        returned = "void" if result is None else TYPES[result.name]
        return f"define internal {returned} @{name}({', '.join(given)})"

    def line(self, text: str) -> None:
        """Write a line."""
        self.lines.append(text)

    def new(self, text: str) -> str:
        """Write an instruction and return the name of its result."""
        self.count += 1
        self.lines.append(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def label(self) -> str:
        """Return the name of a new block."""
        self.count += 1
        return f"b{self.count}"

    def place(self, local: Local) -> str:
        """Return where a local variable is kept; LLVM puts it into a register."""
        if local not in self.places:
            self.places[local] = f"%l{len(self.places)}"
            self.entry.append(f"{self.places[local]} = alloca {TYPES[local.dtype.name]}")
        return self.places[local]

    def pointer(self, buffer: Buffer) -> str:
        """Return the address of a buffer."""
        root = buffer.root
        return self.pointers[self.slots.get(root, root)]

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
        self.line(f"store {TYPES[local.dtype.name]} {value}, ptr {self.place(local)}")

    def _store(self, item: Store, outlined: bool) -> None:
        value = self.value(item.value)
        self._put(item.place, value)

    def _put(self, place: Load, value: str) -> None:
        address = self.address(place)
        if place.dtype == BOOL:
            value = self.new(f"zext i1 {value} to i8")
        self.line(f"store {_held(place.dtype)} {value}, ptr {address}")

    def _accumulate(self, item: Accumulate, outlined: bool) -> None:
        value = Call(item.name, (item.target, item.value), item.target.dtype)
        if isinstance(item.target, Local):
            self._set(item.target, self.value(value))
        else:
            self._put(item.target, self.value(value))

    def _run(self, item: Run, outlined: bool) -> None:
        self.value(item.call)

    def _declare(self, item: Declare, outlined: bool) -> None:
        pass

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
        self.line(f"br label %{head}{_hint(item)}")
        self.line(f"{after}:")

    def _product(self, item: Product, outlined: bool) -> None:
        """Write a call of C's ``gemm``, for a part of the rows or columns where they are shared."""
        kind, routine = TYPES[item.c.dtype.name], f"chainrule_{ROUTINES[item.c.dtype.name]}"
        ta, tb = item.turns
        rows, columns, first, second, third = item.m, item.n, whole(0), whole(0), whole(0)
        if item.shared:
            whole_side = item.m if item.shared == "rows" else item.n
            start, stop = (
                Call("share", (whole_side, part, PARTS), WHOLE) for part in (PART, PART + 1)
            )
            if item.shared == "rows":
                rows, first = stop - start, start if ta else start * item.k
                third = start * item.n
            else:
                columns, second, third = stop - start, start * item.k if tb else start, start
        places = [
            self._offset(buffer, offset)
            for buffer, offset in ((item.a, first), (item.b, second), (item.c, third))
        ]
        lead = [item.m if ta else item.k, item.k if tb else item.n, item.n]
        sizes = [f"i64 {self.value(number)}" for number in (rows, columns, item.k, *lead)]
        a, b, c = (f"ptr {place}, {step}" for place, step in zip(places, sizes[3:], strict=True))
        self.module.declare(
            "void", routine, f"i32, i32, i32, i64, i64, i64, {kind}, ptr, i64, ptr, i64, "
            f"{kind}, ptr, i64",
        )  # fmt: skip
        self.line(
            f"call void @{routine}(i32 101, i32 {111 + ta}, i32 {111 + tb}, "
            f"{', '.join(sizes[:3])}, {kind} 1.0, {a}, {b}, {kind} 0.0, {c})"
        )

    def _offset(self, buffer: Buffer, offset: Expr) -> str:
        return self._entry_at(buffer, self.value(offset))

    # Expressions

    def value(self, expr: Any) -> str:
        """Write an expression and return what its value is called."""
        found: str = getattr(self, f"_{type(expr).__name__.lower()}_value")(expr)
        return found

    def _const_value(self, expr: Const) -> str:
        kind = expr.dtype
        if kind.kind == "f":
            number = float(kind.type(expr.value))
            return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        if kind.kind == "b":
            return "true" if expr.value else "false"
        return str(int(expr.value))

    def _local_value(self, expr: Local) -> str:
        return self.new(f"load {TYPES[expr.dtype.name]}, ptr {self.place(expr)}")

    def _load_value(self, expr: Load) -> str:
        value = self.new(f"load {_held(expr.dtype)}, ptr {self.address(expr)}")
        return self.new(f"icmp ne i8 {value}, 0") if expr.dtype == BOOL else value

    def address(self, place: Load) -> str:
        """Return the address of an entry."""
        offset: str | None = None
        sizes = place.buffer.memory_shape or (1,)
        for part, size in zip(place.index, sizes, strict=False):
            value = self.value(part)
            if offset is None:
                offset = value
            else:
                step = self.new(f"mul nsw i64 {offset}, {self.value(whole(size))}")
                offset = step if value == "0" else self.new(f"add nsw i64 {step}, {value}")
        return self._entry_at(place.buffer, offset or "0")

    def _entry_at(self, buffer: Buffer, offset: str) -> str:
        pointer = self.pointer(buffer)
        if offset == "0":
            return pointer
        kind = _held(buffer.dtype)
        return self.new(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {offset}")

    def _affine_value(self, expr: Affine) -> str:
        total = str(expr.const) if expr.const else ""
        for part, factor in expr.terms:
            value = self.value(part)
            if factor != 1:
                value = self.new(f"mul nsw i64 {value}, {factor}")
            total = self.new(f"add nsw i64 {total}, {value}") if total else value
        return total

    def _cast_value(self, expr: Cast) -> str:
        return self.cast(self.value(expr.value), expr.value.dtype, expr.dtype)

    def cast(self, value: str, has: np.dtype[Any], wants: np.dtype[Any]) -> str:
        """Return a value as one of another dtype."""
        one, other = TYPES[has.name], TYPES[wants.name]
        if wants.kind == "b":
            if has.kind == "f":
                return self.new(f"fcmp une {one} {value}, 0.0")
            return value if has.kind == "b" else self.new(f"icmp ne {one} {value}, 0")
        if one == other:
            return value
        if has.kind == "f" and wants.kind == "f":
            name = "fpext" if wants.itemsize > has.itemsize else "fptrunc"
        elif has.kind == "f":
            name = "fptoui" if wants.kind == "u" else "fptosi"
        elif wants.kind == "f":
            name = "sitofp" if has.kind == "i" else "uitofp"
        elif has.kind != "b" and wants.itemsize < has.itemsize:
            name = "trunc"
        else:
            name = "sext" if has.kind == "i" else "zext"
        return self.new(f"{name} {one} {value} to {other}")

    def _select_value(self, expr: Select) -> str:
        kind = TYPES[expr.dtype.name]
        test = self.value(expr.test)
        known = {(a.what, a.index) for a in reads(expr.test)}
        if _is_cheap(expr.one, known) and _is_cheap(expr.other, known):
            one, other = self.value(expr.one), self.value(expr.other)
            return self.new(f"select i1 {test}, {kind} {one}, {kind} {other}")
        kept = self.place(Local("chosen", expr.dtype))
        labels = [self.label() for _ in range(3)]
        self.line(f"br i1 {test}, label %{labels[0]}, label %{labels[1]}")
        for label, part in zip(labels, (expr.one, expr.other), strict=False):
            self.line(f"{label}:")
            self.line(f"store {kind} {self.value(part)}, ptr {kept}")
            self.line(f"br label %{labels[2]}")
        self.line(f"{labels[2]}:")
        return self.new(f"load {kind}, ptr {kept}")

    def _call_value(self, expr: Call) -> str:
        name, special = expr.name, getattr(self, f"_op_{expr.name}", None)
        if special is not None:
            found: str = special(expr)
            return found
        kind = _operand(expr)
        side = {"f": 0, "i": 1}.get(kind.kind, 2)
        if name in ARITHMETIC:
            row = LOGIC.get(name, "") if kind.kind == "b" else ARITHMETIC[name][side]
            return self._arithmetic(expr, kind, row)
        if name in COMPARISONS:
            a, b = map(self.value, expr.args)
            compare = "fcmp" if kind.kind == "f" else "icmp"
            return self.new(f"{compare} {COMPARISONS[name][side]} {TYPES[kind.name]} {a}, {b}")
        if name in ROUNDING and kind.kind != "f":
            return self.value(expr.args[0])
        if function_of(name, kind) is not None:
            return self._function(expr, kind)
        if kind.kind == "f" and name in INTRINSICS:
            return self._outside(f"llvm.{INTRINSICS[name]}.f{8 * kind.itemsize}", expr, kind)
        if kind.kind == "f" and name in LIBRARY:
            return self._outside(LIBRARY[name] + "f" * (kind.itemsize == 4), expr, kind)
        raise CompileError(f"{name} of {kind.name} numbers runs in NumPy alone")

    def _arithmetic(self, expr: Call, kind: np.dtype[Any], instruction: str) -> str:
        if not instruction:
            raise CompileError(f"{expr.name} of {kind.name} numbers runs in NumPy alone")
        if expr.name == "div" and kind.kind != "f":
            raise CompileError(f"{kind.name} numbers are not divided; NumPy makes them floats")
        a, b = map(self.value, expr.args)
        flags = self.flags if kind.kind == "f" else ""
        return self.new(f"{instruction} {flags}{TYPES[kind.name]} {a}, {b}")

    def _function(self, expr: Call, kind: np.dtype[Any]) -> str:
        function = self.module.call(expr.name, kind)
        given = []
        for argument in expr.args:
            if isinstance(argument, Buffer):
                given.append(f"ptr {self.pointer(argument)}")
            else:
                given.append(f"{TYPES[argument.dtype.name]} {self.value(argument)}")
        if function.result is None:
            self.line(f"call void @{function.name}({', '.join(given)})")
            return ""
        result = function.result.dtype
        flags = self.flags if result.kind == "f" else ""
        returned = TYPES[result.name]
        return self.new(f"call {flags}{returned} @{function.name}({', '.join(given)})")

    def _outside(self, name: str, expr: Call, kind: np.dtype[Any]) -> str:
        one = TYPES[kind.name]
        given = ", ".join(f"{one} {self.value(argument)}" for argument in expr.args)
        self.module.declare(one, name, ", ".join([one] * len(expr.args)))
        return self.new(f"call {self.flags}{one} @{name}({given})")

    def _op_neg(self, expr: Call) -> str:
        kind, value = TYPES[expr.dtype.name], self.value(expr.args[0])
        if expr.dtype.kind == "f":
            return self.new(f"fneg {self.flags}{kind} {value}")
        return self.new(f"sub {kind} 0, {value}")

    def _op_not(self, expr: Call) -> str:
        return self.new(f"xor i1 {self.value(expr.args[0])}, true")

    def _op_invert(self, expr: Call) -> str:
        return self.new(f"xor {TYPES[expr.dtype.name]} {self.value(expr.args[0])}, -1")

    def _op_logical_xor(self, expr: Call) -> str:
        a, b = (self.cast(self.value(x), x.dtype, BOOL) for x in expr.args)
        return self.cast(self.new(f"xor i1 {a}, {b}"), BOOL, expr.dtype)

    def _op_view(self, expr: Call) -> str:
        one, other = (TYPES[x.name] for x in (expr.args[0].dtype, expr.dtype))
        return self.new(f"bitcast {one} {self.value(expr.args[0])} to {other}")

    def _op_min(self, expr: Call) -> str:
        a, b = map(self.value, expr.args)
        less = self.new(f"icmp slt i64 {a}, {b}")
        return self.new(f"select i1 {less}, i64 {a}, i64 {b}")

    def _op_natural(self, expr: Call) -> str:
        """Tell LLVM that a number is not negative."""
        holds = self.new(f"icmp sge i64 {self.value(expr.args[0])}, 0")
        self.module.declare("void", "llvm.assume", "i1")
        self.line(f"call void @llvm.assume(i1 {holds})")
        return ""

    def _op_arrive(self, expr: Call) -> str:
        """Add one to the first entry, and return what it was before."""
        return self.new(f"atomicrmw add ptr {self.pointer(expr.args[0])}, i64 1 acq_rel")

    def _op_look(self, expr: Call) -> str:
        """Return the first entry as other threads have left it."""
        pointer = self.pointer(expr.args[0])
        return self.new(f"load atomic i64, ptr {pointer} acquire, align 8")

    def _op_give_way(self, expr: Call) -> str:
        self.module.declare("i32", "chainrule_yield", "")
        self.new("call i32 @chainrule_yield()")
        return ""

    def _op_control(self, expr: Call) -> str:
        """Return the register that controls floating-point arithmetic."""
        if machine().is_x86:
            place = self.place(Local("control", np.dtype(np.int32)))
            self.module.declare("void", "llvm.x86.sse.stmxcsr", "ptr")
            self.line(f"call void @llvm.x86.sse.stmxcsr(ptr {place})")
            return self.new(f"zext i32 {self.new(f'load i32, ptr {place}')} to i64")
        if machine().is_arm:
            return self.new('call i64 asm sideeffect "mrs $0, fpcr", "=r"()')
        return "0"

    def _op_set_control(self, expr: Call) -> str:
        value = self.value(expr.args[0])
        if machine().is_x86:
            place = self.place(Local("control", np.dtype(np.int32)))
            self.line(f"store i32 {self.new(f'trunc i64 {value} to i32')}, ptr {place}")
            self.module.declare("void", "llvm.x86.sse.ldmxcsr", "ptr")
            self.line(f"call void @llvm.x86.sse.ldmxcsr(ptr {place})")
        elif machine().is_arm:
            self.line(f'call void asm sideeffect "msr fpcr, $0", "r"(i64 {value})')
        return ""

    def _op_flushing(self, expr: Call) -> str:
        """Set the bits that let tiny results be 0: momenta that die away would be slow."""
        bits = 0x8040 if machine().is_x86 else 1 << 24
        return self.new(f"or i64 {self.value(expr.args[0])}, {bits}")


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
                kind = TYPES[what.dtype.name]
                parameters.append(f"{kind} {name}")
                given.append(f"{kind} {outside.value(what)}")
        return f"define internal void @NEST({', '.join(parameters)})", ", ".join(given)


def _hint(loop: Loop) -> str:
    """Tell LLVM to make vector code of a loop instead of writing its turns one after another."""
    return "" if loop.innermost else ", !llvm.loop !0"


def _leaves_locals(loop: Loop, outside: dict[Local, str]) -> bool:
    return any(a.index is None and a.writes and a.what in outside for a in loop.accesses)


def _operand(expr: Call) -> np.dtype[Any]:
    kinds = [argument.dtype for argument in expr.args if isinstance(argument, Expr)]
    return kinds[0] if kinds else WHOLE


def _held(dtype: np.dtype[Any]) -> str:
    """Return the type of an entry in memory."""
    return "i8" if dtype == BOOL else TYPES[dtype.name]


def _is_cheap(expr: Any, known: set[Any]) -> bool:
    """Whether an expression may be computed where it is not wanted."""
    if isinstance(expr, Load):
        return (expr.buffer.root, expr.index) in known
    if isinstance(expr, Call) and expr.name not in CHEAP:
        return False
    if isinstance(expr, Select):
        return all(_is_cheap(part, known) for part in (expr.test, expr.one, expr.other))
    if isinstance(expr, Cast):
        return _is_cheap(expr.value, known)
    return all(_is_cheap(part, known) for part in getattr(expr, "args", ()))
