"""Scenes say only what the page can do, and what is so."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.blackboard.watching import Watcher

import chainrule as cr
from chainrule._src.blackboard import opening, subjects
from chainrule._src.blackboard.commands import read
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.scenes import ORDER, scenes, scenes_of
from chainrule._src.blackboard.session import COMMANDS

FILES = Path(cr.__file__).parent / "_src" / "blackboard" / "scenes"
PANELS = Path(__file__).parents[2] / "blackboard-web" / "src" / "panels"
PARTS = json.loads((PANELS / "parts.json").read_text(encoding="utf-8"))
OPEN = set(re.findall(r'\bid: "(\w+)"', (PANELS / "index.ts").read_text(encoding="utf-8")))
DATA = subjects.digits()
TURNS = {  # what a step does to the page itself
    "open": lambda panel: panel in OPEN,
    "look": lambda index, **of: of["set"] in ("held", "train") and index in range(len(DATA.X_held)),
    "worst": lambda: True,
    "cursor": lambda at: at in range(-1, 5),
    "view": lambda view: view in ("weights", "gradient", "change", "evidence"),
}
WAIT = re.compile(r"paused|(accuracy|loss|update|epoch)(>=|<=|>|<)\d+(\.\d+)?")
STEPS = [(name, k) for name, scene in zip(ORDER, scenes(), strict=True)
         for k in range(len(scene["steps"]))]  # fmt: skip


def steps(name):
    return scenes()[ORDER.index(name)]["steps"]


def test_all_files_are_told():
    assert {path.stem for path in FILES.iterdir()} == set(ORDER)
    for scene in scenes():
        assert set(scene) == {"title", "about", "steps"}
        assert 6 <= len(scene["steps"]) <= 10


def check(step):
    assert set(step) <= {"text", "do", "point", "wait"}
    assert 15 <= len(step["text"]) <= 400
    assert WAIT.fullmatch(step.get("wait", "paused"))
    assert step.get("point", "network") in PARTS
    for message in step.get("do", []):
        given = {key: value for key, value in message.items() if key != "do"}
        if message["do"] in TURNS:
            assert TURNS[message["do"]](**given), message
        else:
            command = read(message, COMMANDS)
            if command.do == "restart":
                subjects.network(DATA, command.fields["settings"])


@pytest.mark.parametrize(("name", "k"), STEPS)
def test_what_a_step_does_can_be_done(name, k):
    check(steps(name)[k])


def test_the_documentation_names_what_there_is():
    text = (Path(__file__).parents[2] / "docs" / "scenes.md").read_text(encoding="utf-8")
    for step in json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL)[1])["steps"]:
        check(step)
    named = set(re.findall(r"`(\w+)`", text))
    done = set(COMMANDS) - {"hello", "drawn", "train_on", "take"}
    assert {*TURNS, *PARTS, *OPEN, *done} <= named


def test_they_are_told_of_the_lab_on_the_digits_alone():
    session = opening.begin(subjects.network(DATA))
    try:
        (setup, _), *_ = Watcher(session).ask("hello")
        assert setup["scenes"][0]["title"] == "Softmax regression"
    finally:
        session.close()
    assert not scenes_of(subjects.network(subjects.table("iris")))


def test_what_cannot_be_done_is_seen():
    with pytest.raises(cr.errors.DataError):
        read({"do": "restart", "setting": {}}, COMMANDS)
    assert not TURNS["open"](panel="moon")


def go(run, to):
    while run.place.update < to:
        assert run.advance(to - run.place.update)[0]


@cache
def at(name, k):
    """Return the run as it is at the end of a step."""
    run = None
    for step in steps(name)[: k + 1]:
        for message in step.get("do", []):
            if message["do"] == "restart":
                run = ReversibleRun(subjects.network(DATA, message["settings"]))
            elif message["do"] == "step":
                go(run, run.place.update + message["count"])
        wanted, wait = step.get("wait", ""), re.split("[<>=]+", step.get("wait", ""))
        if wanted.startswith("update"):
            go(run, int(wait[1]))
        while wanted.startswith("accuracy") and accuracy(run) <= float(wait[1]):
            go(run, run.place.update + 50)
            assert run.place.update < 3000, "what is waited for comes soon"
    return run


def accuracy(run):
    guess = run.subject.forward(run.params, DATA.X_held).argmax(axis=1)
    return float(np.mean(guess == DATA.y_held))


def loss(run):
    return float(run.subject.loss(run.params, DATA.X, DATA.y))


def norms(run):
    gradient = cr.grad(run.subject.loss)(run.params, DATA.X, DATA.y)
    return {name: float(np.linalg.norm(g)) for name, g in gradient.items()}


def reaching(run):
    """Return the hidden units' slopes, and how large a gradient they get, sample by sample."""
    params = run.params
    h = np.tanh(DATA.X @ params["W_h"] + params["b_h"])
    wrong = cr.softmax(h @ params["W_o"] + params["b_o"]) - cr.one_hot(10, DATA.y)
    slopes = 1 - h**2
    return slopes, np.linalg.norm(wrong @ params["W_o"].T * slopes, axis=1)


