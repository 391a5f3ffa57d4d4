"""A callback that writes down every event with the names in its logs."""

import numpy as np
import keras

rng = np.random.default_rng(0)
x_train = rng.normal(size=(100, 6)).astype("float32")
y_train = x_train.sum(axis=1)
seen = []


class Events(keras.callbacks.Callback):
    def note(self, what, logs):
        seen.append((what, list(logs.keys())))

    def on_train_begin(self, logs=None):
        self.note("train begin", logs)

    def on_train_end(self, logs=None):
        self.note("train end", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch {} begin".format(epoch), logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch {} end".format(epoch), logs)

    def on_test_begin(self, logs=None):
        self.note("test begin", logs)

    def on_test_end(self, logs=None):
        self.note("test end", logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.note("batch {} begin".format(batch), logs)

    def on_train_batch_end(self, batch, logs=None):
        self.note("batch {} end".format(batch), logs)

    def on_test_batch_end(self, batch, logs=None):
        self.note("test batch {} end".format(batch), logs)

    def on_predict_begin(self, logs=None):
        self.note("predict begin", logs)

    def on_predict_batch_end(self, batch, logs=None):
        self.note("predict batch {} end".format(batch), logs)

    def on_predict_end(self, logs=None):
        self.note("predict end", logs)


model = keras.Sequential()
model.add(keras.layers.Dense(1))
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=0.1),
    loss="mean_squared_error",
    metrics=["mean_absolute_error"],
)
model.fit(x_train, y_train, batch_size=16, epochs=2, verbose=0, validation_split=0.5,
          callbacks=[Events()])  # fmt: skip
model.evaluate(x_train, y_train, batch_size=50, verbose=0, callbacks=[Events()])
model.predict(x_train, batch_size=50, callbacks=[Events()], verbose=0)
