"""A ranking of repairs: the likeliest one gives the program the right program's values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._src.check.calls import ALONG_AXES
from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import Edit, applied, called_name
from chainrule._src.check.known import ValueTable
from chainrule._src.check.spelling import repaired_line
from chainrule._src.check.subject import FaultyProgram, Repair
from chainrule._src.check.watching import Site, Watch, is_array, is_number

FACTORS = ("missing divisor", "missing factor", "extra divisor", "extra factor", "constant")
PASSED_ON = (*FACTORS, "sign", "swapped", "operator")  # by the lines that read what is off
BEHIND = ("order", "missing divisor")  # kinds of changes whose place is often a loop's end
CALLING = 1.0  # the penalty of a change where one function calls another, which has the mistake
MOST_RANKED = 16  # repairs that are scored


def distinct(candidates: list[Repair]) -> list[Repair]:
    """Return the cheapest repair of those that make the same program."""
    by_text: dict[Any, Repair] = {}
    for repair in sorted(candidates, key=lambda repair: repair.cost):
        by_text.setdefault(tuple((id(e.statement), _text(e)) for e in repair.edits), repair)
    return list(by_text.values())


def _text(edit: Edit) -> Any:
    if edit.make_hook is not None:
        return edit.detail
    with applied([edit]):
        return ast.unparse(edit.statement) if edit.site else (edit.kind, repaired_line(edit))


def ranked(subject: FaultyProgram, candidates: list[Repair]) -> list[Repair]:
    """Sort repairs by likelihood: most of the program's values become the right program's."""
    candidates = distinct(candidates)
    table = subject.around.right.table if subject.around.right else None
    if table is None or len(candidates) < 2:
        return sorted(candidates, key=lambda repair: _by_form(repair, subject))
    columns = _in_columns(subject.watch, table)
    before = _understood(subject.watch, table, columns)
    scored = []
    for repair in candidates[:MOST_RANKED]:
        score = repair.cost
        after = subject.watched(repair)
        values = {} if after is None else _understood(after, table, columns)
        score += 0.4 * sum(1 - share for share in values.values())
        for edit in repair.edits:
            share = before.get(id(edit.statement), -1.0)
            if share < 0:
                share = table.is_known(edit.site.value)[0] if edit.site else 0.0
            then = values.get(id(edit.statement), share)
            score += share if share > 0.5 and then <= share else 0.3 * share
            score += then < share - 0.1
            score -= 0.3 * max(0.0, then - share)  # the program leaves the right one in this line
            score += (
                unlikely(edit)
                + CALLING * _calling(edit, subject)
                + 0.3 * _reads_multiple(edit, subject, table)
            )
            score += 0.5 * _adds_right(edit, subject, table)
            score -= 0 if _reads_multiple(edit, subject, table) else _told(edit, subject)
        scored.append((score, repair))
    return [
        r
        for _, r in sorted(
            scored,
            key=lambda pair: (
                round(pair[0], 6),
                _earliness(pair[1], subject),
                sum(_size(edit.new) for edit in pair[1].edits),
            ),
        )
    ]


def spoils(subject: FaultyProgram, repair: Repair) -> bool:
    """Return true if a changed line has a value of the right program, and has none afterwards."""
    for edit in repair.edits:
        line = subject.lines.get(id(edit.statement))
        if line is not None and _is_right(subject, subject.result(line)):
            return not _is_right(subject, subject.after(repair, edit))
    return False


def _is_right(subject: FaultyProgram, value: Any) -> bool:
    """Return true if a value is one of the right program that has a name."""
    matches = subject.around.right.table.matches(value) if subject.around.right else []
    values = (m.value for m in matches if m.factor == 1 and not m.is_transposed)
    return any(value.is_named and value.sample is None for value in values)


def _earliness(repair: Repair, subject: FaultyProgram) -> int:
    """Return the negative position of the changed line in the run: the last line sorts first."""
    line = subject.lines.get(id(repair.edits[0].statement))
    return -line.trace.order if line is not None else 0


def _by_form(repair: Repair, subject: FaultyProgram) -> float:
    """Return a penalty for a repair whose changes are unlikely by the way they are written."""
    return repair.cost + sum(
        unlikely(edit) - _told(edit, subject) + CALLING * _calling(edit, subject)
        for edit in repair.edits
    )


def _calling(edit: Edit, subject: FaultyProgram) -> float:
    """Return 1 for a change where another of the functions is called, 2 if it drops the call."""
    return _only_calls(edit, subject) * (2.0 if edit.kind == "right expression" else 1.0)


def _only_calls(edit: Edit, subject: FaultyProgram) -> bool:
    """Return true if a statement only passes on what another of the functions computes."""
    if edit.kind in ("missing term", "other value", "exchanged", "order", "swapped"):
        return False
    is_average = edit.kind in ("missing divisor", "missing term")
    if is_average and isinstance(edit.owner, ast.Call) and edit.field == "args":
        return False  # the function gets what lacks it
    return calls_another(subject, edit)


def calls_another(subject: FaultyProgram, at: Edit | Site) -> bool:
    """Return true if a statement calls another of the functions, which the loss does not run."""
    others = [c for c in subject.codes if c is not at.code and id(c.tree) not in subject.settled]
    names = {other.code_object.co_name for other in others}
    value = getattr(at.statement, "value", None)
    return value is not None and any(called_name(node) in names for node in nodes_of(value))


def passes_on(subject: FaultyProgram, line: Site) -> bool:
    """Return true if a line may only pass on what went wrong before, or in another function."""
    table = subject.around.right.table if subject.around.right else None
    read = [p.value for p in line.near if isinstance(p.node, ast.Name) and is_array(p.value)]
    factors = [{m.factor for m in table.matches(value)} for value in read] if table else []
    reads_multiple = any(some and 1 not in some for some in factors)
    return reads_multiple or calls_another(subject, line)


def _adds_right(edit: Edit, subject: FaultyProgram, table: ValueTable) -> bool:
    """Return true if a line adds what it should: the mistake is in what it is added to."""
    line = subject.lines.get(id(edit.statement))
    is_sum = isinstance(edit.statement, ast.AugAssign) and isinstance(edit.statement.op, ast.Add)
    return is_sum and line is not None and table.has(line.value, parts=True)


def _told(edit: Edit, subject: FaultyProgram) -> float:
    """Return a bonus where the learner's names and the loss tell of a change.

    Its line is the first whose variable is named after a gradient that it lacks; what it writes
    stands in the loss, or elsewhere in the function.
    """
    first = subject.meaning.first
    is_first = first is not None and edit.statement is first.statement
    of_code = 0.3 * _is_in_loss(edit, subject) or 0.2 * _is_elsewhere(edit)
    return 0.4 * (is_first and edit.make_hook is None) + of_code


def _is_in_loss(edit: Edit, subject: FaultyProgram) -> bool:
    """Return true if a change writes an expression of the loss."""
    return bool(_written(edit, ast.BinOp | ast.Call) & subject.around.loss.texts)


def _is_elsewhere(edit: Edit) -> bool:
    """Return true if a change writes an expression of another statement of the function."""
    kinds = ast.BinOp | ast.Call | ast.Subscript
    in_statement = {id(node) for node in nodes_of(edit.statement)}
    expressions = [
        n for n in nodes_of(edit.code.tree) if isinstance(n, kinds) and id(n) not in in_statement
    ]
    return bool(_written(edit, kinds) & {ast.unparse(node) for node in expressions})


def _written(edit: Edit, kinds: Any) -> set[str]:
    """Return the expressions that a change writes, as texts."""
    if edit.make_hook is not None or not isinstance(edit.new, ast.expr):
        return set()
    with applied([edit]):
        parts = [edit.owner, edit.new, edit.detail]
        return {ast.unparse(part) for part in parts if isinstance(part, kinds)}


def _reads_multiple(edit: Edit, subject: FaultyProgram, table: ValueTable) -> bool:
    """Return true if a factor is put on a line that reads a multiple of a right value already."""
    if edit.kind not in PASSED_ON:
        return False
    inside = (p for p in subject.watch.sites if p.statement is edit.statement)
    read = [p.value for p in inside if isinstance(p.node, ast.Name) and is_number(p.value)]
    factors = [{match.factor for match in table.matches(value)} for value in read if np.ndim(value)]
    return any(some and 1 not in some for some in factors)


def unlikely(edit: Edit) -> float:
    """Return a penalty for a change that is unlikely by the way it is written."""
    growth = max(0, _size(edit.new) - _size(edit.old))
    score = 0.04 * growth + 0.35 * _wraps_name(edit)
    score -= 0.5 * _has_siblings(edit)
    is_number_alone = edit.kind in ("missing divisor", "sign") or not _is_array_factor(edit)
    score -= 0.8 * (growth > 0 and not is_number_alone and _is_copy(edit))
    is_variable = isinstance(edit.new, ast.Name | ast.Attribute)
    score += 0.6 * (growth > 1 and isinstance(edit.old, ast.Constant) and not is_variable)
    score += 0.4 * (edit.kind == "transpose" and _is_reduced(edit))
    return score + 0.3 * (isinstance(edit.statement, ast.For) and edit.kind not in BEHIND)


def _is_reduced(edit: Edit) -> bool:
    """Return true if a change is on an array that is summed along an axis: that may be wrong."""
    call = edit.owner
    if not isinstance(call, ast.Call) or called_name(call) not in ALONG_AXES:
        return False
    return any(keyword.arg == "axis" for keyword in call.keywords)


def _is_array_factor(edit: Edit) -> bool:
    """Return false for a factor that is a number written out."""
    return not (edit.kind == "missing factor" and isinstance(edit.detail, int | float))


def _is_copy(edit: Edit) -> bool:
    """Return true if a statement only copies a variable that is no sum: a factor may be missing."""
    value = edit.statement.value if isinstance(edit.statement, ast.Assign) else None
    if isinstance(value, ast.Call) and called_name(value) in ("array", "copy") and value.args:
        value = value.args[0]
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and not value.args:
        value = value.func.value
    grown = [n.target for n in nodes_of(edit.code.tree) if isinstance(n, ast.AugAssign)]
    return isinstance(value, ast.Name) and value.id not in map(ast.unparse, grown)


def _size(tree: Any) -> int:
    parts = tree if isinstance(tree, list) else [tree]
    return sum(1 for part in parts if isinstance(part, ast.AST) for _ in nodes_of(part))


def _has_siblings(edit: Edit) -> bool:
    """Return true if a factor or divisor that a change adds occurs elsewhere already.

    It may occur in the same statement, or in others if the change is on the statement's value.
    """
    new = edit.new
    if not isinstance(new, ast.BinOp) or edit.kind not in ("missing divisor", "missing factor"):
        return False
    factor = type(new.op), ast.dump(new.right)
    inside = [n for n in nodes_of(edit.statement) if isinstance(n, ast.BinOp)]
    if edit.site is not None and edit.site.owner is edit.statement:
        kinds = ast.Assign | ast.AugAssign
        others = [s for s in nodes_of(edit.code.tree) if isinstance(s, kinds)]
        inside += [n for s in others for n in _products(s.value)]
    return any((type(node.op), ast.dump(node.right)) == factor for node in inside)


def _products(node: ast.expr) -> Iterator[ast.BinOp]:
    """Yield the nested products and quotients at the top of an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield node
        yield from _products(node.left)
        yield from _products(node.right)


