"""Values of losses."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.nn import losses
from chainrule._src.nn.losses import operands
from chainrule.errors import ShapeError

NUMBERS, POSITIVE, ROWS, SHARES, LABELS = "numbers", "positive", "rows", "shares", "labels"
# loss, options, targets, predictions
CASES = [
    *((name, {}, NUMBERS, NUMBERS) for name in (
        "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCosh", "Huber",
        "CosineSimilarity",
    )),
    ("CosineSimilarity", {"axis": 0}, NUMBERS, NUMBERS),
    ("Huber", {"delta": 0.3}, NUMBERS, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, POSITIVE, NUMBERS),
    ("Poisson", {}, POSITIVE, POSITIVE),
    ("KLDivergence", {}, ROWS, ROWS),
    *((name, {}, target, NUMBERS) for name in ("Hinge", "SquaredHinge")
      for target in (NUMBERS, "ones")),
    ("CategoricalHinge", {}, "one_hot", NUMBERS),
    ("CategoricalCrossentropy", {}, "one_hot", ROWS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, ROWS, POSITIVE),
    ("CategoricalCrossentropy", {"axis": 0}, SHARES, POSITIVE),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ROWS, NUMBERS),
    ("BinaryCrossentropy", {}, "ones", SHARES),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, SHARES, SHARES),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, SHARES, NUMBERS),
    ("CategoricalFocalCrossentropy", {}, "one_hot", ROWS),
    ("CategoricalFocalCrossentropy",
     {"alpha": 0.5, "gamma": 1.5, "from_logits": True, "label_smoothing": 0.1}, ROWS, NUMBERS),
    ("BinaryFocalCrossentropy", {}, "ones", SHARES),
    ("BinaryFocalCrossentropy",
     {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "from_logits": True,
      "label_smoothing": 0.1}, "ones", NUMBERS),
    ("SparseCategoricalCrossentropy", {}, LABELS, ROWS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, NUMBERS),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, LABELS, ROWS),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}, LABELS, NUMBERS),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, LABELS, ROWS),
    ("Dice", {"axis": -1}, "ones", SHARES),
    ("Tversky", {"alpha": 0.3, "beta": 0.9, "axis": -1}, SHARES, SHARES),
]  # fmt: skip


def drawn(kind, rng, shape, ignored=None):
    numbers = rng.normal(size=shape) * 2
    if kind == LABELS:
        labels = rng.integers(0, shape[-1], shape[:-1])
        return (
            labels
            if ignored is None
            else np.where(rng.uniform(size=labels.shape) < 0.3, ignored, labels)
        )
    return {
        NUMBERS: numbers,
        POSITIVE: np.abs(numbers) + 0.01,
        SHARES: rng.uniform(size=shape),
        ROWS: np.exp(numbers) / np.exp(numbers).sum(-1, keepdims=True),
        "ones": (numbers > 0) * 1.0,
        "one_hot": np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])],
    }[kind]


def case_data(case, shape, seed=0):
    _, options, targets, predictions = case
    rng = np.random.default_rng(seed)
    return drawn(targets, rng, shape, options.get("ignore_class")), drawn(predictions, rng, shape)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_the_predictions_dtype_is_kept(case):
    name, options = case[:2]
    y_true, y_pred = case_data(case, (4, 3))
    ours = getattr(losses, name)(**options)
    for weight in (None, np.ones(3 if options.get("axis") == 0 else 4)):
        value = ours(y_true, y_pred.astype("f4"), weight)
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, ours(y_true, y_pred, weight), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("labels", [[[0], [2]], [[0.0], [2.0]], [0.0, 2.0], [False, True]])
def test_class_numbers_in_any_form(labels):
    p = np.array([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])
    expected = -np.log(p[[0, 1], np.ravel(labels).astype(int)])
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(labels, p), expected)


def test_every_loss_is_found_by_each_of_its_names():
    for name, loss in losses.LOSSES.items():
        assert type(losses.get(name, "test")) is loss
        assert type(losses.get(loss.__name__, "test")) is loss
        again = loss.from_config(loss(reduction="sum").get_config())
        assert (again.name, again.reduction) == (loss().name, "sum")


def test_a_direction_of_almost_no_length_has_a_gradient_that_steps_survive():
    y_true, tiny = np.array([[1.0, 0.0]]), np.array([[1e-8, 0.0]])
    np.testing.assert_allclose(losses.cosine_similarity(y_true, tiny), [-0.1], rtol=1e-12)
    gradient = cr.grad(lambda p: np.sum(losses.cosine_similarity(y_true, p)))(np.zeros((1, 2)))
    np.testing.assert_allclose(gradient, [[-1e7, 0.0]], rtol=1e-12)


def test_ctc_sums_over_all_ways_to_spread_the_labels():
    logits = np.random.default_rng(0).normal(size=(1, 5, 3))
    shares = np.exp(cr.functions.log_softmax(logits))[0]
    for labels in ([1], [2, 2], [1, 2, 1], [2, 0], [0, 0]):
        wanted = [label for label in labels if label]
        ways = [
            way for way in itertools.product(range(3), repeat=5)
            if [k for k, _ in itertools.groupby(way) if k] == wanted
        ]  # fmt: skip
        total = sum(np.prod(shares[range(5), way]) for way in ways)
        np.testing.assert_allclose(losses.ctc([labels], logits), [-np.log(total)], rtol=1e-12)


def test_what_ctc_cannot_spread_is_as_good_as_impossible_and_moves_nothing_else():
    logits = np.random.default_rng(0).normal(size=(2, 2, 3))
    labels = np.array([[1, 1], [1, 2]])  # equal ones need a blank between them: three steps
    assert losses.ctc(labels, logits)[0] > 9e4
    gradient = cr.grad(lambda z: np.sum(losses.ctc(labels, z)))(logits)
    assert np.isfinite(gradient).all()
    alone = cr.grad(lambda z: np.sum(losses.ctc(labels[1:], z)))(logits[1:])
    np.testing.assert_array_equal(gradient[1:], alone)


def test_circle_is_the_mean_over_those_that_have_others_of_their_class():
    points = np.random.default_rng(0).normal(size=(4, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    labels = [0, 0, 1, 2]
    each = losses.circle(labels, points)
    assert (each[:2] > 0).all()
    assert (each[2:] == 0).all()
    np.testing.assert_allclose(losses.Circle()(labels, points), each[:2].mean())
    assert losses.Circle()([0, 1, 2, 3], points) == 0


def test_a_row_of_weights_is_a_weight_for_each_column():
    y_true, y_pred = np.zeros((2, 3, 1)), np.arange(6.0).reshape(2, 3, 1)
    loss = cr.losses.MeanAbsoluteError()
    weighted = loss(y_true, y_pred, sample_weight=[[1.0, 0.0, 2.0]])
    assert weighted == pytest.approx((0 + 2 * 2 + 3 + 2 * 5) / 6)


A = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "values"),
    [
        ([[1.0], [2.0]], [3.0, 5.0], [4, 9]),
        ([1.0, 2.0], [[3.0], [5.0]], [4, 9]),
        (A[..., None], A + 1, [1, 1]),
        (A, A[..., None] + [[[1.0]], [[2.0]]], [1, 4]),
    ],
)
def test_a_last_axis_of_one_makes_no_difference(y_true, y_pred, values):
    np.testing.assert_array_equal(cr.losses.mean_squared_error(y_true, y_pred), values)


@pytest.mark.parametrize(
    ("shape", "of_values", "spread"),
    [
        ((2, 1), (2,), (2,)), ((2,), (2, 3), (2, 1)), ((2, 3, 1), (2, 3), (2, 3)),
        ((1, 3), (2, 3), (1, 3)), ((2, 1), (2, 3), (2, 1)), ((), (2, 3), ()),
        ((2, 3), (2, 3), (2, 3)), ((2, 3), (2, 3, 4), (2, 3, 1)), ((2, 1), (2, 3, 4), (2, 1, 1)),
        ((1,), (2, 3), None), ((1,), (2,), None), ((3,), (2, 3), None), ((1, 3), (2, 3, 4), None),
    ],
)  # fmt: skip
def test_weights_broadcast_along_the_first_axes(shape, of_values, spread):
    if spread is None:
        with pytest.raises(ShapeError, match="expected one weight for each"):
            operands.spread(np.ones(shape), of_values, np.float64, "loss")
    else:
        weights = operands.spread(np.ones(shape), of_values, np.float64, "loss")
        assert weights.shape == spread
