"""Mini-batches.

One implementation serves one sample and many: a batch is a matrix X with a row for each sample, and
the sums over the batch are inside the matrix products. The gradient is the average over the batch,
so its size does not depend on how many samples there are.

    ∂L/∂W_h = Xᵀ ∂L/∂z_h,   ∂L/∂b_h = Σᵢ (∂L/∂z_h)ᵢ,   with ∂L/∂z_o = (y − Y) / n

A larger batch gives a better estimate of the gradient, at more cost an update. Every network below
starts from the same weights and uses the same learning rate, 0.5, for the same number of epochs; so
the smaller its batches, the more updates it makes.

The norm of the average gradient over the whole training set tells how far a network is from a point
where nothing pulls any more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

SIZES = (1, 8, 32, 128, 512)
LEARNING_RATE, EPOCHS = 0.5, 15


@dataclass
class BatchRun:
    """Training with one batch size; every list has an entry before training and after each epoch.

    Attributes
    ----------
    batch_size : int
    updates : list of int
    seconds : list of float
        Time spent in ``train``, without the scoring.
    losses : list of float
        Loss on the training set.
    gradient_norms : list of float
        Norm of the average gradient over the training set.
    test_accuracy : float
        Accuracy after the last epoch.
    """

    batch_size: int
    updates: list[int]
    seconds: list[float]
    losses: list[float]
    gradient_norms: list[float]
    test_accuracy: float


@dataclass
class MiniBatchesResult(SectionResult):
    """Batch sizes compared.

    Attributes
    ----------
    runs : dict of int to BatchRun
        Batch size → run.
    """

    runs: dict[int, BatchRun]
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """Speed and outcome for each batch size."""
        numbers: dict[str, Number] = {}
        for size, run in self.runs.items():
            numbers[f"batch {size}: updates per second"] = round(run.updates[-1] / run.seconds[-1])
            numbers[f"batch {size}: train loss"] = run.losses[-1]
            numbers[f"batch {size}: test accuracy"] = run.test_accuracy
            numbers[f"batch {size}: gradient norm"] = run.gradient_norms[-1]
        return numbers

    @property
    def findings(self) -> str:
        """Sentences on the gain and the loss by batches of 32."""
        speed = {size: run.updates[-1] * size / run.seconds[-1] for size, run in self.runs.items()}
        best = min(self.runs.values(), key=lambda run: run.losses[-1])
        calm = min(self.runs.values(), key=lambda run: run.gradient_norms[-1])
        largest = self.runs[max(self.runs)]
        rising = ", ".join(
            str(size)
            for size, run in self.runs.items()
            if run.gradient_norms[-1] == max(run.gradient_norms)
        )
        return (
            f"In batches of 32 NumPy takes {speed[32] / speed[1]:.0f} times as many samples a "
            f"second as one by one. After {len(best.losses) - 1} epochs at this learning rate "
            f"batches of {best.batch_size} have the lowest loss, {best.losses[-1]:.3f}; single "
            f"samples, noisy as they are, reach {self.runs[1].losses[-1]:.3f} in "
            f"{self.runs[1].updates[-1]} updates, and batches of {largest.batch_size}, with only "
            f"{largest.updates[-1]} updates, {largest.losses[-1]:.3f}. The gradient norm rises "
            "while the hidden units wake up and falls as a network settles; it ends lowest, at "
            f"{calm.gradient_norms[-1]:.3f}, for batches of {calm.batch_size}"
            + (f", and is still rising for batches of {rising}." if rising else ".")
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """Loss by updates and by seconds; gradient norms."""
        return [
            SectionPicture("The same runs by updates and by seconds.", self.plot_losses, (9, 4)),
            SectionPicture(
                "Norm of the average gradient over the training set after every epoch.",
                self.plot_gradient_norms,
            ),
        ]

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw the losses over updates and over seconds."""
        ax = plots.new_axes(ax, (9, 4))
        ax_left, ax_right = plots.panels(ax, 1, 2, gaps=(0, 0.14))
        updates = {f"batch {s}": (r.updates[1:], r.losses[1:]) for s, r in self.runs.items()}
        seconds = {f"batch {s}": (r.seconds[1:], r.losses[1:]) for s, r in self.runs.items()}
        loss: dict[str, Any] = {
            "ylabel": "train loss (nats)",
            "xscale": "log",
            "ylim": (0, None),
            "marker": ".",
        }
        plots.curves(updates, title="Per update", xlabel="updates", ax=ax_left, **loss)
        plots.curves(seconds, title="Per second", xlabel="seconds of training", ax=ax_right, **loss)
        return ax

    def plot_gradient_norms(self, ax: Axes | None = None) -> Axes:
        """Draw the gradient norms over the epochs."""
        norms = {
            f"batch {size}": (range(len(run.gradient_norms)), run.gradient_norms)
            for size, run in self.runs.items()
        }
        return plots.curves(
            norms, title="Norm of the average gradient", xlabel="epoch", ylabel="‖∂L/∂θ‖",
            ax=ax, marker=".", ylim=(0, None),
        )  # fmt: skip


def run(lab: Lab) -> MiniBatchesResult:
    """Train with each batch size from the same initial weights."""
    lines, log = lab.logger()
    runs = {}
    for size in lab.track(SIZES, "batch sizes"):
        runs[size] = result = _train(lab, size, 2 if lab.quick else EPOCHS)
        log(
            f"Batch size {size}: {result.updates[-1] / result.seconds[-1]:.0f} updates/s, "
            f"train loss: {result.losses[-1]:.4f}, test acc: {result.test_accuracy:.3f}"
        )
    return MiniBatchesResult(runs, lines)


def _train(lab: Lab, batch_size: int, epochs: int) -> BatchRun:
    d = lab.digits
    net = NeuralNet(d.n_features, 10, d.n_classes, seed=lab.seed)
    starts = np.arange(0, len(d.X_train), batch_size)
    run = BatchRun(batch_size, [0], [0.0], [], [], 0.0)
    run.losses.append(float(net.loss(d.X_train, d.y_train)))
    run.gradient_norms.append(float(net.grad_norm(d.X_train, d.y_train)))
    for _ in range(epochs):
        began = time.perf_counter()
        for start in starts:
            batch = slice(start, start + batch_size)
            net.train(d.X_train[batch], d.y_train[batch], LEARNING_RATE)
        run.seconds.append(run.seconds[-1] + time.perf_counter() - began)
        run.updates.append(run.updates[-1] + len(starts))
        run.losses.append(float(net.loss(d.X_train, d.y_train)))
        run.gradient_norms.append(float(net.grad_norm(d.X_train, d.y_train)))
    run.test_accuracy = float(net.accuracy(d.X_test, d.y_test))
    return run
