"""Parameters and constants, written as Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import TraceError
from chainrule.program.batch import Counted, Filled, Linear, Scaled
from chainrule.program.program import Equation

LARGEST = 1000  # entries of a constant array that may stand in the text


def literal_text(thing: Any, equation: Equation | None = None) -> str:
    """Write a parameter or a constant of ``equation`` as Python, the batch size as ``n``."""
    if isinstance(thing, Linear | Scaled):
        return str(thing)
    if isinstance(thing, Filled):
        shape, number = literal_text(thing.shape), literal_text(thing.number)
        return f"np.full({shape}, {number}, {_dtype_text(thing.dtype)})"
    if isinstance(thing, Counted):
        sizes = thing.shape
        size = next((s for s in sizes if s != 1), 1)
        counted = f"np.arange({literal_text(size)})"
        return counted if len(sizes) == 1 else f"{counted}.reshape({literal_text(sizes)})"
    if isinstance(thing, tuple | list):
        inside = ", ".join(literal_text(part) for part in thing)
        if isinstance(thing, list):
            return f"[{inside}]"
        return f"({inside},)" if len(thing) == 1 else f"({inside})"
    if isinstance(thing, np.ndarray | np.generic):
        return _array_text(np.asarray(thing), equation)
    if isinstance(thing, type) and issubclass(thing, np.generic):
        return _dtype_text(np.dtype(thing))
    if isinstance(thing, float):
        return _float_text(thing)
    return repr(thing)


def _array_text(array: Any, equation: Equation | None) -> str:
    if array.ndim == 0:
        text = _float_text(array[()]) if array.dtype.kind == "f" else str(array)
        dtypes = {v.dtype for v in equation.variables} if equation else {array.dtype}
        if dtypes == {array.dtype} or array.dtype.kind == "b":
            return text
        return f"{_dtype_text(array.dtype)}({text})"
    if array.size > LARGEST:
        raise TraceError(
            f"the code uses a constant array of shape {array.shape}, too large to write out; make "
            "it an argument of the function"
        )
    flat = ", ".join(_float_text(x) if array.dtype.kind == "f" else str(x) for x in array.ravel())
    text = f"np.array([{flat}], {_dtype_text(array.dtype)})"
    return text if array.ndim == 1 else f"{text}.reshape({array.shape})"


def _float_text(x: Any) -> str:
    if np.isnan(x):
        return "np.nan"
    if np.isinf(x):
        return "np.inf" if x > 0 else "-np.inf"
    text = str(x)
    return text.removesuffix(".0") if float(x).is_integer() and abs(x) < 1e6 else text


def _dtype_text(dtype: np.dtype[Any]) -> str:
    return {"bool": "np.bool_"}.get(dtype.name, f"np.{dtype.name}")
