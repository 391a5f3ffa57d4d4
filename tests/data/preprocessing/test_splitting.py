import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.preprocessing import split_rows


@given(n=st.integers(2, 300), share=st.floats(0.01, 0.9), seed=st.integers(0, 2**32))
def test_so_many_rows_are_kept_aside(n, share, seed):
    held = split_rows(n, share, seed)
    assert held.shape == (n,)
    assert held.sum() == min(max(1, round(share * n)), n - 1)
    np.testing.assert_array_equal(held, split_rows(n, share, seed))


@given(
    counts=st.lists(st.integers(1, 50), min_size=2, max_size=8),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 2**32),
)
def test_classes_are_split_in_proportion(counts, share, seed):
    if max(counts) == 1:
        return
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    held = split_rows(classes, share, seed)
    for k, count in enumerate(counts):
        kept = held[classes == k].sum()
        assert kept < count
        assert abs(kept - share * count) < 1.0 + 1e-9
    assert held.sum() <= max(1, round(share * len(classes)))


def test_another_seed_keeps_other_rows():
    assert (split_rows(100, 0.5, 0) != split_rows(100, 0.5, 1)).any()


def test_no_share_keeps_nothing():
    assert not split_rows(5, 0.0).any()


@pytest.mark.parametrize("rows", [1, np.array([0, 1, 2])])
def test_too_few_rows_are_refused(rows):
    with pytest.raises(DataError, match="too few to keep some aside"):
        split_rows(rows, 0.2)


@pytest.mark.parametrize("share", [-0.1, 1.0, "half", np.nan])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(DataError, match="share must be"):
        split_rows(10, share)


def test_the_caller_says_how_none_are_kept_aside():
    with pytest.raises(DataError, match="give more, or validation_fraction=0"):
        split_rows(1, 0.2, none="validation_fraction=0")
