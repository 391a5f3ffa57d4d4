"""The step of a column of ordered categories: their ranks as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, shortened
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.summaries import Counts


@dataclass(frozen=True)
class Ranks:
    """Encodes ordered categories as one feature, or two categories as 1 and -1.

    Missing and other values are 0, the mean. If training had missing values, a second feature is 1
    for missing and 0 for present.

    Parameters
    ----------
    name : str
        Name of the column.
    categories : tuple of str
        Categories in their order.
    scores : tuple of float
        The feature of each category.
    missing : int
        Number of missing values in training.

    Attributes
    ----------
    codes : dict
        The place of each category in the order, and that of None if it has a feature.

    Examples
    --------
    >>> step = Ranks("size", categories=("S", "M", "L"), scores=(-1.0, 0.0, 1.0))
    >>> out = np.zeros((4, 1), dtype=np.float32)
    >>> step.write(np.array(["L", "M", "S", "XS"], dtype=object), out)  # one unknown value
    1
    >>> out[:, 0].tolist()
    [1.0, 0.0, -1.0, 0.0]
    """

    kind: ClassVar[str] = "category"
    other: ClassVar[int] = 0
    name: str
    categories: tuple[str, ...]
    scores: tuple[float, ...]
    missing: int = 0
    codes: dict[str | None, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = codes_of(self.categories, len(self.categories) if self.missing else None)
        object.__setattr__(self, "codes", codes)

    @classmethod
    def learn(cls, counts: Counts, order: Sequence[str]) -> Ranks:
        """Return the step for a column, whose ranks get mean 0 and deviation 1 in training."""
        weights = np.array([counts.counter[category] for category in order])
        ranks = np.arange(len(order)) - np.average(np.arange(len(order)), weights=weights)
        scores = ranks / np.sqrt(np.average(ranks**2, weights=weights))
        return cls(counts.name, tuple(order), tuple(scores.tolist()), counts.missing)

    @property
    def features(self) -> list[str]:
        """Names of the features of this column."""
        is_sign = len(self.categories) == 2
        first = f"{self.name}={self.categories[0]}" if is_sign else self.name
        return [first, f"{self.name} (missing)"] if self.missing else [first]

    @property
    def width(self) -> int:
        """Number of features of this column."""
        return 1 + (self.missing > 0)

    def write(self, values: Array, out: Array) -> int:
        """Fill ``out``, zeros of shape ``(n, width)``; return the number of unknown values."""
        codes = coded(values, self.codes)
        out[:, 0] = np.array([*self.scores, 0.0, 0.0])[codes]
        if self.missing:
            out[:, 1] = codes == len(self.categories)
        return int((codes < 0).sum())

    def describe(self) -> str:
        """Return a description of this step for a report."""
        first, last = shortened(self.categories[0]), shortened(self.categories[-1])
        if len(self.categories) == 2:
            return f"{first} is 1, {last} -1"
        gaps = f"; {self.missing:,} missing: set to the mean and marked" if self.missing else ""
        return f"{len(self.categories)} categories by rank, from {first} to {last}{gaps}"

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {
            "categories": list(self.categories), "scores": list(self.scores),
            "missing": self.missing,
        }  # fmt: skip

    @classmethod
    def from_record(cls, name: str, record: Record) -> Ranks:
        """Return the step that `to_dict` described, here or in an earlier version."""
        is_old = "signs" in record
        categories = record.texts("signs" if is_old else "categories")
        scores = (1.0, -1.0) if is_old else record.numbers("scores")
        gaps = 0 if is_old else record.count("missing")
        if len(categories) != len(scores) or not categories:
            raise DataError(f"column {name!r}: each category must have a score")
        return cls(name, categories, scores, gaps)


def codes_of(categories: Iterable[str], of_missing: int | None) -> dict[str | None, int]:
    """Return the codes of categories, and that of missing values unless it is None."""
    codes: dict[str | None, int] = {name: code for code, name in enumerate(categories)}
    return codes if of_missing is None else {**codes, None: of_missing}


def coded(values: Array, codes: dict[str | None, int]) -> Array:
    """Return the codes of texts; -1 for unknown ones."""
    return np.fromiter(map(codes.get, values.tolist(), repeat(-1)), np.intp, len(values))
