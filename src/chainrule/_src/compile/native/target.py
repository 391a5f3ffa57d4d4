"""The kind of machine that code is written for, as a value that emission takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A processor and an operating system, as far as machine code depends on them.

    Attributes
    ----------
    triple : str
        Architecture, vendor, system and format of objects, in LLVM's words.
    processor : str
        Its name in LLVM's words.
    features : str
        What it has beyond others of its name, or lacks, in LLVM's words.
    width : int
        Bytes of a vector.
    registers : int
        That hold vectors.
    addresses : int
        Registers that hold addresses and whole numbers.
    model : str
        How far code and numbers may be from each other, in LLVM's words. Memory for machine code
        is wherever the system has some.
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
        """Whether it is one of Intel's kind, of 64 bits."""
        return self.triple.startswith("x86_64")

    @property
    def is_arm(self) -> bool:
        """Whether it is one of Arm's, of 64 bits."""
        return self.triple.startswith(("aarch64", "arm64"))

    @property
    def is_windows(self) -> bool:
        """Whether the system is Windows."""
        return "windows" in self.triple
