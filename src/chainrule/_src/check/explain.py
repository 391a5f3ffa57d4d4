"""The reason why a gradient is wrong: the change that repairs the learner's code.

Two searches use one mechanism (`repair`). The first looks for a change of the learner's program
after which it gives the right gradient. If there is none, or no source, the second looks for a
change of the right program after which that gives the learner's wrong gradient.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.code import FunctionSource, codes_called
from chainrule._src.check.comparing import difference, relation, scale_of, slope_name
from chainrule._src.check.diagnosis import Diagnosis, Where
from chainrule._src.check.edits import Edit
from chainrule._src.check.known import Match, ValueTable
from chainrule._src.check.origin import origin_of, scaled_from, unused_after
from chainrule._src.check.problem import GradientProblem
from chainrule._src.check.repair import repairs
from chainrule._src.check.right import RightProgram, right_gradient
from chainrule._src.check.sandbox import FAILURES, Sandbox, quiet
from chainrule._src.check.spelling import repaired_line
from chainrule._src.check.subject import FaultyProgram, Judge, Repair, ratio
from chainrule._src.check.trial import Trial, elsewhere, trials
from chainrule._src.check.watching import is_number, references
from chainrule._src.check.wording import INVERSE, Context, sentence, text_of

ELEMENTWISE = ("np.tanh", "np.exp", "np.log", "np.sqrt", "np.square", "np.abs", "np.logaddexp")
SECONDS = 5.0  # that an explanation may take
REWRITTEN = ("right expression", "softmax", "other factor")  # may drop all variables of the line
GENERIC = ("right expression", "exchange", "other factor", "constant", "other value", "branches")


def explain(
    problem: GradientProblem, exact: dict[str, Array], data: Any, n: int | None,
    wrong: Sequence[str], right: dict[str, Array], seconds: float = SECONDS,
) -> tuple[Diagnosis, ...]:  # fmt: skip
    """Diagnose a wrong gradient.

    Parameters
    ----------
    problem : Problem
    exact : dict of str to ndarray
        The parameters in float64; ``data`` is in float64 too.
    n : int or None
        The number of samples.
    wrong : sequence of str
        The parameters whose gradients are wrong.
    right : dict of str to ndarray
        The right gradient.
    seconds : float
        Time limit of the search.
    """
    end = time.perf_counter() + seconds
    first_diagnoses: tuple[Diagnosis, ...] = ()
    where = None
    with quiet(), Sandbox(problem.mutable, seconds) as sandbox:
        subject, trial = _first(problem, exact, data, n, frozenset(wrong), sandbox, end)
        if subject is not None:
            candidates = repairs(subject)
            complete = [r for r in candidates if r.mended == subject.wrong]
            if complete:
                return diagnoses(
                    subject, _holding(complete, problem, exact, data, right, subject, sandbox)
                )
            first_diagnoses = diagnoses(subject, candidates[:1]) if candidates else ()
            where = first_unknown(subject)
            results = subject.before
        if trial is not None and (subject is None or subject.around.right is not None):
            late = min(end, time.perf_counter() + seconds / 3) if subject else end
            program = subject.around.right if subject else _right_program(trial, sandbox)
            if subject is None:
                results = _tried(sandbox, trial.run)
            if program is not None and results is not None:
                inverse = _changed_right(trial, program, results, late, subject, sandbox)
                if inverse:
                    return inverse
    return (*first_diagnoses, *_by_value(problem, wrong, right, n, where))


def _tried(sandbox: Sandbox, call: Callable[[], Any]) -> Any:
    """Return the result of a learner's code, None if it raises or takes too long."""
    try:
        return sandbox.run(call)
    except FAILURES:  # on fewer samples, or called again
        return None


def _first(
    problem: GradientProblem, exact: dict[str, Array], data: Any, n: int | None,
    wrong: frozenset[str], sandbox: Sandbox, end: float,
) -> tuple[FaultyProgram | None, Trial | None]:  # fmt: skip
    """Return the learner's program at the first trial with the same wrong gradients.

    The trial comes second. Without such a trial: None and the last trial.
    """
    last = None
    for trial in trials(problem, exact, data, n, sandbox):
        last = trial
        codes: list[FunctionSource] = _tried(sandbox, partial(codes_called, trial.run)) or []
        if not codes:
            continue
        sandbox.keep(f for code in codes for f in code.functions)
        program = _right_program(trial, sandbox)
        start = time.perf_counter()
        if _tried(sandbox, trial.run) is None:
            continue
        seconds = time.perf_counter() - start

        def call(trial: Trial = trial) -> Any:
            return sandbox.run(trial.run)

        try:
            subject = FaultyProgram(
                codes, call, trial.right, program, trial.n, end, trial.parameters
            )
        except FAILURES:  # code that counts its calls
            continue
        if subject.wrong == wrong:
            sandbox.seconds = 0.1 + 10 * seconds
            subject.judge = _judge(elsewhere(trial, data, n, sandbox), sandbox)
            return subject, trial
    return None, last


