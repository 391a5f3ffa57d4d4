"""The kind of machine that machine code is written for."""

from __future__ import annotations

from typing import NamedTuple


class Machine(NamedTuple):
    """The properties of a processor and an operating system that machine code depends on.

    Attributes
    ----------
    triple : str
        LLVM's target triple: architecture, vendor, operating system and object format.
    processor : str
        LLVM's name of the processor.
    features : str
        LLVM's list of features that this processor has or lacks.
    width : int
        The bytes of a vector.
    registers : int
        The number of vector registers.
    addresses : int
        The number of registers for addresses and integers.
    model : str
        LLVM's code model: the largest distance between code and data. It is "large" because the
        system may place machine code anywhere.
    """

    triple: str
    processor: str
    features: str
    width: int
    registers: int
    addresses: int = 16
    model: str = "large"

    @property
    def is_x86(self) -> bool:
        """True if the processor is a 64-bit x86 processor."""
        return self.triple.startswith("x86_64")

    @property
    def is_arm(self) -> bool:
        """True if the processor is a 64-bit ARM processor."""
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def is_wasm(self) -> bool:
        """True if the target is WebAssembly with addresses of 32 bits."""
        return self.triple.startswith("wasm32")

    @property
    def is_windows(self) -> bool:
        """True if the operating system is Windows."""
        return "windows" in self.triple
