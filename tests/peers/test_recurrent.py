"""Recurrent layers and attention: values and gradients as Keras's, from equal weights."""

import functools

import jax
import keras
import numpy as np
import pytest

import chainrule as cr
from chainrule import layers as ours

theirs = keras.layers
pytestmark = pytest.mark.usefixtures("drawn_by_numpy")
RNG = np.random.default_rng(0)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def drawn(seed):
    """Return a layer as a function of the layers' room, and whether it is told of a mask."""
    rng = np.random.default_rng(seed)

    def one_of(*choices):
        return choices[rng.integers(len(choices))]

    kind = one_of("SimpleRNN", "LSTM", "GRU")
    how = {
        "activation": one_of("tanh", "tanh", "relu", "linear"),
        "use_bias": one_of(True, True, False),
        "return_sequences": one_of(True, False),
        "go_backwards": one_of(True, False),
        "unroll": one_of(True, False),
    }
    if kind != "SimpleRNN":
        how["recurrent_activation"] = one_of("sigmoid", "sigmoid", "hard_sigmoid")
    if kind == "GRU":
        how["reset_after"] = one_of(True, False)
    units, merged = int(rng.integers(1, 6)), one_of(None, None, "concat", "sum", "ave", "mul")

    if merged is not None:
        how["go_backwards"] = False

    def layer(room):
        made = getattr(room, kind)(units, **how)
        return made if merged is None else room.Bidirectional(made, merge_mode=merged)

    return layer, merged is None and one_of(True, False)


