"""Expressions are written in LLVM's language, by a table of instructions and by methods."""

from __future__ import annotations

import struct
from typing import Any, Protocol

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.functions import function_of
from chainrule._src.compile.lower.nodes import (
    BOOL,
    WHOLE,
    Affine,
    Buffer,
    Call,
    Cast,
    Const,
    Expr,
    Load,
    Local,
    Select,
    reads,
    whole,
)
from chainrule._src.compile.lower.reading import Function
from chainrule._src.compile.native.target import Target

TYPES: dict[Any, str] = {
    np.dtype(np.float32): "float", np.dtype(np.float64): "double", BOOL: "i1",
    **{np.dtype(f"{sign}{size}"): f"i{8 * size}" for sign in "iu" for size in (1, 2, 4, 8)},
}  # fmt: skip

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
    "cbrt": "cbrt", "tan": "tan", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "hypot": "hypot",
}  # fmt: skip
CHEAP = {*ARITHMETIC, *COMPARISONS, "neg", "not", "abs", "sqrt"} - {"div", "cdiv", "crem"}


class FunctionModule(Protocol):
    """The interface of a module, which writes or declares the functions that expressions call.

    Attributes
    ----------
    target : Target
    """

    target: Target

    def call(self, name: str, dtype: np.dtype[Any]) -> Function:
        """Return a function that kernels call, and write its text if it is not written yet."""

    def declare(self, result: str, name: str, arguments: str) -> None:
        """Declare a function that is not part of the kernel."""


