"""Lines of NumPy read as formulas: trees that `checking.latex` and `blackboard.mathml` write."""

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
FUNCTIONS = {"maximum": "max", "minimum": "min", "sigmoid": "σ"}  # that are written otherwise
MODULES = {"np", "cr", "math"}
AROUND = {"abs": "|", "norm": "‖"}
SAME = {"astype", "asarray", "array", "ascontiguousarray"}  # the numbers stay what they are
SUM, SIGNED, PRODUCT, FACTOR, POWER, ATOM = range(1, 7)  # how strongly parts hold together


class Name(NamedTuple):
    """A variable: whether it is a gradient, its base, and what stands below it."""

    is_gradient: bool
    base: str
    below: str


class Numeral(NamedTuple):
    """A number: its digits, and the power of ten that they are times."""

    digits: str
    exponent: int


class CodeText(NamedTuple):
    """What is no formula."""

    text: str


class Infix(NamedTuple):
    """Two sides and what stands between them: a sign, or nothing for matrix products."""

    left: Any
    sign: str
    right: Any


class Negative(NamedTuple):
    """A minus before something."""

    of: Any


class Fraction(NamedTuple):
    """One thing above another."""

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
    """A matrix with rows and columns exchanged."""

    of: Any


class Indexed(NamedTuple):
    """Entries of something, by the text of an index."""

    of: Any
    place: str


class Aggregate(NamedTuple):
    """Entries taken together, along an axis if one is told: a sum, a maximum."""

    sign: str
    axis: str
    of: Any


class FunctionCall(NamedTuple):
    """A function of arguments."""

    function: str
    arguments: tuple[Any, ...]


class Enclosed(NamedTuple):
    """Something between two signs."""

    left: str
    of: Any
    right: str


class Cases(NamedTuple):
    """One value where a condition holds, another elsewhere."""

    test: Any
    one: Any
    other: Any


def read(code: str) -> Any:
    """Return a line of NumPy as a formula; None if it is neither an assignment nor a value.

    Examples
    --------
    >>> read("d_z = d_h * 2")
    Infix(left=Name(is_gradient=True, base='z', below=''), sign='=', right=Infix(left=\
Name(is_gradient=True, base='h', below=''), sign='·', right=Number(digits='2', exponent=0)))
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
    """Return an expression, in brackets if what is around it binds more strongly."""
    found, binds = _part(node)
    return Enclosed("(", found, ")") if binds < level else found


def _part(node: ast.expr) -> tuple[Any, int]:
    match node:
        case ast.Name(name):
            return name_of(name), ATOM
        case ast.Constant(bool() | str() | None):
            return CodeText(ast.unparse(node)), ATOM
        case ast.Constant(int() | float() as value):
            found = _number(value)
            return found, ATOM if found.digits and not found.exponent else FACTOR
        case ast.Attribute(value, "T"):
            return Transpose(_read(value, ATOM)), POWER
        case ast.Attribute(ast.Name("np" | "math"), name):
            return Name(False, {"inf": "∞"}.get(name) or GREEK.get(name, name), ""), ATOM
        case ast.Subscript(value, index):
            return Indexed(_read(value, ATOM), ast.unparse(index).strip("()")), POWER
        case ast.UnaryOp(ast.USub(), operand):
            found, binds = _part(operand)
            inside = found if binds >= SIGNED else Enclosed("(", found, ")")
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
    """Whether an expression is seen to be a single number: of numbers and the batch size."""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.expr)]
    kinds = ast.Constant | ast.BinOp | ast.UnaryOp
    return all(isinstance(p, kinds) or (isinstance(p, ast.Name) and p.id == "n") for p in parts)


def _call(
    node: ast.Call, function: ast.expr, given: list[ast.expr], named: dict[str | None, ast.expr]
) -> tuple[Any, int]:
    name, owner = ast.unparse(function).rpartition(".")[2], function
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    of_module = isinstance(owner, ast.Name) and owner.id in MODULES
    if isinstance(function, ast.Attribute) and not of_module:
        given = [function.value, *given]  # a method
    match name, given:
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
            told = "" if along is None else ast.unparse(along).replace("-", "−").strip("(,)")
            return Aggregate(TAKEN_TOGETHER[name], told, _read(x, PRODUCT)), SIGNED
        case (("zeros" | "ones"), [_, *_]):
            return Numeral("0" if name == "zeros" else "1", 0), ATOM
        case "full", [_, x, *_]:
            return _part(x)
        case _, [x, *_] if name in SAME:
            return _part(x)
    if named or not given:
        return CodeText(ast.unparse(node)), ATOM
    return FunctionCall(FUNCTIONS.get(name, name), tuple(map(_read, given))), ATOM


def _test(node: ast.expr) -> Any:
    """Return a condition, without the brackets that make it a number."""
    found = _read(node)
    return found.of if isinstance(found, Enclosed) and found.left == "[" else found


def _number(value: float) -> Numeral:
    text = repr(value) if len(repr(value)) < 9 else f"{value:.6g}"
    digits, _, exponent = text.removesuffix(".0").partition("e")
    digits = digits.removesuffix(".0")
    return Numeral("" if exponent and digits == "1" else digits, int(exponent or 0))


def name_of(name: str) -> Name:
    """Return a variable: a gradient with its sign, digits and what stands behind _ below."""
    bare = re.sub(r"^(d|grad)_(?=.)", "", name)
    match = re.fullmatch(r"([^\W\d_]+?)_?(\d+|(?<=_)\w+)?", bare)
    base, below = (match[1], match[2] or "") if match else (bare, "")
    if len(base) > 1 and base not in GREEK and not below.isdigit():
        base, below = bare, ""  # a word
    return Name(bare != name, GREEK.get(base, base), below)
