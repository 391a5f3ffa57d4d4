"""Literals: parameters and constants written as Python expressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.core.equations import Equation, Filled, Variable
from chainrule._src.core.weak import is_weak
from chainrule._src.trace.batch import BatchScaled, Counted, Diagonal, Linear

LARGEST = 1000  # entries of the largest constant array that is written in the text


def literal_text(value: Any, equation: Equation | None = None) -> str:
    """Return a parameter or a constant of ``equation`` as Python, the batch size as ``n``."""
    if isinstance(value, Linear):
        return str(value)
    if isinstance(value, BatchScaled):
        return _scaled_text(value, equation)
    if isinstance(value, Filled):
        return _filled_text(value)
    if isinstance(value, Counted):
        sizes = value.shape
        size = next((s for s in sizes if s != 1), 1)
        ends = size if not value.start else (value.start, size + value.start)
        counted = f"np.arange({literal_text(ends).strip('()')})"
        return counted if len(sizes) == 1 else f"{counted}.reshape({literal_text(sizes)})"
    if isinstance(value, Diagonal):
        return _diagonal_text(value)
    if isinstance(value, tuple | list):
        inside = ", ".join(literal_text(part) for part in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.ndarray | np.generic):
        return _array_text(np.asarray(value), equation)
    if isinstance(value, type) and issubclass(value, np.generic):
        return _dtype_text(np.dtype(value))
    if isinstance(value, float):
        return _float_text(value, _is_floating(equation))
    return repr(value)


def _filled_text(filled: Filled) -> str:
    """Return an array of equal entries as Python."""
    shape, number = literal_text(filled.shape), literal_text(filled.number)
    function = {"0": "zeros", "1": "ones"}.get(number)
    if function is None:
        return f"np.full({shape}, {number}, {_dtype_text(filled.dtype)})"
    dtype = "" if filled.dtype == np.float64 else f", {_dtype_text(filled.dtype)}"
    return f"np.{function}({shape}{dtype})"


def _diagonal_text(matrix: Diagonal) -> str:
    """Return a matrix with one number on each side of the diagonal as Python."""
    size, dtype = literal_text(next(s for s in matrix.shape if s != 1)), matrix.dtype
    named = "" if dtype == np.float64 else f", dtype={_dtype_text(dtype)}"
    below, on, above = (_number_text(x) for x in matrix.numbers)
    if matrix.numbers == (0, 1, 0):
        text = f"np.eye({size}{named})"
    elif matrix.numbers in ((1, 1, 0), (1, 0, 0)):
        text = f"np.tri({size}{named})" if matrix.numbers[1] else f"np.tri({size}, k=-1{named})"
    else:
        masks = {"np.eye({}, dtype=bool)": on, "np.tri({}, dtype=bool)": below}
        text = above
        for mask, number in reversed(masks.items()):
            if number != text:
                text = f"np.where({mask.format(size)}, {number}, {text})"
        if dtype not in (np.float64, np.int64, np.bool_):
            text = f"{text}.astype({_dtype_text(dtype)})"
    return text if len(matrix.shape) == 2 else f"{text}.reshape({literal_text(matrix.shape)})"


def _number_text(number: Any) -> str:
    """Return a number as Python, a float with its point."""
    return _float_text(number, short=False) if isinstance(number, float) else str(number)


def result_text(value: Any) -> str:
    """Return a constant that is a result as Python, with its dtype."""
    text, dtype = literal_text(value), getattr(value, "dtype", None)
    number = dtype is not None and not getattr(value, "shape", ())
    return f"{_dtype_text(np.dtype(dtype))}({text})" if number else text


def _is_floating(equation: Equation | None) -> bool:
    """Return true if ``2`` may be written for ``2.0``, because an operand is a float.

    NumPy then promotes the integer.
    """
    return equation is None or any(v.dtype.kind == "f" for v in equation.variables)


def _scaled_text(scaled: BatchScaled, equation: Equation | None) -> str:
    if scaled.dtype is None:
        is_int = not scaled.divides and not _is_floating(equation)
        return f"float({scaled})" if is_int else str(scaled)
    number: int | float = 0.0 if scaled.divides or scaled.factor % 1 else 0
    if _is_weak(number, scaled.dtype, equation):
        return str(scaled)
    return f"{_dtype_text(scaled.dtype)}({scaled})"


def _is_weak(number: float, dtype: np.dtype[Any], equation: Equation | None) -> bool:
    """Return true if a Python number may be written for a number of ``dtype``.

    NumPy gives it the dtype of the operands beside it only in a primitive that broadcasts.
    """
    if equation is None:
        return True
    beside = [v.dtype for v in _counting(equation) if equation.primitive.broadcasts]
    return np.result_type(*beside, number) == np.result_type(*beside, dtype) == dtype


def _counting(equation: Equation) -> list[Variable]:
    """Return the operands whose dtype takes part in type promotion."""
    return [v for v in equation.variables if not is_weak(v)]


def _array_text(array: Any, equation: Equation | None) -> str:
    if array.ndim == 0:
        text = _float_text(array[()]) if array.dtype.kind == "f" else str(array)
        dtypes = {v.dtype for v in _counting(equation)} if equation else {array.dtype}
        # A Python number takes the dtype of the other operands only where NumPy broadcasts.
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


def _float_text(x: Any, short: bool = True) -> str:
    if np.isnan(x):
        return "np.nan"
    if np.isinf(x):
        return "np.inf" if x > 0 else "-np.inf"
    text = str(x)
    short = short and abs(float(x)) < 1e6 and text != "-0.0"  # the integer -0 has no sign
    return text.removesuffix(".0") if short else text


def _dtype_text(dtype: np.dtype[Any]) -> str:
    return {"bool": "np.bool_"}.get(dtype.name, f"np.{dtype.name}")
