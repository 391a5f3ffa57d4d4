"""NumPy's own BLAS, found in NumPy: matrix products without a package more."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, NamedTuple

import numpy as np


class Blas(NamedTuple):
    """Where the matrix products are.

    Attributes
    ----------
    addresses : dict of str to int
        Of ``sgemm`` and ``dgemm`` in C's convention (``cblas_sgemm``).
    bits : int
        Of its whole numbers.
    core : str
        The processor that OpenBLAS takes this one for; "" if it is another BLAS.
    """

    addresses: dict[str, int]
    bits: int
    core: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether its kernels are known to use vectors of 32 bytes at most."""
        return self.core in _NARROW


# OpenBLAS as NumPy's wheels name it, then the names of other builds.
_SPELLINGS = (
    ("scipy_cblas_{}64_", 64),
    ("cblas_{}64_", 64),
    ("scipy_cblas_{}", 32),
    ("cblas_{}", 32),
)


# OpenBLAS's names of x86 processors without AVX-512.
_NARROW = {
    "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Nano", "Opteron",
    "Opteron_SSE3", "Barcelona", "Bobcat", "Bulldozer", "Piledriver", "Steamroller", "Excavator",
    "Sandybridge", "Haswell", "Zen",
}  # fmt: skip


@cache
def find_blas() -> Blas | None:
    """Return NumPy's matrix products, or None where they cannot be found."""
    core: Any = np._core  # type: ignore[attr-defined]
    try:
        library = ctypes.CDLL(core._multiarray_umath.__file__)
    except (AttributeError, OSError):
        return None
    for spelling, bits in _SPELLINGS:
        addresses = {}
        for name in ("sgemm", "dgemm"):
            function = getattr(library, spelling.format(name), None)
            if function is not None:
                addresses[name] = ctypes.cast(function, ctypes.c_void_p).value or 0
        if len(addresses) == 2:
            return Blas(addresses, bits, _core(library, spelling))
    return None


def _core(library: Any, spelling: str) -> str:
    name = spelling.replace("cblas_{}", "openblas_{}").format("get_corename")
    function = getattr(library, name, None)
    if function is None:
        return ""
    function.restype = ctypes.c_char_p
    return str(function().decode())
