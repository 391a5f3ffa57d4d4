"""The data divided by keras.utils, and lists of numbers as inputs."""

import keras
import numpy as np
from keras import layers

features = [[0.1, 0.2], [0.4, 0.1], [0.9, 0.7], [0.3, 0.8], [0.5, 0.5], [0.2, 0.9]] * 6
labels = [0, 0, 1, 1, 1, 0] * 6

model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(2)])
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy("acc")],
)
history = model.fit(np.array(features), np.array(labels), epochs=3, batch_size=9, verbose=0)
logits = model(np.array(features[:3], "float32"))
probabilities = keras.ops.softmax(logits)
training = model(np.array(features[:3]), training=True)
probability_model = keras.Sequential([model, layers.Softmax()])
predictions = probability_model.predict(np.array(features), verbose=0)
classes = predictions.argmax(axis=-1)
sums = predictions.sum(axis=1)
