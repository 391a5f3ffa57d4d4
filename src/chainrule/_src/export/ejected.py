"""Functions whose source is copied into ejected files: they read and preprocess tables."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import itertools
import re
import sys
from typing import Any

import numpy as np


def numbers(values: Any, mean: Any, scale: Any, marked: Any) -> Any:
    """Return numbers of mean 0 and deviation 1; a missing one is 0, and marked if asked for."""
    values = np.array([np.nan if value in ("", None) else value for value in values], float)
    scaled = (np.where(np.isnan(values), mean, values) - mean) / scale
    return np.stack([scaled, np.isnan(values)] if marked else [scaled], axis=1)


def one_hot(values: Any, categories: Any, other: Any, missing: Any) -> Any:
    """Return a column for each category; one for all others and one for missing, if asked for."""
    width = len(categories) + other + missing
    places = {category: place for place, category in enumerate(categories)}
    if missing:
        places = dict.fromkeys(("", "nan", None), width - 1) | places
    unknown = len(categories) if other else width  # beyond the last column: zeros
    texts = [value if value is None else str(value) for value in values]
    # Whole numbers that are categories may come as 3.0.
    shortened = [text and text.removesuffix(".0") for text in texts]
    found = [places.get(a, places.get(b, unknown)) for a, b in zip(texts, shortened, strict=True)]
    return np.eye(width + 1)[found, :width]


def ranks(values: Any, scores: Any, marked: Any) -> Any:
    """Return the score of each category, 0 for unknown values; missing values may be marked."""
    ordered = np.array([scores.get(str(value), 0) for value in values], float)
    missing = [value in ("", None) for value in values]
    return np.stack([ordered, missing] if marked else [ordered], axis=1)


def times(values: Any, mean: Any, scale: Any, parts: Any, marked: Any) -> Any:
    """Return parts of times, written 2024-01-31 or 2024-01-31 18:30; those of a missing one are 0.

    The year has mean 0 and deviation 1, month, day and hour go round, weekdays have a column each.
    """
    texts = ["NaT" if value is None or str(value) == "" else value for value in values]
    moments = np.array(texts, "datetime64[s]")
    missing = np.isnat(moments)
    moments = np.where(missing, np.datetime64("2000-01-01T00:00:00"), moments)
    years, months, days = (moments.astype(f"datetime64[{unit}]") for unit in "YMD")
    seconds, begin, end = (each.astype("datetime64[s]").astype(float)
                           for each in (moments, years, years + 1))  # fmt: skip
    year = years.astype(int) + 1970 + (seconds - begin) / (end - begin)
    weekday = (days.astype(int) + 3) % 7
    round_ = {
        "month": (months - years).astype(float) / 12,
        "day": (days - months.astype("datetime64[D]")).astype(float) / 31,
        "hour": (seconds - days.astype("datetime64[s]").astype(float)) / 3600 / 24,
    }
    made = {"year": [(year - mean) / scale], "weekday": [weekday == day for day in range(7)]}
    for part, share in round_.items():
        made[part] = [np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)]
    found = [np.where(missing, 0, column) for part in parts for column in made[part]]
    return np.stack([*found, missing] if marked else found, axis=1)


def turned(number: Any, by: Any) -> Any:
    """Return 32 bits, turned to the left."""
    return (number << by | number >> (32 - by)) & 0xFFFFFFFF


def hashed(text: Any) -> Any:
    """Return a text's 32 bits by MurmurHash3, as a number with a sign."""
    data, h = text.encode(), 0
    for first in range(0, len(data), 4):
        block = data[first : first + 4]
        k = turned(int.from_bytes(block, "little") * 0xCC9E2D51 & 0xFFFFFFFF, 15)
        h ^= k * 0x1B873593 & 0xFFFFFFFF
        if len(block) == 4:
            h = (turned(h, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    h ^= h >> 16
    return h - 2**32 if h >= 2**31 else h


def words(values: Any, width: Any) -> Any:
    """Return texts as counts of their words and pairs of words, each in a column that a hash picks.

    The result is that of scikit-learn's HashingVectorizer.
    """
    counts = np.zeros((len(values), width))
    for row, value in zip(counts, values, strict=True):
        found = re.findall(r"\b\w\w+\b", "" if value is None else str(value).lower())
        for text in [*found, *map(" ".join, itertools.pairwise(found))]:
            number = hashed(text)
            row[abs(number) % width] += 1 if number >= 0 else -1
    lengths = np.sqrt(np.sum(counts**2, axis=1, keepdims=True))
    return counts / np.where(lengths == 0, 1, lengths)


def pixels(images: Any, mean: Any, scale: Any) -> Any:
    """Return images as rows, with mean 0 and deviation 1 over all pixels."""
    images = np.asarray(images, dtype=float)
    return (images.reshape(len(images), -1) - mean) / scale


def number(text: Any, comma: Any) -> Any:
    """Return a number such as 1,234.5, (3) or 5 €; with a decimal comma, such as 1.234,5."""
    point, group = (",", ".") if comma else (".", ",")
    unit = r"(?:[$€£¥₹%]|CHF|EUR|GBP|USD|Fr\.?)?"
    found = re.fullmatch(
        rf"(\(?)([-+−]?){unit}\s?([-+−]?)([1-9]\d{{,2}}(?:[{group} _'’\xa0\u202f]\d{{3}})+|\d*)"
        rf"((?:[{point}]\d*)?(?:[eE][-+]?\d+)?)\s?{unit}(\)?)",
        text,
    )
    if not found:
        raise ValueError(text)
    opened, *signs, whole, part, closed = found.groups()
    sign = opened + "".join(signs)
    if len(sign) > 1 or bool(opened) != bool(closed):
        raise ValueError(text)
    minus = "-" if sign in ("-", "−", "(") else ""
    return float(minus + re.sub(r"\D", "", whole) + part.replace(",", "."))


def time(text: Any, order: Any) -> Any:
    """Return a time whose year, month and day are in this order, as 31.1.2024 18:30 is in dmy."""
    text, order = (text, order) if order else (f"1970-01-01 {text}", "ymd")
    found = re.fullmatch(
        r"(\d+)[-/.](\d+)[-/.](\d+)(?:[T ](\d\d?):(\d\d)(?::(\d\d))?)?(?:\.\d+)?"
        r"(?: ?([AaPp])\.?[Mm]\.?)?(?:Z|([+-]\d\d):?(\d\d))?",
        text,
    )
    if not found:
        raise ValueError(text)
    parts = dict(zip(order, found.groups(), strict=False))
    year = int(parts["y"])
    hour, minute, second = [int(part or 0) for part in found.groups()[3:6]]
    if len(parts["y"]) == 2 and order != "ymd":
        year += 1900 if year > 68 else 2000
    elif len(parts["y"]) != 4:
        raise ValueError(text)
    if found[7]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if found[7] in "Pp" else 0)
    day = datetime.datetime(year, int(parts["m"]), int(parts["d"]), hour, minute, second)
    if found[8]:
        day -= datetime.timedelta(hours=int(found[8]), minutes=int(found[8][0] + found[9]))
    return np.datetime64(day, "s")


def understood(name: Any, texts: Any, read: Any, ways: Any) -> Any:
    """Return the values of texts, by the spelling that most texts have.

    Up to a tenth that do not fit count as missing.
    """
    attempts = []
    for way in ways:
        values, odd = [], []
        for row, text in enumerate(texts, 1):
            try:
                values.append(read(text, way) if text else None)
            except ValueError:
                values.append(None)
                odd.append(f"row {row} holds {text!r}")
        attempts.append((odd, values))
    odd, best = min(attempts, key=lambda attempt: len(attempt[0]))
    if 10 * len(odd) > sum(map(bool, texts)):
        raise ValueError(f"column {name!r}: expected a {read.__name__}, but {odd[0]}")
    if odd:
        count = f"{len(odd)} of {sum(map(bool, texts))} values"
        what = f"{count} are no {read.__name__} and count as missing"
        print(f"note: column {name!r}: {what}; {odd[0]}", file=sys.stderr)
    return best


def as_numbers(name: Any, texts: Any, known: Any, comma: Any) -> Any:
    """Return texts as numbers, None for a missing one; known or else comma is tried first."""
    first = comma if known is None else known
    if not known:
        with contextlib.suppress(ValueError):
            return [float(text) if text else None for text in texts]
    return understood(name, texts, number, (first, not first))


def as_times(name: Any, texts: Any, known: Any, comma: Any) -> Any:
    """Return texts as times, None for a missing one; the known order is tried first."""
    ways = sorted(("ymd", "dmy", "mdy", ""), key=lambda way: way != known)
    return understood(name, texts, time, ways)


def read_table(path: Any, readers: Any) -> Any:
    """Return the columns of an .npz file, or of a .csv file with column names in its first line.

    Readers are by the columns' names: what makes values of texts, and how these are written.
    """
    if str(path).endswith(".npz"):
        with np.load(path, allow_pickle=False) as file:
            table = dict(file)
    else:
        with open(path, newline="", encoding="utf-8-sig") as file:
            text = file.read()
        splits = []
        for mark in (",", ";", "\t", "|"):
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
            splits.append((next(filter(None, lines), []), lines, mark))
        names, lines, mark = max(splits, key=lambda split: len(split[0]))
        rows = list(filter(None, lines))
        if not rows:
            raise ValueError(f"{path}: expected a line of column names, then rows")
        for i, row in enumerate(rows, 1):
            if len(row) != len(names):
                raise ValueError(
                    f"{path}, row {i}: expected {len(names)} fields, as the first line has, "
                    f"received {len(row)}"
                )
        table = dict(zip([name.strip() for name in names], zip(*rows, strict=True), strict=True))
    for name in readers:
        if name not in table:
            raise ValueError(f"{path} has no column {name!r}; its columns: {', '.join(table)}")
    if str(path).endswith(".npz"):
        return table
    spelled = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
    spelled |= dict.fromkeys(("NA", "N/A", "n/a", "#N/A", "?", "NaN", "nan", "null", "NULL"), "")
    for name, (read, known) in readers.items():
        texts = [spelled.get(text.strip(), text.strip()) for text in table[name]]
        table[name] = read(name, texts, known, mark != ",") if read else texts
    return table


def read_numbers(path: Any) -> Any:
    """Return the numbers in an .npy file, or in a .csv file with or without a line of names."""
    if str(path).endswith(".npy"):
        return np.load(path, allow_pickle=False)
    with open(path, encoding="utf-8-sig") as file:
        lines = [line for line in file if line.strip()]
    if not lines:
        raise ValueError(f"{path} is empty; expected numbers, a sample a row")
    first_is_names = np.isnan(np.genfromtxt(lines[:1], delimiter=",")).all()
    return np.loadtxt(lines, delimiter=",", ndmin=2, skiprows=int(first_is_names))


def read_arrays(path: Any, dtypes: Any) -> Any:
    """Return the arrays of an .npz file whose names are in dtypes."""
    with np.load(path, allow_pickle=False) as file:
        for name in dtypes:
            if name not in file:
                raise ValueError(f"{path} has no array {name!r}; its arrays: {', '.join(file)}")
        return tuple(file[name].astype(dtype) for name, dtype in dtypes.items())
