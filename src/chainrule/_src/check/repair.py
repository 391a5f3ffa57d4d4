"""A search for the smallest repair of a program: one change, or several together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from chainrule._src.check.clock import Deadline
from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Edit, applied, copy_of
from chainrule._src.check.origin import departed, is_doubtful
from chainrule._src.check.pinned import groups, pinned_lines, seems_twofold
from chainrule._src.check.ranking import ranked, unlikely
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.searches import (
    QUICKEST,
    SUSPICIOUS,
    TIERS,
    cheapest_of,
    combined,
    copied,
    cost_of,
    deferred,
    in_calls,
    in_lines,
    in_suspicious_lines,
    line_by_line,
    singles,
    weight,
)
from chainrule._src.check.stages import ALL, STAGES
from chainrule._src.check.subject import FaultyProgram, Repair
from chainrule._src.check.suspects import first_steps, has_common_factor

MOST_DEPARTED = 3  # lines of which all changes are held against a doubtful repair
CHEAP = {0: 1.5, 1: 2.0}  # the first two
FIRST = 3  # stages that are searched before combinations of several changes
QUICK = 1.42  # the highest cost of the changes that are tried everywhere at first
LIKELY = 1.8  # the highest cost of a repair outside the lines with an unknown value
PAIRS = 0.35  # of the time that is left, for two changes of which only both mend a result
SCALING = ("sign", "missing factor", "extra factor", "missing divisor", "extra divisor", "constant",
           "function", "operator", "extra call", "other value", "doubled line")  # fmt: skip
PARTS = 0.45  # of the time that is left, for repairs that begin with a single result
MOST_PARTS = 2  # results of which a single one is mended first
MOST_AGAIN = 6  # repairs of a single result that are tried for all results
NAMED = 0.3  # of the time that is left, for the lines that make a variable belie its name
PINNED = 0.4  # of the time that is left, for all changes of lines of which the right value is known
NEAR = 0.2  # repairs elsewhere that cost this much more are held against a doubtful one


def repairs(subject: FaultyProgram, depth: int = 2) -> list[Repair]:
    """Return the repairs of all wrong results, the likeliest first; else of as many as possible.

    A doubtful one is held against those of the lines that depart from the right program before.
    """
    candidates = _searched(subject, depth)
    if not candidates or not is_doubtful(subject, candidates[0]):
        return candidates
    before = departed(subject, candidates[0])
    before = before[: len(subject.meaning.lines) or MOST_DEPARTED]
    alternatives = in_lines(subject, before, SUSPICIOUS)[0]
    alternatives += singles(subject, [(ALL, 0), (ALL, 1)], min(map(cost_of, candidates)) + NEAR)[0]
    if not alternatives or candidates[0].mended != subject.wrong:
        return alternatives or candidates
    return ranked(subject, [*alternatives, *candidates])


def _searched(subject: FaultyProgram, depth: int) -> list[Repair]:
    candidates, parts = copied(subject)
    if candidates:
        return candidates
    limit = subject.part_of_time(NAMED)
    for line in sorted(subject.meaning.lines, key=lambda line: len(nodes_of(line.statement))):
        candidates += in_lines(subject, [line], NAMED, CHEAP)[0] if not limit.has_passed else []
    if candidates:
        return ranked(subject, candidates)
    if has_common_factor(subject):
        candidates = singles(subject, [(ALL, 0), (ALL, 1)], kinds=SCALING)[0]
    if not candidates:
        candidates, parts = line_by_line(subject, CHEAP, QUICKEST)
        if candidates:  # it gives a line the right value, and all results are right
            return ranked(subject, [*candidates, *in_calls(subject, candidates)])
        pairs = [r for r in _with_others(subject, parts, _of_pinned, depth) if _is_plain(r)]
        if pairs and min(map(cost_of, pairs)) < 2 * LIKELY:
            return pairs
    if not candidates:
        candidates, more = _quickly(subject)
        parts += more
    if not candidates and depth > 1 and seems_twofold(subject):
        pairs = _of_one_result(subject, depth)
        if pairs and min(map(cost_of, pairs)) < 2 * LIKELY:
            return pairs
        if pairs:  # two lines may be rewritten for one before them
            return ranked(subject, line_by_line(subject)[0]) or pairs
    for further in (line_by_line, in_suspicious_lines):
        if not candidates:
            candidates, more = further(subject)
            parts += more
    if candidates:  # look for cheaper repairs in other lines
        if min(map(cost_of, candidates)) >= LIKELY:  # a line may be rewritten for one before it
            candidates += line_by_line(subject)[0]
        most = min(LIKELY, *(weight(subject, r) for r in candidates))
        candidates += singles(subject, [(ALL, 0), (ALL, 1)], most)[0]
    else:
        candidates, more = singles(subject, STAGES[:FIRST])
        parts += more
        if not candidates:
            parts += deferred(subject)
            candidates = _with_others(subject, parts, lambda inner: line_by_line(inner)[0], depth)
        if depth > 1 and all(r.edits[-1].make_hook for r in candidates):
            candidates = _through_lines(subject) or candidates
        if all(r.edits[-1].make_hook for r in candidates):
            complete, more = singles(subject, STAGES[FIRST:])
            candidates = cheapest_of([*candidates, *complete]) or _joined(
                subject, [*parts, *more], depth
            )
    candidates = ranked(subject, sorted(candidates, key=cost_of))
    return [_refined(subject, candidates[0]), *candidates[1:]] if candidates else []


def _quickly(subject: FaultyProgram) -> tuple[list[Repair], list[Repair]]:
    """Return repairs by cheap changes, combinations, and changes of pinned lines, and of a part.

    Those of pinned lines are tried as well if all others cost more than a missing average does.
    """
    pinned = partial(in_lines, subject, pinned_lines(subject))
    candidates, parts = (combined(subject), []) if subject.is_slow else ([], [])
    for search in (partial(pinned, PINNED, QUICKEST), partial(singles, subject, [(ALL, 0)], QUICK)):
        if not candidates:
            candidates, more = search()
            parts += more
    if not candidates and not subject.is_slow:
        candidates = combined(subject)
    if min(map(cost_of, candidates), default=np.inf) > TIERS[0]:
        complete, more = pinned(PINNED)
        candidates, parts = [*candidates, *complete], [*parts, *more]
    return candidates, parts


def _of_one_result(subject: FaultyProgram, depth: int) -> list[Repair]:
    """Return repairs that begin with some of the results, as if the others were unknown.

    Of two mistakes, one alone may reach these results; the few lines that reach them are searched.
    """
    limit = subject.part_of_time(PARTS)
    for names in groups(subject)[:MOST_PARTS]:
        if limit.has_passed:
            break
        with contextlib.suppress(*FAILURES):
            inner = subject.narrowed(names, Deadline(PARTS * limit.left, limit))
            subject.seeks_parts = True
            parts = [subject.again(r.edits) for r in repairs(inner, depth=1)[:MOST_AGAIN]]
            subject.seeks_parts = False
            some = [r for r in parts if r is not None]
            some.sort(key=lambda r: -len(r.mended))  # rather the line from which several go wrong
            complete = [r for r in some if r.mended == subject.wrong]
            both = complete or _with_others(subject, some, _of_pinned, depth)
            both = [r for r in both if len(r.edits) <= depth and _is_plain(r)]
            if both:
                return both
    return []


def _is_plain(repair: Repair) -> bool:
    """Return true if a repair changes code alone, and inserts no values."""
    return all(edit.make_hook is None for edit in repair.edits)


def _of_pinned(subject: FaultyProgram) -> list[Repair]:
    """Return the repairs of one mistake."""
    return repairs(subject, depth=1)


def _with_others(
    subject: FaultyProgram,
    parts: list[Repair],
    further: Callable[[FaultyProgram], list[Repair]],
    depth: int,
) -> list[Repair]:
    """Return combinations: a repair of a part and one of the remaining wrong results."""
    for part in _best(parts)[:4] if depth > 1 else ():
        if part.edits[-1].make_hook or subject.is_late:
            continue
        with contextlib.suppress(*FAILURES), subject.changed(part.edits) as inner:
            more = [r for r in further(inner) if r.mended == inner.wrong]
            if more and inner.wrong == subject.wrong - part.mended:
                return [Repair((*part.edits, *r.edits), subject.wrong) for r in more]
    return []


def _through_lines(subject: FaultyProgram) -> list[Repair]:
    """Return combinations: a change that makes a line right, and a repair of what is wrong then."""
    limit = subject.part_of_time(PAIRS)
    for edit in first_steps(subject):
        if limit.has_passed:
            break
        with contextlib.suppress(*FAILURES), subject.changed((edit,)) as inner:
            if not inner.wrong or not inner.wrong <= subject.wrong:
                continue
            inner.deadline = limit
            more = line_by_line(inner)[0] or in_suspicious_lines(inner)[0]
            more = [r for r in more if not r.edits[-1].make_hook]
            pairs = [Repair((edit, *r.edits), subject.wrong) for r in more]
            if edit.kind == "right expression":  # the same line is not mended once more
                pairs = [_at_once(edit, r) if r.edits[-1].statement is edit.statement else r
                         for r in pairs]  # fmt: skip
            if pairs:
                return pairs
    return []


def _at_once(edit: Edit, repair: Repair) -> Repair:
    """Return a repair as one change of the expression that ``edit``, which is applied, rewrites."""
    with applied(repair.edits):
        changed = replace(edit, new=copy_of(edit.content))
    changed.old = edit.old
    return Repair((changed,), repair.mended)


def _best(parts: list[Repair]) -> list[Repair]:
    """Return the two likeliest repairs of each set of results; the largest sets come first."""
    best: dict[frozenset[str], list[Repair]] = {}
    for part in sorted(
        parts, key=lambda r: (r.cost + unlikely(r.edits[-1]), -len(r.edits[-1].reach))
    ):
        best.setdefault(part.mended, []).append(part)
    return [p for mended in sorted(best, key=len, reverse=True) for p in best[mended][:2]]


def _refined(subject: FaultyProgram, repair: Repair) -> Repair:
    """Return a repair in which changes of code replace inserted values, if they do as well."""
    for edit in repair.edits:
        if edit.make_hook is None:
            continue
        other_edits = tuple(e for e in repair.edits if e is not edit)
        for other in subject.within(edit.statement):
            if subject.is_late:
                return repair
            refined = subject.repaired((*other_edits, other))
            if refined is not None and refined.mended >= repair.mended:
                edits = tuple(other if e is edit else e for e in repair.edits)
                return _refined(subject, Repair(edits, refined.mended))
    return repair


def _joined(subject: FaultyProgram, parts: list[Repair], depth: int) -> list[Repair]:
    """Return repairs that join several partial ones; else the best partial repair."""
    best = _best(parts)
    joined: list[Repair] = []
    for i, a in enumerate(best):
        for b in best[i + 1 :]:
            if a.mended | b.mended == subject.wrong and a.mended != b.mended:
                both = subject.repaired((*a.edits, *b.edits))
                if both is not None and both.mended == subject.wrong:
                    joined.append(both)
    if depth > 1 and (not joined or any(e.make_hook for e in min(joined, key=cost_of).edits)):
        joined += _with_others(subject, parts, lambda inner: repairs(inner, depth - 1), depth)
    return sorted(joined, key=cost_of) or best[:1]
