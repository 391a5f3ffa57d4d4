"""The search for the line where a wrong value arose, before the line where it shows."""

from __future__ import annotations

import ast

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Edit, called_name
from chainrule._src.check.meaning import names_set
from chainrule._src.check.ranking import spoils
from chainrule._src.check.subject import FaultyProgram, Repair
from chainrule._src.check.suspects import departures
from chainrule._src.check.watching import Site, is_number

DOUBTFUL = 1.8  # the cost of a change from which on it may compensate for another mistake


def is_doubtful(subject: FaultyProgram, repair: Repair) -> bool:
    """Return true if a repair may compensate for a mistake elsewhere.

    It takes several changes or an unlikely one, or changes a line whose value was right.
    """
    if lines := {id(line.statement) for line in subject.meaning.lines}:
        inside = all(id(edit.statement) in lines for edit in repair.edits)
        return not inside or spoils(subject, repair)
    several = len(repair.edits) > 1 or repair.mended != subject.wrong
    return several or repair.cost >= DOUBTFUL or spoils(subject, repair)


def departed(subject: FaultyProgram, repair: Repair) -> list[Site]:
    """Return the lines that depart from the right program, before a doubtful repair.

    First those in a function that the repaired line calls.
    """
    if not is_doubtful(subject, repair):
        return []
    lines = [subject.lines.get(id(e.statement)) for e in repair.edits if e.make_hook is None]
    repaired = [line for line in lines if line is not None]
    named = subject.meaning.lines
    is_later = not repaired or bool(named) or spoils(subject, repair)
    last = np.inf if is_later else max(p.trace.order for p in repaired)
    called = {called_name(node) for e in repair.edits for node in nodes_of(e.statement)}
    changed = [line.statement for line in repaired]
    before = [p for p in departures(subject) if p.trace.order < last and p.statement not in changed]
    before.sort(key=lambda p: p.code.code_object.co_name not in called)
    return [*named, *(p for p in before if p not in named)]


def right_before(subject: FaultyProgram, edit: Edit) -> Site | None:
    """Return the line that gives the value first which a change leaves as it is, if it is right.

    A slope is too much behind a line which has it already, or this line should not have it.
    """
    table, site = subject.around.right.table if subject.around.right else None, edit.site
    inside = next((p for p in site.near if p.node is edit.new), None) if site else None
    if table is None or inside is None or not np.ndim(inside.value):
        return None
    names = {m.value.name for m in table.matches(inside.value) if m.value.name.startswith("d_")}
    for line in sorted(subject.lines.values(), key=lambda p: p.trace.order):
        if line.trace.order >= inside.trace.order:
            return None
        if names & {m.value.name for m in table.matches(line.value)}:
            return line
    return None


def unused_after(subject: FaultyProgram, edit: Edit) -> Site | None:
    """Return the last earlier line whose value a change leaves unused, if this value was wrong."""
    line = subject.lines.get(id(edit.statement))
    table = subject.around.right.table if subject.around.right else None
    if line is None or table is None or not isinstance(edit.old, ast.expr):
        return None
    inside = {id(node) for node in nodes_of(edit.old)}
    names_read = {n.id for n in nodes_of(edit.code.tree) if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Load) and id(n) not in inside}  # fmt: skip
    left_out = _names(edit.old) - _names(edit.new)
    gone = left_out - (names_read - names_set(line.statement))
    start = min(p.trace.order for p in subject.watch.sites
                if p.statement is line.statement and p.trace.values)  # fmt: skip
    before = [p for p in subject.lines.values() if p.trace.order < line.trace.order
              and is_number(p.value) and (names_set(p.statement) & gone if p.code is line.code else
              p.trace.order > start and p.code.code_object.co_name in left_out)]  # fmt: skip
    last = max(before, key=lambda site: site.trace.order, default=None)
    return last if last is not None and not table.has(last.value) else None


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in nodes_of(node) if isinstance(part, ast.Name)}
