"""Metrics and losses by themselves, called on arrays."""

import keras
import numpy as np

y_true = np.array([0, 1, 1, 0, 1, 0])
y_pred = np.array([0.1, 0.8, 0.4, 0.6, 0.9, 0.2])

m = keras.metrics.BinaryAccuracy(threshold=0.5)
m.update_state(y_true, y_pred)
first = float(m.result())
m.update_state([1, 1], [0.2, 0.9])
second = float(m.result())
m.reset_state()
m.update_state(y_true, y_pred, sample_weight=[1, 0, 2, 1, 1, 0])
third = float(m.result())

mean = keras.metrics.Mean(name="average")
for value in (1.0, 3.0, 5.0, 7.0):
    mean.update_state(value)
average = mean.result()

auc = keras.metrics.AUC(num_thresholds=20)
auc.update_state(y_true, y_pred)
area = float(auc.result())
called = keras.metrics.MeanSquaredError()([[1.0, 2.0]], [[0.0, 4.0]])

bce = keras.losses.BinaryCrossentropy(from_logits=False)
loss = float(bce(y_true.astype("float32"), y_pred))
each = keras.losses.BinaryCrossentropy(reduction="none")(
    y_true.reshape(-1, 1).astype("float32"), y_pred.reshape(-1, 1)
)
smooth = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
smoothed = float(smooth(np.eye(3), np.full((3, 3), 1 / 3)))
function = keras.losses.mean_absolute_error([[0.0, 1.0], [2.0, 2.0]], [[1.0, 1.0], [0.0, 1.0]])
