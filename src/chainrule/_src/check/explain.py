"""Why a gradient is wrong: the change of the learner's code that mends it, or its counterpart.

Two searches by one mechanism (`repair`): a change of the learner's program after which it gives the
right gradient; where there is none, or no source, a change of the right program after which that
gives the learner's.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.code import Code, codes_called
from chainrule._src.check.comparing import difference, relation, scale_of, slope_name
from chainrule._src.check.diagnosis import Diagnosis, Where
from chainrule._src.check.edits import Edit
from chainrule._src.check.known import Known, Match
from chainrule._src.check.origin import origin_of, scaled_from, unused_after
from chainrule._src.check.problem import Problem
from chainrule._src.check.repair import repairs
from chainrule._src.check.right import RightProgram, right_gradient
from chainrule._src.check.sandbox import FAILURES, Sandbox, quiet
from chainrule._src.check.spelling import repaired_line
from chainrule._src.check.subject import Judge, Repair, Subject, ratio
from chainrule._src.check.trial import Trial, elsewhere, trials
from chainrule._src.check.watching import is_number, references
from chainrule._src.check.wording import INVERSE, Context, sentence, text_of

ELEMENTWISE = ("np.tanh", "np.exp", "np.log", "np.sqrt", "np.square", "np.abs", "np.logaddexp")
SECONDS = 5.0  # that an explanation may take
REWRITTEN = ("right expression", "softmax", "other factor")  # all that was read may be left out
GENERIC = ("right expression", "exchange", "other factor", "constant", "other value", "branches")


def explain(
    problem: Problem, exact: dict[str, Array], data: Any, n: int | None, wrong: Sequence[str],
    right: dict[str, Array], seconds: float = SECONDS,
) -> tuple[Diagnosis, ...]:  # fmt: skip
    """Say what is wrong with a gradient.

    Parameters
    ----------
    problem : Problem
    exact : dict of str to ndarray
        The parameters in float64, and ``data`` likewise.
    n : int or None
        The number of samples.
    wrong : sequence of str
        The parameters whose gradients are wrong.
    right : dict of str to ndarray
        The right gradient.
    seconds : float
        That it may take.
    """
    end = time.perf_counter() + seconds
    said: tuple[Diagnosis, ...] = ()
    where = None
    with quiet(), Sandbox(problem.things, seconds) as sandbox:
        subject, trial = _first(problem, exact, data, n, frozenset(wrong), sandbox, end)
        if subject is not None:
            found = repairs(subject)
            whole = [r for r in found if r.mended == subject.wrong]
            if whole:
                return diagnoses(
                    subject, _holding(whole, problem, exact, data, right, subject, sandbox)
                )
            said = diagnoses(subject, found[:1]) if found else ()
            where = first_unknown(subject)
            given = subject.before
        if trial is not None and (subject is None or subject.around.right is not None):
            late = min(end, time.perf_counter() + seconds / 3) if subject else end
            program = subject.around.right if subject else _right_program(trial, sandbox)
            if subject is None:
                given = _tried(sandbox, trial.run)
            if program is not None and given is not None:
                inverse = _changed_right(trial, program, given, late, subject, sandbox)
                if inverse:
                    return inverse
    return (*said, *_by_value(problem, wrong, right, n, where))


def _tried(sandbox: Sandbox, call: Callable[[], Any]) -> Any:
    """Return what a learner's code gives, None if it raises or takes too long."""
    try:
        return sandbox.run(call)
    except FAILURES:  # on fewer samples, or called again
        return None


def _first(
    problem: Problem, exact: dict[str, Array], data: Any, n: int | None, wrong: frozenset[str],
    sandbox: Sandbox, end: float,
) -> tuple[Subject | None, Trial | None]:  # fmt: skip
    """Return the first trial at which the same is wrong, and the learner's program there."""
    last = None
    for trial in trials(problem, exact, data, n, sandbox):
        last = trial
        codes: list[Code] = _tried(sandbox, partial(codes_called, trial.run)) or []
        if not codes:
            continue
        sandbox.keep(f for code in codes for f in code.functions)
        program = _right_program(trial, sandbox)
        start = time.perf_counter()
        if _tried(sandbox, trial.run) is None:
            continue
        taken = time.perf_counter() - start

        def call(trial: Trial = trial) -> Any:
            return sandbox.run(trial.run)

        try:
            subject = Subject(codes, call, trial.right, program, trial.n, end, trial.parameters)
        except FAILURES:  # code that counts its calls
            continue
        if subject.wrong == wrong:
            sandbox.seconds = 0.1 + 10 * taken
            subject.judge = _judge(elsewhere(trial, data, n, sandbox), sandbox)
            return subject, trial
    return None, last


