"""The reason why a gradient is wrong: the change that repairs the learner's code.

Two searches use one mechanism (`repair`). The first looks for a change of the learner's program
after which it gives the right gradient. If there is none, or no source, the second looks for a
change of the right program after which that gives the learner's wrong gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import ChainruleError
from chainrule._src.check.clock import Deadline, thread_seconds
from chainrule._src.check.code import FunctionSource, codes_called
from chainrule._src.check.comparing import relation
from chainrule._src.check.describing import (
    GENERIC,
    context_of,
    diagnoses,
    line_difference,
    where_of,
)
from chainrule._src.check.detached import recordable
from chainrule._src.check.diagnosis import Diagnosis, Where
from chainrule._src.check.edits import Edit, called_name
from chainrule._src.check.known import ValueTable
from chainrule._src.check.ofloss import OfLoss
from chainrule._src.check.origin import is_doubtful
from chainrule._src.check.paths import wrong_path
from chainrule._src.check.problem import GradientProblem
from chainrule._src.check.quiet import quiet
from chainrule._src.check.ranking import calls_another, spoils
from chainrule._src.check.repair import repairs
from chainrule._src.check.right import RightProgram, right_gradient
from chainrule._src.check.sandbox import FAILURES, Sandbox
from chainrule._src.check.settled import settled_statements
from chainrule._src.check.subject import FaultyProgram, Judge, Repair, ratio
from chainrule._src.check.suspects import departures
from chainrule._src.check.terms import of_terms
from chainrule._src.check.trial import Trial, elsewhere, trials
from chainrule._src.check.wording import INVERSE, sentence, text_of

SEARCHING = 0.8  # of the time, for the search in the learner's code
PATHS = 0.5  # of processor time for the paths of the gradient
SECONDS = 4.0  # of processor time that the search for a repair may take


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
        Limit of the search's processor time.
    """
    deadline = Deadline(seconds)
    search = Deadline(SEARCHING * seconds, deadline)
    subject, where = None, None
    first_diagnoses: tuple[Diagnosis, ...] = ()
    try:
        with quiet(problem.mutable), Sandbox(problem.mutable, seconds, deadline) as sandbox:
            subject, trial = _first(problem, exact, data, n, frozenset(wrong), sandbox, search)
            if subject is not None:
                first_diagnoses, where = _repaired(subject, problem, exact, data, right, sandbox)
                if first_diagnoses and where is None:
                    return _in_words(first_diagnoses, subject, trial, data, n, sandbox, deadline)
            if trial is not None and (subject is None or subject.around.right is not None):
                path = subject and _by_path(trial, subject, sandbox, deadline)
                if path:
                    alternatives = subject.meaning.alternatives if subject is not None else ()
                    return tuple(replace(d, where=where, others=alternatives) for d in path)
                inverse = _from_the_right(trial, subject, data, n, sandbox, deadline)
                if inverse:
                    return tuple(replace(d, where=where or d.where) for d in inverse)
    except FAILURES:  # a report in any case: by the values alone
        search.was_hit = True  # the search did not come to its end
    search.was_hit |= deadline.has_passed
    return (*first_diagnoses, *_by_value(problem, wrong, right, n, where, search, subject))


def _in_words(
    diagnoses: tuple[Diagnosis, ...], subject: FaultyProgram, trial: Trial | None, data: Any,
    n: int | None, sandbox: Sandbox, deadline: Deadline,
) -> tuple[Diagnosis, ...]:  # fmt: skip
    """Return diagnoses that know the right values of lines alone with the mistake in words."""
    if trial is None or any(d.kind != "exchange" for d in diagnoses):
        return diagnoses
    inverse = _by_path(trial, subject, sandbox, deadline)
    if not inverse and all(d.what.count(": ") < 2 for d in diagnoses):  # nothing is said of how
        inverse = _from_the_right(trial, subject, data, n, sandbox, deadline)
    return _in_lines(inverse, diagnoses) if inverse else diagnoses


