"""Variables: arrays whose values can be assigned, with Keras's names."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from chainrule._src.base.arrays import as_numbers
from chainrule._src.base.errors import ShapeError, TraceError
from chainrule._src.base.handles import Exchangeable, values_of


class Variable(Exchangeable, NDArrayOperatorsMixin):
    """An array whose values can be assigned, for the same shape and dtype; NumPy sees an array.

    Parameters
    ----------
    initializer : array_like or callable
        The initial values, or a function ``initializer(shape, dtype=dtype)`` that returns them.
    shape : tuple of int, optional
        The shape, if the initializer is callable.
    dtype : dtype, optional
        Floats become float32 by default, as in Keras.
    trainable : bool, default True
    name : str, optional

    Examples
    --------
    >>> total = Variable(0.0, name="total")
    >>> total.assign_add(3)
    Variable(3.0, name='total')
    >>> total / 2
    np.float32(1.5)
    """

    key = ""  # of a weight: its name in the model
    constraint: Any = None  # function that is applied after every update

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        self.name, self.trainable = name or "variable", trainable
        if callable(initializer):
            kind = np.float32 if dtype is None else dtype
            initializer = initializer(tuple(shape or ()), dtype=kind)
        value = as_numbers(initializer, "the initial value", self.name)
        if dtype is None:
            dtype = np.float32 if value.dtype.kind == "f" else value.dtype
        self._value: Any = np.array(value, dtype)
        self._lent = False

    @property
    def value(self) -> Any:
        """The values, not copied."""
        return self._value

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return tuple(self.value.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values; assignments keep the type."""
        return self.value.dtype  # type: ignore[no-any-return]

    def assign(self, value: Any) -> Variable:
        """Assign new values.

        Raises
        ------
        ShapeError, DataError
            If the new values have another shape or are no numbers.
        """
        value = values_of(value)
        recorded = hasattr(value, "record")
        if recorded and not self._lent:
            raise TraceError(
                f"{self.name} is set while the code is recorded, which runs once and not once a "
                "batch; a metric may set its variables in update_state"
            )
        value = value if recorded else np.array(as_numbers(value, "the new value", self.name))
        if value.shape != self.shape:
            raise ShapeError(f"{self.name} has shape {self.shape}, received {value.shape}")
        self._write(value if value.dtype == self.dtype else value.astype(self.dtype))
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add to the values."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Variable:
        """Subtract from the values."""
        return self.assign(self - value)

    def numpy(self) -> Any:
        """Return a copy of the values."""
        return np.array(self.value)

    def _write(self, value: Any) -> None:
        self._value = value

    def exchange(self, value: Any, lent: bool = True) -> tuple[Any, bool]:
        """Hold another value, if ``lent`` also a tensor; return the arguments for the way back."""
        before = self.value, self._lent
        self._write(value)
        self._lent = lent
        return before

    def twin(self, value: Any) -> Variable:
        """Return a copy with other values, which may be tensors; it also accepts tensors later."""
        twin = copy.copy(self)
        twin._value, twin._lent = value, True
        return twin

    def value_among(self, operands: Any) -> Any:
        """Return the values, whatever the other operands are."""
        return self.value

    # NumPy's protocols for array-like objects: operations use the values, which may be tensors

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        (target,) = options.pop("out", (None,))
        result = getattr(ufunc, method)(*map(values_of, inputs), **options)
        return target.assign(result) if isinstance(target, Variable) else result

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        return function(*values_of(args), **values_of(kwargs))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.value, dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "value":
            raise AttributeError(name)
        return getattr(self.value, name)

    def __getitem__(self, index: Any) -> Any:
        return self.value[values_of(index)]

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __round__(self, digits: int | None = None) -> Any:
        return round(float(self), digits)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!s}, name={self.name!r})"

    __hash__ = object.__hash__
