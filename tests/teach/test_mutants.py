"""The checks of our labs catch all small changes of the solutions but those that are as right."""

import re

import pytest

from chainrule._src.teach.loader import load, our_labs
from chainrule._src.teach.writing.proof import ExerciseProof, try_mutants

pytestmark = pytest.mark.usefixtures("processor_time")

INITIAL = r"uniform\(|np\.ones\(\w+\)|seed=1"  # other initial values, from which it trains as well
# What passes although it is changed: by exercise, patterns of the changed line.
AS_RIGHT = {
    "LogisticRegression": INITIAL,
    "NeuralNet": INITIAL,
    "worst_predictions": r"np\.mean|np\.exp",  # the same order
    "search": r"epochs=2|np\.ones",  # a default; all entries are written
    "DeepNet": INITIAL + r"|sqrt\(7",
    "verdict": r"<= 0\.95|>= 2 \*|<= train",  # equal floats
    "Tape": r"pass$",  # backward sets it
    "softmax_nll": r"\.max\(keepdims",  # any shift against overflow
    "TapeNet": INITIAL,
    "Dense": r"pass$|seed=1",  # build and backward set them
    "Activation": r"pass$|seed=1|maximum\(0, Z\)|\.max\(keepdims",
    "SparseCategoricalCrossentropy": r"1 \+ 1e-07|2 - 1e-7",  # no probability is above 1
    "Sequential": r"seed=1|batch_size=33|epochs=2",  # defaults
    "adam": r"- epsilon",  # below the tolerance
    "warmup_cosine": r"t > total",  # the cosine is 0 there
}


@pytest.mark.thorough  # all mutants of our labs
@pytest.mark.parametrize("key", our_labs())
def test_checks_catch_every_mutant_that_is_wrong(key):
    lab = load(key)
    missed, count, caught = [], 0, 0
    for name in lab.exercises:
        proof = ExerciseProof(name)
        try_mutants(lab, proof, most=1000)
        count += len(proof.mutants)
        caught += len(proof.mutants) - len(proof.survivors)
        for mutant in proof.survivors:
            line = mutant.text.splitlines()[mutant.line - 1].strip()
            if not re.search(AS_RIGHT.get(name, "$^"), line):
                missed.append((name, mutant.line, line))
    assert missed == []
    assert count > 100
    assert caught >= 0.85 * count
