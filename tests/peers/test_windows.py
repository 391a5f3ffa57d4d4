"""Convolution and pooling written in NumPy, with PyTorch as the judge."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trace.test_windows import convolved, pooled

import chainrule as cr


def channels_first(x):
    return torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)


@given(
    size=st.integers(1, 3), stride=st.integers(1, 3), dilation=st.integers(1, 2),
    pad=st.integers(0, 2), channels=st.sampled_from([1, 3, 17]), filters=st.sampled_from([1, 16]),
)  # fmt: skip
@settings(max_examples=25)
def test_convolution_against_pytorch(size, stride, dilation, pad, channels, filters):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 6, channels))
    kernel = rng.normal(size=(size, size, channels, filters))
    theirs, weights = channels_first(x), torch.tensor(kernel.transpose(3, 2, 0, 1).copy())
    weights.requires_grad = True
    expected = torch.nn.functional.conv2d(
        theirs, weights, stride=stride, dilation=dilation, padding=pad
    )
    value, back = cr.vjp(lambda x, k: convolved(x, k, stride, dilation, pad), x, kernel)
    np.testing.assert_allclose(
        value, expected.detach().numpy().transpose(0, 2, 3, 1), rtol=1e-10, atol=1e-10
    )
    g = rng.normal(size=value.shape)
    expected.backward(torch.tensor(g.transpose(0, 3, 1, 2).copy()))
    d_x, d_kernel = back(g)
    for got, wanted in (
        (d_x, theirs.grad.numpy().transpose(0, 2, 3, 1)),
        (d_kernel, weights.grad.numpy().transpose(2, 3, 1, 0)),
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("size", "stride", "pad"), [(2, 2, 0), (3, 2, 1), (2, 1, 0), (3, 3, 1)])
def test_pooling_against_pytorch(size, stride, pad):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 6, 3))
    theirs = channels_first(x)
    expected = torch.nn.functional.max_pool2d(theirs, size, stride, pad)
    value, back = cr.vjp(lambda x: pooled(x, size, stride, pad), x)
    np.testing.assert_array_equal(value, expected.detach().numpy().transpose(0, 2, 3, 1))
    g = rng.normal(size=value.shape)
    expected.backward(torch.tensor(g.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(back(g)[0], theirs.grad.numpy().transpose(0, 2, 3, 1), rtol=1e-12)
