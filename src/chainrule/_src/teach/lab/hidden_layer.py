"""A hidden layer, and backpropagation.

Between pixels and classes come ten hidden units. Each takes a weighted sum of the pixels and
squashes it with the sigmoid σ(z) = 1 / (1 + exp(−z)); the softmax regression then works on the
hidden units instead of on the pixels.

    z_h = x W_h + b_h,   h = σ(z_h),   y = softmax(h W_o + b_o)

Backpropagation is the chain rule, read from the loss backwards. Every line takes the gradient with
respect to what a layer put out and turns it into the gradients with respect to the layer's weights
and to what the layer took in:

    ∂L/∂z_o = y − Y
    ∂L/∂W_o = hᵀ ∂L/∂z_o,   ∂L/∂b_o = ∂L/∂z_o,   ∂L/∂h = ∂L/∂z_o W_oᵀ
    ∂L/∂z_h = ∂L/∂h ⊙ σ′(z_h)
    ∂L/∂W_h = xᵀ ∂L/∂z_h,   ∂L/∂b_h = ∂L/∂z_h

The network trains with learning rate 0.1, one sample an update.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.check import check_gradients
from chainrule._src.nn.callbacks import History
from chainrule._src.nn.functions import dsigmoid, sigmoid
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import (
    GradientCheck,
    Number,
    Prediction,
    SectionPicture,
    SectionResult,
    format_scores,
    learning_pictures,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

HIDDEN, LEARNING_RATE, EPOCHS = 10, 0.1, 15
CHECKED = 50
SAMPLE = 5


@dataclass
class HiddenLayerResult(SectionResult):
    """The training of the lab's network.

    Attributes
    ----------
    model : NeuralNet
        The model after training.
    history : History
    before, after : Prediction
    check : GradientCheck
    epochs : dict of int to dict of str to ndarray
        Epoch → parameters, before the first epoch and after each epoch.
    """

    model: NeuralNet
    history: History
    before: Prediction
    after: Prediction
    check: GradientCheck
    log: list[str]
    epochs: dict[int, dict[str, Array]]

    @property
    def numbers(self) -> dict[str, Number]:
        """Scores after the last epoch, and the gradient check."""
        return {
            "epochs": self.history.epoch[-1],
            "train loss": self.history.loss[-1],
            "train accuracy": self.history.accuracy[-1],
            "test loss": self.history.val_loss[-1],
            "test accuracy": self.history.val_accuracy[-1],
            **self.check.numbers,
        }

    @property
    def findings(self) -> str:
        """Sentences on the gain by the hidden layer, and on the hidden weights."""
        h = self.history
        return (
            f"In {h.epoch[-1]} epochs ten hidden units bring the training loss to "
            f"{h.loss[-1]:.3f} and get {h.val_accuracy[-1]:.1%} of the test set right. The images "
            "of the weights show what each unit looks for: strokes that speak for it (red) and "
            "against it (blue). No unit stands for one digit; a digit is a pattern over the ten."
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """Curves, sigmoid, predictions, gradient check, hidden weights."""
        return [
            *learning_pictures(self.history),
            SectionPicture("The sigmoid and its derivative.", plot_sigmoid, (5.5, 3.6)),
            self.before.picture("before training"),
            self.after.picture("after training"),
            self.check.picture,
            SectionPicture(
                "What each hidden unit looks for: its 64 weights.", self.plot_weights, (9, 4)
            ),
        ]

    def plot_weights(self, ax: Axes | None = None) -> Axes:
        """Show the weights of each hidden unit as an 8 × 8 image."""
        W_h = self.model.parameters["W_h"]
        return plots.weight_images(W_h, [f"unit {i}" for i in range(W_h.shape[1])], ax)


def plot_sigmoid(ax: Axes | None = None) -> Axes:
    """Draw the sigmoid and its derivative."""
    x = np.linspace(-5, 5, 201)
    lines = {"σ(z)": (x, sigmoid(x)), "σ′(z)": (x, dsigmoid(x))}
    return plots.curves(lines, title="Sigmoid", xlabel="z", ylabel="value", ax=ax)


def run(lab: Lab) -> HiddenLayerResult:
    """Check the gradients, train, and record the history."""
    lines, log = lab.logger()
    digits = lab.digits
    model = NeuralNet(digits.n_features, HIDDEN, digits.n_classes, seed=lab.seed)
    before = Prediction.of(model, digits, SAMPLE)
    check = GradientCheck(
        check_gradients(model)(digits.X_train[:CHECKED], digits.y_train[:CHECKED])
    )

    epochs = 3 if lab.quick else EPOCHS

    copies: dict[int, dict[str, Array]] = {}

    def on_epoch(epoch: int, scores: dict[str, float]) -> None:
        copies[epoch] = {name: value.copy() for name, value in model.parameters.items()}
        name = f"Epoch #{epoch}" if epoch else "Random init"
        row = scores["loss"], scores["accuracy"], scores["val_accuracy"]
        log(f"{name}{',' if epoch else ':'} {format_scores(row, 5)}")
        advance()

    with lab.progress("training the hidden layer", epochs + 1) as advance:
        history = model.fit(
            digits.X_train, digits.y_train, epochs=epochs, learning_rate=LEARNING_RATE,
            validation_data=(digits.X_test, digits.y_test), on_epoch=on_epoch,
        )  # fmt: skip
    after = Prediction.of(model, digits, SAMPLE)
    return HiddenLayerResult(model, history, before, after, check, lines, copies)
