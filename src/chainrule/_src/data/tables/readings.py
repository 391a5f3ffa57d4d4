"""Readings: parsers for the notations of numbers and times that people use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.data.tables.arrow import count, first_cell, numbers, pyarrow

UNITS = r"[$€£¥₹]|CHF|EUR|GBP|USD|Fr\.?|%"
FEW = 0.02  # a smaller share of values does not decide the reading of the others
UTC = "UTC"
_HALF = r"(?P<half>(?: ?[AaPp]\.?[Mm]\.?)?)"  # am or pm, with hours from 1 to 12
_CLOCK = (
    r"(?P<clock>(?:[T ]\d{1,2}:\d\d(?::\d\d)?)?)(?:\.\d+)?"
    rf"{_HALF} ?(?P<zone>(?:Z|GMT|UTC|[+-]\d\d:?\d\d)?)$"
)
MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan gen ene", "feb fév fev", "mar mär mrz", "apr avr abr", "may mai mag", "jun giu",
         "jul lug", "aug aoû aou ago", "sep set", "oct okt ott", "nov", "dec dez déc dic"), 1,
    )
    for name in names.split()
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A notation of numbers or times, with the functions that parse its texts.

    Attributes
    ----------
    kind : {"number", "time"}
    what : str
        Name of the notation, in notes and in saved models: it must not change.
    read : callable
        Arrow's texts → float64, or timestamps in seconds; null for other notations.
    units : callable
        Arrow's texts → their units, such as ``"%"``, for times their zones, such as ``"+02:00"``;
        empty for a text without a unit.
    """

    kind: str
    what: str
    read: Callable[[Any], Any]
    units: Callable[[Any], Any]

    def read_each(self, array: Any) -> Any:
        """Return the values of texts; each different text is read once, if any has a digit."""
        pa, encoded = pyarrow(), array.dictionary_encode()
        if not count(pyarrow("compute").match_substring_regex(encoded.dictionary, r"\d")):
            dtype = pa.float64() if self.kind == "number" else pa.timestamp("s")
            return pa.nulls(len(array), dtype)
        return self.read(encoded.dictionary).take(encoded.indices)


def _number(point: str, groups: str) -> Callable[[Any], Any]:
    """Return a parser of numbers with this decimal sign and these thousands separators."""
    groups = rf"[{groups} _'’\x{{a0}}\x{{202f}}]"
    pattern = (
        rf"^(?P<open>\(?)(?P<sign>[-+−]?)(?:{UNITS})?\s?(?P<inner>[-+−]?)"
        rf"(?P<whole>[1-9]\d{{0,2}}(?:{groups}\d{{3}})+|\d*)(?P<part>(?:[{point}]\d*)?)"
        rf"(?P<power>(?:[eE][-+]?\d+)?)\s?(?:{UNITS})?(?P<close>\)?)$"
    )

    def read(array: Any) -> Any:
        compute, pa = pyarrow("compute"), pyarrow()
        groups_found = compute.extract_regex(array, pattern)
        parts = {name: compute.struct_field(groups_found, name) for name in
                 ("open", "sign", "inner", "whole", "part", "power", "close")}  # fmt: skip
        integer = compute.replace_substring_regex(parts["whole"], r"\D", "")
        part = compute.replace_substring(parts["part"], ",", ".")
        signs = compute.binary_join_element_wise(parts["sign"], parts["inner"], parts["open"], "")
        minus = compute.match_substring_regex(signs, r"^[-−(]$")
        fine = compute.and_(
            compute.match_substring_regex(signs, r"^[-+−(]?$"),
            compute.equal(compute.equal(parts["open"], ""), compute.equal(parts["close"], "")),
        )
        sign = compute.if_else(minus, "-", "")
        number = compute.binary_join_element_wise(sign, integer, part, parts["power"], "")
        fine = compute.and_(fine, compute.match_substring_regex(number, r"^-?\.?\d"))
        return compute.cast(compute.if_else(fine, number, pa.scalar(None, pa.string())),
                            pa.float64())  # fmt: skip

    return read


def _number_units(array: Any) -> Any:
    compute = pyarrow("compute")
    captured = compute.extract_regex(array, rf"(?P<unit>{UNITS})")
    return compute.coalesce(compute.struct_field(captured, "unit"), "")


def _numbers(what: str, point: str, groups: str) -> Reading:
    return Reading("number", what, _number(point, groups), _number_units)


