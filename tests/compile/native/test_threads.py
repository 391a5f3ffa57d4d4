"""Several threads record, write and compile at once; several share the work of one run."""

import gc
import sys
import threading

import numpy as np
import pytest
from tests.interpreter import kernel_gradient
from tests.torture.interrupts import CheckedExecutor, assert_nothing_left

import chainrule as cr
from chainrule._src.compile.lower import kernels
from chainrule._src.compile.lower.kernels import function_kernel
from chainrule._src.compile.lower.memory import slots
from chainrule._src.compile.lower.nodes import Buffer, N, loop_variable, whole
from chainrule._src.compile.lower.sections import Group, Section
from chainrule._src.compile.lower.statements import Loop, Store
from chainrule._src.compile.native import code as native
from chainrule._src.compile.running import bound, memory, steps
from chainrule._src.compile.running import threads as sharing
from chainrule._src.trace.batch import Linear
from chainrule._src.trace.passes import expand, fixed
from chainrule._src.trace.tracing import trace
from chainrule.errors import DataError, DivergenceError

pytestmark = [pytest.mark.portable, pytest.mark.usefixtures("interrupts")]
BATCH, SIZE = 8, 16
ROWS = np.random.default_rng(1).normal(size=(6 * BATCH, SIZE))


@pytest.fixture
def restless():
    """Switch threads as often as it can be, also while Python parses: its collector runs Python."""
    before = sys.getswitchinterval(), gc.get_threshold()

    def collected(phase, info):
        sum(range(50))

    sys.setswitchinterval(1e-6)
    gc.set_threshold(20)
    gc.callbacks.append(collected)
    yield
    gc.callbacks.remove(collected)
    sys.setswitchinterval(before[0])
    gc.set_threshold(*before[1])


def network(params, X):
    for W in params:
        X = np.tanh(X @ W + X * 2) / (1 + X**2)
    return np.mean(X)


def test_syntax_trees_are_made_by_one_thread_at_a_time(restless):
    step = trace(cr.value_and_grad(network), expand)
    program = fixed(step([np.eye(3)] * 6, np.ones((4, 3))), 4)
    texts, errors = [], []

    def work():
        try:
            for _ in range(2):
                texts.append(function_kernel(program).text)
        except SystemError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(texts) == 8
    assert len(set(texts)) == 1


def linear(p, X):
    return np.mean((np.tanh(X @ p["W"]) @ p["W"]) ** 2)


def test_first_compilations_in_several_threads_while_another_trains(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    x, barrier, found = np.linspace(0, 1, 5), threading.Barrier(4), {}
    functions = [lambda x: np.tanh(x) * 2, lambda x: np.exp(x) - x, lambda x: np.tanh(x) * 2]

    def compile_first(number):
        barrier.wait()
        found[number] = cr.jit(functions[number])(x)

    def train():
        barrier.wait()
        found["W"] = cr.minimize(
            linear, {"W": np.eye(SIZE)}, ROWS, engine="numpy", epochs=20, shuffle=False
        )[0]["W"]

    works = [*(lambda n=n: compile_first(n) for n in range(3)), train]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, function in enumerate(functions):
        np.testing.assert_allclose(found[number], function(x), rtol=1e-14)
    train_alone = cr.minimize(
        linear, {"W": np.eye(SIZE)}, ROWS, engine="numpy", epochs=20, shuffle=False
    )[0]["W"]
    np.testing.assert_array_equal(found["W"], train_alone)
    assert len(list(tmp_path.glob("*.kernel"))) == 2


# Sharing


@pytest.fixture
def three_threads(monkeypatch):
    """Share even small work among three threads, and check what they leave behind."""
    monkeypatch.setattr(kernels, "LARGE", 0.0)
    monkeypatch.setattr(steps, "digest", lambda *_: None)  # of what is not as usual
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "3")
    monkeypatch.setattr(sharing.Paces, "plan", lambda paces, most, *_: (most, 4))
    monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor", CheckedExecutor)
    monkeypatch.setattr(CheckedExecutor, "submitted", 0)
    return monkeypatch


