"""Kernels as WebAssembly give the numbers of machine code and of NumPy."""

from contextlib import nullcontext

import numpy as np
import pytest
import wasmtime
from tests.compile.native.everything import MAKERS, everything, of, training
from tests.compile.native.targets import PAGES
from tests.compile.wasm.host import WasmFunction, engine, in_wasm, module_of_page

import chainrule as cr
from chainrule._src.compile.native import llvm
from chainrule._src.compile.native.llvm import NONE, Text, linked
from chainrule._src.compile.native.writer import INT64, Writer
from chainrule._src.compile.wasm.binary import module_of
from chainrule._src.compile.wasm.kernel import RELAXED, TARGET, wasm_kernel
from chainrule._src.core.trees import leaves


@pytest.mark.sampled(quick=1)  # `in_wasm` compiles and looks at every kernel that it runs
@pytest.mark.parametrize("target", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("name", MAKERS)
def test_every_kernel_becomes_a_module(name, target):
    module_of_page(wasm_kernel(everything()[name][1], target))


def test_a_module_can_take_its_memory_from_its_host():
    kernel = everything()["one sample"][1]
    module = wasmtime.Module(engine(), wasm_kernel(kernel, owns_memory=False).code)
    assert [each.name for each in module.exports] == ["run"]
    assert isinstance(module.imports[-1].type, wasmtime.MemoryType)


def test_a_kernel_is_compiled_once_for_a_target_and_found_on_disk(new_cache, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(new_cache()))
    _, kernel = of(np.square, np.ones(3))
    binary = wasm_kernel(kernel)
    with monkeypatch.context() as patch:
        patch.delattr(llvm, "linked")
        assert wasm_kernel(kernel) == binary
        for options in ({"target": RELAXED}, {"is_large": False}):
            with pytest.raises(AttributeError):
                wasm_kernel(kernel, **options)


def close(one, other, digits):
    """Compare trees; ``digits`` is relative to an entry, or to the largest entry of its array."""
    for (path, a), (_, b) in zip(leaves(one), leaves(other), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if a.dtype.kind == "f":
            near = digits * np.max(np.abs(a[np.isfinite(a)]), initial=0)
            np.testing.assert_allclose(b, a, digits, near, err_msg=str(path))
        else:
            np.testing.assert_array_equal(b, a, err_msg=str(path))


def is_single(*trees):
    return any(leaf.dtype == np.float32 for _, leaf in leaves(trees))


FUNCTIONS = [name for name, make in MAKERS.items() if make.func is not training]
RUNS = [name for name in MAKERS if name not in FUNCTIONS]


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_results_of_machine_code(name):
    f, *args = MAKERS[name].args
    expected = cr.jit(f)(*args)
    with in_wasm() as functions:
        got = cr.jit(f)(*args)
    assert functions
    close(expected, got, 1e-5 if is_single(*args) else 1e-13)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("target", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("name", RUNS)
def test_runs_have_the_weights_of_machine_code(name, target):
    loss, params, data, batch_size, rule = MAKERS[name].args
    X, y = (leaf[: 5 * batch_size] for leaf in data)  # later, rounding grows

    def run():
        return cr.minimize(
            loss, params, X, y, optimizer=rule, batch_size=batch_size, engine="compiled", seed=0
        )

    expected, before = run()
    with in_wasm(target) as functions:
        got, history = run()
    assert functions
    close(expected, got, 1e-3 if is_single(params) else 1e-11)
    np.testing.assert_allclose(history.history["loss"], before.history["loss"], 1e-4)


def test_an_index_out_of_range_has_the_same_sentence():
    f, X, index = (lambda X, i: X[i]), np.ones((4, 3)), np.array([1, 4])
    sentences = []
    for context in (nullcontext(), in_wasm()):
        with context, pytest.raises(cr.errors.OutOfRangeError) as caught:
            cr.jit(f)(X, index)
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]


def test_the_stack_lies_below_the_heap_and_above_the_constants():
    """A function that fills its whole frame changes neither."""
    kernel = everything()["threads"][1]
    binary = wasm_kernel(kernel)
    function = WasmFunction(kernel)
    assert function.binary == binary
    data = function.memory_at(0, binary.heap)
    arrays = [np.array([0, 0, 0, 4, 4, 4, 0, 1]) for _ in range(6)]  # no update: `steps` is 0
    arrays += [np.full(4, 7, b.dtype) for b in kernel.pointed]
    function.bound(arrays)()
    assert all((array == 7).all() for array in arrays[6:])
    assert data[:16] == function.memory_at(0, 16)


def test_code_that_needs_more_than_functions_is_refused():
    text = (
        "@table = external global ptr\n"
        "define i64 @main(ptr %a) {\n  %f = load ptr, ptr @table\n"
        "  %r = call i64 %f(i64 1)\n  ret i64 %r\n}\n"
    )
    with pytest.raises(cr.errors.CompileError, match="needs table from its host"):
        module_of(linked([Text(text, NONE)], TARGET, "main"), "main", 0)


def test_only_what_the_entry_calls_is_linked():
    parts = []
    for name in ("main", "unused"):
        code = Writer()
        parts.append(code.definition(name, [code.literal("%a", "ptr")], "", code.literal(3, INT64)))
    small = linked([Text(parts[0], NONE)], TARGET, "main")
    assert len(linked([Text(part, NONE) for part in parts], TARGET, "main")) == len(small)
