"""docs/walks.md: each of its functions is called in its run, in that order."""

import os
import re
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from typer.testing import CliRunner

import chainrule as cr
from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.session import Session
from chainrule._src.cli.app import app
from tests.blackboard.watching import Watcher

ROOT = os.path.join(os.path.dirname(cr.__file__), "_src", "")
PAGE = (Path(__file__).parents[1] / "docs" / "walks.md").read_text(encoding="utf-8")
STEP = re.compile(r"^\d+\. `([\w/.]+)` `([\w.]+)`", re.MULTILINE)


def gradient(folder, monkeypatch):
    cr.grad(lambda w: np.sum(np.tanh(w) * np.ones((4, 3))))(np.ones(3))


def fit(folder, monkeypatch):
    digits = cr.data.load_digits()
    model = cr.Sequential([cr.layers.Dense(10, activation="softmax")], seed=0)
    model.compile(cr.optimizers.SGD(1.0), "sparse_categorical_crossentropy", engine="compiled")
    model.fit(digits.X_train, digits.y_train, epochs=2, batch_size=32, verbose=0)


def train(folder, monkeypatch):
    load_iris(as_frame=True).frame.to_csv(folder / "iris.csv", index=False)
    command = ["train", "iris.csv", "--target", "target", "--epochs", "2", "-o", "iris.model"]
    monkeypatch.chdir(folder)
    assert CliRunner().invoke(app, command).exit_code == 0


def frame(folder, monkeypatch):
    session = Session(subjects.network(subjects.digits()))
    Watcher(session).frame("step", count=1)
    session.close()


TITLES = re.findall("^## (.*)$", PAGE, re.MULTILINE)
RUNS = dict(zip(TITLES, (gradient, fit, train, frame), strict=True))


@contextmanager
def calls():
    """Collect the functions that are called in all threads, each once, in order."""
    order = {}

    def note(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(ROOT):
            file = code.co_filename.removeprefix(ROOT).replace(os.sep, "/")
            order.setdefault((file, code.co_qualname), len(order))

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield order
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@pytest.mark.parametrize("title", RUNS)
def test_a_walk_is_what_happens(title, tmp_path, monkeypatch):
    steps = STEP.findall(PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0])
    assert len(steps) >= 8
    with calls() as order:
        RUNS[title](tmp_path, monkeypatch)
    places = []
    for file, name in steps:
        called = order.get((file, f"{name}.__init__"), order.get((file, name)))
        assert called is not None, f"{name} of {file} was not called"
        places.append(called)
    assert places == sorted(places), [f"{file} {name}" for file, name in steps]