def _by_path(
    trial: Trial, subject: FaultyProgram, sandbox: Sandbox, deadline: Deadline
) -> tuple[Diagnosis, ...]:
    """Return a diagnosis by the path of the gradient that is missing or wrong."""
    limit = Deadline(PATHS, deadline)
    arguments = trial.problem.loss, trial.data, trial.parameters, subject.before, limit
    path = _tried(sandbox, lambda: wrong_path(*arguments))
    if path is None:
        return ()
    what, names = path
    return (Diagnosis("path", what, tuple(sorted(names)), None, certain=False),)


def _in_lines(
    diagnoses: tuple[Diagnosis, ...], others: tuple[Diagnosis, ...]
) -> tuple[Diagnosis, ...]:
    """Return diagnoses at the lines of others, of which only the right values are known."""
    located = [d for d in others if d.where is not None]
    sources = [located[min(i, len(located) - 1)] if located else d for i, d in enumerate(diagnoses)]
    return tuple(
        replace(d, where=source.where, others=source.others)
        for d, source in zip(diagnoses, sources, strict=True)
    )


def _repaired(
    subject: FaultyProgram, problem: GradientProblem, exact: dict[str, Array], data: Any,
    right: dict[str, Array], sandbox: Sandbox,
) -> tuple[tuple[Diagnosis, ...], Where | None]:  # fmt: skip
    """Return the diagnoses of a repair; with the first wrong line if it repairs only a part."""
    candidates = repairs(subject)
    complete = [r for r in candidates if r.mended == subject.wrong]
    complete = _holding(complete, problem, exact, data, right, subject, sandbox)
    if subject.meaning.first:  # values are known to go wrong here, other lines are right
        complete = [r for r in complete if not _leaves(subject, r)]
    if complete:
        return diagnoses(subject, complete), None
    parts = [r for r in candidates if r.mended != subject.wrong]
    if subject.meaning.first:  # from this line all results go wrong
        parts = [r for r in parts if not is_doubtful(subject, r) and not _leaves(subject, r)]
    return diagnoses(subject, parts[:1]) if parts else (), first_unknown(subject)


def _leaves(subject: FaultyProgram, repair: Repair) -> bool:
    """Return true if a repair leaves the first wrong line as it is, for all that is known.

    It makes a right line wrong, or knows the right value of a later line.
    """
    statement = subject.meaning.first and subject.meaning.first.statement
    later = any(edit.make_hook and edit.statement is not statement for edit in repair.edits)
    lines = [line.statement for line in subject.meaning.lines]
    is_outside = not any(edit.statement in lines for edit in repair.edits)
    return later or (is_outside and spoils(subject, repair))


def _from_the_right(
    trial: Trial,
    subject: FaultyProgram | None,
    data: Any,
    n: int | None,
    sandbox: Sandbox,
    deadline: Deadline,
) -> tuple[Diagnosis, ...]:
    """Return diagnoses from a change of the right program that gives the learner's gradient."""
    if subject is not None:
        program, results = subject.around.right, subject.before
        deadline = Deadline(SECONDS / 3, deadline)
    else:
        program, results = _right_program(trial, sandbox), _tried(sandbox, trial.run)
    if program is None or results is None:
        return ()
    return _changed_right(trial, program, results, data, n, deadline, subject, sandbox)


def _tried(sandbox: Sandbox, call: Callable[[], Any]) -> Any:
    """Return the result of a learner's code, None if it raises or takes too long."""
    try:
        return sandbox.run(call)
    except FAILURES:  # on fewer samples, or called again
        return None


