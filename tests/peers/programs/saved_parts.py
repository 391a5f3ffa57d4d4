"""A model with a layer and a loss of one's own goes into a file and comes back."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="mine")
class Scale(keras.layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="shift")

    def call(self, inputs):
        return inputs * self.factor + self.shift

    def get_config(self):
        config = super().get_config()
        config.update({"factor": self.factor})
        return config


@keras.saving.register_keras_serializable(package="mine", name="fourth_power")
def fourth_power(y_true, y_pred):
    return ops.mean((y_true - y_pred) ** 4, axis=-1)


x = np.random.RandomState(3).rand(40, 4)
y = x[:, :2]
model = keras.Sequential([keras.layers.Dense(4, "relu"), Scale(0.5), keras.layers.Dense(2)])
model.compile(optimizer="adam", loss=fourth_power, metrics=["mae"])
first = model.fit(x, y, epochs=2, verbose=0)
model.save("own.keras")
restored = keras.models.load_model("own.keras")
same = bool(np.allclose(model.predict(x, verbose=0), restored.predict(x, verbose=0)))
second = restored.fit(x, y, epochs=2, verbose=0)
third = keras.models.load_model(
    "own.keras", custom_objects={"Scale": Scale, "fourth_power": fourth_power}
)
factor = third.layers[1].factor
uncompiled = keras.models.load_model("own.keras", compile=False)
outputs = uncompiled.predict(x[:3], verbose=0)
