"""Layers that hold layers and weights: training ends where that of Keras ends."""

import keras
import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4)).astype("f4")
Y = (X[:, :1] * X[:, 1:2]).astype("f4")


def block(of, tanh):
    class Block(of.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.towers = [of.Dense(6, activation="tanh"), of.BatchNormalization(momentum=0.6)]
            self.heads = {"b": of.Dense(4), "a": (of.Dense(4, use_bias=False),)}
            self.first = self.towers[0]

        def build(self, input_shape):
            d = input_shape[-1]
            self.counted = self.add_weight(
                shape=(d,), initializer="ones", trainable=False, name="counted"
            )
            self.scales = [self.add_weight(shape=(d,), initializer="ones", name="first")]
            self.shift = self.add_weight(shape=(d,), initializer="zeros", name="shift")

        def call(self, x):
            x = self.towers[1](self.first(x * self.scales[0] * self.counted + self.shift))
            return tanh(self.heads["b"](x)) + self.heads["a"][0](x)

    return Block()


def models(change):
    made = []
    for module, tanh in ((cr, np.tanh), (keras, keras.ops.tanh)):
        model = module.Sequential(
            [module.layers.Dense(4), block(module.layers, tanh), module.layers.Dense(1)]
        )
        model.build((None, 4))
        change(model)
        model.compile(module.optimizers.SGD(0.01, momentum=0.5), "mse")
        made.append(model)
    ours, theirs = made
    start = [RNG.uniform(0.1, 0.9, w.shape).astype("f4") for w in ours.get_weights()]
    for model in made:
        model.set_weights(start)
    return ours, theirs


def freeze_model(model):
    model.trainable = False
    model.trainable = True
    model.layers[1].trainable = False
    model.layers[1].towers[0].trainable = True


def freeze_one(model):
    model.layers[1].heads["b"].trainable = False
    model.layers[1].towers[1].trainable = False


# Which weights are trained is decided before an engine is chosen: one is compiled.
@pytest.mark.parametrize(
    ("change", "engine"),
    [(lambda model: None, "numpy"), (freeze_one, "numpy"), (freeze_model, "compiled")],
)
def test_training_ends_where_that_of_keras_ends(change, engine):
    ours, theirs = models(change)
    ours.engine = engine
    assert [w.shape for w in ours.get_weights()] == [tuple(w.shape) for w in theirs.weights]
    assert ours.count_params() == theirs.count_params()
    assert sum(w.size for w in ours.network.params.values()) == sum(
        int(np.prod(w.shape)) for w in theirs.trainable_weights
    )
    losses = [
        model.fit(X, Y, epochs=3, batch_size=16, shuffle=False, verbose=0).history["loss"]
        for model in (ours, theirs)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for a, b in zip(ours.get_weights(), [np.asarray(w.value) for w in theirs.weights], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-5)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X, verbose=0), rtol=0, atol=2e-5)
