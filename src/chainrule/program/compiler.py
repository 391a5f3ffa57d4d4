"""From the text of a kernel to machine code, by Numba and LLVM. Imported when it is needed."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba import types
from numba.core import compiler as numba_compiler
from numba.core import cpu as numba_cpu
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.extending import overload

from chainrule.errors import CompileError
from chainrule.program import gemm, intrinsics, vector_math
from chainrule.program.machine import machine
from chainrule.program.native import ENTRY

share = intrinsics.share
FAST = {"reassoc", "contract", "nsz", "arcp"}  # sums in any order; NaN and infinity stay
_TYPES: dict[str, Any] = {
    name: getattr(types, name)
    for name in ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "uint16",
                 "uint32", "uint64")
} | {"bool": types.boolean}  # fmt: skip


def _convention(real: Any) -> list[Any]:
    """Return the types of what C's ``gemm`` takes."""
    whole = types.int64
    matrix: list[Any] = [types.uintp, whole]
    return [*[types.int32] * 3, *[whole] * 3, real, *matrix, *matrix, real, *matrix]


def _product(name: str, real: Any) -> Any:
    """Return ``gemm(ta, tb, m, n, k, a, b, c)``, which multiplies matrices by `gemm`.

    ``ta`` and ``tb`` tell which lie transposed; ``rows, part, parts`` that a part of the result's
    rows or columns is wanted.
    """
    whole: Any = np.int64
    external: Any = types.ExternalFunction(
        f"chainrule_{name}",
        types.void(*_convention(real)),
    )
    number = np.float32 if real is types.float32 else np.float64
    size = number().itemsize

    def gemm(
        ta: Any, tb: Any, m: Any, n: Any, k: Any, a: Any, b: Any, c: Any,
        rows: Any = 1, part: Any = 0, parts: Any = 1,
    ) -> Any:  # fmt: skip
        top, bottom, left, right = 0, m, 0, n
        if rows:
            top, bottom = share(m, part, parts), share(m, part + 1, parts)
        else:
            left, right = share(n, part, parts), share(n, part + 1, parts)
        if top < bottom and left < right:
            external(
                np.int32(101), np.int32(112 if ta else 111), np.int32(112 if tb else 111),
                whole(bottom - top), whole(right - left), whole(k), number(1),
                a.ctypes.data + size * (top if ta else top * k), whole(m if ta else k),
                b.ctypes.data + size * (left * k if tb else left), whole(k if tb else n),
                number(0), c.ctypes.data + size * (top * n + left), whole(n),
            )  # fmt: skip

    def multiply(*_: Any) -> None:
        """Stand for ``gemm`` in a kernel's text."""

    # As an overload it is compiled once, not once for each size that a text spells out.
    @overload(multiply, jit_options=vector_math.STRICT)
    def chosen(
        ta: Any, tb: Any, m: Any, n: Any, k: Any, a: Any, b: Any, c: Any,
        rows: Any = 1, part: Any = 0, parts: Any = 1,
    ) -> Any:  # fmt: skip
        return gemm

    return multiply


REALS: dict[str, Any] = {"sgemm": types.float32, "dgemm": types.float64}
PRODUCTS = {name: _product(name, real) for name, real in REALS.items()}


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
        "carray": compiler.carray, "np": np, "inf": np.inf, **PRODUCTS,
        **{dtype: getattr(np, dtype) for dtype in _TYPES if dtype != "bool"},
        **{f: getattr(room, f) for room in (vector_math, intrinsics) for f in room.NAMES},
        "bool": np.bool_,
    }  # fmt: skip
    exec(compile(text, f"<kernel {name}>", "exec"), space)
    pointer: Any = types.CPointer
    arguments = tuple(pointer(_TYPES[dtype]) for dtype in dtypes)
    try:
        parts, symbol = _translated(space[name], arguments)
    except NumbaError as error:
        raise CompileError(f"Numba does not compile it: {error}") from error
    parts = [_apart(parts[0], symbol), *parts[1:], _entry(symbol, len(dtypes))]
    return _object(parts, unrolls="row = " in text)


