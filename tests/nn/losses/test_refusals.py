"""What no loss takes."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.cases import case

import chainrule as cr
from chainrule._src.nn import losses
from chainrule.errors import ChainruleError, DataError, ShapeError, UnknownNameError

SPARSE = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")
OF_LABELS = (*SPARSE, "ctc", "circle")  # of shapes of their own
DENSE = [name for name in losses.LOSSES if name not in OF_LABELS]
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("name", DENSE)
@given(true=shapes, pred=shapes)
@example(true=(3, 4), pred=(4, 3))  # equally many numbers
def test_shapes_that_would_broadcast_are_refused(name, true, pred):
    assume(true != pred and true != (*pred, 1) and pred != (*true, 1))
    loss = losses.LOSSES[name]()
    with pytest.raises(ShapeError) as error:
        loss(np.ones(true), np.ones(pred))
    assert str(true) in str(error.value)
    assert str(pred) in str(error.value)
    with pytest.raises(ShapeError):
        cr.grad(lambda p: np.sum(loss(np.ones(true), p)))(np.ones(pred))


@pytest.mark.parametrize("name", SPARSE)
@given(labels=shapes, scores=shapes)
def test_class_numbers_are_one_a_sample(name, labels, scores):
    assume(labels not in (scores[:-1], (*scores[:-1], 1)))
    with pytest.raises(ShapeError, match="one class number a sample"):
        losses.LOSSES[name]()(np.zeros(labels), np.ones(scores))


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("label", [-1, 3, 0.5, 7.0, np.nan, np.inf])
def test_class_numbers_are_whole_and_in_range(name, label):
    with pytest.raises(DataError, match=r"class numbers must be whole|NaN"):
        losses.LOSSES[name]()([0, label], np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, "text", None, 1j])
def test_targets_are_finite_numbers(bad):
    for name in DENSE:
        with case(name), pytest.raises(DataError):
            losses.LOSSES[name]()(np.array([[bad, 1.0]]), np.full((1, 2), 0.5))


@given(weight=shapes)
def test_weights_are_one_a_sample(weight):
    loss, y = losses.MeanSquaredError(), np.ones((3, 2))
    fits = weight in ((3,), (3, 1))
    if fits:
        assert loss(y, y + 1, np.ones(weight)) == 1
    else:
        with pytest.raises(ShapeError, match="one weight for each"):
            loss(y, y + 1, np.ones(weight))


@pytest.mark.parametrize("weight", [[1.0, np.nan], ["a", "b"]])
def test_weights_are_finite_numbers(weight):
    with pytest.raises(DataError, match="sample_weight"):
        losses.MeanSquaredError()(np.ones((2, 1)), np.ones((2, 1)), weight)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "binary_crossentropy"])
def test_logits_are_not_taken_for_probabilities(name):
    with pytest.raises(DataError, match="from_logits=True"):
        losses.LOSSES[name]()(np.eye(2), np.array([[-1.0, 2.0], [1.0, 0.0]]))


@pytest.mark.parametrize("empty", [np.empty((0, 3)), np.empty((3, 0)), np.float64(1)])
def test_nothing_has_no_loss(empty):
    with pytest.raises(ShapeError, match="at least one sample"):
        losses.MeanSquaredError()(empty, empty)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: losses.get("mes", "test"), UnknownNameError, "did you mean 'mse'"),
        (lambda: losses.get(3, "test"), DataError, "test: loss must be a name"),
        (lambda: losses.get(dict, "test"), DataError, "test: loss must be a name"),
        (lambda: losses.Huber(dtype="floaty"), DataError, "no dtype 'floaty'"),
        (lambda: losses.Huber(reduction="men"), UnknownNameError, "did you mean 'mean'"),
        (lambda: losses.Huber(delta=-1.0), DataError, "delta"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=1.5), DataError, "label_smoothing"),
        (lambda: losses.CategoricalCrossentropy(axis=True), DataError, "axis"),
        (lambda: losses.CategoricalCrossentropy(logits=True), UnknownNameError, "from_logits"),
        (lambda: losses.BinaryFocalCrossentropy(gamma="2"), DataError, "gamma"),
        (lambda: losses.LossFunctionWrapper(3), DataError, "must be a function"),
    ],
)
def test_arguments_are_checked(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_function_that_broadcasts_is_found_out():
    loss = losses.get(lambda y_true, y_pred: y_true[:, 0] - y_pred, "test")
    with pytest.raises(ShapeError, match="one value a sample"):
        loss(np.ones((3, 2)), np.ones((3, 2, 1, 1)))
    assert issubclass(ShapeError, ChainruleError)


def test_a_class_without_call_says_so():
    with pytest.raises(NotImplementedError, match="must define call"):
        losses.Loss()([1.0], [1.0])


@pytest.mark.parametrize(
    ("name", "y_true", "y_pred", "error"),
    [
        ("ctc", np.ones((2, 1)), np.zeros((2, 3)), ShapeError),
        ("ctc", np.ones(2), np.zeros((2, 3, 4)), ShapeError),
        ("ctc", [[4]], np.zeros((1, 3, 4)), DataError),
        ("ctc", [[0.5]], np.zeros((1, 3, 4)), DataError),
        ("ctc", [[np.nan]], np.zeros((1, 3, 4)), DataError),
        ("circle", np.ones(3), np.ones((2, 4)), ShapeError),
        ("circle", np.ones(2), np.ones(2), ShapeError),
        ("circle", [np.nan, 1], np.ones((2, 4)), DataError),
    ],
)
def test_labels_of_other_shapes_and_kinds_are_refused(name, y_true, y_pred, error):
    with pytest.raises(error, match=name):
        losses.LOSSES[name]()(y_true, y_pred)
