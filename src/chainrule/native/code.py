"""Machine code: made once, kept on disk by `cache`, called."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import CompileError
from chainrule.native import ENTRY, cache

if TYPE_CHECKING:
    from chainrule.compiler.kernels import Kernel
    from chainrule.native.machine import Machine

_making = threading.RLock()
_provided: dict[str, list[NativeFunction]] = {}  # by name, the last one is found; all are kept


class NativeFunction:
    """A compiled kernel, by the name of its code; it runs without Python's global lock."""

    def __init__(self, code: bytes, key: str = "") -> None:
        import llvmlite.binding as llvm

        from chainrule.native.machine import machine

        self.key = key
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine().target())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self.address = self._engine.get_function_address(ENTRY)
        self._function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(self.address)

    def provide(self, name: str) -> None:
        """Let other machine code call it by a name; code that is there calls what it has found."""
        import llvmlite.binding as llvm

        given = _provided.setdefault(name, [])
        if not given or given[-1] is not self:
            llvm.add_symbol(name, self.address)
            given.append(self)

    def bound(self, arrays: list[Any]) -> Callable[[], int]:
        """Return a call of the kernel on these arrays, which it keeps alive."""
        table = (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
        function, place = self._function, ctypes.cast(table, ctypes.c_void_p)
        held = (self, arrays, table)

        def call() -> int:
            done: int = function(place)
            return done if held else 0

        def point(i: int, array: Any) -> None:
            """Let another array take the place of one."""
            arrays[i], table[i] = array, array.ctypes.data

        call.point = point  # type: ignore[attr-defined]
        return call


def load(kernel: Kernel) -> NativeFunction:
    """Return a kernel's machine code, from memory, from disk, or compiled."""
    _provide(products_of(kernel))
    text = _text(kernel)
    function = _kept(_key(text), lambda: compiled(text, kernel.one))
    assert function is not None
    return function


def products_of(kernel: Kernel) -> dict[str, str]:
    """Return what matrix products a kernel calls, by their dtypes."""
    return {item.c.dtype.name: item.routine for item in kernel.products}


def kept(key: str, products: dict[str, str]) -> NativeFunction | None:
    """Return machine code by its name, from memory or from disk, and see to what it calls."""
    _provide(products)
    return _kept(key, None)


def this_machine() -> Machine:
    """Return the machine that this process runs on.

    Raises
    ------
    CompileError
        If what compiles is not installed.
    """
    try:
        from chainrule.native.machine import machine
    except ImportError as error:
        raise CompileError(f"compiling needs llvmlite ({error}); pip install llvmlite") from error
    return machine()


def _text(kernel: Kernel) -> str:
    """Return a kernel in LLVM's language."""
    if kernel.llvm is None:
        this_machine()
        from chainrule.native.emission import module_text

        kernel.llvm = module_text(kernel)
    return kernel.llvm


@functools.lru_cache(1024)
def _key(text: str) -> str:
    """Return the name of a kernel's file: a digest of all that its machine code depends on."""
    return digest(f"{this_machine()!r}\0{text}")


def digest(text: str) -> str:
    """Return a name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _provide(products: dict[str, str]) -> None:
    """Let kernels find matrix products, which they call by a name, by their dtypes."""
    for dtype, name in products.items():
        key = _key(f"{dtype}{_source_of_products()}")
        function = _kept(key, partial(_compiled_product, dtype))
        assert function is not None
        function.provide(f"chainrule_{name}")


@functools.cache
def _source_of_products() -> str:
    folder = Path(__file__).parent
    return "".join((folder / name).read_text() for name in ("gemm.py", "vectors.py"))


def product_text(dtype: str, on: Machine | None = None) -> str:
    """Return the matrix product of a dtype, as C calls it, in LLVM's language."""
    from chainrule.native import gemm
    from chainrule.native.machine import machine

    on = on or machine()
    return gemm.module(ENTRY, int(dtype[-2:]) // 8, on.width, on.registers)


def _compiled_product(dtype: str) -> bytes:
    return emitted(product_text(dtype))


_loaded: dict[str, NativeFunction] = {}


def _kept(key: str, make: Callable[[], bytes] | None) -> NativeFunction | None:
    if key not in _loaded:
        with _making:
            if key not in _loaded:  # no other thread has made it meanwhile
                code = cache.read(key)
                if code is None:
                    if make is None:
                        return None
                    code = make()
                    cache.write(key, code)
                _loaded[key] = NativeFunction(code, key)
    return _loaded[key]


def emitted(text: str, on: Machine | None = None) -> bytes:
    """Return the machine code of a module that needs no optimizing, as an object file.

    Products are written as they should run, vectors and all. LLVM's passes over them took two
    thirds of the time and left them as fast as they were.
    """
    import llvmlite.binding as llvm

    from chainrule.native.machine import machine

    code: bytes = (on or machine()).target().emit_object(llvm.parse_assembly(text))
    return code


def compiled(text: str, unrolls: bool = False) -> bytes:
    """Return the machine code of a module as an object file.

    Raises
    ------
    CompileError
        If it calls what is not part of this process.
    """
    import llvmlite.binding as llvm

    from chainrule.native.machine import machine

    module, target = llvm.parse_assembly(text), machine().target()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    options.loop_unrolling = unrolls
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    for function in module.functions:
        name = function.name
        outside = function.is_declaration and not name.startswith("llvm.")
        if outside and not llvm.address_of_symbol(name):
            raise CompileError(f"{name}, which the kernel calls, is not part of this process")
    code: bytes = target.emit_object(module)
    return code
