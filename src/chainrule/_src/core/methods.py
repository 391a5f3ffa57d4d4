"""Attributes, methods and operators that tensors share with NumPy's arrays.

Each of them calls the NumPy function of the same name, or raises an error that says what to write
instead. Read next: `transforms`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.base.registry import provided
from chainrule._src.core.declared import Declared
from chainrule._src.core.elementwise import ASTYPE
from chainrule._src.core.primitive import NUMPY, Traced
from chainrule._src.core.refusals import WRITTEN, invoke, no_attribute

NO_PARAMS: dict[str, Any] = {}


class Methods(Traced, Declared):
    """Base class of tensors: methods that call NumPy's functions or refuse the call."""

    __slots__ = ()

    def __array__(self, *_: Any, **__: Any) -> np.ndarray[Any, Any]:
        raise provided("error for a plain array of a tensor")()

    if not TYPE_CHECKING:  # which would believe that every name is there

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(name)

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.copy(self)

    def __reduce__(self) -> NoReturn:
        raise TraceError("a tensor cannot be pickled: its gradient would be lost. Pickle t.value")

    @property
    def flat(self) -> Any:
        """The entries as one axis."""
        return np.ravel(self)

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return np.matrix_transpose(self)

    @property
    def real(self) -> Any:
        """The tensor itself, because its numbers are real."""
        return self

    @property
    def imag(self) -> Any:
        """Zeros, because the numbers of a tensor are real."""
        return np.imag(self)

    def conj(self) -> Any:
        """Return the tensor itself, because its numbers are real."""
        return self

    conjugate = conj

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True,
        copy: bool = True,
    ) -> Any:  # fmt: skip
        """Return the tensor with entries of another type."""
        return ASTYPE(
            self, dtype=np.empty(0, np.result_type(self)).astype(dtype, casting=casting).dtype.type
        )

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        """Return the entries in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)  # type: ignore[call-overload]

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self, order: str = "C") -> Any:
        """Return a copy of the entries as one axis."""
        return np.copy(np.ravel(self, order=order))  # type: ignore[call-overload]

    def copy(self, order: str = "C") -> Any:
        """Return a copy, into which the code may write."""
        return np.copy(self)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the entries that a condition chooses along an axis."""
        return np.compress(condition, self, axis)

    def fill(self, value: Any) -> None:
        """Write a number into all entries."""
        self[...] = value

    def __setitem__(self, index: Any, value: Any) -> None:
        NUMPY[operator.setitem](self, index, value)

    def _refuse(self, *_: Any) -> NoReturn:
        raise TraceError(f"an attribute of a tensor cannot be set: {WRITTEN}")

    def __delitem__(self, *_: Any) -> NoReturn:
        raise TraceError(f"entries of a tensor cannot be deleted: {WRITTEN}")

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(np.equal(self, item)))

    def __divmod__(self, other: Any) -> Any:
        return np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return np.divmod(other, self)


def _operator(ufunc: np.ufunc) -> tuple[Callable[..., Any], ...]:
    """Return methods: tensor on the left, on the right, as only operand, on the left in place."""

    def forward(self: Methods, other: Any) -> Any:
        return self.record(NUMPY[ufunc], (self, other), NO_PARAMS)

    def backward(self: Methods, other: Any) -> Any:
        return self.record(NUMPY[ufunc], (other, self), NO_PARAMS)

    def alone(self: Methods) -> Any:
        return self.record(NUMPY[ufunc], (self,), NO_PARAMS)

    def in_place(self: Any, other: Any) -> Any:
        result = forward(self, other)
        is_scalar = self.shape == () and self.base is None  # else it is a view
        return result if is_scalar else NUMPY[operator.iadd](self, result)

    return forward, backward, alone, in_place


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that calls NumPy's function of the same name."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        return invoke(function, NUMPY[function], (self, *args), options)

    return method


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide,
    "pow": np.power, "matmul": np.matmul, "mod": np.remainder, "floordiv": np.floor_divide,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}.items():  # fmt: skip
    _forward, _backward, _, _in_place = _operator(_ufunc)
    for _side, _function in (("", _forward), ("r", _backward), ("i", _in_place)):
        setattr(Methods, f"__{_side}{_name}__", _function)
for _name, _ufunc in {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
}.items():  # fmt: skip
    setattr(Methods, f"__{_name}__", _operator(_ufunc)[0])
for _name, _ufunc in {
    "neg": np.negative, "pos": np.positive, "abs": np.abs, "invert": np.invert,
}.items():  # fmt: skip
    setattr(Methods, f"__{_name}__", _operator(_ufunc)[2])
for _name, _ufunc in {"lshift": np.left_shift, "rshift": np.right_shift}.items():
    setattr(Methods, f"__{_name}__", lambda self, other, shift=_ufunc: shift(self, other))
    setattr(Methods, f"__r{_name}__", lambda self, other, shift=_ufunc: shift(other, self))
for _name in ("flat", "T", "mT", "real", "imag"):
    setattr(Methods, _name, getattr(Methods, _name).setter(Methods._refuse))
for _name in (
    "sum", "mean", "var", "std", "prod", "max", "min", "cumsum", "cumprod", "argmax", "argmin",
    "argsort", "argpartition",
    "all", "any", "dot", "ravel", "swapaxes", "squeeze", "repeat", "take", "clip", "trace",
    "diagonal", "ptp", "round", "choose",
):  # fmt: skip
    setattr(Methods, _name, _method(getattr(np, _name)))