def _judge(trial: Trial | None, sandbox: Sandbox) -> Judge | None:
    """Return the learner's program on other values, None if it cannot be run there."""
    before = _tried(sandbox, trial.run) if trial is not None else None
    if trial is None or before is None:
        return None
    return Judge(partial(sandbox.run, trial.run), trial.right, before)


def _holding(
    found: list[Repair], problem: Problem, exact: dict[str, Array], data: Any,
    right: dict[str, Array], subject: Subject, sandbox: Sandbox,
) -> list[Repair]:  # fmt: skip
    """Return the repairs that mend the gradient of all the data as well; all if none does."""

    def call() -> Any:
        return sandbox.run(lambda: problem.gradients(exact, *data))

    kept = []
    sandbox.seconds = max(sandbox.seconds, 1.0)
    for repair in found[:6]:
        results = subject.tried(repair.edits, call)
        if results is not None and all(
            results.get(k) is not None and ratio(results[k], v) <= 1e-4 for k, v in right.items()
        ):
            kept.append(repair)
    return kept or found


def _right_program(trial: Trial, sandbox: Sandbox) -> RightProgram | None:
    problem = trial.problem

    def record() -> RightProgram:
        return right_gradient(problem.loss, trial.parameters, trial.data, trial.n, problem.names)

    found: RightProgram | None = _tried(sandbox, record)
    return found


def diagnoses(subject: Subject, found: list[Repair]) -> tuple[Diagnosis, ...]:
    """Tell the best repair, and what does the same elsewhere."""
    best = _where_it_was_made(subject, found)
    others: dict[str, None] = {}
    for repair in found:
        if repair.mended == best.mended and len(repair.edits) == len(best.edits) == 1:
            edit = repair.edits[0]
            if edit.line != best.edits[0].line and edit.given is None and len(others) < 2:
                others[f"line {edit.line}: {repaired_line(edit).strip()}"] = None
    return tuple(_diagnosis(subject, best, edit, tuple(others)) for edit in best.edits)


def _where_it_was_made(subject: Subject, found: list[Repair]) -> Repair:
    """Return the best repair, or one of the line that the best one leaves unused."""
    edit = found[0].edits[-1]
    unused = unused_after(subject, edit) if edit.kind in REWRITTEN else None
    if unused is not None and len(found[0].edits) == 1:
        same = [r for r in found[1:] if r.mended == found[0].mended and len(r.edits) == 1]
        there = [r for r in same if r.edits[0].statement is unused.statement]
        return next((r for r in there if r.edits[0].given is None), found[0])
    return found[0]


def _diagnosis(subject: Subject, repair: Repair, edit: Edit, others: tuple[str, ...]) -> Diagnosis:
    context = _context(subject, edit)
    right = subject.around.right
    known = right.known if right else None
    what = _said(subject, repair, edit, context, known)
    where = _where(edit.code, edit.line, repaired_line(edit))
    unused = unused_after(subject, edit) if edit.kind in REWRITTEN else None
    if unused is not None and unused.code is edit.code:  # a helper may only be the wrong one
        both = f"(with line {edit.line})  {where.repaired.strip()}"
        where = _where(unused.code, unused.line, both)
    if edit.given is not None and (line := subject.lines.get(id(edit.statement))):
        times = scale_of(line.value, edit.given()(0, None))
        origin = scaled_from(subject, line, times) if times else origin_of(subject, line)
        where = _where(origin.code, origin.line)
    reach = edit.reach & repair.mended or repair.mended
    formula = _formula(subject, repair, edit, right) if right else ""
    inputs = tuple(_inputs(edit, context, known)) if known else ()
    return Diagnosis(
        edit.kind, what, tuple(sorted(reach)), where, formula, inputs, not others, others
    )


