"""Steps for columns: scale numbers and images, one-hot encode categories, or leave them out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.data.preprocessing.ranks import Ranks, coded, codes_of
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.scales import order_of
from chainrule._src.data.preprocessing.summaries import (
    Counts,
    Pixels,
    RunningMoments,
    constant_text,
)
from chainrule._src.data.preprocessing.values import quote

FEW = 20  # a column with at most so many different values holds neither ids nor a quantity


@dataclass(frozen=True)
class Scaled:
    r"""Scales :math:`x` to :math:`(x - \text{mean}) / \text{scale}`; missing numbers become 0.

    If the training data had missing values, a second feature is 1 for missing and 0 for present.

    Parameters
    ----------
    name : str
        Name of the column.
    mean, scale : float
        Mean of the training values, and their standard deviation.
    missing : int
        Number of missing values in training.

    Examples
    --------
    >>> step = Scaled("age", mean=40.0, scale=10.0, missing=1)
    >>> out = np.zeros((2, step.width), dtype=np.float32)
    >>> step.write(np.array([60.0, np.nan]), out)
    0
    >>> step.features, out.tolist()
    (['age', 'age (missing)'], [[2.0, 0.0], [0.0, 1.0]])
    """

    kind: ClassVar[str] = "number"
    name: str
    mean: float
    scale: float
    missing: int

    @classmethod
    def learn(cls, moments: RunningMoments) -> Scaled | LeftOut:
        """Return the step for a column, from the summary of its numbers."""
        if not moments.count:
            return LeftOut(moments.name, "number", "holds no value")
        scale = moments.deviation
        if not scale and not moments.missing:
            return LeftOut(moments.name, "number", constant_text(moments))
        return cls(moments.name, moments.centre, scale or 1.0, moments.missing)

    @property
    def features(self) -> list[str]:
        """Names of the features of this column."""
        return [self.name, f"{self.name} (missing)"] if self.missing else [self.name]

    @property
    def width(self) -> int:
        """Number of features of this column."""
        return 1 + (self.missing > 0)

    def write(self, values: Array, out: Array) -> int:
        """Fill ``out``, zeros of shape ``(n, width)``; return the number of unknown values."""
        gaps = np.isnan(values)
        complete = not gaps.any()
        out[:, 0] = scaled(values if complete else np.where(gaps, self.mean, values), self)
        if self.missing:
            out[:, 1] = gaps
        return 0 if complete or self.missing else int(gaps.sum())

    def describe(self) -> str:
        """Return a description of this step for a report."""
        gaps = f"; {self.missing:,} missing: set to the mean and marked" if self.missing else ""
        return f"number, mean {self.mean:.6g}, deviation {self.scale:.6g}{gaps}"

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {"mean": self.mean, "scale": self.scale, "missing": self.missing}

    @classmethod
    def from_record(cls, name: str, record: Record) -> Scaled:
        """Return the step that `to_dict` described."""
        return cls(name, record.number("mean"), record.scale("scale"), record.count("missing"))


@dataclass(frozen=True)
class OneHot:
    """One-hot encodes categories: one feature each, 1 for the category of the value, else 0.

    Parameters
    ----------
    name : str
        Name of the column.
    categories : tuple of str
        Categories with a feature, sorted by name.
    other : int
        Number of training values whose category was too rare for a feature of its own. If it is
        above 0, one feature stands for these and for unknown categories; otherwise an unknown
        category is all zeros.
    missing : int
        Number of missing values in training. If it is above 0, they have a feature.
    of_numbers : bool
        True if the values were numbers, which are categories here.

    Attributes
    ----------
    codes : dict
        The place of each category among the features, and that of None if it has one.

    Examples
    --------
    >>> step = OneHot("city", categories=("Bern", "Chur"), other=3, missing=0)
    >>> out = np.zeros((2, step.width), dtype=np.float32)
    >>> step.write(np.array(["Chur", "Genf"], dtype=object), out)  # one unknown value
    1
    >>> step.features, out.tolist()
    (['city=Bern', 'city=Chur', 'city (other)'], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    """

    kind: ClassVar[str] = "category"
    name: str
    categories: tuple[str, ...]
    other: int
    missing: int
    of_numbers: bool = False
    codes: dict[str | None, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        codes = codes_of(self.categories, self.width - 1 if self.missing else None)
        object.__setattr__(self, "codes", codes)

    @classmethod
    def learn(
        cls, counts: Counts, most: int, signed: bool = False, order: Sequence[str] | None = None
    ) -> OneHot | Ranks | LeftOut:
        """Return the step for a column, from the counts of its categories.

        At most ``most`` categories, the most frequent ones, get a feature. With ``signed``, two
        categories become one feature, 1 and -1, and missing values are not a category. Categories
        in ``order`` are taken by rank; without an order, those of a scale are; with None, none.
        """
        name, counter = counts.name, counts.counter
        if not counts.count:
            return LeftOut(name, "category", "holds no value")
        if counts.too_many:
            return LeftOut(name, "category", f"more than {counts.limit:,} different texts")
        if len(counter) == 1 and not counts.missing:
            return LeftOut(name, "category", f"always {quote(str(next(iter(counter))))}")
        numbers = counts.of_numbers
        if len(counter) > FEW and 2 * len(counter) > counts.count and not numbers:
            return LeftOut(
                name, "category", f"{len(counter):,} different texts in {counts.count:,}"
            )
        ranked = sorted(((str(value), n) for value, n in counter.items()), key=_most_first)
        categories = sorted(value for value, _ in ranked[:most])
        if signed and len(ranked) == 2 <= most and not numbers:
            return Ranks(name, tuple(categories), (1.0, -1.0))
        if order is not None and not numbers and len(counter) > 1:
            order = order or order_of(categories)
            if len(order) > 2:
                return Ranks.learn(counts, order)
        others = sum(n for _, n in ranked[most:])
        return cls(name, tuple(categories), others, 0 if signed else counts.missing, numbers)

    @property
    def features(self) -> list[str]:
        """Names of the features of this column."""
        names = [f"{self.name}={category}" for category in self.categories]
        extra = {"other": self.other, "missing": self.missing}
        return names + [f"{self.name} ({what})" for what, count in extra.items() if count]

    @property
    def width(self) -> int:
        """Number of features of this column."""
        return len(self.categories) + (self.other > 0) + (self.missing > 0)

    def write(self, values: Array, out: Array) -> int:
        """Fill ``out``, zeros of shape ``(n, width)``; return the number of unknown values."""
        unknown = len(self.categories) if self.other else -1
        codes = coded(values, self.codes)
        new = codes < 0
        codes[new] = unknown
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1
        return int(new.sum())

    def describe(self) -> str:
        """Return a description of this step for a report."""
        parts = [f"{len(self.categories)} categories, one-hot"]
        parts += [f"{self.other:,} values of rarer ones joined as other"] if self.other else []
        parts += [f"{self.missing:,} missing: a category of their own"] if self.missing else []
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {
            "categories": list(self.categories), "other": self.other, "missing": self.missing,
            **({"of_numbers": True} if self.of_numbers else {}),
        }  # fmt: skip

    @classmethod
    def from_record(cls, name: str, record: Record) -> OneHot | Ranks:
        """Return the step that `to_dict` described, here or in `Ranks`."""
        if "scores" in record or "signs" in record:
            return Ranks.from_record(name, record)
        categories = record.texts("categories")
        if not categories:
            raise DataError(f"column {name!r}: categories is empty; at least one is needed")
        of_numbers = record.value.get("of_numbers") is True
        return cls(
            name, categories, record.count("other"), record.count("missing"), of_numbers
        )  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """Flattens images and scales them by one mean and one deviation for all pixels.

    Parameters
    ----------
    name : str
        Name of the column.
    mean, scale : float
        Mean and standard deviation of all pixels in training.
    shape : tuple of int
        Shape of one image, ``(h, w)`` or ``(h, w, c)``.

    Examples
    --------
    >>> step = Picture("scan", mean=100.0, scale=50.0, shape=(1, 2))
    >>> out = np.zeros((1, step.width), dtype=np.float32)
    >>> step.write(np.array([[[100.0, 200.0]]]), out)
    0
    >>> step.features, out.tolist()
    (['scan[0, 0]', 'scan[0, 1]'], [[0.0, 2.0]])
    """

    kind: ClassVar[str] = "image"
    name: str
    mean: float
    scale: float
    shape: tuple[int, ...]

    @classmethod
    def learn(cls, pixels: Pixels) -> Picture | LeftOut:
        """Return the step for a column, from the summary of its images."""
        if not pixels.deviation:
            return LeftOut(pixels.name, "image", "all pixels are equal")
        return cls(pixels.name, pixels.mean, pixels.deviation, pixels.shape)

    @property
    def features(self) -> list[str]:
        """Names of the features: the column's name with the index of each pixel."""
        return [f"{self.name}[{', '.join(map(str, at))}]" for at in np.ndindex(self.shape)]

    @property
    def width(self) -> int:
        """Number of features of this column."""
        return math.prod(self.shape)

    def write(self, values: Array, out: Array) -> int:
        """Fill ``out``, shape ``(n, width)``; return 0, as no pixel is unknown."""
        if values.shape[1:] != self.shape:
            raise ShapeError(
                f"column {self.name!r}: expected images of shape {self.shape}, received "
                f"{values.shape[1:]}"
            )
        out[...] = scaled(values.reshape(len(values), -1), self)
        return 0

    def describe(self) -> str:
        """Return a description of this step for a report."""
        size = " × ".join(map(str, self.shape))
        return f"images of {size}, mean {self.mean:.6g}, deviation {self.scale:.6g}"

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {"mean": self.mean, "scale": self.scale, "shape": list(self.shape)}

    @classmethod
    def from_record(cls, name: str, record: Record) -> Picture:
        """Return the step that `to_dict` described."""
        return cls(name, record.number("mean"), record.scale("scale"), record.shape("shape"))


@dataclass(frozen=True)
class LeftOut:
    """Marks a column that gives no feature, with the reason.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : {"number", "category", "time", "image"}
        Kind of its values.
    reason : str
        Reason for which it gives no feature.

    Examples
    --------
    >>> LeftOut("id", "category", "9 different texts in 9").describe()
    'left out: 9 different texts in 9'
    """

    name: str
    kind: str
    reason: str

    @property
    def is_text(self) -> bool:
        """True if the values are different texts, whose words may be counted."""
        return self.kind == "category" and "different texts" in self.reason

    def describe(self) -> str:
        """Return a description of this step for a report."""
        return f"left out: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {"left_out": self.reason}


def scaled(values: Array, by: Any) -> Array:
    """Return ``(values - by.mean) / by.scale`` as finite float32, computed in float64."""
    with np.errstate(over="ignore"):
        result: Array = ((values - by.mean) / by.scale).astype(np.float32)
    if not np.isfinite(result).all():
        value = values[~np.isfinite(result)][0]
        raise DataError(
            f"column {by.name!r} holds {value:g}: infinite, not a number, or too far from the mean "
            f"of training, {by.mean:g}"
        )
    return result


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
