"""Hyperparameters.

What must be chosen before training: how far to step, how many units to have, how to start, which
activation, how many layers.

The learning rate matters most: too small and the network has not arrived when training ends, too
large and it jumps about. The number of hidden units matters less, once there are enough.

Is an accuracy of 0.957 better than one of 0.953? Not if the next training of the same network, with
its samples in another order, gives 0.949. Several trainings of each cell of the map differ by
chance alone; how much they do says which differences between cells mean anything.

Starting from zero is the classic mistake. With all weights zero, every hidden unit computes the
same h, so it gets the same gradient, so, in exact arithmetic, all stay the same: ten units do the
work of one. The first
update cannot even reach the hidden weights, because their gradient is ∂L/∂z_o W_oᵀ ⊙ σ′(z_h), and
W_o is zero. Random initial weights break the tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.nn.callbacks import History
from chainrule._src.nn.functions import ACTIVATIONS
from chainrule._src.nn.optimizers import SGD
from chainrule._src.sweeps.sweep import sweep
from chainrule._src.teach.lab.classifier import OnEpoch
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult
from chainrule._src.teach.lab.reverse_mode import network_accuracy, network_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

LEARNING_RATES = (0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)
HIDDEN_SIZES = (2, 5, 10, 20, 50)
DEPTHS: dict[str, tuple[int | tuple[int, ...], str]] = {
    "10, uniform ±0.01": (10, "uniform"),
    "(10, 10), uniform ±0.01": ((10, 10), "uniform"),
    "(10, 10), Glorot": ((10, 10), "glorot_uniform"),
}
EPOCHS = 4
ORDERS = 5  # number of sample orders for each cell of the map
# Suitable rates for each activation: the slope of the sigmoid is at most a quarter.
ACTIVATION_RATES = {"sigmoid": 0.1, "tanh": 0.03, "relu": 0.01, "softplus": 0.01, "elu": 0.01}


@dataclass
class Start:
    """Training from one kind of initial weights.

    Attributes
    ----------
    history : History
    first_gradient : float
        Norm of ∂L/∂W_h over the training set before the first update.
    spread : list of float
        After each epoch, the largest difference between the weights of two hidden units.
    distinct : list of int
        After each epoch, how many hidden units differ by more than one millionth: the numerical
        rank of W_h.
    """

    history: History
    first_gradient: float
    spread: list[float]
    distinct: list[int]


@dataclass
class HyperparametersResult(SectionResult):
    """The searches.

    Attributes
    ----------
    learning_rates, hidden_sizes : tuple
    accuracies : ndarray, shape (hidden sizes, learning rates)
        Test accuracy of each combination, the mean over orders of the samples.
    deviation : float
        Standard deviation of the accuracy between orders, the median of the cells; NaN if there was
        one order.
    starts : dict of str to Start
        ``"zeros"`` and ``"uniform"``.
    activations, depths : dict of str to History
    """

    learning_rates: tuple[float, ...]
    hidden_sizes: tuple[int, ...]
    accuracies: Array
    deviation: float
    starts: dict[str, Start]
    activations: dict[str, History]
    depths: dict[str, History]
    log: list[str]

    @property
    def best(self) -> tuple[int, float]:
        """Hidden size and learning rate with the best test accuracy."""
        row, column = np.unravel_index(np.argmax(self.accuracies), self.accuracies.shape)
        return self.hidden_sizes[row], self.learning_rates[column]

    @property
    def numbers(self) -> dict[str, Number]:
        """The best result of each search."""
        hidden, rate = self.best
        activation = max(self.activations, key=lambda name: self.activations[name].val_accuracy[-1])
        return {
            "best hidden size and learning rate": f"{hidden}, {rate:g}",
            "its test accuracy": float(self.accuracies.max()),
            **({"deviation between orders": self.deviation} if np.isfinite(self.deviation) else {}),
            **{f"first ‖∂L/∂W_h‖, {init}": s.first_gradient for init, s in self.starts.items()},
            **{
                f"distinct units, epoch 1, {init}": s.distinct[1] for init, s in self.starts.items()
            },
            **{f"train loss, {init}": s.history.loss[-1] for init, s in self.starts.items()},
            "best activation, by test accuracy": activation,
            "its test accuracy after the last epoch": (
                self.activations[activation].val_accuracy[-1]
            ),
            **{
                f"train loss, hidden {name}": history.loss[-1]
                for name, history in self.depths.items()
            },
        }

    @property
    def findings(self) -> str:
        """Sentences on the results of the searches."""
        hidden, rate = self.best
        zeros, uniform = self.starts["zeros"], self.starts["uniform"]
        last = zeros.history.epoch[-1]
        _, slow, scaled = (history.loss[1] for history in self.depths.values())
        return (
            f"The best of the map has {hidden} hidden units and learning rate {rate:g}. "
            f"{self._chance}\n\n"
            f"From zero, the first gradient of W_h has norm {zeros.first_gradient:g}, and "
            f"after one epoch no weight differs by more than {zeros.spread[1]:.0e} between two "
            f"hidden units (uniform start: {uniform.spread[1]:.1f}). The rank of W_h "
            f"is {zeros.distinct[1]} instead of {uniform.distinct[1]}, and the loss is "
            f"{zeros.history.loss[1]:.2f} against {uniform.history.loss[1]:.2f}. In exact "
            "arithmetic the units would stay copies for ever. "
            "Floating point rounds each sum a little differently, and these differences grow by "
            f"orders of magnitude an epoch, to {zeros.spread[-1]:.1g} after {last} epochs: luck of "
            "the rounding, nothing to rely on.\n\n"
            "A second hidden layer makes starting from ±0.01 slower, since the gradient shrinks on "
            "its way through every small W and every σ′ ≤ ¼: the loss after one epoch is "
            f"{slow:.2f}, against {scaled:.2f} from Glorot's scale."
        )

    @property
    def _chance(self) -> str:
        if not np.isfinite(self.deviation):
            return "Each cell was trained once, so what is chance cannot be told."
        margin = 2 * self.deviation * np.sqrt(2 / ORDERS)  # two standard errors
        count = np.count_nonzero(self.accuracies > self.accuracies.max() - margin)
        return (
            "The same network with its samples in another order differs by "
            f"{self.deviation:.3f} (standard deviation), so of the {self.accuracies.size} cells, "
            f"means of {ORDERS} orders each, {count} are as good as the best as far as can be told."
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """Heat map, zero start, activations, depths."""
        return [
            SectionPicture(
                "Test accuracy by hidden units and learning rate, one sample an update. "
                "The best is framed.",
                self.plot_map,
                (9, 4),
            ),
            SectionPicture(
                "Zero against uniform start: the loss, and the largest difference between two "
                "hidden units (the zero start has exactly 0 at epoch 0).",
                self.plot_starts,
                (9, 3.8),
            ),
            SectionPicture(
                "Activations from Glorot's start, each at a learning rate that suits it.",
                self.plot_activations,
            ),
            SectionPicture("One hidden layer and two.", self.plot_depths),
        ]

    def plot_map(self, ax: Axes | None = None) -> Axes:
        """Draw the heat map of test accuracies."""
        return plots.heat_map(
            self.accuracies, self.hidden_sizes, [f"{rate:g}" for rate in self.learning_rates],
            title="Test accuracy", xlabel="learning rate", ylabel="hidden units", ax=ax,
            mark=_best(self.accuracies),
        )  # fmt: skip

    def plot_starts(self, ax: Axes | None = None) -> Axes:
        """Draw loss and spread for both starts."""
        ax = plots.new_axes(ax, (9, 3.8))
        ax_left, ax_right = plots.panels(ax, 1, 2, gaps=(0, 0.16))
        _losses(
            {init: start.history for init, start in self.starts.items()},
            "Loss",
            ax_left,
            ylim=(0, None),
        )
        spreads = {init: (s.history.epoch, s.spread) for init, s in self.starts.items()}
        plots.curves(
            spreads, title="Difference between hidden units", xlabel="epoch",
            ylabel="largest |difference| of weights", ax=ax_right, marker="o", yscale="log",
        )  # fmt: skip
        return ax

    def plot_activations(self, ax: Axes | None = None) -> Axes:
        """Draw the loss for each activation."""
        named = {
            f"{name}, rate {ACTIVATION_RATES[name]:g}": history
            for name, history in self.activations.items()
        }
        return _losses(named, "Activations", ax, yscale="log")

    def plot_depths(self, ax: Axes | None = None) -> Axes:
        """Draw the loss for each depth."""
        return _losses(self.depths, "Hidden layers", ax, ylim=(0, None))


def _losses(histories: dict[str, History], title: str, ax: Axes | None, **scales: Any) -> Axes:
    return plots.curves(
        {name: (history.epoch, history.loss) for name, history in histories.items()},
        title=title, xlabel="epoch", ylabel="train loss (nats)", ax=ax, marker="o", **scales,
    )  # fmt: skip


def run(lab: Lab) -> HyperparametersResult:
    """Search learning rates and sizes, then compare starts, activations and depths."""
    lines, log = lab.logger()
    rates = LEARNING_RATES[2:10:3] if lab.quick else LEARNING_RATES
    sizes = HIDDEN_SIZES[::2] if lab.quick else HIDDEN_SIZES
    epochs = 1 if lab.quick else EPOCHS

    with lab.progress("learning rate × hidden size", 1) as advance:
        accuracies, deviation = _map(lab, sizes, rates)
        advance()
    row, column = _best(accuracies)
    log(
        f"Best of {accuracies.size}: {sizes[row]} hidden units, learning rate {rates[column]:g}, "
        f"test acc: {accuracies.max():.3f}"
        + f", ±{deviation:.3f} between orders of the samples"
        * bool(np.isfinite(deviation))
    )

    starts = {}
    for init in lab.track(("zeros", "uniform"), "zero against uniform start"):
        starts[init] = start = _start(lab, init)
        log(
            f"Start {init}: first gradient norm of W_h {start.first_gradient:.1e}, "
            f"train loss: {start.history.loss[-1]:.4f}"
        )

    activations = {}
    for name in lab.track(list(ACTIVATIONS), "activations"):
        net = _net(lab, 10, activation=name, init="glorot_uniform")
        activations[name] = _train(lab, net, ACTIVATION_RATES[name], epochs)
        log(f"Activation {name}: train loss: {activations[name].loss[-1]:.4f}")

    depths = {}
    for label, (hidden, init) in lab.track(list(DEPTHS.items()), "a second hidden layer"):
        depths[label] = _train(lab, _net(lab, hidden, init=init), 0.1, 2 * epochs)
        log(f"Hidden {label}: train loss: {depths[label].loss[-1]:.4f}")

    return HyperparametersResult(
        rates, sizes, accuracies, deviation, starts, activations, depths, lines
    )


def _best(accuracies: Array) -> tuple[int, int]:
    """Return the row and the column of the highest accuracy."""
    row, column = np.unravel_index(np.argmax(accuracies), accuracies.shape)
    return int(row), int(column)


def _net(lab: Lab, hidden: int | tuple[int, ...], **options: str) -> NeuralNet:
    return NeuralNet(lab.digits.n_features, hidden, lab.digits.n_classes, seed=lab.seed, **options)


def _map(lab: Lab, sizes: Sequence[int], rates: Sequence[float]) -> tuple[Array, float]:
    """Return the test accuracies after three epochs, and their deviation between orders."""
    d, samples = lab.digits, slice(500 if lab.quick else None)

    def build(hidden: int, rate: float) -> Any:
        return network_loss, _net(lab, hidden).parameters, SGD(rate), {"accuracy": network_accuracy}

    result = sweep(
        build, {"hidden": list(sizes), "rate": list(rates)}, d.X_train[samples],
        d.y_train[samples], search="grid", epochs=1 if lab.quick else 3, batch_size=1,
        validation_data=(d.X_test, d.y_test), monitor="val_accuracy", seed=lab.seed,
        seeds=1 if lab.quick else ORDERS, verbose=0,
    )  # fmt: skip
    table, accuracies = result.table, np.zeros((len(sizes), len(rates)))
    for row, hidden in enumerate(sizes):
        for column, rate in enumerate(rates):
            cell = (table["hidden"] == hidden) & (table["rate"] == rate)
            accuracies[row, column] = table["val_accuracy"][cell].mean()
    each = result.search.rungs[0].scores["val_accuracy"]
    return accuracies, np.nan if lab.quick else float(np.median(each.std(axis=1, ddof=1)))


def _train(
    lab: Lab, net: NeuralNet, rate: float, epochs: int, on_epoch: OnEpoch | None = None
) -> History:
    d = lab.digits
    samples = slice(500 if lab.quick else None)
    return net.fit(
        d.X_train[samples], d.y_train[samples], epochs=epochs, learning_rate=rate,
        validation_data=(d.X_test, d.y_test), on_epoch=on_epoch,
    )  # fmt: skip


def _start(lab: Lab, init: str) -> Start:
    net = _net(lab, 10, init=init)
    gradient = net.grad_loss(lab.digits.X_train, lab.digits.y_train)["W_h"]
    spread, distinct = [], []

    def watch(epoch: int, scores: dict[str, float]) -> None:
        W_h = net.parameters["W_h"]
        spread.append(float(np.ptp(W_h, axis=1).max()))
        distinct.append(int(np.linalg.matrix_rank(W_h, rtol=1e-6)))

    history = _train(lab, net, 0.1, 2 if lab.quick else EPOCHS, watch)
    return Start(history, float(np.linalg.norm(gradient)), spread, distinct)
