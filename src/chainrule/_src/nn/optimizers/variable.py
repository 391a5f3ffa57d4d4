"""A variable of an optimizer, with the interface of Keras's variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from chainrule._src.base.errors import ReadOnlyError


class OptimizerVariable(NDArrayOperatorsMixin):
    """Refers to a number of an optimizer: every read returns the current value.

    Parameters
    ----------
    read : callable
        Function that returns the number.
    write : callable, optional
        Function that sets the number.
    dtype : dtype
        Dtype of `value` and `numpy`, as in Keras.

    Examples
    --------
    >>> from chainrule._src.nn.optimizers import SGD
    >>> optimizer = SGD(0.1)
    >>> rate = optimizer.learning_rate
    >>> rate.assign(rate * 0.5)
    0.05
    >>> float(optimizer.learning_rate), optimizer.learning_rate.numpy()
    (0.05, np.float32(0.05))
    """

    shape: tuple[int, ...] = ()
    ndim = 0

    def __init__(
        self, read: Callable[[], Any], write: Callable[[Any], Any] | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        self._read, self._write, self.dtype = read, write, np.dtype(dtype)

    def assign(self, value: Any) -> OptimizerVariable:
        """Set the number.

        Raises
        ------
        ReadOnlyError
            If the number cannot be set.
        """
        if self._write is None:
            raise ReadOnlyError("the number of updates done is counted by training, not set")
        self._write(value)
        return self

    @property
    def value(self) -> Any:
        """The number as a NumPy scalar."""
        return self.dtype.type(self._read())

    def numpy(self) -> Any:
        """Return the number as a NumPy scalar."""
        return self.value

    def __float__(self) -> float:
        return float(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __bool__(self) -> bool:
        return bool(self._read())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._read(), digits)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._read(), dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [each._read() if isinstance(each, OptimizerVariable) else each for each in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __format__(self, spec: str) -> str:
        return format(self._read(), spec)

    def __repr__(self) -> str:
        return repr(self._read())

    __hash__ = object.__hash__
