"""Parameters and constants, written as Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Equation, Filled, Variable
from chainrule._src.core.weak import is_weak
from chainrule._src.trace.batch import BatchScaled, Counted, Linear

LARGEST = 1000  # entries of a constant array that may stand in the text


def literal_text(thing: Any, equation: Equation | None = None) -> str:
    """Write a parameter or a constant of ``equation`` as Python, the batch size as ``n``."""
    if isinstance(thing, Linear):
        return str(thing)
    if isinstance(thing, BatchScaled):
        return _scaled_text(thing, equation)
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
        return _float_text(thing, _is_floating(equation))
    return repr(thing)


def result_text(thing: Any) -> str:
    """Write a constant that is a result, with its dtype."""
    text, dtype = literal_text(thing), getattr(thing, "dtype", None)
    number = dtype is not None and not getattr(thing, "shape", ())
    return f"{_dtype_text(np.dtype(dtype))}({text})" if number else text


def _is_floating(equation: Equation | None) -> bool:
    """Whether a whole number does as well as a float: beside integers it would stay whole."""
    return equation is None or any(v.dtype.kind == "f" for v in equation.variables)


def _scaled_text(scaled: BatchScaled, equation: Equation | None) -> str:
    if scaled.dtype is None:
        whole = not scaled.divides and not _is_floating(equation)
        return f"float({scaled})" if whole else str(scaled)
    number: int | float = 0.0 if scaled.divides or scaled.factor % 1 else 0
    if _is_weak(number, scaled.dtype, equation):
        return str(scaled)
    return f"{_dtype_text(scaled.dtype)}({scaled})"


def _is_weak(number: float, dtype: np.dtype[Any], equation: Equation | None) -> bool:
    """Whether a Python number does as well as one of ``dtype``: NumPy makes it one of ``dtype``.

    It takes the dtype of what stands beside it only in a primitive that broadcasts.
    """
    if equation is None:
        return True
    beside = [v.dtype for v in _counting(equation) if equation.primitive.broadcasts]
    return np.result_type(*beside, number) == np.result_type(*beside, dtype) == dtype


def _counting(equation: Equation) -> list[Variable]:
    """Return the operands whose dtype counts for the result's."""
    return [v for v in equation.variables if not is_weak(v)]


def _array_text(array: Any, equation: Equation | None) -> str:
    if array.ndim == 0:
        text = _float_text(array[()]) if array.dtype.kind == "f" else str(array)
        dtypes = {v.dtype for v in _counting(equation)} if equation else {array.dtype}
        # Only where NumPy broadcasts does a Python number take the dtype of what stands beside it.
        weak = equation is None or equation.primitive.broadcasts or array.dtype == np.float64
        if (dtypes == {array.dtype} and weak) or array.dtype.kind == "b":
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


def _float_text(x: Any, whole: bool = True) -> str:
    if np.isnan(x):
        return "np.nan"
    if np.isinf(x):
        return "np.inf" if x > 0 else "-np.inf"
    text = str(x)
    whole = whole and abs(x) < 1e6 and text != "-0.0"  # -0 is 0
    return text.removesuffix(".0") if whole else text


def _dtype_text(dtype: np.dtype[Any]) -> str:
    return {"bool": "np.bool_"}.get(dtype.name, f"np.{dtype.name}")
