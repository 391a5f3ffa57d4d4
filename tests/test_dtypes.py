"""Arrays of every dtype, and of none or few rows, on every road: NumPy's numbers or a sentence."""

import functools
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, CompileError, DataError, TraceError
from tests.cases import case

NUMBERS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g"]
SWAPPED = [np.dtype(name).newbyteorder("S") for name in NUMBERS if np.dtype(name).itemsize > 1]
OTHERS = ["c8", "c16", "O", "U3", "S3", "M8[s]", "m8[s]", "V4", [("a", "f8")]]
OTHERS += [np.dtype(name).newbyteorder("S") for name in ("c8", "U3", "M8[s]", "m8[s]")]
CELLS = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
W, TARGETS = np.array([0.5, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 1.0])


def loss(w, x):
    return np.sum(np.tanh(x * w))


def of_text(x):
    scope = {}
    exec(str(cr.source(loss)(W, x)), scope)
    return scope["value_and_gradients"](W, x)


def of_minimize(w, X):
    return np.mean((X * w - 1.0) ** 2)


def minimized(x, engine, params=W):
    return cr.minimize(of_minimize, params, x, batch_size=2, epochs=2, seed=0, engine=engine)[0]


def fitted(x):
    model = cr.Sequential([cr.layers.Dense(2)], seed=0)
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, np.ones((len(x), 2)), batch_size=2, verbose=0)
    return model.predict(x)


def regressed(x):
    return (
        cr.estimators.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
        .fit(x, TARGETS)
        .predict(x)
    )


# Each with what NumPy does, or itself on numbers in the machine's order.
ROADS = {
    "grad": lambda x: cr.value_and_grad(loss)(W, x),
    "differentiated": lambda x: cr.grad(lambda v: loss(W, v))(x),
    "closure": lambda x: cr.value_and_grad(lambda w: loss(w, x))(W),
    "trace": lambda x: cr.trace(loss)(W, x)(W, x),
    "recorded closure": lambda x: cr.trace(lambda w: loss(w, x))(W)(W),
    "text": of_text,
    "jit": lambda x: cr.jit(loss)(W, x),
    "moved": lambda x: cr.jit(np.transpose)(x),
    "taken": lambda x: cr.jit(lambda i: np.take_along_axis(x, i, axis=0))(CELLS),
    "index": lambda x: cr.jit(lambda w: w[x[0]])(W),
    "jitted gradient": lambda x: cr.jit(cr.value_and_grad(loss))(W, x),
    "compiled closure": lambda x: cr.jit(lambda w: loss(w, x))(W),
    "vmap": lambda x: cr.vmap(functools.partial(loss, W))(x),
    "scan": lambda x: cr.scan(lambda c, row: (c + loss(W, row), None), np.float64(0), x)[0],
    "minimize": functools.partial(minimized, engine="numpy"),
    "compiled": functools.partial(minimized, engine="compiled"),
    "parameters": lambda x: minimized(CELLS, "numpy", x[:1]),
    "compiled parameters": lambda x: minimized(CELLS, "compiled", x[:1]),
    "Sequential": fitted,
    "estimator": regressed,
    "sigmoid": cr.sigmoid,
    "softmax": cr.softmax,
    "Tensor": lambda x: cr.Tensor(x).value,
}


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("name", ROADS)
def test_the_byte_order_makes_no_difference(name):
    for dtype in SWAPPED:
        expected, refused = of_numbers(name, dtype.newbyteorder("="))
        result, error = outcome(ROADS[name], CELLS.astype(dtype))
        with case(dtype):
            assert type(error) is type(refused)
            if error is None:
                if name == "estimator":  # scikit-learn takes float32 in another order as float64
                    np.testing.assert_allclose(result, expected, rtol=1e-5)
                else:
                    np.testing.assert_equal(result, expected)
                assert getattr(result, "dtype", np.dtype(float)).isnative


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("name", ROADS)
def test_numbers_are_taken_and_the_rest_is_refused_with_a_sentence(name):
    for dtype in map(np.dtype, [*NUMBERS, *OTHERS]):
        with case(dtype):
            assert_taken_or_refused(name, dtype, *of_numbers(name, dtype))


