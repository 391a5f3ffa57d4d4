"""An interrupt at any moment ends training with what was trained, and leaves nothing behind."""

import ast
import os
import random
import signal
import subprocess
import sys
import threading
import traceback
from functools import cache

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks
from chainrule._src.base.interrupts import check, deferred, immediate, load
from chainrule._src.compile.running import threads
from tests.pace import SLOWNESS
from tests.test_architecture import MODULES
from tests.torture import imports
from tests.torture import interrupts as torture

pytestmark = pytest.mark.portable
of_posix = pytest.mark.skipif(sys.platform == "win32", reason="one process sends another a signal")


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.portable(quick="everywhere")
class TestDeferring:
    def test_an_interrupt_waits_for_the_next_check(self, interrupts):
        with deferred():
            interrupt()
            with pytest.raises(KeyboardInterrupt):
                check()
            check()  # once
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_or_for_the_end(self, interrupts):
        done = []

        def twice():
            with deferred():
                interrupt()
                interrupt()
                done.append(1)

        with pytest.raises(KeyboardInterrupt):
            twice()
        assert done
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_where_it_must_not_be_raised_something_else_is_done(self, interrupts):
        said = []
        with deferred(late=lambda: said.append("late")), deferred():
            interrupt()
        assert said == ["late"]

    def test_code_of_others_is_interrupted_at_once_and_what_cleans_up_is_not(self, interrupts):
        steps = []

        def others():
            with immediate():
                try:
                    interrupt()
                    steps.append("not reached")
                finally:
                    interrupt()
                    steps.append("cleaned up")

        with deferred():
            with pytest.raises(KeyboardInterrupt):
                others()
            with pytest.raises(KeyboardInterrupt):
                check()
        assert steps == ["cleaned up"]

    def test_one_that_waits_is_heard_before_code_of_others(self, interrupts):
        with deferred():
            interrupt()
            with pytest.raises(KeyboardInterrupt), immediate():
                raise AssertionError("not reached")
            with immediate(), deferred():  # a callback that evaluates the model
                pass

    def test_within_code_of_others_it_may_wait_again(self, interrupts):
        reached = []

        def others():
            with immediate():
                with deferred():
                    interrupt()
                    reached.append(1)
                reached.append(2)

        with deferred(), pytest.raises(KeyboardInterrupt):
            others()
        assert reached == [1]

    def test_a_handler_of_the_users_is_called(self, interrupts):
        calls = []
        signal.signal(signal.SIGINT, lambda signum, frame: calls.append(signum))
        with deferred():
            interrupt()
            assert not calls
            check()
            with immediate():
                interrupt()
                interrupt()
        assert calls == [signal.SIGINT] * 3

    @pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
    def test_what_is_ignored_or_ends_the_process_stays_so(self, interrupts, handler):
        signal.signal(signal.SIGINT, handler)
        with deferred(), immediate():
            assert signal.getsignal(signal.SIGINT) == handler

    def test_other_threads_leave_it_alone(self, interrupts):
        def other():
            with deferred(), immediate():
                check()
                seen.append(signal.getsignal(signal.SIGINT))

        seen = []
        with deferred():
            ours = signal.getsignal(signal.SIGINT)
            interrupt()
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            with pytest.raises(KeyboardInterrupt):
                check()
        assert seen == [ours]


# While libraries are imported

SWALLOWS = """
import signal
try:
    signal.raise_signal(signal.SIGINT)
    import colorsys
except BaseException:  # what C code that imports a library for itself does
    whole = False
else:
    whole = True
"""


class TestImporting:
    @pytest.fixture(autouse=True)
    def library(self, tmp_path, monkeypatch, interrupts):
        (tmp_path / "swallowing.py").write_text(SWALLOWS)
        monkeypatch.syspath_prepend(tmp_path)
        yield
        sys.modules.pop("swallowing", None)

    def test_an_interrupt_is_lost_in_a_library_that_catches_it(self):
        import swallowing

        assert not swallowing.whole

    def test_an_interrupt_is_raised_once_a_library_is_whole(self):
        with pytest.raises(KeyboardInterrupt):
            load("swallowing")
        assert sys.modules["swallowing"].whole

    def test_within_a_run_it_waits_on(self):
        with deferred():
            assert load("swallowing").whole
            with pytest.raises(KeyboardInterrupt):
                check()

    @pytest.mark.thorough  # many moments
    @of_posix
    @pytest.mark.parametrize("library", ["pandas", "rich"])
    def test_at_random_moments_of_a_librarys_import(self, library, tmp_path):
        imports.tables(tmp_path)
        assert imports.interrupted_import(tmp_path, library, 0.05)


@cache
def heavy(name):
    """Return the libraries that importing a module of ours loads besides NumPy, but Python's own.

    A module that is imported from within functions alone counts where it is imported.
    """
    found, todo, seen = set(), [name], set()
    while todo:
        module = todo.pop()
        parts = module.split(".")
        if parts[0] != "chainrule":
            found |= {parts[0]} - LIGHT
            continue
        for each in (".".join(parts[: i + 1]) for i in range(len(parts))):
            if each in MODULES and each not in seen:
                seen.add(each)
                todo += at_the_top(each)
    return found


LIGHT = {*sys.stdlib_module_names, "numpy", "platformdirs"}


