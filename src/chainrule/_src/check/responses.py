"""The response of a learner's results to the value of every expression, from one recording.

A backward pass is linear in what it passes back. So one recording of the learner's own code tells,
for every expression, which other values would make a wrong result right: a change of the expression
whose value is none of them need not be run.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.edits import Edit
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.valuing import Evaluator
from chainrule._src.check.watching import Site, Watch, is_number
from chainrule._src.core.backward import adjoints
from chainrule._src.core.captured import around
from chainrule._src.core.tensor import Level, Tensor

SAME = 2e-5  # the share of a right result by which a result that is called right may differ
LINEAR = 1e-7  # the share by which a response may differ from the one that was measured
Results = Mapping[str, Any]
Slopes = dict[str, Array]


@dataclass
class Responses:
    """The slopes of the results along the values that expressions have at their first turn.

    Of each result a random combination of its entries is looked at.

    Attributes
    ----------
    slopes : dict of int to dict of str to ndarray
        By the keys of expressions and the names of results. Results on which later turns of the
        expression have an effect have no slope.
    weights : dict of str to ndarray
        The random combinations.
    gaps : dict of str to float
        The combinations of what results lack.
    slack : dict of str to float
        The error of a combination of a result that is called right.
    """

    slopes: dict[int, Slopes]
    weights: dict[str, Array]
    gaps: dict[str, float]
    slack: dict[str, float]

    def confirm(self, site: Site, noise: Any, before: Results, after: Results) -> None:
        """Keep the slopes of an expression that predict a measured response to noise."""
        confirmed: Slopes = {}
        for name, slope in self.slopes.get(site.key, {}).items():
            weights = self.weights[name]
            start, end = (np.asarray(r[name], np.float64) for r in (before, after))
            if start.shape != end.shape or not np.isfinite(end).all():
                continue
            scale = np.linalg.norm(weights) * (np.linalg.norm(end) + np.linalg.norm(start))
            change = float(np.vdot(weights, end - start))
            if abs(float(np.vdot(slope, noise)) - change) <= LINEAR * scale:
                confirmed[name] = slope
        self.slopes[site.key] = confirmed

    def mends(
        self, edit: Edit, wrong: Collection[str], helpers: Collection[str]
    ) -> Collection[str]:
        """Return the wrong results that a change may mend; all where its value is unknown.

        ``helpers`` are the learner's functions that only compute a value.
        """
        site = edit.site
        slopes = self.slopes.get(site.key) if site is not None else None
        if site is None or not slopes or not _is_plain(edit.new, site, helpers):
            return wrong
        try:
            value = Evaluator(_recorded(site), set(), _names(site)).of(edit.new)
            shift = np.asarray(value, np.float64) - site.value
        except (ValueError, ZeroDivisionError) as error:  # the shapes do not fit
            return wrong if "read-only" in str(error) else ()
        except Exception:  # perhaps only here
            return wrong
        if np.shape(value) != np.shape(site.value):
            return wrong
        return [
            name
            for name in wrong
            if name not in slopes
            or abs(float(np.vdot(slopes[name], shift)) - self.gaps[name]) <= self.slack[name]
        ]


def responses(
    watch: Watch, before: Results, expected: Mapping[str, Array], wrong: Collection[str]
) -> Responses | None:
    """Return the responses of wrong results, None if the code cannot be recorded."""
    names = [name for name in wrong if np.shape(before.get(name)) == expected[name].shape]
    written = set(watch.written)
    for left_out in (set(), written) if written else (set(),):
        try:
            found = _recorded_responses(watch, before, expected, names, left_out)
        except FAILURES:  # the code does something that tensors do not support
            continue
        if found is not None:
            return found
    return None


def _recorded_responses(
    watch: Watch, before: Results, expected: Mapping[str, Array], names: list[str],
    left_out: set[int],
) -> Responses | None:  # fmt: skip
    level = Level()
    leaves: dict[int, list[Tensor]] = defaultdict(list)

    def hook(key: int, value: Any) -> Any:
        if key in left_out or not (isinstance(value, Tensor) or is_number(value)):
            return value
        leaf = Tensor.made(np.zeros(np.shape(value)), level)
        leaves[key].append(leaf)
        return value + leaf

    with level.captured:
        results = around.result(watch.run(hook))
    rng = np.random.default_rng(4)
    made = Responses(defaultdict(dict), {}, {}, {})
    for name in names:
        value = getattr(results[name], "value", results[name])
        start = np.asarray(before[name], np.float64)
        if np.shape(value) != start.shape or not np.allclose(value, start, rtol=1e-9):
            return None  # where a tensor took an array's place, the code did something else
        right = expected[name]
        known = ~np.isnan(right)
        weights = np.where(known, rng.standard_normal(right.shape), 0.0)
        gap = np.where(known, right - start, 0.0)
        norm = float(np.linalg.norm(np.where(known, right, 0.0)))
        made.weights[name], made.gaps[name] = weights, float(np.vdot(weights, gap))
        made.slack[name] = SAME * norm * float(np.linalg.norm(weights)) + 1e-300
        if isinstance(results[name], Tensor):
            cotangents = adjoints(results[name], weights)
            for key, (first, *later) in leaves.items():
                if not any(np.any(cotangents.get(leaf.order, 0)) for leaf in later):
                    zero = np.zeros(first.shape)
                    made.slopes[key][name] = np.asarray(cotangents.get(first.order, zero))
    return made


def _recorded(site: Site) -> dict[int, Any]:
    """Return the values at the first turn of the expressions of a statement, by their nodes."""
    return {id(p.node): p.trace.values[0] for p in site.near if p.trace.values}


def _names(site: Site) -> dict[str, Any]:
    return {**site.code.functions[0].__globals__, **site.trace.scope}


def _is_plain(new: ast.AST, site: Site, helpers: Collection[str]) -> bool:
    """Return true if an expression, where it is new, calls no function that may change objects."""
    known = {id(p.node) for p in site.near}
    parts = [new]
    while parts:
        node = parts.pop()
        if id(node) in known and not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in helpers and node.func.id not in ("len", "abs", "float", "int"):
                return False
        parts += ast.iter_child_nodes(node)
    return True
