"""A program with wrong results, and the changes to try."""

from __future__ import annotations

import ast
import builtins
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.changes import exchanges, expression_edits
from chainrule._src.check.clock import Deadline
from chainrule._src.check.code import HOOK, FunctionSource
from chainrule._src.check.comparing import scale_of
from chainrule._src.check.edits import Edit, applied, as_load, called_name
from chainrule._src.check.right import RightProgram
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.statements import statement_edits
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.valuing import OPERATIONS, Evaluator
from chainrule._src.check.watching import SCOPES, Site, Watch, is_number

SAME = 1e-5  # the norm ratio up to which two gradients are equal (an epsilon in a logarithm)
ROUNDING = 1e-10  # the size of a zero, as a share of the largest result
MOST_SUSPICIOUS = 8  # lines with an unknown value of which all changes are tried
MOST_SOURCES = 4  # lines before the first wrong one that are searched with it
AT_ONCE = 500  # changes that are evaluated in one run
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
        self.telling = frozenset(expected) - frozenset(silent)  # results that are not zero
        self.watch = Watch(codes, call)
        self.before = dict(self.watch.result)
        self.wrong = frozenset(
            k for k in expected if not self.same(self.before.get(k), expected[k])
        )
        self.around = BuildingBlocks(self.watch, right, n)
        self._watched: dict[Repair, Watch | None] = {}
        self._slots: dict[tuple[int, ...], list[tuple[FunctionSource, CodeType]]] = {}
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
        inside = {id(p.node): p.key for p in self.watch.sites}
        self._above = {
            p.key: inside[id(p.owner)] for p in self.watch.sites if id(p.owner) in inside
        }

    @contextlib.contextmanager
    def changed(self, edits: Sequence[Edit]) -> Iterator[FaultyProgram]:
        """Context manager: apply changes, and yield the result as a new `FaultyProgram`."""
        compiled = self._compiled(edits)
        with applied(edits), contextlib.ExitStack() as stack:
            for code, new in compiled:
                stack.enter_context(code.being(new))
            inner = FaultyProgram(self.codes, self.call, self.expected, self.around.right,
                                  self.around.n, self.deadline, self.parameters)  # fmt: skip
            inner.judge, inner.settled, inner.loss = self.judge, self.settled, self.loss
            yield inner

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
            known = ~np.isnan(right)
            gap, right = gap[known], right[known]
            square = gap @ gap
        return bool(square <= (2 * SAME) ** 2 * (right @ right) + self.rounding)

    @property
    def is_late(self) -> bool:
        """True if the deadline has passed."""
        return self.deadline is not None and self.deadline.has_passed

    def part_of_time(self, share: float) -> Deadline:
        """Return a deadline after a share of the time that is left."""
        left = 3600.0 if self.deadline is None else self.deadline.left
        return Deadline(share * left, self.deadline)

    def tried(
        self, edits: Sequence[Edit], call: Callable[[], Results] | None = None
    ) -> Results | None:
        """Return the results of the changed program, None if it fails.

        ``call`` may run the program on other values than the subject's.
        """
        *earlier, last = edits
        try:
            if _fits_a_slot(last) and not any(edit.make_hook for edit in earlier):
                codes = self._with_slot(earlier, last.site)
                new = compile(ast.Expression(last.new), "<changed>", "eval")
                names = last.code.functions[0].__globals__
                hook: Callable[..., Any] = lambda key, scope: eval(new, names, scope)  # noqa: E731
            else:
                codes = self._compiled(edits)
                hooks = {e.site.key: e.make_hook() for e in edits if e.make_hook and e.site}
                hook = lambda key, value: hooks[key](key, value)  # noqa: E731
            with contextlib.ExitStack() as stack:
                for code, compiled in codes:
                    stack.enter_context(code.running(compiled, hook))
                return (call or self.call)()
        except FAILURES:
            return None

    def _compiled(self, edits: Sequence[Edit]) -> list[tuple[FunctionSource, CodeType]]:
        """Return the functions that changes touch, each with its changed code object."""
        with applied(edits):
            return [(code, code.compiled(code.tree)) for code in {e.code for e in edits}]

    def _with_slot(
        self, earlier: Sequence[Edit], site: Any
    ) -> list[tuple[FunctionSource, CodeType]]:
        """Return functions in which the hook evaluates one expression.

        They are compiled once for all changes of this expression: compiling a function takes longer
        than running it.
        """
        key = (*map(id, earlier), site.key)
        if key not in self._slots:
            local = ast.Call(ast.Name("locals", ast.Load()), [], [])
            arguments: list[ast.expr] = [ast.Constant(site.key), local]
            call = ast.Call(ast.Name(HOOK, ast.Load()), arguments, [])
            slot = Edit(site.code, site.owner, site.field, site.index, call, "slot", 0,
                        site.line, site.statement)  # fmt: skip
            self._slots[key] = self._compiled([*earlier, slot])
        return self._slots[key]

    def repaired(self, edits: Sequence[Edit]) -> Repair | None:
        """Return changes as a repair, None if they repair no result or make a right one wrong."""
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
        """Return true if changes behind statements that decide the loss leave it as it is."""
        if self.loss is None or not any(id(e.statement) in self.settled for e in edits):
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
                    after = self.watch.disturbed(site)
                    results = frozenset(
                        k for k in self.telling if not _equal(after.get(k), self.before.get(k))
                    )
                except FAILURES:  # the code may refuse random numbers
                    pass
            self._reached[site.key] = results
        return self._reached[site.key]

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
                    self._watched[repair] = Watch(codes, self.call)
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

    def stage(self, kind: int, tier: int) -> list[Edit]:
        """Return the changes of a stage, the cheapest and likeliest first."""
        edits = list(self.exchanged(kind) if tier == EXCHANGED else self.changes(kind, tier))
        for edit in edits:
            edit.reach = self.reach_of(edit)
        return sorted(edits, key=lambda edit: edit.cost)

    def reach(self, site: Site) -> frozenset[str]:
        """Return the results that depend on an expression; if it is no float, on its parent."""
        if site.key not in self._reached_by:
            recorded = site.trace.values
            above = self._reached_by.get(self._above.get(site.key, -1), self.wrong)
            is_numeric = bool(recorded) and is_number(recorded[0])
            self._reached_by[site.key] = self.reached(site) if is_numeric else above
        return self._reached_by[site.key]

    def _kind(self, reach: frozenset[str]) -> int | None:
        """Return the group (ALL, PART, SPREAD) of a change by the results it affects.

        None if it affects no wrong result.
        """
        if not reach & self.wrong:
            return None
        return ALL if reach == self.wrong else PART if reach < self.wrong else SPREAD

    def suspect(self, edit: Edit) -> None:
        """Record a line whose right value repairs all results.

        Not if it differs by a factor only: the factor may be missing in a later line.
        """
        if edit.make_hook is None or edit.site is None:
            return
        right = edit.make_hook()(0, None)
        if scale_of(edit.site.value, right) is None:
            self.suspects.add(id(edit.statement))

    def _is_behind_suspects(self, site: Site) -> bool:
        """Return true if an expression runs after the first suspect line, in another line."""
        if not self.suspects or id(site.statement) in self.suspects:
            return False
        return site.trace.order > min(self.lines[key].trace.order for key in self.suspects)

    def changes(self, kind: int, tier: int) -> Iterator[Edit]:
        """Yield the changes of expressions and statements."""
        for site in self.watch.sites:
            if id(site.statement) in self.settled or id(site.statement) in self.searched:
                continue
            if self.is_late or self._kind(self.reach(site)) != kind:
                continue
            if tier and self._is_behind_suspects(site):
                continue
            if site.trace.values or not _is_hooked_kind(site):
                yield from expression_edits(site, self.around, tier)
        for edit in () if self.is_late else self.of_statements:
            if id(edit.statement) in self.settled and edit.kind not in ADDED:
                continue
            if id(edit.statement) in self.searched:
                continue
            line = self.lines.get(id(edit.statement))
            reach = self.wrong if line is None else self.reach(line)
            if self._kind(reach) == kind and tier == _tier(edit):
                yield edit

    @cached_property
    def of_statements(self) -> list[Edit]:
        """The changes of whole statements."""
        edits: list[Edit] = []
        for code in self.codes:
            for edit in statement_edits(code, self.around):
                if self.is_late:
                    return edits
                edits.append(edit)
        return edits

    def unknown(self, is_whole: bool) -> list[Site]:
        """Return the statements whose value is not in the right program, in the order they run.

        If ``is_whole``, those that affect all wrong results; the ones that read such a value come
        last. Otherwise those that affect a part, without the ones that read such a value.
        """
        table = self.around.right.table if self.around.right else None
        first: list[Site] = []
        later: list[Site] = []
        before: list[Any] = []
        spoilt: dict[FunctionSource, set[str]] = defaultdict(set)  # variables that hold such values
        for site in sorted(self.lines.values(), key=lambda site: site.trace.order):
            value = self.result(site)
            if table is None or not is_number(value) or (np.ndim(value) and not np.ptp(value)):
                continue
            again = np.size(value) > 1 and any(np.array_equal(value, other) for other in before)
            before.append(value)
            reach = self.reach(site) & self.wrong
            if reach and (again or not table.has(value)) and id(site.statement) not in self.settled:
                if (reach == self.wrong) == is_whole:
                    (later if read_by(site) & spoilt[site.code] else first).append(site)
                spoilt[site.code] |= targets_of(site)
        sources = [site for line in first[:1] for site in self.sources(line)]
        return [*first, *sources, *later] if is_whole else first

    def sources(self, line: Site) -> list[Site]:
        """Return the statements from whose values a line goes wrong, the nearest first.

        Such a value may be one of the right program, but of another place: a slope is missing.
        """
        sources: list[Site] = []
        names = read_by(line)
        order = line.trace.order
        for site in sorted(self.lines.values(), key=lambda site: -site.trace.order):
            before = site.code is line.code and site.trace.order < order
            if (
                before
                and targets_of(site) & names
                and id(site.statement) not in self.settled
                and is_number(site.value)
                and self.reach(site) & self.wrong
            ):
                sources.append(site)
                names |= read_by(site)
        return sources[:MOST_SOURCES]

    def multiples(self) -> list[Site]:
        """Return the statements whose value is right but for the average over the samples."""
        table, n = self.around.right.table if self.around.right else None, self.around.n
        lines = sorted(self.lines.values(), key=lambda site: site.trace.order)
        if table is None or not n:
            return []
        return [
            line
            for line in lines
            if id(line.statement) not in self.settled
            and {m.factor for m in table.matches(self.result(line)) if m.value.sample is None}
            == {n}
            and self.reach(line) & self.wrong
        ]

    def suspicious(self) -> list[Site]:
        """Return the statements that go wrong first, and those that call their functions."""
        some = self.unknown(False)[:MOST_SUSPICIOUS]
        before = [site for line in some[:1] for site in self.sources(line)]
        lines = [*self.unknown(True)[:MOST_SUSPICIOUS], *before, *some]
        names = {line.code.code_object.co_name for line in lines}
        calls = {id(p.statement) for p in self.watch.sites if called_name(p.node) in names}
        callers = [p for key, p in self.lines.items() if key in calls and key not in self.settled]
        return list({id(p.statement): p for p in (*lines, *callers)}.values())

    def result(self, line: Site) -> Any:
        """Return the value of a statement's target after its first turn."""
        names = {**line.code.functions[0].__globals__, **line.trace.scope}
        try:
            return _result(line.owner, line, Evaluator({id(line.node): line.value}, set(), names))
        except FAILURES:
            return None

    def understood(self, line: Site, tier: int) -> list[Edit]:
        """Return a statement's changes of a tier that give it a value of the right program.

        They are evaluated at the statement's first turn, in a run that ends there.
        """
        assert self.around.right is not None
        recorded = {id(p.node): p.trace.values[0] for p in self.watch.sites
                 if p.statement is line.statement and p.trace.values}  # fmt: skip
        edits = self.within(line.statement, [tier])
        values: list[Any] = []

        def hook(key: int, scope: dict[str, Any]) -> Any:
            names = {"__builtins__": builtins, **line.code.functions[0].__globals__, **scope}
            for edit in edits[len(values) : len(values) + AT_ONCE]:
                try:
                    with applied([edit]):
                        evaluator = Evaluator(recorded, self._around(edit), names)
                        new = edit.new if edit.old is line.owner else line.owner
                        values.append(_result(new, line, evaluator))
                except Exception:  # a changed expression may be meaningless
                    values.append(None)
            raise _EndOfRun

        for _ in range(0, len(edits), AT_ONCE):
            with contextlib.suppress(_EndOfRun, *FAILURES), contextlib.ExitStack() as stack:
                for code, changed in self._with_slot((), line):
                    stack.enter_context(code.running(changed, hook))
                self.call()
        right = self.around.right.table
        pairs = zip(edits, values, strict=False)
        before = self.result(line)
        matching = [
            edit
            for edit, value in pairs
            if is_number(value) and not _equal(value, before) and right.has(value, parts=True)
        ]
        for edit in matching:
            edit.reach = self.reach_of(edit)
        return matching

    def _around(self, edit: Edit) -> set[int]:
        """Return the ids of the nodes that contain a change."""
        ids, key = {id(edit.owner)}, edit.site.key if edit.site else None
        while key is not None:
            ids.add(id(self.watch.sites[key].owner))
            key = self._above.get(key)
        return ids

    def within(self, statement: ast.AST, tiers: Iterable[int] = range(3)) -> list[Edit]:
        """Return the changes of a statement and of its expressions, the cheapest first."""
        inside = [p for p in self.watch.sites if p.statement is statement]
        edits = [e for t in tiers for p in inside for e in expression_edits(p, self.around, t)]
        edits += [e for e in self.of_statements if e.statement is statement and _tier(e) in tiers]
        return sorted(edits, key=lambda edit: edit.cost)

    def exchanged(self, kind: int) -> Iterator[Edit]:
        """Yield the changes that replace a statement's value by one of the right program."""
        for site in self.watch.sites:
            is_statement = site.owner is site.statement and site.trace.values
            is_statement = is_statement and id(site.statement) not in self.settled
            if is_statement and not self.is_late and self._kind(self.reach(site)) == kind:
                yield from exchanges(site, self.around)


