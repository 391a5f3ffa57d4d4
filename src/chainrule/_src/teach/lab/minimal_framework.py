"""A minimal framework.

The lab ends with homework: a deep learning framework that feels like a simplified Keras, in NumPy.
chainrule has one. The network by hand becomes six lines, starts here from the same weights and sees
the same batches, so its curves must lie on those of the gradients by hand.

What the framework is good for shows in the next step: other layers cost no other derivation. A
convolution looks at a small window of the image, with the same weights everywhere. A pixel's
neighbours are what a digit is made of, and a dense layer is not told who they are.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.nn.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, Reshape
from chainrule._src.nn.optimizers import SGD
from chainrule._src.nn.sequential import Sequential
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

BATCH_SIZE, EPOCHS = 32, 15
CONTEST_EPOCHS, CONTEST_SEEDS = 40, 3


def six_lines(X: Array, y: Array, epochs: int, start: list[Array]) -> Sequential:
    """Build, train and return the lab's network."""
    model = Sequential([Input((64,))], dtype="float64")
    model.add(Dense(10, activation="sigmoid"))
    model.add(Dense(10, activation="softmax"))
    model.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"])
    model.set_weights(start)
    model.fit(X, y, batch_size=32, epochs=epochs, shuffle=False, validation_data=(X, y), verbose=0)
    return model


def dense(seed: int, *units: int, dropout: float = 0.0) -> Sequential:
    """Return a network of dense layers."""
    model = Sequential([Input((64,))], seed=seed)
    for width in units:
        model.add(Dense(width, activation="relu"))
        if dropout:
            model.add(Dropout(dropout))
    model.add(Dense(10, activation="softmax"))
    return model


def convolutional(seed: int) -> Sequential:
    """Return a small network that looks at 3 × 3 pixels at a time."""
    return Sequential(
        [
            Input((64,)),
            Reshape((8, 8, 1)),
            Conv2D(16, 3, padding="same", activation="relu"),
            Conv2D(32, 3, activation="relu"),
            MaxPooling2D(2),
            Dropout(0.25),
            Flatten(),
            Dense(64, activation="relu"),
            Dropout(0.25),
            Dense(10, activation="softmax"),
        ],
        seed=seed,
    )


CONTESTANTS: dict[str, Callable[[int], Sequential]] = {
    "10": lambda seed: dense(seed, 10),
    "100": lambda seed: dense(seed, 100),
    "256-128": lambda seed: dense(seed, 256, 128),
    "512, dropout": lambda seed: dense(seed, 512, dropout=0.5),
    "convolution": convolutional,
}


@dataclass
class Contestant:
    """A network in the contest.

    Attributes
    ----------
    name : str
    weights : int
    accuracy, nll : float
        Scores on the test set, averaged over the trainings.
    seconds : float
        Time of one training, with compilation.
    """

    name: str
    weights: int
    accuracy: float
    nll: float
    seconds: float


