import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chainrule._src.sweeps.space import BLOCK, Space
from chainrule.errors import DataError, OptionError, UnknownNameError
from chainrule.sweeps import IntRange, LogUniform, Uniform

SPACE = {
    "lr": LogUniform(1e-4, 1e-1), "hidden": [16, 64, (64, 32)], "drop": Uniform(-1, 0.5),
    "layers": IntRange(1, 3), "momentum": 0.9,
}  # fmt: skip


@given(search=st.sampled_from(["random", "quasi"]), start=st.integers(0, 3 * BLOCK),
       count=st.integers(0, 2000))  # fmt: skip
def test_a_member_depends_on_seed_and_number_alone(search, start, count):
    space = Space(SPACE)
    whole = space.draw(search, range(start + count), 7)
    part = space.draw(search, range(start, start + count), 7)
    np.testing.assert_array_equal(part, whole[start:])


FINITE = st.dictionaries(
    st.sampled_from("abcd"),
    st.one_of(
        st.integers(1, 5).map(lambda n: list("vwxyz"[:n])),
        st.tuples(st.integers(-3, 3), st.integers(1, 20)).map(
            lambda t: IntRange(t[0], t[0] + t[1])
        ),
    ),
    max_size=3,
)


@given(space=FINITE, search=st.sampled_from(["random", "quasi"]), data=st.data())
def test_what_can_be_counted_is_drawn_once_each(space, search, data):
    space = Space(space)
    whole = space.draw(search, range(space.size), 7)
    assert len(whole) == space.size == len({tuple(row) for row in whole.tolist()})
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, space.size)] * 2)))
    np.testing.assert_array_equal(space.draw(search, range(start, stop), 7), whole[start:stop])


def test_a_large_space_is_drawn_once_each():
    space = Space({name: range(100) for name in "abcdefghij"})
    found = space.draw("random", range(5000), 0)
    assert len({tuple(row) for row in found.tolist()}) == 5000


@pytest.mark.parametrize("search", ["random", "quasi"])
def test_settings_are_spread_as_they_should_be(search):
    space = Space(SPACE)
    places = space.draw(search, range(4096), 0)
    found = [space.settings(place) for place in places]
    assert list(found[0]) == list(SPACE)
    assert {type(value) for value in found[0].values()} <= {float, int, tuple}
    decades = np.floor(np.log10([each["lr"] for each in found]))
    for values in (decades.tolist(), [e["hidden"] for e in found], [e["layers"] for e in found]):
        counts = [values.count(value) for value in set(values)]
        assert len(counts) == 3
        assert max(abs(count / 4096 - 1 / 3) for count in counts) < 0.03
    drops = np.array([each["drop"] for each in found])
    assert abs(drops.mean() + 0.25) < 0.03
    assert -1 <= drops.min() < -0.99
    assert 0.49 < drops.max() <= 0.5
    assert {each["momentum"] for each in found} == {0.9}
    assert (space.draw(search, range(9), 1) != places[:9]).any()


def test_a_quasi_random_sweep_leaves_smaller_gaps_than_a_random_one():
    space = Space({"a": Uniform(0, 1)})
    gaps = {s: np.diff(np.sort(space.draw(s, range(64), 0)[:, 0])).max()
            for s in ("quasi", "random")}  # fmt: skip
    assert gaps["quasi"] < 2 / 64 < gaps["random"]


def test_a_grid_has_every_combination_once():
    space = Space(
        {
            "lr": LogUniform(1, 100, points=3),
            "hidden": ["a", "b"],
            "n": IntRange(1, 2),
        }
    )
    found = [space.settings(place) for place in space.draw("grid", range(12), 0)]
    assert found[:2] == [{"lr": 1, "hidden": "a", "n": 1}, {"lr": 1, "hidden": "a", "n": 2}]
    np.testing.assert_allclose([each["lr"] for each in found[::4]], [1, 10, 100])
    assert len({tuple(each.values()) for each in found}) == 12
    assert Space({}).draw("grid", range(1), 0).shape == (1, 0)


def test_columns_have_the_values():
    space = Space({"a": [1, 2], "b": ["x", None], "c": [1, 2.5], "d": IntRange(3, 4), "e": [True]})
    columns = space.columns(np.array([[1, 1, 0, 3, 0], [0, 0, 1, 4, 0]], float))
    assert {name: column.tolist() for name, column in columns.items()} == {
        "a": [2, 1], "b": [None, "x"], "c": [1, 2.5], "d": [3, 4], "e": [True, True]
    }  # fmt: skip
    assert [column.dtype.kind for column in columns.values()] == ["i", "O", "O", "i", "b"]


def test_a_wider_space_has_the_members_of_a_narrower_one():
    narrow = Space(SPACE)
    wide = Space(
        SPACE | {"lr": LogUniform(1e-5, 1), "hidden": [(64, 32), 8, 64, 16], "new": [1, 2]}
    )
    places = narrow.draw("random", range(20), 0)
    told = Space.from_described(narrow.described())
    np.testing.assert_array_equal(told.draw("random", range(20), 0), places)
    moved = wide.translated(told, places)
    assert [wide.settings(p) for p in moved] == [narrow.settings(p) for p in places]
    assert np.isnan(wide.columns(moved)["new"].astype(float)).all()
    for other in ({"lr": LogUniform(1e-3, 1)}, {"lr": Uniform(0, 1)}, {"hidden": [16, 64]},
                  {"momentum": 0.8}):  # fmt: skip
        assert Space(SPACE | other).translated(narrow, places) is None
    assert Space({"lr": LogUniform(1e-4, 1e-1)}).translated(narrow, places) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Space([1]), "must be a dict of settings"),
        (lambda: Space({"a b": 1}), "an argument's name, received 'a b'"),
        (lambda: Space({"a": []}), "no choices of 'a'"),
        (lambda: Space({"a": {1, 2}}), "has no order; give a list"),
        (
            lambda: Space({"a": stats.loguniform(1e-4, 1)}),
            r"'a' is a distribution .* cr\.sweeps\.LogUniform\(",
        ),
        (lambda: LogUniform(0, 1), "low must be a finite number above 0"),
        (lambda: Uniform(1, 1), "low must be below high"),
        (lambda: IntRange(0, 1.5), "whole numbers"),
        (lambda: Uniform(0, np.inf), "high must be a finite number"),
    ],
)
def test_what_is_no_space_is_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_what_does_not_suit_a_search_is_refused():
    with pytest.raises(
        OptionError, match=r"values of 'lr' .* cr\.sweeps\.LogUniform\(1, 2, points=5\)"
    ):
        Space({"lr": LogUniform(1, 2)}).draw("grid", range(1), 0)
    with pytest.raises(UnknownNameError, match="did you mean 'random'"):
        Space({"a": [1]}).draw("randon", range(1), 0)
    with pytest.raises(OptionError, match="combinations, at most"):
        Space({name: range(1000) for name in "abc"}).draw("grid", range(1), 0)
