"""Grade one submission: its code runs in other processes, the checks run in this process."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Self

from chainrule._src.base.errors import FileError
from chainrule._src.base.processes import Limits
from chainrule._src.teach.exercise import (
    CheckOutcome,
    Exercise,
    ExerciseResult,
    OnOutcome,
    result_of,
)
from chainrule._src.teach.expect import Wrong, short_text
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.hidden import STAGE, run_hidden, used_names
from chainrule._src.teach.grading.right_answers import (
    RightAnswers,
    RightDefinitions,
    right_definitions,
)
from chainrule._src.teach.loader import load
from chainrule._src.teach.plan import loading_failed
from chainrule._src.teach.running import LIMITS, Host, Worker
from chainrule._src.teach.submission import text_of

READING = Limits(seconds=30.0, memory=2**30)
EXPLAINING, SEARCHING = 10.0, 2.0  # limits of a diagnosis and of its search, in seconds
LIGHT = frozenset(sys.stdlib_module_names) | {"numpy", "chainrule"}  # loaded, or loaded quickly
MOST_TEXT = 400
Read = Callable[..., dict[str, Any]]  # `Grader._read` of one submission
_PLACE = re.compile(r"^[^:]*, line \d+: ")


@dataclass(frozen=True)
class Assignment:
    """The exercises of a lab, and the settings for grading answers.

    Attributes
    ----------
    lab : str
    exercises : dict of Exercise
        The exercises by name.
    hidden : dict of str
        Hidden tests, by the exercise's name.
    limits : Limits
        Limits of one exercise.
    seed : str
        Seeds random values, together with the student's name.
    stubs : tuple of str
        The stubs that students receive: an unchanged stub earns no points.
    key : str
        The lab's key, by which the process of diagnoses loads it.
    """

    lab: str
    exercises: Mapping[str, Exercise]
    hidden: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = LIMITS
    seed: str = ""
    stubs: tuple[str, ...] = ()
    key: str = ""

    def stand_ins(self, name: str) -> Collection[str]:
        """The exercises that one exercise uses and for which right values can stand in."""
        return load(self.key).stand_ins(name) if self.key else ()

    def right(self, name: str, wrong: Collection[str], student: str) -> RightDefinitions | None:
        """Return right definitions in place of wrong answers that an exercise uses, or None."""
        return right_definitions(load(self.key), name, wrong, student) if self.key else None

    def most(self, name: str) -> int:
        """The points that a correct answer of one exercise earns."""
        return self.failed(name, "").most

    def failed(self, name: str, sentence: str) -> ExerciseResult:
        """Return the result of an exercise in which every check fails with this sentence."""
        result = self.exercises[name].failed(sentence)
        if name not in self.hidden:
            return result
        hidden = CheckOutcome(STAGE, 1, False, sentence, plain=True)
        return ExerciseResult(name, (*result.outcomes, hidden), sentence)


@dataclass(frozen=True)
class Graded:
    """A submission's marks.

    Attributes
    ----------
    name, file : str
    results : tuple of ExerciseResult
        One result for each exercise, in the order of the lab.
    note : str
        A remark on the whole submission.
    seconds : float
    follows : dict of str
        Wrong exercise → another wrong exercise on which it depends.
    code : dict of str
        The text of each exercise's definition, to be compared with those of others.
    """

    name: str
    file: str
    results: tuple[ExerciseResult, ...]
    note: str = ""
    seconds: float = 0.0
    follows: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """The points earned."""
        return sum(result.points for result in self.results)

    @property
    def most(self) -> int:
        """The points that correct answers earn."""
        return sum(result.most for result in self.results)

    @property
    def message(self) -> str:
        """One line that says what is wrong."""
        sentences = dict.fromkeys(self.sentence(r) for r in self.results if not r.passed)
        return "; ".join(filter(None, [self.note, *sentences])) or "all right"

    def sentence_of(self, result: ExerciseResult) -> str:
        """Return the sentence of a result, with the exercise's name and without file and line."""
        sentence = without_place(self.sentence(result))
        return sentence if result.exercise in sentence else f"{result.exercise}: {sentence}"

    def sentence(self, result: ExerciseResult) -> str:
        """Return the sentence of a result, and which wrong exercise it depends on."""
        other = self.follows.get(result.exercise)
        return result.sentence + (f" ({other}, which it uses, is wrong)" if other else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the marks as a dict of plain values."""
        return {
            "name": self.name, "file": self.file, "points": self.points, "most": self.most,
            "message": self.message, "seconds": round(self.seconds, 3),
            "follows": dict(self.follows), "note": self.note,
            "exercises": [result.to_dict() for result in self.results],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any], code: Mapping[str, str]) -> Graded:
        """Create marks from the dict that `to_dict` returns, and the definitions' texts."""
        results = tuple(map(ExerciseResult.from_dict, values["exercises"]))
        return cls(
            values["name"], values["file"], results, values["note"], values["seconds"],
            values["follows"], code,
        )  # fmt: skip


class Grader:
    """Context manager that grades submissions, one at a time.

    Parameters
    ----------
    assignment : Assignment
    """

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self._host, self._libraries = Host(), Host("bare:libraries")
        self._library, self._teacher = Host("library"), Host(f"whole:{assignment.key}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for host in (self._host, self._libraries, self._library, self._teacher):
            host.close()

    def grade(self, entry: Entry) -> Graded:
        """Return the marks of one submission; errors in it never propagate."""
        begin = time.perf_counter()
        try:
            if entry.path is None:
                raise FileError(entry.note)
            text, name = text_of(entry.path), entry.path.name
            with Worker(self._host, READING, name) as reader:
                return self._graded(entry, partial(self._read, reader, name, text), begin)
        except (FileError, Wrong) as error:
            return self.failed(entry, str(error), time.perf_counter() - begin)

    def failed(self, entry: Entry, sentence: str, seconds: float = 0.0) -> Graded:
        """Return the marks of a submission that cannot be run: every exercise fails."""
        results = (self._failed(name, _short(sentence)) for name in self.assignment.exercises)
        return Graded(entry.name, entry.file, tuple(results), seconds=seconds)

    def _graded(self, entry: Entry, read: Read, begin: float) -> Graded:
        plan = read(self.assignment.exercises)
        results: list[ExerciseResult] = []
        for name in self.assignment.exercises:
            results.append(self._marked(name, plan[name], results, entry, read))
        seconds = time.perf_counter() - begin
        right = self.assignment.stand_ins  # an exercise was marked with these in their places
        uses = {name: set(plan[name]["uses"]) - set(right(name)) for name in plan}
        follows = _follows(results, uses)
        code = {name: plan[name]["code"] for name in plan if plan[name]["code"]}
        return Graded(entry.name, entry.file, tuple(results), entry.note, seconds, follows, code)

    def _marked(
        self,
        name: str,
        plan: dict[str, Any],
        earlier: Sequence[ExerciseResult],
        entry: Entry,
        read: Read,
    ) -> ExerciseResult:
        """Return the better of two marks: with a student's earlier answers, or with right ones.

        A mistake is paid in the exercise where it is made, and not again in those that use it.
        """
        wrong = [each for each in earlier if not each.passed]

        @cache
        def with_right() -> ExerciseResult | None:
            return self._with_right(name, [each.exercise for each in wrong], entry.name, read)

        def full_with_right(outcome: CheckOutcome | None = None) -> ExerciseResult | None:
            if outcome and outcome.passed:
                return None
            return again if (again := with_right()) and again.passed else None

        # What ends its process, for instance an endless loop, is better not called once more.
        ended = [each.exercise for each in wrong if each.outcomes[-1].plain]
        if set(ended) & set(plan["uses"]) and (again := full_with_right()):
            return again
        result = self._exercise(name, plan, entry.name, on_outcome=full_with_right)
        if result.passed:
            return result
        if again := with_right():
            pairs = zip(result.outcomes, again.outcomes, strict=True)
            again = result_of(name, (first if first.passed else second for first, second in pairs))
            if again.points > result.points:
                return again
        return self._explained(result, plan, entry)

    def _with_right(
        self, name: str, wrong: Collection[str], student: str, read: Read
    ) -> ExerciseResult | None:
        """Return the marks with right answers in place of wrong ones, or None if none is used."""
        task = self.assignment
        right = task.right(name, wrong, self._student(student)) if wrong else None
        if right is None:
            return None
        try:
            plan = read([name], right.stand_ins)[name]
            with RightAnswers(self._host, task.limits, right) as answers:
                return self._exercise(name, plan, student, answers.line)
        except (FileError, Wrong):
            return None

    def _student(self, name: str) -> str:
        """Return the text that seeds a student's random values."""
        return f"{self.assignment.seed}/{name}"

    def _read(
        self,
        reader: Worker,
        path: str,
        text: str,
        exercises: Iterable[str],
        right: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Parse a submission in a separate process and return the plan of each exercise.

        ``right`` has the texts of stand-ins: see `RightDefinitions`.
        """
        names = {}
        for name in exercises:
            exercise = self.assignment.exercises[name]
            others = used_names(self.assignment.hidden.get(name, ""), self.assignment.exercises)
            names[name] = {"needs": exercise.names, "tests": others, "allows": exercise.allows}
        request = {"path": path, "text": text, "names": names, "right": right or {}}
        reply = reader.ask({"do": "read", "stubs": list(self.assignment.stubs), **request})
        if "error" in reply:
            raise FileError(reply["error"]["message"])
        plan: dict[str, Any] = reply["value"]
        return plan

    def _exercise(
        self,
        name: str,
        plan: dict[str, Any],
        student: str,
        line: socket.socket | None = None,
        on_outcome: OnOutcome = lambda outcome: None,
    ) -> ExerciseResult:
        if plan["problem"]:
            return self._failed(name, _short(plan["problem"]))
        exercise = self.assignment.exercises[name]
        drawn_from = self._student(student)
        host = self._host if LIGHT.issuperset(plan["imports"]) else self._libraries
        if any(module.startswith("chainrule") for module in exercise.allows):
            host = self._library
        worker = self._worker(host, name, drawn_from, line=line)
        try:
            with worker:
                reply = worker.ask({"do": "load", "name": name, **plan})
                if "error" in reply:
                    return self._failed(name, _short(loading_failed(name, reply["error"])))
                result = exercise.run(worker.candidate(name), drawn_from, on_outcome)
                return self._with_hidden(result, worker)
        except Wrong as error:
            return self._failed(name, _short(str(error)))

    def _with_hidden(self, result: ExerciseResult, worker: Worker) -> ExerciseResult:
        text = self.assignment.hidden.get(result.exercise)
        if not text or result.outcomes[-1].check == STAGE:
            return result
        names = [result.exercise, *used_names(text, self.assignment.exercises)]
        outcome = run_hidden(text, result.exercise, {n: worker.candidate(n) for n in names})
        return ExerciseResult(
            result.exercise, (*result.outcomes, outcome), result.sentence or outcome.sentence
        )

    def _explained(
        self, result: ExerciseResult, plan: dict[str, Any], entry: Entry
    ) -> ExerciseResult:
        """Return a result with the sentence of a diagnosis, if one finds the mistake."""
        sentence = self._diagnosis(result, plan, self._student(entry.name))
        return replace(result, sentence=_short(sentence or result.sentence))

    def _diagnosis(self, result: ExerciseResult, plan: dict[str, Any], student: str) -> str:
        """Return the sentence of a diagnosis in a separate process; it never changes marks."""
        failed = [outcome for outcome in result.outcomes if not outcome.passed]
        diagnoses = self.assignment.exercises[result.exercise].diagnoses
        if any(outcome.plain for outcome in failed) or failed[0].check not in diagnoses:
            return ""
        checks = [[o.check, o.passed, o.sentence] for o in result.outcomes if o.check != STAGE]
        request: dict[str, Any] = {
            "name": result.exercise, "checks": checks, "student": student,
            "lab": self.assignment.key, "seconds": SEARCHING,
        }  # fmt: skip
        explaining = self._worker(self._teacher, result.exercise, student, EXPLAINING)
        with contextlib.suppress(Wrong), explaining as worker:
            if "error" not in worker.ask({"do": "load", "name": result.exercise, **plan}):
                text = worker.ask({"do": "explain", **request}).get("value")
                return text if isinstance(text, str) else ""
        return ""

    def _worker(
        self,
        host: Host,
        name: str,
        student: str,
        seconds: float = 1e9,
        line: socket.socket | None = None,
    ) -> Worker:
        limits = self.assignment.limits
        most = min(limits.seconds, seconds)
        seed = zlib.crc32(student.encode())
        return Worker(host, Limits(most, limits.memory, limits.hidden), name, seed, line)

    def _failed(self, name: str, sentence: str) -> ExerciseResult:
        return self.assignment.failed(name, sentence)


def _follows(
    results: Sequence[ExerciseResult], uses: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """Map each wrong exercise to the first wrong exercise on which it depends."""
    wrong = [result.exercise for result in results if not result.passed]
    used = {name: [other for other in wrong if other in uses.get(name, ())] for name in wrong}
    return {name: others[0] for name, others in used.items() if others}


def without_place(sentence: str) -> str:
    """Remove the file and line with which a sentence begins.

    Examples
    --------
    >>> without_place("ada.py, line 6: the sum runs over all rows")
    'the sum runs over all rows'
    """
    return _PLACE.sub("", sentence)


def _short(sentence: str) -> str:
    return short_text(sentence, MOST_TEXT)