def targets_of(line: Site) -> set[str]:
    """Return the variables that a statement assigns or changes in place."""
    names = set()
    for target in getattr(line.owner, "targets", [getattr(line.owner, "target", None)]):
        parts = target.elts if isinstance(target, ast.Tuple) else [target] if target else []
        for part in parts:
            while isinstance(part, ast.Subscript):
                part = part.value
            names.add(ast.unparse(part))
    return names


def read_by(line: Site) -> set[str]:
    """Return the variables that a statement's value reads."""
    nodes = ast.walk(line.node)
    return {ast.unparse(node) for node in nodes if isinstance(node, ast.Name | ast.Attribute)}


def _tier(edit: Edit) -> int:
    """Return the tier of a change of a statement."""
    return 0 if edit.cost < 1.5 else 1 if edit.cost < 2 else 2


def _result(statement: Any, line: Site, evaluator: Evaluator) -> Any:
    """Return the value of a statement's target after it; for an array's entry, the array."""
    if line.field != "value":
        return evaluator.of(statement.body) if isinstance(statement, ast.Lambda) else None
    value = evaluator.of(statement.value)
    target = getattr(statement, "target", None) or getattr(statement, "targets", [None])[0]
    if isinstance(statement, ast.AugAssign):
        value = OPERATIONS[type(statement.op)](evaluator.of(as_load(target)), value)
    if isinstance(target, ast.Subscript):
        base = evaluator.of(as_load(target.value))
        if isinstance(base, np.ndarray):
            base = base.copy()
            base[evaluator.of(target.slice)] = value
            return base
    return value


