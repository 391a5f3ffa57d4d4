"""The smallest changes of a program that make its results others: one, or several together."""

from __future__ import annotations

import ast

import numpy as np

from chainrule.checking.changes import expression_edits
from chainrule.checking.edits import Edit
from chainrule.checking.ranking import ranked
from chainrule.checking.statements import statement_edits
from chainrule.checking.subject import SPREAD, STAGES, Repair, Subject

SLACK = 0.45  # by how much a repair may cost more than the cheapest and still be named


def repairs(subject: Subject, depth: int = 2) -> list[Repair]:
    """Return the changes that mend all wrong results, the cheapest first; else what mends most."""
    whole, parts = _singles(subject)
    found = ranked(subject, whole or _joined(subject, parts, depth))
    return [_refined(subject, found[0]), *found[1:]] if found else []


def _refined(subject: Subject, repair: Repair) -> Repair:
    """Return a repair with changes of the code in the place of values, where some do the same."""
    for edit in repair.edits:
        if edit.given is None:
            continue
        kept = tuple(e for e in repair.edits if e is not edit)
        for other in _at(subject, edit.statement):
            if subject.is_late:
                return repair
            found = subject.repaired((*kept, other))
            if found is not None and found.mended >= repair.mended:
                edits = tuple(other if e is edit else e for e in repair.edits)
                return _refined(subject, Repair(edits, found.mended))
    return repair


def _at(subject: Subject, statement: ast.AST) -> list[Edit]:
    """Return the changes within a statement, the cheapest first."""
    places = [p for p in subject.watch.places if p.statement is statement]
    found = [
        e for p in places for tier in range(3) for e in expression_edits(p, subject.around, tier)
    ]
    if places:
        every = statement_edits(places[0].code, subject.around)
        found += [e for e in every if e.statement is statement]
    return sorted(found, key=lambda edit: edit.cost)


def _singles(
    subject: Subject, kept: tuple[Edit, ...] = (), done: frozenset[str] = frozenset()
) -> tuple[list[Repair], list[Repair]]:
    """Return the repairs by one change more than those kept: of all, and of a part.

    ``done`` are the results that those kept have mended: no change that reaches them is tried.
    """
    whole: list[Repair] = []
    parts: list[Repair] = []
    taken = {(id(k.owner), k.field, str(k.where)) for k in kept}
    cheapest = np.inf
    for number in range(len(STAGES)):
        last = STAGES[number][0] == SPREAD or cheapest < (1.5 if number < 4 else 3)
        if subject.is_late or (whole and last):
            break
        if STAGES[number][0] == SPREAD and (parts or kept):
            break  # what reaches right results too is no part of several mistakes
        for edit in subject.stage(number):
            if subject.is_late or edit.cost > cheapest + SLACK:
                break
            if (id(edit.owner), edit.field, str(edit.where)) in taken or edit.reach & done:
                continue
            repair = subject.repaired((*kept, edit))
            if repair is None:
                continue
            if repair.mended == subject.wrong:
                whole.append(repair)
                cheapest = min(cheapest, edit.cost)
                if edit.given is not None:
                    subject.suspects.add(id(edit.statement))
            else:
                parts.append(repair)
    found = [r for r in whole if r.edits[-1].cost <= cheapest + SLACK]
    return sorted(found, key=lambda r: r.cost), parts


def _joined(subject: Subject, parts: list[Repair], depth: int) -> list[Repair]:
    """Return repairs of several changes, each of which mends a part."""
    best: dict[frozenset[str], list[Repair]] = {}
    for part in sorted(parts, key=lambda r: (r.cost, -len(subject.reach_of(r.edits[-1])))):
        best.setdefault(part.mended, []).append(part)
    groups = sorted(best, key=len, reverse=True)
    found: list[Repair] = []
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            if first | second == subject.wrong:
                for a in best[first][:3]:
                    for b in best[second][:3]:
                        both = subject.repaired((*a.edits, *b.edits))
                        if both is not None and both.mended == subject.wrong:
                            found.append(both)
    found.sort(key=lambda r: r.cost)
    if depth <= 1 or (found and not any(edit.given for edit in found[0].edits)):
        return found
    for mended in groups[:3]:
        for part in [r for r in best[mended] if not r.edits[-1].given][:2]:
            whole, further = _singles(subject, part.edits, part.mended)
            further = [r for r in further if r.mended > part.mended]
            whole = whole or (_joined(subject, further, depth - 1) if not found else [])
            if whole and whole[0].mended == subject.wrong:
                found = sorted([*found, *whole], key=lambda r: r.cost)
    if found:
        return found
    return [best[group][0] for group in groups[:1]]
