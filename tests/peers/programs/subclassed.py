"""A model that is a class of its own, with a layer in a list and a loss of its own."""

import numpy as np
import keras

rng = np.random.default_rng(2)
x = rng.normal(size=(48, 6)).astype("float32")
y = x[:, :2].sum(axis=1, keepdims=True)


class Net(keras.Model):
    def __init__(self, units=5):
        super().__init__()
        self.hidden = [keras.layers.Dense(units, activation="relu") for _ in range(2)]
        self.dropout = keras.layers.Dropout(0.0)
        self.out = keras.layers.Dense(1)

    def call(self, inputs, training=False):
        h = inputs
        for layer in self.hidden:
            h = keras.ops.concatenate([self.dropout(layer(h), training=training), inputs], axis=-1)
        return self.out(h)


class Halved(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 0.5 * keras.ops.mean(keras.ops.square(y - y_pred))


model = Net()
model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
model.fit(x, y, epochs=2, batch_size=12, verbose=0, shuffle=False)
scores = model.evaluate(x, y, verbose=0)
halved = Halved(4)
halved.compile(optimizer=keras.optimizers.SGD(0.05))
halved.fit(x, y, epochs=2, batch_size=12, verbose=0, shuffle=False)
outputs = halved.predict(x, verbose=0)
