"""Combinations of an expression with parts of the pool, of which the slopes tell what they mend.

The results of a backward pass are linear in the values that it passes back. So one number for each
result tells of a value whether it makes this result right, and thousands of combinations are held
against these numbers in a few products of matrices. Only those that pass are run.
"""

from __future__ import annotations

import ast
import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import combinations

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.edits import Change, binary, copy_of, is_outermost
from chainrule._src.check.pool import PartTable, Pool
from chainrule._src.check.responses import Equations
from chainrule._src.check.watching import Site

MOST_CHANGES = 12  # of an expression
A_NODE = 0.03  # the cost of a node of what is inserted
A_PAIR, A_TRIPLE = 0.2, 0.3  # the cost of products
COSTS = {"divided": 1.7, "scaled": 1.75, "plus": 1.9, "minus": 1.9, "replaced": 1.95}
MADE = {
    "divided": (ast.Div, "missing divisor"), "plus": (ast.Add, "missing term"),
    "minus": (ast.Sub, "missing term"),
}  # fmt: skip
TERMS = ("plus", "minus", "replaced")
Inserted = Callable[..., tuple[float, ast.expr]]


def combined(
    site: Site, pool: Pool, equations: Equations, of_loss: Collection[str]
) -> Iterator[Change]:
    """Yield the changes of an expression whose values fulfil the equations, the cheapest first.

    ``of_loss`` are the operations and calls of the loss as texts.
    """
    values = np.stack([site.trace.values[turn] for turn in equations.turns]).astype(np.float64)
    shape = values.shape[1:]
    search = _Combinations(values, equations)
    tables = pool.of(shape)
    ways = (*TERMS, *(("scaled",) if is_outermost(site) else ()))
    search.single(tables.fitting, ways)
    search.single(tables.slopes, ways)
    search.pairs(tables.fitting, tables.fitting, ways)
    search.triples(tables.few)
    search.single(tables.products, TERMS)
    search.single(tables.totals, TERMS)
    search.pairs(tables.whole, tables.totals, TERMS)
    for cost, _, how, other in heapq.nsmallest(MOST_CHANGES, search.found):
        new = copy_of(other)
        factor = _factor_beside(new, site.node)
        if how == "replaced" and factor is None:
            yield new, "other value", cost, ast.unparse(new)
        elif how in ("replaced", "scaled"):
            part = new if how == "scaled" or factor is None else factor
            kind = "factor of the loss" if ast.unparse(part) in of_loss else "missing factor"
            yield binary(site.node, ast.Mult(), part), kind, cost, part
        else:
            op, kind = MADE[how]
            yield binary(site.node, op(), new), kind, cost, new


def _factor_beside(new: ast.expr, node: ast.expr) -> ast.expr | None:
    """Return the other factor of a product with an expression, None for anything else."""
    match new:
        case ast.BinOp(one, ast.Mult(), other):
            text = ast.unparse(node)
            return (
                other if ast.unparse(one) == text else one if ast.unparse(other) == text else None
            )
    return None


class _Combinations:
    """The combinations of parts that fulfil the equations of an expression.

    Attributes
    ----------
    found : list of (float, int, str, expr)
        The cost, a number of its own, how the expression changes, and what is inserted.
    """

    def __init__(self, values: Array, equations: Equations) -> None:
        self.shape, self.value = values.shape, values.ravel()
        self.equations, self.start = equations, equations.rows @ self.value
        self.found: list[tuple[float, int, str, ast.expr]] = []

    def _take(self, sums: Array, how: str, inserted: Inserted) -> None:
        """Take what fulfils the equations; the last axis of ``sums`` is that of the equations."""
        change = sums if how == "plus" else -sums if how == "minus" else sums - self.start
        for index in np.argwhere(self.equations.hold(change)):
            cost, node = inserted(*map(int, index))
            self.found.append((COSTS[how] + cost, len(self.found), how, node))

    def single(self, table: PartTable, ways: Sequence[str]) -> None:
        """Try parts as terms and factors, and in the expression's place."""
        rows, parts = self.equations.rows.T, table.parts

        def inserted(i: int) -> tuple[float, ast.expr]:
            return A_NODE * parts[i].size, parts[i].node

        plain = table.rows @ rows
        for how in ways if parts else ():
            sums = (table.rows * self.value) @ rows if how == "scaled" else plain
            self._take(sums, how, inserted)
        if parts and "scaled" in ways:
            rarity = table.rarity
            self._take(
                (table.inverse * self.value) @ rows, "divided",
                lambda i: (inserted(i)[0] + rarity[i], parts[i].node),
            )  # fmt: skip

    def pairs(self, table: PartTable, others: PartTable, ways: Sequence[str]) -> None:
        """Try products and quotients of a part and another one in the same way."""
        if not table.parts or not others.parts:
            return
        for factors, op in ((others.rows, ast.Mult()), (others.inverse, ast.Div())):

            def inserted(i: int, j: int, op: ast.operator = op) -> tuple[float, ast.expr]:
                part, other = table.parts[i], others.parts[j]
                cost = A_NODE * (part.size + other.size + 1) + A_PAIR
                cost += others.rarity[j] if isinstance(op, ast.Div) else 0.0
                return cost, binary(part.node, op, other.node)

            plain = self._sums(table.rows, factors)
            for how in ways:
                scaled = how == "scaled"
                sums = self._sums(table.rows * self.value, factors) if scaled else plain
                self._take(sums, how, inserted)

    def triples(self, table: PartTable) -> None:
        """Try products of three parts, and of two divided by a third, as terms."""
        parts, pairs = table.parts, list(combinations(range(len(table.parts)), 2))
        if len(parts) < 3:
            return
        first, second = np.transpose(pairs)
        doubles = table.rows[first] * table.rows[second]
        for factors, op in ((table.rows, ast.Mult()), (table.inverse, ast.Div())):

            def inserted(pair: int, k: int, op: ast.operator = op) -> tuple[float, ast.expr]:
                i, j = pairs[pair]
                double = binary(parts[i].node, ast.Mult(), parts[j].node)
                size = parts[i].size + parts[j].size + parts[k].size + 2
                rarity = table.rarity[k] if isinstance(op, ast.Div) else 0.0
                return A_NODE * size + A_TRIPLE + rarity, binary(double, op, parts[k].node)

            sums = self._sums(doubles, factors)
            for how in TERMS:
                self._take(sums, how, inserted)

    def _sums(self, some: Array, others: Array) -> Array:
        """Return each equation's sum for the products of each with each."""
        return np.stack([(some * row) @ others.T for row in self.equations.rows], axis=-1)
