"""Which of several repairs is the likeliest: that after which a program's values are known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.edits import Edit
from chainrule._src.check.known import Known
from chainrule._src.check.subject import Repair, Subject
from chainrule._src.check.watching import Watch, is_number

MOST_RANKED = 16  # repairs that are looked at


def ranked(subject: Subject, found: list[Repair]) -> list[Repair]:
    """Return repairs, those first after which the program's values are the right program's."""
    known = subject.around.right.known if subject.around.right else None
    if known is None or len(found) < 2:
        return found
    columns = _in_columns(subject.watch, known)
    before = _understood(subject.watch, known, columns)
    scored = []
    for repair in found[:MOST_RANKED]:
        score = repair.cost
        after = subject.watched(repair)
        values = {} if after is None else _understood(after, known, columns)
        score += 0.4 * sum(1 - share for share in values.values())
        for edit in repair.edits:
            share = before.get(id(edit.statement), -1.0)
            if share < 0:
                share = known.is_known(edit.place.value)[0] if edit.place else 0.0
            then = values.get(id(edit.statement), share)
            score += share if share > 0.5 and then <= share else 0.3 * share
            score += then < share - 0.1
            score -= 0.3 * max(0.0, then - share)  # here it parts from the right program
            score += unlikely(edit) + 0.3 * _reads_wrong(edit, subject, known)
            score -= 0.3 * _is_last(edit, known)
        scored.append((score, repair))
    return [repair for _, repair in sorted(scored, key=lambda pair: pair[0])]


def _is_last(edit: Edit, known: Known) -> bool:
    """Whether a factor goes to the gradient of a parameter itself, as others have it."""
    value = edit.place.value if edit.place is not None else None
    return _has_siblings(edit) and any(match.value.final for match in known.matches(value))


def _reads_wrong(edit: Edit, subject: Subject, known: Known) -> bool:
    """Whether a line reads a multiple or a part of a right value: it went wrong before."""
    if edit.kind in ("extra line", "order of lines"):
        return False
    inside = (p for p in subject.watch.places if p.statement is edit.statement)
    read = [p.value for p in inside if isinstance(p.node, ast.Name) and is_number(p.value)]
    return any(known.matches(value) and not known.has(value) for value in read)


def unlikely(edit: Edit) -> float:
    """Return what speaks against a change, by how it is written."""
    growth = max(0, _size(edit.new) - _size(edit.old))
    score = 0.04 * growth + 0.35 * _wraps_name(edit) - 0.5 * _has_siblings(edit)
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


def _understood(watch: Watch, known: Known, columns: bool) -> dict[int, float]:
    """Return how well each statement's value is one of the right program's.

    ``columns``: where the samples stand in columns, matrices are the transposes of these.
    """
    found: dict[int, float] = {}
    seen: list[Any] = []
    for statement, value in _values(watch):
        again = any(np.array_equal(value, v) for v in seen)
        seen.append(value)
        share, is_transposed = known.is_known(value)
        odd = _is_matrix(value) and is_transposed != columns
        found[statement] = 0.0 if again else 0.2 * share if odd else share
    return found


def _in_columns(watch: Watch, known: Known) -> bool:
    """Whether more of the matrices are the transposes of the right program's than are not."""
    shares = [known.is_known(value) for _, value in _values(watch) if _is_matrix(value)]
    turned = [is_transposed for share, is_transposed in shares if share]
    return sum(turned) > len(turned) / 2


def _is_matrix(value: Any) -> bool:
    return np.ndim(value) > 1 and min(np.shape(value)) > 1


def _values(watch: Watch) -> Iterator[tuple[int, Any]]:
    """Yield the statements that give arrays, by id, with what they give."""
    for place in sorted(watch.places, key=lambda p: p.seen.order):
        value = place.value
        whole = place.owner is place.statement and place.field == "value"
        if whole and is_number(value) and np.size(value) > 1:
            yield id(place.statement), value
