"""A search for the smallest repair of a program: one change, or several together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from chainrule._src.check.clock import Deadline
from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Edit, applied, called_name, copy_of
from chainrule._src.check.origin import departed, is_doubtful
from chainrule._src.check.pinned import groups, pinned_lines, seems_twofold
from chainrule._src.check.ranking import passes_on, ranked, spoils, unlikely
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.stages import (
    ALL,
    EXCHANGED,
    PART,
    SPREAD,
    STAGES,
    stage,
    suspect,
)
from chainrule._src.check.statements import copy_edits
from chainrule._src.check.subject import FaultyProgram, Repair
from chainrule._src.check.suspects import (
    first_steps,
    has_common_factor,
    suspicious,
    understood,
    unknown,
)
from chainrule._src.check.watching import Site

MOST_DEPARTED = 3  # lines of which all changes are held against a doubtful repair
MOST_UNKNOWN = 8  # lines with an unknown value that are searched first
TIERS = {0: 1.5, 1: 2.0, 2: np.inf}  # a cost below which the search skips the tiers after this one
QUICKEST = {0: 1.5}  # the first tier alone
CHEAP = {0: 1.5, 1: 2.0}  # the first two
LEAST = {1: 1.5, 2: 1.6}  # the least cost of a change of these tiers
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
SUSPICIOUS = 0.35  # of the time that is left, for all changes of the lines that go wrong first
COMBINING = 0.4  # of the time that is left, for combinations with parts of the pool
MOST_COMBINED = 150  # of these combinations that are run
CALLS = 0.1  # of the time that is left, for the calls of a function that has a repair
EXCHANGING = 0.2  # of the time that is left, for values of the right program in a line's place
DEFERRED = 0.25  # of the time that is left, for changes that can mend a part alone
CERTAIN = 2.0  # a repair that costs more in the first wrong line is held against other lines
SPOILT = 0.5  # the penalty of a change of a line whose value is right
NEAR = 0.2  # repairs elsewhere that cost this much more are held against a doubtful one
SLACK = 0.62  # a repair that costs this much more than the cheapest is still named


def repairs(subject: FaultyProgram, depth: int = 2) -> list[Repair]:
    """Return the repairs of all wrong results, the likeliest first; else of as many as possible.

    A doubtful one is held against those of the lines that depart from the right program before.
    """
    candidates = _searched(subject, depth)
    if not candidates or not is_doubtful(subject, candidates[0]):
        return candidates
    before = departed(subject, candidates[0])
    before = before[: len(subject.meaning.lines) or MOST_DEPARTED]
    alternatives = _of_lines(subject, before, SUSPICIOUS)[0]
    alternatives += _singles(subject, [(ALL, 0), (ALL, 1)], min(map(_cost, candidates)) + NEAR)[0]
    if not alternatives or candidates[0].mended != subject.wrong:
        return alternatives or candidates
    return ranked(subject, [*alternatives, *candidates])


def _searched(subject: FaultyProgram, depth: int) -> list[Repair]:
    candidates, parts = _copied(subject)
    if candidates:
        return candidates
    limit = subject.part_of_time(NAMED)
    for line in sorted(subject.meaning.lines, key=lambda line: len(nodes_of(line.statement))):
        candidates += _of_lines(subject, [line], NAMED, CHEAP)[0] if not limit.has_passed else []
    if candidates:
        return ranked(subject, candidates)
    if has_common_factor(subject):
        candidates = _singles(subject, [(ALL, 0), (ALL, 1)], kinds=SCALING)[0]
    if not candidates:
        candidates, parts = _line_by_line(subject, CHEAP, QUICKEST)
        if candidates:  # it gives a line the right value, and all results are right
            return ranked(subject, [*candidates, *_of_calls(subject, candidates)])
        pairs = [r for r in _with_others(subject, parts, _of_pinned, depth) if _is_plain(r)]
        if pairs and min(map(_cost, pairs)) < 2 * LIKELY:
            return pairs
    if not candidates:
        pinned = partial(_of_lines, subject, pinned_lines(subject))
        quick = partial(_singles, subject, [(ALL, 0)], QUICK)
        combined = partial(_combined, subject)
        searches = [partial(pinned, PINNED, QUICKEST), quick, combined, partial(pinned, PINNED)]
        if subject.is_slow:  # few combinations are run
            searches = [combined, *searches[:2], searches[3]]
        for search in searches:
            if not candidates or (search is searches[-1] and _is_far(candidates)):
                complete, more = search()
                candidates = [*candidates, *complete]
                parts += more
    if not candidates and depth > 1 and seems_twofold(subject):
        pairs = _of_one_result(subject, depth)
        if pairs and min(map(_cost, pairs)) < 2 * LIKELY:
            return pairs
        if pairs:  # two lines may be rewritten for one before them
            return ranked(subject, _line_by_line(subject)[0]) or pairs
    for further in (_line_by_line, _suspicious):
        if not candidates:
            candidates, more = further(subject)
            parts += more
    if candidates:  # look for cheaper repairs in other lines
        if min(map(_cost, candidates)) >= LIKELY:  # a line may be rewritten for one before it
            candidates += _line_by_line(subject)[0]
        most = min(LIKELY, *(_weight(subject, r) for r in candidates))
        candidates += _singles(subject, [(ALL, 0), (ALL, 1)], most)[0]
    else:
        candidates, more = _singles(subject, STAGES[:FIRST])
        parts += more
        if not candidates:
            parts += _deferred(subject)
            candidates = _with_others(subject, parts, lambda inner: _line_by_line(inner)[0], depth)
        if depth > 1 and all(r.edits[-1].make_hook for r in candidates):
            candidates = _through_lines(subject) or candidates
        if all(r.edits[-1].make_hook for r in candidates):
            complete, more = _singles(subject, STAGES[FIRST:])
            candidates = _cheapest([*candidates, *complete]) or _joined(
                subject, [*parts, *more], depth
            )
    candidates = ranked(subject, sorted(candidates, key=_cost))
    return [_refined(subject, candidates[0]), *candidates[1:]] if candidates else []


def _copied(subject: FaultyProgram) -> tuple[list[Repair], list[Repair]]:
    """Return repairs that copy an array which is changed in place: of all, and of a part.

    A copy changes nothing unless another variable shares the array, so these are no chance hits.
    """
    edits = [e for code in subject.codes for e in copy_edits(code)]
    edits = [e for e in edits if id(e.statement) not in subject.settled]
    for edit in edits:
        edit.reach = subject.wrong
    repairs = [subject.repaired((edit,)) for edit in edits if not subject.is_late]
    mending = sorted((r for r in repairs if r is not None), key=_cost)
    complete = [r for r in mending if r.mended == subject.wrong]
    return complete, [r for r in mending if r.mended != subject.wrong]


def _line_by_line(
    subject: FaultyProgram,
    of_first: Mapping[int, float] = TIERS,
    of_others: Mapping[int, float] = TIERS,
) -> tuple[list[Repair], list[Repair]]:
    """Return repairs that turn a line's unknown value into a value of the right program.

    First the repairs of all wrong results, then those of a part. ``of_first`` are the tiers that
    are tried in the first such line.
    """
    complete: list[Repair] = []
    parts: list[Repair] = []
    if subject.around.right is None:  # no value is known to be right
        return complete, parts
    for is_whole in (True, False):
        lines = unknown(subject, is_whole)
        if of_first is not TIERS:
            lines = [line for line in lines if not passes_on(subject, line)]
        lines = [p for p in lines if id(p.statement) not in subject.ruled_out][:MOST_UNKNOWN]
        for tier, some in (
            *((tier, lines[:1]) for tier in of_first),
            *((tier, lines[1:]) for tier in of_others),
        ):
            for line in some:
                for edit in understood(subject, line, tier) if not subject.is_late else ():
                    repair = subject.repaired((edit,))
                    if repair is not None:
                        (complete if repair.mended == subject.wrong else parts).append(repair)
            if complete and min(map(_cost, complete)) < min(TIERS[tier], CERTAIN):
                return _cheapest(complete), parts
    return _cheapest(complete), parts


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


def _suspicious(subject: FaultyProgram) -> tuple[list[Repair], list[Repair]]:
    """Return repairs in the lines that go wrong first: of all wrong results, and of a part."""
    lines = [p for p in suspicious(subject) if id(p.statement) not in subject.ruled_out]
    return _of_lines(subject, lines, SUSPICIOUS)


def _of_lines(
    subject: FaultyProgram,
    lines: list[Site],
    share: float,
    tiers: Mapping[int, float] = TIERS,
) -> tuple[list[Repair], list[Repair]]:
    """Return repairs in some lines: of all wrong results, and of a part."""
    complete: list[Repair] = []
    parts: list[Repair] = []
    limit = subject.part_of_time(share)
    for tier, most in tiers.items():
        edits = [
            e for p in lines if not limit.has_passed for e in subject.within(p.statement, [tier])
        ]
        for edit in sorted(edits, key=lambda edit: edit.cost):
            cheapest = min(map(_cost, complete), default=np.inf)
            if limit.has_passed or edit.cost > cheapest + SLACK:
                break
            edit.reach = subject.reach_of(edit)
            repair = subject.repaired((edit,)) if edit.reach & subject.wrong else None
            if repair is not None:
                (complete if repair.mended == subject.wrong else parts).append(repair)
        if limit.has_passed or (complete and min(map(_cost, complete)) < most):
            break
    else:
        subject.searched |= {id(line.statement) for line in lines if tiers is TIERS}
    return _cheapest(complete), parts


def _is_far(candidates: list[Repair]) -> bool:
    """Return true if all repairs cost more than a missing average does."""
    return min(map(_cost, candidates)) > TIERS[0]


def _combined(subject: FaultyProgram) -> tuple[list[Repair], list[Repair]]:
    """Return repairs that combine an expression with parts of its statement's pool."""
    if subject.loss is None:  # what is changed is no gradient
        return [], []
    limit = subject.part_of_time(COMBINING)
    edits: list[Edit] = []
    for site in subject.watch.sites:
        if limit.has_passed:
            break
        if id(site.statement) not in subject.settled and site.trace.values:
            edits += subject.combinations(site)
    complete: list[Repair] = []
    for edit in sorted(edits, key=lambda edit: edit.cost)[:MOST_COMBINED]:
        if limit.has_passed:
            break
        edit.reach = subject.reach_of(edit)
        repair = subject.repaired((edit,))
        if repair is not None and repair.mended == subject.wrong:
            complete.append(repair)
    return _cheapest(complete), []


