"""All changes of one expression, sorted into tiers: tier 0 has the likely ones."""

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
    is_sign_test,
    negated,
    passes_on_numbers,
    transposed,
)
from chainrule._src.check.expressions import EXPRESSIONS
from chainrule._src.check.indices import INDICES
from chainrule._src.check.insertions import REPLACED, SCALED, rewritten, with_terms
from chainrule._src.check.numbers import NUMBERS
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site, is_number


def expression_edits(site: Site, around: BuildingBlocks, tier: int) -> Iterator[Edit]:
    """Yield the changes of one expression that belong to a tier (0, 1 or 2; 0 is the likeliest)."""
    node, value = site.node, site.value

    grows = isinstance(value, np.ndarray) and _is_changed_later(site, around)

    def edits(changes: Iterator[Change]) -> Iterator[Edit]:
        for new, kind, cost, detail in changes:
            if grows and isinstance(new, ast.Name | ast.Subscript | ast.Attribute):
                new = ast.Call(ast.Attribute(new, "copy", ast.Load()), [], [])
            yield Edit(site.code, site.owner, site.field, site.index, new, kind, cost,
                       site.line, site.statement, detail, site)  # fmt: skip

    if tier == 0:
        for rules in (EXPRESSIONS, NUMBERS, INDICES):
            yield from edits(rules.changes(site, around))
        if is_number(value):
            if (
                is_outermost(site)
                and not isinstance(node, ast.Constant)
                and not is_sign_test(site.owner)
            ):
                yield from edits(iter([(negated(node), "sign", 1, None)]))
            turned = isinstance(site.owner, ast.Attribute) and site.owner.attr == "T"
            if np.ndim(value) == 2 and not turned and not _is_long(value):
                yield from edits(iter([(transposed(node), "transpose", 1, None)]))
        if is_number(value) or (isinstance(value, np.ndarray) and value.dtype.kind == "b"):
            yield from edits(rewritten(site, around))
    elif is_number(value) and tier == 1:
        if is_outermost(site) or passes_on_numbers(site):
            yield from edits(SCALED.changes(site, around))
    elif is_number(value):
        yield from edits(with_terms(site, around))
        yield from edits(REPLACED.changes(site, around))


def _is_changed_later(site: Site, around: BuildingBlocks) -> bool:
    """Return true if the value is assigned to a variable that ``+=`` or the like changes later.

    An array that takes its place must then be copied, otherwise another variable changes too.
    """
    s = site.statement
    if not isinstance(s, ast.Assign):
        return False
    target: Any = s.targets[0]
    if isinstance(target, ast.Tuple) and site.index is not None and site.owner is s.value:
        target = target.elts[site.index] if site.index < len(target.elts) else None
    elif site.owner is not s:
        return False
    return isinstance(target, ast.Name) and target.id in around.grown(site.code)


def _is_long(value: Any) -> bool:
    """Return true if a matrix is one long row or column: its transpose may broadcast widely."""
    return bool(min(value.shape) == 1 and max(value.shape) > 300)


def exchanges(site: Site, around: BuildingBlocks) -> Iterator[Edit]:
    """Yield the changes that replace an expression by a value of the right program."""
    right, trace = around.right, site.trace
    if right is None or not all(is_number(v) and np.ndim(v) for v in trace.values):
        return
    shapes = [np.shape(v) for v in trace.values]
    n = around.n or 1
    call = ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(site.key), site.node], [])
    tried = set()
    for value, arrays in right.table.sequences(shapes):
        for factor in (1.0, n, 1 / n):
            values = [factor * a for a in arrays]
            key = b"".join(np.ravel(g).round(12).tobytes() for g in values)
            if key not in tried:
                tried.add(key)
                cost = 3.4 if value.final else 3.0
                yield Edit(
                    site.code, site.owner, site.field, site.index, call, "exchange", cost,
                    site.line, site.statement, (value.role, factor), site,
                    partial(_in_turns, values),
                )  # fmt: skip


def _in_turns(values: list[Any]) -> Callable[[int, Any], Any]:
    turns = itertools.cycle(values)
    return lambda key, value: np.array(next(turns))
