"""Arrays of float64, integers, booleans and lists go in as they are."""

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer()
features = data.data[:150]
labels = data.target[:150]
features = (features - features.mean(axis=0)) / features.std(axis=0)

model = keras.Sequential(
    [
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    optimizer="adam",
    loss="binary_crossentropy",
    metrics=["accuracy", keras.metrics.AUC(name="auc")],
)
history = model.fit(features, labels, epochs=3, batch_size=32, validation_split=0.2, verbose=0)
results = model.evaluate(features, labels, verbose=0)
probabilities = model.predict(features[:3], verbose=0)
kind = str(probabilities.dtype)

whole = keras.Sequential([keras.layers.Dense(1)])
whole.compile("sgd", "mse")
integers = np.arange(12).reshape(6, 2)
from_integers = whole.fit(integers % 3, integers.sum(axis=1) % 2 == 1, epochs=2, verbose=0)
double = keras.Sequential([keras.layers.Dense(1, dtype="float32")])
double.compile("sgd", "mse")
second = double.fit(features[:20, :3], features[:20, 3], epochs=2, verbose=0)
output_kind = str(double(features[:2, :3]).dtype)
