"""The check of a lab: its answers, wrong and right, get what the teacher expects."""

from __future__ import annotations

import ast
import hashlib
import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.teach.checked import check_submission
from chainrule._src.teach.exercise import ExerciseResult
from chainrule._src.teach.loader import LoadedLab
from chainrule._src.teach.notation import Example
from chainrule._src.teach.submission import Submission, parse
from chainrule._src.teach.telling import LEAST, contains, packed
from chainrule._src.teach.writing.mutants import Mutant, mutants

SECONDS = 5.0  # time limit of a call of a wrong answer, which may never end
STUDENTS = ("", "ada", "bob")  # for whom the solution must pass
_PLACE = re.compile(r"^\S*answer\.py, line \d+: ")


@dataclass
class ExerciseProof:
    """The outcome for one exercise.

    Attributes
    ----------
    exercise : str
    faults : list of str
        Sentences on what is wrong with the checks, the answers or the hints.
    wrong, right : int
        Numbers of the listed answers.
    mutants : list of Mutant
        The changed solutions that were tried.
    survivors : list of Mutant
        Those that pass all checks.
    sentences : dict of str
        The sentence that each of the others is told, by its text.
    """

    exercise: str
    faults: list[str] = field(default_factory=list)
    wrong: int = 0
    right: int = 0
    mutants: list[Mutant] = field(default_factory=list)
    survivors: list[Mutant] = field(default_factory=list)
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def proposals(self) -> Iterator[str]:
        """Lines for the source: wrong answers that are told a sentence of their own."""
        sentences = set()
        for mutant in self.mutants:
            sentence = _PLACE.sub("", self.sentences.get(mutant.text, ""))
            if sentence and sentence not in sentences:
                sentences.add(sentence)
                old, new = mutant.replacement
                yield f"checks.wrong({old!r}, {new!r}, says={sentence!r})"


def prove(lab: LoadedLab, most: int = 60, explained: bool = False) -> Iterator[ExerciseProof]:
    """Yield the proof of each exercise.

    Parameters
    ----------
    lab : LoadedLab
    most : int, default 60
        The largest number of mutants of an exercise.
    explained : bool, default False
        If true, the sentences of mutants come from a diagnosis, which takes longer.
    """
    for name in lab.exercises:
        proof = ExerciseProof(name)
        proof.faults += _of_solution(lab, name)
        proof.faults += _of_hints(lab, name)
        if not proof.faults:
            proof.faults += _of_examples(lab, name)
            try_mutants(lab, proof, most, explained)
        proof.wrong = len(lab.checks[name].wrong_answers)
        proof.right = len(lab.checks[name].right_answers)
        yield proof


def result(
    lab: LoadedLab, name: str, answer: str, student: str = "", explained: bool = True
) -> ExerciseResult:
    """Return the result of an answer, which stands in the solved lab behind the solution."""
    submission = answered(lab, name, answer, student)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        return check_submission(submission, lab.exercises[name], student, SECONDS, explained)


def answered(lab: LoadedLab, name: str, answer: str, student: str = "") -> Submission:
    """Return the solved lab with an answer behind the solution of all that the answer defines."""
    solved = lab.solution.submission(student).statements
    digest = hashlib.sha256(answer.encode()).hexdigest()[:16]  # a file has one text
    parsed = parse(Path(tempfile.gettempdir()) / digest / "answer.py", answer)
    if parsed.notes:
        raise DataError(f"an answer to {name} does not parse: {parsed.notes[0]}")
    defined = {name}.union(*(part.binds for part in parsed.statements if part.is_definition))
    last = max(number for number, part in enumerate(solved) if defined & part.binds)
    statements = [*solved[: last + 1], *parsed.statements, *solved[last + 1 :]]
    return Submission(lab.source.path, statements)


def cell_text(lab: LoadedLab, name: str, *, solved: bool) -> str:
    """Return the text of the last cell that defines an exercise, solved or as handed out."""
    cell = [cell for cell in lab.source.cells if name in cell.exercises][-1]
    return lab.source.code(cell, solved=solved)


def _of_solution(lab: LoadedLab, name: str) -> Iterator[str]:
    solution, stub = (cell_text(lab, name, solved=solved) for solved in (True, False))
    for student in STUDENTS:
        outcome = result(lab, name, solution, student)
        if not outcome.passed:
            yield f"the solution does not pass: {outcome.sentence}"
            return
    if result(lab, name, stub).passed:
        yield "the stub passes: add a check that it fails"


def _of_hints(lab: LoadedLab, name: str) -> Iterator[str]:
    """Yield a fault for each hint that contains an expression of the solution."""
    stub = cell_text(lab, name, solved=False)
    tree = ast.parse(cell_text(lab, name, solved=True))
    values = [getattr(node, "value", None) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    texts = {ast.unparse(value) for value in values if isinstance(value, ast.expr)}
    for number, hint in enumerate(lab.exercises[name].hints, 1):
        for text in sorted(texts):
            is_short = len(packed(text)) < LEAST
            if not is_short and contains(hint, text) and not contains(stub, text):
                yield f"hint {number} gives the solution away: {text}"


def _of_examples(lab: LoadedLab, name: str) -> Iterator[str]:
    checks, solution = lab.checks[name], cell_text(lab, name, solved=True)
    for example in (*checks.wrong_answers, *checks.right_answers):
        try:
            outcome = result(lab, name, example.of(solution))
        except DataError as error:
            yield str(error)
            continue
        if example in checks.right_answers:
            if not outcome.passed:
                yield f"a right answer does not pass: {_short(example)}: {outcome.sentence}"
        elif outcome.passed:
            yield f"a wrong answer passes: {_short(example)}"
        elif not any(example.says in sentence for sentence in _sentences(outcome)):
            yield f"{_short(example)} is told {outcome.sentence!r}, without {example.says!r}"


def _sentences(outcome: ExerciseResult) -> tuple[str, str]:
    """Return the sentence of the diagnosis, which takes what time there is, and of the check."""
    failed = next(check.sentence for check in outcome.outcomes if not check.passed)
    return outcome.sentence, failed


def _short(example: Example) -> str:
    if example.old:
        return f"{example.old} → {example.new}"
    return " ".join(example.new.split())[:80]


def _lines(lab: LoadedLab, name: str, text: str) -> set[int]:
    """Return the lines of a cell that belong to an exercise: no other exercise, and no plot."""
    others = set(lab.source.exercises) - {name}
    solved = set(lab.solution.submission().statements)
    parts = [part for part in answered(lab, name, text).needed(name) if part not in solved]
    nodes = [part.node for part in parts if not part.binds & others]
    return {line for node in nodes for line in range(node.lineno, (node.end_lineno or 0) + 1)}


def try_mutants(lab: LoadedLab, proof: ExerciseProof, most: int, explained: bool = False) -> None:
    """Add the mutants of an exercise's solution to a proof, and those that pass its checks."""
    name = proof.exercise
    text = cell_text(lab, name, solved=True)
    proof.mutants = mutants(text, most, _lines(lab, name, text))
    for mutant in proof.mutants:
        outcome = result(lab, name, mutant.text, explained=explained)
        if outcome.passed:
            proof.survivors.append(mutant)
        else:
            proof.sentences[mutant.text] = outcome.sentence