def assert_taken_or_refused(name, dtype, result, error):
    if error is None:
        assert np.result_type(*leaves_of(result)).kind in "fiub"
    elif name == "estimator":  # which speaks as scikit-learn does
        assert isinstance(error, ValueError)
    elif name == "index" and not isinstance(error, ChainruleError):
        assert type(error) is type(outcome(lambda x: W[x[0]], cells(dtype))[1])
    else:
        assert isinstance(error, DataError | TraceError | CompileError)
        assert isinstance(error, CompileError) or dtype.kind not in "fiub" or "dtype" in str(error)
        assert len(str(error)) > 60


@functools.cache
def of_numbers(name, dtype):
    """Return the outcome of a road for cells of a dtype, which more than one test asks for."""
    return outcome(ROADS[name], cells(dtype))


def cells(dtype):
    return np.zeros(CELLS.shape, dtype) if dtype.kind in "V" else CELLS.astype("i8").astype(dtype)


def leaves_of(result):
    return result if isinstance(result, tuple) else (result,)


def outcome(road, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return road(x), None
        except Exception as error:
            return None, error


EMPTY = [(0,), (0, 3), (3, 0), (0, 0), (0, 2, 3)]
FUNCTIONS = {
    "sum": lambda x: np.sum(np.tanh(x * 2)), "mean": np.mean, "along": lambda x: np.mean(x, axis=0),
    "max": np.max, "last": lambda x: np.max(x, axis=-1), "var": np.var, "std": np.std,
    "prod": np.prod, "argmax": np.argmax, "transpose": np.transpose, "cumsum": np.cumsum,
    "product": lambda x: x @ x.T, "softmax": cr.softmax, "relu": cr.relu, "square": np.square,
    "join": lambda x: np.concatenate([x, x]), "norm": np.linalg.norm, "ptp": np.ptp,
    "where": lambda x: np.where(x > 0, x, 1.0), "outer": lambda x: np.outer(x, x),
    "first": lambda x: x[0], "loop": lambda x: sum(np.sum(row) for row in x),
    "repeat": lambda x: np.repeat(x, 2), "einsum": lambda x: np.einsum("...i->...", x),
    "pad": lambda x: np.pad(x, 1), "difference": np.diff, "mask": lambda x: x[x > 0],
    "stack": lambda x: np.stack([x, x]), "average": np.average, "median": np.median,
    "length": lambda x: np.sum(x) / len(x), "share": lambda x: np.sum(x) * (1 / len(x)),
    "power": lambda x: np.sum(x) * len(x) ** -0.5, "half": lambda x: x[len(x) // 2 :],
}  # fmt: skip
ROADS_OF_NONE = {
    "trace": lambda f, *args: cr.trace(f)(*args)(*args),
    "recorded with rows": lambda f, w, x: cr.trace(f)(w, rows_like(x))(w, x),
    "jit": lambda f, *args: cr.jit(f)(*args),
    "jit after rows": lambda f, w, x: after_rows(cr.jit(f), w, x),
}


def rows_like(x, rows=4):
    return np.ones((rows, *x.shape[1:]))


def after_rows(f, w, x):
    for rows in (5, 4, 3):
        outcome(functools.partial(f, w), rows_like(x, rows))
    return f(w, x)


def functions_of(f):
    yield lambda w, x: f(w * x)
    yield cr.grad(lambda w, x: np.sum(f(w * x)))


# What is compiled for rows depends on how many axes there are, and on which one is empty.
NONE = [(shape, name) for name in ROADS_OF_NONE for shape in EMPTY if name != "jit after rows"]
NONE += [(shape, "jit after rows") for shape in [(0,), (0, 3), (3, 0)]]


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize(("shape", "name"), NONE, ids=str)
def test_empty_arrays_give_what_numpy_gives_or_a_sentence(name, shape):
    x, road = np.zeros(shape), ROADS_OF_NONE[name]
    for called, f in FUNCTIONS.items():
        # Kernels of the functions themselves, for rows, are run with a single empty shape.
        of_gradients = name == "jit after rows" and shape != (0, 3)
        for function in list(functions_of(f))[of_gradients:]:
            expected, refused = outcome(functools.partial(function, 1.0), x)
            result, error = outcome(functools.partial(road, function, 1.0), x)
            if error is None:
                np.testing.assert_equal(result, expected, err_msg=called)
            elif not isinstance(error, ChainruleError):
                assert type(error) is type(refused), called


X = np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7], [-0.2, 0.9, 0.1], [0.8, -0.6, -1.1]] * 8)
LABELS = X[:, 0] > 0.6
BOTH = np.stack([LABELS, ~LABELS], axis=1)
TARGET_LOSSES = {
    "sparse_categorical_crossentropy": ("softmax", 2, LABELS),
    "categorical_crossentropy": ("softmax", 2, BOTH),
    "binary_crossentropy": ("sigmoid", 1, LABELS), "mse": ("linear", 1, LABELS[:, np.newaxis]),
    "hinge": ("tanh", 1, LABELS), "categorical_hinge": ("softmax", 2, BOTH),
}  # fmt: skip


