"""A network learns one task; its lower part, frozen, serves another, then all is tuned."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(29)
x = rng.normal(size=(100, 8)).astype("float32")
old_task = rng.integers(0, 4, size=100)
new_task = (x[:, 0] * x[:, 1] > 0).astype("float32")

base_model = keras.Sequential(
    [keras.Input((8,)), layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dense(8, "relu")],
    name="base",
)  # fmt: skip
pretraining = keras.Sequential([base_model, layers.Dense(4, activation="softmax")])
pretraining.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
first = pretraining.fit(x, old_task, epochs=3, verbose=0)
learned = [np.array(w) for w in base_model.get_weights()]

base_model.trainable = False
model = keras.Sequential([keras.Input((8,)), base_model, layers.Dense(1)])
model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy()],
)
model.summary()
trained = len(model.trainable_weights)
frozen = len(model.non_trainable_weights)
second = model.fit(x, new_task, epochs=3, verbose=0, validation_split=0.2)
unchanged = all(bool(np.all(a == b)) for a, b in zip(learned, base_model.get_weights()))

base_model.trainable = True
model.compile(
    optimizer=keras.optimizers.Adam(1e-4),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy()],
)
third = model.fit(x, new_task, epochs=2, verbose=0)
all_trained = len(model.trainable_weights)
inner = base_model.layers[0].trainable
