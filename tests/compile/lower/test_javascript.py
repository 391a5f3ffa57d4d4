"""Programs as JavaScript, run by Node, against the same equations in NumPy."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.lower.node import needs_node, run_in_node
from tests.compile.native.everything import WRITTEN, written, written_back
from tests.draws import draws
from tests.fuzz.grammar import program_of
from tests.trace.test_program import PARAMS, batch, counted, lab_loss, random_losses

import chainrule as cr
from chainrule import layers
from chainrule._src.compile.lower.script import script
from chainrule._src.ops.random import random_uniform
from chainrule._src.trace.passes import expand
from chainrule._src.trace.recurrence.several import Several
from chainrule._src.trace.tracing import Recorder
from chainrule.errors import ChainruleError, CompileError

RNG = np.random.default_rng(0)
pytestmark = needs_node


def recorded(f, *args):
    """Return what a function does for these arguments, composite operations written out."""
    return expand(Recorder(f, args).alone())


def flat(value):
    """Return a value's entries, those of several results one behind the other."""
    parts = value.parts if isinstance(value, Several) else [value]
    return np.concatenate([np.ravel(part).astype(float) for part in parts])


def assert_javascript(f, *args):
    """Every value of a function is the same in JavaScript."""
    with np.errstate(all="ignore"):
        program = recorded(f, *args)
        variables = list(program.variables)
        wanted = replace(program, result=variables)(*args)
    names = {v: f"x{i}" for i, v in enumerate(variables)}
    values = dict(zip(variables, map(flat, wanted), strict=True))
    inputs = {names[v]: values[v] for v in program.inputs}
    found = run_in_node(script(program, names), inputs)
    has_float32 = any(v.dtype == np.float32 for v in variables)
    digits = {"rtol": 1e-4, "atol": 1e-5} if has_float32 else {"rtol": 1e-12, "atol": 1e-12}
    for variable, value in values.items():
        name = names[variable]
        np.testing.assert_allclose(found[name], value, err_msg=str(variable), **digits)


@pytest.mark.parametrize("loss", [lab_loss, counted], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [1, 3])
def test_a_loss_and_its_gradient(loss, n):
    assert_javascript(cr.value_and_grad(loss), PARAMS, *batch(n))


MODELS = {
    "dense": ([layers.Dense(7, activation="relu"), layers.Dense(3, activation="softmax")], (6,)),
    "conv": (
        [layers.Conv2D(4, 3, activation="gelu", padding="same"), layers.MaxPooling2D(),
         layers.Flatten(), layers.BatchNormalization(), layers.Dense(3, activation="softmax")],
        (6, 6, 2),
    ),
    "lstm": ([layers.LSTM(5), layers.Dense(3, activation="softmax")], (4, 3)),
    "dropout": ([layers.Dropout(0.5), layers.Dense(3, activation="softmax")], (6,)),
}  # fmt: skip


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("n", [1, 8])
def test_networks(kind, n):
    stack, shape = MODELS[kind]
    model = cr.Sequential(stack)
    model.compile("sgd", "sparse_categorical_crossentropy")
    X, y = RNG.normal(size=(n, *shape)), RNG.integers(0, 3, size=n)
    model.fit(X, y, epochs=1, verbose=0)
    params = {name: w.astype(float) for name, w in model.network.params.items()}
    objective = model.objective
    assert_javascript(cr.value_and_grad(objective.plain_loss()), params, X, y, *objective.states())


@given(loss=random_losses(), n=st.integers(1, 4))
@draws(8)
def test_random_programs(loss, n):
    params = {"W": RNG.normal(size=(6, 4)), "v": RNG.normal(size=4)}
    assert_javascript(cr.value_and_grad(loss), params, batch(n)[0])


def test_arrays_that_are_written_into():
    x, index, w = (np.asarray(a, "i8" if a.dtype.kind == "i" else "f8") for a in WRITTEN)
    assert_javascript(written, x, index, w)
    assert_javascript(written_back, x, index, w)


def test_programs_of_the_grammar():
    ran = 0
    for seed in range(16):
        program = program_of(seed)
        arguments = program.arguments(program.n, None if seed % 4 == 0 else "float64")
        try:
            assert_javascript(cr.value_and_grad(program.function()), *arguments)
        except ChainruleError:  # what runs in NumPy alone, or has no gradient
            continue
        ran += 1
    assert ran > 8


