"""A wrong answer is told what is wrong with it; a right one passes, however it is written."""

import pytest
from tests.cases import case
from tests.teach.collection import (
    EXERCISES,
    answers,
    answers_returning,
    exchanged,
    hidden,
    mistake,
    result,
    solution,
    stub,
)

from chainrule._src.teach.exercises import networks
from chainrule._src.teach.telling import contains, given_away

pytestmark = pytest.mark.usefixtures("processor_time")

VALUES = ["None", "'a'", "[]", "{1: 2}", "(1, 2, 3)", "object()", "np.zeros((2, 2), complex)"]
LEAST = {"WRONG": 10, "RIGHT": 5}


def _params(kind):
    return [
        pytest.param(lab, name, answer, id=f"{name}-{number}")
        for lab, name in EXERCISES
        for number, answer in enumerate(answers(lab, kind, name))
    ]


@pytest.mark.sampled(quick=12)
@pytest.mark.parametrize(("lab", "name"), EXERCISES)
def test_the_solution_passes_and_the_stub_does_not(lab, name):
    solved = result(lab, name, solution(lab, name), slow=True)
    assert solved.passed, solved
    begun = result(lab, name, stub(lab, name))
    assert not begun.passed
    assert begun.sentence


@pytest.mark.parametrize(("lab", "name"), EXERCISES)
def test_the_solution_passes_the_hidden_tests(lab, name):
    found = hidden(lab, name)
    assert found is None or found.passed, found


@pytest.mark.sampled(quick=24)
@pytest.mark.parametrize(("lab", "name", "answer"), _params("WRONG"))
def test_a_wrong_answer_hears_what_is_wrong(lab, name, answer):
    pairs, said = mistake(answer)
    right = solution(lab, name)
    wrong = exchanged(right, *pairs)
    found = result(lab, name, wrong)
    assert not found.passed, "the checks let it pass"
    assert said in found.sentence, found.sentence
    assert not [text for text in given_away(wrong, right) if contains(found.sentence, text)]


@pytest.mark.sampled(quick=12)
@pytest.mark.parametrize(("lab", "name", "answer"), _params("RIGHT"))
def test_a_right_answer_passes(lab, name, answer, monkeypatch):
    monkeypatch.setattr(networks, "ROUNDS", 100)  # the solution is tested with all of them
    text = answer if isinstance(answer, str) else exchanged(solution(lab, name), *answer)
    found = result(lab, name, text, slow=True)
    assert found.passed, found


@pytest.mark.sampled(quick=18)
@pytest.mark.parametrize(("lab", "name"), EXERCISES)
def test_whatever_is_returned_is_told_in_a_sentence(lab, name):
    for value in ("None", "3.0", "'a'", "[]", "{}", "np.zeros(3)", "(1, None)"):
        found = result(lab, name, f"def {name}(*args, **kwargs):\n    return {value}\n")
        with case(value):
            assert not found.passed
            assert found.sentence


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize(("lab", "name"), EXERCISES)
def test_whatever_a_part_of_an_answer_returns_brings_no_check_down(lab, name):
    for text in answers_returning(solution(lab, name), VALUES):
        found = result(lab, name, text, slow=False)
        assert found.passed == (not found.sentence)


@pytest.mark.parametrize("kind", ["WRONG", "RIGHT"])
def test_there_are_enough_answers(kind):
    for lab, name in EXERCISES:
        found = answers(lab, kind, name)
        with case(name):
            assert len(found) >= LEAST[kind]
            assert len(set(map(repr, found))) == len(found)
