import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule._src.data.preprocessing.targets import natural_order
from chainrule.errors import DataError, ShapeError
from chainrule.preprocessing import Target


@pytest.mark.parametrize(("values", "task"), [
    (["b", "a", "b"], "classification"),
    ([True, False, True], "classification"),
    ([0, 1, 1, 0, 1], "classification"),
    ([0, 1, 2, 1], "regression"),
    (list(range(20)) * 3, "classification"),
    (list(range(21)) * 3, "regression"),
    ([0.5, 1.5] * 9, "regression"),
    (np.arange(5000.0), "regression"),
])  # fmt: skip
def test_the_task_is_told_by_the_values(values, task):
    assert Target.learn("y", values).task == task


@pytest.mark.parametrize(("values", "classes"), [
    ([10, 9, -1] * 4, ("-1", "9", "10")),
    (["b10", "b2", "a"], ("a", "b2", "b10")),
    ([True, False], ("False", "True")),
])  # fmt: skip
def test_classes_are_in_a_sensible_order(values, classes):
    target = Target.learn("y", values)
    assert target.classes == classes
    assert target.decode(np.eye(len(classes))).tolist() == list(classes)


@given(st.lists(st.text("ab01²x", max_size=6)))
def test_every_name_has_its_place(names):
    ordered = sorted(names, key=natural_order)
    assert sorted(ordered) == sorted(names)
    assert sorted(ordered, key=natural_order) == ordered


def test_digits_count_as_numbers_within_names():
    assert sorted(["a10x", "a2x", "a2", "a02"], key=natural_order) == ["a02", "a2", "a2x", "a10x"]


def test_classes_are_encoded_and_decoded():
    values = np.array(["b", "a", "c", "b"], dtype=object)
    target = Target.learn("y", values)
    codes = target.encode(values)
    assert codes.dtype == np.int32
    assert codes.tolist() == [1, 0, 2, 1]
    assert target.decode(np.eye(3)[codes]).tolist() == values.tolist()
    assert target.counts == (1, 2, 1)


def test_numbers_that_are_classes_have_whole_names():
    target = Target.learn("y", [3.0, 7.0] * 5)
    assert target.encode([7, 3]).tolist() == [1, 0]
    assert target.decode([0.2, 0.9]).tolist() == ["3", "7"]
    assert target.decode([[0.2], [0.9]]).tolist() == ["3", "7"]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=50, unique=True))
def test_a_quantity_is_scaled_and_scaled_back(values):
    values = np.array([*values, values[0] + 0.5])
    if values.std() < 1e-3:
        return
    target = Target.learn("y", values, "regression")
    scaled = target.encode(values)
    assert scaled.dtype == np.float32
    assert abs(scaled.mean(dtype=np.float64)) < 1e-5 * max(1, abs(values.mean()) / values.std())
    np.testing.assert_allclose(target.decode(scaled), values, atol=1e-6 * np.abs(values).max())
    np.testing.assert_allclose(target.decode(scaled[:, None]), target.decode(scaled))


@pytest.mark.parametrize(("values", "task", "message"), [
    ([1.0, 1.0], "auto", "always 1; there is nothing to learn"),
    (["a", "a"], "auto", "at least two classes, but it holds 'a'"),
    (["a", "b"], "regression", "holds text; regression needs numbers"),
    ([0.5, 1.0], "classification", "classes must be whole numbers or text"),
    ([f"id{i}" for i in range(1001)], "auto", "more than 1,000 classes; is it the right column"),
    (np.arange(1001), "classification", "more than 1,000 classes"),
    (["a", None], "auto", "the value in row 2 is missing"),
    ([1.0, np.nan], "auto", "the value in row 2 is missing"),
    ([1.0, np.inf], "auto", "infinite"),
    (np.ones((2, 2, 2)), "auto", "it holds images"),
    ([2.0**53, 2.0**53 + 2] * 30, "auto", "lose their last digits"),
])  # fmt: skip
def test_nothing_to_learn_is_refused(values, task, message):
    with pytest.raises(DataError, match=message):
        Target.learn("y", values, task)


@pytest.mark.parametrize(("values", "message"), [
    (["a", "z"], "row 2: 'z' is none of the classes of training: 'a', 'b'"),
    (["a", None], "row 2 is missing"),
    ([1.0, 2.0], "held text in training, but holds numbers"),
])  # fmt: skip
def test_labels_that_do_not_fit_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        Target.learn("y", ["a", "b"]).encode(values)


def test_text_for_numbers_is_refused():
    for numbers in ([0, 1] * 4, [0.5, 1.5, 2.5]):
        with pytest.raises(DataError, match="held numbers in training, but holds text"):
            Target.learn("y", numbers).encode(["a"])


@pytest.mark.parametrize(("values", "shape"), [
    (["a", "b", "c"], (4,)), (["a", "b", "c"], (4, 2)), (["a", "b", "c"], (4, 1)),
    (["a", "b"], (4, 3)), ([0.5, 1.5], (4, 2)), ([0.5, 1.5], (4, 1, 1)),
])  # fmt: skip
def test_scores_of_another_shape_are_refused(values, shape):
    with pytest.raises(ShapeError, match="decode: expected scores of shape"):
        Target.learn("y", values).decode(np.zeros(shape))


@pytest.mark.parametrize("values", [["a", "b"], [0, 5] * 3, [0.1, 0.7, 1 / 3]])
def test_a_description_in_json_makes_the_same_again(values):
    target = Target.learn("y", values)
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


@pytest.mark.parametrize("change", [
    {"task": "ranking"}, {"kind": "image"}, {"classes": ["a"]}, {"classes": ["a", "a"]},
    {"counts": [1]}, {"counts": [1, -1]}, {"counts": [1, 1.5]}, {"kind": "number"},
    {"task": "regression"}, {"classes": "ab"}, {"name": None},
])  # fmt: skip
def test_a_damaged_description_is_refused(change):
    with pytest.raises(DataError, match="target"):
        Target.from_dict(Target.learn("y", ["a", "b"]).to_dict() | change)


def test_classes_of_one_row_each_are_no_classes():
    with pytest.raises(DataError, match="different in each of 30 rows"):
        Target.learn("name", [f"n{i}" for i in range(30)])
