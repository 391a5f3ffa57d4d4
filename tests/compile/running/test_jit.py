"""`jit` within other transformations, and on methods."""

import copy
import functools
import gc
import inspect
import pickle
import weakref

import numpy as np
import pytest
from tests.cases import case
from tests.uber import assert_gradients, assert_three_ways

import chainrule as cr
from chainrule.errors import DataError, TraceError

pytestmark = pytest.mark.portable

W, X = np.array([0.1, 0.2]), np.arange(6.0).reshape(3, 2)


def network(x, w):
    return np.tanh(x @ w)


def of_pairs(pair):
    return np.sum(network(pair["x"], pair["w"]))


HELPER, OF_PAIRS = cr.jit(network), cr.jit(of_pairs)
TRANSFORMS = {
    "grad": lambda f: cr.grad(lambda w: np.sum(f(X, w)))(W),
    "hessian": lambda f: cr.hessian(lambda w: np.sum(f(X, w)))(W),
    "vmap": lambda f: cr.vmap(f, (0, None))(X, W),
    "trace": lambda f: cr.trace(f)(X, W)(X, W),
    "jit": lambda f: cr.jit(f)(X, W),
    "scan": lambda f: cr.scan(lambda h, x: (h + f(x, h), None), W, X)[0],
    "source": lambda f: cr.source(lambda w, X: np.sum(f(X, w)))(W, X),
    "minimize": lambda f: cr.minimize(lambda w, X: np.mean(f(X, w) ** 2), W, X, seed=0)[0],
    "closure": lambda f: cr.grad(lambda w: np.sum(remade(f)(lambda x: f(x, w))(X)))(W),
    "recorded closure": lambda f: cr.trace(lambda w: remade(f)(lambda x: f(x, w))(X))(W)(W),
    "result": lambda f: cr.grad(lambda w: np.sum(remade(f)(lambda x: w)(X)))(W),
}


def remade(f):
    return cr.jit if f is HELPER else lambda inner: inner


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_jitted_helper_is_recorded_by_what_calls_it(name):
    HELPER(X, W)  # compiled before
    transform = TRANSFORMS[name]
    np.testing.assert_array_equal(transform(HELPER), transform(network))


def test_a_jitted_helper_takes_trees_of_tensors():
    OF_PAIRS({"x": X, "w": W})
    gradients = cr.grad(OF_PAIRS)({"x": X, "w": W})
    np.testing.assert_array_equal(gradients["w"], cr.grad(of_pairs)({"x": X, "w": W})["w"])


def test_a_recording_that_reads_an_outer_tensor_says_so():
    def loss(w):
        return np.sum(cr.trace(lambda x: np.tanh(x @ w))(X)(X))

    with pytest.raises(TraceError, match="tensor of the transformation around it"):
        cr.grad(loss)(W)


class Model:
    shift = 1.0

    def __init__(self, w):
        self.w, self.recorded = w, 0

    @cr.jit
    def predict(self, x):
        self.recorded += 1
        return x @ self.w

    @functools.partial(cr.grad, argnums=1)
    def slope(self, w):
        return np.sum(w**2 * self.w)

    @cr.jit
    @functools.partial(cr.value_and_grad, argnums=1)
    def both(self, w):
        return np.sum(w**2 * self.w)

    @cr.vmap
    def each(self, x):
        return x @ self.w

    @cr.trace
    def program(self, x):
        return x @ self.w

    @functools.partial(cr.grad, argnums=2)
    def second(self, x, w):
        return np.sum(x @ w * self.w[0])

    @cr.grad
    def of_itself(self, w):
        return np.sum(w**2)

    @cr.jit
    @staticmethod
    def twice(x):
        return 2 * x

    @staticmethod
    @cr.jit
    def thrice(x):
        return 3 * x

    @cr.jit
    @classmethod
    def shifted(cls, x):
        return x + cls.shift


class Slotted:
    __slots__ = ("w",)

    def __init__(self, w):
        self.w = w

    @cr.jit
    def predict(self, x):
        return x @ self.w


def test_methods_are_bound_to_their_instance():
    one, other = Model(W), Model(2 * W)
    for model in one, other, Slotted(3 * W):
        np.testing.assert_allclose(model.predict(X), X @ model.w)
    np.testing.assert_array_equal(one.slope(X[0]), 2 * X[0] * W)
    np.testing.assert_array_equal(one.both(X[0])[1], 2 * X[0] * W)
    np.testing.assert_allclose(one.each(X), X @ W)
    np.testing.assert_allclose(one.program(X)(X), X @ W)
    np.testing.assert_allclose(one.second(X, W), X.sum(axis=0) * W[0])
    with pytest.raises(DataError, match=r"a parameter is .*Model object.*, expected an array"):
        one.of_itself(W)


