"""Combinations of an expression with parts of the pool, of which the slopes tell what they mend.

The results of a backward pass are linear in the values that it passes back. So one number for each
result tells of a value whether it makes this result right, and thousands of combinations are held
against these numbers in a few products of matrices. Only those that pass are run.
"""

from __future__ import annotations

import ast
import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.clock import Deadline
from chainrule._src.check.edits import Change, Edit, binary, copy_of, is_outermost
from chainrule._src.check.equations import Equations
from chainrule._src.check.pool import PartTable, Pool
from chainrule._src.check.subject import FaultyProgram
from chainrule._src.check.watching import Site, is_number

MOST_CHANGES = 12  # of an expression
A_NODE = 0.03  # the cost of a node of what is inserted
A_PAIR, A_TRIPLE = 0.2, 0.3  # the cost of products
COSTS = {"divided": 1.7, "scaled": 1.75, "plus": 1.9, "minus": 1.9, "replaced": 1.95}
OPERATORS = {"divided": ast.Div, "plus": ast.Add, "minus": ast.Sub}
TERMS = ("plus", "minus", "replaced")
Inserted = Callable[..., tuple[float, ast.expr]]


def combinations(subject: FaultyProgram, limit: Deadline) -> list[Edit]:
    """Return the combinations that may mend all wrong results, the cheapest first."""
    pools: dict[tuple[int, ...], Pool] = {}
    edits: list[Edit] = []
    for site in subject.watch.sites:
        if limit.has_passed:
            break
        equations = _equations(subject, site)
        if equations is not None:
            key = id(site.statement), *equations.turns
            if key not in pools:
                pools[key] = _pool(subject, site, equations.turns)
            edits += [
                Edit(site.code, site.owner, site.field, site.index, new, kind, cost, site.line,
                     site.statement, detail, site)
                for new, kind, cost, detail in _changes(subject, site, pools[key], equations)
            ]  # fmt: skip
    return sorted(edits, key=lambda edit: edit.cost)


def _equations(subject: FaultyProgram, site: Site) -> Equations | None:
    """Return the equations of an expression, None if none of its values mends all results."""
    responses, is_settled = subject.responses, id(site.statement) in subject.settled
    if responses is None or is_settled or not is_number(site.value) or site.nested:
        return None
    is_constant = isinstance(site.node, ast.Constant) or site.field in ("func", "slice")
    if is_constant or not subject.reach(site) >= subject.wrong:
        return None
    subject.reached(site)  # this confirms the slopes
    return responses.equations(site, subject.wrong)


def _pool(subject: FaultyProgram, site: Site, turns: Sequence[int]) -> Pool:
    assert subject.responses is not None
    unknown = subject.responses.names_after(site) if len(turns) > 1 else ()
    return Pool(site, subject.around, subject.responses.scopes(site, turns), unknown)


def _changes(
    subject: FaultyProgram, site: Site, pool: Pool, equations: Equations
) -> Iterator[Change]:
    """Yield the changes of an expression whose values fulfil the equations, the cheapest first."""
    values = np.stack([site.trace.values[turn] for turn in equations.turns]).astype(np.float64)
    search = _Combinations(values, equations)
    tables = pool.of(values.shape[1:])
    ways = (*TERMS, "scaled") if is_outermost(site) else TERMS
    search.single(tables.fitting, ways)
    search.single(tables.slopes, ways)
    search.pairs(tables.fitting, tables.fitting, ways)
    search.triples(tables.short)
    search.single(tables.products, TERMS)
    search.single(tables.totals, TERMS)
    search.pairs(tables.same_shape, tables.totals, TERMS)
    for cost, _, way, node in heapq.nsmallest(MOST_CHANGES, search.matches):
        new = copy_of(node)
        factor = new if way == "scaled" else _factor_beside(new, site.node)
        if way in OPERATORS:
            name = "missing divisor" if way == "divided" else "missing term"
            yield binary(site.node, OPERATORS[way](), new), name, cost, new
        elif factor is not None:
            is_of_loss = ast.unparse(factor) in subject.around.loss.texts
            name = "factor of the loss" if is_of_loss else "missing factor"
            yield binary(site.node, ast.Mult(), factor), name, cost, factor
        else:
            yield new, "other value", cost, ast.unparse(new)


