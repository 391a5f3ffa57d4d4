"""Weights read and set: a copy, an average of three models, one layer taken over."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(37)
x = rng.normal(size=(60, 4)).astype("float32")
y = x[:, 0] * 2 - x[:, 1]


def build_model():
    model = keras.Sequential(
        [
            layers.Input(shape=(4,)),
            layers.Dense(6, activation="relu", name="hidden"),
            layers.Dense(1, name="out"),
        ]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    return model


members = [build_model() for _ in range(3)]
for number, member in enumerate(members):
    rows = slice(number * 20, number * 20 + 20)
    member.fit(x[rows], y[rows], epochs=3, batch_size=5, verbose=0)
alone = [float(member.evaluate(x, y, verbose=0)) for member in members]

average = build_model()
average.set_weights([np.mean(ws, axis=0) for ws in zip(*(m.get_weights() for m in members))])
together = float(average.evaluate(x, y, verbose=0))
predictions = np.mean([member.predict(x, verbose=0) for member in members], axis=0)

taken = build_model()
taken.get_layer("hidden").set_weights(members[0].get_layer("hidden").get_weights())
kernel, bias = taken.layers[0].get_weights()
equal = bool(np.all(kernel == members[0].layers[0].get_weights()[0]))
shapes = [w.shape for w in taken.get_weights()]
twin = keras.models.clone_model(taken)
twin.set_weights(taken.get_weights())
difference = float(np.abs(twin.predict(x, verbose=0) - taken.predict(x, verbose=0)).max())
