"""What a learner's code may change is as it was after a run."""

import numpy as np
import pytest

from chainrule._src.check.reach import random_states

SHARED = np.random.rand.__self__  # the generator of the functions in `numpy.random`


@pytest.mark.parametrize("normals", [0, 1])  # they are drawn in pairs, and one is stored
@pytest.mark.parametrize(
    "draw",
    [
        lambda: None,
        SHARED.rand,
        SHARED.randn,
        lambda: SHARED.rand(624),  # as many words as the state has
        lambda: SHARED.seed(9),
        lambda: SHARED.shuffle([1, 2, 3]),
    ],
)
def test_the_functions_of_numpy_random_draw_as_before(draw, normals):
    before = SHARED.get_state()
    try:
        SHARED.seed(3)
        SHARED.randn(normals)
        restores = random_states(())
        expected = SHARED.randn(3)
        for _ in range(3):
            for restore in restores:
                restore()
            draw()
        for restore in restores:
            restore()
        np.testing.assert_array_equal(SHARED.randn(3), expected)
    finally:
        SHARED.set_state(before)