class _EndOfRun(BaseException):
    """Ends a run early; a BaseException, which ``except Exception`` does not catch."""


# A change affects exactly the wrong results, or a part of them, or right results too.
ALL, PART, SPREAD = 0, 1, 2
EXCHANGED = -1
ADDED = ("missing line", "missing divisor", "missing term", "missing factor")  # behind a statement
STAGES = [
    *[(kind, tier) for kind in (ALL, PART) for tier in (0, 1, EXCHANGED, 2)],
    *[(SPREAD, tier) for tier in (0, 1, 2)],
]


def _fits_a_slot(edit: Edit) -> bool:
    """Return true if a change can be evaluated on its own, outside its function."""
    return (
        edit.site is not None
        and edit.make_hook is None
        and isinstance(edit.new, ast.expr)
        and not edit.site.nested
        and not isinstance(edit.new, ast.Slice | ast.Starred)
        and not any(isinstance(node, SCOPES) or _is_private(node) for node in ast.walk(edit.new))
        and edit.field == edit.site.field
    )


def _is_private(node: ast.AST) -> bool:
    """Return true if Python mangles a name: two leading underscores, no trailing ones."""
    name = str(getattr(node, "attr", getattr(node, "id", "")))
    return name.startswith("__") and not name.endswith("__")


def _is_hooked_kind(site: Site) -> bool:
    return isinstance(site.node, ast.BinOp | ast.Call | ast.UnaryOp) and site.field != "func"


def _equal(a: Any, b: Any) -> bool:
    try:
        return np.shape(a) == np.shape(b) and bool(
            np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-9, atol=1e-300)
        )
    except (TypeError, ValueError):
        return a is b
