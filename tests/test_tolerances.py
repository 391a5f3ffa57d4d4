"""The bounds of rounding: wide enough for any order of a sum, too narrow for a fault."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nn.network.networks import networks, samples
from tests.tolerances import assert_apart, assert_predicts, bounds, of_weights


@given(st.integers(1, 200), st.floats(-1, 1, width=32), st.integers(0, 999))
def test_a_sum_in_any_order_is_within_the_bounds(n, mean, seed):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=n) + 5 * mean).astype("f4")
    allowed = bounds(np.sum, x)
    one_by_one = [np.add.accumulate(terms)[-1] for terms in (x, x[::-1], np.sort(x))]
    exact = math.fsum(x)
    for total in (*one_by_one, x.sum()):
        assert_apart(total, exact, allowed)


@settings(max_examples=10)
@given(networks(), st.data())
def test_a_weight_that_is_wrong_is_not(model, data):
    X, weights = samples(model, 7), model.get_weights()
    wrong = data.draw(st.integers(0, len(weights) - 1))
    other = [w * 1.1 if i == wrong else w for i, w in enumerate(weights)]
    found = of_weights(model, type(model).predict)(other, X)
    if np.abs(found - model.predict(X)).max() > 1e-3:  # where the weight matters
        with pytest.raises(AssertionError, match="instead of"):
            assert_predicts(found, model, X)
