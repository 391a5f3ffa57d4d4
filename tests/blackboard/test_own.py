import linecache
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.blackboard import models, subjects
from chainrule._src.blackboard.own import UserFile, broken
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.subject import Unit
from chainrule.errors import DataError

TEXT = (Path(__file__).parent / "mylab.py").read_text(encoding="utf-8")
MODEL = """
import chainrule as cr

model = cr.Sequential([cr.layers.Dense(8, activation="relu"), cr.layers.Dense(10)], seed=0)
model.compile("adam", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)

    def load(text):
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        linecache.checkcache()
        return UserFile(path, subjects.digits())

    yield load
    sys.modules.pop("mine", None)


def test_a_file_with_a_gradient_by_hand_is_checked_and_trained_with_it(load):
    own = load(TEXT)
    subject = own.subject
    assert (subject.data.classes, len(subject.data.X)) == (("0", "1", "2"), 81)
    said = own.check()
    assert said.state == "right"
    wrong = load(TEXT.replace("d_h * (1 - h**2)", "d_h * (1 - h)"))
    said = wrong.check()
    assert said.state == "wrong"
    assert "d_a = d_h * (1 - h)" in said.text
    (marked,) = [line for line in said.lines if line["marked"]]
    assert (marked["text"], marked["repaired"]) == (
        "    d_a = d_h * (1 - h)", "    d_a = d_h * (1 - h ** 2)"
    )  # fmt: skip
    ways = []
    for each in (subject, wrong.subject, wrong.subject.make(subject.settings)):
        run = ReversibleRun(each, "numpy")
        run.advance(2)
        run.advance(1)
        ways.append(run.params["W"])
    assert not np.array_equal(ways[0], ways[1])
    np.testing.assert_array_equal(ways[1], ways[2])  # with other settings still by hand


def test_without_a_gradient_chainrule_derives_it(load):
    own = load(TEXT[: TEXT.index("def gradients")])
    assert own.check().text.startswith("There is no gradients(params, X, y)")
    assert ReversibleRun(own.subject).advance(2)[0] == 2
    seeds = [own.subject.make({"seed": seed}).params["W"] for seed in (0, 1, 1)]
    assert not np.array_equal(seeds[0], seeds[1])
    np.testing.assert_array_equal(seeds[1], seeds[2])


def test_matrices_that_follow_on_one_another_are_layers(load):
    own = load(TEXT)
    assert own.subject.units == [Unit("h", "W", "b", "V")]
    deep = TEXT.replace('"V": rng', '"U": np.eye(5), "V": rng')
    assert load(deep).subject.units == [Unit("h1", "W", "b", "U"), Unit("h2", "U", None, "V")]
    other = TEXT.replace('"V": rng', '"U": np.eye(4), "V": rng')
    assert load(other).subject.units == []


def test_a_model_is_trained_on_the_data_that_are_given(load):
    own = load(MODEL)
    assert own.check().state == "right"
    assert own.subject.data.name == "digits"
    assert own.subject.title == "sequential 64-8-10"
    assert ReversibleRun(own.subject).advance(3)[0] == 3


@pytest.mark.parametrize(
    "end",
    [
        "return z",
        "return z.argmax(axis=1)",
    ],
)
def test_scores_and_classes_are_taken_too(load, end):
    predict = f"def predict(params, X):\n    z = forward(params, X) * 5\n    {end}\n\n\n"
    text = TEXT.replace("def loss", predict + "def loss")
    own = load(text.replace("forward", "_forward"))
    found = own.subject.forward(own.subject.params, own.subject.data.X_held)
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("x = 1\n", "mine.py defines no loss and no params: it needs a compiled `model`", None),
        (TEXT.replace("d_h = d_z", "d_h = 1 / 0 * d_z"), "ZeroDivisionError: division by zero", 33),
        ("x = 1\ndef f(:\n", "SyntaxError", 2),
        ("x = 1\n\nexit()\n", "leave exit() and the like out", 3),
        (TEXT + "\nparams = 3\n", "params must be a dict", None),
        (TEXT.replace("    return e / e", "    return e[:, :2] / e"), "it should be (12, 3)", None),
        (MODEL[: MODEL.index("model.compile")], "call model.compile", None),
        (TEXT + "\nX = X[:5]\n", "X must hold a sample a row", None),
    ],
    ids=["nothing", "zero", "syntax", "exit", "params", "shape", "uncompiled", "data"],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_its_line(load, tmp_path, text, said, line):
    with pytest.raises((Exception, SystemExit)) as raised:
        load(text)
    found = broken(tmp_path / "mine.py", raised.value)
    assert found.state == "broken"
    assert said in found.text
    assert [each["number"] for each in found.lines if each["marked"]] == ([line] if line else [])


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="classes are counted from 0"):
        subjects.of_arrays(np.ones((4, 2)), np.array([0, -1, 1, 1]))
    assert subjects.of_arrays(np.ones((4, 3, 3)), np.zeros(4)).image == (3, 3)


def test_a_subject_made_anew_differs_in_its_settings_and_weights_alone(load):
    model = cr.Sequential([cr.layers.Dense(3)], seed=0)
    model.compile("sgd", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = subjects.digits()
    by_loss = subjects.function(lambda params, X, y: 0.0, {"w": 1.0}, data, slopes=len, forward=len)
    for subject in (
        by_loss, load(TEXT).subject,
        models.sequential(model, np.eye(9, 4).repeat(3, 0), np.arange(27) % 3),
    ):  # fmt: skip
        other = subject.make({"rate": 0.25})
        assert other.settings["rate"] == 0.25
        for field in {f.name for f in fields(subject)} - {"settings", "params", "make"}:
            one, two = getattr(subject, field), getattr(other, field)
            assert one is two or one == two or callable(two), field
            assert (one is None) == (two is None), field


def test_what_a_file_draws_without_a_seed_is_the_same_each_time(load):
    drawn = "import numpy as np\nparams = {'w': np.random.randn(64)}\n"
    loss = "def loss(params, X, y):\n    return np.mean((X @ params['w'] - y) ** 2)\n"
    for text in (MODEL.replace(", seed=0", ""), drawn + loss):
        one, other = (load(text).subject.params for _ in range(2))
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_parameters_that_are_nested_are_refused_by_name(load):
    with pytest.raises(DataError, match="nothing nested in it; 'layer' is of type dict"):
        load("params = {'layer': {'W': 1.0}}\ndef loss(params, X, y):\n    return 0.0\n")
