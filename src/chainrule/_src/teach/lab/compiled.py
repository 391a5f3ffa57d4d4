"""The same training, compiled.

The lab trains one sample at a time, and for a network this small NumPy spends its time on calling,
not on computing: 1,500 multiplications an update take far less than the dozen calls that order
them.

`cr.minimize` takes the loss as plain NumPy, records it together with its gradient and the update
of SGD, writes the loops over all entries as Python, and compiles a whole epoch of them. Below it
starts from the lab's initial weights and sees the same samples in the same order, so its curve must
be the lab's, and only the clock tells the two apart. The loss is written with the logarithm of the
softmax: the lab's gradient, y − Y, is that of the loss without the 1e-8 that `nll` adds inside its
logarithm, and training one sample at a time makes even that visible after some epochs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.nn.functions import log_softmax, one_hot, sigmoid
from chainrule._src.nn.optimizers import SGD
from chainrule._src.nn.training import minimize, source
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

HIDDEN, LEARNING_RATE, EPOCHS = 10, 0.1, 15


def network_loss(params: dict[str, Any], X: Any, y: Any) -> Any:
    """Return the loss whose gradient the lab derives by hand."""
    h = sigmoid(X @ params["W_h"] + params["b_h"])
    log_Y = log_softmax(h @ params["W_o"] + params["b_o"])
    return -np.mean(np.sum(one_hot(10, y) * log_Y, axis=-1))


@dataclass
class CompiledResult(SectionResult):
    """One training by hand in NumPy and one compiled.

    Attributes
    ----------
    by_hand, compiled : list of float
        The loss over the training set at the start and after every epoch.
    difference : float
        The largest difference between a weight of one and of the other at the end.
    seconds_by_hand, seconds_compiled : float
        Time of one update, measured in this run.
    seconds_compiling : float
        Additional time of the first run; 0 if a compiled kernel was cached.
    text : str
        The source of the loops of one update.
    """

    by_hand: list[float]
    compiled: list[float]
    difference: float
    seconds_by_hand: float
    seconds_compiled: float
    seconds_compiling: float
    text: str
    log: list[str]

    @property
    def speed_up(self) -> float:
        """Time by hand divided by compiled time."""
        return self.seconds_by_hand / self.seconds_compiled

    @property
    def numbers(self) -> dict[str, Number]:
        """The times, and the differences of the results."""
        return {
            "µs an update, NumPy by hand": self.seconds_by_hand * 1e6,
            "µs an update, compiled": self.seconds_compiled * 1e6,
            "times faster": self.speed_up,
            "seconds of compiling": self.seconds_compiling,
            "largest difference of a weight": self.difference,
            "train loss": self.compiled[-1],
        }

    @property
    def findings(self) -> str:
        """Sentences on the speed-up and the agreement."""
        return (
            f"An update takes {self.seconds_by_hand * 1e6:.1f} µs by hand and "
            f"{self.seconds_compiled * 1e6:.2f} µs compiled: {self.speed_up:.0f} times faster, "
            "measured on this machine just now. By hand is NeuralNet.train, which checks its input "
            "at every update; README's benchmarks take the same arithmetic in bare NumPy, and find "
            f"less. After {len(self.compiled) - 1} epochs no weight differs by more than "
            f"{self.difference:.0e}: what is left is rounding, since sums are taken in another "
            "order."
        )

    @property
    def listings(self) -> list[tuple[str, str]]:
        """The source of the loops."""
        return [("An update as chainrule compiles it.", self.text)]

    @property
    def pictures(self) -> list[SectionPicture]:
        """The loss curves of both trainings."""
        return [SectionPicture("The loss of both, one over the other.", self.plot_losses)]

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw the loss curves of both trainings."""
        ax = plots.curves(
            {"NumPy by hand": (range(len(self.by_hand)), self.by_hand)},
            title="The same training", xlabel="epoch", ylabel="train loss (nats)", ax=ax,
            ylim=(0, None),
        )  # fmt: skip
        ax.plot(self.compiled, "o", color=plots.COLOURS[1], label="compiled", markersize=5)
        ax.legend(frameon=False)
        return ax


def run(lab: Lab) -> CompiledResult:
    """Train twice from the same initial weights, and measure both times."""
    lines, log = lab.logger()
    d = lab.digits
    X, y = d.X_train.astype(np.float64), d.y_train
    epochs = 3 if lab.quick else EPOCHS
    net = NeuralNet(d.n_features, HIDDEN, d.n_classes, seed=lab.seed)
    start = {name: value.copy() for name, value in net.parameters.items()}

    by_hand = [float(net.loss(X, y))]
    began = time.perf_counter()
    for sample, label in zip(X, y, strict=True):
        net.train(sample, label, LEARNING_RATE)
    seconds_by_hand = (time.perf_counter() - began) / len(X)
    by_hand.append(float(net.loss(X, y)))
    for _ in lab.track(range(1, epochs), "by hand"):
        for sample, label in zip(X, y, strict=True):
            net.train(sample, label, LEARNING_RATE)
        by_hand.append(float(net.loss(X, y)))

    def train(params: Any, epochs: int) -> tuple[dict[str, Array], float]:
        began = time.perf_counter()
        trained, _ = minimize(
            network_loss, params, X, y, optimizer=SGD(LEARNING_RATE), epochs=epochs,
            batch_size=1, shuffle=False, engine="compiled",
        )  # fmt: skip
        return trained, time.perf_counter() - began

    with lab.progress("compiling", 1) as advance:
        first = train(start, 1)[1]
        advance()
    params, compiled = start, [by_hand[0]]
    for _ in range(epochs):
        params, seconds = train(params, 1)
        compiled.append(float(network_loss(params, X, y)))
    trained, seconds = min((train(start, epochs) for _ in range(3)), key=lambda run: run[1])
    difference = max(float(np.abs(trained[k] - net.parameters[k]).max()) for k in trained)
    result = CompiledResult(
        by_hand, compiled, difference, seconds_by_hand, seconds / epochs / len(X),
        max(0.0, first - seconds / epochs), _loops(start, X, y), lines,
    )  # fmt: skip
    for epoch, losses in enumerate(zip(by_hand, compiled, strict=True)):
        log(f"Epoch #{epoch}, train loss by hand: {losses[0]:.6f}, compiled: {losses[1]:.6f}")
    log(f"{result.speed_up:.0f} times faster")
    return result


def _loops(params: Any, X: Array, y: Array) -> str:
    """Return the loops of an update, without the lines that only assign names to arrays."""
    text = source(network_loss, "kernel", batch_size=1)(params, X[:2], y[:2])
    lines = text.splitlines()[1:]
    named = ("carray(", "empty(", "sizes[")
    return "\n".join(line[4:] for line in lines if not any(name in line for name in named))
