"""Machine code made by several threads: the same, whatever becomes of them."""

import subprocess
import sys
import threading
import time
from functools import cache

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.native import code as native
from chainrule._src.compile.native import helpers, llvm, modules
from chainrule._src.compile.native.llvm import Text
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.running.compiling import step_kernel
from chainrule._src.nn.training.minimize import Update


def loss(p, X, y):
    for W in p:
        X = np.tanh(X @ W)
    return np.mean(X[:, 0] * y + cr.sigmoid(X[:, 1]) ** 2)


PARAMS = [np.random.default_rng(k).normal(size=(8 - k, 7 - k)) for k in range(2)]
X, Y = np.random.default_rng(9).normal(size=(64, 8)), np.linspace(0, 1, 64)


@cache
def kernel():
    rule = cr.optimizers.Adam(0.01)
    carry = {"params": PARAMS, "state": rule.init(PARAMS)}
    return step_kernel(Update(loss, rule), loss, carry, (X, Y), 16)


@pytest.fixture(scope="module")
def texts():
    found = modules.modules(kernel(), host())
    assert len(found) > 2
    return found


@pytest.fixture(scope="module")
def alone(texts):
    return helpers.compile_all(texts, host(), 0)


@pytest.fixture(autouse=True)
def all_end():
    """See that no thread goes on."""
    yield
    for thread in threads():
        thread.join(10)
    assert not threads()
    assert helpers._here.team is None


def threads():
    return [thread for thread in threading.enumerate() if "chainrule-llvm" in thread.name]


@pytest.fixture
def who(monkeypatch):
    """Return which threads made which modules."""
    found, make = [], helpers.compiled

    def noted(text, target):
        found.append((threading.current_thread() is threading.main_thread(), text))
        return make(text, target)

    monkeypatch.setattr(helpers, "compiled", noted)
    return found


def made(texts, count):
    return helpers.compile_all(texts, host(), count)


def ahead(texts, count=1):
    return helpers.ahead(lambda: texts, host(), count)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_several_make_what_one_would_each_once(texts, alone, who, count):
    assert made(texts, count) == alone
    assert sorted(text for _, text in who) == sorted(texts)
    assert {here for here, _ in who} == ({True, False} if count else {True})


def test_the_same_module_is_made_once(texts, alone, who):
    assert made([texts[0], texts[1], texts[0]], 2) == [alone[0], alone[1], alone[0]]
    assert len(who) == 2


def test_threads_are_in_llvm_at_once(texts, alone, monkeypatch):
    """Each begins with a module before another is through, in what llvmlite locks otherwise."""
    meeting, emit = threading.Barrier(2, timeout=10), llvm._beside_others

    def beside(function):
        call = emit(function)
        assert not hasattr(call, "_lock")

        def met(*given):
            meeting.wait()
            return call(*given)

        return met

    monkeypatch.setattr(llvm, "_beside_others", beside)
    same = [text for text in texts if text.passes == llvm.ALL][:1]
    other = [text._replace(text=text.text + "\n; another") for text in same]
    one, two = made(same + other, 1)
    assert one == two == alone[texts.index(same[0])]


@pytest.mark.parametrize("count", [1, 2])
def test_what_was_begun_before_is_made_once(texts, alone, who, count):
    with ahead(texts[:count]):
        while len(who) < count:
            time.sleep(0.01)
        helpers.also(texts[:count])
        assert made(texts, 1) == alone
    assert sorted(text for _, text in who) == sorted(texts)
    assert sum(not here for here, _ in who) >= count


def test_within_another_there_is_nothing_to_begin(texts, alone, who):
    with ahead(texts[:1]):
        with ahead(texts[1:]):
            pass
        assert made(texts[:1], 1) == alone[:1]
    assert [text for _, text in who] == texts[:1]


def test_a_thread_of_the_users_has_its_own(texts, alone):
    found = []
    other = threading.Thread(target=lambda: found.append((helpers._here.team, made(texts, 1))))
    with ahead(texts):
        other.start()
        other.join(10)
        assert helpers._here.team is not None
    assert found == [(None, alone)]


def test_what_nobody_wants_is_not_waited_for(texts, alone, monkeypatch):
    begun, goes_on, make = threading.Event(), threading.Event(), helpers.compiled

    def slow(text, target):
        if text is texts[0]:
            begun.set()
            assert goes_on.wait(10)
        return make(text, target)

    monkeypatch.setattr(helpers, "compiled", slow)
    with ahead(texts[:1]):
        assert begun.wait(10)
        assert made(texts[1:2], 1) == alone[1:2]
    goes_on.set()


