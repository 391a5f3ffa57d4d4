"""The error function: SciPy's, ten times as fast as Python's, where SciPy is installed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.base.extras import is_installed
from chainrule._src.base.interrupts import load


def erf(x: Any) -> Any:
    """Return the error function of every entry."""
    return np.vectorize(math.erf, otypes=[x.dtype])(x)


def fast_erf(x: Any) -> Any:
    """Return the error function of every entry, computed by SciPy if it is installed."""
    return load("scipy.special").erf(x) if is_installed("scipy") else erf(x)[()]
