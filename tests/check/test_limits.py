"""A check takes bounded time, says if it did not search to the end, and leaves nothing behind."""

import gc
import logging
import sys
import time
import types

import numpy as np
import pytest
from tests.check.programs import PROGRAMS

import chainrule as cr
from chainrule._src.check import check, clock, problem
from chainrule._src.check.explain import explain

X = np.random.default_rng(0).normal(size=(6, 3))
W = np.array([0.5, -1.0, 2.0])
CALLS = []
OPEN = []


def loss(w, X):
    return np.mean((X @ w) ** 2)


def without_factor(w, X):
    return X.T @ (X @ w) / len(X)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", ["digits_network", "bytes_as_pixels"])
def test_a_right_gradient_at_real_size_takes_a_second(name):
    loss, gradients, args = PROGRAMS[name](np.random.default_rng(0))
    start = time.process_time()
    assert cr.check_gradients(loss, gradients)(*args).passed
    assert time.process_time() - start < 1.0


@pytest.mark.thorough  # long
def test_many_samples_are_drawn_from():
    loss, gradients, (params, X, y) = PROGRAMS["digits_network"](np.random.default_rng(0))
    many = np.tile(X, (20, 1)), np.tile(y, 20)
    start = time.process_time()
    report = cr.check_gradients(loss, gradients)(params, *many)
    assert time.process_time() - start < 1.0
    assert report.passed
    assert "checked on 61 samples, drawn at random from 20000" in report.notes[-1]


def test_a_search_that_is_ended_does_not_say_that_it_found_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(check, "explain", lambda *args: explain(*args, seconds=1e-3))
    report = cr.check_gradients(loss, lambda w, X: rng.normal(size=3))(W, X)
    assert "not searched to the end" in report.diagnoses[0].what
    assert "no small change" not in str(report)


def test_a_deadline_counts_processor_time_and_ends_by_the_clock_on_the_wall(monkeypatch):
    now = {"wall": 0.0}
    monkeypatch.setattr(clock.time, "monotonic", lambda: now["wall"])
    deadline = clock.Deadline(5.0)
    now["wall"] = 15.0  # a busy machine
    assert not deadline.has_passed
    now["wall"] = 20.5
    assert deadline.has_passed
    assert deadline.was_hit


def test_a_first_call_without_an_end_is_ended(monkeypatch):
    monkeypatch.setattr(problem, "FIRST", 0.2)

    def endless(w, X):
        while True:
            w = w + 1

    for pair in ((loss, endless), (endless, without_factor)):
        with pytest.raises(cr.errors.DataError, match=r"ran for 0.2 s without an end"):
            cr.check_gradients(*pair)(W, X)


def test_files_logs_and_figures_of_the_learner_are_left_as_after_one_call(tmp_path, caplog):
    from matplotlib import pyplot

    file, log = tmp_path / "log.txt", logging.getLogger("learner")
    handle = open(tmp_path / "kept.txt", "w", encoding="utf-8")  # noqa: SIM115
    globals()["HANDLE"] = handle

    def gradients(w, X):
        with open(file, "a", encoding="utf-8") as out:
            out.write("called\n")
        file.with_name("other.txt").write_text("called")
        HANDLE.write("called\n")  # noqa: F821
        log.warning("called")
        pyplot.figure()
        pyplot.show()
        return X.T @ (X @ w) / len(X)

    with caplog.at_level(logging.WARNING, "learner"):
        report = cr.check_gradients(loss, gradients)(W, X)
    handle.close()
    assert "factor 2" in report.diagnoses[0].what
    assert file.read_text(encoding="utf-8") == "called\n"
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "called\n"
    assert len(caplog.records) == 1
    assert len(pyplot.get_fignums()) <= 1


def helper(z):
    return z * z


def main(argument):
    CALLS.append(argument)
    return argument


def half(z):
    with open("half.txt", "w", encoding="utf-8") as out:
        out.write(str(z))
    return z / 2


def with_a_helper(w, X):
    return 2 * X.T @ helper(X @ w) / len(X)


def test_functions_that_do_more_than_compute_are_no_candidates():
    assert not cr.check_gradients(loss, with_a_helper)(W, X).passed
    assert not CALLS


def test_functions_of_a_module_are_found_without_the_garbage_collector(monkeypatch):
    def refused(*objects):
        raise AssertionError("all objects were scanned")

    monkeypatch.setattr(gc, "get_referrers", refused)
    report = cr.check_gradients(loss, without_factor)(W, X)
    assert report.diagnoses[0].where.name == "test_limits.py"


def test_a_cell_below_a_magic_has_lines(monkeypatch):
    cell = "%%time\nimport numpy as np\n\ndef gradients(w, X):\n    return X.T @ (X @ w) / len(X)\n"
    main = types.ModuleType("__main__")
    main.In = ["", cell]
    monkeypatch.setitem(sys.modules, "__main__", main)
    names = {"__name__": "__main__"}
    exec(compile(cell.partition("\n")[2], "<timed exec>", "exec"), names)
    where = cr.check_gradients(loss, names["gradients"])(W, X).diagnoses[0].where
    assert (str(where), where.repaired.strip()) == (
        "cell In [1], line 5", "return 2 * (X.T @ (X @ w) / len(X))"
    )  # fmt: skip


def over_lines(
    w,
    X,
):
    return (
        X.T
        @ (X @ w)
        / len(X)
    )  # fmt: skip


def test_a_statement_over_several_lines_has_a_line():
    where = cr.check_gradients(loss, over_lines)(W, X).diagnoses[0].where
    first = over_lines.__code__.co_firstlineno
    assert first + 4 <= where.line <= first + 7
    assert where.repaired.strip() == "return 2 * (X.T @ (X @ w) / len(X))"
