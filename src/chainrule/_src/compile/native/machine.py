"""The machine that this process runs on: its processor, and C's mathematical functions."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from chainrule._src.compile.native.llvm import initialize
from chainrule._src.compile.native.target import Machine

MATHEMATICS = (
    "ceil", "ceilf", "cos", "floor", "floorf", "fmod", "fmodf", "rint", "rintf", "sin", "sincos",
    "trunc", "truncf",
)  # fmt: skip


def _registers(features: Any, triple: str) -> tuple[int, int, int]:
    """Return a processor's vector width in bytes, and its numbers of vector and address registers.

    Nothing is timed, so that a machine has the same numbers in every run.
    """
    if features.get("avx512f"):
        return 64, 32, 16
    if features.get("avx"):
        return 32, 16, 16
    return (16, 32, 31) if triple.startswith(("aarch64", "arm64")) else (16, 16, 16)


if sys.platform == "win32":

    def _c_library() -> Any:
        return ctypes.CDLL("ucrtbase")

    def _yield() -> Any:
        return ctypes.windll.kernel32.SwitchToThread

else:

    def _c_library() -> Any:
        """Return the library of C's mathematical functions, which is separate with glibc alone."""
        try:
            return ctypes.CDLL("libm.so.6")
        except OSError:  # macOS, musl
            return ctypes.CDLL(None)

    def _yield() -> Any:
        return ctypes.CDLL(None).sched_yield


def _mathematics() -> dict[str, int]:
    """Return the addresses of C's mathematical functions."""
    library = _c_library()
    functions = {name: getattr(library, name, None) for name in MATHEMATICS}
    return {
        name: ctypes.cast(function, ctypes.c_void_p).value or 0
        for name, function in functions.items()
        if function is not None
    }


@cache
def host() -> Machine:
    """Initialize LLVM, and return the machine that this process runs on."""
    initialize()
    features = llvm.get_host_cpu_features()
    triple = llvm.get_process_triple()
    for name, address in _mathematics().items():
        llvm.add_symbol(name, address)
    llvm.add_symbol("chainrule_yield", ctypes.cast(_yield(), ctypes.c_void_p).value or 0)
    registers = _registers(features, triple)
    target = Machine(triple, llvm.get_host_cpu_name(), features.flatten(), *registers)
    return on_windows(target) if target.is_windows else target


def on_windows(target: Machine) -> Machine:
    """Return the target whose object files LLVM's loader accepts on Windows.

    For x86, the loader aborts the process on Windows' object format unless the sections happen to
    be in order, so ELF is used. For ARM, LLVM 22 aborts on ELF and has no large code model.
    """
    if target.is_arm:
        return target._replace(model="small")
    return target._replace(triple=f"{target.triple}-elf")
