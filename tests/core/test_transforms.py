import re
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.core.backward import adjoints
from chainrule.errors import DataError, ShapeError, TraceError


def test_nested_structures_come_back_as_they_were():
    class Layer(NamedTuple):
        W: np.ndarray
        b: np.ndarray

    params = {"layers": [Layer(np.ones((2, 3)), np.zeros(3))], "scale": (2.0, None)}
    x = np.array([1.0, 2.0])

    def loss(params):
        layer = params["layers"][0]
        return np.sum(x @ layer.W + layer.b) * params["scale"][0]

    value, gradient = cr.value_and_grad(loss)(params)
    assert value == 18
    assert isinstance(gradient["layers"][0], Layer)
    np.testing.assert_array_equal(gradient["layers"][0].W, [[2] * 3, [4] * 3])
    np.testing.assert_array_equal(gradient["layers"][0].b, [2, 2, 2])
    assert gradient["scale"] == (9.0, None)


def test_argnums():
    def f(x, y, z):
        return x * y**2 * z

    assert cr.grad(f)(1.0, 2.0, 3.0) == 12
    assert cr.grad(f, argnums=1)(1.0, 2.0, 3.0) == 12
    assert cr.grad(f, argnums=(0, -1))(1.0, 2.0, 3.0) == (12, 4)
    with pytest.raises(DataError, match=r"argnums=3 but 3 positional"):
        cr.grad(f, argnums=3)(1.0, 2.0, 3.0)


def test_a_parameter_that_is_not_used_has_gradient_zero():
    gradient = cr.grad(lambda p: np.sum(p["a"]))(
        {"a": np.ones(2), "b": np.ones((2, 3), np.float32)}
    )
    np.testing.assert_array_equal(gradient["b"], np.zeros((2, 3)))
    assert gradient["b"].dtype == np.float32
    assert cr.grad(lambda x: 3.0)(1.0) == 0


def test_higher_orders():
    f = np.sin
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7), np.cos(0.7)):
        f = cr.grad(f)
        assert f(0.7) == pytest.approx(expected, abs=1e-14)


def test_perturbations_are_not_confused():
    # Siskind, Pearlmutter, Perturbation Confusion and Referential Transparency, 2005.
    assert cr.grad(lambda x: x * cr.grad(lambda y: x + y)(1.0))(1.0) == 1
    assert cr.grad(lambda x: x * cr.grad(lambda y: x * y**2)(3.0))(2.0) == 24
    assert cr.grad(lambda x: cr.grad(lambda y: cr.grad(lambda z: x * y * z)(1.0))(1.0))(5.0) == 1


def test_hessian_hvp_and_jacobian_agree():
    A = np.array([[2.0, 1.0], [0.0, 3.0]])

    def f(x):
        return np.sum(np.exp(A @ x)) + x[0] ** 3 * x[1]

    x, v = np.array([0.3, -0.4]), np.array([1.5, 2.0])
    H = cr.hessian(f)(x)
    np.testing.assert_allclose(H, H.T, rtol=1e-14)
    step = 1e-6
    differences = [
        (cr.grad(f)(x + step * e) - cr.grad(f)(x - step * e)) / (2 * step) for e in np.eye(2)
    ]
    np.testing.assert_allclose(H, differences, rtol=1e-6)
    np.testing.assert_allclose(cr.hvp(f)(x, v), H @ v, rtol=1e-13)
    np.testing.assert_allclose(cr.jacobian(lambda x: A @ x)(x), A)
    matrix = cr.jacobian(lambda X: X @ A)(np.ones((3, 2)))
    assert matrix.shape == (3, 2, 3, 2)
    nested = cr.jacobian(lambda p: p["a"] * p["b"])({"a": np.ones(2), "b": 3.0})
    np.testing.assert_array_equal(nested["a"], 3 * np.eye(2))
    np.testing.assert_array_equal(nested["b"], np.ones(2))


def test_hvp_of_structures():
    def f(p):
        return np.sum(p["w"] ** 3) * p["b"]

    at, along = {"w": np.array([1.0, 2.0]), "b": 2.0}, {"w": np.array([1.0, 0.0]), "b": 1.0}
    product = cr.hvp(f)(at, along)
    np.testing.assert_allclose(product["w"], [12 + 3, 12])
    assert product["b"] == 3


