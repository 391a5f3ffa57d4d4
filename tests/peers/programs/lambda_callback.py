"""Small hooks without a class, on batches and epochs."""

import keras
import numpy as np
from keras import layers
from keras.callbacks import LambdaCallback

x = np.arange(40, dtype="float32").reshape(20, 2) / 40
y = x[:, :1] * 3 + 1
batches, epochs, ends = [], [], []
on_batch = LambdaCallback(on_train_batch_begin=lambda batch, logs: batches.append(batch))
on_epoch = LambdaCallback(
    on_epoch_begin=lambda epoch, logs: epochs.append(epoch),
    on_epoch_end=lambda epoch, logs: epochs.append(round(float(logs["loss"]), 3)),
    on_train_end=lambda logs: ends.append("over"),
)
model = keras.Sequential([layers.Dense(3, activation="selu"), layers.Dense(1)])
model.compile(loss=keras.losses.MeanAbsoluteError(), optimizer=keras.optimizers.Adamax(0.01))
model.fit(x, y, batch_size=6, epochs=3, callbacks=[on_batch, on_epoch], verbose=0)
print(batches, epochs, ends)
