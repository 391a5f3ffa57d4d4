"""``chainrule learn``: a folder, checks at every save, hints, resets, solutions."""

import io
import json
import threading
import time

import pytest
from rich.console import Console
from tests.pace import SLOWNESS

from chainrule._src.teach.learn import screen, watching
from chainrule._src.teach.learn.checker import Checker
from chainrule._src.teach.learn.session import LearningSession
from chainrule._src.teach.learn.workspace import Standing, Workspace
from chainrule._src.teach.loader import load, our_labs
from chainrule.errors import DataError

pytestmark = pytest.mark.portable

LAB = """# %% [markdown]
# # A small lab

# %%
import numpy as np
from chainrule import check

# %% exercise="softmax"
def softmax(X):
    ### BEGIN SOLUTION
    e = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)
    ### STUB
    # # TODO:
    # return None
    ### END SOLUTION

# %% check="softmax"
check.softmax(softmax)
### BEGIN HIDDEN TESTS
assert softmax([0.0, 0.0])[0] == 0.5, "two equal scores"
### END HIDDEN TESTS

# %% checks="softmax"
title = "turn scores into probabilities"
hints = ["Over what does the sum run?", "Over the classes of each row.", "exp(x_i) / Σ_j exp(x_j)"]
checks.shape([10, 2, -3], lambda rng: rng.normal(size=(4, 3)))
checks.values([10, 2, -3], lambda rng: rng.normal(size=(4, 3)))
"""
WRONG = "e = np.exp(X)\n    return e / np.sum(e)"
RIGHT = "e = np.exp(X)\n    return e / np.sum(e, axis=-1, keepdims=True)"


@pytest.fixture(scope="module")
def checker():
    return Checker(seconds=20 * SLOWNESS)


@pytest.fixture(params=[".py", ".ipynb"])
def begun(request, tmp_path):
    path = tmp_path / "source" / "01_small.py"
    path.parent.mkdir()
    path.write_text(LAB, "utf-8")
    return Workspace.start(tmp_path / "learn", [load(str(path))], request.param)


def write(begun, code):
    path = begun.path(begun.labs[0])
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        code = json.dumps(code)[1:-1]
    path.write_text(text.replace("# TODO:", "").replace("return None", code))


def test_the_learners_file_has_the_stub_and_neither_solution_nor_hidden_tests(begun):
    text = begun.path(begun.labs[0]).read_text("utf-8")
    assert "return None" in text
    assert not any(word in text for word in ("keepdims", "two equal scores", "SOLUTION", "%load"))


def test_an_untouched_stub_is_what_comes_next_and_no_failure(begun, checker):
    standing = begun.look(checker)
    assert (standing.exercise, standing.result) == ("softmax", None)


@pytest.mark.portable(quick="here")
def test_a_wrong_answer_gets_a_sentence_with_its_line_a_right_one_passes_and_stays(begun, checker):
    write(begun, WRONG)
    result = begun.look(checker).result
    assert ", line " in result.sentence
    assert "wrong axis" in result.sentence
    write_again(begun, WRONG, RIGHT)
    assert begun.look(checker).exercise == ""
    assert Workspace(begun.folder).progress.passed.keys() == {"softmax"}
    write_again(begun, RIGHT, WRONG)
    assert begun.look(checker).exercise == "softmax"


def write_again(begun, old, new):
    path = begun.path(begun.labs[0])
    if path.suffix == ".ipynb":
        old, new = json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_solution_is_shown_once_ones_own_has_passed(begun, checker):
    with pytest.raises(DataError, match="has not passed yet"):
        begun.solution("softmax")
    write(begun, RIGHT)
    begun.look(checker)
    assert "keepdims=True" in begun.solution("softmax")
    assert "assert" not in begun.solution("softmax")


def test_reset_brings_the_stub_back_and_keeps_what_was_written(begun, checker):
    fresh = begun.path(begun.labs[0]).read_text("utf-8")
    write(begun, WRONG)
    kept = begun.reset("softmax")
    assert "np.sum(e)" in kept.read_text("utf-8")
    assert begun.look(checker).result is None
    if kept.suffix == ".py":
        assert begun.path(begun.labs[0]).read_text("utf-8") == fresh


def test_an_endless_loop_ends_with_a_sentence(begun):
    write(begun, "while True:\n        pass")
    result = begun.look(Checker(seconds=SLOWNESS)).result
    assert "a loop that never ends" in result.sentence


def test_code_that_leaves_the_process_is_told(begun, checker):
    write(begun, "import os\n    os._exit(3)")
    assert "does it call exit" in begun.look(checker).result.sentence


def test_a_pipe_that_breaks_while_it_is_asked_is_told(begun, checker, monkeypatch):
    """On Windows it does when the process has ended."""

    def poll(connection, seconds=0.0):
        raise BrokenPipeError

    write(begun, "return 0")
    receiver, _ = checker._context.Pipe()
    monkeypatch.setattr(type(receiver), "poll", poll)
    assert "does it call exit" in begun.look(checker).result.sentence


def test_what_cannot_be_read_is_told(begun, checker):
    path = begun.path(begun.labs[0])
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in begun.look(checker).problem
    path.unlink()
    assert "cannot be read" in begun.look(checker).problem


def test_a_folder_with_other_things_is_refused_and_one_of_ours_goes_on(begun, tmp_path):
    assert Workspace.start(begun.folder, begun.labs, ".py").progress == begun.progress
    with pytest.raises(DataError, match="holds other things"):
        Workspace.start(tmp_path, begun.labs, ".py")
    with pytest.raises(DataError, match="chainrule learn start"):
        Workspace(tmp_path)


def test_watching_sees_a_save_and_draws_in_80_columns(begun):
    out = io.StringIO()
    console = Console(file=out, width=80)

    def save():
        for _ in range(100):
            if "Next: softmax" in out.getvalue():
                break
            time.sleep(0.05)
        time.sleep(0.3)
        write(begun, RIGHT)

    writer = threading.Thread(target=save)
    writer.start()
    end = time.monotonic() + 20 * SLOWNESS
    watching.watch(console, begun, stop=lambda: "done" in out.getvalue() or time.monotonic() > end)
    writer.join()
    assert "All exercises are done" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80


def shown(workspace, standing):
    out = io.StringIO()
    screen.show(Console(file=out, width=100), workspace, standing)
    return out.getvalue()


def test_the_end_of_a_lab_says_what_is_next(begun, tmp_path):
    assert "Next: Softmax" in shown(begun, Standing(begun.labs[0], frozenset(["softmax"])))
    keys = our_labs()
    five = Workspace.start(tmp_path / "five", [load(key) for key in keys], ".py")
    first, second, *_, last = five.labs
    turn = Standing(second, frozenset(first.source.exercises), second.source.exercises[0])
    text = shown(five, turn)
    assert f"{first.source.title} is done; {second.source.title} is next" in text
    assert "chainrule lab new" in shown(five, Standing(last, frozenset(five.exercises)))
    three = Workspace.start(tmp_path / "three", [load(keys[2])], ".py")
    text = shown(three, Standing(three.labs[0], frozenset(three.exercises)))
    assert f"Next: {load(keys[3]).source.title}, by chainrule learn start FOLDER --lab 4" in text


def test_hints_are_three_and_counted(begun):
    out = io.StringIO()
    for _ in range(4):
        screen.show_hint(Console(file=out, width=80), LearningSession(begun, print).hint("softmax"))
    assert [f"hint {n} of 3" in out.getvalue() for n in (1, 2, 3)] == [True] * 3
    assert Workspace(begun.folder).progress.hints == {"softmax": 3}