def _factor_beside(product: ast.expr, node: ast.expr) -> ast.expr | None:
    """Return the factor with which an expression is multiplied, None if it is in no product."""
    match product:
        case ast.BinOp(left, ast.Mult(), right):
            text = ast.unparse(node)
            if ast.unparse(left) == text:
                return right
            return left if ast.unparse(right) == text else None
    return None


class _Combinations:
    """The combinations of parts that fulfil the equations of an expression.

    Attributes
    ----------
    matches : list of (float, int, str, expr)
        The cost, a number of its own, the way in which the expression changes, and the expression
        that is inserted.
    """

    def __init__(self, values: Array, equations: Equations) -> None:
        self.shape, self.value = values.shape, values.ravel()
        self.equations, self.start = equations, equations.rows @ self.value
        self.matches: list[tuple[float, int, str, ast.expr]] = []

    def _take(self, sums: Array, way: str, inserted: Inserted) -> None:
        """Take what fulfils the equations; the last axis of ``sums`` is that of the equations."""
        change = sums if way == "plus" else -sums if way == "minus" else sums - self.start
        for index in np.argwhere(self.equations.hold(change)):
            cost, node = inserted(*map(int, index))
            self.matches.append((COSTS[way] + cost, len(self.matches), way, node))

    def single(self, table: PartTable, ways: Sequence[str]) -> None:
        """Try parts as terms and factors, and in the expression's place."""
        rows, parts = self.equations.rows.T, table.parts

        def inserted(i: int) -> tuple[float, ast.expr]:
            return A_NODE * parts[i].size, parts[i].node

        plain = table.rows @ rows
        for way in ways if parts else ():
            sums = (table.rows * self.value) @ rows if way == "scaled" else plain
            self._take(sums, way, inserted)
        if parts and "scaled" in ways:
            rarity = table.rarity
            self._take(
                (table.inverse * self.value) @ rows, "divided",
                lambda i: (inserted(i)[0] + rarity[i], parts[i].node),
            )  # fmt: skip

    def pairs(self, table: PartTable, second: PartTable, ways: Sequence[str]) -> None:
        """Try products and quotients of a part and another one in the same way."""
        if not table.parts or not second.parts:
            return
        for factors, op in ((second.rows, ast.Mult()), (second.inverse, ast.Div())):

            def inserted(i: int, j: int, op: ast.operator = op) -> tuple[float, ast.expr]:
                size = table.parts[i].size + second.parts[j].size + 1
                rarity = second.rarity[j] if isinstance(op, ast.Div) else 0.0
                node = binary(table.parts[i].node, op, second.parts[j].node)
                return A_NODE * size + A_PAIR + rarity, node

            plain = self._sums(table.rows, factors)
            for way in ways:
                scaled = way == "scaled"
                sums = self._sums(table.rows * self.value, factors) if scaled else plain
                self._take(sums, way, inserted)

    def triples(self, table: PartTable) -> None:
        """Try products of three parts, and of two divided by a third, as terms."""
        parts, pairs = table.parts, list(itertools.combinations(range(len(table.parts)), 2))
        if len(parts) < 3:
            return
        left, right = np.transpose(pairs)
        doubles = table.rows[left] * table.rows[right]
        for factors, op in ((table.rows, ast.Mult()), (table.inverse, ast.Div())):

            def inserted(pair: int, k: int, op: ast.operator = op) -> tuple[float, ast.expr]:
                i, j = pairs[pair]
                double = binary(parts[i].node, ast.Mult(), parts[j].node)
                size = parts[i].size + parts[j].size + parts[k].size + 2
                rarity = table.rarity[k] if isinstance(op, ast.Div) else 0.0
                return A_NODE * size + A_TRIPLE + rarity, binary(double, op, parts[k].node)

            sums = self._sums(doubles, factors)
            for way in TERMS:
                self._take(sums, way, inserted)

    def _sums(self, left: Array, right: Array) -> Array:
        """Return the sums of each equation for the products of all rows with all rows."""
        return np.stack([(left * row) @ right.T for row in self.equations.rows], axis=-1)
