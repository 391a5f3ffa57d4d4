"""The statements in which a program goes wrong, and their changes that give right values."""

from __future__ import annotations

import ast
import builtins
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.comparing import scale_of
from chainrule._src.check.edits import Edit, applied, called_name
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.settled import outermost
from chainrule._src.check.subject import FaultyProgram
from chainrule._src.check.valuing import Evaluator, equal, value_of
from chainrule._src.check.watching import Site, is_number

MOST_SUSPICIOUS = 8  # lines with an unknown value of which all changes are tried
MOST_SOURCES = 4  # lines before the first wrong one that are searched with it
AT_ONCE = 500  # changes that are evaluated in one run


def unknown(subject: FaultyProgram, is_whole: bool) -> list[Site]:
    """Return the statements whose value is not in the right program, in the order they run.

    If ``is_whole``, those that affect all wrong results; the ones that read such a value come
    last. Otherwise those that affect a part, without the ones that read such a value.
    """
    table = subject.around.right.table if subject.around.right else None
    first: list[Site] = []
    later: list[Site] = []
    before: list[Any] = []
    meaning = subject.meaning
    passed_over = subject.settled | meaning.right.keys()
    spoilt: dict[FunctionSource, set[str]] = defaultdict(set)  # variables that hold such values
    for site in sorted(subject.lines.values(), key=lambda site: site.trace.order):
        if table is None or id(site.statement) in passed_over:
            continue
        value = subject.result(site)
        if not is_number(value) or (np.ndim(value) and not np.ptp(value)):
            continue
        again = np.size(value) > 1 and any(np.array_equal(value, other) for other in before)
        before.append(value)
        reach = subject.reach(site) & subject.wrong
        if reach and (again or site is meaning.first or not table.has(value)):
            if (reach == subject.wrong) == is_whole:
                (later if read_by(site) & spoilt[site.code] else first).append(site)
            spoilt[site.code] |= targets_of(site)
    first.sort(key=lambda site: site not in meaning.lines)
    before_first = [site for line in first[:1] for site in sources(subject, line)]
    return [*first, *before_first, *later] if is_whole else first


def departures(subject: FaultyProgram, *, partly: bool = False) -> list[Site]:
    """Return the expressions that depart from the right program, in the order they run.

    They are values of statements, arguments and the like. At some turn such an expression has a
    value that the right program does not have, and it reaches all wrong results, and no right one;
    if ``partly``, it reaches a wrong one. A name passes on what was computed before; where the
    variable was filled entry by entry, the line departs that filled it. Numbers that are added up
    come last: they may be terms of a product.
    """
    table = subject.around.right.table if subject.around.right else None
    passed_over = subject.settled | subject.ruled_out | subject.meaning.right.keys()
    sites = [p for p in outermost(subject.watch) if table and id(p.statement) not in passed_over]
    turns = [(t, p, v) for p in sites for t, v in zip(p.trace.times, p.trace.values, strict=True)]
    departing: dict[int, tuple[Site, Site]] = {}  # each expression, and that which fills it
    for time, site, value in sorted(turns, key=lambda each: each[0]):
        if site.key in departing or not is_number(value) or not np.isfinite(value).all():
            continue
        filled = subject.meaning.filled(site, time) if isinstance(site.node, ast.Name) else site
        is_right = table and (table.has if filled is not site else table.knows)(value)
        if table and filled and not is_right:
            departing[site.key] = filled, site
    reached = [(p, subject.reach(site)) for p, site in departing.values()]
    reached = list({p.key: (p, names) for p, names in reversed(reached)}.values())[::-1]
    all_wrong = [p for p, names in reached if names == subject.wrong]
    some = [p for p, names in reached if names & subject.wrong] if partly else all_wrong
    return sorted(some, key=lambda p: isinstance(p.owner, ast.AugAssign) and not np.ndim(p.value))


def sources(subject: FaultyProgram, line: Site) -> list[Site]:
    """Return the statements from whose values a line goes wrong, the nearest first.

    Such a value may be one of the right program, but of another place: a slope is missing.
    """
    lines: list[Site] = []
    names = read_by(line)
    order = line.trace.order
    for site in sorted(subject.lines.values(), key=lambda site: -site.trace.order):
        before = site.code is line.code and site.trace.order < order
        if (
            before
            and targets_of(site) & names
            and id(site.statement) not in subject.settled
            and is_number(site.value)
            and subject.reach(site) & subject.wrong
        ):
            lines.append(site)
            names |= read_by(site)
    return lines[:MOST_SOURCES]


def has_common_factor(subject: FaultyProgram) -> bool:
    """Return true if all wrong results are the same multiple of the right ones."""
    factors = []
    for name in subject.wrong:
        try:
            result = np.asarray(subject.before.get(name), np.float64)
        except (TypeError, ValueError):  # no array of numbers
            return False
        factors.append(scale_of(result, subject.expected[name]) or 0.0)
    return 0.0 not in factors and float(np.ptp(factors)) <= 1e-4 * abs(factors[0])


