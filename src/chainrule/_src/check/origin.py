"""The search for the line where a wrong value arose, before the line where it shows."""

from __future__ import annotations

import ast

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Edit
from chainrule._src.check.subject import FaultyProgram
from chainrule._src.check.suspects import read_by, targets_of, unknown
from chainrule._src.check.watching import Site, is_number


def origin_of(subject: FaultyProgram, line: Site) -> Site:
    """Follow a line's wrong value back to the line where it arose.

    If the line reads only values of the right program, the result is the line itself.
    """
    table = subject.around.right.table if subject.around.right else None
    wrong_lines = []
    for other in (*unknown(subject, True), *unknown(subject, False)):
        value = subject.result(other)
        if table and not table.matches(value) and not np.isin(value, (0, 1)).all():  # no mask
            wrong_lines.append(other)
    while True:
        parts = [p.trace.order for p in subject.watch.sites
                 if p.statement is line.statement and p.trace.values]  # fmt: skip
        before = [
            other for other in wrong_lines if other.trace.order < line.trace.order and (
                other.trace.order > min(parts) if other.code is not line.code
                else read_by(line) & targets_of(other))
        ]  # fmt: skip
        if not before:
            return line
        line = max(before, key=lambda other: other.trace.order)


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
    gone = left_out - (names_read - targets_of(line))
    start = min(p.trace.order for p in subject.watch.sites
                if p.statement is line.statement and p.trace.values)  # fmt: skip
    before = [p for p in subject.lines.values() if p.trace.order < line.trace.order
              and is_number(p.value) and (targets_of(p) & gone if p.code is line.code else
              p.trace.order > start and p.code.code_object.co_name in left_out)]  # fmt: skip
    last = max(before, key=lambda site: site.trace.order, default=None)
    return last if last is not None and not table.has(last.value) else None


def scaled_from(subject: FaultyProgram, line: Site, times: float) -> Site:
    """Return the first line with the same wrong factor as a later line, else the later line."""
    table, n = subject.around.right.table if subject.around.right else None, subject.around.n or 1
    for other in sorted(subject.lines.values(), key=lambda site: site.trace.order):
        if other.trace.order >= line.trace.order or table is None:
            break
        factors = {match.factor for match in table.matches(other.value)}
        odd = factors and not factors & {1, n, 1 / n}
        if odd and subject.reach(other) & subject.wrong and any(
            np.isclose(f / times, (1, n, 1 / n)).any() for f in factors
        ):  # fmt: skip
            return other
    return line


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in nodes_of(node) if isinstance(part, ast.Name)}
