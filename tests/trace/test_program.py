"""Programs run, texts and eager code agree; names, shapes and batch sizes are the code's own."""

import builtins
import keyword
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.uber import assert_same, assert_three_ways

import chainrule as cr
from chainrule._src.compile.lower import kernels
from chainrule.errors import ShapeError, TraceError

RNG = np.random.default_rng(0)
PARAMS = {
    "W_h": RNG.normal(size=(6, 5)), "b_h": RNG.normal(size=5),
    "W_o": RNG.normal(size=(5, 3)), "b_o": RNG.normal(size=3),
}  # fmt: skip


def batch(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 6)), rng.integers(0, 3, size=n)


def lab_loss(params, X, y):
    z_h = X @ params["W_h"] + params["b_h"]
    h = cr.sigmoid(z_h)
    z_o = h @ params["W_o"] + params["b_o"]
    return cr.nll(cr.one_hot(3, y), cr.softmax(z_o))


def indexed(params, X, y):
    log_p = cr.functions.log_softmax(np.tanh(X @ params["W_h"]) @ params["W_o"])
    return -np.mean(log_p[np.arange(len(y)), y]) + 0.1 * np.sum(params["W_h"] ** 2)


def counted(params, X, y):
    h = np.maximum(X @ params["W_h"], 0)
    scores = h @ params["W_o"]
    margins = scores - scores[np.arange(X.shape[0]), y].reshape(-1, 1) + 1
    return np.sum(np.where(margins > 0, margins, 0)) / X.shape[0] - np.zeros(len(X)).sum()


