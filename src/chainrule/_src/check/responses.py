"""The response of a learner's results to the value of every expression, from one recording.

A backward pass is linear in what it passes back. So one recording of the learner's own code tells,
for every expression, which other values would make a wrong result right: a change of the expression
whose value is none of them need not be run.

An expression in a loop has a value at each turn, and a change of the expression at one turn changes
what later turns read. What must be added to its values, turn by turn, follows from the results all
the same. At the first turn at which something must be added, nothing was changed before.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Edit, applied, new_parts
from chainrule._src.check.equations import (
    IMPOSSIBLE,
    NEVER,
    Addition,
    Equations,
    SlopesOfShare,
)
from chainrule._src.check.nodes import SAME, Combination, Recorded, Results
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.turns import WrongTurn, first_wrong
from chainrule._src.check.valuing import Evaluator
from chainrule._src.check.watching import MOST_TURNS, Site, Watch

MOST_ADDED = 48  # numbers that are solved for: the entries of an expression at all its turns
PATIENCE = 1500  # changes in loops that are run first: these runs are as fast as the solving
MORE = 4  # equations than numbers
MOST_EVALUATED = 16  # turns at which a change is evaluated before it is run
EQUATIONS = 3  # for a known amount of more numbers than these
Uses = Callable[[], Mapping[str, Sequence[Array]]]
SMALLEST = 1e-6  # singular value, as a share of the largest, of what the results tell


class Responses:
    """The responses of the results to the values of expressions.

    Parameters
    ----------
    recorded : Recorded
    watch : Watch
    wrong : collection of str
        The wrong results.
    uses : callable
        Returns the gradient at each use of a parameter in the loss, by the names of parameters.
    """

    def __init__(
        self, recorded: Recorded, watch: Watch, wrong: Collection[str], uses: Uses
    ) -> None:
        self.recorded, self.watch, self._uses = recorded, watch, uses
        self._rng = np.random.default_rng(4)
        self.of_wrong = {
            n: Combination(recorded, [n], self._rng) for n in wrong if n in recorded.before
        }
        self._of_all: list[Combination] = []
        self.first: dict[int, dict[str, Array]] = {}  # of results that the first turn decides
        self._linear: set[int] = set()
        self._additions: dict[int, Addition | None] = {}
        self._located: dict[int, list[Site]] = defaultdict(list)  # of these, by their statements
        self._equations: dict[Any, Equations | None] = {}
        self._of_additions: dict[int, Equations] = {}
        self._names_after: dict[ast.AST, frozenset[str]] = {}
        self._scopes: dict[tuple[int, int, int], dict[str, Any]] = {}
        self._questions = 0  # after `PATIENCE` of them the equations for additions are solved
        self._evaluators: dict[tuple[int, int, int], Evaluator] = {}

    def confirm(self, site: Site, shifts: list[Any], after: Results) -> None:
        """Take the slopes of an expression that predict a measured response to noise."""
        before, key = self.recorded.before, site.key
        confirmed = {
            n: c.slopes(key)
            for n, c in self.of_wrong.items()
            if c.predicts(key, shifts, before, after)
        }
        self.first[key] = {
            n: s[0] for n, s in confirmed.items() if s and not any(map(np.any, s[1:]))
        }
        if len(confirmed) == len(self.of_wrong) and len(shifts) <= MOST_TURNS:
            self._linear.add(key)

    @cached_property
    def _of_each(self) -> dict[str, Combination]:
        right = self.recorded.before.keys() - self.of_wrong.keys()
        of_right = {name: Combination(self.recorded, [name], self._rng) for name in right}
        return {**self.of_wrong, **of_right}

    def reached(self, site: Site) -> frozenset[str]:
        """Return the results whose slopes along the values of an expression are not all zero."""
        combinations = self._of_each.items()
        return frozenset(n for n, c in combinations if any(map(np.any, c.slopes(site.key))))

    def mends(
        self, edit: Edit, wrong: frozenset[str], helpers: Collection[str], inside: set[int]
    ) -> frozenset[str]:
        """Return the wrong results that a change may mend; all where its value is unknown.

        ``helpers`` are the learner's functions that only compute a value, ``inside`` the ids of the
        nodes that contain the change.
        """
        site = edit.site
        lines = self._located.get(id(edit.statement), ())
        if not all(self._suits(edit, line, inside, helpers) for line in lines):
            return wrong - {min(wrong)}  # a part may be mended, not all
        equations = self._known_equations(site, wrong) if site is not None else None
        if site is None or equations is None or not _is_plain(edit.new, site, helpers):
            return wrong
        if len(equations.turns) > 1 and _reads(edit.new, self.names_after(site)):
            return wrong  # it may read what an earlier turn of the expression decides
        self.scopes(site, equations.turns)  # of all turns in one run
        shifts = [
            _shift(edit.new, site.trace.values[turn], self._evaluator(site, turn))
            for turn in equations.turns
        ]
        if any(shift is None for shift in shifts):
            return wrong
        fails = any(shift is FAILS for shift in shifts)
        if not equations.names:
            is_right = not fails and equations.hold(equations.rows @ np.ravel(shifts))
            return wrong if is_right else wrong - {min(wrong)}  # a part may be mended, not all
        if fails:
            return wrong - set(equations.names)
        return wrong - equations.failing(np.concatenate([np.ravel(s) for s in shifts]))

    def admits(self, site: Site, shift: Any, wrong: frozenset[str]) -> bool:
        """Return false if no wrong result is mended by what is added at the first turn."""
        slopes = self.first.get(site.key)
        if not slopes or np.shape(shift) != np.shape(site.value):
            return True
        return not wrong <= slopes.keys() or any(
            self._closes(name, slopes[name], shift) for name in wrong
        )

    def equations(self, site: Site, wrong: frozenset[str]) -> Equations | None:
        """Return equations for what mends all wrong results, None if nothing does or all may."""
        equations = self._of_first_wrong_turn(site, wrong) or self._of_results(site, wrong)
        equations = equations or self._of_addition(site, self.located(site))
        if equations is None:
            return None
        depends = np.asarray(equations.rows.any(axis=1))
        if not depends.any() or not depends[np.abs(equations.gaps) > equations.slack].all():
            return None
        names = [name for name, k in zip(equations.names, depends, strict=False) if k]
        rows, gaps, slack = equations[1:4]
        return Equations(equations.turns, rows[depends], gaps[depends], slack[depends], names)

    def _known_equations(self, site: Site, wrong: frozenset[str]) -> Equations | None:
        """Return equations for a change; to solve for an addition takes many backward passes."""
        key = site.key, wrong
        if key not in self._equations:
            self._equations[key] = self._of_first_wrong_turn(site, wrong) or (
                self._of_results(site, wrong, MOST_EVALUATED)
            )
        return self._equations[key] or self._of_addition(site, self._addition(site))

    def _of_results(
        self, site: Site, wrong: frozenset[str], most: int = MOST_TURNS
    ) -> Equations | None:
        """Return the equations of results that are linear in an expression's values.

        Either in those at all turns, of which none takes part in another one, or in the first one.
        """
        count, slopes = len(site.trace.values), self.first.get(site.key, {})
        turns, names = range(1), sorted(wrong & slopes.keys())
        is_apart = site.key in self._linear and site.key not in self.recorded.carried
        is_even = is_apart and len({np.shape(value) for value in site.trace.values}) == 1
        if is_even and count <= most:
            turns, names = range(count), sorted(wrong & self.of_wrong.keys())
        if not names:
            return None
        some = [self.of_wrong[name] for name in names]
        parts = [c.slopes(site.key) for c in some]
        rows = np.array([np.concatenate([p[turn].ravel() for turn in turns]) for p in parts])
        gaps, slack = np.array([c.gap for c in some]), np.array([c.slack for c in some])
        return Equations(turns, rows, gaps, slack, names)

    @cached_property
    def _wrong_turn(self) -> tuple[WrongTurn, dict[str, SlopesOfShare]] | None:
        """The first turn of a loop that adds something wrong, with the slopes of its shares."""
        wrong_turn = first_wrong(self.recorded, self._uses(), self.of_wrong)
        if wrong_turn is None:
            return None
        slopes = {}
        for name, share in wrong_turn.shares.items():
            weights = self._rng.standard_normal(share.right.shape)
            adjoints = self.recorded.backward.adjoints([(share.node, weights)])
            scale = float(np.linalg.norm(weights) * np.linalg.norm(share.right))
            gap = float(np.vdot(weights, share.gap))
            slopes[name] = SlopesOfShare(adjoints, gap, SAME * scale + 1e-300)
        return wrong_turn, slopes

    def _of_first_wrong_turn(self, site: Site, wrong: frozenset[str]) -> Equations | None:
        """Return the equations of what the first wrong turn of a loop adds to results."""
        nodes = self.recorded.nodes.get(site.key, [])
        if site.key not in self._linear or self._wrong_turn is None:
            return None
        wrong_turn, slopes = self._wrong_turn
        names = sorted(wrong & slopes.keys())
        if not names or not len(nodes) == len(site.trace.values) == wrong_turn.turns:
            return None
        some = [slopes[name] for name in names]
        reading = [k for k, node in enumerate(nodes) if any(node.order in s.adjoints for s in some)]
        if not reading or not wrong_turn.turn - 1 <= reading[-1] <= wrong_turn.turn:
            return None  # it runs in another order
        turn = reading[-1]  # a later turn reads what one passes back
        node = nodes[turn]
        zeros = np.zeros(node.shape)
        rows = np.array([np.ravel(s.adjoints.get(node.order, zeros)) for s in some])
        gaps, slack = np.array([s.gap for s in some]), np.array([s.slack for s in some])
        return Equations((turn,), rows, gaps, slack, names)

    def names_after(self, site: Site) -> frozenset[str]:
        """Return the variables that the function sets in an expression's statement or later.

        In a loop they may hold values that come from an earlier turn of the expression.
        """
        if site.statement not in self._names_after:
            line = getattr(site.statement, "lineno", 0)
            parts = [n for n in nodes_of(site.code.tree) if getattr(n, "lineno", 0) >= line]
            stored = [n for n in parts if isinstance(getattr(n, "ctx", None), ast.Store)]
            names = {n.id for part in stored for n in nodes_of(part) if isinstance(n, ast.Name)}
            self._names_after[site.statement] = frozenset(names)
        return self._names_after[site.statement]

    def _of_addition(self, site: Site, addition: Addition | None) -> Equations | None:
        """Return the equations of a known addition to an expression."""
        if addition is None:
            return None
        if addition is IMPOSSIBLE:
            return NEVER
        if site.key not in self._of_additions:
            amount, turns = addition.amount.ravel(), (addition.turn,)
            is_long = amount.size > EQUATIONS
            rows = (
                self._rng.standard_normal((EQUATIONS, amount.size))
                if is_long
                else np.eye(amount.size)
            )
            slack = addition.slack * np.linalg.norm(rows, axis=1)
            self._of_additions[site.key] = Equations(turns, rows, rows @ amount, slack, ())
        return self._of_additions[site.key]

    def is_possible(self, site: Site) -> bool:
        """Return false if no values of an expression in a loop make all results right."""
        return bool(self.first.get(site.key)) or self._addition(site) is not IMPOSSIBLE

    def is_sure(self, edit: Edit, wrong: frozenset[str]) -> bool:
        """Return true if a change that may mend all results does so, as slopes tell of all."""
        return edit.site is not None and wrong <= self.first.get(edit.site.key, {}).keys()

    def _closes(self, name: str, slope: Array, shift: Array) -> bool:
        combination = self.of_wrong[name]
        return abs(float(np.vdot(slope, shift)) - combination.gap) <= combination.slack

    def _evaluator(self, site: Site, turn: int, inside: Collection[int] = ()) -> Evaluator:
        """Return an evaluator for an expression's statement at a turn.

        ``inside`` are the ids of the nodes whose recorded values do not hold any more.
        """
        key = id(site.statement), turn, len(site.trace.values)
        if key not in self._evaluators:
            count = len(site.trace.values)
            near = [p for p in site.near if len(p.trace.values) == count]
            recorded = {id(p.node): p.trace.values[turn] for p in near}
            (scope,) = self.scopes(site, [turn])
            self._evaluators[key] = Evaluator(recorded, set(), scope)
        first = self._evaluators[key]
        return Evaluator(first.recorded, set(inside), first.names) if inside else first

    def scopes(self, site: Site, turns: Sequence[int]) -> list[dict[str, Any]]:
        """Return the variables that an expression's statement may read, at each of some turns.

        One run tells those of all turns, except the first, which are known.
        """
        count = len(site.trace.values)
        keys = {turn: (id(site.statement), turn, count) for turn in turns}
        missing = [turn for turn, key in keys.items() if key not in self._scopes]
        scopes = self.watch.scopes_at(site, missing) if any(missing) else {}
        names = site.code.functions[0].__globals__
        for turn in missing:
            scope = scopes[turn] if turn else site.trace.scope
            self._scopes[keys[turn]] = {**names, **scope}
        return [self._scopes[key] for key in keys.values()]

    def _addition(self, site: Site) -> Addition | None:
        """Return the amount to add to an expression, None if the results leave the amount open."""
        if site.key not in self._additions:
            self._questions += 1
            if self._questions <= PATIENCE:
                return None
            is_small = site.key in self._linear and len(site.trace.values) > 1
            self._additions[site.key] = self._solved(site) if is_small else None
        return self._additions[site.key]

    def located(self, line: Site) -> Addition | None:
        """Return the amount to add to a line's value, None if the results leave the amount open."""
        if line.key not in self._additions:
            self._additions[line.key] = self._solved(line) if line.key in self._linear else None
            if self._additions[line.key] is not None:
                self._located[id(line.statement)].append(line)
        return self._additions[line.key]

    def _suits(self, edit: Edit, line: Site, inside: set[int], helpers: Collection[str]) -> bool:
        """Return false if a change within a line does not add to its value what must be added.

        ``inside`` are the ids of the nodes of the line that contain the change.
        """
        addition, site = self._additions[line.key], edit.site
        is_inside = site is line or id(line.node) in inside
        if site is None or addition is None or not (is_inside and edit.fits_a_slot):
            return True
        if addition is IMPOSSIBLE:
            return False
        if not _is_plain(edit.new, site, helpers):
            return True
        evaluator = self._evaluator(line, addition.turn, inside)  # by the nodes as they are now
        with applied([edit]):
            shift = _shift(line.node, line.trace.values[addition.turn], evaluator)
        return shift is None or _adds(shift, addition)

    def _solved(self, site: Site) -> Addition | None:
        nodes = self.recorded.nodes.get(site.key, [])
        sizes = [int(np.prod(node.shape)) for node in nodes]
        count = sum(sizes)
        if not 0 < count <= MOST_ADDED or len(nodes) != len(site.trace.values):
            return None
        while len(self._of_all) < count + MORE:
            self._of_all.append(Combination(self.recorded, self.recorded.before, self._rng))
        some = self._of_all[: count + MORE]
        matrix = np.array([np.concatenate([s.ravel() for s in c.slopes(site.key)]) for c in some])
        gaps, scale = np.array([c.gap for c in some]), max(c.scale for c in some)
        norms = np.linalg.norm(matrix, axis=0)  # Adam's slopes differ by many orders of magnitude
        scales = 1 / np.where(norms > 0, norms, 1.0)
        left, values, right = np.linalg.svd(matrix * scales, full_matrices=False)
        rank = int((values > SMALLEST * max(values[0], 1e-300)).sum())
        solution = scales * (right[:rank].T @ (left[:, :rank].T @ gaps / values[:rank]))
        error = float(np.linalg.norm(matrix @ solution - gaps))
        if error > 10 * SAME * scale:
            return IMPOSSIBLE
        if not rank:
            return None
        # A number is known if nothing that leaves all results as they are changes it.
        is_determined = 1 - (right[:rank] ** 2).sum(axis=0) < 1e-9
        start, largest = 0, float(np.abs(solution).max())
        for turn, size in enumerate(sizes):
            part = slice(start, start + size)
            if not is_determined[part].all():
                return None
            amount = solution[part].reshape(nodes[turn].shape)
            if np.linalg.norm(amount) > 1e-4 * largest:
                unknown = 10 * error / float(values[rank - 1]) * float(scales[part].max())
                slack = 1e-3 * float(np.linalg.norm(amount)) + unknown
                return Addition(turn, amount, slack)
            start += size
        return None


