# Two callbacks that change the learning rate while training
import math

import numpy as np
from keras.callbacks import LearningRateScheduler, ReduceLROnPlateau
from keras.layers import Dense, Input
from keras.models import Sequential
from keras.optimizers import SGD


def step_decay(epoch):
    initial_lrate, drop, epochs_drop = 0.1, 0.5, 3.0
    return initial_lrate * math.pow(drop, math.floor((1 + epoch) / epochs_drop))


def gentle(epoch, lr):
    return lr if epoch < 2 else float(lr * np.exp(-0.1))


def fresh():
    model = Sequential([Input(shape=(4,)), Dense(8, activation="relu"), Dense(1)])
    model.compile(loss="mse", optimizer=SGD(learning_rate=0.05, momentum=0.9))
    return model


rng = np.random.RandomState(0)
X = rng.rand(64, 4)
y = np.sin(X.sum(axis=1))

first = fresh().fit(X, y, epochs=6, callbacks=[LearningRateScheduler(step_decay)], verbose=0)
second = fresh().fit(
    X, y, epochs=6, callbacks=[LearningRateScheduler(gentle, verbose=1)], verbose=0
)
plateau = ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=1, min_lr=0.001, verbose=1)
model = fresh()
third = model.fit(
    X, y, epochs=10, validation_split=0.25, callbacks=[plateau], batch_size=8, verbose=0
)
rates = third.history["learning_rate"]
final_rate = float(model.optimizer.learning_rate.numpy())
