import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule._src.sweeps.rungs import (
    Bracket,
    check_factor,
    halving,
    hyperband,
    keys_of,
    order,
    survivors,
)
from chainrule.errors import OptionError

SCORES = st.lists(st.sampled_from([0.0, -0.0, 0.5, 1.0, np.nan, np.inf, -np.inf]), max_size=12)
COUNTS = {"count": st.integers(1, 5000), "epochs": st.integers(1, 300), "factor": st.integers(2, 5)}


@given(scores=SCORES, count=st.integers(0, 12), higher=st.booleans())
@example(scores=[np.nan, np.nan], count=2, higher=True)
def test_the_best_survive_and_of_equal_ones_the_first(scores, count, higher):
    found = survivors(np.array(scores), count, higher)
    sign = -1 if higher else 1
    finite = [i for i, score in enumerate(scores) if np.isfinite(score)]
    assert found.tolist() == sorted(sorted(finite, key=lambda i: (sign * scores[i], i))[:count])
    assert sorted(order(np.array(scores), higher)) == list(range(len(scores)))


@given(**COUNTS)
def test_halving_divides_models_and_multiplies_epochs(count, epochs, factor):
    (bracket,) = halving(5, count, epochs, factor)
    assert bracket.first == 5
    assert bracket.epochs[-1] == epochs
    assert bracket.sizes[0] == count
    assert all(
        late > early for early, late in zip(bracket.epochs, bracket.epochs[1:], strict=False)
    )
    assert all(few == many // factor
               for many, few in zip(bracket.sizes, bracket.sizes[1:], strict=False))  # fmt: skip
    assert bracket.sizes[-1] >= 1
    assert bracket.cost <= count * epochs


@given(**COUNTS)
def test_hyperband_takes_every_candidate_once(count, epochs, factor):
    brackets = hyperband(3, count, epochs, factor)
    assert brackets[0].first == 3
    for one, other in itertools.pairwise(brackets):
        assert other.first == one.first + one.count
    assert sum(bracket.count for bracket in brackets) == count
    assert all(bracket.epochs[-1] == epochs for bracket in brackets)


def test_hyperband_trains_as_long_in_each_bracket():
    # Li et al. (2018), table 1, R = 81, f = 3: (81, 34, 15, 8, 5) candidates of 143
    brackets = hyperband(0, 143, 81, 3)
    assert [bracket.epochs[0] for bracket in brackets] == [1, 3, 9, 27, 81]
    np.testing.assert_allclose([b.count for b in brackets], (81, 34, 15, 8, 5), atol=3)
    costs = [bracket.cost for bracket in hyperband(0, 14300, 81, 3)]
    assert max(costs) < 1.6 * min(costs)


def test_the_cost_counts_continued_epochs_once():
    assert Bracket(0, 9, (1, 3, 9), 3).cost == 9 * 1 + 3 * 2 + 1 * 6


@pytest.mark.parametrize("factor", [1, 2.5, True, "3"])
def test_a_factor_is_a_whole_number(factor):
    with pytest.raises(OptionError, match="halving: must be a whole number of at least 2"):
        check_factor(factor, "halving")


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan])] * 3), max_size=12),
    st.tuples(*[st.booleans()] * 3),
)
def test_fronts_hold_what_none_beats(rows, higher):
    scores = np.array(rows).reshape(-1, 3).T
    signed = np.where(np.array(higher)[:, np.newaxis], -scores, scores)
    keys = keys_of(scores, higher)

    def beats(i, j):
        one, other = signed[:, i], signed[:, j]
        return (one <= other).all() and (one < other).any()

    numbers = np.floor(keys)
    whole = np.flatnonzero(np.isfinite(signed).all(axis=0))
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(keys)), whole)
    for j in whole:
        ahead = [numbers[i] for i in whole if beats(i, j)]
        assert numbers[j] == (max(ahead) + 1 if ahead else 0)
        for i in whole:
            if numbers[i] == numbers[j] and signed[0, i] < signed[0, j]:
                assert keys[i] < keys[j]
