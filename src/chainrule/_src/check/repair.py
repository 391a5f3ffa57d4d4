"""The smallest changes of a program that make its results others: one, or several together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import numpy as np

from chainrule._src.check.ranking import ranked, unlikely
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.subject import ALL, PART, SPREAD, STAGES, Repair, Subject

MOST_UNKNOWN = 8  # lines that are looked at first
TIERS = (1.5, 2.0, np.inf)  # what a change costs at most, for which later tiers are not looked at
FIRST = 3  # stages before several mistakes are looked for
LIKELY = 1.8  # what a repair elsewhere may cost
SLACK = 0.45  # by how much a repair may cost more than the cheapest and still be named


def repairs(subject: Subject, depth: int = 2) -> list[Repair]:
    """Return the changes that mend all wrong results, the cheapest first; else what mends most."""
    found, parts = _line_by_line(subject)
    if found:  # what is cheaper, elsewhere
        most = min(LIKELY, *map(_cost, found))
        found += _singles(subject, [(ALL, 0), (ALL, 1)], most)[0]
    else:
        found, more = _singles(subject, STAGES[:FIRST])
        parts += more
        if not found:
            found = _with_others(subject, parts, lambda inner: _line_by_line(inner)[0], depth)
        if all(r.edits[-1].given for r in found):
            whole, more = _singles(subject, STAGES[FIRST:])
            found = _cheapest([*found, *whole]) or _joined(subject, [*parts, *more], depth)
    found = ranked(subject, sorted(found, key=_cost))
    return [_refined(subject, found[0]), *found[1:]] if found else []


def _line_by_line(subject: Subject) -> tuple[list[Repair], list[Repair]]:
    """Return the repairs after which lines that the right program has not are some that it has.

    Those of all that is wrong, and those of a part.
    """
    whole: list[Repair] = []
    parts: list[Repair] = []
    for is_whole in (True, False):
        lines = subject.unknown(is_whole)[:MOST_UNKNOWN]
        for tier in range(3):
            for line in lines:
                for edit in subject.understood(line, tier):
                    repair = subject.repaired((edit,))
                    if repair is not None:
                        (whole if repair.mended == subject.wrong else parts).append(repair)
            if whole and min(map(_cost, whole)) < TIERS[tier]:
                return _cheapest(whole), parts
    return _cheapest(whole), parts


def _with_others(
    subject: Subject, parts: list[Repair], further: Callable[[Subject], list[Repair]], depth: int
) -> list[Repair]:
    """Return repairs of a part together with those that mend the rest."""
    for part in _best(parts)[:4] if depth > 1 else ():
        if part.edits[-1].given or subject.is_late:
            continue
        with contextlib.suppress(*FAILURES), subject.changed(part.edits) as inner:
            more = [r for r in further(inner) if r.mended == inner.wrong]
            if more and inner.wrong == subject.wrong - part.mended:
                return [Repair((*part.edits, *r.edits), subject.wrong) for r in more]
    return []


def _best(parts: list[Repair]) -> list[Repair]:
    """Return of the repairs that mend the same the two likeliest, those that mend most first."""
    best: dict[frozenset[str], list[Repair]] = {}
    for part in sorted(
        parts, key=lambda r: (r.cost + unlikely(r.edits[-1]), -len(r.edits[-1].reach))
    ):
        best.setdefault(part.mended, []).append(part)
    return [p for mended in sorted(best, key=len, reverse=True) for p in best[mended][:2]]


def _refined(subject: Subject, repair: Repair) -> Repair:
    """Return a repair with changes of the code in the place of values, where some do the same."""
    for edit in repair.edits:
        if edit.given is None:
            continue
        kept = tuple(e for e in repair.edits if e is not edit)
        for other in subject.within(edit.statement):
            if subject.is_late:
                return repair
            found = subject.repaired((*kept, other))
            if found is not None and found.mended >= repair.mended:
                edits = tuple(other if e is edit else e for e in repair.edits)
                return _refined(subject, Repair(edits, found.mended))
    return repair


def _singles(
    subject: Subject, stages: Sequence[tuple[int, int]], most: float = np.inf
) -> tuple[list[Repair], list[Repair]]:
    """Return the repairs by one change that costs no more: of all that is wrong, and of a part."""
    whole: list[Repair] = []
    parts: list[Repair] = []
    cheapest = most - SLACK
    for kind, tier in stages:
        last = kind == SPREAD or cheapest <= 1.5 or (kind == PART and cheapest < 3)
        if subject.is_late or (whole and last):
            break
        if kind == SPREAD and parts:
            break  # what reaches right results too is no part of several mistakes
        for edit in subject.stage(kind, tier):
            if subject.is_late or edit.cost > cheapest + SLACK:
                break
            repair = subject.repaired((edit,))
            if repair is None:
                continue
            if repair.mended == subject.wrong:
                whole.append(repair)
                cheapest = min(cheapest, edit.cost)
                if edit.given is not None:
                    subject.suspect(edit)
            else:
                parts.append(repair)
    return _cheapest(whole), parts


def _cheapest(found: list[Repair]) -> list[Repair]:
    """Return the repairs that cost little more than the cheapest."""
    return [r for r in found if r.cost <= min(map(_cost, found)) + SLACK]


def _joined(subject: Subject, parts: list[Repair], depth: int) -> list[Repair]:
    """Return repairs of several changes, each of which mends a part; else what mends most."""
    best = _best(parts)
    found: list[Repair] = []
    for i, a in enumerate(best):
        for b in best[i + 1 :]:
            if a.mended | b.mended == subject.wrong and a.mended != b.mended:
                both = subject.repaired((*a.edits, *b.edits))
                if both is not None and both.mended == subject.wrong:
                    found.append(both)
    if depth > 1 and (not found or any(e.given for e in min(found, key=_cost).edits)):
        found += _with_others(subject, parts, lambda inner: repairs(inner, depth - 1), depth)
    return sorted(found, key=_cost) or best[:1]


def _cost(repair: Repair) -> float:
    return repair.cost
