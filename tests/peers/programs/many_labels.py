"""Several labels a sample, and thresholds for them."""

import keras
import numpy as np
from sklearn.datasets import make_multilabel_classification

X, Y = make_multilabel_classification(n_samples=120, n_features=8, n_classes=4, random_state=2)
X = X / X.max()
model = keras.models.Sequential(
    [
        keras.layers.InputLayer(shape=(8,)),
        keras.layers.Dense(16, activation=keras.activations.relu),
        keras.layers.Dense(4, activation=keras.activations.sigmoid),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.99, clipnorm=1.0),
    loss=keras.losses.BinaryCrossentropy(label_smoothing=0.05),
    metrics=[
        keras.metrics.BinaryAccuracy(threshold=0.4),
        keras.metrics.F1Score(average="macro", threshold=0.5),
        keras.metrics.Precision(thresholds=0.3, name="p"),
        "hamming" if False else "mae",
    ],
)
history = model.fit(X, Y, epochs=4, batch_size=24, validation_split=0.2, verbose=0)
scores = model.predict(X, verbose=0)
chosen = (scores > 0.5).astype("int32")
exact = float((chosen == Y).all(axis=1).mean())
