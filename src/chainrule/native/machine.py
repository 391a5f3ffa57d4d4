"""What machine code is made for: the processor, LLVM."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from chainrule.native.llvm import Target, initialize

MATHEMATICS = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh",
    "exp", "exp2", "expm1", "floor", "fmod", "hypot", "log", "log10", "log1p", "log2", "pow",
    "rint", "sin", "sinh", "tan", "tanh", "trunc",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """The processor and the tools, as far as machine code depends on them.

    Attributes
    ----------
    width : int
        Bytes of a vector.
    registers : int
        That hold vectors.
    """

    processor: str
    features: str
    triple: str
    tools: str
    width: int
    registers: int

    @property
    def is_x86(self) -> bool:
        """Whether it is one of Intel's kind, of 64 bits."""
        return self.triple.startswith("x86_64")

    @property
    def is_arm(self) -> bool:
        """Whether it is one of Arm's, of 64 bits."""
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def target(self) -> Target:
        """What machine code is made for, in LLVM's words."""
        return Target(self.triple, self.processor, self.features)


def _vectors(features: Any, triple: str) -> tuple[int, int]:
    """Return the bytes of a processor's vectors, and how many registers hold them.

    Nothing is timed, so that a machine has the same numbers in every run.
    """
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx"):
        return 32, 16
    return 16, 32 if triple.startswith(("aarch64", "arm64")) else 16


if sys.platform == "win32":

    def _c_library() -> Any:
        return ctypes.CDLL("ucrtbase")

    def _yield() -> Any:
        return ctypes.windll.kernel32.SwitchToThread

else:

    def _c_library() -> Any:
        """Return the library with C's mathematical functions: only glibc has one of its own."""
        try:
            return ctypes.CDLL("libm.so.6")
        except OSError:  # macOS, musl
            return ctypes.CDLL(None)

    def _yield() -> Any:
        return ctypes.CDLL(None).sched_yield


def _mathematics() -> dict[str, int]:
    """Return the addresses of C's mathematical functions, of both precisions."""
    library = _c_library()
    names = (name + kind for name in MATHEMATICS for kind in ("", "f"))
    found = {name: getattr(library, name, None) for name in names}
    return {
        name: ctypes.cast(function, ctypes.c_void_p).value or 0
        for name, function in found.items()
        if function is not None
    }


@cache
def machine() -> Machine:
    """Return the machine that this process runs on, LLVM made ready."""
    initialize()
    features = llvm.get_host_cpu_features()
    triple = llvm.get_process_triple()
    for name, address in _mathematics().items():
        llvm.add_symbol(name, address)
    llvm.add_symbol("chainrule_yield", ctypes.cast(_yield(), ctypes.c_void_p).value or 0)
    return Machine(
        llvm.get_host_cpu_name(),
        features.flatten(),
        triple,
        f"llvmlite {llvmlite.__version__}",
        *_vectors(features, triple),
    )