def compile_product(name: str) -> bytes:
    """Return the machine code of ``sgemm`` or ``dgemm``, called as those of C."""
    size = REALS[name].bitwidth // 8
    return _object([gemm.module(ENTRY, size, machine().width, machine().registers)])


def _translated(function: Any, arguments: Sequence[Any]) -> tuple[list[str], str]:
    """Return LLVM's text of a Python function and of all that it calls, and its symbol."""
    with _unoptimised(), _uncollected():
        pipeline: Any = numba_compiler
        compiled = pipeline.compile_extra(
            cpu_target.typing_context, cpu_target.target_context, function, tuple(arguments),
            types.int64, _flags(), {},
        )  # fmt: skip
        parts = [_borrowing(part.get_llvm_str()) for part in _libraries(compiled.library)]
        return parts, compiled.fndesc.mangled_name


def _libraries(library: Any) -> list[Any]:
    """Return Numba's library of a function with those of the functions that it calls.

    To link them is left to `_object`: Numba would emit machine code at the same time.
    """
    return list(dict.fromkeys([library, *library._linking_libraries]))


def _flags() -> Any:
    """Return Numba's settings: LLVM's text is wanted, no code that Python can call."""
    pipeline: Any = numba_compiler
    flags = pipeline.Flags()
    flags.nrt = flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    processor: Any = numba_cpu
    flags.fastmath = processor.FastMathOptions(FAST)
    flags.error_model = "numpy"
    return flags


@contextmanager
def _unoptimised() -> Iterator[None]:
    """Leave optimising to `_object`, which knows more; no other thread compiles meanwhile."""
    with global_compiler_lock:
        cpu_target.target_context.refresh()  # made now, with the options of everybody
        cpu_target.typing_context.refresh()
        config: Any = numba.config
        before = config.OPT, config.LOOP_VECTORIZE
        config.OPT, config.LOOP_VECTORIZE = type(config.OPT)(0), 0
        try:
            yield
        finally:
            config.OPT, config.LOOP_VECTORIZE = before


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile: Numba makes little, and to look takes a sixth of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _borrowing(text: str) -> str:
    """Return LLVM's text without counting references: the arrays belong to the caller."""
    return re.sub(
        r"^define [^\n]*@(NRT_incref|NRT_decref)\(.*?^}",
        r"define linkonce_odr void @\1(ptr %x) alwaysinline {\n  ret void\n}",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def _apart(text: str, symbol: str) -> str:
    """Return LLVM's text with all arrays of a function known not to overlap."""
    head = re.search(rf'^define .*@"?{re.escape(symbol)}"?\(.*$', text, re.MULTILINE)
    assert head is not None, "Numba's text has no native function"
    return text.replace(head.group(0), re.sub(r"\bptr (?!noalias)", "ptr noalias ", head.group(0)))


def _entry(symbol: str, count: int) -> str:
    """Return LLVM's text of a function that takes all pointers in one table.

    Numba's functions take where to leave the result and an error before their arguments.
    """
    lines = [
        f"  %p{i} = getelementptr ptr, ptr %table, i64 {i}\n  %a{i} = load ptr, ptr %p{i}"
        for i in range(count)
    ]
    given = ", ".join(["ptr %result", "ptr %error", *(f"ptr %a{i}" for i in range(count))])
    declared = ", ".join(["ptr"] * (count + 2))
    body = "\n".join(lines)
    return (
        f'declare i32 @"{symbol}"({declared})\n\n'
        f"define i32 @{ENTRY}(ptr %result, ptr %error, ptr %table) {{\n{body}\n"
        f'  %status = call i32 @"{symbol}"({given})\n  ret i32 %status\n}}\n'
    )


def _object(parts: list[str], unrolls: bool = False) -> bytes:
    """Link, optimise and emit machine code."""
    module = llvm.parse_assembly(parts[0])
    for part in parts[1:]:
        module.link_in(llvm.parse_assembly(part))
    for function in module.functions:
        if not function.is_declaration and function.name != ENTRY:
            function.linkage = "internal"
    target = machine().target()
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
    emitted: bytes = target.emit_object(module)
    return emitted
