"""Putting layers together: what is kept, what is refused, what is left as it was."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ShapeError
from chainrule.layers import BatchNormalization, Conv2D, Dense, Input, Normalization

X = np.random.default_rng(0).normal(size=(6, 4)).astype("f4")


def test_a_built_layer_keeps_its_weights_in_a_model():
    layer = Dense(3)
    expected = layer(X)
    np.testing.assert_array_equal(cr.Sequential([layer]).predict(X), expected)
    np.testing.assert_array_equal(cr.Sequential([Input((4,)), layer]).predict(X), expected)


def test_what_was_adapted_stays_adapted():
    layer = Normalization()
    layer.adapt(X)
    model = cr.Sequential([layer, Dense(2)])
    model.build((None, 4))
    np.testing.assert_allclose(layer.mean, X.mean(axis=0), rtol=1e-5)


def test_a_layer_that_was_built_for_another_shape_is_refused():
    layer = Dense(3)
    layer(X)
    with pytest.raises(ShapeError, match=r"'dense'.* expected 4 in axis 1 .* received 5"):
        cr.Sequential([Input((5,)), layer])


def test_a_failed_build_leaves_the_model_as_it_was():
    model, fresh = (
        cr.Sequential([BatchNormalization(), Dense(3), Conv2D(2, 3)], seed=0) for _ in range(2)
    )
    with pytest.raises(ShapeError, match=r"'conv2d'.*images"):
        model.build((None, 4))
    assert not any(layer.built for layer in model.layers)
    for each in (model, fresh):
        each.build((None, 5, 5, 1))
    for a, b in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