@pytest.mark.parametrize("loss", [lab_loss, indexed, counted], ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_three_ways_for_every_batch_size(loss, n):
    others = [(PARAMS, *batch(m)) for m in (1, 2, 5, 32)]
    program = assert_three_ways(loss, PARAMS, *batch(n), others=others)
    assert program.general


def test_the_text_is_what_a_teacher_would_write():
    assert (
        cr.source(lab_loss)(PARAMS, *batch(8))
        == """\
import numpy as np


def value_and_gradients(params, X, y):
    W_h, b_h, W_o, b_o = params["W_h"], params["b_h"], params["W_o"], params["b_o"]
    n = len(X)

    # forward
    z_h = X @ W_h + b_h                                     # (n, 5)
    h = 1 / (1 + np.exp(-z_h))                              # (n, 5)
    z_o = h @ W_o + b_o                                     # (n, 3)
    Y_true = np.eye(3)[y]                                   # (n, 3)
    exp = np.exp(z_o - z_o.max(axis=-1, keepdims=True))
    Y_pred = exp / exp.sum(axis=-1, keepdims=True)          # (n, 3)
    t1 = 1e-08 + Y_pred                                     # (n, 3)
    log_likelihoods = np.sum(Y_true * np.log(t1), axis=-1)  # (n,)
    lab_loss = -np.mean(log_likelihoods)                    # ()

    # backward
    d_Y_pred = -1 / n * Y_true / t1                         # (n, 3)
    t2 = np.sum(d_Y_pred * Y_pred, axis=-1, keepdims=True)  # (n, 1)
    d_z_o = Y_pred * (d_Y_pred - t2)                        # (n, 3)
    d_b_o = np.sum(d_z_o, axis=0)                           # (3,)
    d_h = d_z_o @ W_o.T                                     # (n, 5)
    d_W_o = h.T @ d_z_o                                     # (5, 3)
    d_z_h = d_h * h * (1 - h)                               # (n, 5)
    d_b_h = np.sum(d_z_h, axis=0)                           # (5,)
    d_W_h = X.T @ d_z_h                                     # (6, 5)

    return lab_loss, {"W_h": d_W_h, "b_h": d_b_h, "W_o": d_W_o, "b_o": d_b_o}
"""
    )


def dense(x, W, b):
    z = x @ W + b
    return np.tanh(z)


def test_names_come_from_the_code_and_the_outermost_wins():
    def loss(layers, X):
        first = dense(X, *layers[0])
        second = dense(first, *layers[1])
        return np.mean(second**2)

    layers = [(RNG.normal(size=(6, 5)), np.zeros(5)), (RNG.normal(size=(5, 2)), np.zeros(2))]
    text = cr.source(loss)(layers, batch(4)[0])
    for line in ("first = np.tanh(z)", "z_1 = first @ layers_1_0 + layers_1_1", "d_first = "):
        assert line in text, text
    assert "return loss, [(" in text


def test_no_dead_code_and_common_subexpressions_once():
    def loss(w, x):
        unused = np.exp(w) * 3
        del unused
        return np.sum(np.exp(x * w) + 2 * np.exp(x * w))

    text = cr.source(loss)(np.ones(3), np.ones(3))
    assert text.count("np.exp(") == 1
    assert "* 3" not in text


def test_names_that_python_or_numpy_own_are_left_to_them():
    def loss(n, np_, sum, X):  # noqa: A002
        lambda_ = X @ n + sum
        return np.mean(lambda_**2) * np_

    args = (np.ones(6), np.float64(2.0), np.float64(1.0), batch(4)[0])
    assert_three_ways(loss, *args)


def test_arguments_named_like_what_a_kernel_uses():
    theirs = {*kernels.RESERVED, *dir(builtins)}
    for name in sorted(theirs - {*keyword.kwlist, "__debug__"}):
        space = {}
        exec(f"def loss(w, {name}): return ((w @ {name}) ** 2).sum()", space)
        program = cr.trace(space["loss"])(np.ones(2), np.ones((2, 3)))
        kernel = kernels.function_kernel(program)
        assert not theirs & {buffer.name for buffer in kernel.buffers}, name


def test_a_batch_size_as_an_argument_compiles():
    assert cr.jit(lambda w, n: np.sum(w) * n)(np.ones(2), 3) == 6


def test_arguments_named_like_what_the_text_uses():
    mask = np.array([True, False, True, True])

    def loss(w, len, bool, exp):  # noqa: A002
        return np.mean(len @ w) * np.sum(np.where(mask, bool, 0) * np.exp(exp)) * cr.softmax(exp)[0]

    args = (np.ones(6), batch(5)[0], np.ones(4), np.ones(4))
    assert_three_ways(loss, *args, others=[(args[0], batch(3)[0], *args[2:])])


def test_constants_small_and_large():
    mask, weights = np.array([True, False, True]), np.array([1.0, 2.5, -np.inf])
    assert_three_ways(lambda w: np.sum(np.where(mask, w * w, np.maximum(w, weights))), np.ones(3))
    large = RNG.normal(size=2000)
    with pytest.raises(TraceError, match="make it an argument"):
        cr.source(lambda w: np.sum(w * large))(np.ones(2000))


def test_float32_stays_float32_in_text():
    def loss(w, X):
        return np.mean(np.maximum(X @ w * 0.1, 0) ** 2) / 3

    X = batch(5)[0].astype(np.float32)
    program = assert_three_ways(
        loss, np.ones(6, np.float32), X, others=[(np.ones(6, np.float32), X[:2])]
    )
    assert all(v.dtype == np.float32 for v in program.variables if v.dtype.kind == "f")


def test_a_branch_on_values_is_refused_and_one_on_shapes_kept():
    def branches(w, X):
        return np.sum(w) if np.sum(X) > 0 else np.sum(w * w)

    with pytest.raises(TraceError, match=r"np\.where"):
        cr.source(branches)(np.ones(2), np.ones((3, 2)))

    def shapes(w, X):
        return np.sum(w) if len(X) > 3 else np.sum(w * w)

    program = cr.trace(cr.value_and_grad(shapes))(np.ones(2), np.ones((3, 2)))
    assert not program.general
    assert "for the shapes it was recorded with alone" in cr.source(shapes)(
        np.ones(2), np.ones((3, 2))
    )


def test_a_program_refuses_other_arguments():
    program = cr.trace(cr.value_and_grad(lab_loss))(PARAMS, *batch(4))
    X, y = batch(4)
    with pytest.raises(ShapeError, match="expected 3 arguments"):
        program(PARAMS, X)
    with pytest.raises(ShapeError, match=r"X was recorded with shape \(n, 6\), received \(4, 5\)"):
        program(PARAMS, X[:, :5], y)
    with pytest.raises(ShapeError, match="W_h"):
        program({"W_h": PARAMS["W_h"]}, X, y)


def test_showing_a_program():
    program = cr.trace(cr.value_and_grad(lab_loss))(PARAMS, *batch(4))
    table = str(program)
    assert "d_W_h" in table
    assert "(n, 5)" in table
    gradient = cr.grad(lab_loss)(PARAMS, *batch(4))["W_h"]
    assert f"{gradient.min():.4g} … {gradient.max():.4g}" in table
    assert program._repr_html_().startswith("<table>")
    dot = program.to_dot()
    assert dot.startswith("digraph program {")
    assert dot.count("->") >= len(program.equations)
    assert dot.count("{") == dot.count("}")


def test_a_value_that_is_another_by_name_alone_is_shown():
    program = cr.trace(lambda x: np.sum(cr.stop_gradient(x * 3) * 2))(np.ones(3))
    assert [line.split()[0] for line in str(program).splitlines()[1:4]] == ["x", "t1", "t2"]
    assert "t1" in str(program).splitlines()[3]


UNARY = [
    np.tanh,
    np.sin,
    cr.sigmoid,
    cr.functions.softplus,
    np.square,
    lambda x: -x,
    cr.softmax,
    np.cumsum,
]
BINARY = [np.add, np.subtract, np.multiply, np.maximum, lambda a, b: a / (1 + b * b)]


@st.composite
def random_losses(draw):
    """A random straight program over (n, 4) arrays, then a mean of it."""
    steps = draw(
        st.lists(st.tuples(st.integers(0, 2), *[st.integers(0, 99)] * 3), min_size=1, max_size=12)
    )

    def loss(params, X):
        values = [X @ params["W"], X[:, :4] * params["v"]]
        for kind, which, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            if kind == 0:
                f = UNARY[which % (len(UNARY) - 1)]
                values.append(f(a))
            elif kind == 1:
                values.append(BINARY[which % len(BINARY)](a, b))
            else:
                axis = which % 2
                values.append(a - np.mean(b, axis=axis, keepdims=True))
        return np.mean(sum(values[-3:]) ** 2) + 0.01 * np.sum(params["v"] ** 2)

    return loss


@pytest.mark.thorough  # random programs
@given(loss=random_losses(), n=st.integers(1, 6), m=st.integers(1, 9))
@draws(6)
def test_random_programs_three_ways(loss, n, m):
    params = {"W": RNG.normal(size=(6, 4)), "v": RNG.normal(size=4)}
    assert_three_ways(loss, params, batch(n)[0], others=[(params, batch(m)[0])])


def test_a_program_of_a_program():
    program = cr.trace(lab_loss)(PARAMS, *batch(4))
    assert_same(program(PARAMS, *batch(9)), lab_loss(PARAMS, *batch(9)), rtol=1e-15)


@pytest.mark.parametrize(
    "loss",
    [
        lambda w, X: np.sum(w) * len(X) ** 2,
        lambda w, X: np.sum((X[: len(X) // 2] @ w) ** 2),
        lambda w, X: np.sum(np.var(X @ w) * w),
        lambda w, X: sum(np.sum(x * w) for x in X),
        lambda w, X: np.mean(np.sqrt(len(X)) * (X @ w)),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_what_depends_oddly_on_the_batch_size_never_claims_too_much(loss, n):
    X, w = batch(n)[0], RNG.normal(size=6)
    others = [(w, batch(m)[0]) for m in (2, 3, 7)]
    program = cr.trace(cr.value_and_grad(loss))(w, X)
    assert_three_ways(loss, w, X, others=others if program.general else ())


def test_data_of_another_length_is_held_to_it():
    def loss(w, X, Z):
        return np.mean(X @ w) + np.mean(Z @ w)

    w, X, Z = np.ones(6), batch(5)[0], batch(7)[0]
    assert "assert len(Z) == 7" in cr.source(loss)(w, X, Z)
    assert_three_ways(loss, w, X, Z, others=[(w, batch(3)[0], Z)])


def test_scalar_and_whole_parameters():
    assert_three_ways(lambda a: a**2, 0.5)
    assert_three_ways(lambda p: np.sum(p["w"]) * p["b"], {"w": np.ones(2), "b": 3})


@pytest.mark.parametrize("key", ["b c", "a-b", "W.1", "1x", "class", "", "é'\"", 3, -1])
def test_keys_that_are_no_names(key):
    assert_three_ways(lambda p: np.sum(p[key] ** 2), {key: np.ones(2)})


def test_a_mask_that_depends_on_the_data():
    def loss(w, X, y):
        return np.sum((X @ w)[y > 0])

    w = RNG.normal(size=6)
    assert_three_ways(loss, w, *batch(8), others=[(w, *batch(8, seed)) for seed in range(4)])


def test_slices_and_joins_along_the_samples():
    def neighbours(w, X):
        return np.mean((X[1:] @ w - X[:-1] @ w) ** 2) + np.sum(X[::-1][-1] * w)

    def joined(w, X):
        cubes = np.reshape(X @ np.ones((3, 4)), (-1, 2, 2))
        longer = np.concatenate([X, X * 2]) @ w
        return np.mean(longer) + np.mean(np.cumsum(X @ w)) + np.mean(cubes[:, 1] ** 2) * np.sum(w)

    for loss in (neighbours, joined):
        for n in (2, 3, 6):
            assert_three_ways(loss, RNG.normal(size=3), RNG.normal(size=(n, 3)))


def test_a_value_called_n_beside_an_index_of_the_batch_size():
    def loss(w, X):
        n = np.sum(w)
        return np.mean(X[: len(X) - 1] @ w) * n * n

    assert_three_ways(loss, RNG.normal(size=3), RNG.normal(size=(4, 3)))
    assert "X[:n_1 - 1]" in cr.source(loss)(np.ones(3), np.ones((4, 3)))


def test_functions_that_a_text_calls_are_quoted_above_it():
    def loss(w, X):
        return np.mean(cr.functions.erf(X @ w) + cr.functions.erf(X @ w - 1))

    text = cr.source(loss)(RNG.normal(size=6), batch(4)[0])
    assert text.startswith("import math\n\nimport numpy as np\n\n\ndef erf(x):\n")
    assert text.count("def ") == 2
    assert "Any" not in text


def test_an_argument_with_the_name_of_a_quoted_function_is_refused():
    with pytest.raises(TraceError, match="argument erf has the name"):
        cr.source(lambda erf: np.sum(cr.functions.erf(erf)))(np.ones(3))
    assert_three_ways(lambda p: np.sum(cr.functions.erf(p["erf"])), {"erf": np.ones(3)})


def test_a_program_that_runs_lets_go_of_what_nothing_needs_any_more():
    def longer(X):
        for _ in range(20):
            X = np.sin(X) + 1
        return X

    X = np.zeros((1000, 100))
    program = cr.trace(longer)(X)
    tracemalloc.start()
    try:
        program(X)
        assert tracemalloc.get_traced_memory()[1] < 4 * X.nbytes
    finally:
        tracemalloc.stop()
