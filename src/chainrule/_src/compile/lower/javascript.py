"""Statements and expressions are written in JavaScript.

Every number in JavaScript is a double. Integers are exact up to 2⁵³. Results of float32 and of
integers of at most 32 bits are rounded after each operation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.nodes import (
    WHOLE,
    Affine,
    Buffer,
    Call,
    Cast,
    Const,
    Expr,
    Load,
    Local,
    N,
    Select,
    whole,
)
from chainrule._src.compile.lower.numbers import FIXED
from chainrule._src.compile.lower.routines import ROUTINES
from chainrule._src.compile.lower.statements import (
    Accumulate,
    Break,
    Declare,
    Effect,
    If,
    Let,
    Loop,
    Product,
    Store,
    While,
)
from chainrule._src.ops.moves import flat

# By operation: its precedence and its template.
OPERATORS = {
    "or": (1, "{} || {}"), "and": (2, "{} && {}"),
    "bitor": (3, "{} | {}"), "bitxor": (4, "{} ^ {}"), "bitand": (5, "{} & {}"),
    "eq": (6, "{} == {}"), "ne": (6, "{} != {}"),
    "lt": (7, "{} < {}"), "le": (7, "{} <= {}"), "gt": (7, "{} > {}"), "ge": (7, "{} >= {}"),
    "add": (9, "{} + {}"), "sub": (9, "{} - {}"),
    "mul": (10, "{} * {}"), "div": (10, "{} / {}"), "crem": (10, "{} % {}"),
    "neg": (11, "-{}"), "not": (11, "!{}"),
}  # fmt: skip
CONDITIONAL, SUM, TIMES, ATOM = 0, 9, 10, 12
WIDE = {  # of whole numbers of 64 bits
    "bitand": "Number(BigInt({}) & BigInt({}))", "bitor": "Number(BigInt({}) | BigInt({}))",
    "bitxor": "Number(BigInt({}) ^ BigInt({}))",
}  # fmt: skip
LOGIC = {"add": "bitor", "mul": "bitand"}  # of booleans
ROUNDED = {  # rounding to a dtype after each arithmetic operation
    "float32": "Math.fround({})", "int8": "({} << 24 >> 24)", "int16": "({} << 16 >> 16)",
    "int32": "({} | 0)", "uint8": "({} & 255)", "uint16": "({} & 65535)", "uint32": "({} >>> 0)",
}  # fmt: skip
MATH = {
    **{name: name for name in (
        "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan",
        "sinh", "cosh", "tanh", "hypot", "floor", "ceil", "trunc", "abs", "min",
    )},
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
HAND = {  # functions that JavaScript lacks, by name
    "rint": "(x) => { const y = Math.round(x); return y - x === 0.5 && y % 2 ? y - 1 : y; }",
    "copysign": "(x, y) => y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)",
    "pow": "(x, y) => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y",
    "exp2": "(x) => 2 ** x",
    "cdiv": "(x, y) => Math.trunc(x / y)",
    "gemm": """\
