"""A program with wrong results, and the changes to try."""

from __future__ import annotations

import ast
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakMethod, proxy

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.changes import expression_edits
from chainrule._src.check.clock import Deadline, thread_seconds
from chainrule._src.check.code import FunctionSource
from chainrule._src.check.compiling import ChangeCompiler, compiled_with
from chainrule._src.check.edits import Edit, applied
from chainrule._src.check.meaning import LossVariables, Meaning
from chainrule._src.check.ofloss import OfLoss
from chainrule._src.check.responses import Responses, responses
from chainrule._src.check.right import RightProgram
from chainrule._src.check.sandbox import FAILURES, TooLong
from chainrule._src.check.statements import StatementEdits, tier_of
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.valuing import Evaluator, equal, value_of
from chainrule._src.check.watching import Site, Watch, is_number

MOST_ENDLESS = 5  # changes of a statement that may make a loop without an end
SLOW = 1e-3  # seconds of a run; of a slower program the slopes tell what depends on an expression
SAME = 1e-5  # the norm ratio up to which two gradients are equal (an epsilon in a logarithm)
ROUNDING = 1e-10  # the size of a zero, as a share of the largest result
Results = Mapping[str, Any]


def ratio(a: Any, b: Any) -> float:
    """Return the norm ratio of two gradients: 0 for equal ones, infinite for different shapes.

    Entries of ``b`` that are NaN are unknown and do not count.
    """
    if np.shape(a) != np.shape(b):
        return np.inf
    if (unknown := np.isnan(b)).any():
        a, b = np.asarray(a)[~unknown], np.asarray(b)[~unknown]
    scale = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(np.subtract(a, b)) / scale) if scale else 0.0


@dataclass(frozen=True)
class Repair:
    """Changes that make some wrong results right, and no right result wrong."""

    edits: tuple[Edit, ...]
    mended: frozenset[str]

    @property
    def cost(self) -> float:
        """The distance of the changed program from the original: how unlikely its changes are."""
        return sum(edit.cost for edit in self.edits)


@dataclass(frozen=True)
class Judge:
    """A hold-out for repairs: the program on other values, where a repair must work as well.

    Attributes
    ----------
    call : callable
        Runs the program on these values.
    expected, before : mapping
        The right results on these values, and those of the unchanged program.
    """

    call: Callable[[], Results]
    expected: Mapping[str, Array]
    before: Results


def _weakly(method: Callable[..., Any], default: Any) -> Callable[..., Any]:
    """Return a function that calls a method, without a cycle: all of a search is freed at once."""
    method_of = WeakMethod(method)

    def call(*args: Any) -> Any:
        bound = method_of()
        return default if bound is None else bound(*args)

    return call


