"""Observation of the batch size: the sizes that the recorded code reads, and their uses.

The lines that a function runs may depend on the batch size: ``if len(X) > 7``. A recording does not
show that, so a function is observed before its program is written as text. The code then reads
sizes as `Size` objects, which know how they depend on the batch size. A comparison shows at which
batch size its outcome changes. A use other than arithmetic, such as a text or a logarithm, shows
that the code may depend on the batch size in any way.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import math
import operator
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from chainrule._src.base.users_code import is_users
from chainrule._src.core.observing import not_followed, observation

_length, _arange, _tri = builtins.len, np.arange, np.tri
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__))) + os.sep
_SHAPING = {  # NumPy functions that take sizes as the shape of their result
    "broadcast_to", "empty", "eye", "full", "identity", "ones", "reshape", "resize", "tile",
    "zeros",
}  # fmt: skip
_one_at_a_time = threading.RLock()


class SizeReader:
    """Observer of the sizes of arrays that the user's code reads in one run of a function.

    Parameters
    ----------
    n : int
        The batch size.
    larger : list of tuple of int, optional
        The shapes that were read in a run with one more sample. If given, the code gets `Size`
        objects.

    Attributes
    ----------
    shapes : list of tuple of int
        The shapes that were read, in order.
    turning_points : set of int
        Batch sizes around which the outcome of a comparison changes.
    follows : bool
        True while all uses of sizes are arithmetic or comparisons.
    """

    def __init__(self, n: int, larger: list[tuple[int, ...]] | None = None) -> None:
        self.n, self.larger = n, larger
        self.shapes: list[tuple[int, ...]] = []
        self.turning_points: set[int] = set()
        self.follows = True

    def plain(self, tree: Any) -> Any:
        """Return arguments or an index with sizes replaced by plain numbers."""
        return plain(tree)

    def read(self, shape: tuple[int, ...], library: str) -> Any:
        """Return the shape for the code; sizes that depend on the batch size become `Size` objects.

        ``library`` is a file that reads shapes on behalf of its caller.
        """
        if not _is_read_by_user(library):
            return shape
        self.shapes.append(shape)
        if self.larger is None:
            return shape
        position = _length(self.shapes) - 1
        other = self.larger[position] if position < _length(self.larger) else ()
        if _length(other) != _length(shape):
            self.follows = False
            return shape
        pairs = zip(shape, other, strict=True)
        return tuple(
            a if a == b else Size(self, a, (a - self.n * (b - a), b - a)) for a, b in pairs
        )


def _is_read_by_user(library: str) -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename in (library, __file__):
        frame = frame.f_back
    return frame is not None and is_users(frame.f_code.co_filename)


class Size:
    """A number that depends on the batch size ``n``.

    Parameters
    ----------
    reader : SizeReader
        Records how the number is used.
    value : number
        The value in this run.
    linear : tuple of number, optional
        Offset and slope, if the number is ``offset + slope * n``.
    is_share : bool
        True if the number is a constant divided by ``n``.
    """

    def __init__(
        self, reader: SizeReader, value: Any, linear: Any = None, is_share: bool = False
    ) -> None:
        self.reader, self.value, self.linear, self.is_share = reader, value, linear, is_share

    def number(self) -> Any:
        """Return the plain number for an operation that is recorded."""
        self.reader.follows &= self.linear is not None or self.is_share
        return self.value

    def lost(self) -> Any:
        """Return the plain number for a use that cannot be followed."""
        self.reader.follows = False
        return self.value

    def compared(self, other: Any, function: Callable[[Any, Any], Any]) -> Any:
        """Return the outcome of a comparison, and note the batch size at which it changes."""
        if not _is_number(other):
            return NotImplemented
        form = _linear(other)
        if self.linear is None or form is None:
            self.reader.follows = False
        elif self.linear[1] != form[1]:
            point = math.floor((form[0] - self.linear[0]) / (self.linear[1] - form[1]))
            self.reader.turning_points |= {point - 1, point, point + 1, point + 2}
        return function(self.value, _value(other))

    def __index__(self) -> int:
        return operator.index(self.number() if _makes_a_shape() else self.lost())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self.number(), dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if not any(hasattr(type(each), "read_shape") for each in inputs):
            self.lost()
        return getattr(ufunc, method)(*plain(inputs), **options)

    def __bool__(self) -> bool:
        return bool(self.compared(0, operator.ne))

    def __float__(self) -> float:
        return float(self.lost())

    def __int__(self) -> int:
        return int(self.lost())

    def __hash__(self) -> int:
        return hash(self.lost())

    def __repr__(self) -> str:
        return repr(self.lost())

    def __format__(self, spec: str) -> str:
        return format(self.lost(), spec)


def _makes_a_shape() -> bool:
    """Return true if a function that creates an array asks for the number as a size.

    What `range`, an index or another function does with a plain number cannot be followed.
    """
    frame: FrameType | None = sys._getframe(2)
    assert frame is not None
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    if is_users(file):
        name = _called(frame)
    elif file.startswith(_PACKAGE):  # chainrule's uses show in the recording
        return True
    return name in _SHAPING


def _called(frame: FrameType) -> str:
    """Return the name of the function that the frame's current instruction calls, or ""."""
    positions = [*frame.f_code.co_positions()][frame.f_lasti // 2]
    first, last, start, end = (number or 0 for number in positions)
    file, numbers = frame.f_code.co_filename, range(first, last + 1)
    lines = [linecache.getline(file, number).encode() for number in numbers]
    if not lines or not end:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        call = ast.parse(b"".join(lines).decode(), mode="eval").body
    except (SyntaxError, UnicodeError):
        return ""
    function = getattr(call, "func", None)
    return str(getattr(function, "attr", getattr(function, "id", "")))


def _is_number(value: Any) -> bool:
    return isinstance(value, Size | int | float) or (
        type(value).__module__ == "numpy"
        and (getattr(value, "shape", None) == () and hasattr(value, "item"))
    )


def _value(number: Any) -> Any:
    return number.value if isinstance(number, Size) else number


def _linear(number: Any) -> Any:
    """Return offset and slope of a number, or None if there are none."""
    from fractions import Fraction  # which loads `decimal`: a tenth of the time of our import

    if isinstance(number, Size):
        return number.linear
    exact = number.item() if hasattr(number, "item") else number
    return (Fraction(exact), 0) if math.isfinite(exact) else None


def _sum(one: Any, two: Any) -> Any:
    return one[0] + two[0], one[1] + two[1]


def _difference(one: Any, two: Any) -> Any:
    return one[0] - two[0], one[1] - two[1]


def _product(one: Any, two: Any) -> Any:
    if one[1] and two[1]:
        return None
    return (one[0] * two[0], one[1] * two[0] + two[1] * one[0])


def _quotient(one: Any, two: Any) -> Any:
    return (one[0] / two[0], one[1] / two[0]) if two[0] and not two[1] else None


_LINEAR = {"add": _sum, "sub": _difference, "mul": _product, "truediv": _quotient}


def _result(name: str, one: Any, two: Any, reader: SizeReader) -> Any:
    """Return the result of an operator on two numbers, at least one of which is a `Size`."""
    if not (_is_number(one) and _is_number(two)):
        return NotImplemented
    value = getattr(operator, name)(_value(one), _value(two))
    forms = _linear(one), _linear(two)
    linear = _LINEAR[name](*forms) if name in _LINEAR and None not in forms else None
    return Size(reader, value, linear, _is_share(name, one, two, forms))


def _is_share(name: str, one: Any, two: Any, forms: Any) -> bool:
    """Return true if the result is a constant divided by the batch size."""
    if name == "truediv":
        return None not in forms and not forms[0][1] and not forms[1][0]
    shares = [isinstance(each, Size) and each.is_share for each in (one, two)]
    return name == "mul" and shares.count(True) == 1 and not any(form and form[1] for form in forms)


def _add_operators() -> None:
    def binary(name: str) -> tuple[Any, Any]:
        return (
            lambda self, other: _result(name, self, other, self.reader),
            lambda self, other: _result(name, other, self, self.reader),
        )

    def comparison(name: str) -> Any:
        return lambda self, other: self.compared(other, getattr(operator, name))

    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        forward, backward = binary(name)
        setattr(Size, f"__{name}__", forward)
        setattr(Size, f"__r{name}__", backward)
    for name in ("lt", "le", "eq", "ne", "gt", "ge"):
        setattr(Size, f"__{name}__", comparison(name))


_add_operators()


def plain(tree: Any) -> Any:
    """Return arguments or an index with sizes replaced by plain numbers."""
    if isinstance(tree, Size):
        return tree.number()
    if type(tree) in (tuple, list):
        return type(tree)(plain(part) for part in tree)
    if type(tree) is dict:
        return {key: plain(part) for key, part in tree.items()}
    if isinstance(tree, slice):
        return slice(plain(tree.start), plain(tree.stop), plain(tree.step))
    return tree


def turning_points(run: Callable[[int], Any], n: int) -> set[int] | None:
    """Return batch sizes around which comparisons change; None if a use cannot be followed.

    During the run ``len`` is replaced by a function that returns a `Size`, and ``np.arange``
    and ``np.tri`` by functions that accept a `Size`, because Python's and NumPy's own convert it to
    a plain number.

    Parameters
    ----------
    run : callable
        Function that runs the observed function for a batch size.
    n : int
    """
    try:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _reading(SizeReader(n + 1)) as larger:
                run(n + 1)
            with _reading(SizeReader(n, larger.shapes)) as reader, _replaced():
                run(n)
    except Exception:  # raised by the function, if it accepts only plain ints
        return None
    follows = reader.follows and _length(reader.shapes) == _length(larger.shapes)
    return reader.turning_points if follows else None


@contextmanager
def _reading(new: SizeReader) -> Iterator[SizeReader]:
    before, observation.by = observation.by, new
    try:
        yield new
    finally:
        observation.by = before


@contextmanager
def _replaced() -> Iterator[None]:
    builtins.len, np.arange, np.tri = _length_read, _range, _triangle
    try:
        yield
    finally:
        builtins.len, np.arange, np.tri = _length, _arange, _tri


def _length_read(value: Any) -> Any:
    """Return the length of a recorded array as a `Size`; of other objects as an int."""
    read_shape = getattr(type(value), "read_shape", None)
    shape = () if read_shape is None else read_shape(value)
    return shape[0] if shape else _length(value)


class _SizeRange(np.ndarray[Any, Any]):
    """The result of ``np.arange`` of a `Size`.

    Uses as an index or an operand are followed; other uses are not.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(x) if isinstance(x, _SizeRange) else x for x in inputs]
        result = getattr(ufunc, method)(*arrays, **options)
        if any(hasattr(type(x), "read_shape") for x in inputs):
            return result
        if ufunc in (np.add, np.subtract, np.multiply) and method == "__call__" and not options:
            return result.view(_SizeRange)
        return _lost(result)

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return part if isinstance(part, _SizeRange) else _lost(part)

    def __iter__(self) -> Iterator[Any]:
        return iter(_lost(np.asarray(self)))

    def tolist(self) -> Any:
        """Return the numbers as a list."""
        return _lost(np.asarray(self)).tolist()

    def item(self, *index: Any) -> Any:
        """Return one of the numbers."""
        return _lost(np.asarray(self)).item(*index)


def _range(*ends: Any, **options: Any) -> Any:
    numbers = _arange(*plain(ends), **plain(options))
    depends = any(isinstance(end, Size) for end in ends)
    return numbers.view(_SizeRange) if depends and observation.by is not None else numbers


def _triangle(*sizes: Any, **options: Any) -> Any:
    return _tri(*plain(sizes), **plain(options))


def _lost(value: Any) -> Any:
    """Return a value, and note that its uses cannot be followed."""
    not_followed()
    return value
