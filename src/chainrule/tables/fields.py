"""What texts stand for: numbers and times, written as people write them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.preprocessing.values import MISSING
from chainrule.tables.arrow import numbers, pyarrow, texts, times
from chainrule.tables.readings import COMMA, POINT, READINGS, UNITS, Reading
from chainrule.validation import Array

ODD = 0.1  # largest share of values that are none of what the others are: they count as missing
SAMPLE = 100
_WITH_UNIT = re.compile(r"[-+]?\d[\d.,]*\s?(?=[^\d\s]+$)")


def plain(array: Any) -> Any:
    """Return texts as Arrow's float64, null for missing; None if any is not a plain number."""
    compute, pa = pyarrow("compute"), pyarrow()
    try:
        return compute.cast(array, pa.float64())
    except pa.ArrowInvalid:
        tidy = tidied(array)
    try:
        return compute.cast(tidy, pa.float64())
    except pa.ArrowInvalid:
        return None


def tidied(array: Any) -> Any:
    """Return texts without spaces around them, null for missing."""
    compute, pa = pyarrow("compute"), pyarrow()
    tidy = compute.utf8_trim_whitespace(array)
    gaps = compute.is_in(tidy, value_set=pa.array(sorted(MISSING)))
    return compute.if_else(gaps, None, tidy)


@dataclass
class Tally:
    """How many values a reading did not understand, and the first of them."""

    reading: Reading
    odd: int = 0
    first: tuple[int, str] | None = None
    changed: tuple[int, str, Any] | None = None  # the first that is not plain: row, text, value
    units: Counter[str] = field(default_factory=Counter)

    def add(self, tidy: Any, start: int, is_number: Any) -> None:
        """Take in texts, without spaces around them, of which some are plain numbers."""
        compute, pa = pyarrow("compute"), pyarrow()
        read = self.reading.read(tidy)
        lost = compute.and_(tidy.is_valid(), read.is_null())
        count = compute.sum(lost).as_py() or 0
        if count and not self.odd:
            at = compute.index(lost, pa.scalar(True)).as_py()
            self.first = start + at, tidy[at].as_py()
        self.odd += count
        if self.changed is None and len(tidy):
            told = compute.and_(read.is_valid(), compute.invert(is_number))
            at = compute.index(told, pa.scalar(True)).as_py()
            if at >= 0:
                self.changed = start + at, tidy[at].as_py(), read[at].as_py()
        if self.reading.kind == "number":
            found = compute.extract_regex(tidy.filter(read.is_valid()), rf"(?P<unit>{UNITS})")
            units = compute.value_counts(compute.struct_field(found, "unit").drop_null())
            self.units.update({each["values"]: each["counts"] for each in units.to_pylist()})

    def mixed(self, present: int) -> str:
        """Say which units stand side by side, as numbers of two would not mean the same."""
        names = sorted(self.units)
        if len(names) > 1:
            return f"both {names[0]!r} and {names[1]!r}"
        if names == ["%"] and self.units["%"] < present - self.odd:
            return "numbers with '%' and without"
        return ""


