"""Lab 1: softmax regression and a hidden layer, the gradients by hand."""

from __future__ import annotations

from chainrule._src.teach.exercise import Exercise
from chainrule._src.teach.exercises.networks import learning, network, updates
from chainrule._src.teach.lab import models

LogisticRegression = Exercise(
    "LogisticRegression",
    "softmax regression with its gradient, trained one sample at a time",
    (
        "Look at grad_loss for one sample: what is the gradient with respect to the logits?",
        "The gradient of the loss with respect to the logits is the predicted probabilities minus "
        "the one-hot row. Each weight's gradient is its pixel times its logit's gradient. train "
        "subtracts learning_rate times the gradient from each parameter.",
        "∂L/∂z = y_pred - Y, ∂L/∂W_ij = x_i (y_pred - Y)_j, ∂L/∂b = y_pred - Y; θ ← θ - η ∂L/∂θ",
    ),
)
_regression = lambda *sizes: models.LogisticRegression(*sizes, seed=0)  # noqa: E731
network(LogisticRegression, _regression, (5, 3))
updates(LogisticRegression, _regression, (5, 3))
learning(LogisticRegression, (), batch_size=1, rate=0.01, epochs=1, least=0.92)

NeuralNet = Exercise(
    "NeuralNet",
    "a hidden layer with sigmoids, its gradients by backpropagation",
    (
        "Go from the loss backwards, and print the shapes on the way: a gradient has the shape of "
        "what it belongs to.",
        "The output layer is the logistic regression with h in place of x. Its gradient goes back "
        "to h through the transpose of W_o, then through dsigmoid at z_h, element by element; the "
        "first layer follows as the last did.",
        "∂L/∂z_o = y - Y, ∂L/∂W_o = outer(h, ∂L/∂z_o), ∂L/∂z_h = (∂L/∂z_o W_oᵀ) ⊙ dsigmoid(z_h), "
        "∂L/∂W_h = outer(x, ∂L/∂z_h); the biases have ∂L/∂z_o and ∂L/∂z_h",
    ),
)
_net = lambda *sizes: models.NeuralNet(*sizes, seed=0)  # noqa: E731
network(NeuralNet, _net, (5, 4, 3))
updates(NeuralNet, _net, (5, 4, 3))
learning(NeuralNet, (10,), batch_size=1, rate=0.1, epochs=3, least=0.88)
