r"""The names with which a lab's source writes the checks of an exercise.

::

    # %% checks="sigmoid"
    title = "squash any number into the range from 0 to 1"
    hints = [
        "What does your sigmoid give at 0, at 5 and at -5?",
        "sigmoid(x) = 1 / (1 + exp(-x))",
    ]

    def numbers(rng):
        return rng.normal(0, 3, size=(3, 4))

    checks.shape(numbers)
    checks.values(0.0, numbers, points=2)

    @checks.property("sigmoid(x) + sigmoid(-x) is 1")
    def _(sigmoid, rng):
        x = rng.normal(size=6)
        return np.allclose(sigmoid(x) + sigmoid(-x), 1)

    checks.wrong("-x", "x", says="the sign")
    checks.right("def sigmoid(x):\n    return (1 + np.tanh(x / 2)) / 2")

Such a cell is plain Python, in which `checks` is a `ChecksBuilder`, ``solution`` a `LabSolution`,
``expect`` the module of assertions, and ``np`` NumPy. It may set ``title``, ``hints``, ``allows``
and ``uses`` of its `Exercise`.
"""

from __future__ import annotations

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.check import Diagnosis, check_gradients, explain_difference
from chainrule._src.teach import expect
from chainrule._src.teach.calls import call_text
from chainrule._src.teach.exercise import Draw, Exercise
from chainrule._src.teach.solution import LabSolution

ROUNDS = 3  # number of times that arguments are drawn
ENOUGH = 2  # cases for which a diagnosis must be the same
F = TypeVar("F", bound=Callable[..., Any])
Call = Callable[..., Any]


@dataclass(frozen=True)
class Example:
    """An answer whose outcome the teacher knows.

    Attributes
    ----------
    old, new : str
        The piece of the solution that is replaced, and its replacement; if ``old`` is "", ``new``
        is the whole answer.
    says : str
        A part of the sentence that a wrong answer must be told.
    """

    old: str
    new: str
    says: str = ""

    def of(self, solution: str) -> str:
        """Return the text of the answer.

        Raises
        ------
        DataError
            If the solution does not contain ``old``.
        """
        if not self.old:
            return self.new
        if self.old not in solution:
            raise DataError(f"the solution has no {self.old!r}")
        return solution.replace(self.old, self.new, 1)


