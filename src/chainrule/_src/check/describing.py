"""The description of a repair as a diagnosis: sentence, line, formula, inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.comparing import difference, slope_name
from chainrule._src.check.diagnosis import Diagnosis, Where
from chainrule._src.check.edits import Edit
from chainrule._src.check.known import Match, ValueTable
from chainrule._src.check.origin import departed, right_before, unused_after
from chainrule._src.check.right import RightProgram
from chainrule._src.check.spelling import repaired_line
from chainrule._src.check.subject import FaultyProgram, Repair
from chainrule._src.check.terms import of_terms
from chainrule._src.check.watching import references
from chainrule._src.check.wording import Context, sentence, text_of

ELEMENTWISE = ("np.tanh", "np.exp", "np.log", "np.sqrt", "np.square", "np.abs", "np.logaddexp")
REWRITTEN = ("right expression", "softmax", "other factor")  # may drop all variables of the line
GENERIC = ("right expression", "exchange", "other factor", "constant", "other value", "branches")


def diagnoses(subject: FaultyProgram, candidates: list[Repair]) -> tuple[Diagnosis, ...]:
    """Return the diagnoses of the best repair; they list other lines with an equal repair."""
    best = candidates[0]
    other_lines: dict[int, str] = {}
    for first in departed(subject, best)[:1]:
        text = f"{first.line}, whose value the right program does not have"
        other_lines[first.line] = f"line {text}: {first.code.line(first.line).strip()}"
    already = right_before(subject, best.edits[0])
    if already is not None and already.statement is not best.edits[0].statement:
        text = f"{already.line}, which has it already: {already.code.line(already.line).strip()}"
        other_lines[already.line] = f"line {text}"
    for repair in candidates:
        if repair.mended == best.mended and len(repair.edits) == len(best.edits) == 1:
            edit = repair.edits[0]
            if edit.line != best.edits[0].line and edit.make_hook is None and len(other_lines) < 2:
                text = f"line {edit.line}: {repaired_line(edit).strip()}"
                other_lines.setdefault(edit.line, text)
    return tuple(_diagnosis(subject, best, edit, other_lines) for edit in best.edits)


def _diagnosis(
    subject: FaultyProgram, repair: Repair, edit: Edit, other_lines: dict[int, str]
) -> Diagnosis:
    context = context_of(subject, edit)
    right = subject.around.right
    table = right.table if right else None
    what = _said(subject, repair, edit, context, table)
    what = right.written_out(what) if right is not None else what
    where = where_of(edit.code, edit.line, repaired_line(edit))
    unused = unused_after(subject, edit) if edit.kind in REWRITTEN else None
    if unused is not None and unused.code is edit.code:  # a helper may only be the wrong one
        both = f"(with line {edit.line})  {where.repaired.strip()}"
        where = where_of(unused.code, unused.line, both)
    if edit.make_hook is not None and (line := subject.lines.get(id(edit.statement))):
        named = subject.meaning.lines[:1]  # the first that the results do not leave open
        origin = next(iter([*named, *departed(subject, repair)]), line)
        where = where_of(origin.code, origin.line)
    reach = edit.reach & repair.mended or repair.mended
    formula = _formula(subject, repair, edit, right) if right else ""
    inputs = tuple(_inputs(edit, context, table)) if table else ()
    if where.line != edit.line and edit.make_hook is None:
        other_lines = {edit.line: f"line {edit.line}: {repaired_line(edit).strip()}", **other_lines}
    elsewhere = tuple(text for line, text in other_lines.items() if line != where.line)
    return Diagnosis(
        edit.kind, what, tuple(sorted(reach)), where, formula, inputs, not elsewhere, elsewhere
    )


def _said(
    subject: FaultyProgram, repair: Repair, edit: Edit, context: Context, table: ValueTable | None
) -> str:
    """Describe the mistake by the change, and by its effect on the line's value."""
    how = ""
    slope = edit.kind in ("missing factor", "extra factor") and isinstance(edit.detail, ast.AST)
    if edit.kind in GENERIC or slope:
        how = line_difference(subject, repair, edit, context, table)
    if slope:
        what = sentence(edit.kind, edit.old, edit.new, edit.detail, context)
        verb = "is missing" if edit.kind == "missing factor" else "once too often"
        is_slope = how.startswith("the derivative of the") and verb in how
        return f"{how}: {text_of(edit.detail)}" if is_slope else what
    if edit.make_hook is None:
        what = sentence(edit.kind, edit.old, edit.new, edit.detail, context)
        if how and edit.kind in ("right expression", "other factor"):
            return how
        return f"{what}; {how}" if how else what
    role, factor = edit.detail
    times = "" if factor == 1 else f"{factor:.3g} times "
    if f"{times}{role} is not right" in f"{_target(edit.statement)} ":
        return f"{role} is not right: the loss has another value here{f': {how}' if how else ''}"
    return f"{_target(edit.statement)}should be {times}{role}{f': {how}' if how else ''}"


