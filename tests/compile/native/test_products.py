"""Products of many matrices: one matrix product for each, where the axes lie so."""

import copy
import re

import numpy as np
import pytest
from tests.interpreter import kernel_gradient
from tests.uber import assert_same

import chainrule as cr
from chainrule._src.compile.running.threads import running

pytestmark = pytest.mark.portable

RNG = np.random.default_rng(0)
N, T, H, K = 6, 12, 3, 9  # samples, steps, heads, numbers in a head
CASES = {
    "scores": ("nqhk,nshk->nhqs", (N, T, H, K), (T + 2, H, K)),
    "values": ("nhqs,nshk->nqhk", (N, H, T, T), (T, H, K)),
    "short heads": ("nqhk,nshk->nhqs", (N, T, H, 4), (T, H, 4)),
    "matrices of samples": ("nab,nbc->nac", (N, 10, 8), (8, 11)),
    "transposed": ("nab,ncb->nca", (N, 10, 8), (11, 8)),
    "the batch last": ("nabz,nbcz->nacz", (N, 10, 8, 2), (8, 11, 2)),
    "a side of two axes": ("nabk,nzk->nabz", (N, 4, 5, 8), (7, 8)),
    "sides apart": ("nhabk,nhzk->nahbz", (N, 2, 4, 5, 8), (2, 7, 8)),
    "two axes summed": ("nabc,nbcd->nad", (N, 8, 4, 5), (4, 5, 8)),
}


def mixed(subscripts):
    def loss(params, X):
        left = np.tanh(X * params["scale"])
        right = X.sum(axis=tuple(range(1, X.ndim)), keepdims=True)
        right = params["right"] * right.reshape(-1, *[1] * (params["right"].ndim))
        return np.mean(np.sin(np.einsum(subscripts, left, right)))

    return loss


def given(name):
    subscripts, left, right = CASES[name]
    params = {"scale": RNG.normal(size=left[1:]), "right": RNG.normal(size=right) / 10}
    return mixed(subscripts), params, RNG.normal(size=left)


@pytest.mark.parametrize("order", [(), (0, 2, 1), (1, 0)])
@pytest.mark.parametrize("name", CASES)
def test_text_and_numpy_agree(name, order):
    loss, params, X = given(name)
    expected = cr.value_and_grad(loss)(params, X)
    value, gradient = kernel_gradient(loss, params, X, order=order)
    assert_same((value, gradient), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", CASES)
def test_machine_code_and_numpy_agree(name, dtype):
    loss, params, X = given(name)
    params, X = {k: v.astype(dtype) for k, v in params.items()}, X.astype(dtype)
    assert f"{'sgemm' if dtype == 'f4' else 'dgemm'}(" in cr.source(loss, "kernel")(params, X)
    one, other = (
        cr.minimize(loss, params, X, batch_size=4, epochs=2, seed=0, engine=engine)[0]
        for engine in ("numpy", "compiled")
    )
    digits = 1e-10 if dtype == "f8" else 1e-4
    assert_same(one, other, rtol=digits, atol=digits)


def test_an_operand_may_serve_all_of_an_axis():
    def loss(params, X):
        return np.mean(np.sin((X[:, np.newaxis] @ params["w"]) @ params["v"]))

    params = {"w": RNG.normal(size=(3, 8, 9)), "v": RNG.normal(size=(1, 9, 8))}
    X = RNG.normal(size=(5, 10, 8))
    value, gradient = kernel_gradient(loss, params, X)
    assert_same((value, gradient), cr.value_and_grad(loss)(params, X), rtol=1e-9, atol=1e-12)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("layers", "shape", "optimizer"),
    [
        ([cr.layers.MultiHeadAttention(num_heads=2, key_dim=16)], (24, 32), "adam"),
        ([cr.layers.Dense(96, "relu"), cr.layers.Dense(200)], (200,), "adam"),
        (
            [cr.layers.Dense(96), cr.layers.Dense(200)],
            (200,),
            cr.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.5),
        ),
        ([cr.layers.Dense(7), cr.layers.Dense(200)], (200,), cr.optimizers.RMSprop(clipnorm=0.5)),
    ],
)
def test_threads_change_no_bit(layers, shape, optimizer):
    X = RNG.normal(size=(64, *shape)).astype("f4")

    def run():
        model = cr.Sequential([copy.deepcopy(layer) for layer in layers], seed=0)
        model.compile(copy.deepcopy(optimizer), "mse", engine="compiled")
        model.fit(X, X, batch_size=32, epochs=2, verbose=0)
        return model.get_weights()

    together = run()
    with running(lambda: None):  # as if another run had the threads
        alone = run()
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_keep_weights_or_sums_by_what_is_less_to_travel():
    def products(batch_size):
        model = cr.Sequential([cr.layers.Input((200,)), cr.layers.Dense(96), cr.layers.Dense(10)])
        model.compile("adam", "mse")
        text = model.source("kernel", batch_size=batch_size)
        return re.findall(r"sgemm\((.*?), share", text)

    few, some, many = (products(n) for n in (32, 128, 256))
    assert few[0] == "0, 0, n, 96, 200, X, dense_kernel, t1, 'columns'"
    assert "1, 0, 200, 96, n, X, d_dense, d_dense_kernel, 'columns'" in few
    assert some[0] == many[0] == "0, 0, n, 96, 200, X, dense_kernel, t1, 'rows'"
    assert "1, 0, 200, 96, n, X, d_dense, d_dense_kernel, 'rows'" in some
    assert "1, 0, 200, 96, n, X, d_dense, d_dense_kernel_parts[part, :, :], 'terms'" in many


def test_names_of_memory_are_nobody_elses():
    def loss(params, x):
        x_at = np.argmax(x @ params["w"], axis=1)
        x_at_at = np.take(params["b"], x_at)
        return np.mean(x_at_at * np.sum(x, axis=1))

    params = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=4)}
    X = RNG.normal(size=(6, 3))
    value, gradient = kernel_gradient(loss, params, X)
    np.testing.assert_allclose(value, loss(params, X), rtol=1e-12)
    np.testing.assert_allclose(gradient["b"], cr.grad(loss)(params, X)["b"], rtol=1e-12)