def test_what_a_thread_has_begun_is_waited_for(texts, alone, monkeypatch):
    begun, make = threading.Event(), helpers.compiled

    def slow(text, target):
        begun.set()
        time.sleep(0.3)
        return make(text, target)

    with ahead([]):
        monkeypatch.setattr(helpers, "compiled", slow)
        helpers.also(texts[:1])
        assert begun.wait(10)
        monkeypatch.setattr(helpers, "compiled", None)  # or this thread would fail at it
        assert made(texts[:1], 1) == alone[:1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_are_begun_before_a_network_is_recorded(who, monkeypatch, tmp_path, dtype):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(native, "_begun", set())
    monkeypatch.setattr(native, "cores", lambda: 2)
    product = native.product_text(dtype, host())
    with native.compiling_ahead(np.dtype(dtype)):
        native._ready(native._products({dtype: "of_this_test"}))
    with native.compiling_ahead(np.dtype(dtype)), native.compiling_ahead(None):  # it is on disk
        pass
    assert who == [(False, product)]


def test_a_product_that_nobody_calls_is_not_begun_again(who, monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(native, "_begun", set())
    monkeypatch.setattr(native, "cores", lambda: 2)
    for _ in range(3):
        with native.compiling_ahead(np.dtype(float)):
            while not who:
                time.sleep(0.01)
    assert len(who) == 1


def test_a_kernel_that_is_on_disk_is_not_begun(who, monkeypatch, tmp_path):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(native, "cores", lambda: 2)
    native.load(kernel())
    count = len(who)
    assert count
    for known in (native._loaded, {}):
        monkeypatch.setattr(native, "_loaded", known)
        with native.compiling_ahead(np.dtype(float)):
            native.begin(kernel())
    assert len(who) == count


def test_a_structure_that_is_known_starts_none(who):
    def train():
        rule = cr.optimizers.Adam(0.02)
        cr.minimize(loss, PARAMS, X, Y, optimizer=rule, epochs=1, engine="compiled", batch_size=8)

    train()
    who.clear()
    train()
    assert who == []


def test_where_no_thread_can_be_started_it_goes_without(texts, alone, monkeypatch, who):
    def refused(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert made(texts, 2) == alone
    assert all(here for here, _ in who)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_ends_this_thread_ends_the_others(texts, monkeypatch, error):
    make = helpers.compiled

    def fail(text, target):
        if threading.current_thread() is threading.main_thread():
            raise error
        return make(text, target)

    monkeypatch.setattr(helpers, "compiled", fail)
    with pytest.raises(error):
        made(texts, 1)
    with pytest.raises(error), ahead(texts):
        raise error


def test_what_is_no_language_of_llvm_is_told(texts):
    nonsense = [Text("nonsense"), Text("define void @f("), texts[0]]
    for text in nonsense[:2]:
        with pytest.raises(RuntimeError, match="expected"):
            made([text], 0)
    with pytest.raises(RuntimeError, match="expected"), ahead(nonsense[:1]):
        made(nonsense, 1)


def test_loops_are_as_written_as_long_as_one_is_at_work(texts, monkeypatch):
    told = []
    monkeypatch.setattr(llvm.llvm, "set_option", lambda _, option: told.append(option))
    with llvm.loops_as_written(), llvm.loops_as_written():
        assert told == ["-disable-lsr=true"]
    assert told == ["-disable-lsr=true", "-disable-lsr=false"]


def test_a_process_may_end_while_threads_work(interrupts):
    """Python waits for a module that is begun, whatever ends the process."""
    program = """
import os, signal, sys, threading, time
from chainrule._src.compile.native import code, helpers
from chainrule._src.compile.native.machine import host
begun, make = threading.Event(), helpers.compiled
def noted(*given):
    begun.set()
    return make(*given)
helpers.compiled = noted
with helpers.ahead(lambda: [code.product_text("float32", host())], host(), 1):
    begun.wait()
    print("begun", flush=True)
    if sys.argv[1] == "signal":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
"""
    for how, code in (("plain", 0), ("signal", -2)):
        done = subprocess.run(
            [sys.executable, "-c", program, how], capture_output=True, text=True, timeout=60
        )
        assert (done.stdout, done.returncode) == ("begun\n", code), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="asks what is mapped")
@pytest.mark.parametrize("missing", [False, True])
def test_the_library_is_opened_beside(missing):
    """Before `llvmlite` is imported, if it is there."""
    program = f"""
import sys, threading
from chainrule._src.compile.native import helpers
if {missing}:
    helpers.find_spec = lambda name: None
helpers.open_llvm()
for thread in threading.enumerate()[1:]:
    thread.join()
assert "llvmlite.binding" not in sys.modules
print("libllvmlite" in open("/proc/self/maps").read())
import llvmlite.binding as llvm
llvm.initialize_native_target()
helpers.open_llvm()
print(threading.active_count())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{not missing}\n1\n", "")


def test_numbers_do_not_depend_on_who_makes_the_code(tmp_path, monkeypatch, who):
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
        assert all(here for here, _ in who) == (count == 1)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_kernel_that_calls_what_is_not_there_is_refused(monkeypatch):
    text = """declare void @nowhere_at_all()
define i64 @f() {
  call void @nowhere_at_all()
  ret i64 0
}"""
    with pytest.raises(cr.errors.CompileError, match="nowhere_at_all"):
        native._compiled({"key": lambda: [Text(text)]})
