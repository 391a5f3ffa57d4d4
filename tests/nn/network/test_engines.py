"""The two engines, NumPy and compiled, train networks of any make to the same weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tolerances import assert_engines_agree

import chainrule as cr
from chainrule import layers, losses, optimizers

ACTIVATIONS = st.sampled_from(["relu", "tanh", "gelu", "softplus", None])
HIDDEN = st.one_of(
    st.builds(
        layers.Dense,
        st.integers(1, 9),
        ACTIVATIONS,
        st.booleans(),
        kernel_regularizer=st.sampled_from([None, "l1", "l2"]),
    ),
    st.builds(layers.BatchNormalization, momentum=st.floats(0.5, 0.99), center=st.booleans()),
    st.builds(layers.LayerNormalization, scale=st.booleans()),
    st.builds(layers.Dropout, st.floats(0, 0.6), seed=st.integers(0, 9)),
    st.builds(layers.Rescaling, st.floats(0.5, 2), st.floats(-1, 1)),
)
PICTURES = st.tuples(
    st.builds(layers.Reshape, st.just((3, 4, 1))),
    st.builds(
        layers.Conv2D,
        st.integers(1, 3),
        st.integers(1, 3),
        padding=st.sampled_from(["same", "valid"]),
        activation=ACTIVATIONS,
    ),
    st.builds(layers.MaxPooling2D, st.just((1, 2)))
    | st.builds(layers.AveragePooling2D, st.just(2), st.just(1), st.just("same")),
    st.sampled_from([layers.Flatten, layers.GlobalAveragePooling2D]).map(lambda kind: kind()),
)
OPTIMIZERS = st.sampled_from(
    [optimizers.SGD(0.05, momentum=0.9), optimizers.Adam(0.01), optimizers.RMSprop(0.01)]
)
LOSSES = st.sampled_from(
    [losses.SparseCategoricalCrossentropy(from_logits=True), losses.MeanSquaredError()]
)


@pytest.mark.thorough
@settings(max_examples=4)
@given(
    st.just(()) | PICTURES,
    st.lists(HIDDEN, max_size=3),
    OPTIMIZERS,
    LOSSES,
    st.integers(1, 12),
    st.integers(0, 9),
    st.sampled_from(["float64", "float32"]),
)
def test_both_engines_end_at_the_same_weights(
    front, hidden, optimizer, loss, batch_size, seed, dtype
):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(19, 12)).astype(dtype), rng.integers(3, size=19)
    if isinstance(loss, losses.MeanSquaredError):
        y = np.eye(3, dtype=dtype)[y]
    start = cr.Sequential([layers.Input((12,)), *front, *hidden, layers.Dense(3)], dtype=dtype)
    rows = slice(None) if dtype == "float64" else slice(batch_size)  # one batch

    def run(engine, weights, x):
        model = cr.Sequential.from_config(start.get_config())
        model.set_weights(weights)
        model.rng = np.random.default_rng(seed)
        model.compile(type(optimizer).from_config(optimizer.get_config()), loss, engine=engine)
        history = model.fit(x[rows], y[rows], batch_size, epochs=2, verbose=0)
        return model.get_weights(), history.history

    assert_engines_agree(run, start.get_weights(), x)


def test_nothing_is_computed_in_numpy_before_a_compiled_run():
    seen = []

    class Seen(layers.Layer):
        def call(self, x):
            seen.append(type(x))
            return x * 2

    X = np.random.default_rng(0).random((64, 5), np.float32)
    model = cr.Sequential([Seen(), layers.Dense(3)], seed=0)
    model.compile("adam", "mse", metrics=["mae"], engine="compiled")
    model.fit(X, X[:, :3], epochs=2, verbose=0)
    seen.clear()
    model.fit(X, X[:, :3], epochs=2, verbose=0)
    assert seen
    assert np.ndarray not in seen


@pytest.mark.filterwarnings("ignore:.*runs in NumPy")
def test_what_cannot_be_recorded_is_scored_in_numpy():
    class Listed(layers.Layer):
        def call(self, x):
            return np.array(x.tolist(), x.dtype)

    X = np.random.default_rng(0).random((8, 3), np.float32)
    model = cr.Sequential([Listed()])
    model.compile("adam", "mse", metrics=["mae"])
    model.build((None, 3))
    assert model.evaluate(X, X + 2, verbose=0) == pytest.approx([4, 2])
