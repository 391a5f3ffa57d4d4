"""Lab 2: hyperparameters, a second layer, mini-batches, momentum, Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.teach import expect
from chainrule._src.teach.calls import an_object
from chainrule._src.teach.exercise import Draw, Exercise
from chainrule._src.teach.exercises.networks import drawn, learning, moved, network, updates
from chainrule._src.teach.lab import models

search = Exercise(
    "search",
    "train a network for every pair of hyperparameters and compare",
    (
        "Which loop goes over what, and where is the network made?",
        "Two loops, one over the hidden sizes and one over the learning rates. Inside, a new "
        "NeuralNet, a loop over the epochs and one over the samples, and at the end its accuracy "
        "on the validation set.",
        "accuracies[i, j] = accuracy on (X_valid, y_valid) of a new network with hidden_sizes[i] "
        "units, trained on (X, y) with learning_rates[j]",
    ),
)


def _clouds(draw: Draw) -> tuple[Any, Any]:
    """Return 24 points in three clouds, 8 of each class."""
    y = np.arange(24) % 3
    centres = np.array([[2.0, 0.0], [-2.0, 1.0], [0.0, -3.0]])
    return centres[y] + 0.3 * draw.normal(size=(24, 2)), y


@search.check("shape")
def _(search: Any, draw: Draw) -> None:
    X, y = _clouds(draw)
    what = "search of 2 hidden sizes and 3 learning rates"
    expect.shape(search([2, 3], [0.1, 0.2, 0.5], X, y, X, y), (2, 3), what)


@search.check("values", points=3)
def _(search: Any, draw: Draw) -> None:
    X, y = _clouds(draw)
    accuracies = search([0, 5], [0.0, 1.0, 0.0], X, y, X, y, epochs=10)
    table = expect.shape(accuracies, (2, 3), "search of 2 hidden sizes and 3 learning rates")
    expect.true(
        table[1, 1] > 0.9,
        f"three clouds of points, 10 epochs, learning rate 1: the accuracy is {table[1, 1]:.2f}, "
        "it must be near 1: is the network trained, with this rate?",
    )
    expect.true(
        table[1, 0] < 0.7,
        f"with the learning rate 0 the accuracy is {table[1, 0]:.2f}, but nothing was learned",
    )
    expect.true(
        table[1, 2] < 0.7,
        f"a learning rate of 0 behind another: the accuracy is {table[1, 2]:.2f}, so the network "
        "was trained before: make a new one for each pair",
    )
    expect.true(
        table[0, 1] < 0.7,
        f"without hidden units the accuracy is {table[0, 1]:.2f}: is the hidden size used, a row "
        "for each?",
    )


@search.check("properties")
def _(search: Any, draw: Draw) -> None:
    X, y = _clouds(draw)
    table = expect.shape(search([5], [1.0], X, y, X, (y + 1) % 3, epochs=10), (1, 1), "search")
    expect.true(
        table[0, 0] < 0.5,
        "the accuracies are not those of the validation set: with wrong classes in y_valid they "
        f"are still {table[0, 0]:.2f}",
    )
    table = expect.shape(search([5], [1.0], X, y, X, y, epochs=0), (1, 1), "search")
    expect.true(table[0, 0] < 0.7, f"after 0 epochs the accuracy is {table[0, 0]:.2f}: use epochs")


DeepNet = Exercise(
    "DeepNet",
    "a second hidden layer, and the gradient through both",
    (
        "Compare the step from z_o to z_h2 with the one from z_h2 to z_h1: they are the same step "
        "with other letters.",
        "Going back through a layer is a product with its transposed weights, then dsigmoid at the "
        "pre-activation. The gradient of a layer's weights is the outer product of what it takes "
        "in and the gradient of its pre-activation.",
        "∂L/∂z_h1 = (∂L/∂z_h2 W_h2ᵀ) ⊙ dsigmoid(z_h1), ∂L/∂W_h2 = outer(h1, ∂L/∂z_h2), "
        "∂L/∂W_h1 = outer(x, ∂L/∂z_h1)",
    ),
)


def _deep(d: int, *sizes: int) -> models.NeuralNet:
    return models.NeuralNet(d, sizes[:-1], sizes[-1], seed=0)


network(DeepNet, _deep, (5, 4, 6, 3))
updates(DeepNet, _deep, (5, 4, 6, 3))
learning(DeepNet, (20, 10), batch_size=1, rate=0.1, epochs=2, least=0.8)


def _net(*sizes: int) -> models.NeuralNet:
    return models.NeuralNet(*sizes, seed=0)


MiniBatchNet = Exercise(
    "MiniBatchNet",
    "the gradient averaged over a batch",
    (
        "Print the shapes: which of them has the number of samples in it, and must not?",
        "Divide once, at the gradient of the logits, by the number of samples. The matrix product "
        "of the transposed inputs with it sums over the samples; a bias needs the sum over the "
        "samples itself.",
        "∂L/∂Z_o = (Y_pred - Y_true) / n, ∂L/∂W_o = Hᵀ ∂L/∂Z_o, ∂L/∂b_o = Σ_i (∂L/∂Z_o)_i; "
        "the same with X and Z_h one layer down",
    ),
)
network(MiniBatchNet, _net, (5, 4, 3), batches=True)
updates(MiniBatchNet, _net, (5, 4, 3), batches=True)
learning(MiniBatchNet, (10,), batch_size=32, rate=1.0, epochs=5, least=0.85)

MomentumNet = Exercise(
    "MomentumNet",
    "SGD with momentum",
    (
        "What is the first step, when the velocity is still 0? And what does the second one have "
        "that a plain step has not?",
        "Keep a velocity for each name in self.velocities: the old one times momentum, minus the "
        "learning rate times the gradient. Store it, then add it to the parameter.",
        "v ← μ v - η ∂L/∂θ, θ ← θ + v",
    ),
)
network(MomentumNet, _net, (5, 4, 3), batches=True)


@MomentumNet.check("update", points=3)
def _(MomentumNet: Any, draw: Draw) -> None:
    for options, momentum in (({"momentum": 0.5}, 0.5), ({}, 0.9), ({"momentum": 0.0}, 0.0)):
        candidate, reference, X, y = drawn(MomentumNet, _net, (5, 4, 3), draw)
        before, gradient = reference.parameters, reference.grad_loss(X, y)
        candidate.train(X, y, 0.5, **options)
        for name, value in before.items():
            moved(getattr(candidate, name), value, 0.5 * gradient[name], name)
        reference.train(X, y, 0.5)
        plain = {
            name: value - 0.5 * reference.grad_loss(X, y)[name]
            for name, value in reference.parameters.items()
        }
        velocity = {name: value - before[name] for name, value in reference.parameters.items()}
        candidate.train(X, y, 0.5, **options)
        for name, value in plain.items():
            weights = expect.shape(getattr(candidate, name), value.shape, name)
            what = f"after two updates with momentum {momentum}{'' if options else ', the default'}"
            if momentum and np.allclose(weights, value, rtol=1e-6, atol=1e-9):
                raise expect.Wrong(f"{what} {name} is where plain SGD leads: is the velocity kept?")
            expect.close(weights, value + momentum * velocity[name], f"{what} {name}")


learning(MomentumNet, (10,), batch_size=32, rate=0.2, epochs=4, least=0.85)

keras_model = Exercise(
    "keras_model",
    "the lab's network in Keras",
    (
        "Look at model.summary(): which layers, with how many parameters?",
        "A Sequential of an Input, a Dense layer with a sigmoid and a Dense layer with a softmax; "
        "compile it with SGD, which takes the learning rate and the momentum, with the loss for "
        "integer classes, and with the accuracy among the metrics.",
        "Input(shape=(n,)) → Dense(hidden_size, activation) → Dense(output_size, activation); "
        "compile(optimizer, loss, metrics)",
    ),
    allows=("chainrule.keras", "keras"),
)
SIZES = (5, 4, 3)


def _model(keras_model: Any, draw: Draw, **options: Any) -> tuple[Any, models.NeuralNet, Any, Any]:
    """Return a Keras model, the lab's network with the same weights, and data."""
    model = an_object(keras_model(*SIZES, **options), "keras_model(5, 4, 3)")
    net = _net(*SIZES)
    shapes = [value.shape for value in net.parameters.values()]
    weights = model.get_weights()
    actual = [np.shape(value) for value in weights]
    expect.true(
        actual == shapes,
        f"the weights of keras_model(5, 4, 3) have the shapes {actual}, they must be {shapes}",
    )
    drawn = [draw.normal(0, 0.7, size=shape).astype(np.float32) for shape in shapes]
    model.set_weights(drawn)
    for name, value in zip(net.parameters, drawn, strict=True):
        setattr(net, name, value.astype(float))
    X, y = draw.normal(size=(6, 5)).astype(np.float32), draw.integers(0, 3, size=6)
    return model, net, X, y


