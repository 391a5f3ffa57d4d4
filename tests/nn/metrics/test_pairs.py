"""A loss and the metric of its name apply one function, with the same parameters."""

import inspect

import numpy as np
import pytest

from chainrule._src.nn import losses, metrics
from chainrule.errors import DataError

PAIRS = sorted(
    name
    for name in {*losses.__all__} & {*metrics.__all__}
    if isinstance(getattr(losses, name), type)
)


def parameters(cls):
    named = inspect.signature(cls).parameters.values()
    return {p.name: (p.default, p.annotation) for p in named if p.name not in ("reduction", "name")}


def test_there_are_thirteen_pairs():
    assert len(PAIRS) == 13


@pytest.mark.parametrize("name", PAIRS)
def test_both_apply_one_function_with_the_same_parameters(name):
    loss, metric = getattr(losses, name), getattr(metrics, name)
    assert loss.function is metric.function
    of_loss = parameters(loss)
    assert parameters(metric).items() <= of_loss.items()
    assert of_loss.keys() - parameters(metric) <= {"axis"}  # which Keras's metric lacks


def test_parameters_that_are_set_later_count():
    y_true, y_pred = np.array([[0.0], [1.0]]), np.array([[0.0], [3.0]])
    loss, metric = losses.BinaryCrossentropy(), metrics.BinaryCrossentropy()
    loss.from_logits = metric.from_logits = True
    expected = losses.binary_crossentropy(y_true, y_pred, from_logits=True).mean()
    assert loss(y_true, y_pred) == expected
    assert metric(y_true, y_pred) == expected


@pytest.mark.parametrize("room", [losses, metrics])
@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("CosineSimilarity", {"axis": 0.5}, "CosineSimilarity: axis must be a whole number"),
        ("BinaryCrossentropy", {"label_smoothing": 1}, "label_smoothing must be .* below 1"),
        ("SparseCategoricalCrossentropy", {"axis": True}, "axis must be a whole number"),
    ],
)
def test_both_refuse_the_same_values(room, name, options, match):
    with pytest.raises(DataError, match=match):
        getattr(room, name)(**options)
