"""Runs kernels as WebAssembly, in the place of machine code.

Arrays are copied into the module's memory before a run, and back after it.
"""

import math
from contextlib import contextmanager, nullcontext
from functools import cache
from unittest import mock

import numpy as np
import wasmtime

from chainrule._src.compile.running import bound, jit, steps
from chainrule._src.compile.wasm.kernel import TARGET, wasm_kernel

ALIGNED = 64
# What JavaScript has under the names of C. Numbers below 2²⁰ need neither sine nor cosine.
OF_JAVASCRIPT = {"sin", "cos", "fmod", "fmodf"}


@contextmanager
def in_wasm(target=TARGET):
    """Within this context, kernels run as WebAssembly: no machine code is compiled or read."""
    functions = {}

    def load(kernel):
        if id(kernel) not in functions:
            functions[id(kernel)] = WasmFunction(kernel, target), kernel
        return functions[id(kernel)][0]

    with (
        mock.patch.object(jit, "load", load),
        mock.patch.object(bound, "load", lambda form: load(form.kernel)),
        mock.patch.object(bound, "_kept", []),
        mock.patch.object(bound, "cores", return_value=1),
        mock.patch.object(steps, "read", return_value=None),
        mock.patch.object(steps, "_read", {}),
        mock.patch.object(steps, "begin"),
        mock.patch.object(steps, "compiling_ahead", return_value=nullcontext()),
    ):
        yield functions


@cache
def engine():
    config = wasmtime.Config()
    config.wasm_relaxed_simd = True
    config.wasm_relaxed_simd_deterministic = False
    config.parallel_compilation = False  # forked processes have no threads
    return wasmtime.Engine(config)


def module_of_page(binary):
    """Return the module of a kernel, which is valid and asks its page for few functions alone."""
    module = wasmtime.Module(engine(), binary.code)
    assert {each.name for each in module.exports} == {"run", "memory"}
    assert {each.name for each in module.imports} == {*binary.imports} <= OF_JAVASCRIPT
    assert all(isinstance(each.type, wasmtime.FuncType) for each in module.imports)
    return module


class WasmFunction:
    """A kernel with the interface of `NativeFunction`."""

    def __init__(self, kernel, target=TARGET):
        self.key, self.is_provided, self.bytes = "", False, 0
        self.binary = wasm_kernel(kernel, target)
        self._store = wasmtime.Store(engine())
        module = module_of_page(self.binary)
        imports = [self._imported(each) for each in module.imports]
        exports = wasmtime.Instance(self._store, module, imports).exports(self._store)
        self._run, self._memory = exports["run"], exports["memory"]

    def _imported(self, each):
        function = {"sin": np.sin, "cos": np.cos}.get(each.name, np.fmod)

        def call(*numbers):
            with np.errstate(all="ignore"):
                return float(function(*numbers))

        return wasmtime.Func(self._store, each.type, call)

    def memory_at(self, begin, end):
        return bytes(self._memory.read(self._store, begin, end))

    def bound(self, arrays):
        def call():
            addresses = self._write(arrays)
            n_updates = self._run(self._store, addresses[-1])
            for array, address in zip(arrays, addresses, strict=False):
                if array.nbytes and array.flags.writeable:
                    content = self._memory.read(self._store, address, address + array.nbytes)
                    array[...] = np.frombuffer(content, array.dtype).reshape(array.shape)
            return n_updates

        call.point = arrays.__setitem__
        return call

    def _write(self, arrays):
        """Write arrays and their addresses to the heap; return the addresses, that of them last."""
        addresses = [self.binary.heap]
        for array in arrays:
            addresses.append(addresses[-1] + math.ceil(max(array.nbytes, 1) / ALIGNED) * ALIGNED)
        end = addresses[-1] + 4 * len(arrays)
        pages = math.ceil(end / 2**16) - self._memory.size(self._store)
        if pages > 0:
            self._memory.grow(self._store, pages)
        contents = [*arrays, np.array(addresses[:-1], np.uint32)]
        for content, address in zip(contents, addresses, strict=True):
            self._memory.write(self._store, np.ascontiguousarray(content).tobytes(), address)
        return addresses