def _first(
    problem: GradientProblem, exact: dict[str, Array], data: Any, n: int | None,
    wrong: frozenset[str], sandbox: Sandbox, deadline: Deadline,
) -> tuple[FaultyProgram | None, Trial | None]:  # fmt: skip
    """Return the learner's program at the first trial with the same wrong gradients.

    The trial comes second. Without such a trial: the one with the most of them; else None and the
    last trial.
    """
    last = None
    best: tuple[FaultyProgram | None, Trial | None] = None, None
    for trial in trials(problem, exact, data, n, sandbox):
        last = trial
        codes: list[FunctionSource] = _tried(sandbox, partial(codes_called, trial.run)) or []
        if not codes:
            continue
        sandbox.keep(f for code in codes for f in code.functions)
        program = _right_program(trial, sandbox)
        try:
            seconds = thread_seconds(partial(sandbox.run, trial.run))
        except FAILURES:
            continue

        def call(trial: Trial = trial) -> Any:
            return sandbox.run(trial.run)

        try:
            subject = FaultyProgram(
                codes, call, trial.right, program, trial.n, deadline, trial.parameters
            )
        except FAILURES:  # code that counts its calls
            continue
        if subject.wrong == wrong:
            best = subject, trial
            break
        if len(subject.wrong & wrong) > len(best[0].wrong & wrong if best[0] else ()):
            best = subject, trial
    if best[0] is None or best[1] is None:
        return None, last
    sandbox.seconds = 0.1 + 10 * seconds
    parameters, samples = best[1].parameters, best[1].data
    best[0].loss = partial(sandbox.run, partial(problem.loss, parameters, *samples))
    best[0].around.loss = OfLoss(cache(partial(_codes_of, best[0].loss)))
    best[0].settled = settled_statements(best[0].codes, best[0].loss, deadline)
    best[0].judge = _judge(elsewhere(best[1], data, n, sandbox), sandbox)
    return best


def _codes_of(loss: Callable[[], Any]) -> list[FunctionSource]:
    """Return the functions of a loss; none if it fails."""
    try:
        return codes_called(loss)
    except FAILURES:
        return []


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
    """Return the repairs that also repair the gradient of all the data, or fail on all the data.

    If none does, but they were judged on other values, all: the data may lie on a kink.
    """

    def call() -> Any:
        return sandbox.run(lambda: problem.gradients(exact, *data))

    holding = []
    sandbox.seconds = max(sandbox.seconds, 1.0)
    for repair in candidates[:6]:
        results = subject.tried(repair.edits, call)
        if results is None or all(
            results.get(k) is not None and ratio(results[k], v) <= 1e-4
            for k, v in right.items()
            if k in subject.wrong
        ):
            holding.append(repair)
    return holding or (candidates if subject.judge else [])


def _right_program(trial: Trial, sandbox: Sandbox) -> RightProgram | None:
    problem = trial.problem

    def of(loss: Callable[..., Any]) -> RightProgram:
        return right_gradient(loss, trial.parameters, trial.data, trial.n, problem.names)

    def record() -> RightProgram | None:
        try:
            return of(problem.loss)
        except ChainruleError as error:  # the code does something that tensors do not support
            program: RightProgram | None = recordable(
                problem.loss, trial.data, trial.parameters, error, of
            )
            return program

    program: RightProgram | None = _tried(sandbox, record)
    return program


