"""Batches from a PyDataset, for training, validation, evaluation and prediction."""

import keras
import numpy as np


class Chunks(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x = x
        self.y = y
        self.batch_size = batch_size

    def __len__(self):
        return int(np.ceil(len(self.x) / float(self.batch_size)))

    def __getitem__(self, idx):
        batch_x = self.x[idx * self.batch_size : (idx + 1) * self.batch_size]
        batch_y = self.y[idx * self.batch_size : (idx + 1) * self.batch_size]
        return batch_x, batch_y


rng = np.random.default_rng(12)
x = rng.normal(size=(100, 6)).astype("float32")
y = rng.integers(0, 3, size=100)
train, val = Chunks(x[:70], y[:70], batch_size=16), Chunks(x[70:], y[70:], batch_size=16)
model = keras.Sequential(
    [
        keras.Input(shape=(6,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
history = model.fit(train, epochs=3, validation_data=val, verbose=0)
results = model.evaluate(val, verbose=0)
print(dict(zip(model.metrics_names, results)))
probabilities = model.predict(val, verbose=0)
again = model.fit(train, epochs=1, validation_data=(x[70:], y[70:]), verbose=0)