REAL = np.array([-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 7.25, -7.75, np.inf, -np.inf, np.nan])
WHOLE = np.array([-7, -2, -1, 0, 1, 2, 3, 5, 100])
POSITIVE = np.arange(9) % 5 + 1


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.rint(x) + np.sign(x) - np.trunc(x), lambda x: np.mod(0 * x, -3),
        lambda x: np.isfinite(x) & ~np.isnan(x) | np.isinf(x), lambda x: x % 2 + x // 0.75,
        lambda x: np.logaddexp(x, x[::-1]), lambda x: 1.0 ** x + (-1.0) ** x + x ** 3 + abs(x) ** x,
        lambda x: np.exp2(x) + np.expm1(x) + cr.functions.erf(x),
        lambda x: np.fmax(x, 1) - np.minimum(x, 1),
        lambda x: np.where(x > 0, x, -x) * (x > 1), lambda x: np.logical_xor(x > 0, x < 1),
        lambda x: np.hypot(x, 2) + np.arctan2(x, x[::-1]) + np.cbrt(x), lambda x: 1 / (x * 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_real_numbers(f, dtype):
    with np.errstate(all="ignore"):
        assert_javascript(f, REAL.astype(dtype))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x // y + x % y, lambda x, y: x // -y + x % -y, lambda x, y: y**3 - x * y,
        lambda x, y: (x & y) + (x | y) - (x ^ y), lambda x, y: ~x + abs(x) + np.sign(x),
        lambda x, y: 1.0 / np.where(x > 0, -(x * 0), 0 * x), lambda x, y: (x > y) + (x == y),
        lambda x, y: (x * 1.75).astype(x.dtype) + (y > 2).astype(x.dtype), lambda x, y: x / y,
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "uint32"])
def test_whole_numbers(f, dtype):
    x = WHOLE if dtype[0] == "i" else np.abs(WHOLE)
    with np.errstate(all="ignore"):
        assert_javascript(f, x.astype(dtype), POSITIVE.astype(dtype))


@pytest.mark.parametrize("dtype", ["int32", "int8", "uint8", "uint32"])
def test_whole_numbers_go_round(dtype):
    info = np.iinfo(dtype)
    x = np.array([info.max, info.min, info.max // 3, 3], dtype)
    with np.errstate(over="ignore"):
        assert_javascript(lambda x: x * x + x - (x ^ x[::-1]), x)


def test_random_numbers_are_numpys():
    assert_javascript(lambda counter: random_uniform(3, counter, (5, 4)), np.array([7])[0])


def test_matrix_products_however_they_lie():
    A, B = RNG.normal(size=(2, 12, 9)), RNG.normal(size=(2, 9, 14))
    assert_javascript(lambda A, B: A @ B, A, B)
    assert_javascript(lambda A, B: np.swapaxes(B, 1, 2) @ np.swapaxes(A, 1, 2), A, B)
    assert_javascript(lambda A, B: np.einsum("zab,zbc->ac", A, B), A, B)


def test_an_index_out_of_range_is_told():
    program = recorded(lambda W, y: W[y], np.ones((3, 2)), np.array([0, 2]))
    names = dict(zip(program.variables, ["W", "y", "picked"], strict=True))
    text = script(program, names)
    assert run_in_node(text, {"W": np.arange(6), "y": [0, -1]})["picked"].tolist() == [0, 1, 4, 5]
    with pytest.raises(RuntimeError, match="RangeError: getitem: an index is out of range for an"):
        run_in_node(text, {"W": np.arange(6), "y": [0, 3]})


@pytest.mark.parametrize("name", ["new", "v", "out", "fault", "Math", "undefined", "tür", "exp"])
def test_names_that_javascript_uses_itself(name):
    program = recorded(lambda x: np.sum(np.exp(x) * 0.3), np.ones(2))
    names = dict(zip(program.variables, [name, f"{name}_1", "i", "t"], strict=True))
    assert run_in_node(script(program, names), {name: [1, 1]})["t"] == pytest.approx(0.6 * np.e)


def test_rows_are_sorted_and_equations_solved():
    a = RNG.normal(size=(3, 3)) + 3 * np.eye(3)

    def f(a, b, x):
        solved = np.linalg.solve(a, b), np.linalg.inv(a), np.linalg.cholesky(a @ a.T)
        return solved, np.sort(x, axis=0), np.argsort(x), np.argsort(x.astype(np.float32), axis=0)

    assert_javascript(f, a, RNG.normal(size=(3, 2)), RNG.integers(0, 3, (7, 4)).astype(float))


def test_what_runs_in_numpy_alone_is_refused():
    program = recorded(np.linalg.det, np.eye(2))
    with pytest.raises(CompileError, match="det runs in NumPy alone"):
        script(program, {v: f"x{i}" for i, v in enumerate(program.variables)})
