"""The stages of a search: the changes of a program, sorted by the results that they affect."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from chainrule._src.check.changes import exchanges
from chainrule._src.check.comparing import scale_of
from chainrule._src.check.edits import Edit
from chainrule._src.check.subject import FaultyProgram
from chainrule._src.check.watching import Site

# A change affects exactly the wrong results, or a part of them, or right results too.
ALL, PART, SPREAD = 0, 1, 2
EXCHANGED = -1
ADDED = ("missing line", "missing divisor", "missing term", "missing factor")  # behind a statement
STAGES = [
    *[(kind, tier) for kind in (ALL, PART) for tier in (0, 1, EXCHANGED, 2)],
    *[(SPREAD, tier) for tier in (0, 1, 2)],
]


def stage(subject: FaultyProgram, kind: int, tier: int) -> list[Edit]:
    """Return the changes of a stage, the cheapest and likeliest first."""
    edits = list(exchanged(subject, kind) if tier == EXCHANGED else changes(subject, kind, tier))
    for edit in edits:
        edit.reach = subject.reach_of(edit)
    return sorted(edits, key=lambda edit: edit.cost)


def _kind(subject: FaultyProgram, reach: frozenset[str]) -> int | None:
    """Return the group (ALL, PART, SPREAD) of a change by the results it affects.

    None if it affects no wrong result.
    """
    if not reach & subject.wrong:
        return None
    return ALL if reach == subject.wrong else PART if reach < subject.wrong else SPREAD


def suspect(subject: FaultyProgram, edit: Edit) -> None:
    """Record a line whose right value repairs all results.

    Not if it differs by a factor only: the factor may be missing in a later line.
    """
    if edit.make_hook is None or edit.site is None:
        return
    right = edit.make_hook()(0, None)
    if scale_of(edit.site.value, right) is None:
        subject.suspects.add(id(edit.statement))


def _is_behind_suspects(subject: FaultyProgram, site: Site) -> bool:
    """Return true if an expression runs after the first suspect line, in another line."""
    if not subject.suspects or id(site.statement) in subject.suspects:
        return False
    return site.trace.order > min(subject.lines[key].trace.order for key in subject.suspects)


def changes(subject: FaultyProgram, kind: int, tier: int) -> Iterator[Edit]:
    """Yield the changes of expressions and statements."""
    for site in subject.watch.sites:
        if id(site.statement) in subject.settled or id(site.statement) in subject.searched:
            continue
        if id(site.statement) in subject.ruled_out and not subject.seeks_parts:
            continue
        if subject.is_late or _kind(subject, subject.reach(site)) != kind:
            continue
        if tier and _is_behind_suspects(subject, site):
            continue
        if site.trace.values or not _is_hooked_kind(site):
            yield from subject.edits_of(site, tier)
    for key, edits in () if subject.is_late else subject.of_statements.of(tier).items():
        line = subject.lines.get(key)
        reach = subject.wrong if line is None else subject.reach(line)
        if key not in subject.searched and _kind(subject, reach) == kind:
            yield from (e for e in edits if key not in subject.settled or e.kind in ADDED)


def exchanged(subject: FaultyProgram, kind: int) -> Iterator[Edit]:
    """Yield the changes that replace a statement's value by one of the right program."""
    for site in subject.watch.sites:
        reached = site.owner is site.statement and site.trace.values
        is_statement = reached and id(site.statement) not in subject.settled
        if is_statement and not subject.is_late and _kind(subject, subject.reach(site)) == kind:
            yield from exchanges(site, subject.around)


def _is_hooked_kind(site: Site) -> bool:
    return isinstance(site.node, ast.BinOp | ast.Call | ast.UnaryOp) and site.field != "func"
