"""Loops with many sines, cosines and tangents call them; the numbers stay the same."""

import re

import llvmlite.binding as llvm
import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.lower.kernels import function_kernel
from chainrule._src.compile.native import modules as writing
from chainrule._src.compile.native import waves
from chainrule._src.compile.native.llvm import _optimize as optimize
from chainrule._src.compile.native.llvm import _tools as tools_for
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.modules import modules
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

pytestmark = pytest.mark.portable
MANY = waves.FEW + 2
ENDS = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e7, 3e9, 2.0**20, -(2.0**27)]


def chained(names):
    """Return a function that applies functions one after the other, many times."""

    def f(x):
        for i in range(MANY):
            x = getattr(np, names[i % len(names)])(x) * 3
        return x

    return f


def text_of(f, x):
    """Return the first module of a function's kernel."""
    program = Recorder(f, [x], prepared, values=False).alone()
    return modules(function_kernel(program), host())[0]


@pytest.mark.sampled(quick=8)
@pytest.mark.parametrize("size", [3, 16, 50])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("names", [["sin"], ["cos"], ["tan"], ["sin", "cos", "tan"]], ids="-".join)
def test_many_in_a_loop_have_the_same_bits_as_each_alone(names, dtype, size):
    x = np.resize([*ENDS, *np.linspace(-9, 9, 40)], size).astype(dtype)
    f = chained(names)
    assert ("@waves_" in text_of(f, x).text) == waves.CAN_CALL
    expected = x
    for i in range(MANY):
        expected = cr.jit(getattr(np, names[i % len(names)]))(expected) * dtype(3)
    np.testing.assert_array_equal(cr.jit(f)(x), expected)


@pytest.mark.skipif(not waves.CAN_CALL, reason="LLVM 20 and earlier compute all in place")
def test_a_vector_loop_has_one_call_for_sine_and_cosine():
    """It calls the variant for vectors, which goes past its slow path; the rest is left out."""

    def slopes(x):
        return cr.grad(lambda x: np.sum(chained(["sin"])(x)))(x)

    text = text_of(slopes, np.zeros(4096))
    module = llvm.parse_assembly(text.text)
    with tools_for(host(), text) as tools:
        optimize(module, tools.builder(), text)
    (loop,) = re.findall(r"\nvector.body:.*?\n\n", str(module), re.DOTALL)
    lanes = host().width // 8
    assert {*re.findall(r"call .*?@(\w+)", loop)} == {f"waves_sin_cos_float64_{lanes}_each"}
    variant = str(module.get_function(f"waves_sin_cos_float64_{lanes}_each"))
    assert re.search(r"br i1 .*\n\n.*\n.*call .*@far_wave_float64_\w+_each", variant)
    defined = [f for f in module.functions if not f.is_declaration]
    assert [f.name for f in defined if f.linkage.name == "external"] == ["nest0"]
    assert len(defined) < 8


def test_one_sample_and_few_waves_are_computed_in_place():
    assert "@waves_" not in text_of(lambda x: np.sin(np.cos(x)), np.zeros(64)).text
    assert writing.Module(host(), "", "", "", inline=True).shortened("@sin_float64(" * 99) is None


def test_earlier_versions_of_llvm_compute_all_in_place(monkeypatch):
    monkeypatch.setattr(waves, "CAN_CALL", False)
    x = np.linspace(-9, 9, 40)
    assert "@waves_" not in text_of(chained(["sin"]), x).text