def _said(
    subject: Subject, repair: Repair, edit: Edit, context: Context, known: Known | None
) -> str:
    """Say what is wrong: by the change, and by how the line's value differs."""
    how = ""
    slope = edit.kind in ("missing factor", "extra factor") and isinstance(edit.detail, ast.AST)
    if edit.kind in GENERIC or slope:
        how = _difference(subject, repair, edit, context, known)
    if slope:
        told = sentence(edit.kind, edit.old, edit.new, edit.detail, context)
        is_slope = how.startswith("the derivative of the")
        return f"{how}: {text_of(edit.detail)}" if is_slope else told
    if edit.given is None:
        told = sentence(edit.kind, edit.old, edit.new, edit.detail, context)
        if how and edit.kind in ("right expression", "other factor"):
            return how
        return f"{told}; {how}" if how else told
    role, factor = edit.detail
    times = "" if factor == 1 else f"{factor:.3g} times "
    return f"{_target(edit.statement)}should be {times}{role}{f': {how}' if how else ''}"


def _difference(
    subject: Subject, repair: Repair, edit: Edit, context: Context, known: Known | None,
    inverse: bool = False,
) -> str:  # fmt: skip
    """Say how the value of a line differs from what it must be; ``inverse``: before the change."""
    place = edit.place
    if place is None:
        return ""
    whole = next((p for p in subject.watch.places if p.owner is edit.statement
                  and p.statement is edit.statement), place)  # fmt: skip
    old = whole.value
    new = edit.given()(0, None) if edit.given else subject.after(repair, edit)
    if old is None or new is None:
        return ""
    if inverse:
        old, new = new, old
    scope = [(t, v) for t, v in context.values.items() if isinstance(v, np.ndarray | float)]
    scope = [(t, v) for t, v in scope if np.asarray(v).dtype.kind in "fb"]
    mine = {ast.unparse(t) for t in getattr(edit.statement, "targets", [])}
    scope = [(t, v) for t, v in scope if t not in mine]
    scope.sort(key=lambda pair: len(pair[0]))
    theirs = [(v.name, v.array) for v in known.values] if known else []
    return difference(old, new, context.n, [*scope[:60], *theirs], context.parameters)


def _target(statement: ast.AST) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return f"{text_of(targets[0])} is not right: it " if targets else "this value "


def _context(subject: Subject, edit: Edit) -> Context:
    right = subject.around.right
    known = right.known if right else None
    values: dict[str, Any] = {}
    place = edit.place
    if place is None:
        place = next((p for p in subject.watch.places if p.statement is edit.statement
                      and p.seen.values), None)  # fmt: skip
    if place is not None:
        values = {text: value for _, value, text in subject.around.named(place)}
        scope = place.seen.scope
        values |= {ast.unparse(node): value for node, value in references(scope)}
    for other in subject.watch.places:
        seen = other.seen.values
        if seen:
            values.setdefault(ast.unparse(other.node), seen[0])

    def roles(value: Any) -> str:
        matches = known.matches(value) if known is not None and value is not None else []
        named = [m for m in matches if m.value.is_named]
        return role_of(named[0]) if named else ""

    def activations(value: Any) -> str:
        return activation(right, value) if right is not None else ""

    return Context(subject.around.n, roles, activations, dict(subject.parameters), values)


def role_of(match: Match) -> str:
    """Say what a value is."""
    factor = "" if match.factor == 1 else f"{match.factor:.3g} times "
    turned = ", transposed" if match.is_transposed else ""
    return f"{factor}{match.value.role}{turned}"


def activation(right: RightProgram, value: Any) -> str:
    """Name the function that the right program applies to a value, found by what comes out."""
    found = slope_name(value, [v.array for v in right.known.values])
    if found or not isinstance(value, np.ndarray):
        return found
    for node in right.defined.values():
        if isinstance(node, ast.Call) and text_of(node.func) in ELEMENTWISE:
            for argument in node.args:
                name = argument.id if isinstance(argument, ast.Name) else ""
                theirs = np.asarray(right.named.get(name, 0.0))
                if theirs.shape == value.shape and np.allclose(theirs, value, rtol=1e-9):
                    return text_of(node.func).removeprefix("np.")
    return ""