def multiples(subject: FaultyProgram) -> list[Site]:
    """Return the statements whose value is right but for the average over the samples."""
    table, n = subject.around.right.table if subject.around.right else None, subject.around.n
    lines = sorted(subject.lines.values(), key=lambda site: site.trace.order)
    if table is None or not n:
        return []
    return [
        line
        for line in lines
        if id(line.statement) not in subject.settled
        and {m.factor for m in table.matches(subject.result(line)) if m.value.sample is None} == {n}
        and subject.reach(line) & subject.wrong
    ]


def suspicious(subject: FaultyProgram) -> list[Site]:
    """Return the statements that go wrong first, and those that call their functions."""
    some = unknown(subject, False)[:MOST_SUSPICIOUS]
    before = [site for line in some[:1] for site in sources(subject, line)]
    lines = [*unknown(subject, True)[:MOST_SUSPICIOUS], *before, *some]
    names = {line.code.code_object.co_name for line in lines}
    calls = {id(p.statement) for p in subject.watch.sites if called_name(p.node) in names}
    callers = [p for key, p in subject.lines.items() if key in calls and key not in subject.settled]
    return list({id(p.statement): p for p in (*lines, *callers)}.values())


def understood(subject: FaultyProgram, line: Site, tier: int) -> list[Edit]:
    """Return a statement's changes of a tier that give it a value of the right program.

    They are evaluated at the statement's first turn, in a run that ends there.
    """
    assert subject.around.right is not None
    recorded = {id(p.node): p.trace.values[0] for p in subject.watch.sites
             if p.statement is line.statement and p.trace.values}  # fmt: skip
    if not subject.is_possible(line):
        return []
    edits = [e for e in subject.of_value(line, tier) if subject.mendable(e)]
    if subject.reach(line) >= subject.wrong and not subject.seeks_parts:
        whole = {e: None for e in edits if len(subject.mendable(e)) == len(subject.wrong)}
        subject.deferred.update(dict.fromkeys(e for e in edits if e not in whole))
        edits = list(whole)
    sure = [e for e in edits if subject.is_sure(e)]
    edits = [e for e in edits if not subject.is_sure(e)]
    values: list[Any] = []

    def hook(key: int, scope: dict[str, Any]) -> Any:
        names = {"__builtins__": builtins, **line.code.functions[0].__globals__, **scope}
        for edit in edits[len(values) : len(values) + AT_ONCE]:
            try:
                with applied([edit]):
                    evaluator = Evaluator(recorded, subject.around_of(edit), names)
                    new = edit.new if edit.old is line.owner else line.owner
                    values.append(value_of(new, line, evaluator))
            except Exception:  # a changed expression may be meaningless
                values.append(None)
        raise _EndOfRun

    for _ in range(0, len(edits), AT_ONCE) if edits else ():
        with contextlib.suppress(_EndOfRun, *FAILURES), contextlib.ExitStack() as stack:
            for code, changed in subject.compiler.with_slot(line):
                stack.enter_context(code.running(changed, hook))
            subject.call()
    right = subject.around.right.table
    pairs = zip(edits, values, strict=False)
    before = subject.result(line)
    matching = [
        edit
        for edit, value in pairs
        if is_number(value) and not equal(value, before) and right.has(value, parts=True)
    ]
    matching = sorted([*sure, *matching], key=lambda edit: edit.cost)
    for edit in matching:
        edit.reach = subject.reach_of(edit)
    return matching


def first_steps(subject: FaultyProgram) -> Iterator[Edit]:
    """Yield changes that make lines right: the missing average, then those of unknown lines."""
    for line in multiples(subject)[:-4:-1]:
        inside = subject.within(line.statement, (0, 1))
        yield from [e for e in inside if e.kind == "missing divisor" and _by_count(e, subject)][:1]
    for line in (*unknown(subject, True)[:3], *unknown(subject, False)[:3]):
        for tier in range(3):
            yield from understood(subject, line, tier)[:2]


def _by_count(edit: Edit, subject: FaultyProgram) -> bool:
    """Return true if a change divides by the number of samples."""
    site = edit.site or subject.lines.get(id(edit.statement))
    text = ast.unparse(edit.detail)
    named = [*subject.around.named(site), *subject.around.count(site)] if site is not None else []
    return any(t == text and np.ndim(v) == 0 and v == subject.around.n for _, v, t in named)


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
    nodes = nodes_of(line.node)
    return {ast.unparse(node) for node in nodes if isinstance(node, ast.Name | ast.Attribute)}


class _EndOfRun(BaseException):
    """Ends a run early; a BaseException, which ``except Exception`` does not catch."""
