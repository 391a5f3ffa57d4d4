"""A callback sets the optimizer's learning rate at the beginning of each epoch."""

import keras
import numpy as np

PLAN = [(1, 0.05), (3, 0.01), (4, 0.005)]


def planned(epoch, rate):
    for start, value in PLAN:
        if epoch == start:
            return value
    return rate


class RatePlan(keras.callbacks.Callback):
    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule
        self.used = []

    def on_epoch_begin(self, epoch, logs=None):
        if not hasattr(self.model.optimizer, "learning_rate"):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
        rate = self.model.optimizer.learning_rate
        scheduled = self.schedule(epoch, rate)
        self.model.optimizer.learning_rate = scheduled
        self.used.append(float(np.array(scheduled)))


class WarmUp(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch < 3:
            self.model.optimizer.learning_rate.assign(0.001 * (batch + 1))


x = np.linspace(-1, 1, 60).reshape(-1, 3)
y = np.abs(x).sum(axis=1)
model = keras.Sequential([keras.layers.Dense(6, "relu"), keras.layers.Dense(1)])
model.compile(keras.optimizers.RMSprop(learning_rate=0.1), "mean_squared_error")
plan = RatePlan(planned)
history = model.fit(x, y, epochs=6, batch_size=10, verbose=0, callbacks=[plan])
used = plan.used

model.optimizer.learning_rate = 0.02
again = model.fit(x, y, epochs=2, batch_size=4, verbose=0, callbacks=[WarmUp()])
left = float(model.optimizer.learning_rate)
keras.backend.clear_session()
