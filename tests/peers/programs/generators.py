# Batches from Python generators that never end
import numpy as np
from keras import Sequential
from keras.layers import Dense, Input

rng = np.random.RandomState(0)
data = rng.rand(64, 5).astype("float32")
target = data.mean(axis=1, keepdims=True)


def batches(data, target, size):
    i = 0
    while True:
        rows = np.arange(i, i + size) % len(data)
        i += size
        yield data[rows], target[rows]


model = Sequential([Input((5,)), Dense(8, activation="relu"), Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
history = model.fit(
    batches(data[:48], target[:48], 8),
    steps_per_epoch=6,
    epochs=3,
    validation_data=batches(data[48:], target[48:], 8),
    validation_steps=2,
    verbose=0,
)
score = model.evaluate(batches(data[48:], target[48:], 4), steps=4, verbose=0)


def once():
    for i in range(4):
        yield (data[i * 8 : (i + 1) * 8],)


predictions = model.predict(once(), verbose=0)
