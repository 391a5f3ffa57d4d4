"""Weather with two recurrent layers, as numbers of several sensors over time."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(17)
steps, features = 12, 3
raw = np.cumsum(rng.normal(size=(160, features)), axis=0)
raw -= raw.mean(axis=0)
raw /= raw.std(axis=0)
windows = np.stack([raw[i : i + steps] for i in range(140)]).astype("float32")
targets = raw[steps : steps + 140, 1].astype("float32")

inputs_shape = (windows.shape[1], windows.shape[2])
model = keras.Sequential(
    [
        keras.Input(shape=inputs_shape),
        layers.GRU(8, return_sequences=True),
        layers.GRU(6, reset_after=False),
        layers.Dense(1),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.005), loss="mse", metrics=["mae"])
model.summary()
callbacks = [keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=5)]
history = model.fit(
    windows[:100], targets[:100], epochs=4, batch_size=25, callbacks=callbacks,
    validation_data=(windows[100:], targets[100:]), verbose=0,
)  # fmt: skip
mae = model.evaluate(windows[100:], targets[100:], verbose=0)[1]
naive = float(np.abs(windows[100:, -1, 1] - targets[100:]).mean())
