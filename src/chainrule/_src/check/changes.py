"""All changes of one expression, in tiers: the likely ones first."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.check.code import HOOK
from chainrule._src.check.edits import (
    Change,
    Edit,
    is_outermost,
    negated,
    passes_on_numbers,
    transposed,
)
from chainrule._src.check.expressions import structural
from chainrule._src.check.insertions import replaced, rewritten, scaled, with_terms
from chainrule._src.check.surroundings import Surroundings
from chainrule._src.check.watching import Place, is_number


def expression_edits(place: Place, around: Surroundings, tier: int) -> Iterator[Edit]:
    """Yield the changes of one expression: those of a tier, the likely ones in the first."""
    node, value = place.node, place.value

    grows = isinstance(value, np.ndarray) and _is_changed_later(place)

    def edits(changes: Iterator[Change]) -> Iterator[Edit]:
        for new, kind, cost, detail in changes:
            if grows and isinstance(new, ast.Name | ast.Subscript | ast.Attribute):
                new = ast.Call(ast.Attribute(new, "copy", ast.Load()), [], [])
            yield Edit(place.code, place.owner, place.field, place.index, new, kind, cost,
                       place.line, place.statement, detail, place)  # fmt: skip

    if tier == 0:
        yield from edits(structural(node, value, place, around))
        if is_number(value):
            if is_outermost(place) and not isinstance(node, ast.Constant):
                yield from edits(iter([(negated(node), "sign", 1, None)]))
            turned = isinstance(place.owner, ast.Attribute) and place.owner.attr == "T"
            if np.ndim(value) == 2 and not turned and not _is_long(value):
                yield from edits(iter([(transposed(node), "transpose", 1, None)]))
    elif is_number(value) and tier == 1:
        yield from edits(rewritten(place, value, around))
        if is_outermost(place) or passes_on_numbers(place):
            yield from edits(scaled(place, value, around))
    elif is_number(value):
        yield from edits(with_terms(place, value, around))
        yield from edits(replaced(place, value, around))


def _is_changed_later(place: Place) -> bool:
    """Whether it is given a name whose array is then changed in place: another's must be copied."""
    s = place.statement
    if not isinstance(s, ast.Assign):
        return False
    target: Any = s.targets[0]
    if isinstance(target, ast.Tuple) and place.index is not None and place.owner is s.value:
        target = target.elts[place.index] if place.index < len(target.elts) else None
    elif place.owner is not s:
        return False
    grown = [n.target for n in ast.walk(place.code.tree) if isinstance(n, ast.AugAssign)]
    return isinstance(target, ast.Name) and any(_base_name(g) == target.id for g in grown)


def _base_name(target: ast.expr) -> str:
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _is_long(value: Any) -> bool:
    """Whether an array is one long row or column, which makes huge ones of others when turned."""
    return bool(min(value.shape) == 1 and max(value.shape) > 300)


def exchanges(place: Place, around: Surroundings) -> Iterator[Edit]:
    """Yield an expression's place taken by a value of the right program."""
    right, seen = around.right, place.seen
    if right is None or not all(is_number(v) and np.ndim(v) for v in seen.values):
        return
    shapes = [np.shape(v) for v in seen.values]
    n = around.n or 1
    call = ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(place.key), place.node], [])
    tried = set()
    for value, arrays in right.known.sequences(shapes):
        for factor in (1.0, n, 1 / n):
            given = [factor * a for a in arrays]
            key = b"".join(np.ravel(g).round(12).tobytes() for g in given)
            if key not in tried:
                tried.add(key)
                cost = 3.4 if value.final else 3.0
                yield Edit(
                    place.code, place.owner, place.field, place.index, call, "exchange", cost,
                    place.line, place.statement, (value.role, factor), place,
                    partial(_in_turns, given),
                )  # fmt: skip


def _in_turns(given: list[Any]) -> Callable[[int, Any], Any]:
    turns = itertools.cycle(given)
    return lambda key, value: np.array(next(turns))
