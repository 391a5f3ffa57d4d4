"""What machine code is made for: the processor, LLVM, BLAS."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import llvmlite.binding as llvm

from chainrule.program.blas import find_blas


@dataclass(frozen=True)
class Machine:
    """The processor and the tools, as far as machine code depends on them.

    Attributes
    ----------
    blas_bits : int
        Of the whole numbers that matrix products take; 0 if there are none.
    own_products : bool
        Whether they are those of `gemm`: where the processor has vectors of 64 bytes. Nothing is
        timed, so that a machine has the same numbers in every run.
    """

    processor: str
    features: str
    triple: str
    tools: str
    blas_bits: int
    own_products: bool

    def target(self) -> Any:
        """Return LLVM's target machine."""
        return llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=self.processor, features=self.features, opt=3, reloc="pic",
            codemodel="jitdefault", jit=True,
        )  # fmt: skip


def _switch() -> Any:
    return ctypes.windll.kernel32.SwitchToThread  # type: ignore[attr-defined,unused-ignore]


@cache
def machine() -> Machine:
    """Return the machine that this process runs on, LLVM made ready."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    own = bool(features.get("avx512f", False))
    blas = None if own else find_blas()
    if blas is not None:
        for name, address in blas.addresses.items():
            llvm.add_symbol(f"chainrule_{name}", address)
    rest: Any = ctypes.CDLL(None).sched_yield if os.name == "posix" else _switch()
    llvm.add_symbol("chainrule_yield", ctypes.cast(rest, ctypes.c_void_p).value or 0)
    tools = " ".join(f"{name} {metadata.version(name)}" for name in ("numba", "llvmlite"))
    return Machine(
        llvm.get_host_cpu_name(),
        features.flatten(),
        llvm.get_process_triple(),
        tools,
        64 if own else blas.bits if blas else 0,
        own,
    )