class ChecksBuilder:
    """Collects the checks of one exercise, in the order of their calls.

    Most methods take cases, on which an answer is called: a case is a value, a tuple of several
    arguments, or a function of a random generator that draws them. Every student has random
    numbers of her own.

    Parameters
    ----------
    exercise : Exercise
    solution : LabSolution
    weight : int
        Factor of all points.
    """

    def __init__(self, exercise: Exercise, solution: LabSolution, weight: int = 1) -> None:
        self.exercise = exercise
        self.wrong_answers: list[Example] = []
        self.right_answers: list[Example] = []
        self._solution, self._weight = solution, weight

    def shape(self, *cases: Any, call: Call | None = None, what: str = "", points: int = 1) -> None:
        """Check that results have the shapes of the solution's results.

        Parameters
        ----------
        *cases
            See `ChecksBuilder`.
        call : callable, optional
            ``call(answer, *arguments)`` uses the answer, for example a class; by default the answer
            is called.
        what : str, optional
            The words for the result in a sentence; by default the call.
        points : int, default 1
        """

        def compare(value: Any, right: Any, what: str) -> None:
            for part, expected, name in expect.pairs(value, right, what):
                if np.asarray(expected).dtype.kind not in "fiub":
                    continue
                if np.shape(expected):
                    expect.shape(part, np.shape(expected), name)
                else:  # an array of one entry is a number as well
                    size = expect.array(part, name).size
                    expect.true(size == 1, f"{name} must be a single number, not {size}")

        self._compare("shape", cases, call, what, points, compare)

    def dtype(self, *cases: Any, call: Call | None = None, what: str = "", points: int = 1) -> None:
        """Check that results have the dtypes of the solution's; parameters as in `shape`."""

        def compare(value: Any, right: Any, what: str) -> None:
            for part, expected, name in expect.pairs(value, right, what):
                dtype = np.asarray(expected).dtype
                if dtype.kind == "f":
                    expect.floating(part, name, dtype)
                elif expect.array(part, name).dtype.kind not in {"i": "iu", "u": "iu"}.get(
                    dtype.kind, dtype.kind
                ):
                    got = np.asarray(part).dtype
                    kind = "integers" if dtype.kind in "iu" else dtype
                    raise expect.Wrong(f"{name} is of dtype {got}, it must be of {kind}")

        self._compare("dtype", cases, call, what, points, compare)

    def finite(
        self, *cases: Any, call: Call | None = None, what: str = "", points: int = 1
    ) -> None:
        """Check that results have no NaN and no infinity; parameters as in `shape`."""

        def compare(value: Any, right: Any, what: str) -> None:
            for part, _, name in expect.pairs(value, right, what):
                expect.finite(part, name)

        self._compare("finite", cases, call, what, points, compare)

    def values(
        self,
        *cases: Any,
        call: Call | None = None,
        what: str = "",
        points: int = 1,
        rtol: float | None = None,
        mistakes: Mapping[str, Call] | None = None,
        diagnosed: bool = True,
    ) -> None:
        """Check that results equal the solution's up to ``rtol``; parameters as in `shape`.

        The diagnosis of a wrong function names the learner's line, where it finds the mistake.

        Parameters
        ----------
        mistakes : mapping, optional
            Functions of the arguments with mistakes that many make, by the sentence that a learner
            is told whose result is theirs.
        diagnosed : bool, default True
            If false, the sentence of the check stands. Of answers that pick entries by an index a
            diagnosis, which knows sums and products, says little.
        """

        def compare(value: Any, right: Any, what: str) -> None:
            if np.shape(right) == () and np.asarray(right).dtype.kind == "f":
                value = expect.number(value, what)  # an array of one entry is a number as well
            expect.same(value, right, what, rtol)

        self._compare("values", cases, call, what, points, compare, mistakes or {})
        if diagnosed and call is None:
            self.exercise.diagnosis("shape", "values", "properties")(self._difference(cases))

    def property(self, rule: str, points: int = 1) -> Callable[[F], F]:
        """Decorator for a function of the answer and a random generator that returns a condition.

        Parameters
        ----------
        rule : str
            A sentence that holds for a right answer, such as "the rows sum to 1".
        points : int, default 1
        """

        def add(holds: F) -> F:
            def run(answer: Any, draw: Draw) -> None:
                for _ in range(ROUNDS):
                    outcome = holds(answer, draw)
                    broken = outcome is not None and not np.all(outcome)
                    expect.true(not broken, f"{self.exercise.name} breaks a rule: {rule}")

            self.add("properties", points)(run)
            return holds

        return add

    def gradient(self, loss: str | Call, *cases: Any, points: int = 1) -> None:
        """Check that the answer is the gradient of a loss with respect to its first argument.

        Parameters
        ----------
        loss : str or callable
            The name of a function of the solution, or a function in NumPy.
        *cases
            The arguments of the loss and of the answer; see `ChecksBuilder`.
        points : int, default 1
        """
        name = self.exercise.name

        def right_loss() -> Call:
            return getattr(self._solution, loss) if isinstance(loss, str) else loss

        def run(answer: Any, draw: Draw) -> None:
            for args in arguments(cases, draw):
                text = call_text(name, args, {})
                value = answer(*args)
                for part, right, what in expect.pairs(value, args[0], text):
                    expect.finite(expect.shape(part, np.shape(right), what), what)
                report = check_gradients(right_loss(), lambda *args, value=value: value)(*args)
                worst = next((p for p in report.parameters if not p.passed), None)
                if worst is not None:
                    right = worst.numerical if worst.automatic is None else worst.automatic
                    expect.close(worst.by_hand, right, text, rtol=1e-4)
                    raise expect.Wrong(f"{text} is not the gradient of the loss")

        def diagnose(subject: Any, draw: Draw) -> tuple[Diagnosis, ...]:
            args = next(arguments(cases, draw))
            return check_gradients(right_loss(), subject)(*args).diagnoses

        self.add("gradient", points)(run)
        self.exercise.diagnosis("gradient")(diagnose)

    def trains(
        self, what: str, *, least: float | None = None, most: float | None = None, points: int = 1
    ) -> Callable[[F], F]:
        """Decorator for a function of the answer and a generator that trains and returns a number.

        Parameters
        ----------
        what : str
            The words for the number, such as "the accuracy on new samples".
        least, most : float, optional
            The limits of the number.
        points : int, default 1
        """

        def add(score: F) -> F:
            def run(answer: Any, draw: Draw) -> None:
                value = expect.number(score(answer, draw), what)
                low = least is None or value >= least
                high = most is None or value <= most
                limit = f"at least {least:g}" if not low else f"at most {most}"
                expect.true(low and high, f"{what} is {value:.3g}, it must be {limit}")

            self.add("trains", points)(run)
            return score

        return add

    def text(self, words: int = 1, points: int = 1) -> None:
        """Check that the answer is a text of at least so many words."""
        name = self.exercise.name

        def run(answer: Any, draw: Draw) -> None:
            text = answer.itself()
            expect.true(isinstance(text, str), f"{name} must be a text in quotes")
            count = len(text.split())
            expect.true(count >= words, f"{name} has {count} words, write at least {words}")

        self.add("text", points)(run)

    def human(self, question: str, points: int = 1) -> None:
        """Leave points to a person, who looks at a text or a picture and answers a question."""

        def run(answer: Any, draw: Draw) -> None:
            """Accept anything that is not the stub."""

        self.exercise.check("human", points * self._weight, question)(run)

    def module(self, name: str) -> None:
        """Take the exercise from a Python module, which defines it under its own name."""
        self.exercise = getattr(import_module(name), self.exercise.name)

    def add(self, stage: str, points: int = 1) -> Callable[[F], F]:
        """Decorator for a check of any kind: a function of the answer and a random generator.

        It raises `expect.Wrong`, for instance by the functions of `expect`.
        """
        return self.exercise.check(stage, points * self._weight)

    def wrong(self, old_or_answer: str, new: str | None = None, *, says: str) -> None:
        """List a wrong answer: the solution with a piece replaced, or a whole text.

        Parameters
        ----------
        old_or_answer, new : str
            A piece of the solution and its replacement; or the answer, if there is no ``new``.
        says : str
            A part of the sentence that this answer must be told, by the check or the diagnosis.
        """
        self.wrong_answers.append(_example(old_or_answer, new, says))

    def right(self, old_or_answer: str, new: str | None = None) -> None:
        """List a right answer in another style, in the same two ways as `wrong`."""
        self.right_answers.append(_example(old_or_answer, new, ""))

    def _compare(
        self,
        stage: str,
        cases: tuple[Any, ...],
        call: Call | None,
        what: str,
        points: int,
        compare: Callable[[Any, Any, str], None],
        mistakes: Mapping[str, Call] | None = None,
    ) -> None:
        if not cases:
            raise DataError(
                f"checks.{stage} of {self.exercise.name}: add a case, an argument or draw"
            )
        name, use = self.exercise.name, call or (lambda answer, *args: answer(*args))
        words = what or (f"the result of {name}" if call else "")

        def run(answer: Any, draw: Draw) -> None:
            for args in arguments(cases, draw):
                right = use(getattr(self._solution, name), *copy.deepcopy(args))
                value = use(answer, *args)
                with _told(mistakes or {}, value, args):
                    compare(value, right, words or call_text(name, args, {}))

        self.add(stage, points)(run)

    def _difference(self, cases: tuple[Any, ...]) -> Callable[[Any, Draw], Iterator[Diagnosis]]:
        """Return a diagnosis at drawn arguments, if there are any: they hide fewer mistakes."""
        cases = tuple(filter(callable, cases)) or cases

        def diagnose(subject: Any, draw: Draw) -> Iterator[Diagnosis]:
            right = getattr(self._solution, self.exercise.name)
            failed: list[tuple[Diagnosis, ...]] = []
            times: Counter[str] = Counter()
            for args in arguments(cases, draw):
                diagnoses: tuple[Diagnosis, ...] = ()
                with contextlib.suppress(Exception):  # a learner's code may raise any error
                    diagnoses = explain_difference(subject, right)(*args).diagnoses
                if diagnoses:
                    failed.append(diagnoses)
                    times.update({d.what for d in diagnoses})
                    if times[failed[0][0].what] == ENOUGH:
                        break
            # What is right by chance for one case is not right for most of those that differ.
            yield from (
                d for diagnoses in failed for d in diagnoses if 2 * times[d.what] >= len(failed)
            )

        return diagnose


@contextlib.contextmanager
def _told(mistakes: Mapping[str, Call], value: Any, args: tuple[Any, ...]) -> Iterator[None]:
    """In the place of an error, raise the sentence of the mistake that gives this value."""
    try:
        yield
    except expect.Wrong:
        for sentence, mistaken in mistakes.items():
            if _is_same(value, mistaken(*copy.deepcopy(args))):
                raise expect.Plain(sentence) from None
        raise


def _is_same(value: Any, other: Any) -> bool:
    try:
        expect.same(value, other, "")
    except expect.Wrong:
        return False
    return True


def arguments(cases: tuple[Any, ...], draw: Draw) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments of each case; those that are drawn several times."""
    for case in cases:
        for _ in range(ROUNDS if callable(case) else 1):
            values = case(draw) if callable(case) else copy.deepcopy(case)
            yield values if isinstance(values, tuple) else (values,)


def _example(old_or_answer: str, new: str | None, says: str) -> Example:
    if new is None:
        return Example("", old_or_answer, says)
    return Example(old_or_answer, new, says)


__all__ = ["ChecksBuilder", "Example", "arguments"]
