"""Lines of NumPy as formulas, for notebooks."""

from __future__ import annotations

import ast
import re

GREEK = {"alpha", "beta", "gamma", "delta", "eta", "theta", "lambda", "mu", "sigma", "epsilon"}
FUNCTIONS = {"exp": r"\exp", "log": r"\log", "tanh": r"\tanh", "maximum": r"\max", "max": r"\max",
             "sin": r"\sin", "cos": r"\cos", "sigmoid": r"\sigma"}  # fmt: skip
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: " + ", ast.Sub: " - ", ast.Mult: r" \odot ", ast.MatMult: r" \, ",
}  # fmt: skip
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.Lt: "<", ast.GtE: r"\ge", ast.LtE: r"\le", ast.Eq: "=", ast.NotEq: r"\ne",
}  # fmt: skip


def latex(code: str) -> str:
    r"""Return a line of NumPy as a formula between dollars; "" if it is no assignment or value.

    Examples
    --------
    >>> latex("d_z1 = d_h1 @ W2.T * (z1 > 0)")
    '$$\\partial z_{1} = \\partial h_{1} \\, W_{2}^{\\top} \\odot [z_{1} > 0]$$'
    """
    try:
        statement = ast.parse(code.strip()).body[0]
    except (SyntaxError, IndexError):
        return ""
    if isinstance(statement, ast.Assign):
        return f"$${_tex(statement.targets[0])} = {_tex(statement.value)}$$"
    if isinstance(statement, ast.AugAssign):
        sign = OPERATORS.get(type(statement.op), " ").strip()
        target = _tex(statement.target)
        return rf"$${target} \leftarrow {target} {sign} {_tex(statement.value)}$$"
    if isinstance(statement, ast.Return | ast.Expr) and statement.value is not None:
        return f"$${_tex(statement.value)}$$"
    return ""


def _tex(node: ast.AST, level: int = 0) -> str:
    match node:
        case ast.Name(name):
            return _name(name)
        case ast.Constant(value):
            return str(value) if isinstance(value, int | float) else rf"\text{{{value!r}}}"
        case ast.Attribute(value, "T"):
            return rf"{_tex(value, 3)}^{{\top}}"
        case ast.Attribute(_, name):
            return _name(name)
        case ast.Subscript(value, index):
            return f"{_tex(value, 3)}_{{{ast.unparse(index)}}}".replace("'", "")
        case ast.UnaryOp(ast.USub(), operand):
            return f"-{_tex(operand, 2)}"
        case ast.BinOp(left, ast.Div(), right):
            return rf"\frac{{{_tex(left)}}}{{{_tex(right)}}}"
        case ast.BinOp(left, ast.Pow(), right):
            return f"{_tex(left, 3)}^{{{_tex(right)}}}"
        case ast.BinOp(left, op, right):
            mine = 1 if isinstance(op, ast.Add | ast.Sub) else 2
            text = f"{_tex(left, mine)}{OPERATORS.get(type(op), ' ')}{_tex(right, mine + 1)}"
            return f"({text})" if mine < level else text
        case ast.Compare(left, [op], [right]):
            return f"[{_tex(left)} {COMPARED.get(type(op), '')} {_tex(right)}]"
        case ast.Call(function, arguments):
            return _call(function, arguments)
    return rf"\text{{{ast.unparse(node)}}}"


def _call(function: ast.expr, arguments: list[ast.expr]) -> str:
    name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    on = isinstance(function, ast.Attribute) and ast.unparse(function.value) != "np"
    given = [function.value, *arguments] if on else arguments  # type: ignore[attr-defined]
    if name in ("sum", "mean") and given:
        sign = r"\sum" if name == "sum" else r"\operatorname{mean}"
        return rf"{sign} {_tex(given[0], 2)}"
    shown = FUNCTIONS.get(name, rf"\operatorname{{{name}}}".replace("_", r"\_"))
    return f"{shown}({', '.join(_tex(a) for a in given)})"


def _name(name: str) -> str:
    """Return a variable: a gradient with its sign, digits and what stands behind _ below."""
    sign = ""
    for prefix in ("d_", "grad_"):
        if name.startswith(prefix) and len(name) > len(prefix):
            sign, name = r"\partial ", name.removeprefix(prefix)
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+|(?<=_)\w+)?", name)
    base, below = (match.group(1), match.group(2)) if match else (name, None)
    base = rf"\{base}" if base in GREEK else base if len(base) == 1 else rf"\mathrm{{{base}}}"
    base = base.replace("_", r"\_")
    return f"{sign}{base}_{{{below}}}" if below else f"{sign}{base}"