def held_equal(layer, x, **given):
    """Hold values and gradients of a layer against Keras's, by the weights and the input."""
    mine, other = layer(ours), layer(theirs)
    other.build(x.shape), mine(x)
    weights = [RNG.normal(size=w.shape).astype("f") / 2 for w in other.weights]
    other.set_weights(weights)
    mine.set_weights(weights)
    found = mine.call(x, **given)
    by = RNG.normal(size=found.shape).astype("f")
    frozen = [variable.value for variable in other.non_trainable_variables]

    @jax.jit  # one program: called as it stands, each of its operations would be compiled
    @functools.partial(jax.grad, argnums=(0, 1), has_aux=True)
    def slopes_and_value(variables, x):
        value = other.stateless_call(variables, frozen, x, **given)[0]
        return (value * by).sum(), value

    def loss(weights, x):
        return np.sum(mine.bound(weights).call(x, **given) * by)

    slopes, wanted = slopes_and_value([w.value for w in other.weights], x)
    np.testing.assert_allclose(found, np.asarray(wanted), **CLOSE, strict=True)
    found, of_x = cr.grad(loss, argnums=(0, 1))(mine.arrays, x)
    for one, two in zip([*found.values(), of_x], [*slopes[0], slopes[1]], strict=True):
        np.testing.assert_allclose(one, np.asarray(two), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("seed", range(30))
def test_drawn_layers(seed):
    layer, masked = drawn(seed)
    x, mask = RNG.normal(size=(4, 6, 3)).astype("f"), RNG.random((4, 6)) > 0.4
    held_equal(layer, x, **({"mask": mask} if masked else {}))


CELLS = {
    "one": lambda room: room.RNN(room.LSTMCell(4), return_sequences=True),
    "several": lambda room: room.RNN([room.LSTMCell(4), room.GRUCell(3)]),
    "stacked": lambda room: room.RNN(
        room.StackedRNNCells([room.SimpleRNNCell(4), room.LSTMCell(3)]), go_backwards=True
    ),
    "zeros": lambda room: room.RNN(
        room.GRUCell(4), return_sequences=True, zero_output_for_mask=True
    ),
    "every step": lambda room: room.TimeDistributed(room.Dense(4, activation="tanh")),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells(name):
    x, mask = RNG.normal(size=(4, 6, 3)).astype("f"), RNG.random((4, 6)) > 0.4
    held_equal(CELLS[name], x)
    if name != "every step":
        held_equal(CELLS[name], x, mask=mask)


def own_cell(room):
    class Own(room.Layer):
        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

        def call(self, inputs, states):
            output = inputs @ self.kernel + states[0] * 0.5
            return output, [output]

    return room.RNN([Own(3), Own(2)], return_sequences=True)


def test_a_cell_of_ones_own():
    held_equal(own_cell, RNG.normal(size=(4, 6, 3)).astype("f"))


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_names_shapes_and_first_values_of_weights(kind):
    mine, other = getattr(ours, kind)(5), getattr(theirs, kind)(5)
    x = np.zeros((1, 2, 3), "f")
    mine(x), other(x)
    assert {w.name: w.shape for w in mine.weights} == {w.name: w.shape for w in other.weights}
    np.testing.assert_array_equal(mine.bias, np.asarray(other.cell.bias))
    U = mine.recurrent_kernel
    np.testing.assert_allclose(U @ U.T, np.eye(5), atol=1e-6)


def attention(**how):
    return lambda room: room.MultiHeadAttention(2, 4, **how)


@pytest.mark.parametrize("how", [{}, {"use_bias": False}, {"value_dim": 3, "output_shape": 6}])
def test_attention(how):
    mine, other = attention(**how)(ours), attention(**how)(theirs)
    x, v = (RNG.normal(size=(3, steps, 8)).astype("f") for steps in (5, 7))
    seen = RNG.random((3, 5, 7)) > 0.3
    seen[:, :, 0] = True
    other(x, x, return_attention_scores=True), mine(x)
    weights = [RNG.normal(size=w.shape).astype("f") / 2 for w in other.weights]
    other.set_weights(weights)
    mine.set_weights(weights)
    calls = [
        ((x, x), {}), ((x, x), {"use_causal_mask": True}), ((x, v), {"attention_mask": seen}),
        ((x, v, v[:, ::-1]), {"attention_mask": seen[:, np.newaxis]}),
    ]  # fmt: skip
    for given, options in calls:
        found = mine.call(*given, return_attention_scores=True, **options)
        wanted = other(*given, return_attention_scores=True, **options)
        for one, two in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, np.asarray(two), **CLOSE)


@pytest.mark.parametrize("merge_mode", [None, "concat"])
def test_states_that_batches_hand_on(merge_mode):
    def model(keras):
        layer = keras.layers.LSTM(4, stateful=True)
        if merge_mode:
            layer = keras.layers.Bidirectional(layer, merge_mode=merge_mode)
        return keras.Sequential([keras.layers.Input(batch_shape=(8, 5, 3)), layer])

    mine, other = model(cr), model(keras)
    mine.compile("sgd", "mse")
    mine.set_weights([np.asarray(w.value) for w in other.weights])
    x = RNG.normal(size=(32, 5, 3)).astype("f")
    batches = [x[i : i + 8] for i in range(0, 32, 8)]
    wanted = np.concatenate([other(batch) for batch in batches])  # its predict forgets, with JAX
    np.testing.assert_allclose(mine.predict(x), wanted, **CLOSE)
    mine.layers[0].reset_states()
    assert mine.evaluate(x, wanted, batch_size=8, verbose=0) < 1e-10
    np.testing.assert_allclose(
        mine.predict(x), np.concatenate([other(b) for b in batches]), **CLOSE
    )
    with pytest.raises(cr.errors.ShapeError, match="8 samples, received 5"):
        mine.predict(x[:5])
    other.layers[0].reset_state()
    mine.layers[0].reset_state()
    np.testing.assert_allclose(mine(batches[0]), other(batches[0]), **CLOSE)


OF_KERAS = {
    "LSTM": lambda: theirs.LSTM(4, dropout=0.1, unit_forget_bias=False),
    "GRU": lambda: theirs.GRU(4, reset_after=False, kernel_regularizer="l2"),
    "Bidirectional": lambda: theirs.Bidirectional(theirs.GRU(4), merge_mode="sum"),
    "TimeDistributed": lambda: theirs.TimeDistributed(theirs.Dense(4, activation="relu")),
    "cells": lambda: theirs.RNN([theirs.LSTMCell(4), theirs.GRUCell(2)], go_backwards=True),
}


@pytest.mark.parametrize("name", OF_KERAS)
def test_from_keras_and_back(name):
    model = keras.Sequential([keras.Input((5, 3)), OF_KERAS[name](), theirs.Dense(2)])
    x = RNG.normal(size=(6, 5, 3)).astype("f")
    mine = cr.from_keras(model)
    wanted = model.predict(x, verbose=0)
    np.testing.assert_allclose(mine.predict(x), wanted, **CLOSE)
    np.testing.assert_allclose(mine.to_keras().predict(x, verbose=0), wanted, **CLOSE)


class Decoder(ours.Layer):
    """Two recurrent layers, the second of which begins with the states of the first."""

    def __init__(self):
        super().__init__()
        self.first = ours.LSTM(4, return_state=True)
        self.second = ours.LSTM(4, return_sequences=True)
        self.attention = ours.MultiHeadAttention(2, 3)
        self.wide = ours.Dense(7)

    def call(self, x):
        y, h, c = self.first(x)
        z = self.second(x[:, :3], initial_state=[h, c])
        return self.attention(z, self.wide(x)) + y[:, np.newaxis]


def test_states_and_other_sequences_within_a_layer_of_layers():
    x, layer = RNG.normal(size=(6, 5, 3)).astype("f"), Decoder()
    model = cr.Sequential([ours.Input((5, 3)), layer, ours.Flatten(), ours.Dense(1)], seed=0)
    first, second = (theirs.LSTM(4, **{how: True}) for how in ("return_state", "return_sequences"))
    attention = theirs.MultiHeadAttention(2, 3)
    first(x), second(x), attention(np.zeros((1, 3, 4)), np.zeros((1, 5, 7)))
    for mine, other in [
        (layer.first, first), (layer.second, second), (layer.attention, attention)
    ]:  # fmt: skip
        other.set_weights(mine.get_weights())
    y, h, c = first(x)
    value = x @ layer.wide.kernel
    wanted = np.asarray(attention(second(x[:, :3], initial_state=[h, c]), value)) + y[:, np.newaxis]
    np.testing.assert_allclose(layer(x), np.asarray(wanted), **CLOSE)
    model.compile("sgd", "mse")
    losses = model.fit(x, x[:, 0, :1], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    with pytest.raises(cr.errors.ShapeError, match="is a tuple"):
        cr.Sequential([ours.Input((5, 3)), ours.LSTM(2, return_state=True)])
