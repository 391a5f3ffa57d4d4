"""Machine code: made once, kept on disk by `cache`, called."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.errors import CompileError
from chainrule.program import cache
from chainrule.program.threads import making

ENTRY = "chainrule_kernel"


class NativeFunction:
    """A compiled kernel; it runs without Python's global lock."""

    def __init__(self, code: bytes) -> None:
        import llvmlite.binding as llvm

        from chainrule.program.machine import machine

        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine().target())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.address = self._engine.get_function_address(ENTRY)

    def bound(self, arrays: list[Any]) -> Any:
        """Return a call of the kernel on these arrays, which it keeps alive."""
        result, error = ctypes.c_int64(), ctypes.c_void_p()
        table = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        function = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(self.address)
        places = [ctypes.cast(ctypes.pointer(x), ctypes.c_void_p) for x in (result, error, table)]
        held = (self, arrays, error, table)

        def call() -> int:
            if function(*places):
                raise RuntimeError(f"a compiled kernel failed: {held[2]}")
            return result.value

        return call


def key_of(text: str, dtypes: list[str]) -> str:
    """Return the name of a kernel's file: a digest of all that its machine code depends on."""
    return _digest(text, tuple(dtypes))


@functools.lru_cache(1024)
def _digest(text: str, dtypes: tuple[str, ...]) -> str:
    try:
        from chainrule.program.machine import machine
    except ImportError as error:
        raise CompileError(f"compiling needs Numba ({error}); pip install numba") from error
    digest = hashlib.sha256()
    for part in (text, *dtypes, repr(machine()), _own_code()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


_OWN_CODE = (
    "compiler.py", "gemm.py", "intrinsics.py", "vector_math.py", "vectors.py", "../ops/random.py",
)  # fmt: skip


@functools.cache
def _own_code() -> str:
    folder = Path(__file__).parent
    return "".join((folder / name).read_text() for name in _OWN_CODE)


_loaded: dict[str, NativeFunction] = {}


def is_ready(text: str, dtypes: list[str]) -> bool:
    """Whether a kernel need not be compiled any more."""
    key = key_of(text, dtypes)
    return key in _loaded or cache.holds(key)


def load(text: str, name: str, dtypes: list[str]) -> NativeFunction:
    """Return a kernel, from memory, from disk, or compiled."""

    def compiled() -> bytes:
        from chainrule.program.compiler import compile_text

        return compile_text(text, name, dtypes)

    key = key_of(text, dtypes)
    for routine in ("sgemm", "dgemm"):
        if f"{routine}(" in text:
            _provide(routine)
    return _kept(key, compiled)


def _provide(routine: str) -> None:
    """Let kernels find matrix products."""
    import llvmlite.binding as llvm

    def compiled() -> bytes:
        from chainrule.program.compiler import compile_product

        return compile_product(routine)

    function = _kept(key_of(routine, []), compiled)
    llvm.add_symbol(f"chainrule_{routine}", function.address)


def _kept(key: str, compiled: Callable[[], bytes]) -> NativeFunction:
    if key not in _loaded:
        with making():
            if key not in _loaded:  # no other thread has made it meanwhile
                code = cache.read(key)
                if code is None:
                    code = compiled()
                    cache.write(key, code)
                _loaded[key] = NativeFunction(code)
    return _loaded[key]
