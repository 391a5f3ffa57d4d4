"""ONNX models, judged by onnx's reference implementation and by ONNX Runtime."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from tests.draws import draws
from tests.ops.test_gradients import BINARY, CASES, LIBRARY, REDUCTIONS, UNARY, draw

import chainrule as cr
from chainrule._src.export.onnx.graph import SINGLE
from chainrule._src.ops.random import random_uniform
from chainrule.errors import DataError, ExportError, FileError, MissingDependencyError
from chainrule.onnx import export_onnx, onnx_model

WITHOUT = ("inv", "det", "solve", "cholesky", "slogdet")  # ONNX has no such operations
SAME = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 2e-5}


def evaluator(model):
    """Return a function of data for what both evaluators make of them."""
    names = [value.name for value in model.graph.input]
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1  # threads take time to start
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    reference = ReferenceEvaluator(model)

    def evaluate(*data):
        feed = dict(zip(names, data, strict=True))
        with np.errstate(all="ignore"):
            return [reference.run(None, feed), session.run(None, feed)]

    return evaluate


def run(model, *data):
    """Return what both evaluators make of the data."""
    return evaluator(model)(*data)


def sizes_of(value):
    return [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]


def operations(model):
    return [node.op_type for node in model.graph.node]


def assert_equal(found, wanted, tolerance=None):
    wanted = np.asarray(wanted)
    tolerance = SAME.get(wanted.dtype, 0) if tolerance is None else tolerance
    for one in found:
        assert one.dtype == wanted.dtype
        assert one.shape == wanted.shape
        np.testing.assert_allclose(one, wanted, rtol=tolerance, atol=tolerance)


def assert_exports(f, params, *data, ns=(1, 2, 7)):
    """The model of ``f`` gives what ``f`` gives, for each number of samples that it takes."""
    model = onnx_model(f, params, *data)
    read = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= read
    single = any(node.op_type in SINGLE for node in model.graph.node)
    symbolic = [sizes_of(value)[:1] == ["n"] for value in model.graph.input]
    evaluate = evaluator(model)
    for n in [None, *ns] if any(symbolic) else [None]:
        batch = [
            x[np.arange(n) % len(x)] if n and varies else x
            for x, varies in zip(data, symbolic, strict=True)
        ]
        wanted = f(params, *batch)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for results in zip(*evaluate(*batch), wanted, strict=True):
            assert_equal(results[:2], results[2], 2e-5 if single else None)
    return model


def of_data(f):
    return lambda _, *xs: f(*xs)


@pytest.mark.sampled(quick=50)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(WITHOUT)])
def test_case(name, dtype):
    f, *xs = CASES[name]
    assert_exports(of_data(f), {}, *(x.astype(dtype) for x in xs), ns=(4, 9))


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(WITHOUT)])
def test_what_has_no_form_is_named_with_its_line(name):
    f, *xs = CASES[name]
    with pytest.raises(ExportError, match=r"no form in ONNX, in the line\n +\w+ = np.linalg"):
        onnx_model(of_data(f), {}, *xs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(UNARY))
def test_unary(name, dtype):
    x = draw(np.random.default_rng(0), (5, 2), UNARY[name]).astype(dtype)
    assert_exports(of_data(getattr(np, name)), {}, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(BINARY))
def test_binary_with_broadcasting(name, dtype):
    a, b = (draw(np.random.default_rng(i), s, BINARY[name]) for i, s in enumerate([(5, 3), (3,)]))
    f = getattr(np, name)
    assert_exports(lambda b, a: f(a, b) + f(b + 0.05, a), b.astype(dtype), a.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "f", [*LIBRARY, cr.softmax, cr.functions.logsumexp], ids=lambda f: f.__name__
)
def test_library_functions(f, dtype):
    x = 100 * draw(np.random.default_rng(0), (5, 4))
    assert_exports(of_data(f), {}, x.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("f", [cr.softmax, cr.functions.log_softmax], ids=lambda f: f.__name__)
def test_softmaxes(f, dtype):
    x = 10 * draw(np.random.default_rng(0), (5, 4))  # the reference takes the log of the softmax
    assert_exports(of_data(f), {}, x.astype(dtype))


@pytest.mark.parametrize("name", [*REDUCTIONS, "all", "any", "argmax", "argmin"])
@given(shape=st.lists(st.integers(2, 3), min_size=1, max_size=3).map(tuple), data=st.data())
@draws(5)
def test_reductions(name, shape, data):
    x = draw(np.random.default_rng(data.draw(st.integers(0, 99))), shape)
    one = st.integers(-len(shape), len(shape) - 1)
    some = st.lists(one, min_size=1, unique_by=lambda a: a % len(shape)).map(tuple)
    axis = data.draw(st.none() | one | (one if "arg" in name else some))
    keepdims = data.draw(st.booleans())
    assert_exports(of_data(lambda x: getattr(np, name)(x, axis=axis, keepdims=keepdims)), {}, x)


SPECIAL = np.array([0, -0.0, 1e-9, -1e-9, 1, -1, 2.5, -2.5, 80, -80, np.inf, -np.inf, np.nan])
EXACT = [
    "exp", "expm1", "log1p", "abs", "sign", "floor", "ceil", "rint", "trunc", "isnan", "isinf",
    "isfinite", "sqrt", "square", "tanh", "sinh", "cosh",
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_numbers_at_the_edge(name, dtype):
    x = SPECIAL.astype(dtype)[:, None]
    f = getattr(np, name)
    for found in run(onnx_model(of_data(f), {}, x), x):
        np.testing.assert_allclose(found[0], f(x), rtol=SAME[x.dtype])


@pytest.mark.parametrize(
    "name", ["maximum", "minimum", "fmax", "fmin", "logaddexp", "greater", "less_equal", "equal"]
)
@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_pairs_of_numbers_at_the_edge(name):
    a, b = (x.reshape(-1, 1) for x in np.meshgrid(SPECIAL, SPECIAL))
    assert_equal(*unpacked(onnx_model(of_data(getattr(np, name)), {}, a, b), name, a, b))


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_relu_and_clip_keep_nan():
    x = SPECIAL[:, None]
    for f in (cr.relu, lambda x: np.clip(x, -1, 1)):
        assert_equal([one[0] for one in run(onnx_model(of_data(f), {}, x), x)], f(x))


def unpacked(model, name, *data):
    return [one[0] for one in run(model, *data)], getattr(np, name)(*data)


WHOLE = [np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint32]
OF_WHOLE = {
    "add": lambda x: x + x,
    "multiply": lambda x: x * x,
    "divide": lambda x: (x + 1) / 3,
    "compare": lambda x: (x > 1) & (x <= x) | (x == 0),
    "maximum": lambda x: np.maximum(x, x[::-1]),
    "where": lambda x: np.where(x > 0, x, x[::-1]),
    "abs": np.abs,
    "exp": lambda x: np.exp(x.astype(np.float32)),
    "sums": lambda x: (np.sum(x, axis=1), np.prod(x, axis=1), np.mean(x, axis=1)),
    "largest": lambda x: (np.max(x, axis=1), np.min(x, axis=1), np.argmax(x, axis=1)),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "sort": lambda x: np.argsort(x + np.arange(3) * 10, axis=1),
    "product": lambda x: x @ x[0],
    "moves": lambda x: np.concatenate([np.flip(x, 1), np.tril(x)], axis=1),
    "pad": lambda x: np.pad(x, 1),
    "not": lambda x: ~(x > 0),
    "one_hot": lambda x: cr.one_hot(5, x.astype(np.int64)),
}


@pytest.mark.sampled(quick=30)
@pytest.mark.parametrize("dtype", WHOLE, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("name", list(OF_WHOLE))
def test_whole_numbers_and_truth_values(name, dtype):
    x = np.array([[0, 1, 2], [3, 1, 4], [2, 2, 0]], dtype)
    assert_exports(of_data(OF_WHOLE[name]), {}, x)


@pytest.mark.parametrize("divisor", [3, -3, 2.5, -2.5])
def test_remainders_have_the_divisors_sign(divisor):
    x = np.array([[-7, 7, -6, 6, 0]]).astype(type(divisor))
    assert_exports(of_data(lambda x: (x % divisor, x // divisor)), {}, x)


PICKS = {
    "ranges": lambda x: x[1:, :-1, ::2],
    "backwards": lambda x: x[:, ::-1, 3:0:-2],
    "the last": lambda x: x[-1] + x[:, 0, -2],
    "new axes": lambda x: x[:, None, 1, ..., None],
    "arrays apart": lambda x: x[np.array([0, 1]), :, np.array([2, -1])],
    "arrays beside": lambda x: x[:, np.array([[0], [1]]), None, np.array([2, -1, 0])],
    "array and number": lambda x: x[:, 1, np.array([2, -1])],
    "number and array apart": lambda x: x[0, :, np.array([2, -1])],
    "number, new axis, array": lambda x: x[:, 1, None, np.array([2, 0])],
    "mask": lambda x: x[:, np.array([True, False, True])],
    "mask of two axes": lambda x: x[:, np.eye(3, 4, dtype=bool)],
    "nothing": lambda x: x[:, [], 1:1],
    "all but one": lambda x: x[: len(x) - 1],
    "from the middle": lambda x: x[1 - len(x) :, 1],
    "by the number of samples": lambda x: x[len(x) - 1],
}


@pytest.mark.parametrize("name", list(PICKS))
def test_indices(name):
    x = draw(np.random.default_rng(0), (4, 3, 4)).astype(np.float32)
    assert_exports(of_data(PICKS[name]), {}, x, ns=(2, 7))


def written(index, value):
    """Return a function that writes a value, or the result of a function, into its argument."""

    def f(x):
        y = x * 1
        y[index(x) if callable(index) else index] = value(x) if callable(value) else value
        return y * x

    return f


def filled(x):
    h = np.zeros((len(x), 4, 2), x.dtype)
    for i in range(1, 4):
        h[:, i] = np.tanh(h[:, i - 1] + x[:, 0, i : i + 1])
    h[0, 0, 0] = 5
    return h


WRITTEN = {
    "one entry": written(np.s_[1, 2, 0], 1.5),
    "row": written(np.s_[1], lambda x: x[0, 1]),
    "all": written(np.s_[...], lambda x: x[0]),
    "steps": written(np.s_[:, ::-2, 1:3], lambda x: 2 * x[:, :2, 3:1:-1]),
    "backwards": written(np.s_[::-2], lambda x: x[0, 0]),
    "from the end": written(np.s_[-2:, 1], lambda x: x[:2, 0]),
    "new axis": written(np.s_[:, None, 1], lambda x: x[:, :1]),
    "mask": written(np.s_[:, np.eye(3, 4, dtype=bool)], 0),
    "mask of the array": written(lambda x: x > 0, lambda x: 0),
    "known": written(np.s_[:, [0, 2], 1], 7),
    "known, more axes": written(np.s_[:, [0, 2], 1], lambda x: x[None, :, 1:, 2]),
    "known twice": written(np.s_[:, [1, 0, 1]], lambda x: x[:, :3] * [[1], [2], [3]]),
    "computed": written(lambda x: np.s_[np.arange(len(x)), np.argmax(x[:, :, 0], 1)], 0),
    "computed twice": written(
        lambda x: np.s_[:, (x[0, 0] > 0).astype(int)], lambda x: x[:, :1].transpose(0, 2, 1)
    ),
    "computed and number": written(
        lambda x: np.s_[1, :, np.argmax(x[0], 1)], lambda x: x[0, :, :3]
    ),
    "in a loop": filled,
}


@pytest.mark.parametrize("name", list(WRITTEN))
def test_arrays_that_are_written_into(name):
    x = draw(np.random.default_rng(0), (4, 3, 4))
    f = WRITTEN[name]
    assert_exports(of_data(f), {}, x, ns=(2, 7))
    assert_exports(of_data(cr.grad(lambda x: np.sum(np.sin(f(x))))), {}, x, ns=(2, 7))


def test_entries_that_are_known_to_differ_are_written_at_once():
    x = draw(np.random.default_rng(0), (4, 3, 4))
    nodes = {name: operations(onnx_model(of_data(f), {}, x)) for name, f in WRITTEN.items()}
    assert nodes["in a loop"].count("ScatterElements") == 2
    twice = {"known twice", "computed twice", "computed and number"}
    assert {name for name, ops in nodes.items() if "Where" in ops} == {*twice, "mask of the array"}


OF_N = {
    "reshape": lambda x: x.reshape(len(x) * 2, -1) * 2,
    "rows and columns": lambda x: x.T.reshape(2, len(x), 2) * x[:, :1].reshape(1, -1, 1),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape) + np.broadcast_to(x[0], (3, *x.shape)),
    "counted": lambda x: x[np.arange(len(x)), np.argmax(x, axis=1)],
    "counted from one": lambda x: np.diag(x[:, 0], 1) + 1,
    "identity": lambda x: x @ x.T + np.eye(len(x)) * 0.5,
    "mask of a triangle": lambda x: x @ x.T * np.tri(len(x), k=-1, dtype=np.float32),
    "column of counts": lambda x: x * np.arange(len(x))[:, None],
    "one over n": lambda x: x * (1 / len(x)) + len(x),
    "filled": lambda x: np.concatenate([np.ones((len(x), 1)), x, np.zeros((len(x), 2))], axis=1),
    "filled with n": lambda x: np.stack([np.full(len(x), 1.0 / len(x)), x[:, 0]]),
    "ones like": lambda x: np.concatenate([np.ones_like(x), x]),
    "tile": lambda x: np.tile(x[0], (len(x), 1)) + np.tile(x, (1, 2))[:, :4],
    "repeat": lambda x: np.repeat(x, 2, axis=0) + np.repeat(x, 2, axis=0)[::-1],
    "roll": lambda x: np.roll(x, 3, axis=0) + np.roll(x, -3),
    "flip": lambda x: x[::-1] * np.flip(x),
    "flip from the end": lambda x: x[-1::-1] * x[:, ::-2].sum(axis=1, keepdims=True),
    "no rows": lambda x: x[-3:-3:-1] + x[:, 2:0:-1].sum(),
    "variance": lambda x: (x - x.mean(axis=0)) / np.sqrt(np.var(x, axis=0, ddof=0) + 1e-3),
    "variance of all": lambda x: np.var(x, ddof=0.5) + np.std(x, axis=0, ddof=-1),
    "sort": lambda x: np.sort(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=0),
    "products of samples": lambda x: x @ x.T,
    "stacked": lambda x: np.vstack([x, x[:1]]) + np.concatenate([x[:1], x]),
    "flat": lambda x: np.ravel(x) * 2,
    "pad": lambda x: np.pad(x, ((1, 2), (0, 1)), constant_values=2),
    "einsum": lambda x: np.einsum("ij,kj,k->i", x, x, x[:, 0]),
    "constant": lambda x: (x, np.arange(len(x)), np.full((len(x), 2), 3.0)),
}


@pytest.mark.parametrize("name", list(OF_N))
def test_sizes_follow_the_number_of_samples(name):
    x = draw(np.random.default_rng(0), (5, 4))
    model = assert_exports(of_data(OF_N[name]), {}, x)
    assert sizes_of(model.graph.input[0]) == ["n", 4]


def test_sizes_are_computed_only_where_they_must_be():
    def normalised(_, x):
        h = (x - np.mean(x, axis=1, keepdims=True)).reshape(len(x), 2, 2)
        return np.broadcast_to(h[:, :, :1], h.shape).reshape(len(x), -1)

    model = assert_exports(normalised, {}, draw(np.random.default_rng(0), (5, 4)))
    assert "Shape" not in operations(model)


def test_a_gradient_can_be_exported():
    def loss(params, X, y):
        h = np.tanh(X @ params["W"] + params["b"])
        h = h[:, 2:0:-1] + h[:, None, 0]
        return cr.nll(cr.one_hot(2, y), cr.softmax(h)) + np.sum(params["E"][y] ** 2)

    rng = np.random.default_rng(0)
    params = {"W": rng.normal(size=(3, 4)), "b": np.zeros(4), "E": rng.normal(size=(2, 3))}

    def gradient(params, X, y):
        return tuple(cr.grad(loss)(params, X, y).values())

    assert_exports(gradient, params, rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1]))


ACTIVATIONS = {"relu": cr.relu, "tanh": np.tanh, "sigmoid": cr.sigmoid, "gelu": cr.functions.gelu}


@given(
    widths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    names=st.lists(st.sampled_from(list(ACTIVATIONS)), min_size=3, max_size=3),
    normalises=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 99),
)
@draws(10)
def test_networks(widths, names, normalises, dtype, seed):
    rng = np.random.default_rng(seed)
    params, n_in = {}, 3
    for i, width in enumerate(widths):
        params[f"W_{i}"] = rng.normal(size=(n_in, width)).astype(dtype)
        params[f"b_{i}"], n_in = rng.normal(size=width).astype(dtype), width

    def network(params, X):
        h = X
        for i in range(len(widths)):
            h = ACTIVATIONS[names[i]](h @ params[f"W_{i}"] + params[f"b_{i}"])
        if normalises:
            mean, variance = h.mean(axis=1, keepdims=True), h.var(axis=1, keepdims=True)
            h = (h - mean) / np.sqrt(variance + 1e-2)
        return cr.softmax(h)

    model = assert_exports(network, params, rng.normal(size=(5, 3)).astype(dtype))
    assert [tensor.name for tensor in model.graph.initializer][: len(params)] == list(params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_numbers_are_the_same_bit_for_bit(dtype):
    def noise(params, x, counter):
        return random_uniform(params["seed"], counter, x.shape, dtype)

    x, params = np.ones((5, 3)), {"seed": np.array(-7)}
    model = onnx_model(noise, params, x, np.array(3))
    for n, counter in [(5, 3), (2, 2**32 - 1), (7, 0)]:
        data = x[:1].repeat(n, axis=0), np.array(counter)
        assert_equal([one[0] for one in run(model, *data)], noise(params, *data), 0)


def test_an_embedding():
    def embedded(params, tokens):
        return np.mean(params["E"][tokens], axis=1) @ params["W"]

    rng = np.random.default_rng(0)
    params = {"E": rng.normal(size=(6, 3)), "W": rng.normal(size=(3, 2))}
    model = assert_exports(embedded, params, np.array([[0, 5, 2], [-1, 1, 1]]))
    assert operations(model) == ["Gather", "ReduceMean", "MatMul"]


def layer(params, X):
    z = X @ params["W"] + params["b"]
    return np.tanh(z)


PARAMS = {"W": np.ones((3, 2), np.float32), "b": np.zeros(2, np.float32)}
X = np.ones((4, 3), np.float32)


def test_nodes_are_what_the_code_says_with_its_names():
    model = onnx_model(layer, PARAMS, X)
    assert [(node.op_type, *node.input, *node.output) for node in model.graph.node] == [
        ("MatMul", "X", "W", "t1"), ("Add", "t1", "b", "z"), ("Tanh", "z", "output"),
    ]  # fmt: skip
    assert [tensor.name for tensor in model.graph.initializer] == ["W", "b"]
    assert [value.name for value in model.graph.input] == ["X"]
    assert [(value.name, sizes_of(value)) for value in model.graph.value_info] == [
        ("t1", ["n", 2]), ("z", ["n", 2]),
    ]  # fmt: skip
    assert sizes_of(model.graph.output[0]) == ["n", 2]
    assert model.graph.name == "layer"
    assert model.opset_import[0].version == 18
    assert model.ir_version == 8


def test_names_and_metadata_can_be_chosen():
    model = onnx_model(
        layer, PARAMS, X, name="net", inputs=["W"], outputs=["b"], metadata={"classes": "[0, 1]"}
    )
    assert model.graph.name == "net"
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["W", "b"]
    assert [tensor.name for tensor in model.graph.initializer] == ["W_1", "b_1"]
    assert {p.key: p.value for p in model.metadata_props} == {"classes": "[0, 1]"}
    assert_equal([one[0] for one in run(model, X)], layer(PARAMS, X))


def test_results_are_named_by_their_place():
    def f(params, x):
        doubled = 2 * x
        return {"twice": doubled, "same": x, "both": (x + 1, doubled), "one": np.ones(2)}

    model = onnx_model(f, {}, X)
    assert [value.name for value in model.graph.output] == [
        "doubled", "output_same", "output_both_0", "output_both_1", "output_one",
    ]  # fmt: skip
    for found in run(model, X):
        for one, wanted in zip(found, (2 * X, X, X + 1, 2 * X, np.ones(2)), strict=True):
            assert_equal([one], wanted)


def test_nested_parameters_have_names_of_their_own():
    def two(params, X):
        return X @ params["first"]["W"] @ params["second"]["W"]

    params = {"first": {"W": np.ones((3, 2))}, "second": {"W": np.ones((2, 1))}}
    model = assert_exports(two, params, np.ones((2, 3)))
    assert [tensor.name for tensor in model.graph.initializer] == ["W", "second_W"]


def test_a_function_of_one_argument_takes_it_as_input():
    model = onnx_model(lambda pixels: pixels @ PARAMS["W"], X)
    assert [(value.name, sizes_of(value)) for value in model.graph.input] == [("pixels", ["n", 3])]
    assert_equal([one[0] for one in run(model, X[:2])], X[:2] @ PARAMS["W"])


def test_a_program_is_exported_as_it_stands():
    model = onnx_model(cr.trace(layer)(PARAMS, X))
    assert model.graph.node == onnx_model(layer, PARAMS, X).graph.node
    with pytest.raises(DataError, match="give no examples"):
        onnx_model(cr.trace(layer)(PARAMS, X), PARAMS, X)


def test_what_depends_on_the_number_of_samples_in_another_way_is_fixed():
    model = onnx_model(of_data(lambda x: x * len(x) ** 3), {}, X)
    assert sizes_of(model.graph.input[0]) == [4, 3]


@pytest.mark.thorough  # a large model
def test_a_long_chain():
    def chain(params, x):
        for _ in range(1500):
            x = x * 1.001
        return x

    assert_exports(chain, {}, np.ones((2, 1)))


def test_parameters_that_nothing_uses_are_left_out():
    model = onnx_model(layer, {**PARAMS, "unused": np.ones(3)}, X)
    assert [tensor.name for tensor in model.graph.initializer] == ["W", "b"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": ["x", "y"]}, {"inputs": "X"}, {"inputs": [""]}, {"outputs": []},
        {"outputs": ["X"]}, {"metadata": {"classes": 3}},
    ],
)  # fmt: skip
def test_names_and_metadata_that_do_not_fit(wrong):
    said = r"onnx_model: .*(must be 1 .*name|need other names|must be texts)"
    with pytest.raises(DataError, match=said):
        onnx_model(layer, PARAMS, X, **wrong)


def test_an_index_of_computed_truth_values_is_refused():
    with pytest.raises(ExportError, match="mask of computed values"):
        onnx_model(lambda x: x[x > 0], np.ones(3))


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "layer.onnx"
    export_onnx(layer, path, PARAMS, X)
    assert onnx.load(path) == onnx_model(layer, PARAMS, X)
    before = path.read_bytes()
    with pytest.raises(ExportError):
        export_onnx(np.linalg.inv, path, np.eye(2))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["layer.onnx"]


def test_a_file_that_cannot_be_written_is_refused_first(tmp_path):
    with pytest.raises(FileError, match="make it first"):
        export_onnx(None, tmp_path / "nowhere" / "layer.onnx", PARAMS, X)


def test_the_package_onnx_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'chainrule\[onnx\]'"):
        onnx_model(layer, PARAMS, X)
