"""Formulas: trees of lines of NumPy, which `check.latex` and `blackboard.mathml` write."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eta": "η", "theta": "θ", "lambda": "λ",
    "mu": "μ", "sigma": "σ", "epsilon": "ε", "rho": "ρ", "tau": "τ", "phi": "φ", "pi": "π",
}  # fmt: skip
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.Lt: "<", ast.GtE: "≥", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "−", ast.Mult: "⊙", ast.MatMult: "", ast.Div: "/",
}  # fmt: skip
TAKEN_TOGETHER = {
    "sum": "∑", "mean": "mean", "max": "max", "min": "min", "prod": "∏", "var": "var", "std": "std",
}  # fmt: skip
FUNCTIONS = {
    "maximum": "max",
    "minimum": "min",
    "sigmoid": "σ",
}  # name in code → name in the formula
MODULES = {"np", "cr", "math"}
AROUND = {"abs": "|", "norm": "‖"}
SAME = {"astype", "asarray", "array", "ascontiguousarray"}  # functions that change no number
SUM, SIGNED, PRODUCT, FACTOR, POWER, ATOM = range(1, 7)  # precedences of operators, in rising order


class Name(NamedTuple):
    """A variable: whether it is a gradient, the base of the name, and the subscript."""

    is_gradient: bool
    base: str
    below: str


class Numeral(NamedTuple):
    """A number: its digits, and the exponent of the power of ten."""

    digits: str
    exponent: int


class CodeText(NamedTuple):
    """Code that is not written as a formula."""

    text: str


class Infix(NamedTuple):
    """Two sides with a sign between them; matrix products have no sign."""

    left: Any
    sign: str
    right: Any


class Negative(NamedTuple):
    """A minus sign before a formula."""

    of: Any


class Fraction(NamedTuple):
    """A numerator above a denominator."""

    above: Any
    below: Any


class Power(NamedTuple):
    """A base and an exponent."""

    base: Any
    exponent: Any


class Root(NamedTuple):
    """A square root."""

    of: Any


class Transpose(NamedTuple):
    """A transposed matrix."""

    of: Any


class Indexed(NamedTuple):
    """A formula with an index, given as text."""

    of: Any
    place: str


class Aggregate(NamedTuple):
    """A reduction of all entries, or along an axis: a sum, a maximum."""

    sign: str
    axis: str
    of: Any


class FunctionCall(NamedTuple):
    """A function applied to arguments."""

    function: str
    arguments: tuple[Any, ...]


class Enclosed(NamedTuple):
    """A formula between two signs, such as brackets."""

    left: str
    of: Any
    right: str


class Cases(NamedTuple):
    """One value if a condition holds, otherwise another value."""

    test: Any
    one: Any
    other: Any


def read(code: str) -> Any:
    """Return a line of NumPy as a formula; None if it is neither an assignment nor a value.

    Examples
    --------
    >>> read("d_z = d_h * 2")
    Infix(left=Name(is_gradient=True, base='z', below=''), sign='=', right=Infix(left=\
Name(is_gradient=True, base='h', below=''), sign='·', right=Numeral(digits='2', exponent=0)))
    """
    try:
        statement = ast.parse(code.strip()).body[0]
    except (SyntaxError, IndexError):
        return None
    if isinstance(statement, ast.Assign):
        return Infix(_read(statement.targets[0]), "=", _read(statement.value))
    if isinstance(statement, ast.AugAssign):
        target, value = _read(statement.target), _read(statement.value, FACTOR)
        sign = SIGNS.get(type(statement.op), "")
        return Infix(target, "←", Infix(target, sign, value))
    if isinstance(statement, ast.Return | ast.Expr) and statement.value is not None:
        return _read(statement.value)
    return None


def _read(node: ast.expr, level: int = 0) -> Any:
    """Return an expression, in brackets if the operator around it has a higher precedence."""
    formula, precedence = _part(node)
    return Enclosed("(", formula, ")") if precedence < level else formula


def _part(node: ast.expr) -> tuple[Any, int]:
    match node:
        case ast.Name(name):
            return name_of(name), ATOM
        case ast.Constant(bool() | str() | None):
            return CodeText(ast.unparse(node)), ATOM
        case ast.Constant(int() | float() as value):
            formula = _number(value)
            return formula, ATOM if formula.digits and not formula.exponent else FACTOR
        case ast.Attribute(value, "T"):
            return Transpose(_read(value, ATOM)), POWER
        case ast.Attribute(ast.Name("np" | "math"), name):
            return Name(False, {"inf": "∞"}.get(name) or GREEK.get(name, name), ""), ATOM
        case ast.Subscript(value, index):
            return Indexed(_read(value, ATOM), ast.unparse(index).strip("()")), POWER
        case ast.UnaryOp(ast.USub(), operand):
            formula, binds = _part(operand)
            inside = formula if binds >= SIGNED else Enclosed("(", formula, ")")
            return Negative(inside), min(binds, PRODUCT) if binds >= SIGNED else PRODUCT
        case ast.BinOp(left, op, right):
            return _operation(left, op, right)
        case ast.Compare(left, [op], [right]) if type(op) in COMPARED:
            test = Infix(_read(left, SUM), COMPARED[type(op)], _read(right, SUM))
            return Enclosed("[", test, "]"), ATOM
        case ast.IfExp(test, one, other):
            return Cases(_test(test), _read(one), _read(other)), FACTOR
        case ast.Call(function, arguments, keywords):
            return _call(node, function, arguments, {k.arg: k.value for k in keywords})
    return CodeText(ast.unparse(node)), ATOM


def _operation(left: ast.expr, op: ast.operator, right: ast.expr) -> tuple[Any, int]:
    match op:
        case ast.Div():
            return Fraction(_read(left), _read(right)), FACTOR
        case ast.Pow():
            return Power(_read(left, ATOM), _read(right)), POWER
        case ast.Add() | ast.Sub():
            return Infix(_read(left, SUM), SIGNS[type(op)], _read(right, SIGNED)), SUM
        case ast.Mult() | ast.MatMult():
            scales = _is_scalar(left) or _is_scalar(right)
            sign = "·" if scales and isinstance(op, ast.Mult) else SIGNS[type(op)]
            return Infix(_read(left, PRODUCT), sign, _read(right, FACTOR)), PRODUCT
    return CodeText(ast.unparse(ast.BinOp(left, op, right))), ATOM


def _is_scalar(node: ast.expr) -> bool:
    """Return true if an expression is certainly a single number: constants and the batch size."""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.expr)]
    kinds = ast.Constant | ast.BinOp | ast.UnaryOp
    return all(isinstance(p, kinds) or (isinstance(p, ast.Name) and p.id == "n") for p in parts)


def _call(
    node: ast.Call, function: ast.expr, arguments: list[ast.expr], named: dict[str | None, ast.expr]
) -> tuple[Any, int]:
    name, owner = ast.unparse(function).rpartition(".")[2], function
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    of_module = isinstance(owner, ast.Name) and owner.id in MODULES
    if isinstance(function, ast.Attribute) and not of_module:
        arguments = [function.value, *arguments]  # a method
    match name, arguments:
        case "exp", [x]:
            return Power(Name(False, "e", ""), _read(x)), POWER
        case "sqrt", [x]:
            return Root(_read(x)), ATOM
        case "square", [x]:
            return Power(_read(x, ATOM), Numeral("2", 0)), POWER
        case "abs" | "norm", [x] if not named:
            return Enclosed(AROUND[name], _read(x), AROUND[name]), ATOM
        case "where", [test, one, other]:
            return Cases(_test(test), _read(one), _read(other)), FACTOR
        case "dot" | "matmul", [a, b]:
            return _operation(a, ast.MatMult(), b)
        case "outer", [a, b]:
            return Infix(_read(a, PRODUCT), "", Transpose(_read(b, ATOM))), PRODUCT
        case "transpose", [x]:
            return Transpose(_read(x, ATOM)), POWER
        case "eye", [size]:
            return Indexed(Name(False, "I", ""), ast.unparse(size)), ATOM
        case _, [x, *axis] if name in TAKEN_TOGETHER and len(axis) < 2:
            along = axis[0] if axis else named.get("axis")
            axis_text = "" if along is None else ast.unparse(along).replace("-", "−").strip("(,)")
            return Aggregate(TAKEN_TOGETHER[name], axis_text, _read(x, PRODUCT)), SIGNED
        case (("zeros" | "ones"), [_, *_]):
            return Numeral("0" if name == "zeros" else "1", 0), ATOM
        case "full", [_, x, *_]:
            return _part(x)
        case _, [x, *_] if name in SAME:
            return _part(x)
    if named or not arguments:
        return CodeText(ast.unparse(node)), ATOM
    return FunctionCall(FUNCTIONS.get(name, name), tuple(map(_read, arguments))), ATOM


def _test(node: ast.expr) -> Any:
    """Return a condition without its brackets, which turn it into a number."""
    formula = _read(node)
    return formula.of if isinstance(formula, Enclosed) and formula.left == "[" else formula


def _number(value: float) -> Numeral:
    text = repr(value) if len(repr(value)) < 9 else f"{value:.6g}"
    digits, _, exponent = text.removesuffix(".0").partition("e")
    digits = digits.removesuffix(".0")
    return Numeral("" if exponent and digits == "1" else digits, int(exponent or 0))


def name_of(name: str) -> Name:
    """Return a variable's name as a gradient sign, a base and a subscript.

    The subscript is a number at the end, or the part after ``_``.
    """
    bare = re.sub(r"^(d|grad)_(?=.)", "", name)
    match = re.fullmatch(r"([^\W\d_]+?)_?(\d+|(?<=_)\w+)?", bare)
    base, below = (match[1], match[2] or "") if match else (bare, "")
    if len(base) > 1 and base not in GREEK and not below.isdigit():
        base, below = bare, ""  # a word
    return Name(bare != name, GREEK.get(base, base), below)