def _of_calls(subject: FaultyProgram, candidates: list[Repair]) -> list[Repair]:
    """Return repairs of the calls of a changed function, whose arguments may be wrong instead."""
    changed = {edit.code.code_object.co_name for repair in candidates for edit in repair.edits}
    calls = [
        line for line in subject.lines.values()
        if line.code.code_object.co_name not in changed
        and any(called_name(node) in changed for node in nodes_of(line.statement))
    ]  # fmt: skip
    return _of_lines(subject, calls, CALLS, QUICKEST)[0]


def _deferred(subject: FaultyProgram) -> list[Repair]:
    """Return the repairs of a part of the wrong results that were not run before."""
    subject.seeks_parts = True
    limit = subject.part_of_time(DEFERRED)
    parts = []
    for edit in sorted(subject.deferred, key=lambda edit: edit.cost):
        if limit.has_passed:
            break
        edit.reach = subject.reach_of(edit)
        parts.append(subject.repaired((edit,)))
    return [part for part in parts if part is not None]


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
            more = _line_by_line(inner)[0] or _suspicious(inner)[0]
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


def _singles(
    subject: FaultyProgram,
    stages: Sequence[tuple[int, int]],
    most: float = np.inf,
    kinds: Collection[str] = (),
) -> tuple[list[Repair], list[Repair]]:
    """Return the repairs by one change: of all wrong results, and of a part.

    ``most`` bounds the cost, ``kinds`` are those of the changes that are tried, all by default.
    """
    complete: list[Repair] = []
    parts: list[Repair] = []
    cheapest = np.inf
    for kind, tier in stages:
        last = kind == SPREAD or cheapest < 1.45 or (kind == PART and cheapest < 3)
        if subject.is_late or (complete and last):
            break
        if LEAST.get(tier, 0.0) > min(most, cheapest + SLACK):
            continue
        if kind == SPREAD and parts:
            break  # a change that affects right results too is not combined with others
        limit = subject.part_of_time(EXCHANGING if tier == EXCHANGED else 1.0)
        for edit in stage(subject, kind, tier):
            if limit.has_passed or edit.cost > min(most, cheapest + SLACK):
                break
            repair = subject.repaired((edit,)) if not kinds or edit.kind in kinds else None
            if repair is None:
                continue
            if repair.mended == subject.wrong:
                complete.append(repair)
                cheapest = min(cheapest, _weight(subject, repair))
                if edit.make_hook is not None:
                    suspect(subject, edit)
            else:
                parts.append(repair)
    return _cheapest(complete), parts


def _cheapest(candidates: list[Repair]) -> list[Repair]:
    """Return the repairs that cost at most `SLACK` more than the cheapest."""
    return [r for r in candidates if r.cost <= min(map(_cost, candidates)) + SLACK]


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
    if depth > 1 and (not joined or any(e.make_hook for e in min(joined, key=_cost).edits)):
        joined += _with_others(subject, parts, lambda inner: repairs(inner, depth - 1), depth)
    return sorted(joined, key=_cost) or best[:1]


def _weight(subject: FaultyProgram, repair: Repair) -> float:
    """Return the cost of a repair, more if a line is changed that was right."""
    return repair.cost + SPOILT * spoils(subject, repair)


def _cost(repair: Repair) -> float:
    return repair.cost
