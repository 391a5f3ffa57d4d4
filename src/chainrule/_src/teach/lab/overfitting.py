"""Overfitting or underfitting.

A network that is wrong on the data it trained on underfits: it is too small, or has not trained
long enough. One that is right on that data and worse on new data overfits: it has learned the
samples by heart. To tell, train until nothing changes any more, and compare the two sets.

Converged means here: over the last ten epochs the training loss has moved by less than 0.002 and
the training accuracy by no more than one sample in a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._src.base import plots
from chainrule._src.nn.callbacks import History
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult, format_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

LEARNING_RATE = 0.1
MIN_EPOCHS, MAX_EPOCHS, WINDOW = 50, 200, 10


@dataclass
class OverfittingResult(SectionResult):
    """A network trained until it converged.

    Attributes
    ----------
    history : History
    has_converged : bool
    """

    history: History
    has_converged: bool
    log: list[str]

    @property
    def best_epoch(self) -> int:
        """Epoch with the lowest test loss."""
        return self.history.epoch[int(np.argmin(self.history.val_loss))]

    @property
    def verdict(self) -> str:
        """``"overfitting"``, ``"underfitting"``, ``"neither"`` or ``"not converged"``."""
        return verdict(self.history, self.has_converged)

    @property
    def numbers(self) -> dict[str, Number]:
        """The scores on both sets after the last epoch, and the verdict."""
        h = self.history
        return {
            "epochs": h.epoch[-1],
            "converged": "yes" if self.has_converged else "no",
            "train loss": h.loss[-1],
            "test loss": h.val_loss[-1],
            "lowest test loss": min(h.val_loss),
            "at epoch": self.best_epoch,
            "train accuracy": h.accuracy[-1],
            "test accuracy": h.val_accuracy[-1],
            "verdict": self.verdict,
        }

    @property
    def findings(self) -> str:
        """Sentences that explain the verdict."""
        h = self.history
        numbers = (
            f"After {h.epoch[-1]} epochs the loss is {h.loss[-1]:.4f} on the training set and "
            f"{h.val_loss[-1]:.4f} on the test set, the accuracy {h.accuracy[-1]:.1%} and "
            f"{h.val_accuracy[-1]:.1%}. "
        )
        rise = h.val_loss[-1] / min(h.val_loss) - 1
        reasons = {
            "overfitting": (
                "The network overfits: it knows the training set nearly by heart, and its loss on "
                f"new digits is {h.val_loss[-1] / h.loss[-1]:.0f} times as high. The test loss was "
                f"lowest after epoch {self.best_epoch}; by epoch {h.epoch[-1]} it rose by "
                f"{rise:.1%} while the training loss fell from {h.loss[self.best_epoch]:.4f} to "
                f"{h.loss[-1]:.4f}: what was learned in between helps with the training set alone."
            ),
            "underfitting": (
                "The network underfits: it is still wrong on samples it has seen again and again. "
                "More hidden units or a better learning rate would help; more data would not."
            ),
            "neither": (
                "Neither: both sets are predicted about equally well, so there is nothing to gain "
                "from a smaller network and little from a larger one."
            ),
            "not converged": (
                "It has not converged, so there is no verdict yet: train for more epochs."
            ),
        }
        return numbers + reasons[self.verdict]

    @property
    def pictures(self) -> list[SectionPicture]:
        """A picture of both losses over all epochs."""
        return [SectionPicture("Both losses, logarithmically.", self.plot_losses, (8, 4))]

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw both losses on a logarithmic axis, and mark the epoch with the lowest test loss."""
        h = self.history
        ax = plots.new_axes(ax, (8, 4))
        ax.axvline(self.best_epoch, color=plots.GREY, linestyle=":", label="lowest test loss")
        return plots.curves(
            {"train": (h.epoch, h.loss), "test": (h.epoch, h.val_loss)},
            title="Training on", xlabel="epoch", ylabel="mean NLL (nats)", ax=ax, yscale="log",
        )  # fmt: skip


def converged(history: History) -> bool:
    """Return true if loss and accuracy were nearly constant over the last ten epochs."""
    if len(history.epoch) <= WINDOW:
        return False
    loss, accuracy = history.loss[-WINDOW - 1 :], history.accuracy[-WINDOW - 1 :]
    return bool(np.ptp(loss) < 0.002 and np.ptp(accuracy) <= 0.001)


def verdict(history: History, has_converged: bool) -> str:
    """Judge a history: underfitting, overfitting, or neither.

    Underfitting is a training accuracy below 97 %. Overfitting is a test loss of more than twice
    the training loss, with a test accuracy at least one point lower.
    """
    if not has_converged:
        return "not converged"
    if history.accuracy[-1] < 0.97:
        return "underfitting"
    gap = history.accuracy[-1] - history.val_accuracy[-1]
    if history.val_loss[-1] > 2 * history.loss[-1] and gap >= 0.01:
        return "overfitting"
    return "neither"


def run(lab: Lab) -> OverfittingResult:
    """Train the network until it converges."""
    lines, log = lab.logger()
    d = lab.digits
    net = NeuralNet(d.n_features, 10, d.n_classes, seed=lab.seed)
    least, most = (2, 2) if lab.quick else (MIN_EPOCHS, MAX_EPOCHS)
    history = History()

    def on_epoch(epoch: int, scores: dict[str, float]) -> bool:
        history.append(epoch, scores)
        advance()
        stop = epoch >= least and converged(history)
        if epoch % WINDOW == 0 or stop or epoch == most:
            row = scores["loss"], scores["accuracy"], scores["val_accuracy"]
            log(f"Epoch #{epoch}, {format_scores(row, 5)}, test loss: {scores['val_loss']:.5f}")
        return stop

    with lab.progress("training until converged", most + 1) as advance:
        net.fit(
            d.X_train, d.y_train, epochs=most, learning_rate=LEARNING_RATE,
            validation_data=(d.X_test, d.y_test), on_epoch=on_epoch,
        )  # fmt: skip
    return OverfittingResult(history, converged(history), lines)
