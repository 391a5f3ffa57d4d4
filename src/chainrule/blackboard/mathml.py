"""Lines of NumPy as formulas in MathML, which browsers show by themselves."""

from __future__ import annotations

from html import escape
from typing import Any

from chainrule.formulas import (
    Applied,
    Cases,
    Code,
    Enclosed,
    Fraction,
    Indexed,
    Infix,
    Name,
    Negative,
    Number,
    Power,
    Root,
    Together,
    Transposed,
    read,
)

FUNCTION = "<mo>&#x2061;</mo>"  # that what follows is an argument


def mathml(code: str) -> str:
    """Return a line of NumPy as a formula; what is none, as text.

    Examples
    --------
    >>> mathml("b = d_z * 2")
    '<math display="block"><mi>b</mi><mo>=</mo><mrow><mrow><mi>∂</mi><mi>z</mi></mrow><mo>·</mo>\
<mn>2</mn></mrow></math>'
    """
    formula = read(code)
    if isinstance(formula, Infix) and formula.sign in ("=", "←"):  # a line may be broken there
        inside = f"{_ml(formula.left)}{_mo(formula.sign)}{_ml(formula.right)}"
    else:
        inside = _ml(Code(code) if formula is None else formula)
    return f'<math display="block">{inside}</math>'


def _ml(part: Any) -> str:
    match part:
        case Name(is_gradient, base, below):
            return _name(is_gradient, base, below)
        case Number(digits, exponent):
            return _number(digits, exponent)
        case Infix(left, sign, right):
            between = _mo(sign) if sign else '<mspace width="0.17em"/>'
            return _row(_ml(left), between, _ml(right))
        case Negative(of):
            return _row('<mo form="prefix">−</mo>', _ml(of))
        case Fraction(above, below):
            return f"<mfrac>{_ml(above)}{_ml(below)}</mfrac>"
        case Power(base, exponent):
            return _raised(base, _ml(exponent))
        case Root(of):
            return f"<msqrt>{_ml(of)}</msqrt>"
        case Transposed(of):
            return _raised(of, "<mi>⊤</mi>")
        case Indexed(of, index):
            return f"<msub>{_ml(of)}{_text(index)}</msub>"
        case Together(sign, axis, of):
            return _together(sign, axis, of)
        case Applied(function, arguments):
            given = "<mo>,</mo>".join(map(_ml, arguments))
            return _row(f"<mi>{escape(function)}</mi>", FUNCTION, _fenced("(", given, ")"))
        case Enclosed(left, of, right):
            return _fenced(left, _ml(of), right)
        case Cases(test, one, other):
            rows = _case(one, _row("<mtext>if\u00a0</mtext>", _ml(test)))
            rows += _case(other, "<mtext>otherwise</mtext>")
            return _row("<mo>{</mo>", f"<mtable>{rows}</mtable>")
        case Code(text):
            return f'<mtext class="cb-code">{escape(text)}</mtext>'
    raise AssertionError(part)


def _name(is_gradient: bool, base: str, below: str, above: str = "") -> str:
    parts = [f"<mi>{escape(base)}</mi>", _text(below) if below else "", above]
    tag = "m" + "sub" * bool(below) + "sup" * bool(above)
    name = f"<{tag}>{''.join(parts)}</{tag}>" if below or above else parts[0]
    return _row("<mi>∂</mi>", name) if is_gradient else name


def _raised(of: Any, above: str) -> str:
    return _name(*of, above) if isinstance(of, Name) else f"<msup>{_ml(of)}{above}</msup>"


def _number(digits: str, exponent: int) -> str:
    if not exponent:
        return f"<mn>{digits}</mn>"
    sign = "<mo>−</mo>" if exponent < 0 else ""
    power = f"<msup><mn>10</mn>{_row(sign, f'<mn>{abs(exponent)}</mn>')}</msup>"
    return _row(f"<mn>{digits}</mn><mo>·</mo>", power) if digits else power


def _together(sign: str, axis: str, of: Any) -> str:
    word = sign.isalpha()
    kind, way = ("mi", 'mathvariant="normal"') if word else ("mo", 'movablelimits="false"')
    operator = f"<{kind} {way}>{sign}</{kind}>"
    if axis:
        under = f"<mtext>axis {escape(axis)}</mtext>"
        operator = f"<munder>{operator}{under}</munder>"
    return _row(operator, '<mspace width="0.17em"/>' if word else "", _ml(of))


def _case(value: Any, test: str) -> str:
    cells = (f'<mtd style="text-align: left">{cell}</mtd>' for cell in (_ml(value), test))
    return f"<mtr>{''.join(cells)}</mtr>"


def _text(text: str) -> str:
    """Return what stands below something: a letter, a number, or a word upright."""
    tag = "mn" if text.isdigit() else "mi" if text.isalpha() else "mtext"
    return f"<{tag}>{escape(text)}</{tag}>"


def _fenced(left: str, inside: str, right: str) -> str:
    begin, end = (
        f'<mo fence="true" form="{form}">{sign}</mo>'
        for form, sign in (("prefix", left), ("postfix", right))
    )
    return _row(begin, inside, end)


def _mo(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"
