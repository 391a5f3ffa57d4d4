"""Expressions are written in LLVM's language, by a table of instructions and by methods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
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
from chainrule._src.compile.lower.routines import ROUTINES
from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.native.writer import (
    INT32,
    INT64,
    TYPES,
    Value,
    Writer,
    memory_type,
)

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
    "abs": "fabs", "far_sin": "sin", "far_cos": "cos", "copysign": "copysign",
}  # fmt: skip
ROUNDING = {"floor", "ceil", "rint", "trunc"}
CHEAP = {*ARITHMETIC, *COMPARISONS, "neg", "not", "abs", "sqrt"} - {"div", "cdiv", "crem"}


class FunctionModule(Protocol):
    """The interface of the module that functions are written for.

    Attributes
    ----------
    target : Machine
    declared : dict of str to str
        Declarations of functions that are not part of the kernel, by name.
    functions : dict of str to str
        The functions of the kernel by name, each with its variants for vectors.
    sums : str
        LLVM's fast-math flags for sums.
    inline : bool
        If true, loop nests are inlined into their caller.
    """

    target: Machine
    declared: dict[str, str]
    functions: dict[str, str]
    sums: str
    inline: bool

    def called(self, name: str, dtype: np.dtype[Any]) -> Function:
        """Return a function that kernels call, and write its text if it is not written yet."""

    def shortened(self, loop: str) -> str | None:
        """Return the text of a loop that calls its waves, or None if it has few waves."""

    def nest(self, body: str, arguments: Sequence[Value]) -> str:
        """Add a loop nest to the module, and return the text of its call."""


class Values(Writer):
    """Writes expressions of one function.

    Parameters
    ----------
    module : FunctionModule
        The module, which writes or declares the functions that are called.
    flags : str
        LLVM's fast-math flags.
    slots : dict of Buffer to Buffer
        For each buffer that shares memory, the buffer that owns the memory.

    Attributes
    ----------
    of_lanes : str
        The part of the names of LLVM's functions that counts the lanes of vectors.
    """

    of_lanes = ""

    def __init__(self, module: FunctionModule, flags: str, slots: dict[Buffer, Buffer]) -> None:
        super().__init__(module.declared)
        self.module, self.flags, self.slots = module, flags, slots
        self.pointers: dict[Buffer, Value] = {}
        self.places: dict[Local, Value] = {}
        self.exits: list[str] = []

    def type_of(self, dtype: np.dtype[Any]) -> str:
        """Return the type of values of a dtype."""
        return TYPES[dtype]

    def place(self, local: Local) -> Value:
        """Return the address of a local variable on the stack; LLVM moves it into a register."""
        if local not in self.places:
            self.places[local] = self.stack(self.type_of(local.dtype))
        return self.places[local]

    def pointer(self, buffer: Buffer) -> Value:
        """Return the address of a buffer."""
        root = buffer.root
        return self.pointers[self.slots.get(root, root)]

    # Expressions

    def value(self, expr: Any) -> Value:
        """Write an expression and return its value."""
        value: Value = getattr(self, f"_{type(expr).__name__.lower()}_value")(expr)
        return value

    def number(self, value: int) -> Value:
        """Return an integer literal."""
        return self.literal(value)

    def _const_value(self, expr: Const) -> Value:
        is_whole = expr.dtype == WHOLE
        return self.number(int(expr.value)) if is_whole else self.constant(expr.value, expr.dtype)

    def _local_value(self, expr: Local) -> Value:
        return self.load(self.type_of(expr.dtype), self.place(expr))

    def _load_value(self, expr: Load) -> Value:
        value = self.load(memory_type(expr.dtype), self.address(expr))
        return self.compare("icmp ne", value, 0) if expr.dtype == BOOL else value

    def address(self, entry: Load) -> Value:
        """Return the address of an entry."""
        offset = self.literal(0)
        sizes = entry.buffer.memory_shape or (1,)
        for part, size in zip(entry.index, sizes, strict=False):
            value = self.value(part)
            if offset.text != "0":
                step = self.op("mul nsw", offset, self.value(whole(size)))
                value = step if value.text == "0" else self.op("add nsw", step, value)
            offset = value
        return self.entry_at(entry.buffer, offset)

    def entry_at(self, buffer: Buffer, offset: Value) -> Value:
        """Return the address of the entry at ``offset`` in memory."""
        pointer = self.pointer(buffer)
        if offset.text == "0":
            return pointer
        return self.element(memory_type(buffer.dtype), pointer, offset, " inbounds")

    def _affine_value(self, expr: Affine) -> Value:
        total = self.number(expr.const) if expr.const else None
        for part, factor in expr.terms:
            value = self.value(part)
            if factor != 1:
                value = self.op("mul nsw", value, self.number(factor))
            total = value if total is None else self.op("add nsw", total, value)
        return self.number(0) if total is None else total

    def _cast_value(self, expr: Cast) -> Value:
        return self.cast(self.value(expr.value), expr.value.dtype, expr.dtype)

    def cast(self, value: Value, has: np.dtype[Any], wants: np.dtype[Any]) -> Value:
        """Convert a value to another dtype, and return the result."""
        if wants.kind == "b":
            if has.kind == "f":
                return self.compare("fcmp une", value, "0.0")
            return value if has.kind == "b" else self.compare("icmp ne", value, 0)
        kind = self.type_of(wants)
        if self.type_of(has) == kind:
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
        return self.convert(name, value, kind)

    def _select_value(self, expr: Select) -> Value:
        extreme = _extreme(expr)
        if extreme is not None:
            return self._intrinsic(extreme.name, extreme)
        test = self.value(expr.test)
        already_read = {(a.what, a.index) for a in reads(expr.test)}
        if _is_cheap(expr.one, already_read) and _is_cheap(expr.other, already_read):
            return self.select(test, self.value(expr.one), self.value(expr.other))
        return self.branched(expr, test)

    def branched(self, expr: Select, test: Value) -> Value:
        """Write a selection of which only the selected part is computed."""
        address = self.place(Local("chosen", expr.dtype))

        def put(part: Expr) -> None:
            self.store(self.value(part), address)

        self.either(test, partial(put, expr.one), partial(put, expr.other))
        return self.load(self.type_of(expr.dtype), address)

    def _call_value(self, expr: Call) -> Value:
        name, special = expr.name, getattr(self, f"_op_{expr.name}", None)
        if special is not None:
            result: Value = special(expr)
            return result
        kind = _operand(expr)
        side = {"f": 0, "i": 1}.get(kind.kind, 2)
        if name in ARITHMETIC:
            row = LOGIC.get(name, "") if kind.kind == "b" else ARITHMETIC[name][side]
            return self._arithmetic(expr, kind, row)
        if name in COMPARISONS:
            compare = "fcmp" if kind.kind == "f" else "icmp"
            return self.compare(f"{compare} {COMPARISONS[name][side]}", *map(self.value, expr.args))
        if name in ROUNDING and kind.kind != "f":
            return self.value(expr.args[0])
        if function_of(name, kind) is not None:
            return self._function(expr, kind)
        if kind.kind == "f" and name in INTRINSICS:
            return self._intrinsic(INTRINSICS[name], expr)
        raise CompileError(f"{name} of {kind.name} numbers runs in NumPy alone")

    def _arithmetic(self, expr: Call, kind: np.dtype[Any], instruction: str) -> Value:
        if not instruction:
            raise CompileError(f"{expr.name} of {kind.name} numbers runs in NumPy alone")
        if expr.name == "div" and kind.kind != "f":
            raise CompileError(f"{kind.name} numbers are not divided; NumPy makes them floats")
        flags = self.flags if kind.kind == "f" else ""
        return self.op(instruction + flags, *map(self.value, expr.args))

    def _function(self, expr: Call, kind: np.dtype[Any]) -> Value:
        function = self.module.called(expr.name, kind)
        arguments = [
            self.pointer(argument) if isinstance(argument, Buffer) else self.value(argument)
            for argument in expr.args
        ]
        if function.result is None:
            return self.call(function.name, *arguments)
        result = function.result.dtype
        flags = self.flags if result.kind == "f" else ""
        return self.call(function.name, *arguments, kind=TYPES[result], flags=flags)

    def _intrinsic(self, name: str, expr: Call) -> Value:
        """Write a call of LLVM's function of floats, whose result has the type of the arguments."""
        arguments = [self.value(argument) for argument in expr.args]
        name = f"llvm.{name}.{self.of_lanes}f{8 * expr.args[0].dtype.itemsize}"
        return self.outside(name, *arguments, kind=arguments[0].kind, flags=self.flags)

    def _op_neg(self, expr: Call) -> Value:
        value = self.value(expr.args[0])
        if expr.dtype.kind == "f":
            return self.pure(value.kind, f"fneg{self.flags} {value.kind} {value}")
        return self.op("sub", self.literal(0, value.kind), value)

    def _op_not(self, expr: Call) -> Value:
        return ~self.value(expr.args[0])

    def _op_invert(self, expr: Call) -> Value:
        return self.op("xor", self.value(expr.args[0]), -1)

    def _op_logical_xor(self, expr: Call) -> Value:
        flags = [self.cast(self.value(x), x.dtype, BOOL) for x in expr.args]
        return self.cast(self.op("xor", *flags), BOOL, expr.dtype)

    def _op_view(self, expr: Call) -> Value:
        return self.convert("bitcast", self.value(expr.args[0]), self.type_of(expr.dtype))

    def _op_min(self, expr: Call) -> Value:
        a, b = map(self.value, expr.args)
        return self.select(a < b, a, b)

    def _op_share(self, expr: Call) -> Value:
        """Return the first iteration of a part, by a shift if there are 2, 4, … parts."""
        extent, part, parts = expr.args
        turns = self.op("mul nsw", self.value(extent), self.value(part))
        if isinstance(parts, Const) and int(parts.value).bit_count() == 1:
            return self.op("lshr", turns, int(parts.value).bit_length() - 1)
        return self.op("udiv", turns, self.value(parts))

    def _op_natural(self, expr: Call) -> Value:
        """Write an assumption for LLVM: a number is not negative."""
        return self.outside("llvm.assume", self.value(expr.args[0]) >= 0)

    def _op_arrive(self, expr: Call) -> Value:
        """Add one to the first entry atomically, and return the value before."""
        return self.new(INT64, f"atomicrmw add ptr {self.pointer(expr.args[0])}, i64 1 acq_rel")

    def _op_look(self, expr: Call) -> Value:
        """Load the first entry atomically, so that writes of other threads are visible."""
        pointer = self.pointer(expr.args[0])
        return self.new(INT64, f"load atomic i64, ptr {pointer} acquire, align 8")

    def _op_give_way(self, expr: Call) -> Value:
        if self.module.target.is_wasm:  # a single thread never waits
            return self.literal(0)
        return self.outside("chainrule_yield", kind=INT32)

    def _op_control(self, expr: Call) -> Value:
        """Return the register that controls floating-point arithmetic."""
        if self.module.target.is_x86:
            address = self.stack(INT32)
            self.outside("llvm.x86.sse.stmxcsr", address)
            return self.convert("zext", self.load(INT32, address), INT64)
        if self.module.target.is_arm:
            return self.outside("llvm.aarch64.get.fpcr", kind=INT64)
        return self.literal(0)

    def _op_set_control(self, expr: Call) -> Value:
        value = self.value(expr.args[0])
        if self.module.target.is_x86:
            address = self.stack(INT32)
            self.store(self.convert("trunc", value, INT32), address)
            return self.outside("llvm.x86.sse.ldmxcsr", address)
        if self.module.target.is_arm:
            return self.outside("llvm.aarch64.set.fpcr", value)
        return value

    def _op_flushing(self, expr: Call) -> Value:
        """Set the flush-to-zero bits, because arithmetic on subnormal momenta would be slow."""
        bits = 0x8040 if self.module.target.is_x86 else 1 << 24
        return self.op("or", self.value(expr.args[0]), bits)


def _operand(expr: Call) -> np.dtype[Any]:
    if expr.name in ROUTINES:
        return expr.dtype
    kinds = [argument.dtype for argument in expr.args if isinstance(argument, Expr)]
    return kinds[0] if kinds else WHOLE


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
