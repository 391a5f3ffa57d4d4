# Weights held in bounds, and weights that are punished
import keras
import numpy as np
from keras.constraints import MaxNorm, NonNeg, UnitNorm, max_norm
from keras.layers import Dense
from keras.models import Sequential
from keras.regularizers import l1, l1_l2, l2

rng = np.random.RandomState(21)
X = rng.randn(100, 10)
y = (X[:, 0] * X[:, 1] > 0).astype(int)

bounded = Sequential()
bounded.add(
    Dense(20, input_dim=10, kernel_initializer="normal", activation="relu",
          kernel_constraint=MaxNorm(0.5), bias_constraint=NonNeg())
)  # fmt: skip
bounded.add(Dense(10, activation="relu", kernel_constraint=UnitNorm(axis=0)))
bounded.add(Dense(5, activation="relu", kernel_constraint=max_norm(2.0)))
bounded.add(Dense(1, activation="sigmoid", kernel_constraint="non_neg"))
sgd = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
bounded.compile(loss="binary_crossentropy", optimizer=sgd, metrics=["accuracy"])
first = bounded.fit(X, y, epochs=5, batch_size=25, verbose=0)
norms = np.linalg.norm(bounded.layers[0].get_weights()[0], axis=0)
smallest = float(bounded.layers[-1].get_weights()[0].min())

punished = Sequential(
    [
        Dense(20, activation="relu", kernel_regularizer=l2(0.01), bias_regularizer=l1(0.01)),
        Dense(10, activation="relu", kernel_regularizer=l1_l2(l1=1e-3, l2=1e-3)),
        Dense(1, activation="sigmoid", kernel_regularizer="l1"),
    ]
)
punished.compile(loss="binary_crossentropy", optimizer="adam", metrics=["acc"])
second = punished.fit(X, y, epochs=5, batch_size=25, verbose=0, validation_split=0.2)
