"""Ways to understand texts: numbers and times as people write them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.tables.arrow import pyarrow

UNITS = r"[$€£¥₹]|CHF|EUR|GBP|USD|Fr\.?|%"
_CLOCK = r"(?P<clock>(?:[T ]\d{1,2}:\d\d(?::\d\d)?)?)(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?$"
MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt",
         "nov", "dec dez"), 1,
    )
    for name in names.split()
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A way to understand texts.

    Attributes
    ----------
    kind : {"number", "time"}
    what : str
        How they are written, for a note.
    read : callable
        Arrow's texts → float64, or timestamps in seconds; null for what is not written so.
    """

    kind: str
    what: str
    read: Callable[[Any], Any]


def _number(point: str, groups: str) -> Callable[[Any], Any]:
    """Return what reads numbers with this decimal sign and these signs between thousands."""
    groups = rf"[{groups} _'’\x{{a0}}\x{{202f}}]"
    pattern = (
        rf"^(?P<open>\(?)(?P<sign>[-+−]?)(?:{UNITS})?\s?(?P<inner>[-+−]?)"
        rf"(?P<whole>\d{{1,3}}(?:{groups}\d{{3}})+|\d*)(?P<part>(?:[{point}]\d*)?)"
        rf"(?P<power>(?:[eE][-+]?\d+)?)\s?(?:{UNITS})?(?P<close>\)?)$"
    )

    def read(array: Any) -> Any:
        compute, pa = pyarrow("compute"), pyarrow()
        found = compute.extract_regex(array, pattern)
        parts = {name: compute.struct_field(found, name) for name in
                 ("open", "sign", "inner", "whole", "part", "power", "close")}  # fmt: skip
        whole = compute.replace_substring_regex(parts["whole"], r"\D", "")
        part = compute.replace_substring(parts["part"], ",", ".")
        signs = compute.binary_join_element_wise(parts["sign"], parts["inner"], parts["open"], "")
        minus = compute.match_substring_regex(signs, r"^[-−(]$")
        fine = compute.and_(
            compute.match_substring_regex(signs, r"^[-+−(]?$"),
            compute.equal(compute.equal(parts["open"], ""), compute.equal(parts["close"], "")),
        )
        sign = compute.if_else(minus, "-", "")
        number = compute.binary_join_element_wise(sign, whole, part, parts["power"], "")
        fine = compute.and_(fine, compute.match_substring_regex(number, r"^-?\.?\d"))
        return compute.cast(compute.if_else(fine, number, pa.scalar(None, pa.string())),
                            pa.float64())  # fmt: skip

    return read


def _time(day: str) -> Callable[[Any], Any]:
    """Return what reads days of this pattern, with or without a time of day."""

    def read(array: Any) -> Any:
        compute = pyarrow("compute")
        found = compute.extract_regex(array, rf"^{day}{_CLOCK}")
        year, month, of_month, clock = (
            compute.struct_field(found, name) for name in ("year", "month", "day", "clock")
        )
        year, month = _of_century(year), _numbered(month)
        date = compute.binary_join_element_wise(year, month, of_month, "-")
        clock = compute.replace_substring_regex(clock, "^[T ]", "")
        clock = compute.binary_join_element_wise(clock, "00:00:00", "")
        clock = compute.replace_substring_regex(clock, r"^(\d+:\d\d:\d\d)00:00:00$", r"\1")
        clock = compute.replace_substring_regex(clock, r"^(\d+:\d\d)00:00:00$", r"\1:00")
        whole = compute.binary_join_element_wise(date, clock, " ")
        times = compute.strptime(whole, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)
        return compute.if_else(  # 30 February would be 1 March
            compute.equal(compute.day(times), compute.cast(of_month, "int64")), times, None
        )

    return read


def _of_century(year: Any) -> Any:
    """Return years in full; of two digits those from 1969 to 2068, as POSIX has them."""
    compute = pyarrow("compute")
    late = compute.match_substring_regex(year, r"^(69|[789]\d)$")
    whole = compute.binary_join_element_wise(compute.if_else(late, "19", "20"), year, "")
    return compute.if_else(compute.equal(compute.utf8_length(year), 2), whole, year)


def _numbered(month: Any) -> Any:
    """Return months as numbers, where they are named in English or German."""
    compute, pa = pyarrow("compute"), pyarrow()
    short = compute.utf8_slice_codeunits(compute.utf8_lower(month), 0, 3)
    number = compute.index_in(short, value_set=pa.array([*MONTHS]))
    named = compute.cast(compute.take(pa.array(list(MONTHS.values())), number), pa.string())
    return compute.coalesce(named, month)


def _hours(array: Any) -> Any:
    """Read times of day."""
    compute = pyarrow("compute")
    found = compute.extract_regex(array, r"^(?P<clock>\d{1,2}:\d\d)(?P<seconds>(?::\d\d)?)$")
    seconds = compute.struct_field(found, "seconds")
    seconds = compute.if_else(compute.equal(seconds, ""), ":00", seconds)
    clock = compute.binary_join_element_wise(
        "1970-01-01 ", compute.struct_field(found, "clock"), seconds, ""
    )
    return compute.strptime(clock, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)


_YEAR, _MONTH, _DAY = r"(?P<year>\d{4})", r"(?P<month>\d{1,2})", r"(?P<day>\d{1,2})"
_ANY_YEAR, _NAME = r"(?P<year>\d{4}|\d{2})", r"(?P<month>[A-Za-zä]{3,9})\.?"
_BETWEEN = "[-/.]"
POINT = Reading("number", "with decimal points", _number(".", ","))
COMMA = Reading("number", "with decimal commas", _number(",", "."))
READINGS = (
    POINT,
    COMMA,
    Reading("time", "year first", _time(_YEAR + _BETWEEN + _MONTH + _BETWEEN + _DAY)),
    Reading("time", "day first", _time(_DAY + _BETWEEN + _MONTH + _BETWEEN + _ANY_YEAR)),
    Reading("time", "month first", _time(_MONTH + _BETWEEN + _DAY + _BETWEEN + _ANY_YEAR)),
    Reading("time", "with names of months", _time(rf"{_DAY}\.?[- /]?{_NAME},?[- /]{_ANY_YEAR}")),
    Reading("time", "month first, by name", _time(rf"{_NAME}[- ]{_DAY},?[- ]{_ANY_YEAR}")),
    Reading("time", "hours and minutes", _hours),
)
"""Where two understand as many texts, the first is meant."""