def line_difference(
    subject: FaultyProgram, repair: Repair, edit: Edit, context: Context, table: ValueTable | None,
    inverse: bool = False,
) -> str:  # fmt: skip
    """Describe how the value of a line differs from the right value.

    If ``inverse``, the value before the change is the right one.
    """
    site = edit.site
    if site is None:
        return ""
    line = next((p for p in subject.watch.sites if p.owner is edit.statement
                  and p.statement is edit.statement), site)  # fmt: skip
    old = line.value
    new = edit.make_hook()(0, None) if edit.make_hook else subject.after(repair, edit)
    if old is None or new is None:
        return ""
    if inverse:
        old, new = new, old
    elif subject.around.right is not None and np.ndim(old) and np.shape(old) == np.shape(new):
        spelled = partial(subject.around.translation.spelled, site=line)
        terms = of_terms(old, new, subject.around.right, spelled, every=edit.make_hook is not None)
        if terms:
            return terms
    scope = [(t, v) for t, v in context.values.items() if isinstance(v, np.ndarray | float)]
    scope = [(t, v) for t, v in scope if np.asarray(v).dtype.kind in "fb"]
    target_texts = {ast.unparse(t) for t in getattr(edit.statement, "targets", [])}
    scope = [(t, v) for t, v in scope if t not in target_texts]
    scope.sort(key=lambda pair: len(pair[0]))
    right_values = [(v.name, v.array) for v in table.values] if table else []
    return difference(old, new, context.n, [*scope[:60], *right_values], context.parameters)


def _target(statement: ast.AST) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return f"{text_of(targets[0])} is not right: it " if targets else "this value "


def context_of(subject: FaultyProgram, edit: Edit) -> Context:
    """Return the values, roles and parameters that a message about an edit may name."""
    right = subject.around.right
    table = right.table if right else None
    values: dict[str, Any] = {}
    site = edit.site
    if site is None:
        site = next((p for p in subject.watch.sites if p.statement is edit.statement
                      and p.trace.values), None)  # fmt: skip
    if site is not None:
        values = {text: value for _, value, text in subject.around.named(site)}
        scope = site.trace.scope
        values |= {ast.unparse(node): value for node, value in references(scope)}
    for watched in subject.watch.sites:
        recorded = watched.trace.values
        if recorded:
            values.setdefault(ast.unparse(watched.node), recorded[0])

    def roles(value: Any) -> str:
        matches = table.matches(value) if table is not None and value is not None else []
        named = [m for m in matches if m.value.is_named]
        return role_of(named[0]) if named else ""

    def activations(value: Any) -> str:
        return activation(right, value) if right is not None else ""

    return Context(subject.around.n, roles, activations, dict(subject.parameters), values)


def role_of(match: Match) -> str:
    """Describe a value as a multiple or transpose of a value of the right program."""
    factor = "" if match.factor == 1 else f"{match.factor:.3g} times "
    turned = ", transposed" if match.is_transposed else ""
    return f"{factor}{match.value.role}{turned}"


def activation(right: RightProgram, value: Any) -> str:
    """Name the function that the right program applies to a value; it is found by its result."""
    function = slope_name(value, [v.array for v in right.table.values])
    if function or not isinstance(value, np.ndarray):
        return function
    for node in right.defined.values():
        if isinstance(node, ast.Call) and text_of(node.func) in ELEMENTWISE:
            for argument in node.args:
                name = argument.id if isinstance(argument, ast.Name) else ""
                argument_value = np.asarray(right.named.get(name, 0.0))
                if argument_value.shape == value.shape and np.allclose(
                    argument_value, value, rtol=1e-9
                ):
                    return text_of(node.func).removeprefix("np.")
    return ""


def _formula(subject: FaultyProgram, repair: Repair, edit: Edit, right: RightProgram) -> str:
    """Describe the value that the line should give by name and expression of the right program."""
    if edit.make_hook is not None:
        name = str(edit.detail[0])
    else:
        value = subject.after(repair, edit)
        named = [m for m in right.table.matches(value) if m.value.is_named] if value is not None \
            else []  # fmt: skip
        if not named:
            return ""
        name = role_of(named[0])
        key = named[0].value.name
        if key in right.defined and len(text := ast.unparse(right.defined[key])) <= 80:
            name += f": {key} = {text}"
    return name


def _inputs(edit: Edit, context: Context, table: ValueTable) -> Iterator[str]:
    """Yield the variables of a statement that are values of the right program."""
    value = getattr(edit.statement, "value", None)
    if not isinstance(value, ast.expr):
        return
    texts = set()
    for node in nodes_of(value):
        if isinstance(node, ast.Name | ast.Subscript) and (text := text_of(node)) not in texts:
            texts.add(text)
            input_value = context.named(text)
            if isinstance(input_value, np.ndarray) and input_value.dtype.kind == "f":
                role = context.roles(input_value)
                if role and len(texts) <= 6:
                    yield text if role == text else f"{text} ({role})"


def where_of(code: FunctionSource, line: int, repaired: str = "") -> Where:
    """Return a line of the checked code as a place that a message shows."""
    return Where(code.file, line, code.line(line), repaired)
