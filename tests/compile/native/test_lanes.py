"""Kernels of one sample: every sum has an order of its own, whatever stands around it."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.draws import draws

from chainrule._src.compile.lower.memory import STACK
from chainrule._src.compile.lower.nodes import ONE, ZERO, Buffer, Const, Local
from chainrule._src.compile.lower.statements import Accumulate, Let, Loop, Store
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.modules import modules
from chainrule._src.compile.running.compiling import step_kernel
from chainrule._src.compile.running.engines import Outcome
from chainrule._src.compile.running.steps import make_engine
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.training.minimize import Update
from chainrule._src.trace.batching import vmap
from chainrule.optimizers import SGD


def after(update, params, X):
    """Return the parameters after an update with one sample, compiled."""

    def step(carry, X):
        return 0.0, {"params": update(carry["params"], X)}

    engine = make_engine(step, step, {"params": params}, (X,), 1, "compiled", 1)
    assert engine.name == "compiled"
    engine.run(np.zeros((1, 1), np.int64), 1, Outcome(np.zeros(1)))
    return engine.read("params")


def in_lanes(values):
    """Add up entries as kernels do: entry i to lane i % 16 or i % 4, lanes that are far apart."""
    count = 1 if len(values) < 8 else 4 if len(values) < 32 else 16
    lanes = np.zeros(count, values.dtype)
    for i, value in enumerate(values):
        lanes[i % count] += value
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return lanes[0]


@given(st.integers(1, 300), st.sampled_from([np.float32, np.float64]), st.integers(0, 9))
@example(5, np.float32, 0)
@example(6, np.float32, 1)
@example(7, np.float64, 2)
@draws(12)
def test_the_order_of_a_sum(size, dtype, seed):
    X = np.random.default_rng(seed).normal(size=(1, size)).astype(dtype)
    found = after(lambda total, X: total + np.sum(X), np.zeros((), dtype), X)
    assert found == in_lanes(X[0])


def updated(W, X):
    """Return weights changed by sums over each of their axes, over both, and by a product."""
    centred = W - np.mean(W, axis=0) - np.mean(W, axis=1, keepdims=True)
    return W + (X @ W) * centred / np.sqrt(np.sum(W * W))


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("shape", [(5, 3), (12, 3), (3, 12), (64, 10), (10, 64), (70, 100)])
def test_several_models_have_the_bits_of_each_alone(shape):
    rng = np.random.default_rng(0)
    W, X = (rng.normal(size=s).astype(np.float32) for s in ((7, *shape), (1, shape[0])))
    beside = vmap(updated, in_axes=(-1, None), out_axes=-1)
    together = after(beside, np.stack(W, -1), X)
    for i, own in enumerate(W):
        np.testing.assert_array_equal(together[..., i], after(updated, own, X))


def kernel_of(layers, width, batch_size=1):
    """Return the kernel of a network of equal layers."""
    params = {f"W{i}": np.ones((width, width), np.float32) for i in range(layers)}

    def loss(params, X):
        for W in params.values():
            X = np.tanh(X @ W)
        return np.mean(X**2)

    X, rule = np.ones((3, width), np.float32), SGD()
    carry = {"params": params, "state": map_leaves(np.asarray, rule.init(params))}
    return step_kernel(Update(loss, rule), loss, carry, (X,), batch_size)


def test_small_arrays_of_one_sample_lie_on_the_stack():
    kernel = kernel_of(2, 10)
    assert not [b.name for b in kernel.pointed if b.role == "temporary"]
    assert "= empty((1, 10), float32)" in kernel.text
    assert [b.name for b in kernel_of(2, 10, batch_size=2).pointed if b.role == "temporary"]
    assert [b.name for b in kernel_of(2, 600).pointed if b.role == "temporary"]


@pytest.mark.thorough  # a large kernel
def test_a_deep_network_does_not_fill_the_stack():
    kernel = kernel_of(62, 240)
    local = [math.prod(b.shape) * 4 for b in kernel.buffers if b.role == "local"]
    assert STACK - 1000 < sum(local) <= STACK
    assert [b.name for b in kernel.pointed if b.role == "temporary"]


def test_short_loops_whose_turns_are_apart_become_whole_vectors():
    assert modules(kernel_of(2, 10), host())[0].text.count("!llvm.loop !2") >= 4
    for other in (kernel_of(2, 20), kernel_of(2, 10, batch_size=2)):
        assert all("!llvm.loop !2" not in module.text for module in modules(other, host()))


KIND = np.dtype(np.float32)
K, TOTAL, LEFT = Local("k"), Local("total", KIND), Local("left", KIND)
A, B = (Buffer(name, (10, 10), KIND, (0, 1)) for name in "ab")


@pytest.mark.parametrize(
    ("is_apart", "body"),
    [
        (True, [Store(A.at((ZERO, K)), B.at((ONE, K + 3)))]),
        (True, [Let(TOTAL, B.at((ZERO, K))), Store(A.at((ZERO, K)), TOTAL)]),
        (True, [Accumulate(A.at((ZERO, K)), B.at((ZERO, ZERO)))]),
        (False, [Accumulate(TOTAL, B.at((ZERO, K)))]),
        (False, [Accumulate(A.at((ZERO, ZERO)), B.at((ZERO, K)))]),
        (False, [Store(A.at((ZERO, K)), LEFT), Let(LEFT, B.at((ZERO, K)))]),
        (False, [Store(A.at((K, ZERO)), B.at((ZERO, K)))]),
        (False, [Store(A.at((ZERO, K)), B.at((K, K)))]),
        (False, [Store(A.at((ZERO, K * 2)), B.at((ZERO, K)))]),
    ],
)
def test_turns_are_apart_where_none_needs_another(is_apart, body):
    """LLVM is told of these alone: sums it would add up in another order."""
    assert Loop(K, Const(10), body).is_apart is is_apart
