"""A kernel is compiled to a WebAssembly module, with all functions that it calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule._src.base.errors import CompileError
from chainrule._src.base.interrupts import deferred
from chainrule._src.compile.native import ENTRY, cache
from chainrule._src.compile.native.code import compiler_of, digest, sources
from chainrule._src.compile.native.function import PRODUCT, product_text, products_of
from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.wasm.binary import WasmBinary, module_of

if TYPE_CHECKING:
    from chainrule._src.compile.lower.kernels import Kernel
    from chainrule._src.compile.native.llvm import Text

FEATURES = "+simd128,+bulk-memory,+sign-ext,+nontrapping-fptoint"
# WebAssembly itself has any number of registers; a browser on an x86 processor has 16.
TARGET = Machine("wasm32-unknown-unknown", "generic", FEATURES, 16, 16, model="default")
# A processor may round a multiplication and an addition once or twice, whichever is faster.
RELAXED = TARGET._replace(features=f"{FEATURES},+relaxed-simd")
SPARE = 2**14  # bytes of the stack for what LLVM adds


def wasm_kernel(
    kernel: Kernel, target: Machine = TARGET, is_large: bool = True, owns_memory: bool = True
) -> WasmBinary:
    """Return a kernel as a WebAssembly module: ``run(address of pointers)`` → number of updates.

    Parameters
    ----------
    kernel : Kernel
    target : Machine, default `TARGET`
        With `RELAXED`, multiplications and additions are fused where the processor can.
    is_large : bool, default True
        If false, the code is as short as it can be, since the arrays are small.
    owns_memory : bool, default True
        If false, the module imports its memory.

    Raises
    ------
    CompileError
        If the kernel has an operation that WebAssembly or JavaScript lacks.
    """
    with deferred():
        from chainrule._src.compile.native.frames import size_of
        from chainrule._src.compile.native.modules import modules

    products = [
        product_text(dtype, target, PRODUCT + name) for dtype, name in products_of(kernel).items()
    ]
    texts = [*products, *modules(kernel, target)]
    try:
        binary = _object_file(texts, target, is_large)
    except RuntimeError as error:
        raise CompileError(f"LLVM has no WebAssembly code for it: {error}") from error
    stack = sum(size_of(text.text) for text in texts) + SPARE
    return module_of(binary, ENTRY, stack, owns_memory)


def _object_file(texts: Sequence[Text], target: Machine, unrolls: bool) -> bytes:
    """Return the object file of a kernel's modules, from the cache on disk or compiled."""
    with deferred():
        from chainrule._src.compile.native import llvm

    parts = [compiler_of(target), sources("compile/native/llvm.py"), repr(unrolls)]
    key = digest("\0".join([*parts, *map(repr, texts)]))
    binary = cache.read(key)
    if binary is None:
        binary = llvm.linked(texts, target, ENTRY, unrolls)
        cache.write(key, binary)
    return binary
