"""Loaded machine code: object files in memory, called as a function of arrays."""

from __future__ import annotations

import ctypes
import functools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chainrule._src.base.interrupts import deferred
from chainrule._src.compile.native import ENTRY

if TYPE_CHECKING:
    from chainrule._src.compile.lower.kernels import Kernel
    from chainrule._src.compile.native.llvm import Text
    from chainrule._src.compile.native.target import Machine

PRODUCT = "chainrule_"  # the prefix of the names of matrix products
# For text with an empty first line: a pattern with "\n" is five times as fast as one with "^".
GIVEN = re.compile(r"\ndefine void @(\w+)\(")  # functions that other modules may call
_provided: dict[str, list[NativeFunction]] = {}  # by name; the last one is used, all stay alive


class NativeFunction:
    """A compiled kernel in memory. It runs without Python's global lock.

    The machine code is freed with the last reference; bound calls hold references too.
    """

    def __init__(self, code: bytes, key: str = "") -> None:
        with deferred():
            import llvmlite.binding as llvm

        with deferred():
            from chainrule._src.compile.native.llvm import target_machine
            from chainrule._src.compile.native.machine import host

        self.key, self.bytes, self.is_provided = key, len(code), False
        self._engines = []
        # The last object file has the entry, and calls functions of the others. Each gets an
        # engine, because engines do not share symbols. The symbol names are the same for every
        # kernel, and earlier kernels are already linked. So LLVM's symbol table, which is never
        # cleared, does not grow.
        for names, part in _unpacked(code):
            module = llvm.parse_assembly("")  # an engine needs a module
            engine = llvm.create_mcjit_compiler(module, target_machine(host()))
            engine.remove_module(module)  # or LLVM would compile it: half a millisecond
            engine.add_object_file(llvm.ObjectFileRef.from_data(part))
            engine.finalize_object()
            for name in names:
                llvm.add_symbol(name, engine.get_function_address(name))
            self._engines.append(engine)
        self.address = engine.get_function_address(ENTRY)
        self._function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(self.address)

    def provide(self, name: str) -> None:
        """Register this function under a name, for machine code that is loaded later."""
        with deferred():
            import llvmlite.binding as llvm

        self.is_provided = True
        functions = _provided.setdefault(name, [])
        if not functions or functions[-1] is not self:
            llvm.add_symbol(name, self.address)
            functions.append(self)

    def bound(self, arrays: list[Any]) -> Callable[[], int]:
        """Return a callable that runs the kernel on these arrays, and keeps the arrays alive."""
        table = (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
        function, pointer = self._function, ctypes.cast(table, ctypes.c_void_p)
        references = (self, arrays, table)

        def call() -> int:
            n_updates: int = function(pointer)
            return n_updates if references else 0

        def point(i: int, array: Any) -> None:
            """Replace the array at position ``i``."""
            arrays[i], table[i] = array, array.ctypes.data

        call.point = point  # type: ignore[attr-defined]
        return call


def products_of(kernel: Kernel) -> dict[str, str]:
    """Return the names of the matrix products that a kernel calls, by dtype."""
    return {item.c.dtype.name: item.routine for item in kernel.products}


@functools.lru_cache(2)
def product_text(dtype: str, target: Machine, name: str = ENTRY) -> Text:
    """Return the matrix product of a dtype (C's ``gemm``) in LLVM's language."""
    from chainrule._src.compile.native import gemm

    with deferred():
        from chainrule._src.compile.native.llvm import NONE, Text

    text = gemm.module(name, dtype, target)
    return Text(text, NONE)


def packed(parts: Sequence[tuple[Text, bytes]]) -> bytes:
    """Return object files joined into one, each with the names of functions that others call."""
    head = [(len(code), GIVEN.findall(f"\n{text.text}")) for text, code in parts]
    return b"\n".join([json.dumps(head).encode(), b"".join(code for _, code in parts)])


def _unpacked(code: bytes) -> Iterator[tuple[list[str], bytes]]:
    """Yield the function names and the object file of each part of `packed`."""
    head, _, content = code.partition(b"\n")
    at = 0
    for size, names in json.loads(head):
        yield names, content[at : at + size]
        at += size
