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
    """

    addresses: dict[str, int]
    bits: int


# OpenBLAS as NumPy's wheels name it, then the names of other builds.
_SPELLINGS = (
    ("scipy_cblas_{}64_", 64),
    ("cblas_{}64_", 64),
    ("scipy_cblas_{}", 32),
    ("cblas_{}", 32),
)


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
            return Blas(addresses, bits)
    return None
