"""Convolutions and pooling, written in NumPy as windows, as one node each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.export.onnx.test_model import assert_exports, of_data, operations
from tests.trace.test_windows import convolved, images, padded, pooled

import chainrule as cr

RNG = np.random.default_rng(0)
windows = np.lib.stride_tricks.sliding_window_view


def single(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def attributes(model, op):
    (node,) = (node for node in model.graph.node if node.op_type == op)
    return {a.name: list(a.ints) for a in node.attribute if a.ints}


@given(
    size=st.integers(1, 3), stride=st.integers(1, 3), dilation=st.integers(1, 2),
    pad=st.integers(0, 2), channels=st.integers(1, 3), filters=st.integers(1, 3),
)  # fmt: skip
@draws(10)
def test_convolution_is_one_node(size, stride, dilation, pad, channels, filters):
    x, kernel = single(4, 7, 6, channels), single(size, size, channels, filters)
    model = assert_exports(lambda k, x: convolved(x, k, stride, dilation, pad), kernel, x)
    assert set(operations(model)) == {"Transpose", "Conv"}
    assert attributes(model, "Conv") == {
        "kernel_shape": [size] * 2, "strides": [stride] * 2, "dilations": [dilation] * 2,
        "pads": [pad] * 4,
    }  # fmt: skip


@pytest.mark.parametrize("by", [np.max, np.mean])
@pytest.mark.parametrize(("size", "stride", "pad"), [(2, 2, 0), (3, 2, 1), (3, 1, 0)])
def test_pooling_is_one_node(by, size, stride, pad):
    x = single(4, 7, 6, 2)

    def f(x):
        x = padded(x, pad, -np.inf if by is np.max else 0) if pad else x
        seen = windows(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
        return by(seen, axis=(-2, -1))

    model = assert_exports(of_data(f), {}, x)
    op = "MaxPool" if by is np.max else "AveragePool"
    assert operations(model) == ["Transpose", op, "Transpose"]
    assert attributes(model, op)["pads"] == [pad] * 4


def test_channels_first_needs_no_transposes():
    def f(k, x):
        return np.einsum("nchwij,fcij->nfhw", windows(x, (2, 3), axis=(2, 3)), k)

    model = assert_exports(f, single(5, 2, 2, 3), single(4, 2, 6, 6))
    assert operations(model) == ["Conv"]


def test_a_network_of_convolutions():
    params = {
        "K": single(3, 3, 1, 3), "b": single(3), "W": single(48, 5),
    }  # fmt: skip

    def network(params, X):
        h = pooled(cr.relu(convolved(X, params["K"], pad=1) + params["b"]), 2, 2)
        return cr.softmax(h.reshape(len(h), -1) @ params["W"])

    X, _ = images(5, dtype="f4")
    model = assert_exports(network, params, X)
    assert {"Conv", "MaxPool", "Reshape"} < set(operations(model))
    assert "Gather" not in operations(model)


KERNEL = single(2, 2, 2, 3)
ELSEWHERE = {
    "windows alone": lambda x: windows(x, (2, 3), axis=(1, 2)) * 2,
    "of the samples": lambda x: windows(x, 2, axis=0) * 2,
    "one axis twice": lambda x: windows(x, (2, 2), axis=(1, 1)) * 2,
    "of all axes": lambda x: np.max(windows(x, (1, 2, 2, 1)), axis=(-1, -2)),
    "every channel by itself": lambda x: np.einsum(
        "nhwcij,ijc->nhwc", windows(x, (2, 2), axis=(1, 2)), np.ones((2, 2, 2), "f4")
    ),
    "a kernel that is repeated": lambda x: np.einsum(
        "nhwcij,ijcf->nhwf", windows(x, (2, 2), axis=(1, 2)), x[0, 0, 0, 0] * KERNEL[:, :1]
    ),
    "from the second on": lambda x: np.max(windows(x, (2, 2), axis=(1, 2))[:, 1::2], axis=(4, 5)),
    "up to the last": lambda x: np.max(windows(x, (2, 2), axis=(1, 2))[:, :-1], axis=(4, 5)),
    "not all of a window": lambda x: np.max(
        windows(x, (4, 4), axis=(1, 2))[..., ::2, ::2], axis=(-2, -1)
    ),
    "half of a window": lambda x: np.max(windows(x, (2, 2), axis=(1, 2)), axis=-1),
    "some channels": lambda x: np.max(windows(x, (2, 2), axis=(1, 2))[:, :, :, ::2], axis=(4, 5)),
    "dilated means": lambda x: np.mean(
        windows(x, (3, 3), axis=(1, 2))[..., ::2, ::2], axis=(-2, -1)
    ),
    "smallest": lambda x: np.min(windows(x, (2, 2), axis=(1, 2)), axis=(-2, -1)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ELSEWHERE))
def test_windows_elsewhere_are_gathered(name):
    model = assert_exports(of_data(ELSEWHERE[name]), {}, single(4, 6, 5, 2), ns=(2, 7))
    assert not {"Conv", "MaxPool", "AveragePool"} & set(operations(model))


def test_the_gradient_of_a_convolution():
    def gradients(k, x):
        return cr.grad(lambda k, x: np.sum(np.tanh(convolved(x, k, 2, 2, 1))), (0, 1))(k, x)

    assert_exports(gradients, RNG.normal(size=(3, 2, 2, 3)), RNG.normal(size=(4, 7, 6, 2)))


def test_other_paddings_stay_nodes_of_their_own():
    x = single(4, 6, 5, 2)
    edges = assert_exports(of_data(lambda x: pooled(padded(x, 1, 0.5), 2, 2)), {}, x)
    wide = assert_exports(of_data(lambda x: pooled(padded(x, 2, -np.inf), 2, 2)), {}, x)
    depth = assert_exports(
        of_data(lambda x: pooled(np.pad(x, 1, constant_values=-np.inf), 2, 2)), {}, x
    )
    for model in (edges, wide, depth):
        assert operations(model)[0] == "Pad"


def test_windows_that_are_also_used_otherwise_stay():
    def f(k, x):
        seen = windows(x, (2, 2), axis=(1, 2))
        return np.tensordot(seen, k, axes=((4, 5, 3), (0, 1, 2))), seen

    model = assert_exports(f, single(2, 2, 2, 3), single(4, 5, 5, 2))
    assert {"Conv", "Gather"} < set(operations(model))