def shared(loss=linear, rows=ROWS, **options):
    start = {"W": np.eye(SIZE)}
    return cr.minimize(loss, start, rows, engine="compiled", shuffle=False, **options)[0]["W"]


@pytest.mark.parametrize("started", [0, 1])
def test_where_no_more_threads_can_be_started_fewer_do_the_same(three_threads, started):
    expected = shared(batch_size=BATCH, epochs=3)
    begin, count = threading.Thread.start, iter(range(100))

    def start(thread):
        if thread.name.startswith("chainrule") and next(count) >= started:
            raise RuntimeError("can't start new thread")
        begin(thread)

    three_threads.setattr(threading.Thread, "start", start)
    np.testing.assert_array_equal(shared(batch_size=BATCH, epochs=3), expected)
    assert next(count) > started
    assert_nothing_left()


def test_a_thread_that_fails_later_is_not_waited_for(three_threads):
    submit, count = CheckedExecutor.submit, iter(range(100))

    def failing(pool, call, *args):
        if next(count) >= 3:  # two are started, the first update has one thread
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        return submit(pool, call, *args)

    three_threads.setattr(CheckedExecutor, "submit", failing)
    with pytest.raises(RuntimeError, match="cannot schedule"):
        shared(batch_size=BATCH, epochs=3)
    assert_nothing_left()


def steep(p, X):
    return np.mean((X @ p["W"]) ** 4) * 1e200


def indexed(p, X):
    return np.mean((X @ p["W"]) ** 2) + np.mean(np.take(p["W"], X[:, 0].astype(int), axis=0))


@pytest.mark.parametrize(
    ("loss", "error"), [(steep, DivergenceError), (indexed, DataError), (linear, None)]
)
def test_small_numbers_are_computed_with_again_however_a_run_ends(three_threads, loss, error):
    rows = np.abs(ROWS) % 0.9
    rows[-1, 0] = 99  # no row of W
    if error is None:
        shared(loss, rows, batch_size=BATCH, epochs=3)
    else:
        with pytest.raises(error):
            shared(loss, rows, batch_size=BATCH, epochs=9)
    assert CheckedExecutor.submitted > 2
    assert_nothing_left()