def _judge(trial: Trial | None, sandbox: Sandbox) -> Judge | None:
    """Return the learner's program on another trial's values, None if the run fails."""
    before = _tried(sandbox, trial.run) if trial is not None else None
    if trial is None or before is None:
        return None
    return Judge(partial(sandbox.run, trial.run), trial.right, before)


def _holding(
    candidates: list[Repair], problem: GradientProblem, exact: dict[str, Array], data: Any,
    right: dict[str, Array], subject: FaultyProgram, sandbox: Sandbox,
) -> list[Repair]:  # fmt: skip
    """Return the repairs that also repair the gradient of all the data; if none does, all."""

    def call() -> Any:
        return sandbox.run(lambda: problem.gradients(exact, *data))

    holding = []
    sandbox.seconds = max(sandbox.seconds, 1.0)
    for repair in candidates[:6]:
        results = subject.tried(repair.edits, call)
        if results is not None and all(
            results.get(k) is not None and ratio(results[k], v) <= 1e-4 for k, v in right.items()
        ):
            holding.append(repair)
    return holding or candidates


def _right_program(trial: Trial, sandbox: Sandbox) -> RightProgram | None:
    problem = trial.problem

    def record() -> RightProgram:
        return right_gradient(problem.loss, trial.parameters, trial.data, trial.n, problem.names)

    program: RightProgram | None = _tried(sandbox, record)
    return program


def diagnoses(subject: FaultyProgram, candidates: list[Repair]) -> tuple[Diagnosis, ...]:
    """Return the diagnoses of the best repair; they list other lines with an equal repair."""
    best = _where_it_was_made(subject, candidates)
    others: dict[str, None] = {}
    for repair in candidates:
        if repair.mended == best.mended and len(repair.edits) == len(best.edits) == 1:
            edit = repair.edits[0]
            if edit.line != best.edits[0].line and edit.make_hook is None and len(others) < 2:
                others[f"line {edit.line}: {repaired_line(edit).strip()}"] = None
    return tuple(_diagnosis(subject, best, edit, tuple(others)) for edit in best.edits)


def _where_it_was_made(subject: FaultyProgram, candidates: list[Repair]) -> Repair:
    """Return the best repair, or one in the line whose result the best repair no longer uses."""
    edit = candidates[0].edits[-1]
    unused = unused_after(subject, edit) if edit.kind in REWRITTEN else None
    if unused is not None and len(candidates[0].edits) == 1:
        same = [r for r in candidates[1:] if r.mended == candidates[0].mended and len(r.edits) == 1]
        same_line = [r for r in same if r.edits[0].statement is unused.statement]
        return next((r for r in same_line if r.edits[0].make_hook is None), candidates[0])
    return candidates[0]


def _diagnosis(
    subject: FaultyProgram, repair: Repair, edit: Edit, others: tuple[str, ...]
) -> Diagnosis:
    context = _context(subject, edit)
    right = subject.around.right
    table = right.table if right else None
    what = _said(subject, repair, edit, context, table)
    where = _where(edit.code, edit.line, repaired_line(edit))
    unused = unused_after(subject, edit) if edit.kind in REWRITTEN else None
    if unused is not None and unused.code is edit.code:  # a helper may only be the wrong one
        both = f"(with line {edit.line})  {where.repaired.strip()}"
        where = _where(unused.code, unused.line, both)
    if edit.make_hook is not None and (line := subject.lines.get(id(edit.statement))):
        times = scale_of(line.value, edit.make_hook()(0, None))
        origin = scaled_from(subject, line, times) if times else origin_of(subject, line)
        where = _where(origin.code, origin.line)
    reach = edit.reach & repair.mended or repair.mended
    formula = _formula(subject, repair, edit, right) if right else ""
    inputs = tuple(_inputs(edit, context, table)) if table else ()
    return Diagnosis(
        edit.kind, what, tuple(sorted(reach)), where, formula, inputs, not others, others
    )


def _said(
    subject: FaultyProgram, repair: Repair, edit: Edit, context: Context, table: ValueTable | None
) -> str:
    """Describe the mistake by the change, and by its effect on the line's value."""
    how = ""
    slope = edit.kind in ("missing factor", "extra factor") and isinstance(edit.detail, ast.AST)
    if edit.kind in GENERIC or slope:
        how = _difference(subject, repair, edit, context, table)
    if slope:
        what = sentence(edit.kind, edit.old, edit.new, edit.detail, context)
        is_slope = how.startswith("the derivative of the")
        return f"{how}: {text_of(edit.detail)}" if is_slope else what
    if edit.make_hook is None:
        what = sentence(edit.kind, edit.old, edit.new, edit.detail, context)
        if how and edit.kind in ("right expression", "other factor"):
            return how
        return f"{what}; {how}" if how else what
    role, factor = edit.detail
    times = "" if factor == 1 else f"{factor:.3g} times "
    return f"{_target(edit.statement)}should be {times}{role}{f': {how}' if how else ''}"


