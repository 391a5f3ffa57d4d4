"""Early stopping written as a callback: remember the best weights, and put them back."""

import keras
import numpy as np


class StopAtBest(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience = patience
        self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait = 0
        self.stopped_epoch = 0
        self.best = np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("val_loss")
        if np.less(current, self.best):
            self.best = current
            self.wait = 0
            self.best_weights = self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class BatchLosses(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(logs.get("loss"))


rng = np.random.RandomState(3)
x = rng.normal(size=(80, 5))
y = x[:, 0] - x[:, 1] ** 2 + rng.normal(size=80)
model = keras.Sequential([keras.layers.Dense(20, activation="tanh"), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.2, momentum=0.9), "mse")
stopping, losses = StopAtBest(patience=2), BatchLosses()
history = model.fit(x[:40], y[:40], validation_data=(x[40:], y[40:]), epochs=30, verbose=0,
                    callbacks=[stopping, losses])  # fmt: skip
stopped_epoch = stopping.stopped_epoch
best = stopping.best
by_batch = losses.losses
after = model.evaluate(x[40:], y[40:], verbose=0)
