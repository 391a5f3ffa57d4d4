"""Wrong gradients in the style of public courses: the collection itself is sound.

``python -m tests.check.judge tests/check/courses`` holds the diagnosis against it.
"""

from pathlib import Path

import numpy as np
import pytest
from tests.check.collection import kinds_in, right_and_wrong, right_cases, wrong_cases, wrong_names

from chainrule._src.core.trees import leaves, map_leaves

pytestmark = pytest.mark.thorough  # they hold the collection, not the diagnosis

H = 1e-6
COURSES = {Path(kind).stem: kind for kind in kinds_in(Path(__file__).parent / "courses")}


def slopes(case):
    """Return the slope of the loss along a random direction: by hand, and by a difference.

    By hand it is NaN if a gradient has not the shape of its parameter.
    """
    rng = np.random.default_rng(1)
    start, data = case.args[0], case.args[1:]
    direction = map_leaves(lambda leaf: rng.normal(size=np.shape(leaf)), start)
    by_hand = dict(leaves(case.gradients(*case.args)))
    parts = [(by_hand[path], d) for path, d in leaves(direction)]
    matching = all(np.shape(g) == np.shape(d) for g, d in parts)
    slope = sum(np.sum(g * d) for g, d in parts) if matching else np.nan
    above = map_leaves(lambda leaf, d: leaf + H * d, start, direction)
    below = map_leaves(lambda leaf, d: leaf - H * d, start, direction)
    return slope, (case.loss(above, *data) - case.loss(below, *data)) / (2 * H)


@pytest.mark.parametrize("course", COURSES)
def test_right_gradients_are_right(course):
    cases = list(right_cases(COURSES[course]))
    assert cases
    for case in cases:
        slope, difference = slopes(case)
        assert slope == pytest.approx(difference, rel=1e-6, abs=1e-7), case.name


@pytest.mark.parametrize("course", COURSES)
def test_every_mistake_runs_and_makes_the_gradient_wrong(course):
    for case in wrong_cases(COURSES[course]):
        slope, difference = slopes(case)
        assert slope != pytest.approx(difference, rel=1e-5), case.name


def test_the_collection_is_large_and_each_mistake_says_what_it_is():
    names = [name for kind in COURSES.values() for name in wrong_names(kind)]
    assert len(names) >= 250
    for kind in COURSES.values():
        for number in range(len(wrong_names(kind))):
            right, wrong = right_and_wrong(kind, number)
            assert right != wrong
        assert all(phrase for case in wrong_cases(kind) for phrase in case.said)
