"""Machine code made by several processes: the same, whatever becomes of them."""

import sys
import threading
import time
from functools import cache

import numpy as np
import pytest

import chainrule as cr
from chainrule.native import code as native
from chainrule.native import helpers, modules
from chainrule.native.llvm import Text
from chainrule.native.machine import machine
from chainrule.running.compiling import step_kernel
from chainrule.training.minimize import Update


def loss(p, X, y):
    for W in p:
        X = np.tanh(X @ W)
    return np.mean(np.log1p(np.exp(X[:, 0])) * y + cr.sigmoid(X[:, 1]) ** 2)


PARAMS = [np.random.default_rng(k).normal(size=(8 - k, 7 - k)) for k in range(4)]
X, Y = np.random.default_rng(9).normal(size=(64, 8)), np.linspace(0, 1, 64)


@cache
def kernel():
    rule = cr.optimizers.Adam(0.01)
    carry = {"params": PARAMS, "state": rule.init(PARAMS)}
    return step_kernel(Update(loss, rule), loss, carry, (X, Y), 16)


@pytest.fixture(scope="module")
def texts():
    found = modules.modules(kernel())
    assert len(found) > 2
    return found


@pytest.fixture(scope="module")
def alone(texts):
    return helpers.made(lambda: texts, machine().target, 0)


@pytest.fixture
def started(monkeypatch):
    """Return the helpers that were started; all have ended in the end."""
    found, start = [], helpers._started

    def noted():
        helper = start()
        assert helper is not None
        found.append(helper)
        return helper

    monkeypatch.setattr(helpers, "_started", noted)
    yield found
    assert found
    for thread in threads():
        thread.join(10)
    assert all(helper.process.returncode is not None for helper in found)


def threads():
    """Return the threads that ask helpers."""
    return [thread for thread in threading.enumerate() if "_serve" in thread.name]


def by_helpers_alone(monkeypatch):
    """Let this process make nothing as long as there is a helper."""
    makes = helpers._Team._makes

    def late(team, make, waits=False):
        end = time.monotonic() + 10
        while not waits and team._waiting and threads() and time.monotonic() < end:
            time.sleep(0.01)
        return makes(team, make, waits)

    monkeypatch.setattr(helpers._Team, "_makes", late)


@pytest.mark.parametrize("count", [1, 3])
def test_helpers_make_what_this_process_would(texts, alone, started, monkeypatch, count):
    by_helpers_alone(monkeypatch)
    here = []
    monkeypatch.setattr(helpers, "compiled", lambda *given: here.append(given))
    assert helpers.made(lambda: texts, machine().target, count) == alone
    assert here == []
    assert len(started) == count


def test_one_that_was_started_ahead_is_taken(texts, alone, started, monkeypatch):
    by_helpers_alone(monkeypatch)
    with helpers.ahead():
        assert len(started) == 1
        assert helpers.made(lambda: texts, machine().target, 1) == alone
    assert len(started) == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_it_began_with_is_made_once(texts, alone, started, monkeypatch, count):
    by_helpers_alone(monkeypatch)
    asked, make = [], helpers._Helper.make
    monkeypatch.setattr(
        helpers._Helper, "make", lambda helper, text: asked.append(text) or make(helper, text)
    )
    with helpers.ahead() as begin:
        begin(machine().target, texts[:count])
        while len(asked) < count:
            time.sleep(0.01)
        assert helpers.made(lambda: texts, machine().target, 1) == alone
    assert sorted(asked) == sorted(texts)


def test_what_a_helper_has_begun_is_waited_for(texts, alone, started, monkeypatch):
    make, begun = helpers._Helper.make, threading.Event()

    def slow(helper, text):
        begun.set()
        time.sleep(0.3)
        return make(helper, text)

    monkeypatch.setattr(helpers._Helper, "make", slow)
    with helpers.ahead() as begin:
        begin(machine().target, texts[:1])
        assert begun.wait(10)
        assert helpers.made(lambda: texts[:1], machine().target, 1) == alone[:1]


@pytest.mark.parametrize("is_there", [False, True])
def test_what_nobody_wants_is_not_made_here(texts, alone, started, monkeypatch, is_there):
    here, compiled, begun = [], helpers.compiled, threading.Event()
    monkeypatch.setattr(
        helpers, "compiled", lambda text, target: here.append(text) or compiled(text, target)
    )

    def never(helper, text):
        begun.set()
        assert helper.process.wait(10)
        raise EOFError

    monkeypatch.setattr(helpers._Helper, "make", never)
    if not is_there:
        monkeypatch.setattr(helpers._Helper, "begin", never)
    with helpers.ahead() as begin:
        begin(machine().target, texts[:1])
        assert begun.wait(10)
        assert helpers.made(lambda: texts[1:2], machine().target, 1) == alone[1:2]
    assert here == texts[1:2]


