"""The face: a badge, a sentence, hints."""

import numpy as np
import pytest

from chainrule import check
from chainrule._src.teach import expect
from chainrule._src.teach.calls import an_object
from chainrule._src.teach.exercise import Exercise
from chainrule._src.teach.loader import exercise
from chainrule.errors import DataError


def right(X):
    e = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def all_rows(X):
    e = np.exp(X)
    return e / np.sum(e)


def test_a_right_function_passes_and_says_so_in_a_line(capsys):
    assert check.softmax(right).passed
    assert capsys.readouterr().out == "✓ softmax: 4 of 4 checks\n"


def test_a_wrong_one_earns_a_part_and_hears_one_sentence_with_its_line():
    result = check.softmax(all_rows)
    assert 0 < result.points < result.most
    assert f"line {all_rows.__code__.co_firstlineno + 2}: summed" in result.sentence
    assert "softmax" in result._repr_html_()


def test_hints_come_one_by_one_and_the_third_stays():
    check.softmax(all_rows)
    hints = [check.hint() for _ in range(4)]
    assert [h[:13] for h in hints] == ["Hint 1 of 3: ", "Hint 2 of 3: ", *["Hint 3 of 3: "] * 2]
    check.softmax(right)
    assert check.hint("softmax").startswith("Hint 1")


def test_an_unknown_exercise_names_the_closest():
    with pytest.raises(AttributeError, match="did you mean 'softmax'"):
        _ = check.sofmax


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda X: None, "softmax is None|is None"),
        (lambda X: print(right(X)), "prints its result"),
        (lambda X: "0.5", "must be an array of numbers"),
        (lambda X: 1 / 0, "raised ZeroDivisionError"),
        (lambda X: np.full(np.shape(X), np.nan), "NaN|must be"),
    ],
)
def test_whatever_a_function_does_becomes_a_sentence(function, sentence):
    result = check.softmax(function)
    assert result.points < result.most
    assert any(__import__("re").search(sentence, o.sentence) for o in result.outcomes)


def test_an_argument_that_changes_is_told():
    def softmax(X):
        X -= X.max()
        return right(X)

    assert any("changes its argument" in o.sentence for o in check.softmax(softmax).outcomes)


def test_the_first_hint_needs_a_failure(monkeypatch):
    monkeypatch.setattr("chainrule._src.teach.check._failed", {})
    with pytest.raises(DataError, match="no check has failed"):
        check.hint()


class Double:
    def __call__(self, x):
        return 2 * x


def test_a_check_takes_what_else_it_uses_from_beside(monkeypatch):
    found = Exercise("right", "test", ("", "", ""), uses=("Double",))

    @found.check("values")
    def _(right, draw):
        double = an_object(right.beside("Double")(), "Double()")
        expect.equal(double(4), 8, "double(4)")
        an_object(double(4), "double(4)")

    assert found.run_here(right).sentence == "double(4) is 8, it must be an object of a class"
    monkeypatch.delattr(f"{__name__}.Double")
    assert "together with Double: define it first" in found.run_here(right).sentence


def test_a_result_of_the_callback_stands_for_the_other_checks():
    task, told = exercise("softmax"), []
    other = task.failed("other")
    assert task.run(None, on_outcome=told.append) != other
    assert len(told) == len(task.checks)
    assert task.run(None, on_outcome=lambda outcome: other) is other
