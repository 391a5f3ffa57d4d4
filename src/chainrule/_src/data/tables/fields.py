"""Infer the kind of a column of texts: numbers and times in the notations that people use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import lookup
from chainrule._src.data.preprocessing.values import MISSING, Column, Writing, quote
from chainrule._src.data.tables.arrow import count, numbers, pyarrow, texts, times
from chainrule._src.data.tables.codes import Codes
from chainrule._src.data.tables.readings import (
    COMMA,
    POINT,
    READINGS,
    RIVALS,
    UTC,
    PlainNumbers,
    Reading,
    Tally,
    ahead_of_utc,
)

ODD = 0.1  # largest share of values not of the column's kind; these count as missing
SAMPLE = 100
_WITH_UNIT = re.compile(r"[-+]?\d[\d.,]*\s?(?=[^\d\s]+$)")


def plain(array: Any) -> Any:
    """Cast texts to Arrow's float64, null for missing; None if any is not a plain number."""
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
    """Strip the spaces around texts; texts that stand for missing values become null."""
    compute, pa = pyarrow("compute"), pyarrow()
    tidy = compute.utf8_trim_whitespace(array)
    gaps = compute.is_in(tidy, value_set=pa.array(sorted(MISSING)))
    return compute.if_else(gaps, None, tidy)