def _wraps_name(edit: Edit) -> bool:
    """Return true if a change alters a variable where it is read, not where it is computed."""
    if edit.site is None or edit.kind in ("other value", "exchange", "index"):
        return False
    node = edit.site.node
    if called_name(node) in ("array", "asarray") and node.args:  # what a function returns at last
        node = node.args[0]
    while isinstance(node, ast.Attribute | ast.Call) and not isinstance(node, ast.Name):
        inner = node.func if isinstance(node, ast.Call) and not node.args else node
        if not isinstance(inner, ast.Attribute) or (isinstance(node, ast.Call) and node.args):
            break
        node = inner.value
    is_assigned = isinstance(edit.site.owner, ast.Assign)
    return isinstance(node, ast.Name | ast.Subscript) and not is_assigned


def _understood(watch: Watch, table: ValueTable, columns: bool) -> dict[int, float]:
    """Return a score for each statement: how well the right program's values match its value.

    If ``columns``, samples are columns, and matrices are transposes of the right program's.
    """
    scores: dict[int, float] = {}
    earlier: list[Any] = []
    for statement, value in _values(watch):
        again = any(np.array_equal(value, v) for v in earlier)
        earlier.append(value)
        share, is_transposed = table.is_known(value)
        odd = _is_matrix(value) and is_transposed != columns
        scores[statement] = 0.0 if again else 0.2 * share if odd else share
    return scores


def _in_columns(watch: Watch, table: ValueTable) -> bool:
    """Return true if most matching matrices match only as transposes."""
    shares = [table.is_known(value) for _, value in _values(watch) if _is_matrix(value)]
    turned = [is_transposed for share, is_transposed in shares if share]
    return sum(turned) > len(turned) / 2


def _is_matrix(value: Any) -> bool:
    return np.ndim(value) > 1 and min(np.shape(value)) > 1


def _values(watch: Watch) -> Iterator[tuple[int, Any]]:
    """Yield id and value of the statements whose value is an array, in the order they run."""
    for site in sorted(watch.sites, key=lambda p: p.trace.order):
        value = site.value
        is_statement = site.owner is site.statement and site.field == "value"
        if is_statement and is_number(value) and np.size(value) > 1:
            yield id(site.statement), value