@pytest.mark.portable(quick="everywhere")
@pytest.mark.parametrize(("rows", "batch_size"), [(31, 31), (96, 96), (98, 96)])
def test_the_number_of_cores_changes_no_bit(rows, batch_size, monkeypatch):
    """Work is shared out into parts that depend on the program alone; some may have no sample."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(rows, 64)), rng.normal(size=(rows, 10))
    params = [rng.normal(size=(64, 100)), rng.normal(size=(100, 10))]
    monkeypatch.setattr(kernels, "LARGE", 0.0)
    monkeypatch.setattr(steps, "digest", lambda *_: None)

    def loss(p, X, y):
        return np.mean((np.tanh(X @ p[0]) @ p[1] - y) ** 2)

    def trained(cores, engine="compiled"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", str(cores))
        return cr.minimize(
            loss, params, X, y, batch_size=batch_size, epochs=5, seed=0, engine=engine
        )

    one, history = trained(1)
    for a, b in zip(trained(1, "numpy")[0], one, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
    for cores in (2, 3, 4, 7):
        found, others = trained(cores)
        assert others.loss == history.loss
        for a, b in zip(found, one, strict=True):
            np.testing.assert_array_equal(a, b)


def test_memory_goes_on_in_one_section_only_where_samples_lie_as_those_of_its_last_user():
    n = Linear(0, 1)
    sample, other = loop_variable("i", None), loop_variable("j", 4)
    shapes = {"first": (4, n), "second": (n, 4), "third": (4, n), "source": (4, n)}
    buffers = {name: Buffer(name, shape, np.dtype("f4"), (0, 1)) for name, shape in shapes.items()}
    buffers["source"].role = "state"
    index = {name: tuple(sample if k is n else other for k in shapes[name]) for name in shapes}
    place = {name: buffer.at(index[name]) for name, buffer in buffers.items()}

    def copied(into, source):
        return Store(place[into], place[source])

    meetings = [
        [copied("first", "source")],
        [copied("source", "first")],
        [copied("second", "source")],
        [copied("source", "second"), copied("third", "source")],
        [copied("source", "third")],
    ]
    sections = [Section([Group((sample, N), items)]) for items in meetings]
    shares = slots(sections, [*buffers.values()])
    assert shares == {buffers["second"]: buffers["first"]}
    alone = [Section([Group((None, None), items)]) for items in meetings]
    shares = slots(alone, [*buffers.values()])
    assert shares == dict.fromkeys([buffers["second"], buffers["third"]], buffers["first"])


@pytest.mark.parametrize(
    ("again", "turned", "turns", "shared"),
    [(False, False, 1, True), (True, False, 1, False), (False, True, 1, False),
     (False, False, 3, False)],
)  # fmt: skip
def test_entries_take_the_place_of_those_read_for_the_last_time(again, turned, turns, shared):
    i, j, k = (loop_variable(name, 4) for name in "ijk")
    a, b, source, other = (Buffer(name, (4, 4), np.dtype("f4"), (0, 1)) for name in "abcd")
    source.role = other.role = "state"
    here, read = (i, j), (j, i) if turned else (i, j)
    body = [Store(b.at(here), a.at(read))] + [Store(other.at(here), a.at(here))] * again
    items = [
        Loop(i, whole(4), [Loop(j, whole(4), [Store(a.at(here), source.at(here))])]),
        Loop(i, whole(4), [Loop(j, whole(4), body)]),
        Loop(i, whole(4), [Loop(j, whole(4), [Store(source.at(here), b.at(here))])]),
    ]
    if turns > 1:  # a is read anew in every turn
        items[1] = Loop(k, whole(turns), [items[1]])
    shares = slots([Section([Group((None, None), items)])], [a, b, source, other])
    assert shares == ({b: a} if shared else {})


def test_memory_that_others_may_still_read_is_not_written():
    """Samples are compared with each other, and gradients take the place of what they are of."""
    X, W = ROWS[:24], np.random.default_rng(0).normal(size=(SIZE, 6))

    def loss(W, X):
        z = X @ W
        return np.sum(np.sin(z @ z.T))

    for order in ((0, 1), (1, 0)):
        _, found = kernel_gradient(loss, W, X, order=order)
        np.testing.assert_allclose(found, cr.grad(loss)(W, X), rtol=1e-10)


def compared(z):
    return np.mean(np.sin(z @ z.T))


def normed(z):
    return np.mean(np.tanh((z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 0.1)) ** 2)


def chosen(z):
    return np.mean(np.take_along_axis(z, np.argmax(z**2, axis=1)[:, np.newaxis], axis=1) ** 2)


MEETING = {  # what samples have to do with each other
    "nothing": (lambda z: np.mean(np.log(np.sum(np.exp(z), axis=1))), True),
    "a mean": (lambda z: np.mean((z - z.mean(axis=0)) ** 2), True),
    "a norm": (normed, True),
    "the largest": (lambda z: np.mean(z.max(axis=0) * z.sum(axis=0)), True),
    "those before": (lambda z: np.mean(np.cumsum(z, axis=0) ** 2), False),
    "those beside": (lambda z: np.mean(np.sin(z[1:] * z[:-1])), False),
    "the last one": (lambda z: np.mean(z * z[::-1]), False),
    "all": (compared, False),
    "a choice": (chosen, True),
}


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("case", MEETING)
@pytest.mark.parametrize("turned", [False, True])
def test_memory_that_threads_have_apart_is_of_their_own_samples(case, turned, monkeypatch):
    """Whatever else is in it is NaN, and read by nobody."""
    meets, apart = MEETING[case]
    rng = np.random.default_rng(1)
    X, params = rng.normal(size=(48, 8)), [rng.normal(size=(8, 12)), rng.normal(size=(12, 6)) / 3]
    monkeypatch.setattr(kernels, "LARGE", 0.0)
    monkeypatch.setattr(steps, "digest", lambda *_: None)
    made, aligned = [], memory.aligned

    def poisoned(shape, dtype):
        array = aligned(shape, dtype)
        array.view(np.uint8)[...] = 0xFF
        return array

    class Noted(bound.BoundKernel):
        def __init__(self, *args):
            super().__init__(*args)
            made.append([place.name for place in self.form.places if place.own])

    def loss(p, X):
        h = np.tanh(X @ p[0])
        return meets((p[1].T @ h.T).T if turned else h @ p[1])

    def trained(cores, engine="compiled"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", str(cores))
        return cr.minimize(loss, params, X, batch_size=48, epochs=3, seed=0, engine=engine)

    one, history = trained(1)
    for a, b in zip(trained(1, "numpy")[0], one, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    monkeypatch.setattr(memory, "aligned", poisoned)
    monkeypatch.setattr(bound, "BoundKernel", Noted)
    for cores in (2, 3, 4):
        found, others = trained(cores)
        assert others.loss == history.loss
        for a, b in zip(found, one, strict=True):
            np.testing.assert_array_equal(a, b)
    assert any(made) or not apart


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("rows", [7, 31, 96])
def test_arrays_are_filled_alike_by_any_number_of_threads(rows, monkeypatch):
    """Of values for one entry the last one stays, whichever thread wrote it."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(rows, 12)), rng.integers(0, 8, size=rows)
    params = [rng.normal(size=(12, 8)), rng.normal(size=8), rng.normal(size=(5, 8))]
    monkeypatch.setattr(kernels, "LARGE", 0.0)
    monkeypatch.setattr(steps, "digest", lambda *_: None)

    def loss(p, X, y):
        h = np.zeros((len(X), 16))
        h[:, ::2] = np.tanh(X @ p[0])
        for i in range(1, 8):
            h[:, 2 * i + 1] = h[:, 2 * i - 1] * p[1][i] + h[:, 2 * i]
        h[h < -0.5] *= 0.1
        h[1:] += 0.1 * h[:-1]
        h[np.arange(len(h)), y] -= 1
        table = np.zeros((8, 8))
        table[y] = h[:, 8:] * X[:, :1]
        table[[2, 0, 2]] = p[2][:3]
        return np.mean(h * h) + np.sum(table * table)

    def trained(cores, engine="compiled"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", str(cores))
        rule = cr.optimizers.SGD(0.05)
        return cr.minimize(
            loss, params, X, y, optimizer=rule, batch_size=rows, epochs=5, seed=0, engine=engine
        )

    one, history = trained(1)
    for a, b in zip(trained(1, "numpy")[0], one, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)
    for cores in (2, 3, 4, 7):
        found, others = trained(cores)
        assert others.loss == history.loss
        for a, b in zip(found, one, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("rows", "units"), [(31, 6), (31, 32), (96, 9)])
def test_the_number_of_cores_changes_no_bit_of_a_recurrence(rows, units, monkeypatch):
    """The products of a step are made for all parts of a thread at once."""
    rng = np.random.default_rng(0)
    X, y = (
        rng.normal(size=(rows, 5, units)).astype("f4"),
        rng.normal(size=(rows, units)).astype("f4"),
    )
    params = [rng.normal(size=(units, units)).astype("f4") / 3 for _ in range(2)]
    monkeypatch.setattr(kernels, "LARGE", 0.0)
    monkeypatch.setattr(steps, "digest", lambda *_: None)

    def loss(p, X, y):
        def step(h, x):
            h = cr.sigmoid(x @ p[0] + np.tanh(h @ p[1]))
            return h, h

        last, _ = cr.scan(step, np.zeros_like(y), np.swapaxes(X, 0, 1))
        return np.mean((last - y) ** 2)

    def trained(cores):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", str(cores))
        return cr.minimize(loss, params, X, y, batch_size=rows, epochs=5, seed=0, engine="compiled")

    one, history = trained(1)
    for cores in (2, 3, 4, 7):
        found, others = trained(cores)
        assert others.loss == history.loss
        for a, b in zip(found, one, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_environment_says_how_many_cores_are_used(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("CHAINRULE_NUM_THREADS", raising=False)
    assert native.cores() == 3
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "5")
    assert native.cores() == 5
