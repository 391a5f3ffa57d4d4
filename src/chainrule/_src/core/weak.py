"""Python's numbers among the values of a recording: beside arrays their dtype does not count.

NumPy computes ``float32_array * 2.0`` in float32, as 2.0 is Python's, and ``float32_array *
np.float64(2.0)`` in float64 (NEP 50). A recording must tell the two apart, also where it runs again
with another number: there the number is a `Weak`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_argument

NUMBERS = (float, int, bool)  # Python's own, not NumPy's, of which float64 is a float too
# What Python computes of its numbers; of these alone the result is Python's again.
OPERATORS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.divide: operator.truediv, np.power: operator.pow, np.floor_divide: operator.floordiv,
    np.remainder: operator.mod, np.negative: operator.neg, np.positive: operator.pos,
    np.absolute: operator.abs, np.invert: operator.invert, np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_, np.bitwise_xor: operator.xor,
}  # fmt: skip


class Weak(np.lib.mixins.NDArrayOperatorsMixin):
    """A number of Python's, with what arrays have.

    NumPy's functions take the number in its place. What operators make of such is such a one again.
    """

    __slots__ = ("number",)
    shape: tuple[int, ...] = ()
    ndim, size = 0, 1

    def __init__(self, number: Any) -> None:
        self.number = number

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that it has where there are no others."""
        return np.dtype(type(self.number))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        given = [plain(x) for x in inputs]
        compute = OPERATORS.get(ufunc)
        weak = all(type(x) in NUMBERS for x in given)
        if method != "__call__" or options or compute is None or not weak:
            return getattr(ufunc, method)(*given, **options)
        try:
            number = compute(*given)
        except (ArithmeticError, ValueError):  # of which NumPy makes infinity or NaN
            number = ufunc(*map(np.float64, given)).item()
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
        """Return it as an array, whose dtype counts."""
        return np.asarray(self.number).astype(dtype)


def innermost(x: Any) -> Any:
    """Return the value of a tensor or a variable, or of the tensor that it is, and so on."""
    while hasattr(x, "value"):
        x = x.value
    return x


def is_weak(x: Any) -> bool:
    """Whether an operand is a number of Python's, recorded or not."""
    if type(x) is np.ndarray:  # as most are
        return False
    x = innermost(x)
    return type(x) is Weak or (isinstance(x, int | float) and not isinstance(x, np.generic))


def counting(x: Any) -> Any:
    """Return what of an operand counts for a result's dtype: its own, or a number of Python's."""
    return plain(innermost(x)) if is_weak(x) else _dtype(x)


def _dtype(x: Any) -> np.dtype[Any]:
    """Return the dtype of a list, whose entries may be tensors: no number in it is weak."""
    if isinstance(x, list | tuple):
        return np.result_type(*map(_dtype, x)) if x else np.dtype(float)
    return getattr(x, "dtype", None) or np.asarray(x).dtype


def common_dtype(*operands: Any) -> np.dtype[Any]:
    """Return the dtype that NumPy computes in; Python's numbers take that of the others."""
    return np.result_type(*map(counting, operands))


def result_type(*parts: Any) -> np.dtype[Any]:
    """Return what NumPy's function of that name does, of tensors as well as of dtypes."""
    return np.result_type(*(counting(x) if hasattr(x, "value") else x for x in parts))


def compared_dtype(*operands: Any) -> np.dtype[Any]:
    """Return the dtype that NumPy compares in.

    It compares whole numbers with those of Python's that their dtype does not hold.
    """
    dtypes = [_dtype(x) for x in operands]
    whole = all(dtype.kind in "iub" for dtype in dtypes)
    return np.result_type(*dtypes) if whole else common_dtype(*operands)


def checked(leaf: Any, name: str, where: str) -> Any:
    """Return an argument of a recorded function, refused if it holds no real numbers."""
    return leaf if type(leaf) is Weak else as_argument(leaf, name, where)


def as_value(leaf: Any) -> Any:
    """Return what a recording works on instead of a leaf: an array, or a number of Python's."""
    if type(leaf) in NUMBERS:
        return Weak(leaf)
    return leaf if type(leaf) is Weak else np.asarray(leaf)


def text_by_shape(array: str, number: str) -> Callable[..., str]:
    """Return the text of an operation on an array, and on a number, which may be Python's."""
    return lambda shapes, dtype=None: (array if shapes[0] else number).format(_name(dtype))


def _name(dtype: Any) -> str:
    name = np.dtype(dtype).name
    return "bool_" if name == "bool" else str(name)


def plain(x: Any) -> Any:
    """Return a number of Python's as itself, within a list or a tuple too."""
    if type(x) in (list, tuple):
        return type(x)(map(plain, x))
    return x.number if type(x) is Weak else x


def strong(x: Any) -> Any:
    """Return a number of Python's as one of NumPy's, with the same dtype."""
    return np.asarray(x.number)[()] if type(x) is Weak else x
