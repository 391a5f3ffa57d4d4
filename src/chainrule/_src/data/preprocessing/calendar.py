"""Features of a column of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing.columns import LeftOut, scaled
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.summaries import Times, parts_of

ROUND = {"month": 12, "day": 31, "hour": 24}  # cyclic parts, and the period of each
_PARTS = {
    "year": ("year",), "month": ("month, sin", "month, cos"), "day": ("day, sin", "day, cos"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "hour": ("hour, sin", "hour, cos"),
}  # fmt: skip


@dataclass(frozen=True)
class Calendar:
    """Encodes times: the year as a scaled number; month, day and hour as points on a circle.

    A weekday has a feature for each of the seven. Parts that were the same in all of training have
    no feature.

    Parameters
    ----------
    name : str
        Name of the column.
    mean, scale : float
        Mean and standard deviation of the years, with their fractions, in training.
    parts : tuple of str
        Parts with features: some of "year", "month", "day", "weekday" and "hour".
    missing : int
        Number of missing values in training. If it is above 0, a feature marks them.

    Examples
    --------
    >>> step = Calendar("sold", mean=2023.0, scale=0.5, parts=("year", "month"), missing=0)
    >>> out = np.zeros((1, step.width), dtype=np.float32)
    >>> step.write(np.array(["2024-01-01"], dtype="datetime64[s]"), out)
    0
    >>> step.features, out.tolist()
    (['sold (year)', 'sold (month, sin)', 'sold (month, cos)'], [[2.0, 0.0, 1.0]])
    """

    kind: ClassVar[str] = "time"
    name: str
    mean: float
    scale: float
    parts: tuple[str, ...]
    missing: int

    @classmethod
    def learn(cls, times: Times) -> Calendar | LeftOut:
        """Return the step for a column, from the summary of its times."""
        if not times.count:
            return LeftOut(times.name, "time", "holds no value")
        if not times.varying and not times.missing:
            return LeftOut(times.name, "time", "always the same")
        scale = times.deviation or 1.0
        return cls(times.name, times.centre, scale, times.varying, times.missing)

    @property
    def features(self) -> list[str]:
        """Names of the features of this column."""
        ends = [end for part in self.parts for end in _PARTS[part]]
        return [f"{self.name} ({end})" for end in ends + ["missing"] * (self.missing > 0)]

    @property
    def width(self) -> int:
        """Number of features of this column."""
        return len(self.features)

    def write(self, values: Array, out: Array) -> int:
        """Fill ``out``, zeros of shape ``(n, width)``; return the number of unknown values."""
        gaps = np.isnat(values)
        parts, at = parts_of(values[~gaps]), 0
        for part in self.parts:
            encoded = self._encoded(part, parts[part])
            out[~gaps, at : at + encoded.shape[1]] = encoded
            at += encoded.shape[1]
        if self.missing:
            out[:, at] = gaps
        return 0 if self.missing else int(gaps.sum())

    def _encoded(self, part: str, values: Array) -> Array:
        if part == "year":
            return scaled(values, self)[:, np.newaxis]
        if part == "weekday":
            return np.equal(values[:, np.newaxis], np.arange(7))
        angles = 2 * np.pi * values / ROUND[part]
        return np.stack([np.sin(angles), np.cos(angles)], axis=1)

    def describe(self) -> str:
        """Return a description of this step for a report."""
        gaps = f"; {self.missing:,} missing: marked" if self.missing else ""
        return f"times: {', '.join(self.parts) or 'whether there is one'}{gaps}"

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {
            "mean": self.mean, "scale": self.scale, "parts": list(self.parts),
            "missing": self.missing,
        }  # fmt: skip

    @classmethod
    def from_record(cls, name: str, record: Record) -> Calendar:
        """Return the step that `to_dict` described."""
        parts = record.texts("parts")
        if not set(parts) <= set(_PARTS):
            raise DataError(f"column {name!r}: parts must be some of {', '.join(_PARTS)}")
        mean, scale = record.number("mean"), record.scale("scale")
        return cls(name, mean, scale, parts, record.count("missing"))
