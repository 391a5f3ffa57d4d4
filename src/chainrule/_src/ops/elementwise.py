"""Elementwise operations that need more than one line: ``clip``, and the error function.

NumPy has no error function; SciPy's is called.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule._src.core.elementwise import ELEMENTWISE, SCALARS, of_dtype
from chainrule._src.core.kernel import Elementwise
from chainrule._src.core.primitive import unbroadcast
from chainrule._src.core.weak import common_dtype
from chainrule._src.ops.error_function import erf, fast_erf

ERF = ELEMENTWISE.add(
    "erf",
    fast_erf,
    (lambda g, y, x: g * (2 / math.sqrt(math.pi)) * np.exp(-(x**2)),),
    "erf(_0)",
    kernel=Elementwise("erf(_0)"),
    helpers=(erf,),
)


@ELEMENTWISE.implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = a if hasattr(a, "dtype") else np.asarray(a)
    if a.dtype.kind in "iu":  # a bound beyond the dtype's range is dropped
        limits = np.iinfo(a.dtype)
        low = None if type(low) is int and low <= limits.min else low
        high = None if type(high) is int and high >= limits.max else high
    if low is not None and high is not None:
        # Promoted with both bounds at once: booleans with the bound -1 alone would become int64.
        a = of_dtype(a, common_dtype(a, low, high))
    y = a if low is None else CLIP_LOW(a, low)
    return y if high is None else CLIP_HIGH(y, high)


CLIP_LOW = ELEMENTWISE.add(
    "clip_low",
    np.maximum,
    (
        lambda g, y, x, low: unbroadcast(g * (x >= low), x),
        lambda g, y, x, low: unbroadcast(g * (x < low), low),
    ),
    "np.maximum(_0, _1)",
    kernel=Elementwise(SCALARS["maximum"]),
)
CLIP_HIGH = ELEMENTWISE.add(
    "clip_high",
    np.minimum,
    (
        lambda g, y, x, high: unbroadcast(g * (x <= high), x),
        lambda g, y, x, high: unbroadcast(g * (x > high), high),
    ),
    "np.minimum(_0, _1)",
    kernel=Elementwise(SCALARS["minimum"]),
)
