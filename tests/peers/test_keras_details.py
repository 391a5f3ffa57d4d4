"""Details of layers that hold Keras's as the judge: masks, initial weights, shapes of states."""

import keras
import numpy as np
import pytest

from chainrule import errors, layers
from chainrule import keras as own

X = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("float32")
COUNTS = np.random.default_rng(1).random((6, 5)) < 0.6


def weights_of(layer):
    return [np.asarray(weight.value) for weight in layer.weights]


def test_batches_are_normalized_by_what_a_mask_leaves_in():
    mine, theirs = (
        layers.BatchNormalization(momentum=0.5),
        keras.layers.BatchNormalization(momentum=0.5),
    )
    found, expected = (layer(X, mask=COUNTS, training=True) for layer in (mine, theirs))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for weight, other in zip(mine.get_weights(), weights_of(theirs), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5, atol=1e-6)
    with pytest.raises(errors.ShapeError, match="mask of one axis less"):
        mine(X, mask=COUNTS[:, 0], training=True)


def test_weights_of_attention_begin_as_wide_as_keras_draws_them():
    shape = (None, 10, 32)
    mine, theirs = (of.MultiHeadAttention(8, 16) for of in (layers, keras.layers))
    mine.build(shape, shape), theirs.build(shape, shape)
    for weight, other in zip(mine.get_weights(), weights_of(theirs), strict=True):
        np.testing.assert_allclose(np.std(weight), np.std(other), rtol=0.05)


def test_attention_with_other_numbers_of_keys_and_values_is_refused():
    layer = layers.MultiHeadAttention(2, 4)
    with pytest.raises(errors.ShapeError, match="as many keys as values"):
        layer(X, X[:, :2], X[:, :1])


def test_a_layer_takes_inputs_of_another_shape_where_its_weights_stay_the_same():
    for mine, theirs in [
        (layers.Dense(4), keras.layers.Dense(4)),
        (layers.LayerNormalization(), keras.layers.LayerNormalization()),
    ]:
        mine(X[0]), theirs(X[0])
        mine.set_weights(weights_of(theirs))
        np.testing.assert_allclose(mine(X), theirs(X), rtol=1e-5, atol=1e-5)
        with pytest.raises(errors.ShapeError):
            mine(X[..., :2])


def test_weights_are_not_made_in_call():
    class Late(layers.Layer):
        def call(self, x):
            self.w = self.add_weight((3,))
            return x * self.w

    with pytest.raises(errors.DataError, match="in __init__ or in build"):
        Late()(X)


def test_losses_of_a_model_that_is_called():
    mine, theirs = (
        of.Sequential([of.layers.Dense(2, kernel_initializer="ones", activity_regularizer="l2")])
        for of in (own, keras)
    )
    mine(X[0]), theirs(X[0])
    np.testing.assert_allclose(mine.losses, np.asarray(theirs.losses), rtol=1e-5)
