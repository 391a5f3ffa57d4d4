"""Why a gradient is wrong: the change of the learner's code that mends it, or its counterpart.

Two searches by one mechanism (`repair`): a change of the learner's program after which it gives the
right gradient; where there is none, or no source, a change of the right program after which that
gives the learner's.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.checking.code import codes_called
from chainrule.checking.comparing import difference, relation, slope_name
from chainrule.checking.diagnosis import Diagnosis, Where
from chainrule.checking.edits import Edit
from chainrule.checking.known import Known, Match
from chainrule.checking.problem import Problem
from chainrule.checking.repair import Repair, Subject, quiet, repairs
from chainrule.checking.right import RightProgram, right_gradient
from chainrule.checking.spelling import repaired_line
from chainrule.checking.trial import Trial, trials
from chainrule.checking.watching import is_number, references
from chainrule.checking.wording import INVERSE, Context, sentence, text_of
from chainrule.errors import ChainruleError
from chainrule.validation import Array

SECONDS = 5.0  # that an explanation may take
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
    tried: list[tuple[Trial, Subject, list[Repair]]] = []
    with quiet():
        for trial in trials(problem, exact, data, n):
            subject = _subject(trial, end)
            if subject is not None and subject.wrong == frozenset(wrong):
                found = repairs(subject)
                tried.append((trial, subject, found))
                if found and found[0].mended == subject.wrong:
                    return diagnoses(subject, found)
                break
        for trial, subject, _ in tried:
            inverse = _inverse(trial, subject, min(end, time.perf_counter() + seconds / 3))
            if inverse:
                return inverse
        if not tried:
            inverse = _without_source(problem, exact, data, n, end)
            if inverse:
                return inverse
    where = first_unknown(tried[0][1]) if tried else None
    said = _by_value(problem, wrong, right, n, where)
    for _, subject, found in tried:
        if found:
            said = (*diagnoses(subject, found[:1]), *said)
    return said


def _subject(trial: Trial, end: float) -> Subject | None:
    """Return the learner's program as something to repair, None if it cannot be followed."""
    try:
        codes = codes_called(trial.run)
    except Exception:  # whatever a learner's code raises on fewer samples
        return None
    if not codes:
        return None
    right = _right_program(trial)
    return Subject(codes, trial.run, trial.right, right, trial.n, end, trial.parameters)


def _right_program(trial: Trial) -> RightProgram | None:
    try:
        problem = trial.problem
        return right_gradient(problem.loss, trial.parameters, trial.data, trial.n, problem.names)
    except (ChainruleError, TypeError, ValueError, AttributeError, IndexError, SyntaxError):
        return None


def diagnoses(subject: Subject, found: list[Repair]) -> tuple[Diagnosis, ...]:
    """Tell the best repair, and what does the same elsewhere."""
    best = found[0]
    others = []
    for repair in found[1:3]:
        if repair.mended == best.mended and len(repair.edits) == len(best.edits) == 1:
            edit = repair.edits[0]
            if edit.line != best.edits[0].line and edit.given is None:
                others.append(f"line {edit.line}: {repaired_line(edit).strip()}")
    return tuple(_diagnosis(subject, best, edit, tuple(others)) for edit in best.edits)


def _diagnosis(subject: Subject, repair: Repair, edit: Edit, others: tuple[str, ...]) -> Diagnosis:
    context = _context(subject, edit)
    right = subject.around.right
    known = right.known if right else None
    what = _said(subject, repair, edit, context, known)
    where = Where(edit.code.file, edit.line, edit.code.line(edit.line), repaired_line(edit))
    reach = subject.reach_of(edit) & repair.mended or repair.mended
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
    old = subject.watch.value(whole)
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
                      and subject.watch.seen[p.key].values), None)  # fmt: skip
    if place is not None:
        values = {text: value for _, value, text in subject.around.named(place)}
        scope = subject.watch.seen[place.key].scope
        values |= {ast.unparse(node): value for node, value in references(scope)}
    for other in subject.watch.places:
        seen = subject.watch.seen[other.key].values
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
    found = slope_name(value, (v.array for v in right.known.values))
    if found or not isinstance(value, np.ndarray):
        return found
    for node in right.defined.values():
        if isinstance(node, ast.Call):
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


def _inverse(trial: Trial, subject: Subject, end: float) -> tuple[Diagnosis, ...]:
    """Explain by a change of the right program that gives the learner's gradient."""
    right = subject.around.right
    if right is None:
        return ()
    return _changed_right(trial, right, dict(subject.before), end, subject)


def _without_source(
    problem: Problem, exact: dict[str, Array], data: Any, n: int | None, end: float
) -> tuple[Diagnosis, ...]:
    for trial in trials(problem, exact, data, n):
        right = _right_program(trial)
        try:
            given = trial.run()
        except Exception:  # whatever a learner's code raises on fewer samples
            continue
        if right is not None:
            return _changed_right(trial, right, given, end, None)
    return ()


def _changed_right(
    trial: Trial, right: RightProgram, given: dict[str, Any], end: float, learner: Subject | None
) -> tuple[Diagnosis, ...]:
    wanted = {
        name: np.asarray(value, np.float64)
        for name, value in given.items()
        if value is not None and np.shape(value) == trial.right[name].shape
    }
    if len(wanted) < len(given) or not all(np.isfinite(v).all() for v in wanted.values()):
        return ()
    mutant = Subject([right.code], right.run, wanted, None, trial.n, end, trial.parameters)
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
        parameters = tuple(sorted(mutant.reach_of(edit) & repair.mended or repair.mended))
        said.append(Diagnosis(kind, what, parameters, where, formula))
    return tuple(said)


def _matching_line(mutant: Subject, repair: Repair, edit: Edit, learner: Subject) -> Where | None:
    """Return the learner's line whose value is what the changed right program has there."""
    value = mutant.after(repair, edit)
    if value is None or np.size(value) < 2:
        return None
    known = Known([("value", value)], mutant.around.n)
    for place in sorted(learner.watch.places, key=lambda p: learner.watch.seen[p.key].order):
        seen = learner.watch.seen[place.key].values
        if place.owner is place.statement and seen and known.matches(seen[0]):
            return Where(place.code.file, place.line, place.code.line(place.line))
    return None


def first_unknown(subject: Subject) -> Where | None:
    """Return the first line that reaches what is wrong and whose value the right program lacks."""
    right = subject.around.right
    if right is None:
        return None
    places = sorted(subject.watch.places, key=lambda p: subject.watch.seen[p.key].order)
    for place in places:
        seen = subject.watch.seen[place.key].values
        whole = place.owner is place.statement and seen and is_number(seen[0])
        if not whole or np.size(seen[0]) < 2 or right.known.matches(seen[0]):
            continue
        if not np.ptp(seen[0]):  # where a sum starts
            continue
        if subject.reached(place) & subject.wrong:
            return Where(place.code.file, place.line, place.code.line(place.line))
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
