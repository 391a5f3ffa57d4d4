"""What goes wrong is a line on stderr and an exit code."""

import os
import signal
import sys
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from tests.cli.running import ONE, refused, run
from tests.pace import SLOWNESS

import chainrule as cr
from chainrule._src.cli import evaluate
from chainrule._src.cli.problems import EXIT_CODES, exit_code
from chainrule._src.cli.settings import Settings
from chainrule._src.sweeps.search import Search
from chainrule._src.tabular.recipes.tabular import make_model
from chainrule.errors import (
    DataError,
    DivergenceError,
    FileError,
    MissingDependencyError,
    ShapeError,
    UnknownNameError,
)

pytestmark = pytest.mark.portable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownNameError("optimizer", "adm", ["adam"]), 2),
        (DataError("x"), 3),
        (ShapeError("x"), 3),
        (FileError("x"), 4),
        (PermissionError("x"), 4),
        (DivergenceError("x"), 5),
        (MissingDependencyError("x"), 1),
        (RuntimeError("x"), 1),
    ],
)
def test_every_kind_of_error_has_its_code(error, code):
    assert exit_code(error) == code
    assert code in EXIT_CODES


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ZeroDivisionError("a\nb"), 1, "unexpected, please report it: ZeroDivisionError: a b"),
        (MemoryError(), 1, "not enough memory"),
        (OSError(28, "No space left on device", "out"), 4, "out: the disk is full"),
        (PermissionError(13, "Permission denied", "out"), 4, "out: Permission denied"),
        (DataError("[red]odd[/]"), 3, "[red]odd[/]"),
    ],
)
def test_whatever_happens_is_one_line(monkeypatch, error, code, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(evaluate, "run_evaluate", fail)
    assert message in refused(code, "evaluate", "model", "iris")


def test_a_warning_is_a_line_too(monkeypatch):
    monkeypatch.setattr(
        evaluate, "run_evaluate", lambda *_: warnings.warn("odd\nindeed", stacklevel=1)
    )
    result = run("evaluate", "model", "iris")
    assert (result.exit_code, result.stderr) == (0, "note: odd indeed\n")


@pytest.mark.parametrize(
    "kind", [ResourceWarning, DeprecationWarning, PendingDeprecationWarning, ImportWarning]
)
def test_what_is_meant_for_programmers_is_not_told(monkeypatch, kind):
    monkeypatch.setattr(
        evaluate, "run_evaluate", lambda *_: warnings.warn("unclosed", kind, stacklevel=1)
    )
    result = run("evaluate", "model", "iris")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_bug_can_be_traced(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(evaluate, "run_evaluate", fail)
    monkeypatch.setenv("CHAINRULE_TRACEBACK", "1")
    assert isinstance(run("evaluate", "model", "iris").exception, ZeroDivisionError)


def test_an_unknown_verb_is_told_the_closest():
    assert "unknown command 'trian': did you mean 'train'?" in refused(2, "trian")
    assert "No such option: --nonsense" in refused(2, "--nonsense")


def test_a_missing_argument_is_told():
    assert "chainrule train --help" in refused(2, "train").replace("root", "chainrule")


@pytest.fixture
def large(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50_000, 20))
    np.savez(tmp_path / "large.npz", X=X, y=(X[:, 0] > 0).astype(int))
    return tmp_path / "large.npz"


@pytest.mark.sampled(quick=1)
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a console event there")
@pytest.mark.parametrize(
    ("recipe", "begun", "said"),
    [
        ("mlp", "epoch 1/", "{} of 100000 epochs were completed"),
        ("ensemble", "network 1/5, epoch 1/",
         "0 of 5 networks were completed, and {} epochs of the next"),
    ],
)  # fmt: skip
def test_ctrl_c_in_training_keeps_what_was_trained(start, large, tmp_path, recipe, begun, said):
    path = tmp_path / "model"
    process = start("train", large, "--recipe", recipe, "--epochs", 100_000, "-o", path)
    for line in process.stdout:
        if line.startswith(begun):
            break
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=60 * SLOWNESS)
    assert time.monotonic() - began < 20
    assert process.returncode == 130, err
    model = cr.load_model(path)
    epochs = len(model.history.epoch)
    told = said.format(epochs)
    *notes, last = err.splitlines()
    assert last == f"Stopped by Ctrl-C; {told}; what was trained is in {path}."
    assert all(line.startswith("note: ") for line in notes)
    assert epochs < 100_000
    untrained = make_model(
        SimpleNamespace(
            preprocessor=model.preprocessor, X_train=np.zeros((1, model.preprocessor.width))
        ),
        Settings(),
    ).get_weights()
    assert not np.array_equal(model.get_weights()[-1], untrained[-1])
    assert "scores on rows kept aside" in out


@pytest.mark.thorough  # one more command
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a console event there")
def test_ctrl_c_in_predicting_leaves_nothing_behind(start, large, tmp_path):
    model, out = tmp_path / "model", tmp_path / "out.csv"
    run("train", *ONE, large, "--epochs", "1", "-o", model)
    before = set(os.listdir(tmp_path))
    process = start("predict", model, large, "-o", out)
    deadline = time.monotonic() + 60 * SLOWNESS
    while set(os.listdir(tmp_path)) == before and time.monotonic() < deadline:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60 * SLOWNESS)
    assert process.returncode in (0, 130), err
    if process.returncode == 130:
        assert err == "Stopped by Ctrl-C; nothing was written.\n"
        assert set(os.listdir(tmp_path)) == before


@pytest.mark.portable(quick="everywhere")
def test_exit_codes_reach_the_shell(start, tmp_path):
    def code(*arguments):
        process = start(*arguments)
        process.communicate(timeout=60 * SLOWNESS)
        return process.returncode

    assert code("show", tmp_path / "no-model") == 4
    assert code("train", "iris", "--lr", "fast") == 2


def test_ctrl_c_in_a_sweep_before_its_first_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Search, "_train_some", stop)
    result = run("sweep", "iris", "--models", "4")
    assert result.exit_code == 130, result.output
    said = "Stopped by Ctrl-C; no network was done yet, nothing was written."
    assert result.stderr.splitlines()[-1] == said
    assert not list(tmp_path.iterdir())
