"""Conversion of user input to arrays of real numbers, with the same messages everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.errors import ChainruleError, DataError, ShapeError, shortened
from chainrule._src.base.handles import values_of

Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]
_PLAIN = (np.ndarray, np.generic, int, float)
NUMBERS = frozenset(map(np.dtype, np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"))
_TEXT = "encode categories as whole numbers, for instance with np.unique(x, return_inverse=True)[1]"
_INSTEAD = {  # by the kind of a dtype
    "c": "complex numbers have no gradient in chainrule; write real and imaginary parts as two "
    "real arrays",
    "O": "make numbers of its objects with .astype(float)",
    "U": _TEXT,
    "S": _TEXT,
    "T": _TEXT,
    "M": "subtract a time and divide by np.timedelta64(1, 's') to have seconds",
    "m": "divide by np.timedelta64(1, 's') to have seconds",
    "V": "take a field of its records by name, such as x['a'], or give its numbers with .view()",
}


def refuse_foreign(value: Any, name: str, where: str, frames: bool = True) -> None:
    """Refuse objects of other libraries that must be converted to an array first.

    With ``frames=False`` data frames are accepted, because NumPy converts them.
    """
    if type(value) in _PLAIN:
        return
    if isinstance(value, np.matrix):  # its operator * is the matrix product
        advice = ".A"
    elif isinstance(value, np.ndarray) and hasattr(value, "filled"):
        advice = ".filled(value), which takes the place of what is masked"
    elif isinstance(value, _PLAIN):
        return
    elif hasattr(value, "toarray"):
        advice = ".toarray()"
    elif getattr(value, "requires_grad", False) is True:
        advice = ".detach().numpy()"
    elif frames and hasattr(value, "to_numpy"):
        advice = ".to_numpy()"
    else:
        return
    raise DataError(
        f"{where}: {name} is a {type(value).__module__.partition('.')[0]} {type(value).__name__}, "
        f"expected an array; make one of it with {advice}"
    )


def as_numbers(value: Any, name: str, where: str) -> Array:
    """Return ``value`` as an array of real numbers, or raise an error that says why not."""
    refuse_foreign(value, name, where, frames=False)
    value = values_of(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ShapeError(
            f"{where}: {name} is ragged: its rows have different lengths, an array needs equal ones"
        ) from error
    if array.dtype.kind not in "fiub" and hasattr(value, "to_numpy"):
        raise DataError(
            f"{where}: {name} must hold numbers, but its dtype is {array.dtype}; give its columns "
            "of numbers, with .to_numpy()"
        )
    return numeric(array, name, where)


def as_argument(value: Any, name: str, where: str) -> Any:
    """Return an argument of a recorded function: a Python number, or an array of real numbers."""
    if type(value) is np.ndarray and value.dtype in NUMBERS:
        return value
    if isinstance(value, bool | int | float):
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise DataError(f"{where}: {name} is beyond the range of int64; write it as a float")
        return value
    refuse_foreign(value, name, where)
    return as_numbers(value, name, where)


def numeric(array: Any, name: str, where: str, error: type[ChainruleError] = DataError) -> Array:
    """Return an array of real numbers in the machine's byte order; refuse any other array."""
    dtype = array.dtype
    if dtype.kind in "OUST" and array.ndim == 0:
        raise error(
            f"{where}: {name} is {shortened(repr(array.item()))}, expected an array of numbers; "
            "what is no array (a text, a function, an object) is fixed before, with "
            "functools.partial or a lambda"
        )
    if dtype.kind not in "fiub":
        raise error(
            f"{where}: {name} must hold numbers, but its dtype is {dtype}; {_INSTEAD[dtype.kind]}"
        )
    native: Array = array if dtype.isnative else array.astype(dtype.newbyteorder("="))
    return native


def as_floats(value: Any, name: str, where: str) -> Array:
    """Return ``value`` as a floating array: float32 stays float32, integers become float64."""
    array = as_numbers(value, name, where)
    return array if array.dtype.kind == "f" else array.astype(np.float64)
