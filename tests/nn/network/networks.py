"""Networks of many kinds, drawn by Hypothesis."""

import numpy as np
from hypothesis import strategies as st

import chainrule as cr
from chainrule import layers
from chainrule.preprocessing import Preprocessor

ACTIVATIONS = st.sampled_from(["relu", "tanh", "sigmoid", "elu", "gelu", "silu", "softplus", None])
PADDINGS = st.sampled_from(["valid", "same"])
COLUMNS = ("age", "year", "city", "team")


@st.composite
def dense_layers(draw):
    hidden = []
    for _ in range(draw(st.integers(0, 2))):
        hidden.append(layers.Dense(draw(st.integers(1, 5)), activation=draw(ACTIVATIONS)))
        kind = draw(st.sampled_from(["none", "batch", "layer", "dropout"]))
        if kind != "none":
            hidden.append(
                {
                    "batch": layers.BatchNormalization(momentum=0.5),
                    "layer": layers.LayerNormalization(),
                    "dropout": layers.Dropout(0.3),
                }[kind]
            )
    return [layers.Input((4,)), *hidden]


@st.composite
def image_layers(draw):
    pool = draw(st.sampled_from([layers.MaxPooling2D, layers.AveragePooling2D]))
    return [
        layers.Input((6, 5, 2)),
        layers.Conv2D(
            3,
            draw(st.integers(1, 3)),
            strides=draw(st.integers(1, 2)),
            padding=draw(PADDINGS),
            activation=draw(ACTIVATIONS),
        ),
        *([layers.BatchNormalization()] if draw(st.booleans()) else []),
        *([pool(2, strides=1, padding="same")] if draw(st.booleans()) else []),
        draw(st.sampled_from([layers.Flatten, layers.GlobalAveragePooling2D]))(),
    ]


@st.composite
def networks(draw, units=3, activation="softmax", dtype="float32"):
    below = draw(st.one_of(dense_layers(), image_layers()))
    model = cr.Sequential([*below, layers.Dense(units, activation=activation)], seed=0, dtype=dtype)
    stir(model)
    return model


def stir(model, seed=1):
    """Have no weight be what it starts as, so that none can be taken for another."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.2, 0.9, w.shape) for w in model.get_weights()])


def samples(model, n, seed=0):
    shape = (n, *model.input_shape[1:])
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def table(n=60, seed=0):
    """Return columns of numbers and texts, with gaps, and rare and constant things among them."""
    rng = np.random.default_rng(seed)
    age, city = rng.normal(40, 10, n), rng.choice(np.array(["Bern", "Chur", "Genf", None]), n)
    age[rng.random(n) < 0.2] = np.nan
    return {
        "age": age,
        "year": rng.normal(2e6, 5, n),  # too large for the digits of float32
        "city": city,
        "team": rng.choice(np.array(["a", "b"], dtype=object), n),
        "label": rng.choice(np.array(["yes", "no", "maybe"], dtype=object), n),
        "price": rng.normal(500, 50, n),
    }


def table_model(target, units, activation):
    """Return a model of a table, with rows that hold what training did not."""
    rows = table()
    columns = {name: rows[name] for name in (*COLUMNS, target)}
    preprocessor = Preprocessor(max_categories=2).fit([columns], target)
    model = cr.Sequential(
        [
            layers.Input((preprocessor.width,)),
            layers.Dense(4, "tanh"),
            layers.Dense(units, activation),
        ],
        seed=0,
    )
    stir(model)
    model.preprocessor = preprocessor
    new = {name: table(7, seed=1)[name] for name in COLUMNS}
    new["city"][0], new["team"][1], new["year"][2] = "Rom", "z", np.nan
    return model, new
