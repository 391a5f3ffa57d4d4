"""Scores of scikit-learn after every epoch, in a callback that predicts."""

import keras
import numpy as np
from sklearn.metrics import f1_score, roc_auc_score


class Scores(keras.callbacks.Callback):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y
        self.f1, self.auc = [], []

    def on_epoch_end(self, epoch, logs={}):
        probabilities = np.asarray(self.model.predict(self.x, verbose=0))[:, 0]
        self.f1.append(f1_score(self.y, probabilities > 0.5))
        self.auc.append(roc_auc_score(self.y, probabilities))
        print(f" - val_f1: {self.f1[-1]:.4f}")


class Evaluates(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        loss = self.model.evaluate(x[:10], y[:10], verbose=0)
        self.losses.append(float(loss))
        self.first_kernel = self.model.layers[0].get_weights()[0].sum()


rng = np.random.default_rng(71)
x = rng.normal(size=(90, 5)).astype("float32")
y = (x[:, 0] + x[:, 1] > 0.3).astype("int32")
model = keras.Sequential([keras.layers.Dense(6, "relu"), keras.layers.Dense(1, "sigmoid")])
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.02))
scores, evaluates = Scores(x[60:], y[60:]), Evaluates()
history = model.fit(x[:60], y[:60], epochs=4, verbose=0, callbacks=[scores, evaluates])
f1, auc, losses = scores.f1, scores.auc, evaluates.losses
kernel = float(evaluates.first_kernel)
