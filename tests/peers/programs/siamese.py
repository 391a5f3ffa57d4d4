"""Pairs of samples through one network, and the distance of what it gives."""

import numpy as np
import keras
from keras import layers, ops

rng = np.random.default_rng(3)
left = rng.normal(size=(50, 6)).astype("float32")
right = rng.normal(size=(50, 6)).astype("float32")
same = (np.abs(left - right).mean(axis=1) < 1.1).astype("float32")


def distance(pair):
    a, b = pair
    return ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=1, keepdims=True), 1e-7))


def contrastive(y_true, y_pred):
    near = ops.square(y_pred)
    far = ops.square(ops.maximum(1 - y_pred, 0))
    return ops.mean((1 - y_true) * near + y_true * far)


base = keras.Sequential(
    [
        layers.Input((6,)),
        layers.Dense(8, activation="relu"),
        layers.Dense(3),
    ]
)
one, other = layers.Input((6,), name="one"), layers.Input((6,), name="other")
merged = layers.Lambda(distance, output_shape=(1,))([base(one), base(other)])
outputs = layers.Dense(1, activation="sigmoid")(layers.BatchNormalization()(merged))
model = keras.Model(inputs=[one, other], outputs=outputs)
model.compile(loss=contrastive, optimizer="rmsprop", metrics=["accuracy"])
model.fit(
    [left, right],
    same,
    epochs=3,
    batch_size=10,
    verbose=0,
    shuffle=False,
    validation_data=([left[:9], right[:9]], same[:9]),
)
outputs = model.predict([left, right], verbose=0)