def test_static_methods_and_class_methods():
    for of in Model, Model(W):
        np.testing.assert_array_equal(of.twice(X), 2 * X)
        np.testing.assert_array_equal(of.thrice(X), 3 * X)
        np.testing.assert_array_equal(of.shifted(X), X + 1.0)
    assert Model.shifted is Model(W).shifted

    class Special(Model):
        shift = 2.0

    np.testing.assert_array_equal(Special.shifted(X), X + 2.0)


def test_a_method_is_compiled_once_for_an_instance():
    model = Model(W)
    model.predict(X)
    recorded = model.recorded
    model.predict(X)
    assert model.predict is model.predict
    assert model.recorded == recorded


def test_a_copy_of_an_instance_has_methods_of_its_own():
    model = Model(W)
    model.predict(X)
    for copied in copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)):
        copied.w = 2 * W
        np.testing.assert_allclose(copied.predict(X), 2 * (X @ W))


def test_methods_keep_no_instance_alive():
    model = Model(W)
    model.predict(X), model.slope(W)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("argument", ["mean", np.tanh, Model(W), b"mean", ["mean", "sum"]])
@pytest.mark.parametrize("road", [cr.jit, cr.trace, cr.vmap, cr.source])
def test_what_is_no_array_is_fixed_before(road, argument):
    with pytest.raises(
        DataError, match=r"is .*, expected an array.*functools\.partial or a lambda"
    ):
        road(lambda x, mode: np.sum(x))(X, argument)


def test_a_flag_that_is_recorded_is_fixed_before():
    def loss(x, flag):
        return np.sum(x) if flag else np.sum(x**2)

    with pytest.raises(
        TraceError, match=r"A flag that chooses.*functools\.partial\(f, flag=True\)"
    ):
        cr.jit(loss)(X, True)
    assert cr.jit(functools.partial(loss, flag=True))(X) == 15.0


@pytest.mark.parametrize("road", [cr.jit, cr.trace, cr.source, cr.vmap, cr.grad])
def test_what_is_no_function_is_refused(road):
    with pytest.raises(DataError, match="the first argument must be a function, received 5"):
        road(5)


@cr.jit
def scaled(x, scale=1.0, mode="tanh", times=1):
    return np.tile(np.tanh(x), times) * scale if mode == "tanh" else x * scale


def test_arguments_given_by_name():
    plain = inspect.unwrap(scaled)
    for named in (
        {"scale": 2.0}, {"scale": 3.0}, {"scale": W}, {"mode": "line"}, {"times": 2},
        {"mode": "line", "scale": W[0]}, {"times": True}, {"x": X},
    ):  # fmt: skip
        args = () if "x" in named else (X,)
        with case(named):
            np.testing.assert_allclose(scaled(*args, **named), plain(*args, **named))
    with pytest.raises(TypeError, match="unexpected keyword argument 'width'"):
        scaled(X, width=2)


def test_floats_by_name_are_no_constants_of_the_kernel():
    recorded = []

    @cr.jit
    def times(x, factor):
        recorded.append(factor)
        return x * factor

    assert [times(2.0, factor=float(k)) for k in range(5)] == [0, 2, 4, 6, 8]
    once = len(recorded)
    times(2.0, factor=7.5)
    assert len(recorded) == once


def filled_and_called(w):
    a = np.zeros(3)
    a[1] = w[0]
    return np.sum(scaled(a) ** 2) + np.sum(summed([a, w]))


@cr.jit
def summed(parts):
    return np.sum(parts[0] * parts[1])


def test_a_compiled_function_within_a_recorded_one():
    w = np.array([0.4, -1.0, 0.3])
    cases = {
        "argument": lambda w: np.sum(scaled(w)) * 2,
        "by name": lambda w: np.sum(scaled(np.ones(3), scale=w, mode="line")),
        "filled array": filled_and_called,
        "closure": lambda w: np.sum(cr.jit(lambda x: x * w**2)(np.ones(3))),
    }
    for name, f in cases.items():
        with case(name):
            assert_gradients(f, w)
            assert_three_ways(f, w)
            rows = np.stack([w, 2 * w])
            np.testing.assert_allclose(cr.vmap(f)(rows), [f(row) for row in rows])
            np.testing.assert_allclose(cr.jit(cr.grad(f))(w), cr.grad(f)(w))


@pytest.mark.parametrize("road", [cr.trace, cr.source, cr.hvp])
def test_arguments_are_given_by_position(road):
    with pytest.raises(DataError, match=r"give w by position, or fix .* functools\.partial"):
        road(lambda x, w: np.sum(x @ w))(X, w=W)
    assert cr.grad(lambda x, w: np.sum(x @ w))(X, w=W).shape == X.shape


def test_a_result_is_numbers_or_none():
    assert cr.jit(lambda x: None)(X) is None
    for result in "mean", object():
        with pytest.raises(DataError, match=r"the result is .*, expected an array of numbers"):
            cr.jit(lambda x, result=result: result)(X)
