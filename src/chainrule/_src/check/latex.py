"""Lines of NumPy as LaTeX, for notebooks."""

from __future__ import annotations

from typing import Any

from chainrule._src.text.formulas import (
    GREEK,
    Aggregate,
    Cases,
    CodeText,
    Enclosed,
    Fraction,
    FunctionCall,
    Indexed,
    Infix,
    Name,
    Negative,
    Numeral,
    Power,
    Root,
    Transpose,
    read,
)

SIGNS = {
    "": r" \, ", "⊙": r" \odot ", "·": r" \cdot ", "−": " - ", "←": r" \leftarrow ",
    "≥": r" \ge ", "≤": r" \le ", "≠": r" \ne ",
}  # fmt: skip
COMMANDS = {
    "∑": r"\sum", "∏": r"\prod", "∞": r"\infty", "max": r"\max", "min": r"\min", "log": r"\log",
    "tanh": r"\tanh", "sin": r"\sin", "cos": r"\cos", "‖": r"\|",
    **{letter: rf"\{name}" for name, letter in GREEK.items()},
}  # fmt: skip


def latex(code: str) -> str:
    r"""Return a line of NumPy as a formula between dollars; "" if it is no assignment or value.

    Examples
    --------
    >>> latex("d_z1 = d_h1 @ W2.T * (z1 > 0)")
    '$$\\partial z_{1} = \\partial h_{1} \\, W_{2}^{\\top} \\odot [z_{1} > 0]$$'
    """
    formula = read(code)
    return "" if formula is None else f"$${_tex(formula)}$$"


def _tex(part: Any) -> str:
    match part:
        case Name(is_gradient, base, below):
            symbol = COMMANDS.get(base, base if len(base) == 1 else rf"\mathrm{{{_plain(base)}}}")
            name = f"{symbol}_{{{_plain(below)}}}" if below else symbol
            return rf"\partial {name}" if is_gradient else name
        case Numeral(digits, exponent):
            times = r" \cdot " if digits else ""
            return f"{digits}{times}10^{{{exponent}}}" if exponent else digits
        case Infix(left, sign, right):
            return f"{_tex(left)}{SIGNS.get(sign, f' {sign} ')}{_tex(right)}"
        case Negative(of):
            return f"-{_tex(of)}"
        case Fraction(above, below):
            return rf"\frac{{{_tex(above)}}}{{{_tex(below)}}}"
        case Power(base, exponent):
            return f"{_tex(base)}^{{{_tex(exponent)}}}"
        case Root(of):
            return rf"\sqrt{{{_tex(of)}}}"
        case Transpose(of):
            return rf"{_tex(of)}^{{\top}}"
        case Indexed(of, index):
            base = _tex(of)
            return f"{f'{{{base}}}' if '_' in base else base}_{{{_plain(index)}}}"
        case Aggregate(sign, axis, of):
            along = rf"_{{\text{{axis }} {axis.replace('−', '-')}}}" if axis else ""
            return f"{_operator(sign)}{along} {_tex(of)}"
        case FunctionCall(function, arguments):
            return f"{_operator(function)}({', '.join(map(_tex, arguments))})"
        case Enclosed(left, of, right):
            return f"{COMMANDS.get(left, left)}{_tex(of)}{COMMANDS.get(right, right)}"
        case Cases(test, one, other):
            rows = rf"{_tex(one)} & {_tex(test)} \\ {_tex(other)} & \text{{otherwise}}"
            return rf"\begin{{cases}} {rows} \end{{cases}}"
        case CodeText(text):
            return rf"\text{{{_plain(text)}}}"
    raise AssertionError(part)


def _operator(name: str) -> str:
    return COMMANDS.get(name) or rf"\operatorname{{{_plain(name)}}}"


def _plain(text: str) -> str:
    return text.replace("'", "").replace("_", r"\_")
