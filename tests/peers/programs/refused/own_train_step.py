"""A step of training with the tape of TensorFlow."""

import keras
import numpy as np


class Custom(keras.Sequential):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:  # noqa: F821
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


model = Custom([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((4, 3)), np.ones((4, 1)))
