"""From the text of a kernel to machine code, by Numba and LLVM. Imported when it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba import cfunc, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import overload

from chainrule.program import vector_math
from chainrule.program.machine import machine
from chainrule.program.native import ENTRY

FAST = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; NaN and infinity stay
_TYPES: dict[str, Any] = {
    name: getattr(types, name)
    for name in ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "uint16",
                 "uint32", "uint64")
} | {"bool": types.boolean}  # fmt: skip


def sgemm(ta: Any, tb: Any, m: Any, n: Any, k: Any, a: Any, b: Any, c: Any) -> None:
    """Multiply float32 matrices; ``ta`` and ``tb`` tell which lie transposed."""


def dgemm(ta: Any, tb: Any, m: Any, n: Any, k: Any, a: Any, b: Any, c: Any) -> None:
    """Multiply float64 matrices; ``ta`` and ``tb`` tell which lie transposed."""


def _define_products(bits: int) -> None:
    whole = types.int64 if bits == 64 else types.int32
    for function, real in ((sgemm, types.float32), (dgemm, types.float64)):
        sizes = [whole] * 3
        places = [types.uintp, whole]
        signature = types.void(*[types.int32] * 3, *sizes, real, *places, *places, real, *places)
        external = types.ExternalFunction(f"chainrule_{function.__name__}", signature)
        _define_product(function, external, np.int64 if bits == 64 else np.int32, real)


def _define_product(function: Any, external: Any, whole: Any, real: Any) -> None:
    number = np.float32 if real is types.float32 else np.float64

    @overload(function, jit_options={"forceinline": True, "error_model": "numpy"})
    def product(ta, tb, m, n, k, a, b, c):  # type: ignore[no-untyped-def]
        def run(ta, tb, m, n, k, a, b, c):  # type: ignore[no-untyped-def]
            external(
                np.int32(101), np.int32(112 if ta else 111), np.int32(112 if tb else 111),
                whole(m), whole(n), whole(k), number(1), a.ctypes.data, whole(m if ta else k),
                b.ctypes.data, whole(k if tb else n), number(0), c.ctypes.data, whole(n),
            )  # fmt: skip

        return run


_define_products(machine().blas_bits or 64)


def compile_text(text: str, name: str, dtypes: list[str]) -> bytes:
    """Return the machine code of a kernel as an object file.

    Parameters
    ----------
    text : str
        Of a function called ``name``.
    dtypes : list of str
        Of what its arguments point to.
    """
    compiler: Any = numba
    space: dict[str, Any] = {
        "carray": compiler.carray, "np": np, "inf": np.inf, "sgemm": sgemm, "dgemm": dgemm,
        **{dtype: getattr(np, dtype) for dtype in _TYPES if dtype != "bool"},
        **{f: getattr(vector_math, f) for f in ("exp", "log", "tanh", "wrap")},
        "bool": np.bool_,
    }  # fmt: skip
    exec(compile(text, f"<kernel {name}>", "exec"), space)
    pointer: Any = types.CPointer
    signature = types.int64(*(pointer(_TYPES[dtype]) for dtype in dtypes))
    with _unoptimised():
        compiled = cfunc(signature, fastmath=FAST, error_model="numpy")(space[name])
        text = compiled.inspect_llvm()
    return _object(text, name)


@contextmanager
def _unoptimised() -> Iterator[None]:
    """Leave optimising to `_object`, which knows more; no other thread compiles meanwhile."""
    with global_compiler_lock:
        assert cpu_target.target_context is not None  # made now, with the options of everybody
        config: Any = numba.config
        before = config.OPT, config.LOOP_VECTORIZE
        config.OPT, config.LOOP_VECTORIZE = type(config.OPT)(0), 0
        try:
            yield
        finally:
            config.OPT, config.LOOP_VECTORIZE = before


def _object(text: str, name: str) -> bytes:
    """Optimise once more, now that arrays are known to lie apart, and emit machine code."""
    native = re.search(rf'^define .*?(@"?_ZN[^(]*?{name}[^(]*?)\((.*)$', text, re.MULTILINE)
    assert native is not None, "Numba's text has no native function"
    line = native.group(0)
    apart = re.sub(r"\bptr (?!noalias)", "ptr noalias ", line)
    # The arrays belong to the caller: there are no references to count.
    borrowed = re.sub(
        r"^define [^\n]*@(NRT_incref|NRT_decref)\(.*?^}",
        r"define internal void @\1(ptr %x) alwaysinline {\n  ret void\n}",
        text.replace(line, apart),
        flags=re.MULTILINE | re.DOTALL,
    )
    module = llvm.parse_assembly(borrowed)
    symbol = native.group(1).strip('@"')
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
    entry = module.get_function(symbol)
    entry.linkage = "external"
    entry.name = ENTRY
    target = machine().target()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    emitted: bytes = target.emit_object(module)
    return emitted
