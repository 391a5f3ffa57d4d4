"""SciPy's special functions of tensors."""

import numpy as np
import pytest
import scipy.special as sp
from tests.uber import assert_gradients, assert_keeps_float32, assert_three_ways

import chainrule as cr
from chainrule._src.ops.special import SPECIAL
from chainrule.errors import TraceError

UNIT = np.array([[0.2, 0.5], [0.71, 0.93]])
REAL = np.array([-1.3, 0.4, 0.9, 2.2])
POSITIVE = np.array([0.4, 1.3, 2.2])
CASES = {
    sp.expit: (REAL,), sp.log_expit: (REAL,), sp.logit: (UNIT,), sp.erf: (REAL,),
    sp.erfc: (REAL,), sp.erfinv: (UNIT,), sp.erfcinv: (UNIT,), sp.ndtr: (REAL,),
    sp.log_ndtr: (REAL,), sp.ndtri: (UNIT,), sp.entr: (POSITIVE,), sp.gammaln: (POSITIVE,),
    sp.gamma: (POSITIVE,), sp.rgamma: (POSITIVE,), sp.psi: (POSITIVE,), sp.i0: (REAL,),
    sp.i1: (REAL,), sp.j0: (REAL,), sp.j1: (REAL,), sp.y0: (POSITIVE,), sp.y1: (POSITIVE,),
    sp.xlogy: (UNIT, POSITIVE[:2]), sp.xlog1py: (UNIT, POSITIVE[:2]),
    sp.rel_entr: (UNIT, UNIT[:1] / 2), sp.kl_div: (UNIT, UNIT[:1] / 2),
    sp.beta: (POSITIVE, POSITIVE[:1]), sp.betaln: (POSITIVE, POSITIVE[:1]),
    sp.gammasgn: (POSITIVE,),
}  # fmt: skip
LAST = {
    sp.jv: (2, REAL), sp.yn: (3, POSITIVE), sp.yv: (2.5, POSITIVE), sp.iv: (2, POSITIVE),
    sp.ive: (2, POSITIVE), sp.gammainc: (1.7, POSITIVE), sp.gammaincc: (1.7, POSITIVE),
    sp.betainc: (1.7, 0.6, UNIT),
}  # fmt: skip
"""Functions differentiated for their last operand alone."""


def named(functions):
    return [f.__name__ for f in functions]


def test_every_function_is_tried():
    assert SPECIAL.numpy.keys() == CASES.keys() | LAST.keys()


@pytest.mark.parametrize("f", CASES, ids=named(CASES))
def test_gradients(f):
    assert_gradients(f, *CASES[f])
    assert_keeps_float32(f, *CASES[f])
    assert_three_ways(lambda xs: np.sum(np.sin(f(*xs))), CASES[f])


@pytest.mark.parametrize("f", LAST, ids=named(LAST))
def test_gradients_for_the_last_operand(f):
    *fixed, x = LAST[f]
    assert_gradients(lambda x: f(*fixed, x), x)
    assert_three_ways(lambda x: np.sum(np.sin(f(*fixed, x))), x)
    with pytest.raises(TraceError, match=f"{f.__name__}: its derivative with respect to"):
        cr.grad(lambda a: np.sum(f(a, *fixed[1:], x)))(np.float64(fixed[0]))


def test_entries_of_zero():
    """Where x is 0, x log y has the slope log y in x, and none in y."""
    for f, slope in ((sp.xlogy, np.log(2)), (sp.xlog1py, np.log(3))):
        assert cr.grad(f, (0, 1))(0.0, 2.0) == (pytest.approx(slope), 0)