def _formula(subject: Subject, repair: Repair, edit: Edit, right: RightProgram) -> str:
    """Say what the line should give, by the right program's name and expression."""
    if edit.given is not None:
        name = str(edit.detail[0])
    else:
        value = subject.after(repair, edit)
        named = [m for m in right.known.matches(value) if m.value.is_named] if value is not None \
            else []  # fmt: skip
        if not named:
            return ""
        name = role_of(named[0])
        key = named[0].value.name
        if key in right.defined and len(text := ast.unparse(right.defined[key])) <= 80:
            name += f": {key} = {text}"
    return name


def _inputs(edit: Edit, context: Context, known: Known) -> Iterator[str]:
    """Yield the variables of a statement that are values of the right program."""
    value = getattr(edit.statement, "value", None)
    if not isinstance(value, ast.expr):
        return
    seen = set()
    for node in ast.walk(value):
        if isinstance(node, ast.Name | ast.Subscript) and (text := text_of(node)) not in seen:
            seen.add(text)
            worth = context.named(text)
            if isinstance(worth, np.ndarray) and worth.dtype.kind == "f":
                role = context.roles(worth)
                if role and len(seen) <= 6:
                    yield text if role == text else f"{text} ({role})"


def _changed_right(
    trial: Trial,
    right: RightProgram,
    given: Mapping[str, Any],
    end: float,
    learner: Subject | None,
    sandbox: Sandbox,
) -> tuple[Diagnosis, ...]:
    wanted = {}
    for name, value in given.items():
        try:
            wanted[name] = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            return ()
        if wanted[name].shape != trial.right[name].shape or not np.isfinite(wanted[name]).all():
            return ()

    def call() -> Any:
        return sandbox.run(right.run)

    try:
        mutant = Subject([right.code], call, wanted, None, trial.n, end, trial.parameters)
    except FAILURES:  # it takes too long to be watched
        return ()
    found = repairs(mutant, depth=1)
    if not found or found[0].mended != mutant.wrong:
        return ()
    repair = found[0]
    said = []
    for edit in repair.edits:
        kind = INVERSE.get(edit.kind, edit.kind)
        context = _context(mutant, edit)
        what = sentence(kind, edit.new, edit.old, edit.detail, context)
        if edit.kind in GENERIC:
            what = _difference(mutant, repair, edit, context, right.known, inverse=True) or what
        line = text_of(edit.statement)
        where = _matching_line(mutant, repair, edit, learner) if learner else None
        formula = f"the right program says: {line}"
        parameters = tuple(sorted(edit.reach & repair.mended or repair.mended))
        said.append(Diagnosis(kind, what, parameters, where, formula))
    return tuple(said)


def _matching_line(mutant: Subject, repair: Repair, edit: Edit, learner: Subject) -> Where | None:
    """Return the learner's line whose value is what the changed right program has there."""
    value = mutant.after(repair, edit)
    if value is None or np.size(value) < 2:
        return None
    known = Known([("value", value)], mutant.around.n)
    for place in sorted(learner.watch.places, key=lambda p: p.seen.order):
        seen = place.seen.values
        if place.owner is place.statement and seen and known.matches(seen[0]):
            return _where(place.code, place.line)
    return None


def _where(code: Code, line: int, repaired: str = "") -> Where:
    return Where(code.file, line, code.line(line), repaired)


def first_unknown(subject: Subject) -> Where | None:
    """Return the first line that reaches what is wrong and whose value the right program lacks."""
    right = subject.around.right
    if right is None:
        return None
    places = sorted(subject.watch.places, key=lambda p: p.seen.order)
    for place in places:
        seen = place.seen.values
        whole = place.owner is place.statement and seen and is_number(seen[0])
        if not whole or np.size(seen[0]) < 2 or right.known.matches(seen[0]):
            continue
        if not np.ptp(seen[0]):  # where a sum starts
            continue
        if subject.reached(place) & subject.wrong:
            return _where(place.code, place.line)
    return None


def _by_value(
    problem: Problem,
    wrong: Sequence[str],
    right: dict[str, Array],
    n: int | None,
    where: Where | None,
) -> tuple[Diagnosis, ...]:
    """Say how the wrong gradients relate to the right ones: all that is left to say."""
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