def _times(what: str, day: str) -> Reading:
    """Return a reading of dates of this pattern, with or without a time of day."""

    def units(array: Any) -> Any:
        compute = pyarrow("compute")
        captured = compute.extract_regex(array, rf"^{day}{_CLOCK}")
        zone = compute.struct_field(captured, "zone")
        zone = compute.replace_substring_regex(zone, r"^(...):?(..)$", r"\1:\2")
        return compute.replace_substring_regex(zone, r"^(Z|GMT|UTC|[+-]00:00)$", UTC)

    return Reading("time", what, _time(day), units)


def _time(day: str) -> Callable[[Any], Any]:
    """Return a parser of dates of this pattern; times with an offset are converted to UTC."""

    def read(array: Any) -> Any:
        compute = pyarrow("compute")
        fields = compute.extract_regex(array, rf"^{day}{_CLOCK}")
        year, month, of_month, clock, zone = (
            compute.struct_field(fields, name) for name in ("year", "month", "day", "clock", "zone")
        )
        year, month = _of_century(year), _numbered(month)
        of_month = compute.replace_substring_regex(of_month, "^$", "1")
        date = compute.binary_join_element_wise(year, month, of_month, "-")
        clock = compute.replace_substring_regex(clock, "^[T ]", "")
        clock = compute.binary_join_element_wise(clock, "00:00:00", "")
        clock = compute.replace_substring_regex(clock, r"^(\d+:\d\d:\d\d)00:00:00$", r"\1")
        clock = compute.replace_substring_regex(clock, r"^(\d+:\d\d)00:00:00$", r"\1:00")
        joined = compute.binary_join_element_wise(date, clock, " ")
        times = compute.strptime(joined, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)
        times = compute.if_else(  # 30 February would be 1 March
            compute.equal(compute.day(times), compute.cast(of_month, "int64")), times, None
        )
        times = _of_half(times, compute.struct_field(fields, "half"))
        return compute.subtract(times, ahead_of_utc(zone))

    return read


def _of_half(times: Any, half: Any) -> Any:
    """Apply am or pm to times, where ``half`` is not empty: 12 am is midnight."""
    compute, pa = pyarrow("compute"), pyarrow()
    has_half, hour = compute.not_equal(half, ""), compute.hour(times)
    fits = compute.and_(compute.greater_equal(hour, 1), compute.less_equal(hour, 12))
    twelve = compute.and_(has_half, compute.equal(hour, 12))
    is_late = compute.match_substring_regex(half, "[Pp]")
    hours = compute.subtract(
        compute.if_else(is_late, pa.scalar(12), 0), compute.if_else(twelve, pa.scalar(12), 0)
    )
    shift = compute.cast(compute.multiply(hours, 3600), pa.duration("s"))
    fits = compute.or_(compute.invert(has_half), fits)
    return compute.if_else(fits, compute.add(times, shift), None)


def ahead_of_utc(zone: Any) -> Any:
    """Return the offsets from UTC, as durations, of zones such as ``+02:00``."""
    compute, pa = pyarrow("compute"), pyarrow()
    captured = compute.extract_regex(zone, r"^(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)$")
    sign, hours, minutes = (
        compute.struct_field(captured, name) for name in ("sign", "hours", "minutes")
    )
    passed = compute.add(
        compute.multiply(compute.cast(hours, pa.int64()), 3600),
        compute.multiply(compute.cast(minutes, pa.int64()), 60),
    )
    ahead = compute.if_else(compute.equal(sign, "-"), compute.negate(passed), passed)
    return compute.cast(compute.coalesce(ahead, 0), pa.duration("s"))


def _of_century(year: Any) -> Any:
    """Expand years of two digits to those from 1969 to 2068, as in POSIX."""
    compute = pyarrow("compute")
    late = compute.match_substring_regex(year, r"^(69|[789]\d)$")
    full = compute.binary_join_element_wise(compute.if_else(late, "19", "20"), year, "")
    return compute.if_else(compute.equal(compute.utf8_length(year), 2), full, year)


def _numbered(month: Any) -> Any:
    """Convert names of months to numbers, by their first letters."""
    compute, pa = pyarrow("compute"), pyarrow()
    lower = compute.replace_substring_regex(compute.utf8_lower(month), "^jui", "ju")  # juin, juil
    short = compute.utf8_slice_codeunits(lower, 0, 3)
    number = compute.index_in(short, value_set=pa.array([*MONTHS]))
    named = compute.cast(compute.take(pa.array(list(MONTHS.values())), number), pa.string())
    return compute.coalesce(named, month)


