"""A second process finds what it runs on disk by what it records; it makes no kernel."""

import json
import os
import stat
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.native import cache
from chainrule._src.compile.native import code as native
from chainrule._src.compile.running import account, compiling, form, recorded, repeated, steps
from chainrule._src.compile.running.memory import aligned
from chainrule._src.core.recording import tape
from chainrule._src.nn.training.minimize import Update
from chainrule.errors import DataError

pytestmark = pytest.mark.usefixtures("compiled_once")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(22, 3))
y = np.arange(22) % 2
MASK = np.array([[1.0, 0.0], [0.5, 1.0], [1.0, 1.0]])
LARGE = RNG.normal(size=(3, 50_000))


def loss(p, X, y):
    h = np.tanh(X @ (p["W"] * MASK) + p["b"])
    return -np.mean(cr.functions.log_softmax(h)[np.arange(len(y)), y])


PARAMS = {"W": RNG.normal(size=(3, 2)), "b": np.zeros(2)}


def trained(f=loss, params=PARAMS, labels=y, **options):
    given = {"optimizer": "adam", "epochs": 3, "batch_size": 4, "seed": 0, "engine": "compiled"}
    return cr.minimize(f, params, X, labels, **given | options)


def as_in_another_process(monkeypatch, makes=False):
    """Forget what this process knows; unless ``makes``, it can make nothing now."""
    for module, name in (
        (recorded, "_programs"), (form, "_written"), (steps, "_read"), (native, "_loaded"),
        (account, "_seconds"), (repeated, "_recordings"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, {})
    monkeypatch.setattr(compiling, "training_kernel", compiling_kernel if makes else None)


compiling_kernel = compiling.training_kernel


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setattr(cache, "_warnings", set())
    as_in_another_process(monkeypatch, makes=True)
    return tmp_path / "kernels"


def assert_same_run(one, other):
    for name in PARAMS:
        np.testing.assert_array_equal(one[0][name], other[0][name])
    assert one[1].loss == other[1].loss


@pytest.mark.parametrize("batch_size", [1, 4, 22])
def test_it_is_found_and_does_the_same(folder, monkeypatch, batch_size):
    first = trained(batch_size=batch_size)
    as_in_another_process(monkeypatch)
    assert_same_run(trained(batch_size=batch_size), first)
    assert_same_run(trained(batch_size=batch_size), first)


def test_what_holds_for_a_short_last_batch_is_kept_too(folder, monkeypatch):
    first = trained()
    as_in_another_process(monkeypatch)
    monkeypatch.setattr(recorded, "prepared", None)  # no program can be made
    assert_same_run(trained(), first)


def test_it_is_recorded_once(folder, monkeypatch):
    trained(batch_size=11)
    as_in_another_process(monkeypatch)
    count, here = [], Update.told.__globals__

    def counted(*args, **options):
        count.append(1)
        return tape(*args, **options)

    monkeypatch.setattr(recorded, "tape", None)  # it is told, not recorded as a whole
    monkeypatch.setattr(repeated, "tape", counted)
    monkeypatch.setitem(here, "_rules", {})
    monkeypatch.setitem(here, "tape", counted)
    trained(batch_size=11)
    assert len(count) == 2  # the loss and the optimizer's rule


def engines_of_calls(**options):
    """Return the engine of each call of a short run, a long one and a short one again."""
    runs = (trained(engine="auto", epochs=epochs, **options) for epochs in (1, 100_000 // 6, 1))
    return [history.params["engine"] for _, history in runs]


def test_the_default_chooses_by_what_this_process_has_run(folder, monkeypatch):
    assert engines_of_calls() == ["numpy", "compiled", "compiled"]
    as_in_another_process(monkeypatch)  # the kernel is on disk: the same calls, the same engines
    assert engines_of_calls() == ["numpy", "compiled", "compiled"]


def test_short_runs_add_up(folder, monkeypatch):
    """Repeated short runs compile once NumPy has taken a sixth of the price of compiling."""
    seconds = []
    monkeypatch.setattr(steps._KernelPlan, "cost", lambda plan: (seconds[-1], 0))
    monkeypatch.setattr(steps, "COMPILING", 1.0)

    def engine(each, batch_size=4):
        seconds.append(each / 6)
        _, history = trained(engine="auto", epochs=1, batch_size=batch_size)
        return history.params["engine"]

    assert [engine(0.05) for _ in range(4)] == ["numpy"] * 3 + ["compiled"]
    assert engine(0.6, batch_size=3) == "numpy"  # another structure


def test_an_index_out_of_range_is_told_by_its_row(folder, monkeypatch):
    trained(batch_size=11)
    as_in_another_process(monkeypatch)
    wrong = y.copy()
    wrong[13] = 2
    with pytest.raises(DataError, match=r"index 2 is out of bounds .* in row 13"):
        trained(labels=wrong, batch_size=11)


def forms(folder):
    return sorted(folder.glob("*.form"))


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("what", ["code", "machine", "sources", "damage", "mode"])
def test_what_is_not_for_here_is_made_anew(folder, monkeypatch, what):
    first = trained(batch_size=11)
    (file,) = forms(folder)
    if what == "code":
        for each in folder.glob("*.kernel"):
            each.unlink()
    elif what == "machine":
        told = json.loads(cache.read(file.stem, cache.FORM))
        told["machine"] += " of another kind"
        cache.write(file.stem, json.dumps(told).encode(), cache.FORM)
    elif what == "sources":
        monkeypatch.setattr(native, "sources", lambda *names: "another version")
    elif what == "damage":
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file.chmod(0o666)
    as_in_another_process(monkeypatch, makes=True)
    made = []
    monkeypatch.setattr(
        compiling, "training_kernel", lambda *args: made.append(1) or compiling_kernel(*args)
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert_same_run(trained(batch_size=11), first)
    assert made
    assert ["others may write" in str(w.message) for w in told] == [True] * (what == "mode")
    if what != "mode":
        as_in_another_process(monkeypatch)
        assert_same_run(trained(batch_size=11), first)


def test_only_its_user_can_have_written_it(folder):
    trained(batch_size=11)
    (file,) = forms(folder)
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


@pytest.mark.parametrize(
    ("f", "params"),
    [
        (lambda p, X, y: np.mean((X @ LARGE) ** 2) * np.sum(p["W"] ** 2), {"W": np.ones(3)}),
        (lambda p, X, y: np.mean((X @ p[1.5]) ** 2), {1.5: np.ones(3)}),
    ],
    ids=["a large constant", "a name that is a fraction"],
)
def test_what_cannot_be_told_is_not_kept(folder, f, params):
    trained(f, params, batch_size=11)
    assert not forms(folder)
    trained(f, params, batch_size=11)


def test_clearing_takes_forms_away(folder):
    trained()
    assert forms(folder)
    kernels = list(folder.glob("*.kernel"))
    assert cache.clear_cache() == len(kernels)
    assert not list(folder.iterdir())


def test_two_losses_that_differ_in_a_constant_are_two(folder, monkeypatch):
    def other(p, X, y):
        return loss(p, X, y) * 1.0000001

    one, two = trained()[1].loss, trained(other)[1].loss
    as_in_another_process(monkeypatch)
    assert (trained()[1].loss, trained(other)[1].loss) == (one, two)
    assert one != two


@pytest.mark.parametrize("shape", [(), (3, 5), (700, 700)])
def test_arrays_begin_where_a_line_of_the_cache_does(shape):
    array = aligned(shape, np.dtype("f4"))
    assert (array.ctypes.data % 64, array.shape, array.dtype) == (0, shape, "f4")
    assert not array.any()