def of_labels(name, y, engine):
    if name == "minimize":
        return cr.minimize(
            lambda w, X, y: cr.nll(cr.one_hot(2, y), cr.softmax(X @ w)),
            np.ones((3, 2)), X, y, batch_size=8, epochs=2, seed=0, engine=engine,
        )[0]  # fmt: skip
    if name in ("MLPClassifier", "MLPRegressor"):
        kind = getattr(cr.estimators, name)
        model = kind(hidden_layer_sizes=(3,), max_iter=3, random_state=0, engine=engine)
        return model.fit(X, y).coefs_[0]
    activation, units, _ = TARGET_LOSSES[name]
    model = cr.Sequential([cr.layers.Dense(units, activation=activation)], seed=0)
    model.compile("sgd", loss=name, metrics=["accuracy"], jit_compile=engine == "compiled")
    model.fit(X, y, batch_size=8, epochs=2, verbose=0)
    return [*model.get_weights(), model.evaluate(X, y, verbose=0)]


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("name", ["minimize", "MLPClassifier", "MLPRegressor", *TARGET_LOSSES])
def test_labels_may_be_booleans(name, engine):
    y = TARGET_LOSSES[name][2] if name in TARGET_LOSSES else LABELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole, truth = of_labels(name, y.astype(int), engine), of_labels(name, y, engine)
    np.testing.assert_equal(truth, whole)


@pytest.mark.parametrize("y", [np.zeros(3, bool), np.ones(3, bool), LABELS], ids=str)
@pytest.mark.parametrize("f", [np.max, np.min, np.any, np.all, np.sum, np.mean, np.prod, np.abs])
def test_truth_values_are_compiled(f, y):
    result, expected = cr.jit(f)(y), f(y)
    np.testing.assert_equal(result, expected)
    assert result.dtype == expected.dtype


def test_positions_may_be_booleans_where_numpy_takes_them():
    x, positions = np.array([3.0, 4.0]), np.array([True, False, True])
    expected = np.take(x, positions)
    np.testing.assert_array_equal(np.take(cr.Tensor(x), positions).value, expected)
    np.testing.assert_array_equal(cr.jit(np.take)(x, positions), expected)
    np.testing.assert_array_equal(cr.one_hot(2, positions), np.eye(2)[positions.astype(int)])
    with pytest.raises(IndexError, match="must be an integer array"):
        np.take_along_axis(cr.Tensor(x), positions[:2], axis=0)


@pytest.mark.parametrize("name", sorted(ROADS.keys() - {"estimator", "index"}))
@pytest.mark.parametrize(("kind", "advice"), [
    (lambda x: np.ma.masked_array(x, mask=x > 0), r"with \.filled\(value\)"),
    (np.matrix, r"numpy matrix, expected an array; make one of it with \.A"),
], ids=["masked", "matrix"])  # fmt: skip
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_arrays_that_mean_something_else_are_refused(name, kind, advice):
    with pytest.raises((DataError, TraceError), match=advice):
        ROADS[name](kind(CELLS.astype(float)))
