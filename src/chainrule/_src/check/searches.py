"""Searches for one change that repairs a program: by lines, by stages, by combinations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.combining import combinations
from chainrule._src.check.edits import called_name
from chainrule._src.check.ranking import passes_on, spoils
from chainrule._src.check.stages import EXCHANGED, PART, SPREAD, stage, suspect
from chainrule._src.check.statements import copy_edits
from chainrule._src.check.subject import FaultyProgram, Repair
from chainrule._src.check.suspects import suspicious, understood, unknown
from chainrule._src.check.watching import Site

MOST_UNKNOWN = 8  # lines with an unknown value that are searched first
TIERS = {0: 1.5, 1: 2.0, 2: np.inf}  # a cost below which the search skips the tiers after this one
QUICKEST = {0: 1.5}  # the first tier alone
LEAST = {1: 1.5, 2: 1.6}  # the least cost of a change of these tiers
SUSPICIOUS = 0.35  # of the time that is left, for all changes of the lines that go wrong first
COMBINING = 0.4  # of the time that is left, for combinations with parts of the pool
MOST_COMBINED = 150  # of these combinations that are run
CALLS = 0.1  # of the time that is left, for the calls of a function that has a repair
EXCHANGING = 0.2  # of the time that is left, for values of the right program in a line's place
DEFERRED = 0.25  # of the time that is left, for changes that can mend a part alone
CERTAIN = 2.0  # a repair that costs more in the first wrong line is held against other lines
SPOILT = 0.5  # the penalty of a change of a line whose value is right
SLACK = 0.62  # a repair that costs this much more than the cheapest is still named


def copied(subject: FaultyProgram) -> tuple[list[Repair], list[Repair]]:
    """Return repairs that copy an array which is changed in place: of all, and of a part.

    A copy changes nothing unless another variable shares the array, so these are no chance hits.
    """
    edits = [e for code in subject.codes for e in copy_edits(code)]
    edits = [e for e in edits if id(e.statement) not in subject.settled]
    for edit in edits:
        edit.reach = subject.wrong
    repairs = [subject.repaired((edit,)) for edit in edits if not subject.is_late]
    mending = sorted((r for r in repairs if r is not None), key=cost_of)
    complete = [r for r in mending if r.mended == subject.wrong]
    return complete, [r for r in mending if r.mended != subject.wrong]


def line_by_line(
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
            if complete and min(map(cost_of, complete)) < min(TIERS[tier], CERTAIN):
                return cheapest_of(complete), parts
    return cheapest_of(complete), parts


def in_suspicious_lines(subject: FaultyProgram) -> tuple[list[Repair], list[Repair]]:
    """Return repairs in the lines that go wrong first: of all wrong results, and of a part."""
    lines = [p for p in suspicious(subject) if id(p.statement) not in subject.ruled_out]
    return in_lines(subject, lines, SUSPICIOUS)


def in_lines(
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
            cheapest = min(map(cost_of, complete), default=np.inf)
            if limit.has_passed or edit.cost > cheapest + SLACK:
                break
            edit.reach = subject.reach_of(edit)
            repair = subject.repaired((edit,)) if edit.reach & subject.wrong else None
            if repair is not None:
                (complete if repair.mended == subject.wrong else parts).append(repair)
        if limit.has_passed or (complete and min(map(cost_of, complete)) < most):
            break
    else:
        subject.searched |= {id(line.statement) for line in lines if tiers is TIERS}
    return cheapest_of(complete), parts


def combined(subject: FaultyProgram) -> list[Repair]:
    """Return repairs of all results that combine expressions with parts of their pools."""
    if subject.loss is None:  # what is changed is no gradient
        return []
    limit = subject.part_of_time(COMBINING)
    complete: list[Repair] = []
    for edit in combinations(subject, limit)[:MOST_COMBINED]:
        if limit.has_passed:
            break
        edit.reach = subject.reach_of(edit)
        repair = subject.repaired((edit,))
        if repair is not None and repair.mended == subject.wrong:
            complete.append(repair)
    return cheapest_of(complete)


def in_calls(subject: FaultyProgram, candidates: list[Repair]) -> list[Repair]:
    """Return repairs of the calls of a changed function, whose arguments may be wrong instead."""
    changed = {edit.code.code_object.co_name for repair in candidates for edit in repair.edits}
    calls = [
        line for line in subject.lines.values()
        if line.code.code_object.co_name not in changed
        and any(called_name(node) in changed for node in nodes_of(line.statement))
    ]  # fmt: skip
    return in_lines(subject, calls, CALLS, QUICKEST)[0]


def deferred(subject: FaultyProgram) -> list[Repair]:
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


def singles(
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
                cheapest = min(cheapest, weight(subject, repair))
                if edit.make_hook is not None:
                    suspect(subject, edit)
            else:
                parts.append(repair)
    return cheapest_of(complete), parts


def cheapest_of(candidates: list[Repair]) -> list[Repair]:
    """Return the repairs that cost at most `SLACK` more than the cheapest."""
    return [r for r in candidates if r.cost <= min(map(cost_of, candidates)) + SLACK]


def weight(subject: FaultyProgram, repair: Repair) -> float:
    """Return the cost of a repair, more if a line is changed that was right."""
    return repair.cost + SPOILT * spoils(subject, repair)


def cost_of(repair: Repair) -> float:
    return repair.cost