def test_softmax_regression():
    assert list(at("softmax-regression", 0).params) == ["W", "b"]
    assert abs(loss(at("softmax-regression", 0)) - np.log(10)) < 0.15
    assert accuracy(at("softmax-regression", 6)) > 0.9


def test_the_hidden_layer():
    assert abs(loss(at("hidden-layer", 1)) - np.log(10)) < 0.3
    assert accuracy(at("hidden-layer", 5)) > 0.93


def test_however_long_a_class_looks_full_speed_ends_where_the_next_step_is_true():
    for name, k in STEPS:
        done = {message["do"]: message for message in steps(name)[k].get("do", [])}
        if "play" in done and done["play"]["rate"] is None:
            assert done.get("stop", {}).get("epoch"), (name, k)


def test_with_and_without_hidden_layer_as_many_are_wrong_in_the_end():
    found = []
    for name in ("softmax-regression", "hidden-layer"):
        run = ReversibleRun(subjects.network(DATA, steps(name)[0]["do"][0]["settings"]))
        go(run, 10 * run.epoch_length)
        found.append(round((1 - accuracy(run)) * len(DATA.X_held)))
    assert abs(found[0] - found[1]) <= 2  # "as seldom"


@pytest.mark.thorough  # one more scene
def test_the_vanishing_gradient():
    assert loss(at("vanishing-gradient", 1)) > 2.25
    sigmoid = norms(at("vanishing-gradient", 1))
    assert 20 < sigmoid["W_o"] / sigmoid["W_h1"] < 80  # "some forty times"
    assert accuracy(at("vanishing-gradient", 4)) > 0.5
    tanh = [norm for name, norm in norms(at("vanishing-gradient", 6)).items() if name[0] == "W"]
    assert max(tanh) < 10 * min(tanh)
    assert 0.8 < accuracy(at("vanishing-gradient", 6)) < 0.92  # "almost nine of ten"
    relu = [norm for name, norm in norms(at("vanishing-gradient", 7)).items() if name[0] == "W"]
    assert max(relu) < 10 * min(relu)


def test_the_learning_rate():
    assert loss(at("learning-rate", 1)) > 2.3
    assert loss(at("learning-rate", 3)) < 0.3
    assert accuracy(at("learning-rate", 3)) >= 0.94  # "nineteen of twenty"
    assert loss(at("learning-rate", 4)) > 5
    stuck = at("learning-rate", 5)
    assert loss(stuck) > 2.3
    slopes, gradients = reaching(stuck)
    assert np.mean(slopes < 0.01) > 0.9  # "for nearly every sample"
    _, first = reaching(at("learning-rate", 2))
    assert np.mean(gradients < np.median(first) / 50) > 0.9


@pytest.mark.thorough  # one more scene
def test_the_batch_size():
    one, some = at("batch-size", 1), at("batch-size", 4)
    assert accuracy(one) > 0.8
    assert loss(some) < 0.6 * loss(one)  # "at half"
    small, large = (run_of(size) for size in (32, 512))
    assert abs(loss(small) / loss(large) - 1) < 0.1


def run_of(size):
    run = ReversibleRun(
        subjects.network(DATA, steps("batch-size")[0]["do"][0]["settings"] | {"batch_size": 32})
    )
    go(run, 20)
    run.set({"batch_size": size})
    go(run, 300)
    return run


def test_zero_weights():
    assert set(norms(at("zero-weights", 0))) == {"W_h", "b_h", "W_o", "b_o"}
    assert norms(at("zero-weights", 0))["W_h"] == 0
    assert np.ptp(at("zero-weights", 2).params["W_o"], axis=0).max() == 0
    same = at("zero-weights", 4).params["W_h"]
    assert np.ptp(same, axis=1).max() == 0 < np.abs(same).max()
    assert 0.2 < accuracy(at("zero-weights", 4)) < 0.4  # "some three of ten"
    run = at("zero-weights", 4).fork()
    go(run, 100_000)
    assert accuracy(run) < 0.5  # "would not make it half"
    tanh = at("zero-weights", 6).params
    assert np.abs(tanh["W_h"]).max() == np.abs(tanh["W_o"]).max() == 0 < np.abs(tanh["b_o"]).max()
    assert accuracy(at("zero-weights", 7)) > 0.9
