"""A program that should give other results, and the changes of it that are worth trying."""

from __future__ import annotations

import ast
import builtins
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.changes import exchanges, expression_edits
from chainrule._src.check.code import HOOK, Code
from chainrule._src.check.comparing import scale_of
from chainrule._src.check.edits import Edit, applied, as_load
from chainrule._src.check.right import RightProgram
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.statements import statement_edits
from chainrule._src.check.surroundings import Surroundings
from chainrule._src.check.valuing import OPERATIONS, Worth
from chainrule._src.check.watching import SCOPES, Place, Watch, is_number

SAME = 1e-5  # the norm ratio up to which two gradients are one: small constants in logarithms
AT_ONCE = 500  # changed values that are seen in one run
Results = Mapping[str, Any]


def ratio(a: Any, b: Any) -> float:
    """Return the norm ratio of two gradients: 0 for equal ones, infinite for different shapes."""
    if np.shape(a) != np.shape(b):
        return np.inf
    scale = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(np.subtract(a, b)) / scale) if scale else 0.0


@dataclass(frozen=True)
class Repair:
    """Changes that make some results what they should be, and spoil none."""

    edits: tuple[Edit, ...]
    mended: frozenset[str]

    @property
    def cost(self) -> float:
        """How far the changed program is from what it was."""
        return sum(edit.cost for edit in self.edits)


@dataclass(frozen=True)
class Judge:
    """A program on other values, where a repair must hold as well.

    Attributes
    ----------
    call : callable
        Runs it there.
    wanted, before : mapping
        What it should give there, and what it gives unchanged.
    """

    call: Callable[[], Results]
    wanted: Mapping[str, Array]
    before: Results


