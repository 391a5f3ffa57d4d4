"""A machine that LLVM has no code for, or wrong code, runs in NumPy; no process is ended."""

import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.base.errors import MachineError
from chainrule._src.compile.native import cache as on_disk
from chainrule._src.compile.native import code as native
from chainrule._src.compile.native import gemm, selfcheck, trial, values, verdict
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.running import steps
from chainrule.errors import CompileError

pytestmark = [pytest.mark.portable, pytest.mark.usefixtures("compiled_once")]

X = np.random.default_rng(0).normal(size=(64, 3))
KEY = "a" * 64
LEAN = "import sys; sys.path[:] = sys.argv[2:]; "


@pytest.fixture(autouse=True)
def unknown(tmp_path, monkeypatch):
    """Nothing is known of the machine yet."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    for cost in ("COMPILING", "COMPILING_EQUATION"):  # so that four epochs pay for it
        monkeypatch.setattr(steps, cost, 0.0)
    verdict._fault.cache_clear()
    steps._warn_of_machine.cache_clear()
    yield tmp_path / "kernels"
    monkeypatch.undo()
    verdict._fault.cache_clear()
    steps._warn_of_machine.cache_clear()
    native.this_machine()


@pytest.fixture
def sound(monkeypatch):
    """The self-check takes no time, and finds nothing."""
    monkeypatch.setattr(selfcheck, "first_fault", lambda *_: "")


def kept(folder):
    return [path.read_bytes()[51:].decode() for path in folder.glob("*.verdict")]


def trained(engine="auto", loss=lambda w, X: np.mean((X @ w - 1) ** 2)):
    return cr.minimize(loss, np.zeros(3), X, batch_size=8, epochs=4, engine=engine, seed=0)


def test_this_machine_is_sound(unknown):
    assert verdict.fault(host(), KEY) == ""
    assert kept(unknown) == [""]


@pytest.mark.portable(quick="everywhere")
def test_it_is_tried_in_another_process(monkeypatch):
    monkeypatch.setattr(trial, "run", None)
    assert verdict.fault(host(), KEY) == ""


def test_the_other_process_loads_no_numpy():
    """Nor anything else that takes long to load; that is most of what a trial would take."""
    program = verdict.TRIES.replace("main()", "print('numpy' in sys.modules, len(sys.modules))")
    command = [sys.executable, "-I", "-S", "-c", program, verdict.PACKAGE, *sys.path]
    has_numpy, modules = subprocess.check_output(command, text=True).split()
    assert has_numpy == "False"
    assert int(modules) < 200


def test_it_is_asked_once(unknown, monkeypatch, sound):
    verdict.fault(host(), KEY)
    verdict._fault.cache_clear()
    monkeypatch.setattr(verdict, "_other_process", None)
    assert verdict.fault(host(), KEY) == ""


def test_without_a_cache_it_is_asked_by_each_process(unknown, sound):
    unknown.write_text("a file")
    with pytest.warns(UserWarning, match="cannot be kept"):
        assert verdict.fault(host(), KEY) == ""


@pytest.mark.parametrize(("table", "name", "wrong", "about"), [
    ("ARITHMETIC", "mul", ("fadd", "mul", "mul"), "float32 functions"),
    ("COMPARISONS", "gt", ("olt", "sgt", "ugt"), "float32 functions"),
    ("INTRINSICS", "sqrt", "fabs", "float32 functions"),
    ("ARITHMETIC", "crem", ("fdiv", "srem", "urem"), "float32 functions"),
])  # fmt: skip
def test_wrong_instructions_are_seen(table, name, wrong, about, monkeypatch):
    monkeypatch.setitem(getattr(values, table), name, wrong)
    assert selfcheck.first_fault(host(), trial.run) == f"{about} are wrong"


def test_wrong_products_are_seen(monkeypatch):
    monkeypatch.setattr(gemm._Blocks, "turn", lambda *_: None)
    assert selfcheck.first_fault(host(), trial.run) == "float32 products are wrong"


def test_a_control_register_that_is_not_as_it_was_is_seen(monkeypatch):
    """Tiny numbers are 0 in an update; elsewhere they would be missed."""
    asked = values.Values._op_control

    def stays(self, call):
        return self.op("or", asked(self, call), 0x8040 if host().is_x86 else 1 << 24)

    monkeypatch.setattr(values.Values, "_op_control", stays)
    told = []
    thread = threading.Thread(target=lambda: told.append(selfcheck.first_fault(host(), trial.run)))
    thread.start()  # which has a register of its own
    thread.join()
    assert told == ["float64 functions are wrong"]


REASONS = {
    "abort": ("import os; os.abort()", "ended"),
    "LLVM": (
        f"{LEAN}import llvmlite.binding as llvm; llvm.initialize_all_targets(); "
        "llvm.initialize_all_asmprinters(); "
        "target = llvm.Target.from_triple('aarch64-unknown-linux-gnu').create_target_machine(); "
        "target.emit_object(llvm.parse_assembly('declare void @llvm.x86.sse.ldmxcsr(ptr)\\n"
        "define void @f(ptr %a) {\\ncall void @llvm.x86.sse.ldmxcsr(ptr %a)\\nret void\\n}'))",
        "LLVM ERROR",
    ),
    "wrong": (
        f"{LEAN}import pickle; trial = pickle.load(sys.stdin.buffer); "
        "pickle.dump([[bytes(len(a)) for a in call.arrays] for call in trial.calls], "
        "sys.stdout.buffer)",
        "float32 functions are wrong",
    ),
}


@pytest.mark.parametrize("kind", REASONS)
def test_it_runs_in_numpy_with_one_warning_that_names_the_reason(kind, unknown, monkeypatch):
    program, reason = REASONS[kind]
    monkeypatch.setattr(verdict, "TRIES", program)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        w, _ = trained()
        trained(loss=lambda w, X: np.mean(np.tanh(X @ w)))
    assert len(warned) == 1
    assert reason in str(warned[0].message)
    assert "NumPy" in str(warned[0].message)
    np.testing.assert_allclose(w, trained("numpy")[0])
    assert len(kept(unknown)) == 1
    with pytest.raises(CompileError, match=reason):
        trained("compiled")
    with pytest.raises(MachineError, match=reason):
        cr.jit(np.exp)(X)


def test_an_llvm_that_does_not_know_the_machine(monkeypatch):
    def refuses():
        raise RuntimeError("no target")

    monkeypatch.setattr("chainrule._src.compile.native.machine.host", refuses)
    with pytest.raises(CompileError, match="LLVM does not know this machine: no target"):
        trained("compiled")


def test_an_llvm_that_refuses_the_modules_of_the_trial(unknown, monkeypatch):
    def refuses(*_):
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(verdict, "TRIES", "raise RuntimeError")
    monkeypatch.setattr(trial, "compile_all", refuses)
    assert "no such instruction" in verdict.fault(host(), KEY)


def test_an_llvm_that_refuses_a_kernel(monkeypatch, sound):
    def refuses(*_):
        raise RuntimeError("no such instruction")

    monkeypatch.setattr("chainrule._src.compile.native.helpers.compile_all", refuses)
    with pytest.raises(CompileError, match="no such instruction"):
        trained("compiled", lambda w, X: np.mean((X @ w - 2.625) ** 2))


@pytest.mark.parametrize(("code", "is_crash"), [
    (0xC000001D, True),  # an unknown instruction
    (0xC000013A, False),  # Ctrl-C
    (0xC0000142, False),  # the system is shutting down
    (1, False),
])  # fmt: skip
def test_codes_of_windows(code, is_crash):
    assert (code in verdict.WINDOWS_CODES) == is_crash


run = trial.run


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("obstacle", ["no executable", "frozen", "not started", "stopped", "slow"])
def test_where_no_other_process_can_tell_this_one_tries(obstacle, unknown, monkeypatch):
    if obstacle == "no executable":
        monkeypatch.setattr(sys, "executable", None)
    elif obstacle == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    elif obstacle == "not started":
        monkeypatch.setattr(sys, "executable", str(unknown / "nothing"))
    elif obstacle == "stopped":
        monkeypatch.setattr(verdict, "TRIES", "raise KeyboardInterrupt")
    else:
        monkeypatch.setattr(verdict, "PATIENCE", 0.2)
        monkeypatch.setattr(verdict, "TRIES", "import time; time.sleep(60)")
    arguments = []
    monkeypatch.setattr(trial, "run", lambda trial: arguments.append(trial) or run(trial))
    assert verdict.fault(host(), KEY) == ""
    assert len(arguments) == 1


def test_what_is_kept_can_be_tried_again(unknown, monkeypatch):
    monkeypatch.setattr(verdict, "TRIES", REASONS["wrong"][0])
    assert verdict.fault(host(), KEY)
    monkeypatch.setattr(selfcheck, "first_fault", lambda *_: "")
    verdict._fault.cache_clear()
    on_disk.clear_cache()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verdict.fault(host(), KEY) == ""
