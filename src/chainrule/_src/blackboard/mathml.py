"""Lines of NumPy as formulas in MathML, which browsers display without a library."""

from __future__ import annotations

from typing import Any

from chainrule._src.base.escaping import Html, element, for_html
from chainrule._src.text.formulas import (
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

FUNCTION = element("mo", "\u2061")  # the invisible operator of function application

SPACE = element("mspace", width="0.17em")


def mathml(code: str) -> Html:
    """Return a line of NumPy as a formula; a line that is no formula, as text.

    Examples
    --------
    >>> mathml("b = d_z * 2")
    '<math display="block"><mi>b</mi><mo>=</mo><mrow><mrow><mi>∂</mi><mi>z</mi></mrow><mo>·</mo>\
<mn>2</mn></mrow></math>'
    """
    formula = read(code)
    if isinstance(formula, Infix) and formula.sign in ("=", "←"):  # lines may break at these
        inside = for_html(_ml(formula.left), _mo(formula.sign), _ml(formula.right))
    else:
        inside = _ml(CodeText(code) if formula is None else formula)
    return element("math", inside, display="block")


def _ml(part: Any) -> Html:
    match part:
        case Name(is_gradient, base, below):
            return _name(is_gradient, base, below)
        case Numeral(digits, exponent):
            return _number(digits, exponent)
        case Infix(left, sign, right):
            between = _mo(sign) if sign else SPACE
            return _row(_ml(left), between, _ml(right))
        case Negative(of):
            return _row(element("mo", "−", form="prefix"), _ml(of))
        case Fraction(above, below):
            return element("mfrac", _ml(above), _ml(below))
        case Power(base, exponent):
            return _raised(base, _ml(exponent))
        case Root(of):
            return element("msqrt", _ml(of))
        case Transpose(of):
            return _raised(of, element("mi", "⊤"))
        case Indexed(of, index):
            return element("msub", _ml(of), _text(index))
        case Aggregate(sign, axis, of):
            return _together(sign, axis, of)
        case FunctionCall(function, arguments):
            parts = [part for argument in arguments for part in (_mo(","), _ml(argument))][1:]
            return _row(element("mi", function), FUNCTION, _fenced("(", for_html(*parts), ")"))
        case Enclosed(left, of, right):
            return _fenced(left, _ml(of), right)
        case Cases(test, one, other):
            rows = [
                _case(one, _row(element("mtext", "if\u00a0"), _ml(test))),
                _case(other, element("mtext", "otherwise")),
            ]
            return _row(_mo("{"), element("mtable", *rows))
        case CodeText(text):
            return element("mtext", text, class_="cb-code")
    raise AssertionError(part)


def _name(is_gradient: bool, base: str, below: str, above: Html | None = None) -> Html:
    letter = element("mi", base)
    tag = "m" + "sub" * bool(below) + "sup" * bool(above)
    parts = [letter, *([_text(below)] if below else []), *([above] if above else [])]
    name = element(tag, *parts) if below or above else letter
    return _row(element("mi", "∂"), name) if is_gradient else name


def _raised(of: Any, above: Html) -> Html:
    return _name(*of, above) if isinstance(of, Name) else element("msup", _ml(of), above)


def _number(digits: str, exponent: int) -> Html:
    if not exponent:
        return element("mn", digits)
    sign = [_mo("−")] if exponent < 0 else []
    power = element("msup", element("mn", 10), _row(*sign, element("mn", abs(exponent))))
    return _row(element("mn", digits), _mo("·"), power) if digits else power


def _together(sign: str, axis: str, of: Any) -> Html:
    word = sign.isalpha()
    if word:
        operator = element("mi", sign, mathvariant="normal")
    else:
        operator = element("mo", sign, movablelimits="false")
    if axis:
        operator = element("munder", operator, element("mtext", f"axis {axis}"))
    return _row(operator, *([SPACE] if word else []), _ml(of))


def _case(value: Any, test: Html) -> Html:
    cells = (element("mtd", cell, style="text-align: left") for cell in (_ml(value), test))
    return element("mtr", *cells)


def _text(text: str) -> Html:
    """Return a subscript: a letter, a number, or an upright word."""
    tag = "mn" if text.isdigit() else "mi" if text.isalpha() else "mtext"
    return element(tag, text)


def _fenced(opening: str, inside: Html, closing: str) -> Html:
    begin, end = (
        element("mo", sign, fence="true", form=form)
        for form, sign in (("prefix", opening), ("postfix", closing))
    )
    return _row(begin, inside, end)


def _mo(sign: str) -> Html:
    return element("mo", sign)


def _row(*parts: Html) -> Html:
    return element("mrow", *parts)
