"""The worst predictions.

A mean hides who is wrong. Here the test samples are ranked by their own loss, −log of the
probability that the trained network gave to the true class. The worst ones show what the network
mistakes for what, and whether a person would have known better. The confusion matrix counts the
same mistakes by class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.nn.functions import EPSILON
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

SHOWN = 8


@dataclass
class WorstPredictionsResult(SectionResult):
    """The predictions for the test set, sorted by their loss.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Indices into the test set, by falling loss.
    losses : ndarray, shape (n,)
        Loss of each test sample, in the order of the test set.
    probabilities : ndarray, shape (n, 10)
    images : ndarray, shape (n, 8, 8)
    y_true, y_pred : ndarray of int, shape (n,)
    confusion : ndarray of int, shape (10, 10)
        Rows are true classes, columns predicted ones.
    """

    order: Array
    losses: Array
    probabilities: Array
    images: Array
    y_true: Array
    y_pred: Array
    confusion: Array
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """The number of wrong predictions, and the worst losses."""
        worst = self.order[0]
        return {
            "test samples predicted wrong": int((self.y_pred != self.y_true).sum()),
            "worst test sample": int(worst),
            "its loss": float(self.losses[worst]),
            "share of the loss in the worst ten": float(
                self.losses[self.order[:10]].sum() / self.losses.sum()
            ),
        }

    @property
    def findings(self) -> str:
        """Sentences on the worst samples and on the most common mistake."""
        wrong = self.confusion * (1 - np.eye(len(self.confusion), dtype=int))
        text = (
            f"{self.numbers['test samples predicted wrong']} of {len(self.y_true)} test samples "
            "are predicted wrong, and the worst ten samples make up "
            f"{self.numbers['share of the loss in the worst ten']:.0%} of the test loss: the "
            "network is sure nearly everywhere, also where it is wrong."
        )
        if wrong.max() > 0:
            true, predicted = np.unravel_index(np.argmax(wrong), wrong.shape)
            text += (
                f" Its commonest mistake is to take {true} for {predicted} "
                f"({wrong.max()} {'time' if wrong.max() == 1 else 'times'})."
            )
        return text

    @property
    def pictures(self) -> list[SectionPicture]:
        """The worst samples and the confusion matrix."""
        return [
            SectionPicture(
                f"The {SHOWN} test samples with the highest loss: true and predicted class.",
                self.plot_worst,
                (9, 5),
            ),
            SectionPicture("Confusion matrix of the test set.", self.plot_confusion, (6, 5)),
        ]

    def plot_worst(self, ax: Axes | None = None) -> Axes:
        """Show the worst samples with their true and predicted class."""
        ax = plots.new_axes(ax, (9, 5))
        for i, panel in zip(
            self.order, plots.panels(ax, 2, SHOWN // 2, gaps=(0.2, 0.04)), strict=False
        ):
            title = f"{self.y_true[i]}, read as {self.y_pred[i]}\nloss {self.losses[i]:.2f}"
            plots.image(self.images[i], title, panel)
            panel.title.set_fontsize(10)
        return ax

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """Draw the confusion matrix."""
        classes = range(len(self.confusion))
        return plots.heat_map(
            self.confusion, classes, classes,
            title="Confusion matrix", xlabel="predicted class", ylabel="true class",
            write=lambda count: str(count or ""), cmap="Blues", ax=ax,
        )  # fmt: skip


def run(lab: Lab) -> WorstPredictionsResult:
    """Rank the test samples by the loss of the network of the section before."""
    lines, log = lab.logger()
    digits = lab.digits
    model = lab.run("hidden-layer").model
    y_true = digits.y_test
    probabilities = model.forward(digits.X_test)
    losses = -np.log(EPSILON + probabilities[np.arange(len(y_true)), y_true])
    order = np.argsort(-losses, kind="stable")
    y_pred = probabilities.argmax(axis=1)
    confusion = np.zeros((digits.n_classes, digits.n_classes), dtype=int)
    np.add.at(confusion, (y_true, y_pred), 1)

    for rank, i in enumerate(order[:5], start=1):
        log(
            f"Worst #{rank}: test sample {i}, true {y_true[i]}, predicted {y_pred[i]}, "
            f"loss {losses[i]:.3f}"
        )
    images = np.stack([digits.image(x) for x in digits.X_test])
    return WorstPredictionsResult(
        order, losses, probabilities, images, y_true, y_pred, confusion, lines
    )