class Values:
    """Writes expressions of one function.

    Parameters
    ----------
    module : FunctionModule
        The module, which writes or declares the functions that are called.
    flags : str
        LLVM's fast-math flags.
    slots : dict of Buffer to Buffer
        For each buffer that shares memory, the buffer that owns the memory.
    """

    def __init__(self, module: FunctionModule, flags: str, slots: dict[Buffer, Buffer]) -> None:
        self.module, self.flags, self.slots = module, flags, slots
        self.entry: list[str] = []
        self.lines: list[str] = []
        self.pointers: dict[Buffer, str] = {}
        self.places: dict[Local, str] = {}
        self.count = 0
        self.exits: list[str] = []

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
        """Return the address of a local variable on the stack; LLVM moves it into a register."""
        if local not in self.places:
            self.places[local] = f"%l{len(self.places)}"
            self.entry.append(f"{self.places[local]} = alloca {TYPES[local.dtype]}")
        return self.places[local]

    def pointer(self, buffer: Buffer) -> str:
        """Return the address of a buffer."""
        root = buffer.root
        return self.pointers[self.slots.get(root, root)]

    # Expressions

    def value(self, expr: Any) -> str:
        """Write an expression and return the name of its value."""
        name: str = getattr(self, f"_{type(expr).__name__.lower()}_value")(expr)
        return name

    def number(self, value: int) -> str:
        """Return an integer literal."""
        return str(value)

    def _const_value(self, expr: Const) -> str:
        kind = expr.dtype
        if kind.kind == "f":
            number = float(kind.type(expr.value))
            return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        if kind.kind == "b":
            return "true" if expr.value else "false"
        return self.number(int(expr.value)) if kind == WHOLE else str(int(expr.value))

    def _local_value(self, expr: Local) -> str:
        return self.new(f"load {TYPES[expr.dtype]}, ptr {self.place(expr)}")

    def _load_value(self, expr: Load) -> str:
        value = self.new(f"load {memory_type(expr.dtype)}, ptr {self.address(expr)}")
        return self.new(f"icmp ne i8 {value}, 0") if expr.dtype == BOOL else value

    def address(self, entry: Load) -> str:
        """Return the address of an entry."""
        offset = "0"
        sizes = entry.buffer.memory_shape or (1,)
        for part, size in zip(entry.index, sizes, strict=False):
            value = self.value(part)
            if offset != "0":
                step = self.new(f"mul nsw i64 {offset}, {self.value(whole(size))}")
                value = step if value == "0" else self.new(f"add nsw i64 {step}, {value}")
            offset = value
        return self.entry_at(entry.buffer, offset)

    def entry_at(self, buffer: Buffer, offset: str) -> str:
        """Return the address of the entry at ``offset`` in memory."""
        pointer = self.pointer(buffer)
        if offset == "0":
            return pointer
        kind = memory_type(buffer.dtype)
        return self.new(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {offset}")

    def _affine_value(self, expr: Affine) -> str:
        total = self.number(expr.const) if expr.const else ""
        for part, factor in expr.terms:
            value = self.value(part)
            if factor != 1:
                value = self.new(f"mul nsw i64 {value}, {self.number(factor)}")
            total = self.new(f"add nsw i64 {total}, {value}") if total else value
        return total

    def _cast_value(self, expr: Cast) -> str:
        return self.cast(self.value(expr.value), expr.value.dtype, expr.dtype)

    def cast(self, value: str, has: np.dtype[Any], wants: np.dtype[Any]) -> str:
        """Convert a value to another dtype, and return the name of the result."""
        one, other = TYPES[has], TYPES[wants]
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
        kind = TYPES[expr.dtype]
        extreme = _extreme(expr)
        if extreme is not None:
            return self._outside(
                f"llvm.{extreme.name}.f{8 * expr.dtype.itemsize}", extreme, expr.dtype
            )
        test = self.value(expr.test)
        already_read = {(a.what, a.index) for a in reads(expr.test)}
        if _is_cheap(expr.one, already_read) and _is_cheap(expr.other, already_read):
            one, other = self.value(expr.one), self.value(expr.other)
            return self.new(f"select i1 {test}, {kind} {one}, {kind} {other}")
        address = self.place(Local("chosen", expr.dtype))
        labels = [self.label() for _ in range(3)]
        self.line(f"br i1 {test}, label %{labels[0]}, label %{labels[1]}")
        for label, part in zip(labels, (expr.one, expr.other), strict=False):
            self.line(f"{label}:")
            self.line(f"store {kind} {self.value(part)}, ptr {address}")
            self.line(f"br label %{labels[2]}")
        self.line(f"{labels[2]}:")
        return self.new(f"load {kind}, ptr {address}")

    def _call_value(self, expr: Call) -> str:
        name, special = expr.name, getattr(self, f"_op_{expr.name}", None)
        if special is not None:
            result: str = special(expr)
            return result
        kind = _operand(expr)
        side = {"f": 0, "i": 1}.get(kind.kind, 2)
        if name in ARITHMETIC:
            row = LOGIC.get(name, "") if kind.kind == "b" else ARITHMETIC[name][side]
            return self._arithmetic(expr, kind, row)
        if name in COMPARISONS:
            a, b = map(self.value, expr.args)
            compare = "fcmp" if kind.kind == "f" else "icmp"
            return self.new(f"{compare} {COMPARISONS[name][side]} {TYPES[kind]} {a}, {b}")
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
        return self.new(f"{instruction} {flags}{TYPES[kind]} {a}, {b}")

    def _function(self, expr: Call, kind: np.dtype[Any]) -> str:
        function = self.module.call(expr.name, kind)
        arguments = []
        for argument in expr.args:
            if isinstance(argument, Buffer):
                arguments.append(f"ptr {self.pointer(argument)}")
            else:
                arguments.append(f"{TYPES[argument.dtype]} {self.value(argument)}")
        if function.result is None:
            self.line(f"call void @{function.name}({', '.join(arguments)})")
            return ""
        result = function.result.dtype
        flags = self.flags if result.kind == "f" else ""
        returned = TYPES[result]
        return self.new(f"call {flags}{returned} @{function.name}({', '.join(arguments)})")

    def _outside(self, name: str, expr: Call, kind: np.dtype[Any]) -> str:
        one = TYPES[kind]
        arguments = ", ".join(f"{one} {self.value(argument)}" for argument in expr.args)
        self.module.declare(one, name, ", ".join([one] * len(expr.args)))
        return self.new(f"call {self.flags}{one} @{name}({arguments})")

    def _op_neg(self, expr: Call) -> str:
        kind, value = TYPES[expr.dtype], self.value(expr.args[0])
        if expr.dtype.kind == "f":
            return self.new(f"fneg {self.flags}{kind} {value}")
        return self.new(f"sub {kind} 0, {value}")

    def _op_not(self, expr: Call) -> str:
        return self.new(f"xor i1 {self.value(expr.args[0])}, true")

    def _op_invert(self, expr: Call) -> str:
        return self.new(f"xor {TYPES[expr.dtype]} {self.value(expr.args[0])}, -1")

    def _op_logical_xor(self, expr: Call) -> str:
        a, b = (self.cast(self.value(x), x.dtype, BOOL) for x in expr.args)
        return self.cast(self.new(f"xor i1 {a}, {b}"), BOOL, expr.dtype)

    def _op_view(self, expr: Call) -> str:
        one, other = (TYPES[x] for x in (expr.args[0].dtype, expr.dtype))
        return self.new(f"bitcast {one} {self.value(expr.args[0])} to {other}")

    def _op_min(self, expr: Call) -> str:
        a, b = map(self.value, expr.args)
        less = self.new(f"icmp slt i64 {a}, {b}")
        return self.new(f"select i1 {less}, i64 {a}, i64 {b}")

    def _op_share(self, expr: Call) -> str:
        """Return the first iteration of a part, by a shift if there are 2, 4, … parts."""
        extent, part, parts = expr.args
        turns = self.new(f"mul nsw i64 {self.value(extent)}, {self.value(part)}")
        if isinstance(parts, Const) and int(parts.value).bit_count() == 1:
            return self.new(f"lshr i64 {turns}, {int(parts.value).bit_length() - 1}")
        return self.new(f"udiv i64 {turns}, {self.value(parts)}")

    def _op_natural(self, expr: Call) -> str:
        """Write an assumption for LLVM: a number is not negative."""
        holds = self.new(f"icmp sge i64 {self.value(expr.args[0])}, 0")
        self.module.declare("void", "llvm.assume", "i1")
        self.line(f"call void @llvm.assume(i1 {holds})")
        return ""

    def _op_arrive(self, expr: Call) -> str:
        """Add one to the first entry atomically, and return the value before."""
        return self.new(f"atomicrmw add ptr {self.pointer(expr.args[0])}, i64 1 acq_rel")

    def _op_look(self, expr: Call) -> str:
        """Load the first entry atomically, so that writes of other threads are visible."""
        pointer = self.pointer(expr.args[0])
        return self.new(f"load atomic i64, ptr {pointer} acquire, align 8")

    def _op_give_way(self, expr: Call) -> str:
        self.module.declare("i32", "chainrule_yield", "")
        self.new("call i32 @chainrule_yield()")
        return ""

    def _op_control(self, expr: Call) -> str:
        """Return the register that controls floating-point arithmetic."""
        if self.module.target.is_x86:
            address = self.place(Local("control", np.dtype(np.int32)))
            self.module.declare("void", "llvm.x86.sse.stmxcsr", "ptr")
            self.line(f"call void @llvm.x86.sse.stmxcsr(ptr {address})")
            return self.new(f"zext i32 {self.new(f'load i32, ptr {address}')} to i64")
        if self.module.target.is_arm:
            self.module.declare("i64", "llvm.aarch64.get.fpcr", "")
            return self.new("call i64 @llvm.aarch64.get.fpcr()")
        return "0"

    def _op_set_control(self, expr: Call) -> str:
        value = self.value(expr.args[0])
        if self.module.target.is_x86:
            address = self.place(Local("control", np.dtype(np.int32)))
            self.line(f"store i32 {self.new(f'trunc i64 {value} to i32')}, ptr {address}")
            self.module.declare("void", "llvm.x86.sse.ldmxcsr", "ptr")
            self.line(f"call void @llvm.x86.sse.ldmxcsr(ptr {address})")
        elif self.module.target.is_arm:
            self.module.declare("void", "llvm.aarch64.set.fpcr", "i64")
            self.line(f"call void @llvm.aarch64.set.fpcr(i64 {value})")
        return ""

    def _op_flushing(self, expr: Call) -> str:
        """Set the flush-to-zero bits, because arithmetic on subnormal momenta would be slow."""
        bits = 0x8040 if self.module.target.is_x86 else 1 << 24
        return self.new(f"or i64 {self.value(expr.args[0])}, {bits}")


def _operand(expr: Call) -> np.dtype[Any]:
    kinds = [argument.dtype for argument in expr.args if isinstance(argument, Expr)]
    return kinds[0] if kinds else WHOLE


def memory_type(dtype: np.dtype[Any]) -> str:
    """Return the type of an entry in memory."""
    return "i8" if dtype == BOOL else TYPES[dtype]


def _extreme(expr: Select) -> Call | None:
    """Return a selection as a maximum or minimum that propagates NaN; None if it is neither."""
    a, b, test = expr.other, expr.one, expr.test
    if expr.dtype.kind != "f" or not isinstance(test, Call) or test.name != "or":
        return None
    for compare, name in (("lt", "maximum"), ("gt", "minimum")):
        if test.args == (Call(compare, (a, b), BOOL), Call("ne", (b, b), BOOL)):
            return Call(name, (a, b), expr.dtype)
    return None


def _is_cheap(expr: Any, already_read: set[Any]) -> bool:
    """Return true if an expression is cheap and safe to compute even if it is not selected."""
    if isinstance(expr, Load):
        return (expr.buffer.root, expr.index) in already_read
    if isinstance(expr, Call) and expr.name not in CHEAP:
        return False
    if isinstance(expr, Select):
        return all(_is_cheap(part, already_read) for part in (expr.test, expr.one, expr.other))
    if isinstance(expr, Cast):
        return _is_cheap(expr.value, already_read)
    return all(_is_cheap(part, already_read) for part in getattr(expr, "args", ()))
