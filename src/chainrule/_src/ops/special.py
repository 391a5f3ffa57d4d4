"""The functions of ``scipy.special`` that are ufuncs, which tensors can therefore implement.

The module is loaded when a function of SciPy is first called with a tensor. The functions run in
NumPy and SciPy, and the text of a program calls SciPy too; `expit`, `erf`, `log_expit`, `xlogy` and
`xlog1py` are compiled as well.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np
import scipy.special
from scipy.special import betaln, gammaln, i0, i1, iv, ive, j0, j1, jv, psi, y0, y1, yn, yv

from chainrule._src.base.errors import TraceError
from chainrule._src.core.kernel import Composite
from chainrule._src.core.primitive import Family, Primitive, Rule, unbroadcast
from chainrule._src.ops.elementwise import ERF
from chainrule._src.ops.nn import SIGMOID, SOFTPLUS

SPECIAL = Family()
_TWO_PI = math.sqrt(2 * math.pi)
_OVER_PI = 2 / math.sqrt(math.pi)


def special(name: str, operands: Any) -> Any:
    """Apply a function of scipy.special."""
    return getattr(scipy.special, name)(*operands)


def _add(ufunc: np.ufunc, *rules: Rule | None) -> Primitive:
    """Add a function with one gradient rule for each operand; broadcasting is handled here."""
    name = ufunc.__name__
    operands = ", ".join(f"_{i}" for i in range(ufunc.nin))

    def summed(position: int, rule: Rule) -> Rule:
        return lambda g, y, *xs: unbroadcast(rule(g, y, *xs), xs[position])

    gradients = tuple(rule and summed(i, rule) for i, rule in enumerate(rules))
    text = f"special({name!r}, ({operands},))"
    return SPECIAL.add(name, ufunc, gradients, text, of=ufunc, helpers=(special,), kernel=None)


def _unknown(ufunc: np.ufunc, operand: str) -> Rule:
    def rule(*_: Any) -> NoReturn:
        raise TraceError(
            f"scipy.special.{ufunc.__name__}: its derivative with respect to {operand} is not "
            "covered; give a plain number there"
        )

    return rule


POLYGAMMA: Primitive = SPECIAL.add(
    "polygamma",
    lambda x, n: scipy.special.polygamma(n, x).astype(x.dtype),
    (lambda g, y, x, n: g * POLYGAMMA(x, n=n + 1),),
    "special('polygamma', (n, _0))",
    helpers=(special,),
    kernel=None,
)

for _ufunc, _rule in {
    scipy.special.erfc: lambda g, y, x: -g * _OVER_PI * np.exp(-(x**2)),
    scipy.special.erfinv: lambda g, y, x: g / _OVER_PI * np.exp(y**2),
    scipy.special.erfcinv: lambda g, y, x: -g / _OVER_PI * np.exp(y**2),
    scipy.special.logit: lambda g, y, x: g / (x * (1 - x)),
    scipy.special.ndtr: lambda g, y, x: g * np.exp(-(x**2) / 2) / _TWO_PI,
    scipy.special.log_ndtr: lambda g, y, x: g * np.exp(-(x**2) / 2 - y) / _TWO_PI,
    scipy.special.ndtri: lambda g, y, x: g * np.exp(y**2 / 2) * _TWO_PI,
    scipy.special.entr: lambda g, y, x: -g * (1 + np.log(x)),
    gammaln: lambda g, y, x: g * psi(x),
    scipy.special.gamma: lambda g, y, x: g * y * psi(x),
    scipy.special.rgamma: lambda g, y, x: -g * y * psi(x),
    psi: lambda g, y, x: g * POLYGAMMA(x, n=1),
    i0: lambda g, y, x: g * i1(x),
    i1: lambda g, y, x: g * (i0(x) + iv(2, x)) / 2,
    j0: lambda g, y, x: -g * j1(x),
    j1: lambda g, y, x: g * (j0(x) - jv(2, x)) / 2,
    y0: lambda g, y, x: -g * y1(x),
    y1: lambda g, y, x: g * (y0(x) - yn(2, x)) / 2,
    scipy.special.gammasgn: None,
}.items():
    _add(_ufunc, _rule)

for _ufunc, _left, _right in (
    (scipy.special.rel_entr, lambda g, y, a, b: g * (np.log(a / b) + 1),
     lambda g, y, a, b: -g * a / b),
    (scipy.special.kl_div, lambda g, y, a, b: g * np.log(a / b),
     lambda g, y, a, b: g * (1 - a / b)),
    (scipy.special.beta, lambda g, y, a, b: g * y * (psi(a) - psi(a + b)),
     lambda g, y, a, b: g * y * (psi(b) - psi(a + b))),
    (betaln, lambda g, y, a, b: g * (psi(a) - psi(a + b)),
     lambda g, y, a, b: g * (psi(b) - psi(a + b))),
    (jv, _unknown(jv, "the order"), lambda g, y, n, x: g * (jv(n - 1, x) - jv(n + 1, x)) / 2),
    (yn, _unknown(yn, "the order"), lambda g, y, n, x: g * (yn(n - 1, x) - yn(n + 1, x)) / 2),
    (yv, _unknown(yv, "the order"), lambda g, y, n, x: g * (yv(n - 1, x) - yv(n + 1, x)) / 2),
    (iv, _unknown(iv, "the order"), lambda g, y, n, x: g * (iv(n - 1, x) + iv(n + 1, x)) / 2),
    (ive, _unknown(ive, "the order"),
     lambda g, y, n, x: g * ((ive(n - 1, x) + ive(n + 1, x)) / 2 - y * np.sign(x))),
    (scipy.special.gammainc, _unknown(scipy.special.gammainc, "a"),
     lambda g, y, a, x: g * np.exp((a - 1) * np.log(x) - x - gammaln(a))),
    (scipy.special.gammaincc, _unknown(scipy.special.gammaincc, "a"),
     lambda g, y, a, x: -g * np.exp((a - 1) * np.log(x) - x - gammaln(a))),
):  # fmt: skip
    _add(_ufunc, _left, _right)

_add(
    scipy.special.betainc,
    _unknown(scipy.special.betainc, "a"),
    _unknown(scipy.special.betainc, "b"),
    lambda g, y, a, b, x: g * np.exp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - betaln(a, b)),
)

SPECIAL.lead(scipy.special.expit, SIGMOID)
SPECIAL.lead(scipy.special.erf, ERF)


@SPECIAL.implements(scipy.special.log_expit)
def _log_expit(x: Any) -> Any:
    return -SOFTPLUS(-x)


def xlogy(x: Any, y: Any) -> Any:
    """Return x log y, and 0 where x is 0."""
    return np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y)))


def xlog1py(x: Any, y: Any) -> Any:
    """Return x log(1 + y), and 0 where x is 0."""
    return np.where(x == 0, 0, x * np.log1p(np.where(x == 0, 0, y)))


SPECIAL.add(
    "xlogy", scipy.special.xlogy,
    (
        lambda g, y, a, b: unbroadcast(g * np.log(b), a),
        lambda g, y, a, b: unbroadcast(g * a / b, b),
    ),
    "xlogy(_0, _1)", of=scipy.special.xlogy, kernel=Composite(xlogy), helpers=(xlogy,),
)  # fmt: skip
SPECIAL.add(
    "xlog1py", scipy.special.xlog1py,
    (
        lambda g, y, a, b: unbroadcast(g * np.log1p(b), a),
        lambda g, y, a, b: unbroadcast(g * a / (1 + b), b),
    ),
    "xlog1py(_0, _1)", of=scipy.special.xlog1py, kernel=Composite(xlog1py), helpers=(xlog1py,),
)  # fmt: skip
