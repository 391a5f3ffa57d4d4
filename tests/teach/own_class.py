"""A class of made submissions of two labs that are not ours, and which answers are right.

``python -m tests.teach.own_class 500`` grades so many of each lab and counts marks that are wrong.
"""

import random
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from tests.base import ROOT

from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Grader
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.loader import load
from chainrule._src.teach.writing.mutants import mutants
from chainrule._src.teach.writing.proof import answered, cell_text

FOLDER = ROOT / "docs" / "example_labs"
LABS = ("bigrams", "principal_components")
DRAWS = 60


def _words(rng):
    return ["".join(rng.choice(list("abcd"), size=rng.integers(1, 8))) for _ in range(7)]


def _table(rng):
    return rng.normal(1, 2, size=(40, 12)) @ rng.normal(size=(12, 12))


# How answers are compared with solutions: apart from the labs' own checks.
RESULTS = {
    "count_pairs": lambda f, lab, rng: f(_words(rng)),
    "following": lambda f, lab, rng: f(lab.count_pairs(_words(rng)), rng.choice(list("abcd"))),
    "surprise": lambda f, lab, rng: f(lab.count_pairs(_words(rng)), _words(rng)),
    "centred": lambda f, lab, rng: f(_table(rng)),
    "components": lambda f, lab, rng: np.abs(f(_table(rng), int(rng.integers(1, 6)))),
    "compressed": lambda f, lab, rng: f(_table(rng)),
}


def is_right(lab, name, answer):
    """Return true if an answer has the solution's results, by none of the lab's checks."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            given = answered(lab, name, answer).load([name], "an_answer")[name]
            for seed in range(DRAWS):
                value, right = (
                    RESULTS[name](f, lab.solution, np.random.default_rng(seed))
                    for f in (given, getattr(lab.solution, name))
                )
                np.testing.assert_equal(np.shape(value), np.shape(right))
                if isinstance(right, dict):
                    assert value.keys() == right.keys()
                    value, right = ([each[key] for key in right] for each in (value, right))
                np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-9)
    except Exception:
        return False
    return True


@cache
def answers_of(key):
    """Return for each exercise of a lab its answers, each with whether it is right."""
    lab = load(key)
    answers = {}
    for name in lab.exercises:
        solution, checks = cell_text(lab, name, solved=True), lab.checks[name]
        listed = [(each.of(solution), True) for each in checks.right_answers]
        listed += [(each.of(solution), False) for each in checks.wrong_answers]
        changed = [(m.text, is_right(lab, name, m.text)) for m in mutants(solution, 200)]
        stub = cell_text(lab, name, solved=False)
        answers[name] = [(solution, True)] * 12 + listed + changed + [(stub, False)] * 2
    return answers


def submissions(key, count, seed=2026):
    """Yield a student's name, the text of the submission, and whether each answer is right."""
    lab, rng = load(key), random.Random(seed)
    for number in range(count):
        name = f"student{number}"
        chosen = {part: rng.choice(each) for part, each in answers_of(key).items()}
        constants = lab.source.constants(f"/{name}")
        lines = [
            "import numpy as np",
            *(f"{part} = {value!r}" for part, value in constants.items()),
        ]
        text = "\n\n".join([*lines, *(answer for answer, _ in chosen.values())])
        yield name, text + "\n", {part: right for part, (_, right) in chosen.items()}


def faults(lab, count, folder):
    """Return marks that differ from what is known: (name, exercise, right, passed, sentence)."""
    key, found, graded = str(FOLDER / f"{lab}.py"), [], 0
    task = assignment(key, 10.0, 2**29)
    for exercise in task.exercises.values():
        exercise.diagnoses.clear()  # they take long and decide no mark
    with Grader(task) as grader:
        for name, text, known in submissions(key, count):
            path = Path(folder) / f"{name}.py"
            path.write_text(text, "utf-8")
            for result in grader.grade(Entry(name, path)).results:
                graded += 1
                if result.passed != known[result.exercise]:
                    right = known[result.exercise]
                    found.append((name, result.exercise, right, result.passed, result.sentence))
    return found, graded


if __name__ == "__main__":
    for each in LABS:
        with tempfile.TemporaryDirectory() as room:
            wrong, marks = faults(each, int(sys.argv[1]), room)
        passes = sum(passed for _, _, _, passed, _ in wrong)
        print(f"{each}: {marks} marks, {passes} false passes, {len(wrong) - passes} false fails")
        print(*wrong[:20], sep="\n")
