"""`train_step` and `test_step` of one's own: Keras on JAX, with its signature, trains the same."""

import jax
import keras
import numpy as np
import pytest

import chainrule as cr
from chainrule import keras as here

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5)).astype("f4")
Y = np.sin(X[:, :1])


class StepsThere:
    """The step of Keras's guide for JAX."""

    def loss_and_updates(self, trainable, others, x, y, training=False):
        y_pred, others = self.stateless_call(trainable, others, x, training=training)
        return self.compute_loss(x, y, y_pred), (y_pred, others)

    def train_step(self, state, data):
        trainable, others, optimizer, metrics = state
        x, y = data
        gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
        (loss, (y_pred, others)), gradients = gradient(trainable, others, x, y, training=True)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        new, logs = [], {}
        for metric in self.metrics:
            values = metrics[len(new) : len(new) + len(metric.variables)]
            if metric.name == "loss":
                values = metric.stateless_update_state(values, loss)
            else:
                values = metric.stateless_update_state(values, y, y_pred)
            result = metric.stateless_result(values)
            logs |= result if isinstance(result, dict) else {metric.name: result}
            new += values
        return logs, (trainable, others, optimizer, new)


class StepsHere:
    def train_step(self, data):
        x, y = data

        def loss_of(variables):
            y_pred = self(x, training=True)
            return self.compute_loss(x, y, y_pred), y_pred

        variables = self.trainable_variables
        (loss, y_pred), gradients = cr.value_and_grad(loss_of, has_aux=True)(variables)
        self.optimizer.apply(gradients, variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def weights_of(model):
    return [np.asarray(weight.value) for weight in model.weights]


def trained(library, steps, optimizer, start=None):
    layers = library.layers
    x = library.Input((5,))
    h = layers.BatchNormalization()(layers.Dense(6, "tanh", use_bias=False)(x))
    model = type("Own", (steps, library.Model), {})(x, layers.Dense(1)(layers.Add()([h, h])))
    first = start or weights_of(model)
    model.set_weights(first)
    model.compile(getattr(library.optimizers, optimizer)(0.05), "mse", metrics=["mae"])
    history = model.fit(
        X, Y, 16, epochs=3, shuffle=False, verbose=0, validation_data=(X[:9], Y[:9])
    )
    return first, weights_of(model), history.history


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_step_of_ones_own_trains_as_in_keras(optimizer):
    keras.utils.set_random_seed(0)
    start, there, history = trained(keras, StepsThere, optimizer)
    _, weights, history_here = trained(here, StepsHere, optimizer, start)
    assert {*history} == {*history_here}
    for name, values in history.items():
        np.testing.assert_allclose(history_here[name], values, rtol=1e-4, err_msg=name)
    for one, other in zip(there, weights, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)
