"""An exercise: what is asked for, the checks of an answer in stages, and hints."""

from __future__ import annotations

import contextlib
import io
import linecache
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.escaping import element
from chainrule._src.check import Diagnosis, check_gradients, explain_difference
from chainrule._src.check.sandbox import Sandbox, TooLong
from chainrule._src.teach.calls import Candidate, Server
from chainrule._src.teach.expect import Ended, Plain, Wrong, shown

STAGES = (
    "shape", "dtype", "finite", "values", "properties", "gradient", "update", "overfits",
    "numbers",
)  # fmt: skip
# Kinds of diagnoses that are no sentence for a learner: they say nothing, or give the answer away.
UNTOLD = {"not explained", "right expression", "exchange", "other value", "other factor"}
SECONDS = 30  # that one check of a function at hand may take
Draw = np.random.Generator
Run = Callable[[Any, Draw], None]
Diagnose = Callable[[Any, Draw], Iterable[Diagnosis]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Check:
    """One check: its stage, what it earns, and what it does with an answer."""

    name: str
    points: int
    run: Run


@dataclass(frozen=True)
class Outcome:
    """What a check said: nothing if it passed, else one sentence."""

    check: str
    points: int
    passed: bool
    sentence: str = ""
    plain: bool = False  # no diagnosis says it better

    @property
    def earned(self) -> int:
        """The points that it gives."""
        return self.points if self.passed else 0


@dataclass(frozen=True)
class Result:
    """What all checks of an exercise said.

    Attributes
    ----------
    exercise : str
    outcomes : tuple of Outcome
        One a check, in their order.
    sentence : str
        What is wrong, in one sentence; "" if nothing is.
    """

    exercise: str
    outcomes: tuple[Outcome, ...]
    sentence: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(outcome.passed for outcome in self.outcomes)

    @property
    def points(self) -> int:
        """The points earned, a part of them where some checks passed."""
        return sum(outcome.earned for outcome in self.outcomes)

    @property
    def most(self) -> int:
        """The points that a right answer earns."""
        return sum(outcome.points for outcome in self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "exercise": self.exercise, "passed": self.passed, "points": self.points,
            "most": self.most, "sentence": self.sentence,
            "checks": [vars(outcome) | {} for outcome in self.outcomes],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Result:
        """Return the result that `to_dict` was called on."""
        outcomes = tuple(Outcome(**outcome) for outcome in values["checks"])
        return cls(values["exercise"], outcomes, values["sentence"])

    def __str__(self) -> str:
        count = f"{sum(o.passed for o in self.outcomes)} of {len(self.outcomes)} checks"
        if self.passed:
            return f"✓ {self.exercise}: {count}"
        return f"✗ {self.exercise}: {count}. {self.sentence}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colour, sign = ("#1a7f37", "✓") if self.passed else ("#b35900", "✗")
        dots = [
            element("span", dot, title=o.check, style=f"color:{of}")
            for o in self.outcomes
            for of, dot in [("#1a7f37", "●") if o.passed else ("#b35900", "○")]
        ]
        style = f"background:{colour};color:white;border-radius:4px;padding:2px 8px;font-weight:600"
        badge = element("span", f"{sign} {self.exercise}", style=style)
        return element("p", badge, " ", *dots, " ", self.sentence)


@dataclass
class Exercise:
    """Something to write: a function or a class, with the checks of an answer.

    Parameters
    ----------
    name : str
        The function or class that is asked for.
    title : str
        What it is to do, in a few words.
    hints : tuple of str
        Three: where to look, what is needed, the formula. Never the code.
    uses : tuple of str
        What else of the learner's the checks need: they take it with `Candidate.beside`.
    checks : list of Check
        In the order of `STAGES`; `check` adds one.
    allows : tuple of str
        What an answer may import besides NumPy, such as ``"chainrule.keras"``.
    """

    name: str
    title: str
    hints: tuple[str, str, str]
    uses: tuple[str, ...] = ()
    checks: list[Check] = field(default_factory=list)
    diagnoses: dict[str, Diagnose] = field(default_factory=dict)
    allows: tuple[str, ...] = ()

    def check(self, stage: str, points: int = 1) -> Callable[[F], F]:
        """Add a check: a function of the candidate and a generator of numbers; decorates it."""

        def add(run: F) -> F:
            self.checks.append(Check(stage, points, run))
            return run

        return add

    def diagnosis(self, *stages: str) -> Callable[[F], F]:
        """Say how a failure at these stages is explained: ``f(subject, draw)`` to diagnoses."""

        def add(diagnose: F) -> F:
            self.diagnoses |= dict.fromkeys(stages, diagnose)
            return diagnose

        return add

    @property
    def names(self) -> tuple[str, ...]:
        """What must be loaded for the checks: its own name and those that it uses."""
        return (self.name, *self.uses)

    @property
    def most(self) -> int:
        """The points that a right answer earns."""
        return sum(check.points for check in self.checks)

    def failed(self, sentence: str) -> Result:
        """Return the result of an answer that no check can be run on."""
        outcomes = (Outcome(check.name, check.points, False, sentence) for check in self.checks)
        return Result(self.name, tuple(outcomes), sentence)

    def run(self, candidate: Any, student: str = "") -> Result:
        """Return what the checks say of a candidate; once it has ended, no further one is run.

        Parameters
        ----------
        candidate : Candidate
        student : str
            Values are drawn from this name.
        """
        outcomes: list[Outcome] = []
        ended = ""
        for number, check in enumerate(self.checks):
            sentence, plain = ended, bool(ended)
            if not ended:
                try:
                    check.run(candidate, self.draw(student, number))
                except Wrong as wrong:
                    sentence, plain = str(wrong), isinstance(wrong, Plain)
                    ended = sentence if isinstance(wrong, Ended) else ""
                except Exception as error:  # what comes out of an answer may be anything
                    sentence = f"{self.name} gives what cannot be checked: {shown(str(error))}"
            outcomes.append(Outcome(check.name, check.points, not sentence, sentence, plain))
        failed = next((outcome.sentence for outcome in outcomes if not outcome.passed), "")
        return Result(self.name, tuple(outcomes), failed)

    def run_here(self, subject: Any, student: str = "") -> Result:
        """Return what the checks say of a function or class at hand, with a diagnosis."""
        around = vars(sys.modules.get(getattr(subject, "__module__", ""), sys))
        for name in self.uses:
            if name not in around:
                return self.failed(f"{self.name} is checked together with {name}: define it first")
        server = Server({name: around[name] for name in self.uses} | {self.name: subject})

        def ask(request: dict[str, Any]) -> dict[str, Any]:
            try:
                reply: dict[str, Any] = sandbox.run(lambda: server.answer(request))
                return reply
            except TooLong:
                raise Ended(
                    f"{self.name} did not come to an end within {SECONDS} seconds: "
                    "is there a loop that never ends?"
                ) from None

        with Sandbox((), SECONDS) as sandbox:
            result = self.run(Candidate(ask, self.name, self.name), student)
        sentence = self.explain(subject, result, student)
        return Result(self.name, result.outcomes, sentence or result.sentence)

    def explain(self, subject: Any, result: Result, student: str = "") -> str:
        """Return what a diagnosis of the learner's code says, or "" if it finds nothing."""
        failed = next((outcome for outcome in result.outcomes if not outcome.passed), None)
        diagnose = self.diagnoses.get(failed.check) if failed else None
        if diagnose is None or (failed and failed.plain):
            return ""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                found = list(diagnose(subject, self.draw(student, 0)))
        except Exception:  # whatever a learner's code does
            return ""
        own = set(_lines(subject))
        for diagnosis in found:
            where = diagnosis.where
            if where and where.code.strip() in own and diagnosis.kind not in UNTOLD:
                return f"{where}: {diagnosis.what}"
        return ""

    def draw(self, student: str, number: int) -> Draw:
        """Return the generator of a check's numbers: the same for the same student."""
        return np.random.default_rng([zlib.crc32(f"{self.name}/{student}".encode()), number])


def _lines(subject: Any) -> Iterator[str]:
    """Yield the lines of a function, or of a class's methods: what it calls is not to blame."""
    parts = vars(subject).values() if isinstance(subject, type) else [subject]
    for part in parts:
        if isinstance(part, FunctionType):
            code = part.__code__
            last = max(line or 0 for _, _, line in code.co_lines())
            for line in range(code.co_firstlineno, last + 1):
                yield linecache.getline(code.co_filename, line).strip()


def compared_with(
    reference: Callable[..., Any], args: Callable[[Draw], tuple[Any, ...]]
) -> Diagnose:
    """Return a diagnosis that compares with a right function at drawn arguments."""
    return lambda subject, draw: explain_difference(subject, reference)(*args(draw)).diagnoses


def gradient_of(make: Callable[[Any, Draw], tuple[Any, tuple[Any, ...]]]) -> Diagnose:
    """Return a diagnosis of a model's ``grad_loss``; ``make`` gives the model and its data."""

    def diagnose(subject: Any, draw: Draw) -> Iterable[Diagnosis]:
        model, args = make(subject, draw)
        return check_gradients(model)(*args).diagnoses

    return diagnose
