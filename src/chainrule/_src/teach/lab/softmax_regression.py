"""Softmax regression.

The simplest model that learns: one weight for each pair of pixel and class, one bias a class. The
weighted sums are logits, and the softmax turns them into probabilities.

    y = softmax(x W + b)

The loss of a sample is the negative log likelihood of its true class, −log y[class]. Its gradient
is short, because the exponential of the softmax and the logarithm of the loss cancel: with Y the
one-hot row of the true class and z = x W + b the logits,

    ∂L/∂z = y − Y,   ∂L/∂W = xᵀ (y − Y),   ∂L/∂b = y − Y

Stochastic gradient descent takes one sample after another and moves every weight a little against
its gradient. Here it does so once through the training set, with learning rate 0.01.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.check import check_gradients
from chainrule._src.teach.lab.models import LogisticRegression
from chainrule._src.teach.lab.results import (
    GradientCheck,
    Number,
    Prediction,
    SectionPicture,
    SectionResult,
    score_line,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

LEARNING_RATE = 0.01
EVERY = 100  # updates between two lines of the log
CHECKED = 50  # training samples in the gradient check


@dataclass
class SoftmaxRegressionResult(SectionResult):
    """One epoch of softmax regression.

    Attributes
    ----------
    model : LogisticRegression
        The model after training.
    updates : list of int
        Numbers of the updates after which the model was scored.
    scores : list of ndarray
        Training loss, training accuracy, test accuracy at those updates.
    untrained : ndarray
        The three scores before training.
    before, after : Prediction
    check : GradientCheck
    """

    model: LogisticRegression
    updates: list[int]
    scores: list[Array]
    untrained: Array
    before: Prediction
    after: Prediction
    check: GradientCheck
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """Scores before and after, and the gradient check."""
        loss, train, test = map(float, self.scores[-1])
        return {
            "train loss, untrained": float(self.untrained[0]),
            f"train loss, update {self.updates[-1]}": loss,
            f"train accuracy, update {self.updates[-1]}": train,
            f"test accuracy, update {self.updates[-1]}": test,
            **self.check.numbers,
        }

    @property
    def findings(self) -> str:
        """Sentences on the result of one epoch."""
        loss, _, test = self.scores[-1]
        return (
            "Untrained, the model knows nothing: a uniform guess costs log 10 = 2.303 nats, and "
            f"it pays {self.untrained[0]:.3f}. By update #{self.updates[-1]}, near the end "
            f"of one pass over the data, the loss is {loss:.3f} and {test:.1%} of the test set are "
            "right; most of that came in the first few hundred updates."
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """Scores over the updates, predictions before and after, the gradient check."""
        return [
            SectionPicture(
                "Training loss and accuracies within the epoch.", self.plot_scores, (8, 3.6)
            ),
            self.before.picture("before training"),
            self.after.picture("after one epoch"),
            self.check.picture,
        ]

    def plot_scores(self, ax: Axes | None = None) -> Axes:
        """Draw loss and accuracies over the updates."""
        ax = plots.new_axes(ax, (8, 3.6))
        ax_left, ax_right = plots.panels(ax, 1, 2, gaps=(0, 0.16))
        loss, train, test = zip(*self.scores, strict=True)
        plots.curves(
            {"train": (self.updates, loss)},
            title="Loss", xlabel="update", ylabel="mean NLL (nats)", ax=ax_left, ylim=(0, None),
        )  # fmt: skip
        plots.curves(
            {"train": (self.updates, train), "test": (self.updates, test)},
            title="Accuracy", xlabel="update", ylabel="accuracy", ax=ax_right, ylim=(0, 1.05),
        )  # fmt: skip
        return ax


def run(lab: Lab) -> SoftmaxRegressionResult:
    """Evaluate untrained, check the gradients, train one epoch, evaluate again."""
    lines, log = lab.logger()
    digits = lab.digits
    model = LogisticRegression(digits.n_features, digits.n_classes, seed=lab.seed)

    log("Evaluation of the untrained model:")
    untrained, line = score_line(model, digits, 4)
    log(line)
    before = Prediction.of(model, digits, 0)
    check = GradientCheck(
        check_gradients(model)(digits.X_train[:CHECKED], digits.y_train[:CHECKED])
    )

    updates, scores = [], []
    samples = list(zip(digits.X_train, digits.y_train, strict=True))
    for i, (x, y) in enumerate(lab.track(samples, "training softmax regression")):
        model.train(x, y, LEARNING_RATE)
        if i % EVERY == 0:
            row, line = score_line(model, digits, 4)
            log(f"Update #{i}, {line}")
            updates.append(i)
            scores.append(row)

    after = Prediction.of(model, digits, 0)
    return SoftmaxRegressionResult(model, updates, scores, untrained, before, after, check, lines)
