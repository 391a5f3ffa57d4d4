"""Dropout: how often, how much, when, and the same again from the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr

X = np.ones((200, 50), "f4")


def dropped(layer, x=X):
    return cr.Sequential([layer])(x, training=True)


@given(st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_entries_vanish_with_the_rate_and_the_others_make_up_for_it(rate, seed):
    y = dropped(cr.layers.Dropout(rate, seed=seed))
    kept = y != 0
    n, chance = kept.size, 1 - rate
    assert abs(kept.mean() - chance) < 6 * np.sqrt(chance * rate / n)
    np.testing.assert_allclose(y[kept], 1 / chance, rtol=1e-6)


def test_rows_and_columns_vanish_alike():
    kept = dropped(cr.layers.Dropout(0.3, seed=0), np.ones((400, 400), "f4")) != 0
    for axis in (0, 1):
        assert abs(kept.mean(axis=axis) - 0.7).max() < 5 * np.sqrt(0.3 * 0.7 / 400)


def test_every_update_has_a_mask_of_its_own():
    model = cr.Sequential([cr.layers.Dropout(0.5, seed=0)])
    first, second = model(X, training=True), model(X, training=True)
    assert 0.4 < np.mean((first == 0) == (second == 0)) < 0.6


def test_two_layers_have_masks_of_their_own():
    model = cr.Sequential([cr.layers.Dropout(0.5), cr.layers.Dropout(0.5)], seed=0)
    both = np.mean(model(X, training=True) != 0)
    assert abs(both - 0.25) < 0.03


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_outside_training_nothing_vanishes(rate):
    model = cr.Sequential([cr.layers.Input((50,)), cr.layers.Dropout(rate)])
    np.testing.assert_array_equal(model.predict(X), X)
    np.testing.assert_array_equal(model(X), X)


def test_the_gradient_passes_where_the_entry_did():
    layer = cr.layers.Dropout(0.5, seed=3)
    layer(X)

    def total(x):
        return np.sum(layer.bound({}).run(x, True))

    slope = cr.grad(total)(X)
    np.testing.assert_array_equal(slope, layer.bound({}).run(X, True))


def trained(seed, engine):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype("f4"), rng.integers(3, size=60)
    model = cr.Sequential(
        [cr.layers.Dense(8), cr.layers.Dropout(0.5), cr.layers.Dense(3)], seed=seed
    )
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, engine=engine)
    model.fit(x, y, epochs=3, verbose=0)
    return model.get_weights()


def test_training_is_the_same_again_from_the_same_seed():
    for a, b in zip(trained(0, "numpy"), trained(0, "numpy"), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(trained(0, "numpy")[0], trained(1, "numpy")[0])


def test_both_engines_draw_the_same_masks():
    for a, b in zip(trained(0, "numpy"), trained(0, "compiled"), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
