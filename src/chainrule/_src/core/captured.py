"""Captured arrays: a later write to an array must not change the recording that uses the array.

A recording needs its arrays until the gradient or the program has been computed. A small array is
copied; a large one is made read-only while the recorded function runs, which costs nothing. Two
kinds of writes to a large array are not refused by NumPy: through views that existed before, and by
``np.add.at``.

Read next: `names`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.base.registry import provided

LARGE = 2**20  # bytes; a smaller array is copied within a tenth of a millisecond

_changing = lock()
_locked: dict[int, list[Any]] = {}  # id of an array → the array, and its number of locks
_waiting: list[Any] = []  # views that wait until their base array is writable again


class Around:
    """The functions of a higher wing that let recorded code write into arrays.

    Attributes
    ----------
    begin, end : callable
        Called before and after the recorded function; ``end`` with the contents of arrays that the
        function has written tensors into.
    argument, result : callable
        Applied to an argument that is not differentiated, and to the function's result.
    """

    begin: Callable[[], None] = staticmethod(lambda: None)
    end: Callable[[Captured], None] = staticmethod(lambda captured: None)
    argument: Callable[[Any], Any] = staticmethod(lambda value: value)
    result: Callable[[Any], Any] = staticmethod(lambda value: value)


around = Around()


class Captured:
    """The arrays that one recording uses, copied or locked.

    A context manager for the call of the recorded function. Outside the context nothing marks the
    end of the recording, so large arrays are copied as well.

    Parameters
    ----------
    locks : bool
        If false, large arrays are copied within the context, too, because the recording is still
        used while the user's code goes on.
    """

    __slots__ = ("_arrays", "_is_open", "_locks", "contents")

    def __init__(self, locks: bool) -> None:
        self._locks, self._is_open, self._arrays = locks, False, list[Any]()
        self.contents: list[Any] = []

    def __call__(self, array: Any) -> Any:
        """Return the array, copied or locked. A value that is no array is returned unchanged."""
        if type(array) is not np.ndarray:
            return array
        if array.nbytes > LARGE and self._is_open:
            with _changing:
                if _can_be_locked(array):
                    self._lock(array)
                    return array
        return array.copy(order="K")

    def _lock(self, array: Any) -> None:
        if isinstance(array.base, np.ndarray):
            self._lock(array.base)
        if id(array) in _locked:
            _locked[id(array)][1] += 1
        elif array.flags.writeable:
            array.flags.writeable = False
            _locked[id(array)] = [array, 1]
        else:
            return
        self._arrays.append(array)

    def __enter__(self) -> None:
        self._is_open = self._locks
        around.begin()

    def __exit__(self, kind: Any, error: Any, where: TracebackType | None) -> None:
        self._is_open = False
        around.end(self)
        arrays, self._arrays = self._arrays, []
        with _changing:
            _unlock(arrays)
        if isinstance(error, ValueError):
            refused = provided("error for a refused write")(error, arrays)
            if refused is not None:
                raise refused.with_traceback(where) from None


def _unlock(arrays: list[Any]) -> None:
    """Release the locks of arrays; an array without locks is made writable, bases before views."""
    for array in arrays:
        entry = _locked[id(array)]
        entry[1] -= 1
        if not entry[1]:
            del _locked[id(array)]
    _waiting.extend(array for array in arrays if id(array) not in _locked)
    for array in [*_waiting]:
        with suppress(ValueError):  # another recording still locks the base array
            array.flags.writeable = True
            _waiting[:] = [other for other in _waiting if other is not array]


def _can_be_locked(array: Any) -> bool:
    """Return true if NumPy allows to make the array read-only and then writable again."""
    while isinstance(array.base, np.ndarray):
        if array.flags.writeable and not array.base.flags.writeable:
            return False
        array = array.base
    if array.base is None:
        return True
    try:
        return not memoryview(array.base).readonly
    except TypeError:
        return False
