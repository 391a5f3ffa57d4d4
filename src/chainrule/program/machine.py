"""What machine code is made for: the processor, LLVM."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import llvmlite.binding as llvm


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

    def target(self) -> Any:
        """Return LLVM's target machine."""
        return llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=self.processor, features=self.features, opt=3, reloc="pic",
            codemodel="jitdefault", jit=True,
        )  # fmt: skip


def _vectors(features: Any, triple: str) -> tuple[int, int]:
    """Return the bytes of a processor's vectors, and how many registers hold them.

    Nothing is timed, so that a machine has the same numbers in every run.
    """
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx"):
        return 32, 16
    return 16, 32 if triple.startswith(("aarch64", "arm64")) else 16


def _switch() -> Any:
    return ctypes.windll.kernel32.SwitchToThread  # type: ignore[attr-defined,unused-ignore]


@cache
def machine() -> Machine:
    """Return the machine that this process runs on, LLVM made ready."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    triple = llvm.get_process_triple()
    rest: Any = ctypes.CDLL(None).sched_yield if os.name == "posix" else _switch()
    llvm.add_symbol("chainrule_yield", ctypes.cast(rest, ctypes.c_void_p).value or 0)
    tools = " ".join(f"{name} {metadata.version(name)}" for name in ("numba", "llvmlite"))
    return Machine(
        llvm.get_host_cpu_name(),
        features.flatten(),
        triple,
        tools,
        *_vectors(features, triple),
    )