class FaultyProgram:
    """A program with wrong results.

    Parameters
    ----------
    codes : sequence of Code
        The program's functions.
    call : callable
        Runs the program; returns results by name.
    expected : mapping of str to ndarray
        The right results.
    right : RightProgram, optional
        The right program, whose expressions a change may insert.
    n : int or None
        The number of samples.
    deadline : Deadline, optional
        The end of the search.
    parameters : mapping of str to ndarray
    """

    def __init__(
        self,
        codes: Sequence[FunctionSource],
        call: Callable[[], Results],
        expected: Mapping[str, Array],
        right: RightProgram | None = None,
        n: int | None = None,
        deadline: Deadline | None = None,
        parameters: Mapping[str, Array] | None = None,
    ) -> None:
        self.codes, self.call, self.expected = list(codes), call, expected
        self.deadline, self.parameters = deadline, parameters or {}
        self.judge: Judge | None = None
        norms = [np.nansum(np.square(right)) for right in expected.values()]
        self.rounding = ROUNDING**2 * max(norms, default=0.0)  # of results that must be zero
        silent = [k for k, v in expected.items() if np.nansum(np.square(v)) <= self.rounding]
        self.watch = Watch(codes, call)
        self.before = dict(self.watch.result)
        self.wrong = frozenset(
            k for k in expected if not self.same(self.before.get(k), expected[k])
        )
        # A result that is zero, and must be, tells nothing of a change.
        self.telling = (frozenset(expected) - frozenset(silent)) | self.wrong
        self.around = BuildingBlocks(self.watch, right, n, _weakly(self._admits, True))
        self._watched: dict[Repair, Watch | None] = {}
        self.compiler = ChangeCompiler()
        self._reached: dict[int, frozenset[str]] = {}
        self._reached_by: dict[int, frozenset[str]] = {}
        statements = (
            p for p in reversed(self.watch.sites) if p.owner in (p.statement, p.code.tree)
        )
        self.lines = {id(p.statement): p for p in statements}
        self.settled: set[int] = set()  # statements that decide the loss, so they are right
        self.loss: Callable[[], Any] | None = None  # the loss, if it runs the same statements
        self.searched: set[int] = set()  # statements of which all changes were tried
        self.suspects: set[int] = set()  # statements whose right value repairs all results
        self.pinned: list[Site] | None = None  # once `pinned_lines` has looked for them
        self.ruled_out: set[int] = set()  # statements in which no single mistake is
        self.seeks_parts = False  # whether changes are run that can mend a part alone
        self.deferred: dict[Edit, None] = {}  # these changes
        self._edits: dict[tuple[int, int], list[Edit]] = {}
        self.of_statements = StatementEdits(codes, self.around, deadline)
        self._repairs: dict[Edit, Repair | None] = {}
        self._endless = Counter[int]()  # statements of which changes made a loop without an end
        inside = {id(p.node): p.key for p in self.watch.sites}
        self._above = {
            p.key: inside[id(p.owner)] for p in self.watch.sites if id(p.owner) in inside
        }

    @contextlib.contextmanager
    def changed(self, edits: Sequence[Edit]) -> Iterator[FaultyProgram]:
        """Context manager: apply changes, and yield the result as a new `FaultyProgram`."""
        compiled = compiled_with(edits)
        with applied(edits), contextlib.ExitStack() as stack:
            for code, new in compiled:
                stack.enter_context(code.being(new))
            inner = FaultyProgram(self.codes, self.call, self.expected, self.around.right,
                                  self.around.n, self.deadline, self.parameters)  # fmt: skip
            inner.judge, inner.settled, inner.loss = self.judge, self.settled, self.loss
            inner.around.loss = OfLoss(self.around.loss.codes)
            inner.variables = self.variables
            yield inner

    def narrowed(self, names: Collection[str], deadline: Deadline) -> FaultyProgram:
        """Return the program with the wrong results of these names alone; others are unknown."""
        expected = {k: v for k, v in self.expected.items() if k in names or k not in self.wrong}
        inner = FaultyProgram(self.codes, self.call, expected, self.around.right,
                              self.around.n, deadline, self.parameters)  # fmt: skip
        inner.judge, inner.settled, inner.loss = self.judge, self.settled, self.loss
        inner.around.loss, inner.variables = self.around.loss, self.variables
        return inner

    def same(self, result: Any, expected: Array) -> bool:
        """Return true if a result is equal to the expected array, where that is not NaN."""
        if result is None:
            return False
        try:
            array = np.asarray(result, np.float64)
        except (TypeError, ValueError):
            return False
        if array.shape != expected.shape:
            return False
        gap, right = (array - expected).ravel(), expected.ravel()
        square = gap @ gap
        if np.isnan(square):  # entries of a result, or of the right one, are unknown
            mask = ~np.isnan(right)
            gap, right = gap[mask], right[mask]
            square = gap @ gap
        return bool(square <= (2 * SAME) ** 2 * (right @ right) + self.rounding)

    @property
    def is_late(self) -> bool:
        """True if the deadline has passed."""
        return self.deadline is not None and self.deadline.has_passed

    def part_of_time(self, share: float) -> Deadline:
        """Return a deadline after a share of the time that is left."""
        seconds = 3600.0 if self.deadline is None else self.deadline.left
        return Deadline(share * seconds, self.deadline)

    def tried(
        self, edits: Sequence[Edit], call: Callable[[], Results] | None = None
    ) -> Results | None:
        """Return the results of the changed program, None if it fails.

        ``call`` may run the program on other values than the subject's.
        """
        statements = [id(edit.statement) for edit in edits]
        if any(self._endless[statement] >= MOST_ENDLESS for statement in statements):
            return None
        try:
            results: Results | None = self.compiler.run(edits, call or self.call)
            return results
        except TooLong:
            self._endless.update(statements)
        except FAILURES:
            pass
        return None

    def repaired(self, edits: Sequence[Edit]) -> Repair | None:
        """Return changes as a repair, None if they repair no result or make a right one wrong."""
        if len(edits) != 1:
            return self._repaired(edits)
        (edit,) = edits
        mendable = self.mendable(edit)
        if mendable and len(mendable) < len(self.wrong) and not self.seeks_parts:
            self.deferred[edit] = None
            return None
        if edit not in self._repairs:
            self._repairs[edit] = self._repaired(edits) if mendable else None
        return self._repairs[edit]

    def _repaired(self, edits: Sequence[Edit]) -> Repair | None:
        """Run the changed program; return the changes as a repair if the results are right."""
        results = self.tried(edits)
        if not isinstance(results, Mapping):
            return None
        mended = set()
        for name, expected in self.expected.items():
            if self.same(results.get(name), expected):
                mended.add(name)
            elif name not in self.wrong:
                return None
        mended &= self.wrong
        if not mended or not self._holds(edits, mended) or not self._keeps_loss(edits):
            return None
        return Repair(tuple(edits), frozenset(mended))

    @cached_property
    def is_slow(self) -> bool:
        """True if a run takes long."""
        return all(thread_seconds(self.call) > SLOW for _ in range(3))

    @cached_property
    def meaning(self) -> Meaning:
        """The lines that give variables what they are named after, or do not."""
        return Meaning(proxy(self), self.variables)  # no cycle: all of the search is freed at once

    @cached_property
    def variables(self) -> LossVariables | None:
        """The variables of the loss, None if it cannot be recorded."""
        try:
            return self.loss and LossVariables(self.around.loss.codes(), self.loss, self.around.n)
        except FAILURES:
            return None

    @cached_property
    def responses(self) -> Responses | None:
        """The responses of the wrong results, None if the code cannot be recorded."""
        uses = _weakly(self._uses, {})
        return responses(self.watch, self.before, self.expected, self.wrong, self.settled, uses)

    def _uses(self) -> dict[str, list[Array]]:
        """Return the gradient at each use of a parameter in the loss, in the order of the uses."""
        variables = self.variables
        arrays = ((k, np.asarray(v, np.float64)) for k, v in self.parameters.items())
        return {name: variables.by_turn(array) for name, array in arrays} if variables else {}

    def mendable(self, edit: Edit) -> Collection[str]:
        """Return the wrong results that a change may mend, without a run of the change."""
        if edit.mends is None:
            edit.mends, site = self.wrong, edit.site
            if site is not None and self.responses is not None and edit.fits_a_slot:
                self.reached(site)  # this confirms the slopes
                helpers = self.around.helpers(site)
                edit.mends = self.responses.mends(edit, self.wrong, helpers, self.around_of(edit))
        return edit.mends

    def _admits(self, site: Site, shift: Any) -> bool:
        """Return false if no wrong result is mended by what is added to an expression's value."""
        if self.responses is None:
            return True
        self.reached(site)  # this confirms the slopes
        return self.responses.admits(site, shift, self.wrong)

    def is_possible(self, line: Site) -> bool:
        """Return false if no value of a line makes all results right."""
        if self.responses is None:
            return True
        self.reached(line)
        return self.responses.is_possible(line)

    def again(self, edits: Sequence[Edit]) -> Repair | None:
        """Return changes of a narrowed program as a repair of this one, None if it is none."""
        for edit in edits:
            edit.mends, edit.reach = None, self.reach_of(edit)
        return self.repaired(edits)

    def around_of(self, edit: Edit) -> set[int]:
        """Return the ids of the nodes that contain a change."""
        ids, key = {id(edit.owner)}, edit.site.key if edit.site else None
        while key is not None:
            ids.add(id(self.watch.sites[key].owner))
            key = self._above.get(key)
        return ids

    def is_sure(self, edit: Edit) -> bool:
        """Return true if a change mends all wrong results, as the slopes of all of them tell."""
        mends_all = len(self.mendable(edit)) == len(self.wrong) and edit.fits_a_slot
        responses = self.responses
        return mends_all and responses is not None and responses.is_sure(edit, self.wrong)

    def _holds(self, edits: Sequence[Edit], mended: Iterable[str]) -> bool:
        """Return true if the changes also repair the results on the hold-out values.

        Changes that insert values cannot be tested there, and pass.
        """
        if self.judge is None or any(edit.make_hook for edit in edits):
            return True
        expected = self.judge.expected
        right = {k for k, v in self.judge.before.items() if self.same(v, expected[k])}
        results = self.tried(edits, self.judge.call)
        return isinstance(results, Mapping) and all(
            self.same(results.get(name), expected[name]) for name in {*mended, *right}
        )

    def _keeps_loss(self, edits: Sequence[Edit]) -> bool:
        """Return true if changes leave the loss as it is, which runs some of the same functions."""
        if self.loss is None or not any(id(e.code.tree) in self.settled for e in edits):
            return True
        call = self.loss
        after = self.tried(edits, lambda: {"loss": call()})
        return after is not None and self.same(after["loss"], np.asarray(call(), np.float64))

    def reached(self, site: Site) -> frozenset[str]:
        """Return the results that depend on an expression; all results if this is unknown."""
        if site.key not in self._reached:
            results = self.telling
            if is_number(site.value) and not self.is_late:
                try:
                    after, shifts = self.watch.disturbed(site)
                    results = frozenset(
                        k for k in self.telling if not equal(after.get(k), self.before.get(k))
                    )
                    if self.responses is not None:
                        self.responses.confirm(site, shifts, after)
                except FAILURES:  # the code may refuse random numbers
                    pass
            self._reached[site.key] = results
        return self._reached[site.key]

    def _reached_in_recording(self, site: Site, above: frozenset[str]) -> frozenset[str] | None:
        """Return the results that depend on an expression by its slopes, None if a run must tell.

        A run takes too long to be made for every expression of a slow program. Slopes know nothing
        of comparisons and indices: then they disagree with those of the expression around it.
        """
        if site.key in self._reached or not self.is_slow or self.responses is None:
            return None
        names = self.responses.reached(site) & self.telling
        is_known = names and (site.key not in self._above or names == above)
        return names if is_known else None

    def reach_of(self, edit: Edit) -> frozenset[str]:
        """Return the results that a change affects."""
        site = edit.site
        if site is None:
            site = self.lines.get(id(edit.statement))
        return self.reach(site) if site is not None else frozenset(self.expected)

    def watched(self, repair: Repair) -> Watch | None:
        """Return a watched run of the repaired program, None if it fails or has inserted values."""
        if any(edit.make_hook for edit in repair.edits):
            return None
        if repair not in self._watched:
            try:
                with applied(repair.edits):
                    codes = [FunctionSource(code.functions, code.tree) for code in self.codes]
                    self._watched[repair] = Watch(codes, self.call, scopes=False)
            except FAILURES:
                self._watched[repair] = None
        return self._watched[repair]

    def after(self, repair: Repair, edit: Edit) -> Any:
        """Return the value of a changed statement at its first turn; None if it is unknown."""
        watch = self.watched(repair)
        if watch is None:
            return None
        for site in watch.sites:
            if site.statement is edit.statement and site.owner is edit.statement:
                value = site.value
                return value if is_number(value) else None
        return None

    def reach(self, site: Site) -> frozenset[str]:
        """Return the results that depend on an expression; if it is no float, on its parent."""
        if site.key not in self._reached_by:
            recorded = site.trace.values
            above = self._reached_by.get(self._above.get(site.key, -1), self.wrong)
            is_numeric = bool(recorded) and is_number(recorded[0])
            names = self._reached_in_recording(site, above) if is_numeric else above
            self._reached_by[site.key] = self.reached(site) if names is None else names
        return self._reached_by[site.key]

    def result(self, line: Site) -> Any:
        """Return the value of a statement's target after its first turn."""
        names = {**line.code.functions[0].__globals__, **line.trace.scope}
        try:
            return value_of(line.owner, line, Evaluator({id(line.node): line.value}, set(), names))
        except FAILURES:
            return None

    def edits_of(self, site: Site, tier: int) -> list[Edit]:
        """Return the changes of an expression that belong to a tier; each is made and run once."""
        key = site.key, tier
        if key not in self._edits:
            self._edits[key] = list(expression_edits(site, self.around, tier))
        return self._edits[key]

    def within(self, statement: ast.AST, tiers: Iterable[int] = range(3)) -> list[Edit]:
        """Return the changes of a statement and of its expressions, the cheapest first."""
        inside = next((p.near for p in self.watch.sites if p.statement is statement), [])
        edits = [e for t in tiers for p in inside for e in self.edits_of(p, t)]
        edits += [e for t in tiers for e in self.of_statements.of(t).get(id(statement), ())]
        return sorted(edits, key=lambda edit: edit.cost)

    def of_value(self, line: Site, tier: int) -> list[Edit]:
        """Return the changes of a tier that give a statement another value, the cheapest first."""
        edits = [e for p in line.near for e in self.edits_of(p, tier)]
        edits += [
            e for e in self.of_statements.likely if e.old is line.owner and tier_of(e) == tier
        ]
        return sorted(edits, key=lambda edit: edit.cost)
