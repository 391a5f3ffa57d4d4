"""What runs is what the function does now, in its own names, types and indices."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import assert_three_ways

import chainrule as cr
from chainrule._src.compile.lower import kernels
from chainrule._src.compile.running import steps
from chainrule.errors import TraceError

RNG = np.random.default_rng(0)
W = RNG.normal(size=(3, 3, 3))
X, Y = RNG.normal(size=(8, 3)), RNG.normal(size=(8, 3))
SCALE = [1.0]


def trained(loss, params):
    return cr.minimize(loss, params, X, Y, epochs=2, shuffle=False, batch_size=4)[0]


def by_hand(loss, params):
    for start in (0, 4, 0, 4):
        params = params - 0.01 * cr.grad(loss)(params, X[start : start + 4], Y[start : start + 4])
    return params


def stacked(functions):
    def loss(p, X, y):
        h = X
        for i, f in enumerate(functions):
            h = f(h @ p[i])
        return np.mean((h - y) ** 2)

    return loss


def test_another_function_is_another_program():
    functions = [np.tanh, np.sin, lambda x: x / 2]
    for chosen in np.ndindex(3, 3, 3):
        loss = stacked([functions[i] for i in chosen])
        np.testing.assert_allclose(trained(loss, W), by_hand(loss, W), rtol=1e-12)


def test_what_a_function_reads_from_outside_may_change():
    cyclic = [2.0]
    cyclic.append(cyclic)
    box = {"power": 2}

    def loss(p, X, y):
        return np.mean(np.abs(X @ p[0] - y) ** box["power"]) * SCALE[0] * cyclic[0] * late

    late = 1.0
    for change in (
        lambda: None, lambda: SCALE.__setitem__(0, 3.0), lambda: cyclic.__setitem__(0, 0.5),
        lambda: box.update(power=3),
    ):  # fmt: skip
        change()
        np.testing.assert_allclose(trained(loss, W), by_hand(loss, W), rtol=1e-12)
    late = 5.0  # a cell
    np.testing.assert_allclose(trained(loss, W), by_hand(loss, W), rtol=1e-12)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: np.random.normal(),  # noqa: NPY002
        lambda: np.random.default_rng().normal(size=3),
        lambda: np.random.default_rng().integers(10**9),
    ],
    ids=["number", "array", "integer"],
)
def test_numbers_drawn_inside_are_not_frozen(draw):
    def loss(p, X):
        return np.mean((X @ p + draw()) ** 2)

    p = np.ones((3, 3))
    for recorded in (cr.source(loss), cr.trace(loss), cr.jit(loss)):
        with pytest.raises(TraceError, match="draws random numbers"):
            recorded(p, X)
    with pytest.warns(UserWarning, match=r"draws random numbers.*it runs in NumPy"):
        one, _ = cr.minimize(loss, p, X, epochs=1, shuffle=False)
    with pytest.warns(UserWarning, match="runs in NumPy"):
        other, _ = cr.minimize(loss, p, X, epochs=1, shuffle=False)
    assert np.abs(one - other).max() > 0  # drawn anew
    with pytest.raises(cr.errors.CompileError, match="draws random numbers"):
        cr.minimize(loss, p, X, engine="compiled")


def test_numbers_drawn_from_a_fixed_seed_are_the_same_every_time():
    assert_three_ways(
        lambda p, X: np.mean((X @ p + np.random.default_rng(0).normal(size=3)) ** 2), W[0], X
    )


INDICES = {
    "the same everywhere": lambda p: p[:, np.array([[0, 0], [0, 0]])],
    "from the end": lambda p: p[np.array([-1, -1])],
    "two from the end": lambda p: p[np.array([-1, -1]), np.array([2, -2])],
    "one and a mask": lambda p: p[np.array([-2, 2, 1]), np.array([True] * 3)],
    "a mask": lambda p: p[np.array([True, True, True])],
    "a list": lambda p: p[[1, 1, 1]],
    "a list of lists": lambda p: p[[[0, 0], [0, 0]], [[1, 1], [1, 1]]],
    "one and a slice": lambda p: p[1:, np.array([1, 1])],
    "one and a new axis": lambda p: p[None, np.array([1, 1]), ::-1],
    "one entry": lambda p: p[np.array([2])],
    "a 0-d array": lambda p: p[np.array(2)],
}


@pytest.mark.parametrize("pick", INDICES.values(), ids=INDICES.keys())
def test_indices_that_do_not_change(pick):
    assert_three_ways(lambda p, X: np.sum(np.sin(pick(p))) + np.mean(X @ p), W[0], X)
    assert_three_ways(lambda p, X: np.sum(np.sin(pick(p)) * pick(p)) + np.mean(X), W[0], X)


def test_zeros_of_both_signs_are_not_one_number():
    zeros = np.array([0.0, -0.0, 0.0])
    assert_three_ways(
        lambda p, X: np.sum(np.arctan2(zeros, p * X) * p), -np.ones(3), np.ones((4, 3))
    )


BYTES = RNG.integers(0, 256, size=(5, 3)).astype(np.uint8)
WHOLE = {
    "subtracted": lambda w, X: np.mean((X * 2.0 - 255.0) @ w),
    "added": lambda w, X: np.sum(w) + np.sum(X + 1.0),
    "a power": lambda w, X: np.sum(w) + np.sum(X**2.0),
    "compared": lambda w, X: np.sum(w) + np.sum(np.where(X > 5.0, X * 1.0, 300.0)),
    "a minimum": lambda w, X: np.sum(w) + np.sum(np.minimum(X, 300.0)),
    "clipped": lambda w, X: np.sum(w) + np.sum(np.clip(X, 1.0, 300.0)),
    "times the batch size": lambda w, X: np.sum(w) + np.sum(X * (2.0 * len(X))),
    "over the batch size": lambda w, X: np.sum(w) + np.sum(X / len(X)),
    "over a float of the batch size": lambda w, X: np.sum(w) + np.sum(X / np.float64(len(X))),
    "times a float32 of the batch size": lambda w, X: np.sum(w) + np.sum(X * np.float32(len(X))),
    "of NumPy's type": lambda w, X: np.sum(w) + np.sum(X * np.float32(300)),
    "a mask": lambda w, X: np.sum(w) + np.sum((X > 5) * 2.0),
}


@pytest.mark.sampled(quick=12)
@pytest.mark.parametrize("loss", WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, bool, np.float32, np.float64])
def test_a_float_without_fraction_stays_a_float(loss, dtype):
    data = BYTES.astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        w = np.ones(3, dtype if data.dtype.kind == "f" else float)
        assert_three_ways(loss, w, data, others=[(w, data[:2])])


NAMES = [
    "ﬁ", "fi", "m²", "m2", "𐐀", "é", "é", "class", "np", "n", "X", "p", "a b", "a_b", "൰",
    "Ⅷ", "VIII", "", "1", "\ud800", '"', "\\", "\n", "'", "len", "value", "d_X", "t1",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(NAMES), st.text(max_size=3)), min_size=2, max_size=5,
                unique=True))  # fmt: skip
@draws(6)
def test_every_name_is_its_own(names):
    params = {name: RNG.normal(size=3) for name in names}

    def loss(p, X):
        return sum(np.mean((X @ p[name]) ** (2 + i)) for i, name in enumerate(names))

    value, gradient = cr.value_and_grad(loss)(params, X)
    space = {}
    exec(cr.source(loss)(params, X), space)
    found = space["value_and_gradients"](params, X)
    np.testing.assert_allclose(found[0], value, rtol=1e-13)
    assert found[1].keys() == gradient.keys()
    for name in names:
        np.testing.assert_allclose(found[1][name], gradient[name], rtol=1e-12)


@pytest.mark.parametrize("names", [("ﬁ", "fi"), ("m²", "m2"), ("𐐀", "x"), ("é", "é")])
def test_names_that_python_takes_for_one(names):
    params = {name: RNG.normal(size=3) for name in names}
    assert_three_ways(lambda p, X: np.mean((X @ p[names[0]]) ** 2 * 3 + X @ p[names[1]]), params, X)


class TestMasks:
    """How many entries a mask of data picks is not known when a program is recorded."""

    def test_what_does_not_depend_on_it_is_recorded(self):
        def loss(w, X):
            picked = (X @ w)[X[:, 0] > 0]
            return np.sum(picked**2) - np.sum(picked)

        others = [(W[0, 0], data) for data in (X[::-1], -X, np.abs(X))]
        assert_three_ways(loss, W[0, 0], X, others=others)

    @pytest.mark.parametrize("data", [X, np.abs(X)], ids=["some", "all"])
    def test_what_depends_on_it_is_refused(self, data):
        def loss(w, X):
            return np.mean((X @ w)[X[:, 0] > 0] ** 2)

        with pytest.raises(TraceError, match=r"np\.where\(mask, x, 0\)"):
            cr.source(loss)(W[0, 0], data)
        with pytest.warns(UserWarning, match="it runs in NumPy"):
            w, _ = cr.minimize(
                loss, W[0, 0], data, shuffle=False, batch_size=8,
                optimizer=cr.optimizers.SGD(1.0),
            )  # fmt: skip
        np.testing.assert_allclose(w, W[0, 0] - cr.grad(loss)(W[0, 0], data), rtol=1e-13)

    @pytest.mark.parametrize(
        "index", [(np.arange(4) < 2,), (slice(None), np.ones(4, bool)), (np.ones((3, 2), bool),)]
    )
    def test_a_mask_that_does_not_fit_is_refused_as_by_numpy(self, index):
        with pytest.raises(IndexError, match="boolean index did not match"):
            cr.grad(lambda x: np.sum(x[index]))(np.ones((3, 3)))


def turned(turns):
    def loss(w, X):
        h = X @ w
        for _ in range(turns):
            h = np.sin(h) * 1.01
        return np.mean(h**2)

    return loss


@pytest.mark.thorough
def test_expressions_of_hundreds_of_operations_compile():
    loss = turned(400)
    w, _ = cr.minimize(loss, W[0, 0], X, shuffle=False, batch_size=8, engine="compiled")
    np.testing.assert_allclose(w, W[0, 0] - 0.01 * cr.grad(loss)(W[0, 0], X), rtol=1e-9)


def test_what_is_too_long_to_compile_runs_in_numpy(monkeypatch):
    monkeypatch.setattr(kernels, "LONGEST", 100)
    for cost in ("COMPILING", "COMPILING_EQUATION"):  # so that two epochs pay for it
        monkeypatch.setattr(steps, cost, 0.0)
    loss = turned(60)
    arguments = loss, W[0, 0], X
    with pytest.raises(cr.errors.CompileError, match="since a loop is recorded turn by turn"):
        cr.minimize(*arguments, engine="compiled")
    with pytest.warns(UserWarning, match="turn by turn; it runs in NumPy"):
        w, _ = cr.minimize(*arguments, shuffle=False, batch_size=8, epochs=2)
    expected, _ = cr.minimize(*arguments, shuffle=False, batch_size=8, epochs=2, engine="numpy")
    np.testing.assert_array_equal(w, expected)


def test_a_kernel_that_is_shown_has_the_names_of_its_own_code():
    def first(w, X):
        error = np.tanh(X @ w)
        return np.mean(error * error + error)

    def second(v, Z):
        wave = np.tanh(Z @ v)
        return np.mean(wave * wave + wave)

    for loss in (first, second):
        cr.minimize(loss, W[0, 0], X)
    texts = [cr.source(loss, "kernel")(W[0, 0], X) for loss in (first, second)]
    assert "error" in texts[0]
    assert "wave" in texts[1]
    assert "Z_all" in texts[1]
