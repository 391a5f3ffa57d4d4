"""Exclusive or with a hidden layer."""

import numpy as np
from keras.layers import Activation, Dense
from keras.models import Sequential
from keras.optimizers import SGD

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])

model = Sequential()
model.add(Dense(8, input_dim=2))
model.add(Activation("tanh"))
model.add(Dense(1))
model.add(Activation("sigmoid"))

sgd = SGD(learning_rate=0.1)
model.compile(loss="binary_crossentropy", optimizer=sgd, metrics=["accuracy"])
hist = model.fit(X, y, batch_size=1, epochs=100, verbose=0)
predictions = model.predict(X)
print(predictions)
print(np.round(predictions))
final_accuracy = hist.history["accuracy"][-1]