def test_one_that_has_begun_with_what_nobody_wants_ends(texts, started):
    with helpers.ahead() as begin:
        begin(machine().target, texts)
    assert helpers._ahead == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_are_begun_before_a_network_is_recorded(started, monkeypatch, tmp_path, dtype):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(native, "cores", lambda: 2)
    given, begin = [], helpers._Team.begin
    monkeypatch.setattr(
        helpers._Team, "begin",
        lambda team, target, texts: given.append([*texts]) or begin(team, target, texts),
    )  # fmt: skip
    product = native.product_text(dtype, machine())
    with native.made_soon(np.dtype(dtype)):
        assert given == [[product]]
        native._kept(native._products({dtype: "of_this_test"}))
    with native.made_soon(np.dtype(dtype)):  # it is on disk
        assert given[-1] == []
    with native.made_soon(None):
        assert given[-1] == []


def test_one_that_nothing_is_left_for_ends(started):
    with pytest.raises(KeyboardInterrupt), helpers.ahead():
        raise KeyboardInterrupt
    assert helpers._ahead == []


def test_a_structure_that_is_known_starts_none(monkeypatch):
    found, start = [], helpers._started
    monkeypatch.setattr(helpers, "_started", lambda: found.append(1) or start())

    def train():
        rule = cr.optimizers.Adam(0.02)
        cr.minimize(loss, PARAMS, X, Y, optimizer=rule, epochs=1, engine="compiled", batch_size=8)

    train()
    found.clear()
    train()
    assert found == []


def test_who_is_not_there_yet_is_not_waited_for(texts, alone, started, monkeypatch):
    monkeypatch.setattr(helpers, "PROGRAM", "/dev/stdin")  # a program that never comes
    began = time.monotonic()
    assert helpers.made(lambda: texts, machine().target, 2) == alone
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("after", [0, 1, 2])
def test_what_a_helper_that_ends_leaves_is_made_here(texts, alone, started, monkeypatch, after):
    by_helpers_alone(monkeypatch)
    made, make = [], helpers._Helper.make

    def killed(helper, text):
        if len(made) == after:
            helper.process.kill()
        made.append(make(helper, text))
        return made[-1]

    monkeypatch.setattr(helpers._Helper, "make", killed)
    assert helpers.made(lambda: texts, machine().target, 1) == alone
    assert len(made) <= after


@pytest.mark.parametrize("program", ["", None, "/nowhere/python3", "/bin/sh"])
def test_where_python_cannot_be_started_it_goes_without(texts, alone, monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    assert helpers.made(lambda: texts, machine().target, 2) == alone


def test_a_program_that_answers_otherwise_is_done_without(
    texts, alone, started, monkeypatch, tmp_path
):
    other = tmp_path / "other.py"
    other.write_text("import sys\nsys.stdout.write('good morning ' * 1000)\n")
    monkeypatch.setattr(helpers, "PROGRAM", other)
    assert helpers.made(lambda: texts, machine().target, 1) == alone


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_ends_this_process_ends_the_helpers(texts, started, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(helpers, "compiled", fail)
    with pytest.raises(error):
        helpers.made(lambda: texts, machine().target, 2)


def test_what_is_no_language_of_llvm_is_told_here(started):
    with pytest.raises(RuntimeError, match="expected"):
        helpers.made(lambda: [Text("nonsense")] * 3, machine().target, 1)


def test_numbers_do_not_depend_on_who_makes_the_code(tmp_path, monkeypatch, started):
    monkeypatch.setattr(native, "MUCH", 0)
    found = []
    for count in (1, 3):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", "1")  # the same updates
        monkeypatch.setattr(native, "cores", lambda count=count: count)
        monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / str(count)))
        monkeypatch.setattr(native, "_loaded", {})
        trained, history = cr.minimize(
            loss, PARAMS, X, Y, optimizer=cr.optimizers.Adam(0.01), batch_size=16, epochs=5,
            seed=0, engine="compiled",
        )  # fmt: skip
        found.append([*trained, history.loss])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(started) == 2


def test_a_kernel_that_calls_what_is_not_there_is_refused(monkeypatch):
    text = """declare void @nowhere_at_all()
define i64 @f() {
  call void @nowhere_at_all()
  ret i64 0
}"""
    with pytest.raises(cr.errors.CompileError, match="nowhere_at_all"):
        native._made({"key": lambda: [Text(text)]})
