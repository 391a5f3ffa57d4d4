"""Which of several repairs is the likeliest: that after which a program's values are known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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
        values = {} if after is None else _understood(after, known)
        score += 0.4 * sum(1 - share for share in values.values())
        for edit in repair.edits:
            share = before.get(id(edit.statement), -1.0)
            if share < 0:
                share = known.is_known(edit.place.value)[0] if edit.place else 0.0
            then = values.get(id(edit.statement), share)
            score += share if share > 0.5 and then <= share else 0.3 * share
            score += then < share - 0.1
            score += unlikely(edit)
        scored.append((score, repair))
    return [repair for _, repair in sorted(scored, key=lambda pair: pair[0])]


def unlikely(edit: Edit) -> float:
    """Return what speaks against a change, by how it is written."""
    growth = max(0, _size(edit.new) - _size(edit.old))
    score = 0.02 * growth + 0.35 * _wraps_name(edit) - 0.5 * _has_siblings(edit)
    score -= 0.4 * (growth > 0 and _is_copy(edit))
    return score + 0.3 * (isinstance(edit.statement, ast.For) and edit.kind != "order")


def _is_copy(edit: Edit) -> bool:
    """Whether a statement only gives a variable, no sum, another name: something is left out."""
    value = edit.statement.value if isinstance(edit.statement, ast.Assign) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and not value.args:
        value = value.func.value
    grown = [n.target for n in ast.walk(edit.code.tree) if isinstance(n, ast.AugAssign)]
    return isinstance(value, ast.Name) and value.id not in map(ast.unparse, grown)


def _size(tree: Any) -> int:
    parts = tree if isinstance(tree, list) else [tree]
    return sum(1 for part in parts if isinstance(part, ast.AST) for _ in ast.walk(part))


def _has_siblings(edit: Edit) -> bool:
    """Whether another part of the statement already has the factor or divisor that a change gives.

    Where the whole value of the statement gets it, whether that of another statement has.
    """
    new = edit.new
    if not isinstance(new, ast.BinOp) or edit.kind not in ("missing divisor", "missing factor"):
        return False
    factor = type(new.op), ast.dump(new.right)
    inside = [n for n in ast.walk(edit.statement) if isinstance(n, ast.BinOp)]
    if edit.place is not None and edit.place.owner is edit.statement:
        others = [s for s in ast.walk(edit.code.tree) if isinstance(s, ast.Assign)]
        inside += [n for s in others for n in _products(s.value)]
    return any((type(node.op), ast.dump(node.right)) == factor for node in inside)


def _products(node: ast.expr) -> Iterator[ast.BinOp]:
    """Yield the products and quotients that an expression is made of."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield node
        yield from _products(node.left)
        yield from _products(node.right)


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
    for place in sorted(watch.places, key=lambda p: p.seen.order):
        if place.owner is place.statement and place.field == "value":
            values = place.seen.values
            if values and is_number(values[0]) and np.size(values[0]) > 1:
                again = any(np.array_equal(values[0], v) for v in seen)
                seen.append(values[0])
                share, is_transposed = known.is_known(values[0])
                found[id(place.statement)] = 0.0 if again else share
                turned[id(place.statement)] = is_transposed
    rows = sum(turned.values()) <= sum(map(bool, found.values())) / 2
    return {key: 0.2 * share if rows and turned[key] else share for key, share in found.items()}
