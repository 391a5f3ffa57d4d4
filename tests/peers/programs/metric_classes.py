"""Metrics with a state of their own."""

import keras
import numpy as np
from keras import ops


class TruePositivesOfClasses(keras.metrics.Metric):
    def __init__(self, name="true_positives_of_classes", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(y_true, "int32") == ops.cast(y_pred, "int32")
        values = ops.cast(values, "float32")
        if sample_weight is not None:
            values = ops.multiply(values, ops.cast(sample_weight, "float32"))
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives.value

    def reset_state(self):
        self.true_positives.assign(0)


class MeanConfidence(keras.metrics.Metric):
    def __init__(self, **kwargs):
        super().__init__(name="confidence", **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(ops.sum(ops.max(y_pred, axis=-1)))
        self.count.assign_add(ops.cast(ops.shape(y_pred)[0], "float32"))

    def result(self):
        return self.total / self.count


rng = np.random.default_rng(6)
x = rng.normal(size=(90, 7)).astype("float32")
y = rng.integers(0, 3, size=(90, 1))
model = keras.Sequential(
    [keras.layers.Dense(10, activation="relu"), keras.layers.Dense(3, activation="softmax")]
)
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[TruePositivesOfClasses(), MeanConfidence(),
             keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2")],
)  # fmt: skip
history = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.3, verbose=0)
results = model.evaluate(x, y, verbose=0, return_dict=True)