def names_of(node):
    """Return the modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    wholes = [f"{node.module}.{alias.name}" for alias in node.names]
    return [whole if whole in MODULES else str(node.module) for whole in wholes]


@cache
def at_the_top(module):
    """Return what a module imports when it is imported itself."""
    found, todo = [], [*tree_of(module).body]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += names_of(node)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            todo += ast.iter_child_nodes(node)
    return found


@cache
@cache
def tree_of(module):
    return ast.parse(MODULES[module].read_text("utf-8"))


def first_uses(node, inside=False, deferring=False):
    """Yield the imports within functions, but those in a block that defers interrupts."""
    if isinstance(node, ast.Import | ast.ImportFrom) and inside and not deferring:
        yield node
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if isinstance(node, ast.With):
        blocks = [ast.unparse(item.context_expr) for item in node.items]
        deferring |= any(
            b == "deferred()" or b.startswith(("first_use(", "needs(")) for b in blocks
        )
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from first_uses(child, inside, deferring)


@pytest.fixture
def syntax_trees():
    """Let each module be parsed once; what comes of that fills a hundred megabytes."""
    yield
    tree_of.cache_clear()


# Threads that are not the main one, processes that hear no Ctrl-C, and where SciPy is not loaded
# unless it is there.
ELSEWHERE = {
    "chainrule._src.compile.native.helpers", "chainrule._src.teach.lab.report",
    "chainrule._src.teach.confined.host",
    "chainrule._src.ops", "chainrule._src.trace.batching.replaying",
}  # fmt: skip


@pytest.mark.thorough  # many processes
def test_heavy_libraries_are_imported_where_an_interrupt_waits(syntax_trees):
    """One that is loaded already, since the module itself needs it, is no first use."""
    missed = [
        (module, node.lineno, ast.unparse(node))
        for module in MODULES
        if module not in ELSEWHERE
        for node in first_uses(tree_of(module))
        if set().union(*map(heavy, names_of(node))) - heavy(module)
    ]
    assert missed == []
    assert {
        module
        for module in MODULES
        if module not in ELSEWHERE and "import_module" in MODULES[module].read_text("utf-8")
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
    } == {"chainrule._src.base.interrupts", *BY_OTHER_NAMES}


# What is imported there is ours, was loaded before, or is imported in the block of `needs`.
BY_OTHER_NAMES = {
    "chainrule._src.teach.notation", "chainrule._src.export.from_keras",
    "chainrule._src.cluster.places", "chainrule._src.data.tables.arrow",
    "chainrule._src.nn.network.packing",
}  # fmt: skip

# At every instruction

BATCH, RATE, SIZE = 8, 2.0**-10, 16  # enough for matrix products, which are shared out
X = np.random.default_rng(0).normal(size=(6 * BATCH, SIZE))
START = {"W": np.eye(SIZE), "updates": np.zeros(1)}


def loss(params, X):
    h = np.tanh(X @ params["W"]) @ params["W"]
    return np.mean(h**2) - np.sum(params["updates"]) / RATE  # whose gradient counts updates


def trained(engine, rows=None, params=START, epochs=3, **options):
    return cr.minimize(
        loss, params, X[:rows], optimizer=cr.optimizers.SGD(RATE), batch_size=BATCH,
        shuffle=False, engine=engine, epochs=epochs, **options,
    )[0]  # fmt: skip


class Instructions:
    """Counts the instructions of a run, from the first epoch on, and interrupts it at some."""

    def __init__(self, *moments):
        self.moments, self.count, self.begun = moments, 0, False

    def __call__(self, frame, event, arg):
        path, name = frame.f_code.co_filename, frame.f_code.co_name
        self.begun = self.begun or name == "_epochs"
        if "chainrule" not in path and "concurrent" not in path and "contextlib" not in path:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and self.begun and path != __file__:
            self.count += 1
            if self.count in self.moments:
                interrupt()
        return self

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)


def watched():
    return [callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)]


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr("chainrule._src.compile.lower.kernels.LARGE", 0.0)
    monkeypatch.setattr(
        "chainrule._src.compile.running.steps.digest", lambda *_: None
    )  # of what is unusual
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "2")
    monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor", torture.CheckedExecutor)
    monkeypatch.setattr(threads.Paces, "plan", lambda paces, most, *_: (most, 4))
    monkeypatch.setattr(torture.CheckedExecutor, "submitted", 0)


MOMENTS = 8


@cache
def after_each_update(engine):
    """Return the weights after so many updates, each number by itself."""
    after = [START["W"]]
    for count in range(1, 19):
        epochs, rest = divmod(count, 6)
        params = trained(engine, epochs=epochs) if epochs else START
        params = trained(engine, rest * BATCH, params, 1) if rest else params
        after.append(params["W"])
    return after


@pytest.mark.sampled(quick=2)
@pytest.mark.filterwarnings("ignore::chainrule.errors.InterruptedWarning")
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("watching", [list, watched])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_at_any_instruction_training_ends_with_what_was_trained(
    engine, watching, twice, two_threads, interrupts
):
    after = after_each_update(engine)
    with Instructions() as whole:
        trained(engine, callbacks=watching())
    assert whole.count > 500
    chance = random.Random(0)
    counts = set()
    for first in sorted(chance.sample(range(whole.count), MOMENTS)):
        moments = (first, first + chance.choice([1, 20, 200])) if twice else (first,)
        try:
            with Instructions(*moments):
                params = trained(engine, callbacks=watching())
        except KeyboardInterrupt as error:  # in the last instructions, when Ctrl-C means the caller
            places = {frame.name for frame in traceback.extract_tb(error.__traceback__)}
            assert not places & {"train", "_train", "_epochs", "run"}
            continue
        finally:
            torture.assert_nothing_left()
        updates = round(params["updates"][0])
        counts.add(updates)
        np.testing.assert_array_equal(params["W"], after[updates])
    assert len(counts) > 1
    runs = 1 + MOMENTS
    assert (torture.CheckedExecutor.submitted > runs) == (engine == "compiled")


@pytest.mark.thorough  # many moments
@of_posix
def test_at_random_moments(interrupts):
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.interrupts", "5"],
        capture_output=True, text=True, timeout=300 * SLOWNESS,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 interrupts: ")
