"""Statements and expressions are written as readable Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chainrule._src.compile.lower.nodes import (
    ONE,
    ZERO,
    Affine,
    Buffer,
    Call,
    Cast,
    Const,
    Expr,
    Load,
    Local,
    Select,
    whole,
)
from chainrule._src.compile.lower.routines import ROUTINES
from chainrule._src.compile.lower.statements import (
    Accumulate,
    Break,
    Declare,
    If,
    Item,
    Let,
    Loop,
    Product,
    Store,
    While,
)
from chainrule._src.trace.batch import Linear

# By operation: its precedence and its template.
OPERATORS = {
    "or": (1, "{} or {}"), "and": (2, "{} and {}"), "not": (3, "not {}"),
    "lt": (4, "{} < {}"), "le": (4, "{} <= {}"), "gt": (4, "{} > {}"), "ge": (4, "{} >= {}"),
    "eq": (4, "{} == {}"), "ne": (4, "{} != {}"),
    "bitor": (5, "{} | {}"), "bitxor": (6, "{} ^ {}"), "bitand": (7, "{} & {}"),
    "shl": (8, "{} << {}"), "shr": (8, "{} >> {}"),
    "add": (9, "{} + {}"), "sub": (9, "{} - {}"),
    "mul": (10, "{} * {}"), "div": (10, "{} / {}"), "floordiv": (10, "{} // {}"),
    "mod": (10, "{} % {}"), "neg": (11, "-{}"), "pow": (12, "{} ** {}"),
}  # fmt: skip
CONDITIONAL, ATOM = 0, 13
OWN = {
    "exp", "log", "tanh", "erf", "wave", "far_wave", "wrap", "within", "share", "meet", "flush",
    "restore", "abs", "min", "random_bits", "natural", *ROUTINES,
}  # fmt: skip


def lines(items: Sequence[Item], indent: str = "") -> Iterator[str]:
    """Yield the lines of statements."""
    for item in items:
        if isinstance(item, Loop):
            yield f"{indent}for {item.var.name} in range({_range(item)}):"
            yield from lines(item.body, indent + "    ")
        elif isinstance(item, If | While):
            word = "if" if isinstance(item, If) else "while"
            yield f"{indent}{word} {text(item.test)}:"
            yield from lines(item.body, indent + "    ")
        else:
            yield indent + _statement(item)


def _range(loop: Loop) -> str:
    bounds = [text(loop.stop)]
    if loop.start != ZERO or loop.step != ONE:
        bounds = [text(loop.start), *bounds]
    return ", ".join(bounds if loop.step == ONE else [*bounds, text(loop.step)])


def _statement(item: Any) -> str:
    if isinstance(item, Let):
        return f"{item.local.name} = {text(item.value)}"
    if isinstance(item, Store):
        return f"{text(item.place)} = {text(item.value)}"
    if isinstance(item, Accumulate):
        sign = OPERATORS[item.name][1].replace("{}", "").strip()
        return f"{text(item.target)} {sign}= {text(item.value)}"
    if isinstance(item, Product):
        return _product(item)
    if isinstance(item, Declare):
        return _declared(item)
    return "break" if isinstance(item, Break) else text(item.call)


def _declared(item: Declare) -> str:
    sizes = [size_text(size) for size in item.buffer.memory_shape or (1,)]
    shape = ", ".join(sizes) + ("," if len(sizes) == 1 else "")
    name, kind = item.buffer.name, item.buffer.dtype.name
    if item.buffer.role == "local":
        return f"{name} = empty(({shape}), {kind})"
    return f"{name} = carray({item.pointer}, ({shape}), {kind})"


def _product(item: Product) -> str:
    turns = [str(int(turn)) for turn in item.turns]
    sizes = [text(size) for size in item.sizes]
    arguments = [*turns, *sizes, *(_matrix(item, operand) for operand in (item.a, item.b, item.c))]
    if item.shared:
        arguments += [repr(item.shared), *map(text, item.stretch)]
    return f"{item.routine}({', '.join(arguments)})"


def _matrix(item: Product, operand: Load) -> str:
    name = operand.buffer.root.name
    parts = [":" if item.is_own(part) else text(part) for part in operand.index]
    return name if set(parts) <= {":", "0"} else f"{name}[{', '.join(parts)}]"


def text(expr: Any, binds: int = CONDITIONAL) -> str:
    """Write an expression, in brackets if its precedence is lower than ``binds``."""
    if isinstance(expr, Buffer):
        return expr.root.name
    if isinstance(expr, Local):
        return expr.name
    if isinstance(expr, Const):
        return _number(expr)
    if isinstance(expr, Load):
        return f"{expr.buffer.root.name}[{', '.join(map(text, expr.index))}]"
    if isinstance(expr, Cast):
        return _cast(expr, binds)
    written, strength = _compound(expr)
    return f"({written})" if strength < binds else written


def _number(expr: Const) -> str:
    kind, value = expr.dtype.kind, expr.value
    if kind == "b" or expr.dtype.name == "int64":
        return str(bool(value) if kind == "b" else int(value))
    if kind in "iu":
        return f"{expr.dtype.name}({int(value)})"
    if value == float("inf") and expr.dtype.name == "float64":
        return "inf"
    if value != value or value in (float("inf"), -float("inf")):
        return f"{expr.dtype.name}({'nan' if value != value else '-inf' if value < 0 else 'inf'})"
    number = repr(float(value))
    if expr.dtype.name == "float64":
        return number
    return f"{expr.dtype.name}({number.removesuffix('.0')})"


def _cast(expr: Cast, binds: int) -> str:
    if expr.dtype.kind == "b":
        written = f"{text(expr.value, 5)} != 0"
        return f"({written})" if binds > 4 else written
    return f"{expr.dtype.name}({text(expr.value)})"


def _compound(expr: Expr) -> tuple[str, int]:
    if isinstance(expr, Select):
        one, test, other = text(expr.one, 1), text(expr.test, 1), text(expr.other, 0)
        return f"{one} if {test} else {other}", CONDITIONAL
    if isinstance(expr, Affine):
        return _affine(expr)
    assert isinstance(expr, Call)
    if expr.name in OPERATORS:
        strength, form = OPERATORS[expr.name]
        # Operators are left-associative, but a comparison of a comparison needs brackets.
        left_strength = strength + (strength == 4)
        sides = [
            text(arg, left_strength if i == 0 else strength + 1) for i, arg in enumerate(expr.args)
        ]
        return form.format(*sides), strength
    name = expr.name if expr.name in OWN else f"np.{expr.name}"
    return f"{name}({', '.join(map(text, expr.args))})", ATOM


def _affine(expr: Affine) -> tuple[str, int]:
    parts = sorted(expr.terms, key=lambda term: term[1] < 0)
    written = ""
    for part, factor in parts:
        size = text(part, 10)
        size = size if abs(factor) == 1 else f"{abs(factor)} * {size}"
        sign = ("-" if factor < 0 else "") if not written else (" - " if factor < 0 else " + ")
        written += sign + size
    if expr.const:
        sign = " - " if expr.const < 0 else " + "
        written += f"{sign}{abs(expr.const)}"
    if not expr.const and len(parts) == 1:
        return written, 10
    return written, 9


def size_text(size: Any) -> str:
    """Write a size."""
    return text(whole(size)) if isinstance(size, int | Linear | Expr) else str(size)
