"""Names come from local variables, and no profiler, tracer or other thread notices."""

import cProfile
import functools
import pstats
import sys
import threading
from collections.abc import Mapping

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.core import names


def loss(w, X):
    error = X @ w - 1
    return np.mean(error**2)


def text():
    return cr.source(loss)(np.ones(3), np.ones((4, 3)))


def called():
    return sum(range(3))


def test_a_profiler_goes_on():
    profiler = cProfile.Profile()
    profiler.enable()
    text()
    after = called()
    profiler.disable()
    functions = {function for _, _, function in pstats.Stats(profiler).stats}
    assert after == 3
    assert {"text", "called"} <= functions


def test_what_watches_goes_on_after_an_error():
    def fails(w, X):
        raise RuntimeError

    events = []

    def watch(frame, event, argument):
        events.append((event, frame.f_code.co_name))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        with pytest.raises(RuntimeError):
            cr.source(fails)(np.ones(3), np.ones((4, 3)))
        called()
        assert sys.getprofile() is watch
    finally:
        sys.setprofile(before)
    assert ("call", "called") in events


def test_a_tracer_goes_on():
    lines = []

    def trace(frame, event, argument):
        if frame.f_code.co_name in ("loss", "called"):
            lines.append((frame.f_code.co_name, event))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        text()
        called()
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
    assert {("loss", "line"), ("called", "line")} <= set(lines)


def test_nothing_is_left_behind():
    assert "error = " in text()
    assert not names._watching
    assert sys.getprofile() is None
    if sys.version_info >= (3, 12):
        assert "chainrule" not in map(sys.monitoring.get_tool, range(6))


def test_names_of_the_package_count_within_the_context_that_says_so_alone():
    file = f"{names._SILENT[1]}_src/nowhere.py"
    space = {"np": np}
    exec(
        compile("def f(w, X):\n    inside = X @ w\n    return np.sum(inside**2)", file, "exec"),
        space,
    )

    def recorded():
        return "inside" in cr.source(space["f"])(np.ones(3), np.ones((4, 3)))

    assert not recorded()
    with names.names_from(file):
        assert recorded()
    assert not recorded()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before, one tool takes another's place")
def test_names_are_there_under_a_profiler_and_without_a_free_id():
    with cProfile.Profile():
        assert "error = " in text()
    taken = [i for i in range(6) if sys.monitoring.get_tool(i) is None]
    for i in taken:
        sys.monitoring.use_tool_id(i, f"tool {i}")
    try:
        assert "np.mean(" in text()  # without names
    finally:
        for i in taken:
            sys.monitoring.free_tool_id(i)


def test_threads_record_at_once():
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(text())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [text()] * 8


def test_variables_inside_of_python_s_own_library_name_nothing():
    def total(w):
        parts = [np.tanh(w)]
        factor = 2 if isinstance(parts[0], Mapping) else 3  # runs Python's own abc.py
        return np.sum(parts[0] * functools.reduce(np.add, [parts[0], factor * parts[0]]))

    assert "instance" not in cr.source(total)(np.ones(3))