@dataclass
class Field:
    """What the texts of a column stand for, found while they pass by.

    Attributes
    ----------
    name : str
    decimal : str
        The decimal sign where a column leaves it open.
    kind : str
        The kind that is known already, if there is one.
    typed : bool
        Whether the source could have held numbers, but holds texts.
    """

    name: str
    decimal: str
    kind: str = ""
    typed: bool = False
    present: int = 0
    rows: int = 0
    numbers: int = 0
    tallies: list[Tally] = field(default_factory=list)
    _code: tuple[int, str] | None = None
    _points: int = 0  # plain numbers that are none where a comma is the decimal sign
    _sample: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether more rows may tell more."""
        if self.kind == "category" or self._code is not None:
            return False
        least = min((tally.odd for tally in self.tallies), default=0)
        return not (self.present > 1000 and 2 * least > self.present)

    def add(self, array: Any) -> Any:
        """Take in the next rows; return them as float64 if they are plain numbers."""
        start, self.rows = self.rows, self.rows + len(array)
        if not self.is_open:
            return None
        before = self.present
        floats = plain(array)
        if not self.kind and _may_be_codes(floats) and self._find_code(array, start):
            return None
        if floats is not None:
            self._plain(array, floats, start)
            return floats
        compute = pyarrow("compute")
        tidy = tidied(array)
        self.present += len(tidy) - tidy.null_count
        is_number = compute.fill_null(compute.match_substring_regex(
            tidy, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"), False)  # fmt: skip
        self.numbers += compute.sum(is_number).as_py() or 0
        self._sample = self._sample or tidy.drop_null()[:SAMPLE].to_pylist()
        for tally in self._all(before, start):
            tally.add(tidy, start, is_number)
        return None

    def _find_code(self, array: Any, start: int) -> bool:
        """Whether a whole number begins with 0, as codes do."""
        compute, pa = pyarrow("compute"), pyarrow()
        zeros = compute.starts_with(array, "0")
        if compute.any(zeros).as_py():
            codes = compute.and_(zeros, compute.match_substring_regex(array, r"^0\d+\s*$"))
            at = compute.index(codes, pa.scalar(True)).as_py()
            self._code = None if at < 0 else (start + at, array[at].as_py())
        return self._code is not None

    def _plain(self, array: Any, floats: Any, start: int) -> None:
        compute, pa = pyarrow("compute"), pyarrow()
        count = len(floats) - floats.null_count
        self.present, self.numbers = self.present + count, self.numbers + count
        points = compute.sum(compute.match_substring(array, ".")).as_py() or 0
        self._points += points
        for tally in self.tallies:
            lost = _lost(tally.reading, count, points)
            if lost and not tally.odd:
                at = compute.index(floats.is_valid(), pa.scalar(True)).as_py()
                tally.first = start + at, array[at].as_py()
            tally.odd += lost

    def _all(self, before: int, start: int) -> list[Tally]:
        """Return the tallies, with all plain numbers until now taken in."""
        if not self.tallies:
            kinds = (self.kind,) if self.kind else ("number", "time")
            self.tallies = [Tally(each) for each in READINGS if each.kind in kinds]
            for tally in self.tallies:
                tally.odd = _lost(tally.reading, before, self._points)
        return self.tallies

    @property
    def best(self) -> Tally | None:
        """The reading that leaves fewest values; None where all are plain numbers."""
        preferred = COMMA if self.decimal == "," else POINT
        return min(
            self.tallies, default=None, key=lambda each: (each.odd, each.reading is not preferred)
        )

    @property
    def reading(self) -> Reading | None:
        """How the column is read; None for plain numbers and for text."""
        best = self.best
        return best.reading if best is not None and self._few(best) else None

    def _few(self, tally: Tally) -> bool:
        few = tally.odd <= ODD * self.present and tally.odd < self.present
        return few and not tally.mixed(self.present)

    @property
    def found(self) -> str:
        """The kind of the column."""
        if self._code is not None:
            return "category"
        if self.best is None:
            return self.kind or "number"
        return self.reading.kind if self.reading else "category"

    def values(self, array: Any) -> Array:
        """Return texts as a column of the kind that was found.

        Raises
        ------
        DataError
            If they are not those that were seen.
        """
        if self.found == "category":
            return texts(array)
        read = plain(array) if self.reading is None else self.reading.read(tidied(array))
        if read is None:
            raise DataError("it changed while it was read; try again")
        return numbers(read) if self.found == "number" else times(read)

    def check(self) -> None:
        """Refuse a column that is not of the kind that is known.

        Raises
        ------
        DataError
        """
        if self.kind in ("number", "time") and self.found != self.kind:
            row, text = self.first_odd
            raise DataError(
                f"column {self.name!r} must hold {self.kind}s, but row {row + 1:,} holds {text!r}"
            )

    @property
    def first_odd(self) -> tuple[int, str]:
        """The first row, counted from 0, that is not of the kind, and what it holds."""
        best = self.best
        return (0, "") if best is None or best.first is None else best.first

    def notes(self) -> list[str]:
        """Return what a user should know of how the column was understood."""
        best = self.best
        if self._code is not None:
            row, text = self._code
            return [
                f"column {self.name!r} is taken as text: row {row + 1:,} holds {text!r}, a code"
            ]
        if best is None:
            is_told = self.typed and not self.kind and self.present > 0
            return [f"column {self.name!r}: texts that are all numbers, read as such"] * is_told
        if self.reading is None:
            return self._as_text(best)
        told = []
        if best.changed is not None:
            row, text, value = best.changed
            shown = f"{value:.10g}" if self.found == "number" else str(value)
            kind = "numbers" if self.found == "number" else "times"
            told.append(
                f"column {self.name!r} holds {kind} {best.reading.what}: row {row + 1:,} holds "
                f"{text!r}, read as {shown}"
            )
        if best.odd and best.first is not None:
            row, text = best.first
            told.append(
                f"column {self.name!r}: {best.odd:,} of {self.present:,} values are no "
                f"{self.found} and count as missing; the first, in row {row + 1:,}, is {text!r}"
            )
        return told

    def _as_text(self, best: Tally) -> list[str]:
        """Say why a column that has numbers or times in it is taken as text."""
        why = self._why(best)
        return [] if self.kind or not why else [f"column {self.name!r} is taken as text: {why}"]

    def _why(self, best: Tally) -> str:
        good = self.present - best.odd
        if mixed := best.mixed(self.present):
            return f"it holds {mixed}"
        units = {_WITH_UNIT.sub("", text) for text in self._sample}
        if len(units) == 1 and all(map(_WITH_UNIT.match, self._sample)):
            return (
                f"{self._sample[0]!r} looks like a number with {units.pop()!r}; write numbers "
                "alone to have it so"
            )
        if best.first is None or not (self.numbers or 2 * good >= self.present > 0):
            return ""
        row, text = best.first
        return (
            f"row {row + 1:,} holds {text!r}, though {good:,} of {self.present:,} values look like "
            f"a {best.reading.kind}; mend or empty the others to have it so"
        )


def _lost(reading: Reading, count: int, points: int) -> int:
    """Return how many plain numbers a reading does not understand."""
    return 0 if reading is POINT else points if reading is COMMA else count


def _may_be_codes(floats: Any) -> bool:
    """Whether texts, as numbers if they are, may be codes: these are whole."""
    if floats is None:
        return True
    values = numbers(floats)
    return bool((np.isnan(values) | (values == np.trunc(values))).all())