@dataclass
class FrameworkResult(SectionResult):
    """The same network twice, and the contest.

    Attributes
    ----------
    by_hand, framework : list of float
        Training loss before training and after every epoch.
    difference : float
        The largest difference between a weight of one and of the other at the end.
    contest : list of Contestant
        All contestants; the last one is convolutional.
    trainings : int
        Number of trainings of each contestant, from different initial weights.
    text : str
        The source of `six_lines`.
    """

    by_hand: list[float]
    framework: list[float]
    difference: float
    contest: list[Contestant]
    trainings: int
    text: str
    log: list[str]

    @property
    def mean(self) -> str:
        """The text that says over how many trainings the scores are averaged."""
        return "" if self.trainings == 1 else f"in the mean of {self.trainings} trainings "

    @property
    def best_dense(self) -> Contestant:
        """The dense network with the highest accuracy; among equal ones, with the lowest NLL."""
        return max(self.contest[:-1], key=lambda c: (c.accuracy, -c.nll))

    @property
    def numbers(self) -> dict[str, Number]:
        """The agreement of both networks, and the scores of all contestants."""
        return {
            "largest difference of a weight": self.difference,
            "train loss": self.framework[-1],
            "trainings of each network below": self.trainings,
            **{
                f"{c.name}: {what}": value
                for c in self.contest
                for what, value in (
                    ("mean test accuracy", c.accuracy), ("mean test NLL", c.nll),
                    ("weights", c.weights), ("seconds", c.seconds),
                )
            },
        }  # fmt: skip

    @property
    def findings(self) -> str:
        """Sentences on the agreement of the networks and on the contest."""
        conv, best = self.contest[-1], self.best_dense
        beats = conv.accuracy > best.accuracy and conv.nll < best.nll
        verdict = (
            "beats every dense network, in how often it is right and in how sure it is"
            if beats
            else "does not beat the best dense network in both here; train it longer"
        )
        return (
            f"After {len(self.framework) - 1} epochs no weight of the two networks differs by more "
            f"than {self.difference:.0e}: Sequential does what the gradients by hand do. The "
            f"convolutional network, {conv.weights:,} weights, trained in {conv.seconds:.1f} s, "
            f"{verdict}: {self.mean}{conv.accuracy:.2%} of the test set right with a mean NLL of "
            f"{conv.nll:.3f}, against {best.accuracy:.2%} and {best.nll:.3f} of the best dense one "
            f"({best.name}, {best.weights:,} weights)."
        )

    @property
    def listings(self) -> list[tuple[str, str]]:
        """The source of the network."""
        return [("The lab's network in the framework.", self.text)]

    @property
    def pictures(self) -> list[SectionPicture]:
        """The loss curves of both networks, and the contest."""
        return [
            SectionPicture("The loss of both, one over the other.", self.plot_losses),
            SectionPicture("Who is right how often, and how sure.", self.plot_contest, (7.5, 4.2)),
        ]

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw the loss curves of both networks."""
        ax = plots.curves(
            {"by hand": (range(len(self.by_hand)), self.by_hand)},
            title="The same network", xlabel="epoch", ylabel="train loss (nats)", ax=ax,
            ylim=(0, None),
        )  # fmt: skip
        ax.plot(self.framework, "o", color=plots.COLOURS[1], label="Sequential", markersize=5)
        ax.legend(frameon=False)
        return ax

    def plot_contest(self, ax: Axes | None = None) -> Axes:
        """Draw test accuracy against NLL for all contestants."""
        ax = plots.new_axes(ax)
        for c in self.contest:
            colour = plots.COLOURS[c is self.contest[-1]]
            ax.plot(c.nll, c.accuracy, "o", color=colour, markersize=8)
            ax.annotate(c.name, (c.nll, c.accuracy), textcoords="offset points", xytext=(9, -4))
        ax.set_xmargin(0.2)
        plots.finish(
            ax, title="Test set: up and left is better", xlabel="mean NLL (nats)", ylabel="accuracy"
        )
        return ax


def run(lab: Lab) -> FrameworkResult:
    """Train the lab's network twice, then compare dense and convolutional networks."""
    lines, log = lab.logger()
    d = lab.digits
    epochs = 3 if lab.quick else EPOCHS
    net = NeuralNet(d.n_features, 10, d.n_classes, seed=lab.seed)
    start = [value.copy() for value in net.parameters.values()]
    history = net.fit(
        d.X_train, d.y_train, epochs=epochs, batch_size=BATCH_SIZE, learning_rate=0.1, momentum=0.9
    )
    model = six_lines(d.X_train, d.y_train, epochs, start)
    framework = [history.loss[0], *model.history.val_loss]
    for epoch, losses in enumerate(zip(history.loss, framework, strict=True)):
        log(f"Epoch #{epoch}, train loss by hand: {losses[0]:.6f}, Sequential: {losses[1]:.6f}")
    pairs = zip(net.parameters.values(), model.get_weights(), strict=True)
    difference = max(float(np.abs(a - b).max()) for a, b in pairs)
    contest, trainings = [], 1 if lab.quick else CONTEST_SEEDS
    for name in lab.track(list(CONTESTANTS), "training dense and convolutional networks"):
        contest.append(_contestant(name, lab, trainings))
        c = contest[-1]
        scores = f"test acc: {c.accuracy:.4f}, test loss: {c.nll:.4f}, {c.seconds:.1f} s"
        log(f"{name}: {scores}" + (f", mean of {trainings}" if trainings > 1 else ""))
    text = inspect.getsource(six_lines).split('"""', 2)[2]
    return FrameworkResult(
        history.loss, framework, difference, contest, trainings, inspect.cleandoc(text), lines
    )


def _contestant(name: str, lab: Lab, trainings: int) -> Contestant:
    """Train a network from several initial weights and score it on the test set."""
    d, scores = lab.digits, []
    seconds = 0.0
    for seed in range(lab.seed, lab.seed + trainings):
        model = CONTESTANTS[name](seed)
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        began = time.perf_counter()
        epochs = 2 if lab.quick else CONTEST_EPOCHS
        model.fit(d.X_train, d.y_train, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
        seconds = max(seconds, time.perf_counter() - began)
        scores.append(model.evaluate(d.X_test, d.y_test))
    nll, accuracy = np.mean(scores, axis=0)
    return Contestant(name, model.count_params(), float(accuracy), float(nll), seconds)