(ta, tb, m, n, k, a, a0, la, b, b0, lb, c, c0, lc) => {
  for (let i = 0; i < m; i++) {
    c.fill(0, c0 + i * lc, c0 + i * lc + n);
    for (let p = 0; p < k; p++) {
      const x = a[a0 + (ta ? p * la + i : i * la + p)];
      for (let j = 0; j < n; j++) c[c0 + i * lc + j] += x * b[b0 + (tb ? j * lb + p : p * lb + j)];
    }
  }
}""",
}
ARRAYS = {
    "float32": "Float32Array", "int8": "Int8Array", "int16": "Int16Array", "int32": "Int32Array",
    "uint8": "Uint8Array", "uint16": "Uint16Array", "uint32": "Uint32Array", "bool": "Uint8Array",
}  # fmt: skip
TAKEN = {
    "await", "arguments", "case", "catch", "const", "debugger", "default", "delete", "do", "enum",
    "eval", "export", "extends", "false", "function", "implements", "instanceof", "interface",
    "let", "new", "null", "package", "private", "protected", "public", "static", "super", "switch",
    "this", "throw", "true", "typeof", "undefined", "var", "void", "v", "out", "fault", "Math",
    "Number", "BigInt", "Infinity", "NaN", "RangeError", "Float64Array", *ARRAYS.values(),
}  # fmt: skip


class ScriptWriter:
    """Writes the statements and expressions of one function.

    Parameters
    ----------
    called : callable
        ``called(name, dtype)`` writes a function, unless it is written, and returns its name.
    constants : sequence of float
        The numbers that the kernel takes as arguments.
    """

    def __init__(
        self, called: Callable[[str, np.dtype[Any]], str], constants: Sequence[float] = ()
    ) -> None:
        self.called, self.constants = called, constants
        self.buffers: dict[Buffer, str] = {FIXED["fault"]: "fault"}

    def body(self, items: Iterable[Any], parameters: Iterable[str] = ()) -> Iterator[str]:
        """Yield the lines of a function's body, its variables first."""
        items = [i for i in items if not (isinstance(i, Declare) or _sets_size(i))]
        names = dict.fromkeys(
            valid_name(name) for name in _assigned(items) if name not in parameters
        )
        if names:
            yield f"let {', '.join(names)};"
        yield from self.lines(items)

    def lines(self, items: Iterable[Any]) -> Iterator[str]:
        """Yield the lines of statements."""
        for item in items:
            if isinstance(item, Loop | If | While):
                yield f"{self._head(item)} {{"
                yield from (f"  {line}" for line in self.lines(item.body))
                yield "}"
            elif isinstance(item, Break):
                yield "break;"
            elif not (isinstance(item, Effect) and getattr(item.call, "name", "") == "natural"):
                yield f"{self._statement(item)};"

    def _head(self, item: Loop | If | While) -> str:
        if not isinstance(item, Loop):
            return f"{'if' if isinstance(item, If) else 'while'} ({self.text(item.test)})"
        name = valid_name(item.var.name)
        start, stop, step = (self.text(bound) for bound in (item.start, item.stop, item.step))
        return f"for (let {name} = {start}; {name} < {stop}; {name} += {step})"

    def _statement(self, item: Any) -> str:
        if isinstance(item, Let):
            return f"{valid_name(item.local.name)} = {self.text(item.value)}"
        if isinstance(item, Store):
            return f"{self.text(item.place)} = {self.text(item.value)}"
        if isinstance(item, Product):
            return self._product(item)
        if isinstance(item, Effect):
            return self.text(item.call)
        assert isinstance(item, Accumulate)
        target, value, dtype = item.target, item.value, item.target.dtype
        if item.name == "add" and dtype.name in ("float64", "int64"):
            return f"{self.text(target)} += {self.text(value)}"
        return f"{self.text(target)} = {self.text(Call(item.name, (target, value), dtype))}"

    def _product(self, item: Product) -> str:
        name = self.called("gemm", item.c.dtype)
        sizes, begins = item.computed
        places = zip((item.a, item.b, item.c), begins, item.leads, strict=True)
        matrices = [
            f"{self.text(operand.buffer)}, {self.text(begin)}, {self.text(lead)}"
            for operand, begin, lead in places
        ]
        turns = [str(int(turn)) for turn in item.turns]
        return f"{name}({', '.join([*turns, *map(self.text, sizes), *matrices])})"

    # Expressions

    def text(self, expr: Any, binds: int = CONDITIONAL) -> str:
        """Write an expression, in brackets if its precedence is lower than ``binds``."""
        if isinstance(expr, Buffer):
            return self.buffers[expr.root]
        if isinstance(expr, Local):
            return "1" if expr is N else valid_name(expr.name)
        if isinstance(expr, Const):
            written, strength = number_text(expr.value, expr.dtype), ATOM
            strength = strength if written[0] != "-" else 11
        elif isinstance(expr, Load):
            written, strength = self._load(expr)
        else:
            written, strength = getattr(self, f"_{type(expr).__name__.lower()}")(expr)
        return f"({written})" if strength < binds else written

    def _load(self, expr: Load) -> tuple[str, int]:
        root = expr.buffer.root
        if root is FIXED["constants"]:
            (index,) = expr.index
            assert isinstance(index, Const)
            number = number_text(self.constants[index.value], root.dtype)
            return number, ATOM if number[0] != "-" else 11
        index = flat(expr.index, [whole(size) for size in root.memory_shape or (1,)])
        return f"{self.buffers[root]}[{self.text(whole(index))}]", ATOM

    def _affine(self, expr: Affine) -> tuple[str, int]:
        parts = sorted(expr.terms, key=lambda term: -term[1])
        written = ""
        for part, factor in parts:
            size = self.text(part, TIMES)
            size = size if abs(factor) == 1 else f"{size} * {abs(factor)}"
            sign = ("-" if factor < 0 else "") if not written else (" - " if factor < 0 else " + ")
            written += sign + size
        if expr.const:
            written += f"{' - ' if expr.const < 0 else ' + '}{abs(expr.const)}"
        return written, SUM

    def _select(self, expr: Select) -> tuple[str, int]:
        test, one, other = self.text(expr.test, 1), self.text(expr.one, 1), self.text(expr.other)
        return f"{test} ? {one} : {other}", CONDITIONAL

    def _cast(self, expr: Cast) -> tuple[str, int]:
        has, wants = expr.value.dtype, expr.dtype
        if wants.kind == "b":
            return f"{self.text(expr.value, 6)} != 0", 6
        if has.kind == "b":
            return f"+{self.text(expr.value, 11)}", 11
        if has.kind == "f" and wants.kind in "iu":
            written = f"Math.trunc({self.text(expr.value)})"
            return ROUNDED.get(wants.name, "{}").format(written), ATOM
        if wants.kind == "f" and has.kind in "iu" and isinstance(expr.value, Call | Load):
            written = f"{self.text(expr.value, SUM)} + 0"  # whole numbers have no -0
            return (f"Math.fround({written})", ATOM) if wants.itemsize < 8 else (written, SUM)
        narrower = wants.itemsize < has.itemsize or has.kind != wants.kind
        form = ROUNDED.get(wants.name, "{}") if narrower else "{}"
        return form.format(self.text(expr.value, ATOM)), ATOM

    def _call(self, expr: Call) -> tuple[str, int]:
        name, dtype = expr.name, expr.dtype
        kind = next((a.dtype for a in expr.args if isinstance(a, Expr)), WHOLE)
        kind = dtype if name in ROUTINES else kind
        special = getattr(self, f"_op_{name}", None)
        if special is not None:
            special_text: tuple[str, int] = special(expr, kind)
            return special_text
        if kind.kind == "b":
            name = LOGIC.get(name, name)
        written, strength = self._operation(name, expr, kind)
        return self._rounded(written, strength, dtype) if kind == dtype else (written, strength)

    def _rounded(self, written: str, strength: int, dtype: np.dtype[Any]) -> tuple[str, int]:
        if dtype.name not in ROUNDED:
            return written, strength
        return ROUNDED[dtype.name].format(written if strength >= SUM else f"({written})"), ATOM

    def _operation(self, name: str, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        if kind.name == "int64" and name in WIDE:
            return WIDE[name].format(*map(self.text, expr.args)), ATOM
        if name in OPERATORS:
            strength, form = OPERATORS[name]
            sides = [self.text(a, strength + (i > 0)) for i, a in enumerate(expr.args)]
            return form.format(*sides), strength
        arguments = ", ".join(map(self.text, expr.args))
        if name in MATH:
            return f"Math.{MATH[name]}({arguments})", ATOM
        return f"{self.called(name, kind)}({arguments})", ATOM

    def _op_neg(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        value = self.text(expr.args[0], ATOM)
        if kind.kind == "f":
            return f"-{value}", 11
        return ROUNDED.get(kind.name, "({})").format(f"0 - {value}"), ATOM

    def _op_mul(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        if kind.name in ("int32", "uint32"):
            product = f"Math.imul({', '.join(map(self.text, expr.args))})"
            return (f"({product} >>> 0)" if kind.kind == "u" else product), ATOM
        name = LOGIC["mul"] if kind.kind == "b" else "mul"
        return self._rounded(*self._operation(name, expr, kind), kind)

    def _op_shl(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        value, by = (self.text(x, ATOM) for x in expr.args)
        if kind.name == "int64":
            return f"{value} * 2 ** {by}", TIMES
        return ROUNDED.get(kind.name, "({})").format(f"{value} << {by}"), ATOM

    def _op_shr(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        value, by = (self.text(x, ATOM) for x in expr.args)
        if kind.kind == "i":
            return f"Math.floor({value} / 2 ** {by})", ATOM
        return f"({value} >>> {by})", ATOM

    def _op_invert(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        value = self.text(expr.args[0], 11)
        if kind.kind == "b":
            return f"!{value}", 11
        return ROUNDED.get(kind.name, "({})").format(f"-1 - {value}"), ATOM

    def _op_logical_xor(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        one, other = (self.text(x, 11) for x in expr.args)
        return f"(!{one} != !{other})", ATOM

    def _op_view(self, expr: Call, kind: np.dtype[Any]) -> tuple[str, int]:
        raise CompileError("the bits of a number are not looked at in JavaScript")


def _sets_size(item: Any) -> bool:
    return isinstance(item, Let) and item.local is N


def _assigned(items: Iterable[Any]) -> Iterator[str]:
    """Yield the names of local variables that are set."""
    for item in items:
        if isinstance(item, Let):
            yield item.local.name
        elif isinstance(item, Accumulate) and isinstance(item.target, Local):
            yield item.target.name
        elif isinstance(item, Loop | If | While):
            yield from _assigned(item.body)


def valid_name(name: str) -> str:
    """Return a name that is valid in JavaScript: reserved words get the suffix $."""
    return f"{name}$" if name in TAKEN else name


def member(name: str) -> str:
    """Return the expression for a value in the object ``v``."""
    return f"v.{name}" if name.isascii() and name.isidentifier() else f"v[{json.dumps(name)}]"


def number_text(value: Any, dtype: Any) -> str:
    """Write a number."""
    if dtype.kind == "b":
        return str(int(value))
    if dtype.kind in "iu":
        return str(int(value))
    number = float(value)
    if math.isfinite(number):
        written = repr(number)
        return written.removesuffix(".0")
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
