"""Weak numbers: Python's numbers in a recording, whose dtype gives way to that of arrays.

NumPy computes ``float32_array * 2.0`` in float32, because 2.0 is a Python number, but
``float32_array * np.float64(2.0)`` in float64 (NEP 50). A recording must distinguish the two, also
when it runs again with another number: then the number is a `Weak`.

A supporting module of `elementwise` and `tensor`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_argument

NUMBERS = (float, int, bool)  # exact types: np.float64 is a subclass of float
# The ufuncs that are Python operators; only for these is the result a Python number again.
OPERATORS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.divide: operator.truediv, np.power: operator.pow, np.floor_divide: operator.floordiv,
    np.remainder: operator.mod, np.negative: operator.neg, np.positive: operator.pos,
    np.absolute: operator.abs, np.invert: operator.invert, np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
}  # fmt: skip


class Weak(np.lib.mixins.NDArrayOperatorsMixin):
    """A Python number with the attributes of an array.

    NumPy's functions compute with the number itself. The operators return a `Weak` again.
    """

    __slots__ = ("number",)
    shape: tuple[int, ...] = ()
    ndim, size = 0, 1

    def __init__(self, number: Any) -> None:
        self.number = number

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that NumPy gives the number without other operands."""
        return np.dtype(type(self.number))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        numbers = [plain(x) for x in inputs]
        compute = OPERATORS.get(ufunc)
        weak = all(type(x) in NUMBERS for x in numbers)
        if method != "__call__" or options or compute is None or not weak:
            return getattr(ufunc, method)(*numbers, **options)
        try:
            number = compute(*numbers)
        except (ArithmeticError, ValueError):  # NumPy returns infinity or NaN instead
            number = ufunc(*map(np.float64, numbers)).item()
        return Weak(np.nan if isinstance(number, complex) else number)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return function(*map(plain, args), **{name: plain(x) for name, x in kwargs.items()})

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self.number, dtype)

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self.number)[index]

    def __float__(self) -> float:
        return float(self.number)

    def __int__(self) -> int:
        return int(self.number)

    def __index__(self) -> int:
        return operator.index(self.number)

    def __bool__(self) -> bool:
        return bool(self.number)

    def __repr__(self) -> str:
        return repr(self.number)

    __hash__ = None  # type: ignore[assignment]

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Return the number as an array with this dtype."""
        return np.asarray(self.number).astype(dtype)


def innermost(x: Any) -> Any:
    """Return the plain value inside a tensor or variable, however deeply tensors are nested."""
    while hasattr(x, "value"):
        x = x.value
    return x


def is_weak(x: Any) -> bool:
    """Return true if an operand is a Python number, recorded or not."""
    if type(x) is np.ndarray:  # the most frequent case
        return False
    x = innermost(x)
    return type(x) is Weak or (isinstance(x, int | float) and not isinstance(x, np.generic))


def dtype_or_number(x: Any) -> Any:
    """Return an operand's part in NumPy's type promotion: a dtype, or a Python number."""
    return plain(innermost(x)) if is_weak(x) else _dtype(x)


def _dtype(x: Any) -> np.dtype[Any]:
    """Return a dtype; the numbers in a list count with NumPy's default dtypes.

    The entries of a list may be tensors.
    """
    if isinstance(x, list | tuple):
        return np.result_type(*map(_dtype, x)) if x else np.dtype(float)
    return getattr(x, "dtype", None) or np.asarray(x).dtype


def common_dtype(*operands: Any) -> np.dtype[Any]:
    """Return the dtype that NumPy computes in for these operands."""
    return np.result_type(*map(dtype_or_number, operands))


def result_type(*parts: Any) -> np.dtype[Any]:
    """Return the result of ``np.result_type``, for tensors as well as for dtypes."""
    return np.result_type(*(dtype_or_number(x) if hasattr(x, "value") else x for x in parts))


def compared_dtype(*operands: Any) -> np.dtype[Any]:
    """Return the dtype in which NumPy compares these operands.

    If all are whole numbers, a Python number counts with its own dtype, because it may be outside
    the range of the other's.
    """
    dtypes = [_dtype(x) for x in operands]
    all_whole = all(dtype.kind in "iub" for dtype in dtypes)
    return np.result_type(*dtypes) if all_whole else common_dtype(*operands)


def checked(leaf: Any, name: str, where: str) -> Any:
    """Return an argument of a recorded function; refuse one that has no real numbers."""
    return leaf if type(leaf) is Weak else as_argument(leaf, name, where)


def as_value(leaf: Any) -> Any:
    """Return the value that a recording computes with: an array, or a `Weak` number."""
    if type(leaf) in NUMBERS:
        return Weak(leaf)
    return leaf if type(leaf) is Weak else np.asarray(leaf)


def text_by_shape(array: str, number: str) -> Callable[..., str]:
    """Return a text rule with one template for arrays and another for single numbers."""
    return lambda shapes, dtype=None: (array if shapes[0] else number).format(_name(dtype))


def _name(dtype: Any) -> str:
    name = np.dtype(dtype).name
    return "bool_" if name == "bool" else str(name)


def plain(x: Any) -> Any:
    """Return a `Weak` as its Python number, also within a list or a tuple."""
    if type(x) in (list, tuple):
        return type(x)(map(plain, x))
    return x.number if type(x) is Weak else x


def strong(x: Any) -> Any:
    """Return a `Weak` as a NumPy number of the same dtype; other values unchanged."""
    return np.asarray(x.number)[()] if type(x) is Weak else x