def _shift(new: Any, before: Any, evaluator: Evaluator) -> Any:
    """Return the difference that a new expression makes to a value, None if it is unknown."""
    try:
        value = np.asarray(evaluator.of(new), np.float64)
    except (ValueError, ZeroDivisionError) as error:  # the shapes do not fit
        return None if "read-only" in str(error) else FAILS
    except Exception:  # perhaps only here
        return None
    return value - before if value.shape == np.shape(before) else None


def _adds(shift: Array, addition: Addition) -> bool:
    gap = np.linalg.norm(shift - addition.amount) if shift is not FAILS else np.inf
    return bool(gap <= addition.slack)


FAILS = np.zeros(0)  # in place of what a change adds: the change raises


def responses(
    watch: Watch, before: Results, expected: Mapping[str, Array], wrong: Collection[str],
    settled: Collection[int], uses: Uses,
) -> Responses | None:  # fmt: skip
    """Return the responses of wrong results, None if the code cannot be recorded.

    ``settled`` are the ids of statements whose expressions are right.
    """
    right = {site.key for site in watch.sites if id(site.statement) in settled}
    for left_out in (right, right | watch.written) if watch.written else (right,):
        try:
            return Responses(Recorded(watch, before, expected, left_out), watch, wrong, uses)
        except FAILURES:  # the code does something that tensors do not support
            continue
    return None


def _is_plain(new: ast.AST, site: Site, helpers: Collection[str]) -> bool:
    """Return true if an expression, where it is new, calls no function that may change objects."""
    allowed = (*helpers, "len", "abs", "float", "int")
    return all(
        node.func.id in allowed
        for node in new_parts(new, site.node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )


def _reads(node: Any, names: Collection[str]) -> bool:
    """Return true if an expression reads one of some variables."""
    return any(isinstance(part, ast.Name) and part.id in names for part in nodes_of(node))
