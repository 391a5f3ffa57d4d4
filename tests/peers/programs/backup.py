"""Training that is interrupted goes on where it was."""

import keras
import numpy as np


class Interruption(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise RuntimeError("Interrupting!")


x = np.arange(100).reshape(5, 20) / 100
y = np.zeros((5, 10))
callback = keras.callbacks.BackupAndRestore(backup_dir="backup")
model = keras.Sequential([keras.layers.Dense(10)])
model.compile(keras.optimizers.SGD(0.01), loss="mse")
model.build((None, 20))
try:
    model.fit(x, y, epochs=6, batch_size=1, callbacks=[callback, Interruption()], verbose=0)
except RuntimeError as error:
    said = str(error)
history = model.fit(x, y, epochs=6, batch_size=1, callbacks=[callback], verbose=0)
only = len(history.history["loss"])
epochs = history.epoch
