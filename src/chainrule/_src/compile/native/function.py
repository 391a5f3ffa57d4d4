"""Machine code that is called: object files put into memory, as a function of arrays."""

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
    from chainrule._src.compile.native.target import Target

PRODUCT = "chainrule_"  # how the names of matrix products begin
# In a module after an empty line: what begins with "\n" is found five times as soon as with "^".
GIVEN = re.compile(r"\ndefine void @(\w+)\(")  # to other modules
_provided: dict[str, list[NativeFunction]] = {}  # by name, the last one is found; all are kept


class NativeFunction:
    """A compiled kernel, by the name of its code; it runs without Python's global lock.

    Its memory is given back with the last reference to it, which what runs it has too.
    """

    def __init__(self, code: bytes, key: str = "") -> None:
        with deferred():
            import llvmlite.binding as llvm

        with deferred():
            from chainrule._src.compile.native.llvm import target_machine
            from chainrule._src.compile.native.machine import host

        self.key, self.bytes, self.is_provided = key, len(code), False
        self._engines = []
        # The entry's comes last, and calls what the others give. An engine each: their tables of
        # addresses outside are not joined. Names of what they give are those of the kernel before,
        # which has found its own: LLVM's table, which forgets none, does not grow.
        for names, part in _unpacked(code):
            module = llvm.parse_assembly("")  # without which there is no engine
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
        """Let other machine code call it by a name; code that is there calls what it has found."""
        with deferred():
            import llvmlite.binding as llvm

        self.is_provided = True
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


def products_of(kernel: Kernel) -> dict[str, str]:
    """Return what matrix products a kernel calls, by their dtypes."""
    return {item.c.dtype.name: item.routine for item in kernel.products}


@functools.lru_cache(2)
def product_text(dtype: str, target: Target) -> Text:
    """Return the matrix product of a dtype, as C calls it, in LLVM's language."""
    from chainrule._src.compile.native import gemm

    with deferred():
        from chainrule._src.compile.native.llvm import NONE, Text

    text = gemm.module(ENTRY, int(dtype[-2:]) // 8, target)
    return Text(text, NONE)


def packed(parts: Sequence[tuple[Text, bytes]]) -> bytes:
    """Return object files as one, each with the names of what others call of it."""
    head = [(len(code), GIVEN.findall(f"\n{text.text}")) for text, code in parts]
    return b"\n".join([json.dumps(head).encode(), b"".join(code for _, code in parts)])


def _unpacked(code: bytes) -> Iterator[tuple[list[str], bytes]]:
    """Yield the names and the object files of one."""
    head, _, rest = code.partition(b"\n")
    at = 0
    for size, names in json.loads(head):
        yield names, rest[at : at + size]
        at += size