def test_the_pullback_can_be_called_again_and_differentiated():
    _, pullback = cr.vjp(lambda x, w: np.tanh(x * w), np.array([1.0, 2.0]), np.array([0.5, 0.1]))
    once, twice = pullback(np.ones(2)), pullback(2 * np.ones(2))
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_array_equal(2 * a, b)
    with pytest.raises(ShapeError, match=r"value's shape \(2,\), received shape \(3,\)"):
        pullback(np.ones(3))
    # The pullback is linear: its derivative along v is itself.
    np.testing.assert_allclose(cr.grad(lambda v: np.sum(pullback(v)[0]))(np.ones(2)), once[0])

    def through(x):
        _, pull = cr.vjp(np.sin, x)
        return pull(np.ones(()))[0]

    assert cr.grad(through)(0.4) == pytest.approx(-np.sin(0.4))


def test_backward_twice_gives_the_same():
    x, w = cr.Tensor([1.0, 2.0]), cr.Tensor([3.0, 4.0])
    y = np.sum(x * w + x**2)
    y.backward()
    first = x.grad.copy()
    y.backward()
    np.testing.assert_array_equal(x.grad, first)
    np.testing.assert_array_equal(first, [5, 8])
    np.testing.assert_array_equal(w.grad, [1, 2])
    assert y.grad == 1
    with pytest.raises(ShapeError, match="single number"):
        (x * 2).backward()


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_a_loss_with_axes_of_one_entry_counts_as_a_number(shape):
    X, y = np.arange(6.0).reshape(3, 2), np.ones((3, 1))

    def loss(w, X, y):
        error = X @ w - y
        return np.reshape(error.T @ error / len(X), shape)

    def gradient(w, X, y):
        return 2 * X.T @ (X @ w - y) / len(X)

    w, both = np.array([[0.5], [-1.0]]), cr.value_and_grad(loss)
    for road in (both, cr.trace(both)(w, X, y), cr.jit(both)):
        value, slopes = road(w, X, y)
        assert np.shape(value) == ()
        assert value == pytest.approx(loss(w, X, y).item())
        np.testing.assert_allclose(slopes, gradient(w, X, y))
    np.testing.assert_allclose(cr.hessian(loss)(w, X, y)[:, 0, :, 0], 2 * X.T @ X / 3)
    assert cr.check_gradients(loss, gradient)(w, X, y).passed
    _, history = cr.minimize(loss, w, X, y, optimizer=cr.optimizers.SGD(0.01), epochs=2)
    assert all(np.isscalar(value) for value in history.history["loss"])
    with pytest.raises(ShapeError, match=r"single number.*\(1, 1, 1\)"):
        cr.grad(lambda w: np.reshape(w, (1, 1, 1)))(1.0)


def test_thirty_thousand_operations():
    def chain(x, n):
        for _ in range(n):
            x = x * 1.00001
        return x

    assert cr.grad(chain)(1.0, 30_000) == pytest.approx(1.00001**30_000)
    x = cr.Tensor(1.0)
    y = chain(x, 30_000)
    assert len(adjoints(y, np.float64(1))) == 30_001  # each visited once: linear in their number


def test_float32_stays():
    gradient = cr.grad(lambda x: np.mean(np.tanh(x * 0.1) / 3))(np.ones(3, np.float32))
    assert gradient.dtype == np.float32


@pytest.mark.parametrize("x", [np.arange(3), np.array([True])])
def test_only_floats_are_differentiated(x):
    with pytest.raises(DataError, match="cannot differentiate"):
        cr.grad(np.sum)(x)


def test_complex_numbers_are_refused():
    with pytest.raises(DataError, match="two real arrays"):
        cr.grad(np.sum)(np.array([1 + 2j]))
    with pytest.raises(TraceError, match=r"multiply: .*complex numbers.*two real arrays"):
        cr.grad(lambda x: np.abs(x * 1j))(1.0)


def test_outputs_that_are_not_a_number():
    with pytest.raises(ShapeError, match=r"has shape \(3,\); take np.sum or np.mean"):
        cr.grad(np.sin)(np.ones(3))
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        cr.grad(lambda x: np.ones(2))(1.0)