class Subject:
    """A program that should give other results than it does.

    Parameters
    ----------
    codes : sequence of Code
        Its functions.
    call : callable
        Runs it; returns results by name.
    wanted : mapping of str to ndarray
        What it should give.
    right : RightProgram, optional
        Whose expressions a change may bring in.
    n : int or None
        The number of samples.
    deadline : float
        Until when changes are tried, as `time.perf_counter` tells it.
    parameters : mapping of str to ndarray
    """

    def __init__(
        self,
        codes: Sequence[Code],
        call: Callable[[], Results],
        wanted: Mapping[str, Array],
        right: RightProgram | None = None,
        n: int | None = None,
        deadline: float = np.inf,
        parameters: Mapping[str, Array] | None = None,
    ) -> None:
        self.codes, self.call, self.wanted = list(codes), call, wanted
        self.deadline, self.parameters = deadline, parameters or {}
        self.judge: Judge | None = None
        self.watch = Watch(codes, call)
        self.before = dict(self.watch.result)
        self.wrong = frozenset(k for k in wanted if not self.same(self.before.get(k), wanted[k]))
        self.around = Surroundings(self.watch, right, n)
        self._watched: dict[Repair, Watch | None] = {}
        self._slots: dict[tuple[int, ...], list[tuple[Code, CodeType]]] = {}
        self._reached: dict[int, frozenset[str]] = {}
        self._reached_by: dict[int, frozenset[str]] = {}
        whole = (p for p in reversed(self.watch.places) if p.owner in (p.statement, p.code.tree))
        self.lines = {id(p.statement): p for p in whole}
        self.suspects: set[int] = set()  # statements whose right value mends all
        inside = {id(p.node): p.key for p in self.watch.places}
        self._above = {
            p.key: inside[id(p.owner)] for p in self.watch.places if id(p.owner) in inside
        }

    @contextlib.contextmanager
    def changed(self, edits: Sequence[Edit]) -> Iterator[Subject]:
        """Have the program with some changes made as another one meanwhile."""
        compiled = self._compiled(edits)
        with applied(edits), contextlib.ExitStack() as stack:
            for code, new in compiled:
                stack.enter_context(code.being(new))
            inner = Subject(self.codes, self.call, self.wanted, self.around.right, self.around.n,
                            self.deadline, self.parameters)  # fmt: skip
            inner.judge = self.judge
            yield inner

    def same(self, given: Any, wanted: Array) -> bool:
        """Whether a result is what it should be."""
        if given is None:
            return False
        try:
            array = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            return False
        if array.shape != wanted.shape:
            return False
        gap = (array - wanted).ravel()
        return bool(gap @ gap <= (2 * SAME) ** 2 * np.vdot(wanted, wanted))

    @property
    def is_late(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.deadline

    def tried(
        self, edits: Sequence[Edit], call: Callable[[], Results] | None = None
    ) -> Results | None:
        """Return the results with some changes made, None where they cannot be run.

        ``call`` runs the program elsewhere than `Subject` does.
        """
        *kept, last = edits
        try:
            if _fits_a_slot(last) and not any(edit.given for edit in kept):
                codes = self._with_slot(kept, last.place)
                new = compile(ast.Expression(last.new), "<changed>", "eval")
                names = last.code.functions[0].__globals__
                hook: Callable[..., Any] = lambda key, scope: eval(new, names, scope)  # noqa: E731
            else:
                codes = self._compiled(edits)
                hooks = {e.place.key: e.given() for e in edits if e.given and e.place}
                hook = lambda key, value: hooks[key](key, value)  # noqa: E731
            with contextlib.ExitStack() as stack:
                for code, compiled in codes:
                    stack.enter_context(code.running(compiled, hook))
                return (call or self.call)()
        except FAILURES:
            return None

    def _compiled(self, edits: Sequence[Edit]) -> list[tuple[Code, CodeType]]:
        """Return the functions that some changes are in, compiled with them."""
        with applied(edits):
            return [(code, code.compiled(code.tree)) for code in {e.code for e in edits}]

    def _with_slot(self, kept: Sequence[Edit], place: Any) -> list[tuple[Code, CodeType]]:
        """Return functions with an expression left open, for the hook to evaluate.

        It is compiled once for all that is tried in this place: a function takes longer to compile
        than to run.
        """
        key = (*map(id, kept), place.key)
        if key not in self._slots:
            local = ast.Call(ast.Name("locals", ast.Load()), [], [])
            given: list[ast.expr] = [ast.Constant(place.key), local]
            call = ast.Call(ast.Name(HOOK, ast.Load()), given, [])
            slot = Edit(place.code, place.owner, place.field, place.index, call, "slot", 0,
                        place.line, place.statement)  # fmt: skip
            self._slots[key] = self._compiled([*kept, slot])
        return self._slots[key]

    def repaired(self, edits: Sequence[Edit]) -> Repair | None:
        """Return the repair that some changes are, None if they mend nothing or spoil something."""
        results = self.tried(edits)
        if not isinstance(results, Mapping):
            return None
        mended = set()
        for name, wanted in self.wanted.items():
            if self.same(results.get(name), wanted):
                mended.add(name)
            elif name not in self.wrong:
                return None
        mended &= self.wrong
        if not mended or not self._holds(edits, mended):
            return None
        return Repair(tuple(edits), frozenset(mended))

    def _holds(self, edits: Sequence[Edit], mended: Iterable[str]) -> bool:
        """Whether changes mend the same on other values; of values alone that cannot be told."""
        if self.judge is None or any(edit.given for edit in edits):
            return True
        wanted = self.judge.wanted
        right = {k for k, v in self.judge.before.items() if self.same(v, wanted[k])}
        results = self.tried(edits, self.judge.call)
        return isinstance(results, Mapping) and all(
            self.same(results.get(name), wanted[name]) for name in {*mended, *right}
        )

    def reached(self, place: Place) -> frozenset[str]:
        """Return which results an expression reaches; all where that cannot be told."""
        if place.key not in self._reached:
            found = frozenset(self.wanted)
            if is_number(place.value):
                try:
                    after = self.watch.disturbed(place)
                    found = frozenset(
                        k for k in self.wanted if not _equal(after.get(k), self.before.get(k))
                    )
                except FAILURES:  # it may refuse odd numbers
                    pass
            self._reached[place.key] = found
        return self._reached[place.key]

    def reach_of(self, edit: Edit) -> frozenset[str]:
        """Return the results that a change reaches."""
        place = edit.place
        if place is None:
            place = self.lines.get(id(edit.statement))
        return self.reach(place) if place is not None else frozenset(self.wanted)

    def watched(self, repair: Repair) -> Watch | None:
        """Return the program watched with some changes made, None where that cannot be."""
        if any(edit.given for edit in repair.edits):
            return None
        if repair not in self._watched:
            try:
                with applied(repair.edits):
                    codes = [Code(code.functions, code.tree) for code in self.codes]
                    self._watched[repair] = Watch(codes, self.call)
            except FAILURES:
                self._watched[repair] = None
        return self._watched[repair]

    def after(self, repair: Repair, edit: Edit) -> Any:
        """Return what a changed statement gives at its first turn; None if that is not seen."""
        watch = self.watched(repair)
        if watch is None:
            return None
        for place in watch.places:
            if place.statement is edit.statement and place.owner is edit.statement:
                value = place.value
                return value if is_number(value) else None
        return None

    def stage(self, kind: int, tier: int) -> list[Edit]:
        """Return the changes of a stage, the cheapest and likeliest first."""
        found = list(self.exchanged(kind) if tier == EXCHANGED else self.changes(kind, tier))
        for edit in found:
            edit.reach = self.reach_of(edit)
        return sorted(found, key=lambda edit: edit.cost)

    def reach(self, place: Place) -> frozenset[str]:
        """Return the results that an expression reaches, or those of what it is part of."""
        if place.key not in self._reached_by:
            seen = place.seen.values
            above = self._reached_by.get(self._above.get(place.key, -1), self.wrong)
            known = bool(seen) and is_number(seen[0])
            self._reached_by[place.key] = self.reached(place) if known else above
        return self._reached_by[place.key]

    def _kind(self, reach: frozenset[str]) -> int | None:
        """Return which group a change with this reach is in; None: it reaches nothing wrong."""
        if not reach & self.wrong:
            return None
        return ALL if reach == self.wrong else PART if reach < self.wrong else SPREAD

    def suspect(self, edit: Edit) -> None:
        """Note the line whose right value mends all; a factor alone may be missing behind it."""
        if edit.given is None or edit.place is None:
            return
        right = edit.given()(0, None)
        if scale_of(edit.place.value, right) is None:
            self.suspects.add(id(edit.statement))

    def _is_behind_suspects(self, place: Place) -> bool:
        """Whether an expression is beyond the first of the suspects, and in none of them."""
        if not self.suspects or id(place.statement) in self.suspects:
            return False
        return place.seen.order > min(self.lines[key].seen.order for key in self.suspects)

    def changes(self, kind: int, tier: int) -> Iterator[Edit]:
        """Yield the changes of expressions and statements."""
        for place in self.watch.places:
            if self.is_late or self._kind(self.reach(place)) != kind:
                continue
            if tier and self._is_behind_suspects(place):
                continue
            if place.seen.values or not _is_hooked_kind(place):
                yield from expression_edits(place, self.around, tier)
        for edit in () if self.is_late else self.of_statements:
            line = self.lines.get(id(edit.statement))
            reach = self.wrong if line is None else self.reach(line)
            if self._kind(reach) == kind and tier == _tier(edit):
                yield edit

    @cached_property
    def of_statements(self) -> list[Edit]:
        """The changes of whole statements."""
        return [edit for code in self.codes for edit in statement_edits(code, self.around)]

    def unknown(self, is_whole: bool) -> list[Place]:
        """Return the statements whose value the right program has not, in the order they run.

        ``is_whole``: of those that reach all that is wrong, those last that read such a value;
        else of the others, without those that do.
        """
        known = self.around.right.known if self.around.right else None
        first: list[Place] = []
        later: list[Place] = []
        before: list[Any] = []
        spoilt: dict[Code, set[str]] = defaultdict(set)  # variables that hold such values
        for place in sorted(self.lines.values(), key=lambda place: place.seen.order):
            value = self.result(place)
            if known is None or not is_number(value) or (np.ndim(value) and not np.ptp(value)):
                continue
            again = np.size(value) > 1 and any(np.array_equal(value, other) for other in before)
            before.append(value)
            reach = self.reach(place) & self.wrong
            if reach and (again or not known.has(value)):
                if (reach == self.wrong) == is_whole:
                    (later if read_by(place) & spoilt[place.code] else first).append(place)
                spoilt[place.code] |= targets_of(place)
        return [*first, *later] if is_whole else first

    def result(self, line: Place) -> Any:
        """Return what a statement's target is worth behind its first turn."""
        names = {**line.code.functions[0].__globals__, **line.seen.scope}
        try:
            return _result(line.owner, line, Worth({id(line.node): line.value}, set(), names))
        except FAILURES:
            return None

    def understood(self, line: Place, tier: int) -> list[Edit]:
        """Return a statement's changes, of a tier, after which the right program has its value.

        They are evaluated where the statement first stands, in a run that ends there.
        """
        assert self.around.right is not None
        known = {id(p.node): p.seen.values[0] for p in self.watch.places
                 if p.statement is line.statement and p.seen.values}  # fmt: skip
        edits = self.within(line.statement, [tier])
        values: list[Any] = []

        def hook(key: int, scope: dict[str, Any]) -> Any:
            names = {"__builtins__": builtins, **line.code.functions[0].__globals__, **scope}
            for edit in edits[len(values) : len(values) + AT_ONCE]:
                try:
                    with applied([edit]):
                        worth = Worth(known, self._around(edit), names)
                        new = edit.new if edit.old is line.owner else line.owner
                        values.append(_result(new, line, worth))
                except Exception:  # what is changed need not make sense
                    values.append(None)
            raise _Seen

        for _ in range(0, len(edits), AT_ONCE):
            with contextlib.suppress(_Seen, *FAILURES), contextlib.ExitStack() as stack:
                for code, changed in self._with_slot((), line):
                    stack.enter_context(code.running(changed, hook))
                self.call()
        right = self.around.right.known
        pairs = zip(edits, values, strict=False)
        found = [e for e, value in pairs if is_number(value) and right.has(value, parts=True)]
        for edit in found:
            edit.reach = self.reach_of(edit)
        return found

    def _around(self, edit: Edit) -> set[int]:
        """Return the ids of the nodes that a change is part of."""
        found, key = {id(edit.owner)}, edit.place.key if edit.place else None
        while key is not None:
            found.add(id(self.watch.places[key].owner))
            key = self._above.get(key)
        return found

    def within(self, statement: ast.AST, tiers: Iterable[int] = range(3)) -> list[Edit]:
        """Return the changes of a statement and of its expressions, the cheapest first."""
        inside = [p for p in self.watch.places if p.statement is statement]
        found = [e for t in tiers for p in inside for e in expression_edits(p, self.around, t)]
        found += [e for e in self.of_statements if e.statement is statement and _tier(e) in tiers]
        return sorted(found, key=lambda edit: edit.cost)

    def exchanged(self, kind: int) -> Iterator[Edit]:
        """Yield values of the right program in the place of statements' values."""
        for place in self.watch.places:
            whole = place.owner is place.statement and place.seen.values
            if whole and not self.is_late and self._kind(self.reach(place)) == kind:
                yield from exchanges(place, self.around)


def targets_of(line: Place) -> set[str]:
    """Return the variables that a statement gives a value, or a part of one."""
    found = set()
    for target in getattr(line.owner, "targets", [getattr(line.owner, "target", None)]):
        parts = target.elts if isinstance(target, ast.Tuple) else [target] if target else []
        for part in parts:
            while isinstance(part, ast.Subscript):
                part = part.value
            found.add(ast.unparse(part))
    return found


def read_by(line: Place) -> set[str]:
    """Return the variables that a statement's value is made of."""
    nodes = ast.walk(line.node)
    return {ast.unparse(node) for node in nodes if isinstance(node, ast.Name | ast.Attribute)}


def _tier(edit: Edit) -> int:
    """Return the tier of a change of a statement."""
    return 0 if edit.cost < 1.5 else 1 if edit.cost < 2 else 2


def _result(statement: Any, line: Place, worth: Worth) -> Any:
    """Return what a statement's target is worth behind it; of a part of an array, the array."""
    if line.field != "value":
        return worth.of(statement.body) if isinstance(statement, ast.Lambda) else None
    value = worth.of(statement.value)
    target = getattr(statement, "target", None) or getattr(statement, "targets", [None])[0]
    if isinstance(statement, ast.AugAssign):
        value = OPERATIONS[type(statement.op)](worth.of(as_load(target)), value)
    if isinstance(target, ast.Subscript):
        base = worth.of(as_load(target.value))
        if isinstance(base, np.ndarray):
            base = base.copy()
            base[worth.of(target.slice)] = value
            return base
    return value


class _Seen(BaseException):
    """Ends a run whose values were seen; no ``except Exception`` takes it for its own."""


# Changes reach all that is wrong and nothing else, or a part of it, or right results too.
ALL, PART, SPREAD = 0, 1, 2
EXCHANGED = -1
STAGES = [
    *[(kind, tier) for kind in (ALL, PART) for tier in (0, EXCHANGED, 1, 2)],
    *[(SPREAD, tier) for tier in (0, 1, 2)],
]


def _fits_a_slot(edit: Edit) -> bool:
    """Whether a change can be evaluated apart from the function that it is in."""
    return (
        edit.place is not None
        and edit.given is None
        and isinstance(edit.new, ast.expr)
        and not edit.place.nested
        and not isinstance(edit.new, ast.Slice | ast.Starred)
        and not any(isinstance(node, SCOPES) or _is_private(node) for node in ast.walk(edit.new))
        and edit.field == edit.place.field
    )


def _is_private(node: ast.AST) -> bool:
    """Whether a name holds that of its class where it is compiled."""
    name = str(getattr(node, "attr", getattr(node, "id", "")))
    return name.startswith("__") and not name.endswith("__")


def _is_hooked_kind(place: Place) -> bool:
    return isinstance(place.node, ast.BinOp | ast.Call | ast.UnaryOp) and place.field != "func"


def _equal(a: Any, b: Any) -> bool:
    try:
        return np.shape(a) == np.shape(b) and bool(
            np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-9, atol=1e-300)
        )
    except (TypeError, ValueError):
        return a is b