def _difference(
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


def _context(subject: FaultyProgram, edit: Edit) -> Context:
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
    for other in subject.watch.sites:
        recorded = other.trace.values
        if recorded:
            values.setdefault(ast.unparse(other.node), recorded[0])

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
    for node in ast.walk(value):
        if isinstance(node, ast.Name | ast.Subscript) and (text := text_of(node)) not in texts:
            texts.add(text)
            input_value = context.named(text)
            if isinstance(input_value, np.ndarray) and input_value.dtype.kind == "f":
                role = context.roles(input_value)
                if role and len(texts) <= 6:
                    yield text if role == text else f"{text} ({role})"


def _changed_right(
    trial: Trial,
    right: RightProgram,
    results: Mapping[str, Any],
    end: float,
    learner: FaultyProgram | None,
    sandbox: Sandbox,
) -> tuple[Diagnosis, ...]:
    expected = {}
    for name, value in results.items():
        try:
            expected[name] = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            return ()
        if expected[name].shape != trial.right[name].shape or not np.isfinite(expected[name]).all():
            return ()

    def call() -> Any:
        return sandbox.run(right.run)

    try:
        mutant = FaultyProgram([right.code], call, expected, None, trial.n, end, trial.parameters)
    except FAILURES:  # it takes too long to be watched
        return ()
    candidates = repairs(mutant, depth=1)
    if not candidates or candidates[0].mended != mutant.wrong:
        return ()
    repair = candidates[0]
    mistakes = []
    for edit in repair.edits:
        kind = INVERSE.get(edit.kind, edit.kind)
        context = _context(mutant, edit)
        what = sentence(kind, edit.new, edit.old, edit.detail, context)
        if edit.kind in GENERIC:
            what = _difference(mutant, repair, edit, context, right.table, inverse=True) or what
        line = text_of(edit.statement)
        where = _matching_line(mutant, repair, edit, learner) if learner else None
        formula = f"the right program says: {line}"
        parameters = tuple(sorted(edit.reach & repair.mended or repair.mended))
        mistakes.append(Diagnosis(kind, what, parameters, where, formula))
    return tuple(mistakes)


def _matching_line(
    mutant: FaultyProgram, repair: Repair, edit: Edit, learner: FaultyProgram
) -> Where | None:
    """Return the learner's line with the same value as a changed line of the right program."""
    value = mutant.after(repair, edit)
    if value is None or np.size(value) < 2:
        return None
    table = ValueTable([("value", value)], mutant.around.n)
    for site in sorted(learner.watch.sites, key=lambda p: p.trace.order):
        recorded = site.trace.values
        if site.owner is site.statement and recorded and table.matches(recorded[0]):
            return _where(site.code, site.line)
    return None


def _where(code: FunctionSource, line: int, repaired: str = "") -> Where:
    return Where(code.file, line, code.line(line), repaired)


def first_unknown(subject: FaultyProgram) -> Where | None:
    """Return the first line that affects a wrong result and has no value of the right program."""
    right = subject.around.right
    if right is None:
        return None
    sites = sorted(subject.watch.sites, key=lambda p: p.trace.order)
    for site in sites:
        recorded = site.trace.values
        is_statement = site.owner is site.statement and recorded and is_number(recorded[0])
        if not is_statement or np.size(recorded[0]) < 2 or right.table.matches(recorded[0]):
            continue
        if not np.ptp(recorded[0]):  # where a sum starts
            continue
        if subject.reached(site) & subject.wrong:
            return _where(site.code, site.line)
    return None


def _by_value(
    problem: GradientProblem,
    wrong: Sequence[str],
    right: dict[str, Array],
    n: int | None,
    where: Where | None,
) -> tuple[Diagnosis, ...]:
    """Diagnose by values alone, when no change of the code explains the wrong gradients."""
    groups: dict[str, list[str]] = {}
    for name in wrong:
        how = relation(problem.by_hand[name], right[name], n)
        groups.setdefault(how, []).append(name)
    return tuple(
        Diagnosis("by value" if how else "not explained",
                  how or "no small change of the code gives the right gradient; compare it with "
                  "cr.source(loss), line by line", tuple(names), where,
                  "" if where is None else "a value of the right program; it is none of them",
                  certain=False)
        for how, names in groups.items()
    )  # fmt: skip
