"""A table with two targets: losses, weights and metrics by name."""

import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(7)
numbers = rng.normal(size=(64, 5)).astype("float32")
kinds = rng.integers(0, 4, size=(64, 1)).astype("int32")
price = numbers[:, :1] * 2 + kinds
label = (numbers[:, 1] > 0).astype("int32")

table = keras.Input((5,), name="numbers")
kind = keras.Input((1,), dtype="int32", name="kind")
h = layers.concatenate([table, layers.Flatten()(layers.Embedding(4, 2)(kind))])
h = layers.Dense(8, activation="relu")(h)
model = keras.Model(
    {"numbers": table, "kind": kind},
    [layers.Dense(1, name="price")(h), layers.Dense(2, activation="softmax", name="label")(h)],
)
model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss={"price": "mse", "label": "sparse_categorical_crossentropy"},
    loss_weights={"price": 0.5, "label": 1.5},
    metrics={"price": ["mae"], "label": ["accuracy"]},
)
model.fit(
    {"numbers": numbers, "kind": kinds},
    [price, label],
    epochs=3,
    batch_size=16,
    verbose=0,
    shuffle=False,
    validation_split=0.25,
)
scores = model.evaluate(
    {"numbers": numbers, "kind": kinds}, [price, label], verbose=0, return_dict=True
)
prices, labels = model.predict({"numbers": numbers, "kind": kinds}, verbose=0)
