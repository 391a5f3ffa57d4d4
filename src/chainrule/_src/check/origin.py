"""Which line a wrong value came from: back along what is read, and what a change leaves unused."""

from __future__ import annotations

import ast

import numpy as np

from chainrule._src.check.edits import Edit
from chainrule._src.check.subject import Subject, read_by, targets_of
from chainrule._src.check.watching import Place, is_number


def origin_of(subject: Subject, line: Place) -> Place:
    """Return the line that a value came from which the right program has not, following back.

    Where all that is read is known, it is the line itsubject.
    """
    known = subject.around.right.known if subject.around.right else None
    unknown = []
    for other in (*subject.unknown(True), *subject.unknown(False)):
        value = subject.result(other)
        if known and not known.matches(value) and not np.isin(value, (0, 1)).all():  # no mask
            unknown.append(other)
    while True:
        parts = [p.seen.order for p in subject.watch.places
                 if p.statement is line.statement and p.seen.values]  # fmt: skip
        before = [
            other for other in unknown if other.seen.order < line.seen.order and (
                other.seen.order > min(parts) if other.code is not line.code
                else read_by(line) & targets_of(other))
        ]  # fmt: skip
        if not before:
            return line
        line = max(before, key=lambda other: other.seen.order)


def unused_after(subject: Subject, edit: Edit) -> Place | None:
    """Return the line before a change that nothing reads with it made, where it was wrong."""
    line = subject.lines.get(id(edit.statement))
    known = subject.around.right.known if subject.around.right else None
    if line is None or known is None or not isinstance(edit.old, ast.expr):
        return None
    inside = {id(node) for node in ast.walk(edit.old)}
    kept = {n.id for n in ast.walk(edit.code.tree) if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Load) and id(n) not in inside}  # fmt: skip
    left_out = _names(edit.old) - _names(edit.new)
    gone = left_out - (kept - targets_of(line))
    start = min(p.seen.order for p in subject.watch.places
                if p.statement is line.statement and p.seen.values)  # fmt: skip
    before = [p for p in subject.lines.values() if p.seen.order < line.seen.order
              and is_number(p.value) and (targets_of(p) & gone if p.code is line.code else
              p.seen.order > start and p.code.own.co_name in left_out)]  # fmt: skip
    last = max(before, key=lambda place: place.seen.order, default=None)
    return last if last is not None and not known.has(last.value) else None


def scaled_from(subject: Subject, line: Place, times: float) -> Place:
    """Return the first line whose value is as many times the right one as a later line's is."""
    known, n = subject.around.right.known if subject.around.right else None, subject.around.n or 1
    for other in sorted(subject.lines.values(), key=lambda place: place.seen.order):
        if other.seen.order >= line.seen.order or known is None:
            break
        factors = {match.factor for match in known.matches(other.value)}
        odd = factors and not factors & {1, n, 1 / n}
        if odd and subject.reach(other) & subject.wrong and any(
            np.isclose(f / times, (1, n, 1 / n)).any() for f in factors
        ):  # fmt: skip
            return other
    return line


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
