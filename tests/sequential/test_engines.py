"""The two engines, NumPy and compiled, train networks of any make to the same weights."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
    st.builds(layers.Reshape, st.just((4, 3, 1))),
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
# Where a gradient is zero but for rounding, before a normalisation for instance, a smaller epsilon
# would make whole steps of what was rounded away.
OPTIMIZERS = st.sampled_from(
    [
        optimizers.SGD(0.05, momentum=0.9),
        optimizers.Adam(0.01, epsilon=0.01),
        optimizers.RMSprop(0.01, epsilon=0.01),
    ]
)
LOSSES = st.sampled_from(
    [losses.SparseCategoricalCrossentropy(from_logits=True), losses.MeanSquaredError()]
)


@settings(max_examples=4)
@given(
    st.just(()) | PICTURES,
    st.lists(HIDDEN, max_size=3),
    OPTIMIZERS,
    LOSSES,
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_both_engines_end_at_the_same_weights(front, hidden, optimizer, loss, batch_size, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(19, 12)).astype("f4"), rng.integers(3, size=19)
    config = cr.Sequential([*front, *hidden, layers.Dense(3)]).get_config()
    if isinstance(loss, losses.MeanSquaredError):
        y = np.eye(3, dtype="f4")[y]
    ends = []
    for engine in ("numpy", "compiled"):
        model = cr.Sequential.from_config(config)
        model.rng = np.random.default_rng(seed)
        model.compile(type(optimizer).from_config(optimizer.get_config()), loss, engine=engine)
        history = model.fit(x, y, batch_size, epochs=2, verbose=0)
        ends.append([*model.get_weights(), *map(np.array, history.history.values())])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
