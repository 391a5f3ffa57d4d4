"""The handwritten digits.

scikit-learn ships 1797 scans of handwritten digits, 8 × 8 pixels with 0 to 16 units of ink, each
with the digit that was meant. 15 % of them are set aside for testing: no model sees them while it
learns.

Every pixel is then shifted and scaled to mean 0 and standard deviation 1 over the training set, so
that no pixel counts for more because its ink varies more. The test set is scaled with the training
set's numbers, as new data would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule._src.base import plots
from chainrule._src.data.datasets import Digits
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

SAMPLE = 45


@dataclass
class DataResult(SectionResult):
    """The digits before and after standardisation."""

    digits: Digits
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """Sizes, types and scale of the two sets."""
        d = self.digits
        return {
            "training samples": len(d.X_train),
            "test samples": len(d.X_test),
            "features": d.n_features,
            "classes": d.n_classes,
            "types of X and y": f"{d.X_train.dtype}, {d.y_train.dtype}",
            "mean of X, training": float(abs(d.X_train.mean(dtype=np.float64))),
            "pixels that never vary": int((d.X_train.std(axis=0) == 0).sum()),
        }

    @property
    def findings(self) -> str:
        """Sentences on the class distribution and on constant pixels."""
        counts = np.bincount(self.digits.y_train)
        return (
            f"The classes are balanced: {counts.min()} to {counts.max()} training samples each, so "
            "guessing is right one time in ten and accuracy is a fair score. "
            f"{self.numbers['pixels that never vary']} of 64 pixels never carry ink; they stay 0 "
            "and their weights learn nothing."
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """A digit with its label, then one of each class."""
        return [
            SectionPicture(f"Sample {SAMPLE} of the data set.", self.plot_digit, (3, 3)),
            SectionPicture("The first digit of each class.", self.plot_classes, (8, 3.6)),
        ]

    def plot_digit(self, ax: Axes | None = None) -> Axes:
        """Show one digit with its label."""
        return plots.image(
            self.digits.images[SAMPLE], f"image label: {self.digits.target[SAMPLE]}", ax
        )

    def plot_classes(self, ax: Axes | None = None) -> Axes:
        """Show the first digit of each class."""
        ax = plots.new_axes(ax, (8, 3.6))
        for digit, panel in enumerate(plots.panels(ax, 2, 5, gaps=(0.14, 0.02))):
            first = int(np.argmax(self.digits.target == digit))
            plots.image(self.digits.images[first], str(digit), panel)
        return ax


def run(lab: Lab) -> DataResult:
    """Load, split and standardise the digits."""
    lines, log = lab.logger()
    with lab.progress("loading the digits", 1):
        d = lab.digits
    for name in ("X_train", "y_train", "X_test", "y_test"):
        array = getattr(d, name)
        log(f"{name}: {array.shape} {array.dtype}")
    return DataResult(d, lines)
