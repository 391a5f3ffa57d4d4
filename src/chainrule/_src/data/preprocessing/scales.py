"""Recognise texts that have an order: words of a scale, months, weekdays, sizes and ranges."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# In ascending order; words of one rank are separated by |.
SCALES = (
    "tiny|very small,small,medium,large|big,huge|very large|very big",
    "very low,low,medium|moderate|middle|average|normal,high,very high",
    "very poor|very bad,poor|bad,fair|average|medium,good,very good,excellent",
    "none|no,mild|minor|light|slight,moderate|medium,severe|serious|strong,critical|extreme",
    "strongly disagree,disagree,neutral|undecided|neither agree nor disagree,agree,strongly agree",
    "very dissatisfied,dissatisfied,neutral,satisfied,very satisfied",
    "very unlikely,unlikely,neutral,likely,very likely",
    "never,rarely|seldom|almost never,sometimes|occasionally,often|frequently|usually,always",
    "xxs,xs,s,m,l,xl,xxl|2xl,xxxl|3xl",
    "f,e,d-,d,d+,c-,c,c+,b-,b,b+,a-,a,a+",
    "january|jan,february|feb,march|mar,april|apr,may,june|jun,july|jul,august|aug,"
    "september|sep|sept,october|oct,november|nov,december|dec",
    "monday|mon,tuesday|tue,wednesday|wed,thursday|thu,friday|fri,saturday|sat,sunday|sun",
)
RANKS = [
    {word: rank for rank, words in enumerate(scale.split(",")) for word in words.split("|")}
    for scale in SCALES
]
FEWEST = 3  # texts in an order: the order of two does not matter
RANGE = re.compile(
    r"([<>≤≥]?)=?\s*(\d+(?:\.\d+)?)\s*(?:(?:-|–|to)\s*\d+(?:\.\d+)?)?\s*(\+?)\s*[a-z]*"
)


def order_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts in ascending order if all belong to one scale, else an empty tuple.

    Examples
    --------
    >>> order_of(["High", "low", "medium"]), order_of(["65+", "18-40", "41-64"])
    (('low', 'medium', 'High'), ('18-40', '41-64', '65+'))
    >>> order_of(["StronglyAgree", "Agree", "Disagree"]), order_of(["red", "low", "high"])
    (('Disagree', 'Agree', 'StronglyAgree'), ())
    """
    words = {text: re.sub(r"(?<=[a-z])(?=[A-Z])|[_\s]+", " ", text).casefold() for text in texts}
    for ranks in RANKS:
        if {*words.values()} <= {*ranks}:
            return _sorted({text: ranks[word] for text, word in words.items()})
    matches = {text: RANGE.fullmatch(word) for text, word in words.items()}
    if not all(matches.values()) or not any(
        re.search(r"\d *(-|–|to|\+)|^[<>≤≥]", w) for w in words.values()
    ):
        return ()
    before = {"<": -1, "≤": -1, ">": 1, "≥": 1}
    return _sorted({t: (float(m[2]), before.get(m[1], 0)) for t, m in matches.items() if m})


def _sorted(ranks: dict[str, Any]) -> tuple[str, ...]:
    """Return texts by rank; an empty tuple if they are too few, or some have the same rank."""
    is_order = len({*ranks.values()}) == len(ranks) >= FEWEST
    return tuple(sorted(ranks, key=ranks.__getitem__)) if is_order else ()
