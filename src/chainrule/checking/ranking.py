"""Which of several repairs is the likeliest: that after which a program's values are known."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from chainrule.checking.edits import Edit
from chainrule.checking.known import Known
from chainrule.checking.subject import Repair, Subject
from chainrule.checking.watching import Watch, is_number

MOST_RANKED = 16  # repairs that are looked at


def ranked(subject: Subject, found: list[Repair]) -> list[Repair]:
    """Return repairs, those first after which the program's values are the right program's."""
    known = subject.around.right.known if subject.around.right else None
    if known is None or len(found) < 2:
        return found
    before = _understood(subject.watch, known)
    scored = []
    for repair in found[:MOST_RANKED]:
        score = repair.cost
        after = subject.watched(repair)
        if after is not None:
            values = _understood(after, known)
            score += 0.4 * sum(1 - share for share in values.values())
        for edit in repair.edits:
            share = before.get(id(edit.statement), 0.0)
            score += share if share > 0.5 else 0.3 * share
            score += 0.02 * max(0, _size(edit.new) - _size(edit.old)) + 0.35 * _wraps_name(edit)
            score -= 0.5 * _has_siblings(edit)
            score += 0.3 * (isinstance(edit.statement, ast.For) and edit.kind != "order")
        scored.append((score, repair))
    return [repair for _, repair in sorted(scored, key=lambda pair: pair[0])]


def _size(tree: Any) -> int:
    parts = tree if isinstance(tree, list) else [tree]
    return sum(1 for part in parts if isinstance(part, ast.AST) for _ in ast.walk(part))


def _has_siblings(edit: Edit) -> bool:
    """Whether another part of the same statement already is what a change makes of its part."""
    new = edit.new
    if not isinstance(new, ast.BinOp) or edit.kind not in ("missing divisor", "missing factor"):
        return False
    factor = ast.dump(new.right)
    return any(
        isinstance(node, ast.BinOp)
        and type(node.op) is type(new.op)
        and ast.dump(node.right) == factor
        for node in ast.walk(edit.statement)
    )


def _wraps_name(edit: Edit) -> bool:
    """Whether a variable is changed where it is read, and not where it is computed."""
    if edit.place is None or edit.kind in ("other value", "exchange", "index"):
        return False
    node = edit.place.node
    while isinstance(node, ast.Attribute | ast.Call) and not isinstance(node, ast.Name):
        inner = node.func if isinstance(node, ast.Call) and not node.args else node
        if not isinstance(inner, ast.Attribute) or (isinstance(node, ast.Call) and node.args):
            break
        node = inner.value
    whole = isinstance(edit.place.owner, ast.Assign)
    return isinstance(node, ast.Name | ast.Subscript) and not whole


def _understood(watch: Watch, known: Known) -> dict[int, float]:
    """Return how well each statement's value is one of the right program's."""
    found: dict[int, float] = {}
    turned: dict[int, bool] = {}
    seen: list[Any] = []
    for place in sorted(watch.places, key=lambda p: watch.seen[p.key].order):
        if place.owner is place.statement and place.field == "value":
            values = watch.seen[place.key].values
            if values and is_number(values[0]) and np.size(values[0]) > 1:
                again = any(np.array_equal(values[0], v) for v in seen)
                seen.append(values[0])
                share, is_transposed = known.is_known(values[0])
                found[id(place.statement)] = 0.0 if again else share
                turned[id(place.statement)] = is_transposed
    rows = sum(turned.values()) <= sum(map(bool, found.values())) / 2
    return {key: 0.2 * share if rows and turned[key] else share for key, share in found.items()}