OUTSIDE = np.zeros(3)
WRONG = {
    "float": (lambda t: float(t[0]), "t.value"),
    "int": (lambda t: int(t[0]), "t.value"),
    "item": (lambda t: t[0].item(), "t.value"),
    "tolist": (lambda t: t.tolist(), "t.value"),
    "math": (lambda t: __import__("math").exp(t[0]), "t.value"),
    "write into an array from outside": (
        lambda t: OUTSIDE.__setitem__(0, t[0]),
        "np.stack|t.value",
    ),
    "in place": (lambda t: OUTSIDE.__iadd__(t), "array from outside"),
    "out": (lambda t: np.add(t, 1, out=OUTSIDE), "out="),
    "argument": (lambda t: np.mean(t, out=OUTSIDE[0]), "out="),
    "eye": (lambda t: np.eye(3)[t], r"cr.one_hot\(n, t\)"),
    "not covered": (lambda t: np.fft.fft(t), "has no gradient"),
    "ufunc not covered": (lambda t: np.nextafter(t, 0), "has no gradient"),
    "ufunc method": (lambda t: np.add.reduceat(t, [0]), "reduceat has no gradient"),
    "dtype": (lambda t: np.add(t, 1, dtype=np.float32), "dtype="),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_what_would_lose_the_gradient_says_what_to_write(name):
    f, message = WRONG[name]
    with pytest.raises((TraceError, ValueError)) as raised:
        cr.grad(f)(np.ones(3))
    # Where NumPy wraps the error of an assignment in its own, ours is the cause it shows.
    error = raised.value if isinstance(raised.value, TraceError) else raised.value.__cause__
    assert isinstance(error, TraceError)
    assert re.search(message, str(error))


def test_branches_on_values_are_fine_where_nothing_is_recorded():
    def f(x):
        return x**2 if x > 0 else -x

    assert cr.grad(f)(3.0) == 6
    assert cr.grad(f)(-3.0) == -1


def test_one_hot_and_targets_are_no_parameters():
    def loss(W, X, y):
        return cr.nll(cr.one_hot(3, y), cr.softmax(X @ W))

    rng = np.random.default_rng(0)
    X, y, W = rng.normal(size=(5, 2)), np.array([0, 2, 1, 1, 0]), rng.normal(size=(2, 3))
    expected = X.T @ (cr.softmax(X @ W) - np.eye(3)[y]) / 5
    np.testing.assert_allclose(cr.grad(loss)(W, X, y), expected, rtol=1e-6)


def test_a_tensor_shows_itself_and_its_shape():
    t = cr.Tensor([[1.0, 2.0]])
    assert repr(t) == "Tensor(array([[1., 2.]]))"
    assert (t.shape, t.ndim, t.size, len(t), t.dtype) == ((1, 2), 2, 2, 1, np.float64)
    assert (np.shape(t), np.ndim(t), np.size(t)) == ((1, 2), 2, 2)
    with pytest.raises(DataError, match="must hold numbers"):
        cr.Tensor(["a"])


def test_an_inner_value_keeps_the_outer_gradient():
    assert cr.grad(lambda x: cr.value_and_grad(lambda y: x**2)(1.0)[0])(3.0) == 6
    assert cr.grad(lambda x: cr.vjp(lambda y: x**2, 1.0)[0])(3.0) == 6


def test_levels_hold_across_threads():
    def f(x):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: cr.grad(lambda y: x * y**2)(3.0)).result()

    assert cr.grad(f)(2.0) == 6


def test_wider_data_does_not_widen_the_gradient():
    w, x = np.ones(3, np.float32), np.ones(3)
    assert cr.grad(lambda w: np.sum(w * x))(w).dtype == np.float32
    _, pullback = cr.vjp(np.sin, w)
    assert pullback(np.ones(3))[0].dtype == np.float32


@pytest.mark.parametrize(
    "use",
    [
        lambda x: cr.grad(3)(x),
        lambda x: cr.grad(np.sum, argnums="x")(x),
        lambda x: cr.grad(np.sum, argnums=())(x),
        lambda x: cr.grad(lambda x: (np.sum(x), x))(x),
        lambda x: cr.grad(lambda x: "a")(x),
        lambda x: cr.vjp(np.sin),
        lambda x: cr.hvp(np.sum)(x),
        lambda x: cr.hvp(lambda x: np.sum(x**3))(x, np.ones(4)),
        lambda x: cr.grad(lambda x: np.abs(x[0] * 1j))(x),
        lambda x: cr.grad(lambda x: np.mean([x[0], x[1]]))(x),
        lambda x: cr.grad(lambda x: float(f"{x[0]:.3f}"))(x),
        lambda x: cr.grad(lambda x: np.linalg.norm(x, "nuc"))(x),
    ],
)
def test_wrong_uses_are_told_in_chainrules_words(use):
    with pytest.raises(cr.ChainruleError):
        use(np.ones(3))


def test_a_list_of_tensors_is_to_be_stacked():
    with pytest.raises(TraceError, match=r"For a list of tensors write np\.stack"):
        cr.grad(lambda x: np.mean([x[0], x[1]]))(np.ones(3))