def _hours(array: Any) -> Any:
    """Parse times of day without a date."""
    compute = pyarrow("compute")
    captured = compute.extract_regex(
        array, rf"^(?P<clock>\d{{1,2}}:\d\d)(?P<seconds>(?::\d\d)?){_HALF}$"
    )
    seconds = compute.struct_field(captured, "seconds")
    seconds = compute.if_else(compute.equal(seconds, ""), ":00", seconds)
    clock = compute.binary_join_element_wise(
        "1970-01-01 ", compute.struct_field(captured, "clock"), seconds, ""
    )
    times = compute.strptime(clock, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)
    return _of_half(times, compute.struct_field(captured, "half"))


def _no_units(array: Any) -> Any:
    return pyarrow("compute").if_else(array.is_valid(), "", None)


_YEAR, _MONTH, _DAY = r"(?P<year>\d{4})", r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
_ANY_YEAR, _NAME = r"(?P<year>\d{4}|\d{2})", r"(?P<month>[A-Za-zäéûÄÉÛ]{3,10})\.?"
_WEEKDAY = r"(?:[A-Za-zäéìí]{2,10}\.?, ?)?"
_BETWEEN = "[-/.]"
POINT = _numbers("with decimal points", ".", ",")
COMMA = _numbers("with decimal commas", ",", ".")
DAY_FIRST = _times("day first", _DAY + _BETWEEN + _MONTH + _BETWEEN + _ANY_YEAR)
MONTH_FIRST = _times("month first", _MONTH + _BETWEEN + _DAY + _BETWEEN + _ANY_YEAR)
READINGS = (
    POINT,
    COMMA,
    _times("year first", _YEAR + _BETWEEN + _MONTH + _BETWEEN + _DAY),
    DAY_FIRST,
    MONTH_FIRST,
    _times(
        "with names of months",
        rf"{_WEEKDAY}{_DAY}(?:\.|er|º)?(?: de)?[- /]?{_NAME}"
        rf"(?: de|,)?[- /]{_ANY_YEAR}",
    ),
    _times("month first, by name", rf"{_WEEKDAY}{_NAME}[- ]{_DAY},?[- ]{_ANY_YEAR}"),
    _times("by year and month", r"(?P<year>(?:1[89]|20)\d\d)-(?P<month>\d\d)(?P<day>)"),
    Reading("time", "hours and minutes", _hours, _no_units),
)
"""All readings. If two read equally many texts, the first one counts."""
RIVALS = {POINT: COMMA, COMMA: POINT, DAY_FIRST: MONTH_FIRST, MONTH_FIRST: DAY_FIRST}
"""The other reading of texts that are ambiguous."""


@dataclass
class PlainNumbers:
    """Counts of plain numbers, written as in a programming language.

    Attributes
    ----------
    count, points, groups : int
        Number of plain numbers, of those with a point, and of those with three digits behind the
        point: ``2.500`` is another number if the point separates thousands.

    cells : dict
        Texts, flags and first row from which `first`, `clear` and `group` are computed.
    """

    count: int = 0
    points: int = 0
    groups: int = 0
    cells: dict[str, tuple[Any, Any, int]] = field(default_factory=dict)  # evaluated lazily

    @classmethod
    def of(cls, array: Any, floats: Any, start: int) -> PlainNumbers:
        """Count the plain numbers in texts that are all plain numbers or missing."""
        compute = pyarrow("compute")
        points = compute.match_substring(array, ".")
        plain = cls(len(floats) - floats.null_count, count(points))
        if plain.count:
            plain.cells["first"] = array, None, start
        if plain.points:
            groups = _grouped(array, floats)
            plain.groups = count(groups)
            if plain.groups:
                plain.cells["group"] = array, groups, start
            if plain.points > plain.groups:
                clear = points if not plain.groups else compute.and_not(points, groups)
                plain.cells["clear"] = array, clear, start
        return plain

    def __add__(self, more: PlainNumbers) -> PlainNumbers:
        return PlainNumbers(
            self.count + more.count, self.points + more.points, self.groups + more.groups,
            more.cells | self.cells,
        )  # fmt: skip

    def _cell(self, name: str) -> tuple[int, str] | None:
        if name not in self.cells:
            return None
        array, flags, start = self.cells[name]
        return first_cell(array, array.is_valid() if flags is None else flags, start)

    @property
    def first(self) -> tuple[int, str] | None:
        """Row and text of the first number."""
        return self._cell("first")

    @property
    def clear(self) -> tuple[int, str] | None:
        """Row and text of the first number whose point is certainly a decimal point."""
        return self._cell("clear")

    @property
    def group(self) -> tuple[int, str] | None:
        """Row and text of the first number whose point may separate thousands."""
        return self._cell("group")