@keras_model.check("shape")
def _(keras_model: Any, draw: Draw) -> None:
    model, _, X, _ = _model(keras_model, draw)
    expect.shape(model.predict(X, verbose=0), (6, 3), "predict(X) of 6 samples")


@keras_model.check("values", points=2)
def _(keras_model: Any, draw: Draw) -> None:
    model, net, X, _ = _model(keras_model, draw)
    probabilities = expect.shape(model.predict(X, verbose=0), (6, 3), "predict(X)")
    expect.close(probabilities.sum(axis=1), np.ones(6), "the sum of each row of predict(X)")
    what = "predict(X), beside the NumPy network with the same weights,"
    expect.close(probabilities, net.forward(X), what)


@keras_model.check("properties", points=2)
def _(keras_model: Any, draw: Draw) -> None:
    model, net, X, y = _model(keras_model, draw)
    scores = model.evaluate(X, y, verbose=0)
    expect.true(
        isinstance(scores, list | tuple) and len(scores) == 2,
        'evaluate(X, y) must return the loss and the accuracy: compile with metrics=["accuracy"]',
    )
    expect.close(scores[0], net.loss(X, y), "the loss of evaluate(X, y)", rtol=1e-4)
    expect.close(scores[1], net.accuracy(X, y), "the accuracy of evaluate(X, y)", rtol=1e-4)


@keras_model.check("update", points=2)
def _(keras_model: Any, draw: Draw) -> None:
    for options, rate, momentum in (
        ({"learning_rate": 0.3, "momentum": 0.0}, 0.3, 0.0),
        ({"learning_rate": 0.2, "momentum": 0.5}, 0.2, 0.5),
        ({}, 0.1, 0.9),
    ):
        model, net, X, y = _model(keras_model, draw, **options)
        model.fit(X, y, batch_size=6, epochs=3, shuffle=False, verbose=0)
        for _ in range(3):
            net.train(X, y, rate, momentum=momentum)
        what = f"after three updates with learning rate {rate} and momentum {momentum}"
        for weights, (name, value) in zip(model.get_weights(), net.parameters.items(), strict=True):
            expect.close(weights, value, f"{what} {name}", rtol=1e-3)
