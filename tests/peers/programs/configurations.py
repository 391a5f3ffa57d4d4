"""Models and layers as plain descriptions, and back."""

import keras
import numpy as np
from keras import layers

model = keras.Sequential(
    [
        keras.Input(shape=(5,)),
        layers.Dense(7, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
        layers.Dropout(0.0),
        layers.Dense(2, kernel_initializer="zeros", name="out"),
    ],
    name="described",
)
again = keras.Sequential.from_config(model.get_config())
name = again.name
kinds = [type(layer).__name__ for layer in again.layers]
shape = again.output_shape
again.set_weights(model.get_weights())
x = np.random.RandomState(0).rand(8, 5)
same = bool(np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0)))

dense = layers.Dense.from_config(layers.Dense(3, activation="tanh", use_bias=False).get_config())
units, bias = dense.units, dense.use_bias
activation = keras.activations.serialize(keras.activations.relu)
relu = keras.activations.get("relu")(np.array([-1.0, 2.0], "float32"))
optimizer = keras.optimizers.get("adam").get_config()["beta_1"]
rate = keras.optimizers.Adam.from_config(keras.optimizers.Adam(0.02).get_config()).learning_rate
text = model.to_json()
third = keras.models.model_from_json(text)
parameters = third.count_params()
del text
