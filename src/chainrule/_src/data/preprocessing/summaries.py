"""Summary statistics of a column, computed in one pass over its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.data.preprocessing.values import missing

MAX_DISTINCT = 100_000  # different values; a column with more is not categorical
MAX_LEVELS = 100  # different numbers of a column that may be categories: states, shops
LEVEL_ROWS = 2**16  # first values of a column that are looked at for this
SMALLEST = 1e-150  # smaller deviations count as 0: their squares underflow in float64


class RunningMoments:
    r"""Running mean and standard deviation of numbers.

    Two sets of :math:`n_a` and :math:`n_b` numbers with means :math:`m_a, m_b` and sums of squared
    deviations :math:`M_a, M_b` have together, with :math:`\delta = m_b - m_a`,

    .. math:: m = m_a + \delta\,\frac{n_b}{n},\qquad M = M_a + M_b + \delta^2\,\frac{n_a n_b}{n}

    (Chan, Golub, LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances*, 1979, equations 2.1). NaN counts as missing.

    Examples
    --------
    >>> moments = RunningMoments("age")
    >>> moments.add(np.array([1.0, 2.0])); moments.add(np.array([np.nan, 3.0]))
    >>> moments.mean, round(moments.deviation, 4), moments.missing
    (2.0, 0.8165, 1)

    Attributes
    ----------
    levels : set of float or None
        The different values among the first 65,536, if they are whole numbers and at most 100; None
        otherwise.
    """

    kind = "number"

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = self.missing = 0
        self.levels: set[float] | None = set()
        self.mean = self.squares = 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, values: Array) -> None:
        """Add numbers, an array of any shape."""
        present = values[~np.isnan(values)] if np.isnan(values).any() else values.ravel()
        self.missing += values.size - present.size
        if not present.size:
            return
        if self.levels is not None and self.count < LEVEL_ROWS:
            self._add_levels(present)
        low, high = float(present.min()), float(present.max())
        if np.isinf(low) or np.isinf(high):
            raise DataError(
                f"column {self.name!r} holds infinite values; leave them empty if they mean that "
                "there is none"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            self._merge(present)
        if not np.isfinite(self.squares):
            raise DataError(f"column {self.name!r} holds values too large to be squared: {high:g}")
        self.low, self.high = min(low, self.low), max(high, self.high)

    def _add_levels(self, present: Array) -> None:
        for part in present[:1000], present:  # most columns show in a few values that they vary
            assert self.levels is not None
            self.levels.update(np.unique(part).tolist())
            if len(self.levels) > MAX_LEVELS or any(value % 1 for value in self.levels):
                self.levels = None
                return

    def _merge(self, present: Array) -> None:
        mean = float(present.mean(dtype=np.float64))
        squares = float(np.square(present - mean).sum())
        delta, total = mean - self.mean, self.count + present.size
        self.mean += delta * present.size / total
        self.squares += squares + delta * delta * self.count * present.size / total
        self.count = total

    @property
    def deviation(self) -> float:
        """The population standard deviation; 0 if all numbers are equal."""
        spread = float(np.sqrt(self.squares / self.count)) if self.low < self.high else 0.0
        return spread if spread >= SMALLEST else 0.0

    @property
    def centre(self) -> float:
        """The mean, exact if all numbers are equal."""
        return self.low if self.low == self.high else self.mean


def constant_text(moments: RunningMoments) -> str:
    """Describe numbers whose deviation is 0."""
    if moments.low == moments.high:
        return f"always {moments.centre:g}"
    return (
        f"between {moments.low:g} and {moments.high:g}, too small a difference to be scaled; "
        "multiply it"
    )


class Counts:
    """Number of occurrences of each value.

    Attributes
    ----------
    counter : Counter
        Occurrences by value; empty once there are more than ``limit`` different values.
    of_numbers : bool
        True if the values are numbers that are taken as categories.
    """

    kind = "category"

    def __init__(self, name: str, limit: int, of_numbers: bool = False) -> None:
        self.name, self.limit, self.of_numbers = name, limit, of_numbers
        self.count = self.missing = 0
        self.counter: Counter[Hashable] = Counter()
        self.too_many = False

    def add(self, values: Array) -> None:
        """Add values of a column."""
        gaps = missing(values)
        present = values[~gaps] if gaps.any() else values
        self.missing += len(values) - len(present)
        self.count += len(present)
        if self.too_many:
            return
        self.counter.update(present.tolist())
        if len(self.counter) > self.limit:
            self.too_many = True
            self.counter.clear()


class Pixels(RunningMoments):
    """Moments over all pixels of a column of images."""

    kind = "image"

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        super().__init__(name)
        self.shape = shape

    def add(self, values: Array) -> None:
        """Add images, shape ``(n, *shape)``."""
        if values.shape[1:] != self.shape:
            raise DataError(
                f"column {self.name!r} must hold images of one shape, but {self.shape} is followed "
                f"by {values.shape[1:]}"
            )
        super().add(values.astype(np.float64))
        if self.missing:
            raise DataError(f"column {self.name!r} holds images with NaN in them")


class Times(RunningMoments):
    """Moments of the year, and the range of each other part of the times."""

    kind = "time"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._ranges: dict[str, tuple[float, float]] = {}

    def add(self, values: Array) -> None:
        """Add times, an array of datetime64."""
        present = values[~np.isnat(values)]
        self.missing += len(values) - len(present)
        if not len(present):
            return
        parts = parts_of(present)
        super().add(parts["year"])
        for part, numbers in parts.items():
            low, high = self._ranges.get(part, (np.inf, -np.inf))
            self._ranges[part] = min(low, float(numbers.min())), max(high, float(numbers.max()))

    @property
    def varying(self) -> tuple[str, ...]:
        """Names of the parts that are not constant."""
        return tuple(part for part, (low, high) in self._ranges.items() if low < high)


def parts_of(times: Array) -> dict[str, Array]:
    """Split times into parts: the year with its fraction, the others counted from 0.

    Examples
    --------
    >>> parts_of(np.array(["2023-07-02T12:00"], dtype="datetime64[s]"))
    {'year': array([2023.5]), 'month': array([6.]), 'day': array([1.]), 'weekday': array([6.]),
     'hour': array([12.])}
    """
    days, months = times.astype("datetime64[D]"), times.astype("datetime64[M]")
    years = times.astype("datetime64[Y]")
    start, end = (each.astype("datetime64[s]").astype(float) for each in (years, years + 1))
    seconds = times.astype("datetime64[s]").astype(float)
    year = years.astype(np.int64) + 1970
    return {
        "year": year + (seconds - start) / (end - start),
        "month": (months - years).astype(float),
        "day": (days - months.astype("datetime64[D]")).astype(float),
        "weekday": (days.astype(np.int64) + 3) % 7 + 0.0,
        "hour": (seconds - days.astype("datetime64[s]").astype(float)) / 3600,
    }


Summary = RunningMoments | Counts


def summary_of(name: str, values: Array, kind: str = "") -> Summary:
    """Return an empty summary for a column with values of this type, or of the kind ``kind``."""
    if kind == "category" and values.dtype.kind not in "OM" and values.ndim == 1:
        return Counts(name, MAX_DISTINCT, of_numbers=True)
    if kind == "number" and values.dtype == object:
        return RunningMoments(name)
    if values.ndim > 1:
        return Pixels(name, values.shape[1:])
    if values.dtype.kind == "M":
        return Times(name)
    return Counts(name, MAX_DISTINCT) if values.dtype == object else RunningMoments(name)
