"""Programs are told apart by their constants, to the bit, also where all entries are the same."""

import numpy as np
import pytest

from chainrule._src.trace.keys import key_of

ZEROS = np.zeros((300, 20))
SIGNED = ZEROS.copy()
SIGNED[7, 3] = -0.0
ONE = np.ones((300, 20))
ONE[299, 19] = 2.0


@pytest.mark.parametrize(
    "other",
    [
        SIGNED, -ZEROS, ONE, np.ones((300, 20)), np.zeros((20, 300)), np.zeros((300, 20), "f4"),
        np.zeros((300, 20), bool), np.full((300, 20), np.nan), np.zeros((0, 20)), np.zeros(1),
    ],
)  # fmt: skip
def test_other_constants_have_other_keys(other):
    assert key_of(ZEROS) != key_of(other)
    assert key_of(other) == key_of(other.copy())
    assert key_of(ONE[:299]) == key_of(np.ones((299, 20)))


def test_the_key_of_what_is_the_same_all_over_is_short():
    assert len(repr(key_of(ZEROS))) < 100 < len(repr(key_of(SIGNED)))
