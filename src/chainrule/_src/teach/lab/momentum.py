"""Momentum.

Plain gradient descent forgets where it was going. Momentum keeps a velocity v, a running sum of
past steps that fades by the factor μ with every update, and moves along it:

    v ← μ v − η ∂L/∂θ,   θ ← θ + v

Where gradients keep pointing the same way the steps add up, to 1 / (1 − μ) times the plain step;
where they point to and fro they cancel. Both networks below start from the same weights and see the
same batches of 32 in the same order, with learning rate η = 0.1; one has μ = 0.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._src.base import plots
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

BATCH_SIZE, LEARNING_RATE, EPOCHS = 32, 0.1, 15
MOMENTA = (0.0, 0.9)


@dataclass
class MomentumResult(SectionResult):
    """The same batches with and without momentum.

    Attributes
    ----------
    batch_losses : dict of float to list of float
        Momentum → loss of each batch, before its update.
    losses : dict of float to list of float
        Momentum → training loss, before the first update and after every epoch.
    test_accuracy : dict of float to float
    """

    batch_losses: dict[float, list[float]]
    losses: dict[float, list[float]]
    test_accuracy: dict[float, float]
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """The results with and without momentum."""
        numbers: dict[str, Number] = {}
        for momentum in MOMENTA:
            numbers[f"momentum {momentum:g}: train loss"] = self.losses[momentum][-1]
            numbers[f"momentum {momentum:g}: test accuracy"] = self.test_accuracy[momentum]
        return numbers

    @property
    def findings(self) -> str:
        """Sentences on the speed-up by momentum."""
        plain, fast = self.losses[0.0], self.losses[0.9]
        sooner = [epoch for epoch, loss in enumerate(fast) if loss <= plain[-1]]
        when = f"it is past that after epoch {sooner[0]} and " if sooner else "it "
        return (
            f"Without momentum the loss is {plain[-1]:.3f} after {len(plain) - 1} epochs. With "
            f"momentum 0.9 {when}ends at {fast[-1]:.3f}."
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """The loss curves."""
        return [
            SectionPicture(
                "Loss over the same batches: thin each batch, thick the whole training set.",
                self.plot_losses,
                (8, 4),
            )
        ]

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw batch and training losses."""
        ax = plots.new_axes(ax, (8, 4))
        per_epoch = len(self.batch_losses[0.0]) // (len(self.losses[0.0]) - 1)
        for momentum, colour in zip(MOMENTA, plots.COLOURS, strict=False):
            ax.plot(self.batch_losses[momentum], color=colour, linewidth=0.6, alpha=0.6)
        lines = {
            f"momentum {momentum:g}": (np.arange(len(losses)) * per_epoch, losses)
            for momentum, losses in self.losses.items()
        }
        return plots.curves(
            lines, title="With and without momentum", xlabel="update", ylabel="loss (nats)",
            ax=ax, ylim=(0, None),
        )  # fmt: skip


def run(lab: Lab) -> MomentumResult:
    """Train twice on the same batches, with and without momentum."""
    lines, log = lab.logger()
    d = lab.digits
    result = MomentumResult({}, {}, {}, lines)
    for momentum in lab.track(MOMENTA, "with and without momentum"):
        net = NeuralNet(d.n_features, 10, d.n_classes, seed=lab.seed)
        losses, batch_losses = [float(net.loss(d.X_train, d.y_train))], []
        for _ in range(3 if lab.quick else EPOCHS):
            for start in range(0, len(d.X_train), BATCH_SIZE):
                X = d.X_train[start : start + BATCH_SIZE]
                y = d.y_train[start : start + BATCH_SIZE]
                batch_losses.append(float(net.loss(X, y)))
                net.train(X, y, LEARNING_RATE, momentum=momentum)
            losses.append(float(net.loss(d.X_train, d.y_train)))
        result.losses[momentum], result.batch_losses[momentum] = losses, batch_losses
        result.test_accuracy[momentum] = float(net.accuracy(d.X_test, d.y_test))
        log(
            f"Momentum {momentum:g}: train loss: {losses[-1]:.4f}, "
            f"test acc: {result.test_accuracy[momentum]:.3f}"
        )
    return result