@dataclass
class Field:
    """The kind and notation of a column of texts, inferred in one pass over its rows.

    Attributes
    ----------
    name : str
    decimal : str
        The decimal sign that is assumed if the column does not determine it.
    kind : str
        The column's kind in training; empty if there was no training.
    typed : bool
        True if the source has types for numbers, but stores this column as texts.
    present, rows : int
        Number of values, and of values and gaps, so far.
    numbers, times : int
        Number of values that are plain numbers, and of values that are times in any notation.
    known : Writing, optional
        Notation of the column in training. It decides how ambiguous texts are read.
    """

    name: str
    decimal: str
    kind: str = ""
    typed: bool = False
    known: Writing | None = None
    present: int = 0
    rows: int = 0
    numbers: int = 0
    times: int = 0
    tallies: list[Tally] = field(default_factory=list)
    _codes: Codes = field(default_factory=Codes)
    _plain: PlainNumbers = field(default_factory=PlainNumbers)
    _sample: list[str] = field(default_factory=list)
    _learned: Reading | None = None

    def __post_init__(self) -> None:
        if self.known is not None and self.known.reading:
            readings = {each.what: each for each in READINGS if each.kind == self.kind}
            self._learned = lookup(f"way to write {self.name!r}", self.known.reading, readings)

    @property
    def _column(self) -> str:
        return f"column {quote(self.name)}"

    @property
    def is_open(self) -> bool:
        """True if more rows may change the inferred kind."""
        if self.kind == "category":
            return False
        least = min((tally.odd for tally in self.tallies), default=0)
        return not (self.present > 1000 and 2 * least > self.present)

    def add(self, array: Any) -> Any:
        """Add the next rows; return them as float64 if they are plain numbers, else None."""
        start, self.rows = self.rows, self.rows + len(array)
        if not self.is_open:
            return None
        floats = plain(array)
        if not self.kind:
            self._codes.add(array, floats, start)
        if floats is not None and self._is_plain:
            self._add_plain(array, floats, start)
            return floats
        compute = pyarrow("compute")
        tidy, tallies = tidied(array), self._all()
        self.present += len(tidy) - tidy.null_count
        is_number = compute.fill_null(compute.match_substring_regex(
            tidy, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"), False)  # fmt: skip
        self.numbers += count(is_number)
        self._sample = self._sample or tidy.drop_null()[:SAMPLE].to_pylist()
        reads = {tally.reading: tally.reading.read_each(tidy) for tally in tallies}
        times = [read for reading, read in reads.items() if reading.kind == "time"]
        self.times += len(tidy) - compute.coalesce(*times).null_count if times else 0
        alone = self._alone(reads, is_number)
        for tally in tallies:
            kind = tally.reading.kind
            tally.add(tidy, start, reads, alone[kind], self._usual(kind, reads, alone))
        return None

    def _alone(self, reads: dict[Reading, Any], is_number: Any) -> dict[str, Any]:
        """Return by kind the values of texts that need no reading: plain numbers."""
        point = reads.get(POINT)
        plain = None if point is None else pyarrow("compute").if_else(is_number, point, None)
        return {"number": plain, "time": None}

    def _usual(self, kind: str, reads: dict[Reading, Any], alone: dict[str, Any]) -> Any:
        """Return the values by the reading of training, or else by the preferred reading."""
        if self._learned is not None:
            return reads[self._learned]
        if kind == "time":
            return None
        return pyarrow("compute").coalesce(alone[kind], reads[self._preferred])

    @property
    def _is_plain(self) -> bool:
        """True if plain numbers need no conversion, unlike times and percentages in training."""
        return self.kind != "time" and (
            self.known is None or (self._learned in (None, POINT) and self.known.unit != "%")
        )

    @property
    def _preferred(self) -> Reading:
        """The reading that wins if two readings read equally many values."""
        return self._learned or (COMMA if self.decimal == "," else POINT)

    def _add_plain(self, array: Any, floats: Any, start: int) -> None:
        plain = PlainNumbers.of(array, floats, start)
        self.present, self.numbers = self.present + plain.count, self.numbers + plain.count
        self._plain += plain
        for tally in self.tallies:
            tally.add_plain(plain)

    def _all(self) -> list[Tally]:
        """Return the tallies; create them first, from the plain numbers so far."""
        if not self.tallies:
            kinds = (self.kind,) if self.kind else ("number", "time")
            self.tallies = [Tally(each) for each in READINGS if each.kind in kinds]
            for tally in self.tallies:
                tally.add_plain(self._plain)
        return self.tallies

    @property
    def best(self) -> Tally | None:
        """The tally of the reading with the lowest cost; None if all values are plain numbers."""
        return min(
            self.tallies if self.present else (),
            default=None,
            key=lambda each: (each.cost, each.reading is not self._preferred),
        )

    @property
    def reading(self) -> Reading | None:
        """The reading of the column; None for plain numbers and for text."""
        best = self.best
        return best.reading if best is not None and self._is_fine(best) else None

    def _is_fine(self, tally: Tally) -> bool:
        few = tally.odd <= ODD * self.present and tally.odd < self.present
        return few and not tally.mixed(self._unit) and not self._contradicts(tally)

    @property
    def _unit(self) -> str | None:
        return None if self.known is None else self.known.unit

    def _contradicts(self, tally: Tally) -> bool:
        """Return true if this reading is not that of training and they differ on some values."""
        return self._learned not in (None, tally.reading) and tally.others > 0

    @property
    def found(self) -> str:
        """The inferred kind of the column."""
        if not self.kind and self._codes.are(self.present):
            return "category"
        if self.best is None:
            return self.kind or "number"
        return self.reading.kind if self.reading else "category"

    @property
    def written(self) -> Writing | None:
        """The notation of the numbers or times; None for text."""
        if self.found == "category":
            return None
        if self.best is None or self.reading is None:
            return self.known or Writing(POINT.what if self._plain.points else "")
        units = [unit for unit, _ in self.best.units.most_common() if unit]
        unit = units[0] if units else ""
        return Writing(self.reading.what, self._zone if self.found == "time" else unit)

    @property
    def _zone(self) -> str:
        """The zone of times: training's, or the one in the texts; UTC if the texts differ."""
        if self._unit or self.best is None:
            return self._unit or ""
        zones = [*filter(None, self.best.units)]
        return UTC if len(zones) > 1 else "".join(zones)

    def values(self, array: Any) -> Array:
        """Convert texts to a column of the inferred kind.

        Raises
        ------
        DataError
            If a text cannot be read, because the source has changed.
        """
        if self.found == "category":
            return texts(array)
        read = plain(array) if self.reading is None else self.reading.read_each(tidied(array))
        if read is None:
            raise DataError("it changed while it was read; try again")
        return numbers(read) if self.found == "number" else times(self._in_zone(read, array))

    def _in_zone(self, read: Any, array: Any) -> Any:
        """Shift times from UTC to the column's zone; times without a zone are in it already."""
        if self.reading is None or self._zone in ("", UTC):
            return read
        compute, pa = pyarrow("compute"), pyarrow()
        zone = compute.if_else(
            compute.equal(self.reading.units(tidied(array)), ""), "", pa.scalar(self._zone)
        )
        return compute.add(read, ahead_of_utc(zone))

    def check(self) -> None:
        """Refuse a column whose kind differs from that in training.

        Raises
        ------
        DataError
        """
        if self.kind not in ("number", "time") or self.found == self.kind:
            return
        (row, text), how = self._fault()
        more = ""
        if how:
            how, more = f"{how}, as in training", "; write all values as training had them"
        elif self.best is not None and (mixed := self.best.mixed()):
            more = f"; the column holds {mixed}"
        raise DataError(
            f"{self._column} must hold {self.kind}s{how}, but row {row + 1:,} holds "
            f"{quote(text)}{more}"
        )

    def _fault(self) -> tuple[tuple[int, str], str]:
        """Return the first cell that differs from training, and the expected notation."""
        best, unit = self.best, self._unit
        if best is not None and best.mixed(unit):
            how = f" with {unit!r}" if unit else " without '%'"
            return best.stray(unit), "" if unit is None else how
        if self._learned is not None and best is not None and self._contradicts(best):
            learned = next(each for each in self.tallies if each.reading is self._learned)
            return learned.first or self.first_odd, f" {self._learned.what}"
        return self.first_odd, ""

    @property
    def first_odd(self) -> tuple[int, str]:
        """Row, counted from 0, and text of the first cell that is not of the kind."""
        best = self.best
        return (0, "") if best is None or best.first is None else best.first

    def notes(self) -> list[str]:
        """Return notes for the user on how the column was interpreted."""
        best, codes = self.best, self._codes
        if not self.kind and codes.are(self.present):
            return [f"{self._column} is taken as text: {_holds(codes.first)}, a code"]
        if best is None:
            is_told = self.typed and not self.kind and self.present > 0
            notes = [f"{self._column}: texts that are all numbers, read as such"] * is_told
            if self.known is not None and not self.known.reading and self._plain.group:
                row, text = self._plain.group
                notes.append(
                    f"{self._column} held whole numbers in training: "
                    f"{_holds((row, text))}, read as {float(text):.10g}"
                )
        else:
            notes = self._as_text(best) if self.reading is None else self._as_read(best)
        if codes.first is not None and self.found == "number":
            notes.append(
                f"{self._column}: {codes.count:,} of {self.present:,} values begin with 0, "
                f"as codes do, and are taken as numbers; the first, in row "
                f"{codes.first[0] + 1:,}, is {quote(codes.first[1])}"
            )
        return notes

    def _as_read(self, best: Tally) -> list[str]:
        """Return notes on the reading of a column of numbers or times."""
        notes, kind = [], self.found
        how = best.reading.what + (
            f", in {self._zone}" if any(best.units) and kind == "time" else ""
        )
        if best.changed is not None:
            *cell, value = best.changed
            if kind == "time":
                value = self.values(pyarrow().array([cell[1]]))[0]
            value_text = f"{value:.10g}" if kind == "number" else str(value).replace("T", " ")
            notes.append(
                f"{self._column} holds {kind}s {how}{self._evidence(best)}: "
                f"{_holds(cell)}, read as {value_text}"
            )
        if best.odd and best.first is not None:
            row, text = best.first
            how = f" {best.reading.what}, as in training," if best.reading is self._learned else ""
            notes.append(
                f"{self._column}: {best.odd:,} of {self.present:,} values are no "
                f"{kind}{how} and count as missing; the first, in row {row + 1:,}, is {quote(text)}"
            )
        return notes + self._zones(best)

    def _evidence(self, best: Tally) -> str:
        """Return the reason for an unusual reading, for a note."""
        rival = RIVALS.get(best.reading)
        if best.reading is self._learned:
            return ""
        unlike = f", unlike training, which had them {self._learned.what}" if self._learned else ""
        is_time = best.reading.kind == "time"
        if rival is None or not best.either or not (is_time or best.others):
            return unlike
        if not best.only:
            return f"{unlike}, but could all be {rival.what}"
        if best.only > ODD * self.present:
            return unlike
        return f"{unlike}, as {best.only:,} of {self.present:,} values can only be read so"

    def _zones(self, best: Tally) -> list[str]:
        """Return a note on times without a zone in a column where other times have a zone."""
        if best.reading.kind != "time":
            return []
        if self._zone and self._unit == "":
            return [f"{self._column}: training had times without an offset from UTC"]
        if not self._zone or "" not in best.cells:
            return []
        row, text = best.cells[""]
        return [
            f"{self._column}: {best.units['']:,} of {self.present:,} times tell no offset "
            f"from UTC and are taken as {self._zone}{', as training had them' * bool(self._unit)}; "
            f"the first, in row {row + 1:,}, is {quote(text)}"
        ]

    def _as_text(self, best: Tally) -> list[str]:
        """Return a note on why a column with some numbers or times is taken as text."""
        why = self._why(best)
        return [] if self.kind or not why else [f"{self._column} is taken as text: {why}"]

    def _why(self, best: Tally) -> str:
        good = self.present - best.odd
        if mixed := best.mixed():
            return f"it holds {mixed}; {_holds(best.stray(None))}"
        units = {_WITH_UNIT.sub("", text) for text in self._sample}
        if len(units) == 1 and all(map(_WITH_UNIT.match, self._sample)):
            return (
                f"{quote(self._sample[0])} looks like a number with {quote(units.pop())}; write "
                "numbers alone to have it so"
            )
        if best.odd > ODD * self.present >= self.present - self.times and best.cells:
            first, other = sorted([min(best.cells.values()), best.first or (0, "")])
            return (
                f"{self.times:,} of {self.present:,} values look like times, but in different "
                f"ways: {_holds(first)}, {_holds(other)}; write all in one way to have it so"
            )
        if best.first is None or not (self.numbers or 2 * good >= self.present > 0):
            return ""
        unit = f" {best.reading.what}" * bool(best.only)
        return (
            f"{_holds(best.first)}, though {good:,} of {self.present:,} values look like "
            f"a {best.reading.kind}{unit}; mend or empty the others to have it so"
        )


def field_of(name: str, decimal: str, like: Column | None, typed: bool = False) -> Field:
    """Return a field for a column; ``like`` is the same column in training, if known."""
    if like is None:
        return Field(name, decimal, typed=typed)
    return Field(name, decimal, like.kind, typed, like.written)


def _holds(cell: Any) -> str:
    row, text = cell
    return f"row {row + 1:,} holds {quote(text)}"