def _changed_right(
    trial: Trial,
    right: RightProgram,
    results: Mapping[str, Any],
    data: Any,
    n: int | None,
    deadline: Deadline,
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
        mutant = FaultyProgram(
            [right.code], call, expected, None, trial.n, deadline, trial.parameters
        )
    except FAILURES:  # it takes too long to be watched
        return ()
    mutant.judge = _inverse_judge(trial, right, data, n, sandbox)
    candidates = repairs(mutant, depth=1)
    if not candidates or candidates[0].mended != mutant.wrong:
        return ()
    repair = candidates[0]
    mistakes = []
    for edit in repair.edits:
        kind = INVERSE.get(edit.kind, edit.kind)
        context = context_of(mutant, edit)
        what = sentence(kind, edit.new, edit.old, edit.detail, context)
        if edit.kind in GENERIC:
            what = line_difference(mutant, repair, edit, context, right.table, inverse=True) or what
        what = right.written_out(what)
        line = text_of(edit.statement)
        where = _matching_line(mutant, repair, edit, learner) if learner else None
        formula = f"{line}, the right program says"
        parameters = tuple(sorted(edit.reach & repair.mended or repair.mended))
        mistakes.append(Diagnosis(kind, what, parameters, where, formula))
    return tuple(mistakes)


def _inverse_judge(
    trial: Trial, right: RightProgram, data: Any, n: int | None, sandbox: Sandbox
) -> Judge | None:
    """Return a judge with the right program on a hold-out trial, None if such a run is wrong."""
    other = elsewhere(trial, data, n, sandbox)
    wrong = _tried(sandbox, other.run) if other is not None else None
    if other is None or wrong is None:
        return None
    arguments = dict(other.parameters), *other.data

    def call() -> Any:
        return sandbox.run(lambda: right.function(*arguments)[1])

    before = _tried(sandbox, call)
    if before is None or any(ratio(before[k], v) > 1e-6 for k, v in other.right.items()):
        return None
    return Judge(call, wrong, before)


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
            return where_of(site.code, site.line)
    return None


def first_unknown(subject: FaultyProgram) -> Where | None:
    """Return the first line that belies its variable's name, or departs from the right program.

    Without one: the first of which it is known what must be added, rather not one that only calls
    another of the functions.
    """
    pinned = [p for p in subject.pinned or () if not called_name(p.node).startswith("zeros")]
    pinned.sort(key=lambda line: calls_another(subject, line))
    named = subject.meaning.lines
    both = [p for p in pinned if p.statement in [line.statement for line in named]]
    lines = [*both, *named, *departures(subject), *pinned, *departures(subject, partly=True)]
    return where_of(lines[0].code, lines[0].line) if lines else None


def _by_value(
    problem: GradientProblem, wrong: Sequence[str], right: dict[str, Array], n: int | None,
    where: Where | None, deadline: Deadline, subject: FaultyProgram | None,
) -> tuple[Diagnosis, ...]:  # fmt: skip
    """Diagnose by values alone, when no change of the code explains the wrong gradients.

    The first variable that belies its name is said, if there is one.
    """
    meaning = subject.meaning if subject is not None else None
    groups: dict[str, list[str]] = {}
    for name in wrong:
        how = relation(problem.by_hand[name], right[name], n)
        how = how or (_in_terms(subject, name) if subject is not None else "")
        groups.setdefault(how, []).append(name)
    otherwise = (meaning and meaning.sentence) or unexplained(
        deadline, f"{NOT_ALL} the right gradient; compare it with cr.source(loss), line by line"
    )
    kind = "by name" if meaning and meaning.sentence else "not explained"
    alternatives = meaning.alternatives if meaning else ()
    return tuple(
        Diagnosis("by value" if how else kind, how or otherwise, tuple(names), where,
                  "" if where is None else "a value of the right program; it is none of them",
                  certain=False, others=alternatives)
        for how, names in groups.items()
    )  # fmt: skip


def _in_terms(subject: FaultyProgram, name: str) -> str:
    """Describe how a wrong result counts the terms of the right one; "" for other results."""
    right, result = subject.around.right, subject.before.get(name)
    if right is None or result is None or np.shape(result) != subject.expected[name].shape:
        return ""
    last = max(subject.lines.values(), key=lambda line: line.trace.order)
    spelled = partial(subject.around.translation.spelled, site=last)
    return of_terms(result, subject.expected[name], right, spelled, every=True)


NOT_ALL = "not searched to the end: there are more changes than those that were tried, none gives"


def unexplained(deadline: Deadline, otherwise: str) -> str:
    """Describe a search without a result: it was ended by its deadline, or found nothing."""
    if not deadline.was_hit:
        return otherwise
    return (
        "not searched to the end: the time was over before all small changes of the code were "
        "tried; check on fewer samples or smaller layers"
    )
