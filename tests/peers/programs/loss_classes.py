"""A loss with a parameter of its own, as a class; Huber and cosine besides."""

import keras
import numpy as np
from keras import ops


class CalmError(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="calm_error"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        error = ops.mean(ops.square(y_true - y_pred), axis=-1)
        calm = ops.mean(ops.square(0.5 - y_pred), axis=-1)
        return error + calm * self.regularization_factor


class Contrast(keras.losses.Loss):
    """Squared distance for pairs that belong together, a margin for the others."""

    def __init__(self, margin=1.0, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        apart = ops.square(ops.maximum(self.margin - y_pred, 0))
        return ops.mean(y_true * ops.square(y_pred) + (1 - y_true) * apart, axis=-1)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


x = np.random.RandomState(1).rand(60, 4)
y = (x > 0.5).astype("float32")[:, :2]
results = []
for loss in [CalmError(), CalmError(0.5), Contrast(margin=0.7), keras.losses.Huber(delta=0.3),
             keras.losses.CosineSimilarity(axis=-1), keras.losses.Poisson()]:  # fmt: skip
    model = keras.Sequential([keras.layers.Dense(2, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(), loss=loss)
    results.append(model.fit(x, y, batch_size=16, epochs=2, verbose=0).history["loss"])
value = float(CalmError()(y, np.full_like(y, 0.25)))
margin = Contrast(margin=0.7).get_config()["margin"]
