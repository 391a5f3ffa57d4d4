"""A kernel as modules: nests of loops that do the same are one function."""

import re
from itertools import pairwise

import numpy as np
import pytest
from tests.uber import assert_same

import chainrule as cr
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.modules import modules
from chainrule._src.compile.running.compiling import step_kernel
from chainrule._src.nn.training.minimize import Update

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(64, 8)), np.linspace(0, 1, 64)
RULE = cr.optimizers.Adam(0.01)


def loss(p, X, y):
    for W in p:
        X = np.tanh(X @ W)
    return np.mean((X[:, 0] - y) ** 2)


def weights(*sizes):
    return [RNG.normal(size=pair) / 4 for pair in pairwise(sizes)]


def rules_of(params, batch_size):
    """Return the functions that take roots, as Adam does, and the calls of these."""
    carry = {"params": params, "state": RULE.init(params)}
    kernel = step_kernel(Update(loss, RULE), loss, carry, DATA, batch_size)
    text = "\n".join(each.text for each in modules(kernel, host()))
    bodies = re.findall(r"^define void @(nest\w+)\((.*?^)}", text, re.MULTILINE | re.DOTALL)
    names = [name for name, body in bodies if "llvm.sqrt" in body]
    return names, [call for call in re.findall(r"call void @(nest\w+\(.*)", text)
                   if call.partition("(")[0] in names]  # fmt: skip


@pytest.mark.parametrize("sizes", [(8, 5, 5), (8, 40, 30, 20), (8, 16, 16)])
def test_nests_that_differ_in_sizes_alone_are_one_that_is_given_them(sizes):
    names, calls = rules_of(weights(*sizes), 16)
    assert len(names) == 1
    entries = [str(a * b) for a, b in pairwise(sizes)]
    assert [re.findall(r", i64 (\d+)", call) for call in calls] == [[n] for n in entries]


@pytest.mark.parametrize("reduce", [np.sum, np.max, np.mean, np.prod])
def test_loops_that_leave_numbers_are_functions_too(reduce):
    """What calls them is made into machine code with the least effort, and has none but its own."""

    def penalized(p, X, y):
        return loss(p, X, y) + 0.01 * sum(reduce(W * W) for W in p)

    params = weights(8, 40, 20)
    carry = {"params": params, "state": RULE.init(params)}
    kernel = step_kernel(Update(penalized, RULE), penalized, carry, DATA, 16)
    entry = modules(kernel, host())[-1].text
    (train,) = re.findall(r"^define \w+ i64 @train\(.*?^}", entry, re.MULTILINE | re.DOTALL)
    assert "call void @nest" in train
    assert len(re.findall("icmp slt i64", train)) == 2  # updates; the samples of the last batch
    one, other = (
        cr.minimize(penalized, params, *DATA, optimizer=RULE, batch_size=16, seed=0, engine=engine)
        for engine in ("numpy", "compiled")
    )
    assert_same(one[0], other[0], rtol=1e-10, atol=1e-12)
    assert_same(one[1].loss, other[1].loss, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sizes", [(8, 5, 5), (8, 16, 16, 16), (8, 40, 30, 20)])
def test_they_compute_what_numpy_does(sizes):
    params = weights(*sizes)
    one, other = (
        cr.minimize(loss, params, *DATA, optimizer=RULE, batch_size=16, seed=0, engine=engine)[0]
        for engine in ("numpy", "compiled")
    )
    assert_same(one, other, rtol=1e-10, atol=1e-12)
