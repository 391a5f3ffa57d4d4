"""The base of the sections' results: the interface of a result, and its common parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.check import GradientReport
from chainrule._src.data.datasets import Digits
from chainrule._src.nn.callbacks import History
from chainrule._src.teach.lab.classifier import Classifier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Number = float | int | str


@dataclass(frozen=True)
class SectionPicture:
    """A picture of a result: its caption, the function that draws it, its size in inches."""

    caption: str
    draw: Callable[[Axes | None], Axes]
    size: tuple[float, float] = (5.6, 3.7)


class SectionResult(ABC):
    """Base class of a section's result, for the command line, the report and the notebook.

    Attributes
    ----------
    log : list of str
        The lines that the section printed.
    """

    log: list[str]

    @property
    @abstractmethod
    def numbers(self) -> dict[str, Number]:
        """The main numbers of the section, by label."""

    @property
    @abstractmethod
    def findings(self) -> str:
        """A few sentences that interpret the numbers."""

    @property
    @abstractmethod
    def pictures(self) -> list[SectionPicture]:
        """All pictures, the most informative one first."""

    @property
    def listings(self) -> list[tuple[str, str]]:
        """Preformatted texts, as pairs of caption and text."""
        return []

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the most informative picture on ``ax``, or on new axes; return the axes."""
        picture = self.pictures[0]
        return picture.draw(plots.new_axes(ax, picture.size))


def format_number(value: Number) -> str:
    """Format a number for the tables.

    Examples
    --------
    >>> [format_number(value) for value in (0.98765, 348.7308, 1527, 3.2e-9, "none")]
    ['0.9877', '348.7', '1527', '3.2e-09', 'none']
    """
    if isinstance(value, str | int | np.integer):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 10:
        return f"{value:.4f}"
    if 10 <= abs(value) < 1e4:
        return f"{value:.4g}"
    return f"{value:.1e}"


def as_tables(numbers: Mapping[str, Number]) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield numbers as tables, each with the names of its columns and rows of texts.

    Consecutive numbers with labels ``"row: column"`` and equal columns form one table. Consecutive
    numbers with other labels form a table with one column, which has no name.

    Examples
    --------
    >>> list(as_tables({"n": 3, "batch 1: loss": 0.5, "batch 8: loss": 0.2}))
    [([], [['n', '3']]), (['', 'loss'], [['batch 1', '0.5000'], ['batch 8', '0.2000']])]
    """
    rows: dict[str, dict[str, str]] = {}
    for name, value in numbers.items():
        row, _, column = name.partition(": ")
        rows.setdefault(row, {})[column] = format_number(value)
    for columns, group in groupby(rows.items(), key=lambda row: list(row[1])):
        table = [[name, *texts.values()] for name, texts in group]
        yield [] if columns == [""] else ["", *columns], table


def digit_text(digit: int) -> str:
    """Return a digit with its article.

    Examples
    --------
    >>> digit_text(7), digit_text(8)
    ('a 7', 'an 8')
    """
    return f"{'an' if digit == 8 else 'a'} {digit}"


def score_line(model: Classifier, digits: Digits, decimals: int) -> tuple[Array, str]:
    """Score a model on both sets; return the scores and a log line."""
    train_loss = model.loss(digits.X_train, digits.y_train)
    train_acc = model.accuracy(digits.X_train, digits.y_train)
    test_acc = model.accuracy(digits.X_test, digits.y_test)
    scores = np.array([train_loss, train_acc, test_acc])
    return scores, format_scores(scores, decimals)


def format_scores(scores: Any, decimals: int) -> str:
    """Return a log line with training loss, training accuracy and test accuracy."""
    loss, train_acc, test_acc = scores
    return f"train loss: {loss:.{decimals}f}, train acc: {train_acc:.3f}, test acc: {test_acc:.3f}"


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for one test sample.

    Attributes
    ----------
    index : int
        Index of the test sample.
    pixels : ndarray, shape (8, 8)
    label : int
        True class of the sample.
    probabilities : ndarray, shape (10,)
    """

    index: int
    pixels: Array
    label: int
    probabilities: Array

    @classmethod
    def of(cls, model: Any, digits: Digits, index: int) -> Prediction:
        """Return the prediction of ``model`` for test sample ``index``."""
        x = digits.X_test[index]
        return cls(index, digits.image(x), int(digits.y_test[index]), model.forward(x))

    @property
    def predicted(self) -> int:
        """The most probable class."""
        return int(np.argmax(self.probabilities))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the image beside the predicted probabilities."""
        return plots.prediction(self.pixels, self.label, self.probabilities, ax)

    def picture(self, when: str) -> SectionPicture:
        """Return the picture of the prediction, with a caption."""
        return SectionPicture(f"Test sample {self.index}, {when}.", self.plot, (8, 3.2))


@dataclass(frozen=True)
class GradientCheck:
    """A gradient check of a model, with its picture."""

    report: GradientReport

    @property
    def numbers(self) -> dict[str, Number]:
        """The norm ratio of each parameter."""
        ratios = {f"gradient check {c.name}": c.ratio for c in self.report.parameters}
        return {**ratios, "gradients agree": "yes" if self.report.passed else "no"}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each entry by hand against its central difference: correct ones are on the line."""
        pairs = {
            c.name: (c.numerical, c.by_hand)
            for c in self.report.parameters
            if c.by_hand is not None
        }
        return plots.agreement(pairs, "∂L/∂θ by central differences", "∂L/∂θ by hand", ax)

    @property
    def picture(self) -> SectionPicture:
        """The picture of the gradient check, with a caption."""
        return SectionPicture(
            "The gradient by hand against central differences.", self.plot, (5.5, 4.5)
        )


def learning_pictures(history: History) -> list[SectionPicture]:
    """Loss and accuracy over the epochs, as two pictures."""

    def loss(ax: Axes | None = None) -> Axes:
        lines = {"train": (history.epoch, history.loss), "test": (history.epoch, history.val_loss)}
        return plots.curves(
            lines, title="Loss", xlabel="epoch", ylabel="mean NLL (nats)", ax=ax, ylim=(0, None)
        )

    def accuracy(ax: Axes | None = None) -> Axes:
        lines = {
            "train": (history.epoch, history.accuracy),
            "test": (history.epoch, history.val_accuracy),
        }
        return plots.curves(
            lines, title="Accuracy", xlabel="epoch", ylabel="accuracy", ax=ax, ylim=(0, 1.05)
        )

    return [
        SectionPicture("Loss after every epoch; epoch 0 is before training.", loss),
        SectionPicture("Accuracy after every epoch.", accuracy),
    ]
