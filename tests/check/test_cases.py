"""The collection of wrong gradients: named, in the right line; right ones in any style pass.

A sample runs here; ``make cases`` runs all of it. What is known to be missed is listed, so that
whatever else is not found is a fault.
"""

import textwrap
from pathlib import Path

import pytest
from tests.check.collection import (
    KINDS,
    right_and_wrong,
    right_cases,
    wrong_case,
    wrong_names,
)
from tests.check.judge import judge

import chainrule as cr

pytestmark = pytest.mark.usefixtures("processor_time")

QUICK = (
    "autoencoder", "binary_cross_entropy", "embedding_dropout", "hinge", "one_hidden_sigmoid",
    "regression_l2", "softmax_regression", "two_hidden_relu",
)  # fmt: skip
EVERY = 12
MISSED = set((Path(__file__).parent / "missed.txt").read_text().split())
SAMPLE = [
    pytest.param(kind, number, id=name)
    for kind in KINDS
    for number, name in enumerate(wrong_names(kind))
    if number % (EVERY if kind in QUICK else 8 * EVERY) == 5 and name not in MISSED
]


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize(("kind", "number"), SAMPLE)
def test_the_mistake_is_named_and_its_line_pointed_at(kind, number):
    case = wrong_case(kind, number)
    verdict = judge(case)
    assert verdict.named, verdict.said
    assert verdict.line, (verdict.said, case.lines)


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize(("course", "number"), [
    ("batchnorm_net", 2), ("batchnorm_net", 5), ("lasso_logistic", 6), ("small_gan", 8),
    ("tied_autoencoder", 0), ("highway", 15),
])  # fmt: skip
def test_of_a_chain_of_lines_the_one_that_goes_wrong_first_is_mended(course, number):
    verdict = judge(wrong_case(str(Path(__file__).parent / "courses" / f"{course}.py"), number))
    assert verdict.named, verdict.said
    assert verdict.line, verdict.said


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("kind", KINDS)
def test_right_gradients_of_any_style_pass(kind):
    cases = list(right_cases(kind))
    assert len(cases) >= 3
    for case in cases:
        report = cr.check_gradients(case.loss, case.gradients)(*case.args)
        assert report.passed, (case.name, str(report))


def test_the_collection_is_large():
    assert len(KINDS) >= 8
    wrong = [right_and_wrong(kind, n) for kind in KINDS for n in range(len(wrong_names(kind)))]
    assert len(wrong) >= 150
    for right, mistaken in wrong:
        assert mistaken != right
        compile(textwrap.dedent(mistaken), "<mistaken>", "exec")
    assert sum(1 for kind in KINDS for _ in right_cases(kind)) >= 60
