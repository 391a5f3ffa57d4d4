"""An exercise: its task, the checks of an answer in stages, and hints."""

from __future__ import annotations

import contextlib
import io
import linecache
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.escaping import element
from chainrule._src.check import Diagnosis, check_gradients, explain_difference
from chainrule._src.check.sandbox import Sandbox, TooLong
from chainrule._src.teach.calls import Candidate, ObjectServer
from chainrule._src.teach.expect import Comparison, Ended, Plain, Wrong, short_text
from chainrule._src.teach.figures import Figures
from chainrule._src.teach.telling import without_answer

STAGES = (
    "shape", "dtype", "finite", "values", "properties", "gradient", "update", "overfits",
    "numbers",
)  # fmt: skip
# Kinds of diagnoses that a learner does not see: they explain nothing or reveal the answer.
UNTOLD = {"not explained", "right expression", "exchange", "other factor"}
SECONDS = 30  # time limit of one call in this process
STUDENT: ContextVar[str] = ContextVar("STUDENT", default="")  # whose answer is being checked
Draw = np.random.Generator
Run = Callable[[Any, Draw], None]
Diagnose = Callable[[Any, Draw], Iterable[Diagnosis]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class ExerciseCheck:
    """One check: its stage, its points, and the function that tests an answer.

    If ``question`` is not "", the points are given by a person who answers it.
    """

    name: str
    points: int
    run: Run
    question: str = ""


@dataclass(frozen=True)
class CheckOutcome:
    """The outcome of one check, with a sentence if the check failed."""

    check: str
    points: int
    passed: bool
    sentence: str = ""
    plain: bool = False  # the sentence is final: no diagnosis replaces it
    open: int = 0  # points that a person has yet to give; ``sentence`` is the question
    comparison: Comparison | None = field(default=None, compare=False)

    @property
    def earned(self) -> int:
        """The points that the check earned."""
        return self.points if self.passed else 0


@dataclass(frozen=True)
class ExerciseResult:
    """The outcomes of all checks of an exercise.

    Attributes
    ----------
    exercise : str
    outcomes : tuple of CheckOutcome
        One for each check, in the order of the checks.
    sentence : str
        One sentence that says what is wrong; "" if all checks passed.
    comparison : Comparison or None
        Values of the first check that failed, for the learner.
    pictures : dict
        The figures that were drawn: see `Figures`.
    """

    exercise: str
    outcomes: tuple[CheckOutcome, ...]
    sentence: str = ""
    comparison: Comparison | None = None
    pictures: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True if every check passed."""
        return all(outcome.passed for outcome in self.outcomes)

    @property
    def points(self) -> int:
        """The sum of the points of the checks that passed."""
        return sum(outcome.earned for outcome in self.outcomes)

    @property
    def most(self) -> int:
        """The points that a correct answer earns."""
        return sum(outcome.points for outcome in self.outcomes)

    @property
    def questions(self) -> tuple[CheckOutcome, ...]:
        """The outcomes whose points a person has yet to give."""
        return tuple(outcome for outcome in self.outcomes if outcome.open)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a dict of plain values."""
        checks = [vars(outcome) | {} for outcome in self.outcomes]
        for check in checks:
            del check["comparison"]
        more: dict[str, Any] = {}
        if self.comparison:
            more["comparison"] = vars(self.comparison) | {}
        if self.pictures:
            more["pictures"] = self.pictures
        return {
            "exercise": self.exercise, "passed": self.passed, "points": self.points,
            "most": self.most, "sentence": self.sentence, "checks": checks,
            **more,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExerciseResult:
        """Create a result from the dict that `to_dict` returns."""
        outcomes = tuple(CheckOutcome(**outcome) for outcome in values["checks"])
        comparison = values.get("comparison")
        comparison = Comparison(**comparison) if comparison else None
        pictures = values.get("pictures", {})
        return cls(values["exercise"], outcomes, values["sentence"], comparison, pictures)

    def __str__(self) -> str:
        count = f"{sum(o.passed for o in self.outcomes)} of {len(self.outcomes)} checks"
        if self.passed:
            later = "; a person marks the rest" if self.questions else ""
            return f"✓ {self.exercise}: {count}{later}"
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


OnOutcome = Callable[[CheckOutcome], ExerciseResult | None]


def result_of(name: str, outcomes: Iterable[CheckOutcome]) -> ExerciseResult:
    """Return the result that says the sentence of the first check that failed."""
    outcomes = tuple(outcomes)
    failed = next((outcome.sentence for outcome in outcomes if not outcome.passed), "")
    return ExerciseResult(name, outcomes, failed)


@dataclass
class Exercise:
    """A task, to write a function or a class, with the checks of an answer.

    Parameters
    ----------
    name : str
        The name of the function or class to write.
    title : str
        The purpose of the function or class, in a few words.
    hints : tuple of str
        Hints, each more precise: where to look, what is needed, the formula, but not the code.
    uses : tuple of str
        Other functions or classes of the learner that the checks call, by `Candidate.beside`.
    checks : list of ExerciseCheck
        The checks in the order of `STAGES`; the method `check` adds one.
    allows : tuple of str
        Modules that an answer may import besides NumPy, such as ``"chainrule.keras"``.
    """

    name: str
    title: str
    hints: tuple[str, ...]
    uses: tuple[str, ...] = ()
    checks: list[ExerciseCheck] = field(default_factory=list)
    diagnoses: dict[str, Diagnose] = field(default_factory=dict)
    allows: tuple[str, ...] = ()

    def check(self, stage: str, points: int = 1, question: str = "") -> Callable[[F], F]:
        """Decorator that adds a check: a function of the candidate and a random generator."""

        def add(run: F) -> F:
            self.checks.append(ExerciseCheck(stage, points, run, question))
            return run

        return add

    def diagnosis(self, *stages: str) -> Callable[[F], F]:
        """Decorator that adds ``f(subject, draw)``, which diagnoses failures at these stages."""

        def add(diagnose: F) -> F:
            self.diagnoses |= dict.fromkeys(stages, diagnose)
            return diagnose

        return add

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the checks load: the exercise's name, then those of `uses`."""
        return (self.name, *self.uses)

    @property
    def most(self) -> int:
        """The points that a correct answer earns."""
        return sum(check.points for check in self.checks)

    def failed(self, sentence: str) -> ExerciseResult:
        """Return a result in which every check fails with this sentence, which is final."""
        outcomes = (
            CheckOutcome(check.name, check.points, False, sentence, plain=True)
            for check in self.checks
        )
        return ExerciseResult(self.name, tuple(outcomes), sentence)

    def run(
        self,
        candidate: Any,
        student: str = "",
        on_outcome: OnOutcome = lambda outcome: None,
    ) -> ExerciseResult:
        """Run the checks on a candidate; stop when its process has ended.

        The checks that were not run fail with the sentence of the last one.

        Parameters
        ----------
        candidate : Candidate
        student : str
            The student's name, which seeds the random values of the checks.
        on_outcome : callable, optional
            Callback for each outcome. If it returns a result, the other checks do not run.
        """
        outcomes: list[CheckOutcome] = []
        with _checking(student), np.errstate(all="ignore"):
            for outcome in self._outcomes(candidate, student):
                outcomes.append(outcome)
                if replacement := on_outcome(outcome):
                    return replacement
        return result_of(self.name, outcomes)

    def _outcomes(self, candidate: Any, student: str) -> Iterator[CheckOutcome]:
        ended = ""
        for number, check in enumerate(self.checks):
            sentence, plain, comparison = ended, bool(ended), None
            if not ended:
                try:
                    check.run(candidate, self.draw(student, number))
                except Wrong as wrong:
                    sentence, plain = str(wrong), isinstance(wrong, Plain)
                    comparison = wrong.comparison
                    ended = sentence if isinstance(wrong, Ended) else ""
                except Exception as error:  # an answer may return objects of any kind
                    sentence = f"{self.name} gives what cannot be checked: {short_text(str(error))}"
            if check.question and not sentence:
                yield CheckOutcome(check.name, 0, True, check.question, open=check.points)
            else:
                yield CheckOutcome(
                    check.name, check.points, not sentence, sentence, plain, comparison=comparison
                )

    def run_here(
        self,
        subject: Any,
        student: str = "",
        seconds: float = SECONDS,
        explained: bool = True,
        on_outcome: OnOutcome = lambda outcome: None,
        figures: Figures | None = None,
    ) -> ExerciseResult:
        """Run the checks on a function or class in this process, and diagnose a failure.

        ``seconds`` limits the time of each call; if ``explained`` is false, no diagnosis is made.
        ``figures``, if given, takes the figures that are open, and closes them.
        """
        around = vars(sys.modules.get(getattr(subject, "__module__", ""), sys))
        for name in self.uses:
            if name not in around:
                return self.failed(f"{self.name} is checked together with {name}: define it first")
        server = ObjectServer({name: around[name] for name in self.uses} | {self.name: subject})

        def take(whose: str) -> None:
            if figures is not None:
                figures.take(whose)

        def answer(request: dict[str, Any]) -> dict[str, Any]:
            reply = server.answer(request)
            take("yours")  # the sandbox closes it
            return reply

        def ask(request: dict[str, Any]) -> dict[str, Any]:
            take("lab")  # what the checks have drawn since the last call
            try:
                reply: dict[str, Any] = sandbox.run(lambda: answer(request))
                return reply
            except TooLong:
                raise Ended(
                    f"{self.name} did not come to an end within {seconds:g} seconds: "
                    "is there a loop that never ends?"
                ) from None

        take("yours")
        with Sandbox((), seconds) as sandbox:
            result = self.run(Candidate(ask, self.name, self.name), student, on_outcome)
        take("lab")
        sentence = self.explain(subject, result, student) if explained else ""
        failed = next((outcome for outcome in result.outcomes if not outcome.passed), None)
        comparison = failed.comparison if failed else None
        sentence, pictures = sentence or result.sentence, figures.pictures if figures else {}
        return replace(result, sentence=sentence, comparison=comparison, pictures=pictures)

    def explain(self, subject: Any, result: ExerciseResult, student: str = "") -> str:
        """Diagnose the learner's code; return a sentence, or "" if no mistake is identified."""
        failed = next((outcome for outcome in result.outcomes if not outcome.passed), None)
        diagnose = self.diagnoses.get(failed.check) if failed else None
        if diagnose is None or (failed and failed.plain):
            return ""
        try:
            with contextlib.redirect_stdout(io.StringIO()), _checking(student):
                diagnoses = list(diagnose(subject, self.draw(student, 0)))
        except Exception:  # a learner's code may raise any error
            return ""
        lines = set(_lines(subject))
        for diagnosis in diagnoses:
            where = diagnosis.where
            if where and where.code.strip() in lines and diagnosis.kind not in UNTOLD:
                return f"{where}: {without_answer(diagnosis.what, where.code, where.repaired)}"
        places = [d.where for d in diagnoses if d.where and d.where.code.strip() in lines]
        if places and failed is not None:
            return f"{failed.sentence}; look at {places[0]}: {places[0].code.strip()}"
        return ""

    def draw(self, student: str, number: int) -> Draw:
        """Return the random generator of a check, seeded by exercise, student and check number."""
        return np.random.default_rng([zlib.crc32(f"{self.name}/{student}".encode()), number])


@contextlib.contextmanager
def _checking(student: str) -> Iterator[None]:
    """Context manager in which a student's answer is checked or explained."""
    before = STUDENT.set(student)
    try:
        yield
    finally:
        STUDENT.reset(before)


def _lines(subject: Any) -> Iterator[str]:
    """Yield the source lines of a function or of a class's methods, without those of callees."""
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
    """Return a diagnosis that compares with a reference function at random arguments."""
    return lambda subject, draw: explain_difference(subject, reference)(*args(draw)).diagnoses


def gradient_of(make: Callable[[Any, Draw], tuple[Any, tuple[Any, ...]]]) -> Diagnose:
    """Return a diagnosis of a model's ``grad_loss``; ``make`` returns the model and its data."""

    def diagnose(subject: Any, draw: Draw) -> Iterable[Diagnosis]:
        model, args = make(subject, draw)
        return check_gradients(model)(*args).diagnoses

    return diagnose
