"""Submissions that are alike: winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003).

The text of each definition becomes tokens without names, numbers, texts and comments; of the hashes
of `LENGTH` tokens in a row, the least in each window of `WINDOW` hashes is a fingerprint. What the
students were given has none. A fingerprint counts the more, the fewer have it: right answers of one
exercise are alike without anybody having copied.
"""

from __future__ import annotations

import keyword
import math
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import combinations

from chainrule._src.teach.grading.classroom import Classroom

LENGTH, WINDOW = 10, 4
LEAST, MOST_PAIRS = 0.5, 20  # share of the weight that two have in common; pairs in a report
SHARED = 3  # fingerprints that two must have in common
_TOKEN = re.compile(
    r"""#[^\n]*|("{3}.{0,2000}?"{3}|'{3}.{0,2000}?'{3}|"[^"\n]*"|'[^'\n]*')|(\.?[^\W\d]\w*)|(\d[\w.]*)|\n|(\S)""",
    re.DOTALL,
)

Prints = dict[int, int]  # hash → line of the text


@dataclass(frozen=True)
class ComparedTexts:
    """The texts of two definitions, by lines, each with whether it is alike."""

    exercise: str
    first: list[tuple[str, bool]]
    second: list[tuple[str, bool]]


@dataclass(frozen=True)
class SimilarPair:
    """Two submissions that are alike."""

    first: str
    second: str
    share: float
    sides: tuple[ComparedTexts, ...]

    @property
    def percent(self) -> int:
        """The share in per cent."""
        return round(100 * self.share)

    @property
    def exercises(self) -> list[str]:
        """The exercises in which they are alike."""
        return [side.exercise for side in self.sides]


def similar_pairs(classroom: Classroom) -> list[SimilarPair]:
    """Return the pairs of submissions that are most alike, the most alike first."""
    handed_out = {h for stub in classroom.assignment.stubs for h in fingerprints(stub)}
    prints = {
        graded.name: {
            (exercise, h): line
            for exercise, text in graded.code.items()
            for h, line in fingerprints(text).items()
            if h not in handed_out
        }
        for graded in classroom.graded
    }
    owners = defaultdict(list)
    for name, keys in prints.items():
        for key in keys:
            owners[key].append(name)
    few = max(2, len(prints) // 10)  # what more have is how it is done
    weight = {key: math.log(len(prints) / len(names)) for key, names in owners.items()}
    rare = {key for key, names in owners.items() if len(names) <= few}
    shared: Counter[tuple[str, str]] = Counter()
    for key in rare:
        shared.update(combinations(sorted(owners[key]), 2))
    code = {graded.name: graded.code for graded in classroom.graded}
    pairs = [
        _pair(names, prints, code, weight, rare)
        for names, count in shared.items()
        if count >= SHARED
    ]
    pairs = [pair for pair in pairs if pair.share >= LEAST]
    return sorted(pairs, key=lambda pair: (-pair.share, pair.first, pair.second))[:MOST_PAIRS]


def _pair(
    names: tuple[str, str],
    prints: Mapping[str, Mapping[tuple[str, int], int]],
    code: Mapping[str, Mapping[str, str]],
    weight: Mapping[tuple[str, int], float],
    rare: Set[tuple[str, int]],
) -> SimilarPair:
    first, second = (prints[name] for name in names)
    common = first.keys() & second.keys()
    smaller = min(sum(weight[key] for key in keys) for keys in (first, second))
    share = sum(weight[key] for key in common) / smaller if smaller else 0.0
    few = common & rare
    sides = tuple(
        ComparedTexts(exercise, *(
            _marked(code[name][exercise], {keys[key] for key in few if key[0] == exercise})
            for name, keys in zip(names, (first, second), strict=True)
        ))
        for exercise in dict.fromkeys(key[0] for key in sorted(few))
    )  # fmt: skip
    return SimilarPair(*names, min(share, 1.0), sides)


def _marked(text: str, lines: set[int]) -> list[tuple[str, bool]]:
    return [(line, number in lines) for number, line in enumerate(text.split("\n"))]


def fingerprints(text: str) -> Prints:
    r"""Return the fingerprints of a text, each with the line where it begins.

    Examples
    --------
    >>> first = fingerprints("def f(x):\n    e = np.exp(x)  # a\n    return e / np.sum(e)")
    >>> other = fingerprints("def g(Q):\n    z = np.exp(Q)\n    return z / np.sum(z)")
    >>> first.keys() == other.keys()
    True
    """
    tokens = [*_tokens(text)]
    hashes = [
        (zlib.crc32(" ".join(token for token, _ in tokens[i : i + LENGTH]).encode()), tokens[i][1])
        for i in range(max(0, len(tokens) - LENGTH + 1))
    ]
    windows: Iterable[list[tuple[int, int]]] = (
        hashes[i : i + WINDOW] for i in range(max(bool(hashes), len(hashes) - WINDOW + 1))
    )
    return dict(min(window) for window in windows)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens, each with its line: names are alike, but for keywords and attributes."""
    line = 0
    for match in _TOKEN.finditer(text):
        string, name, number, other = match.groups()
        if name:
            yield (name if name.startswith(".") or keyword.iskeyword(name) else "name"), line
        elif number:
            yield "number", line
        elif other:
            yield other, line
        elif string:
            yield "text", line
        line += match[0].count("\n")
