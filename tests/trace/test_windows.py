"""Convolution and pooling as plain NumPy: right, for every batch size, and fast."""

import numpy as np
import pytest
from tests.uber import assert_same, assert_three_ways

import chainrule as cr
from chainrule._src.compile.running.threads import running
from chainrule.errors import TraceError

RNG = np.random.default_rng(0)
windows = np.lib.stride_tricks.sliding_window_view


def padded(x, pad, number=0.0):
    return np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), constant_values=number)


def convolved(x, kernel, stride=1, dilation=1, pad=0):
    sizes = tuple(dilation * (size - 1) + 1 for size in kernel.shape[:2])
    seen = windows(padded(x, pad) if pad else x, sizes, axis=(1, 2))
    seen = seen[:, ::stride, ::stride, :, ::dilation, ::dilation]
    return np.tensordot(seen, kernel, axes=((4, 5, 3), (0, 1, 2)))


def pooled(x, size, stride, pad=0, by=np.max):
    x = padded(x, pad, -np.inf) if pad else x
    return by(windows(x, (size, size), axis=(1, 2))[:, ::stride, ::stride], axis=(-2, -1))


def net(params, X, y):
    h = cr.relu(convolved(X, params["K1"], pad=1) + params["b1"])
    h = pooled(h, 2, 2)
    h = np.tanh(convolved(h, params["K2"], stride=2) + params["b2"])
    z = h.reshape(len(h), -1) @ params["W"]
    return -np.mean(cr.functions.log_softmax(z)[np.arange(len(y)), y])


def made(filters=(3, 4), channels=1, dtype="f8"):
    shapes = {
        "K1": (3, 3, channels, filters[0]), "b1": filters[:1], "K2": (2, 2, *filters),
        "b2": filters[1:], "W": (4 * filters[1], 5),
    }  # fmt: skip
    return {name: RNG.normal(size=shape).astype(dtype) / 2 for name, shape in shapes.items()}


def images(n, channels=1, dtype="f8"):
    return RNG.normal(size=(n, 8, 8, channels)).astype(dtype), RNG.integers(0, 5, n)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(("n", "filters"), [
    (1, (3, 4)), (2, (3, 4)), (1, (16, 17)), (17, (16, 17)),
])  # fmt: skip
def test_a_network_three_ways(n, filters):
    program = assert_three_ways(
        net, made(filters), *images(n), others=[(made(filters), *images(3))]
    )
    assert program.general


STEPS = {
    "einsum": lambda x, K: np.einsum("nhwcij,ijcf->nhwf", windows(x, (3, 3), axis=(1, 2)), K),
    "filters first": lambda x, K: np.einsum(
        "nhwcij,ijcf->nfhw", windows(x, (3, 3), axis=(1, 2)), K
    ),
    "depthwise": lambda x, K: np.einsum("nhwcij,ijcf->nhwc", windows(x, (3, 3), axis=(1, 2)), K),
    "dilated": lambda x, K: convolved(x, K, dilation=2, pad=2),
    "strided": lambda x, K: convolved(x, K, stride=2, pad=1),
    "whole image": lambda x, K: convolved(x[:, :3, :3], K),
    "average": lambda x, K: pooled(convolved(x, K), 3, 2, by=np.mean),
    "overlapping maxima": lambda x, K: pooled(convolved(x, K), 3, 1, pad=1),
    "windows of what is computed": lambda x, K: np.sum(windows(np.tanh(x), (2, 2), axis=(1, 2)))
    * K,
}  # fmt: skip


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("name", list(STEPS))
@pytest.mark.parametrize("filters", [2, 16])
def test_combinations_three_ways(name, filters):
    def loss(K, X):
        return np.mean(np.sin(STEPS[name](X * np.mean(K), K)))

    K = RNG.normal(size=(3, 3, 2, filters))
    first, *others = ((K, images(n, 2)[0][:, 1:, 1:]) for n in (3, 16, 5))
    assert_three_ways(loss, *first, others=others)


def test_windows_along_the_samples():
    def loss(k, X):
        return np.sum(np.sin(windows(X[:, 0], 3, axis=0) @ k))

    k = RNG.normal(size=3)
    for n in (4, 30):
        program = assert_three_ways(
            loss, k, RNG.normal(size=(n, 2)), others=[(k, RNG.normal(size=(6, 2)))]
        )
        assert program.general


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(("filters", "dtype"), [((3, 4), "f8"), ((16, 32), "f4")])
def test_machine_code_and_numpy_agree(filters, dtype):
    params, (X, y) = made(filters, dtype=dtype), images(50, dtype=dtype)
    one, other = (
        cr.minimize(net, params, X, y, batch_size=16, epochs=2, seed=0, engine=engine)[0]
        for engine in ("numpy", "compiled")
    )
    digits = 1e-10 if dtype == "f8" else 1e-4
    assert_same(one, other, rtol=digits, atol=digits)


def test_threads_change_no_bit():
    params, (X, y) = made((16, 32), dtype="f4"), images(96, dtype="f4")

    def run():
        return cr.minimize(net, params, X, y, batch_size=48, epochs=3, seed=0, engine="compiled")[0]

    together = run()
    with running(lambda: None):  # as if another run had the threads
        alone = run()
    for key, value in together.items():
        np.testing.assert_array_equal(value, alone[key])
        assert not np.array_equal(value, params[key])


def test_products_reach_blas_and_what_is_scattered_twice_is_never_made():
    text = cr.source(net, "kernel")(made((16, 16), dtype="f4"), *images(32, dtype="f4"))
    assert text.count("sgemm(") == 8  # three products forward, five backward
    assert "(n, 7, 7, 16, 2, 2)" not in text  # windows of the pooling, at every place
    assert text.count("carray(w_") + text.count("carray(seen") == 2  # the rows of two matrices


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (4, 4), (2, 4), (3, 2), (1, 3), (2, 1)])
def test_windows_that_cover_all_or_leave_gaps_or_meet(size, stride):
    def loss(w, X):
        h = np.tanh(X * w)
        return np.sum(windows(h, size, axis=1)[:, ::stride] ** 3) / len(X)

    w, X = RNG.normal(size=8), RNG.normal(size=(5, 8))
    np.testing.assert_allclose(cr.jit(cr.grad(loss))(w, X), cr.grad(loss)(w, X), rtol=1e-12)
    begins_at_zero = "d_h[i, j] = 0.0" in cr.source(loss, "kernel", batch_size=5)(w, X)
    assert begins_at_zero == (size != stride)  # what covers all is stored


def test_what_numpy_refuses():
    with pytest.raises(ValueError, match="window_shape"):
        cr.grad(lambda x: np.sum(windows(x, (2, 2), axis=0)))(np.ones((3, 3)))
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        cr.grad(lambda x: np.sum(windows(x, 2, axis=2)))(np.ones((3, 3)))
    with pytest.raises(TraceError, match="writeable"):
        cr.grad(lambda x: np.sum(windows(x, 2, writeable=True)))(np.ones(3))