def _grouped(array: Any, floats: Any) -> Any:
    """Return flags of the numbers whose point may separate thousands, such as ``2.500``."""
    with np.errstate(over="ignore", invalid="ignore"):
        thousands = numbers(floats) * 1000
        candidates = np.flatnonzero(np.abs(thousands - np.rint(thousands)) < 1e-6)
    flags, pa = np.zeros(len(thousands), bool), pyarrow()
    if len(candidates):  # the pattern takes ten times as long as the arithmetic
        texts = array.take(pa.array(candidates))
        pattern = r"^\s*[-+]?[1-9]\d{0,2}\.\d{3}\s*$"
        matches = pyarrow("compute").match_substring_regex(texts, pattern)
        flags[candidates] = matches.to_numpy(zero_copy_only=False)
    return pa.array(flags)


@dataclass
class Tally:
    """Counts of a column's values by the result of one reading.

    Attributes
    ----------
    reading : Reading
    odd : int
        Number of values that the reading does not understand.
    first : tuple
        Row and text of the first value that the reading does not understand.
    others : int
        Number of values that it reads differently from the usual reading.
    only, either : int
        Number of values that its rival (see `RIVALS`) does not understand, or reads differently.
    changed : tuple
        Row, text and value of the first value that differs from a plain number.
    units : Counter
        Number of values by unit.
    cells : dict
        Row and text of the first value of each unit.
    """

    reading: Reading
    odd: int = 0
    first: tuple[int, str] | None = None
    others: int = 0
    only: int = 0
    either: int = 0
    changed: tuple[int, str, Any] | None = None
    units: Counter[str] = field(default_factory=Counter)
    cells: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def cost(self) -> float:
        """Cost of the reading: values not understood, and a little for each unusual value."""
        return self.odd + FEW * self.others

    def add(self, tidy: Any, start: int, reads: dict[Reading, Any], plain: Any, usual: Any) -> None:
        """Add stripped texts with their values by each reading, as plain numbers, and as usual."""
        compute, read, rival = pyarrow("compute"), reads[self.reading], RIVALS.get(self.reading)
        lost = compute.and_(tidy.is_valid(), read.is_null())
        self.first = self.first or first_cell(tidy, lost, start)
        self.odd += count(lost)
        if usual is not None:
            self.others += count(compute.not_equal(read, usual))
        if rival is not None:
            self.only += count(compute.and_(read.is_valid(), reads[rival].is_null()))
            self.either += count(compute.not_equal(read, reads[rival]))
        if self.changed is None:
            differs = read.is_valid()
            if plain is not None:
                differs = compute.coalesce(compute.not_equal(read, plain), differs)
            at = compute.index(differs, True).as_py()
            if at >= 0:
                self.changed = start + at, tidy[at].as_py(), read[at].as_py()
        if read.null_count == len(read):
            return
        units = compute.if_else(read.is_valid(), self.reading.units(tidy), None)
        for each in compute.value_counts(units.drop_null()).to_pylist():
            unit = each["values"]
            self.units[unit] += each["counts"]
            if unit not in self.cells:
                at = compute.index(units, unit).as_py()
                self.cells[unit] = start + at, tidy[at].as_py()

    def add_plain(self, plain: PlainNumbers) -> None:
        """Add plain numbers."""
        if not plain.count:
            return
        clear, is_comma = plain.points - plain.groups, self.reading is COMMA
        lost = {POINT: 0, COMMA: clear}.get(self.reading, plain.count)
        self.first = self.first or ((plain.clear if is_comma else plain.first) if lost else None)
        self.odd += lost
        if self.reading.kind != "number":
            return
        self.either += plain.groups
        self.others += plain.groups if is_comma else 0
        self.only += 0 if is_comma else clear
        if is_comma and self.changed is None and plain.group is not None:
            row, cell = plain.group
            self.changed = row, cell, float(cell.replace(".", ""))
        if plain.count > lost and plain.first is not None:
            self.units[""] += plain.count - lost
            self.cells.setdefault("", plain.first)

    def mixed(self, trained_unit: str | None = None) -> str:
        """Describe a mixture of units, whose numbers cannot be compared; empty if there is none."""
        units = {*self.units} if trained_unit is None else {*self.units, trained_unit}
        if self.reading.kind != "number" or len(units) < 2:
            return ""
        if "%" in units:
            return "numbers with '%' and without"
        names = sorted(units - {""})
        return f"both {names[0]!r} and {names[1]!r}" if len(names) > 1 else ""

    def stray(self, trained: str | None) -> tuple[int, str]:
        """Return the first cell whose unit is not that of training, or not the most frequent."""
        usual = trained if trained is not None else max(self.units, key=self.units.__getitem__)
        clashing = [unit for unit in self.cells if "%" in (unit, usual) or (unit and usual)]
        return min(self.cells[unit] for unit in clashing or self.cells if unit != usual)
