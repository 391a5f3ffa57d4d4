"""Arrays that a recording takes from the code around it: later writes must not change it.

A recording needs an operand until the gradient or the program is made of it. A small array is
copied. A large one becomes read-only while the recorded function runs, so that it costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from chainrule.errors import TraceError
from chainrule.mentions import is_users, place_of
from chainrule.refusals import entry_refused

SMALL = 2**14  # bytes that are copied within a microsecond


class Captured:
    """The arrays that one recording has taken.

    As a context it surrounds the call of the recorded function. Outside of it, where nothing marks
    the end of a recording, large arrays are copied as well.

    Parameters
    ----------
    locks : bool
        If false, large arrays are copied within the context, too: the recording is needed after
        the user's code has gone on.
    """

    __slots__ = ("_is_open", "_locked", "_locks")

    def __init__(self, locks: bool) -> None:
        self._locks, self._is_open, self._locked = locks, False, list[Any]()

    def __call__(self, array: Any) -> Any:
        """Return the array as the recording may have it; anything else as it is."""
        if type(array) is not np.ndarray:
            return array
        if array.nbytes > SMALL and self._is_open and _can_be_locked(array):
            self._lock(array)
            return array
        return array.copy(order="K")

    def _lock(self, array: Any) -> None:
        if isinstance(array.base, np.ndarray):
            self._lock(array.base)
        if array.flags.writeable:
            array.flags.writeable = False
            self._locked.append(array)

    def __enter__(self) -> None:
        self._is_open = self._locks

    def __exit__(self, kind: Any, error: Any, where: TracebackType | None) -> None:
        self._is_open = False
        locked, self._locked = self._locked, []
        for array in locked:  # each after the one that it is a view of
            array.flags.writeable = True
        if isinstance(error, ValueError):
            if locked and ("read-only" in str(error) or "writable" in str(error)):
                raise _write_refused(error, locked).with_traceback(where) from None
            refused = entry_refused(error)
            if refused is not None:
                raise refused.with_traceback(where) from None


def _can_be_locked(array: Any) -> bool:
    """Whether NumPy makes an array writable again that was read-only for a while."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    if array.base is None:
        return True
    try:
        return not memoryview(array.base).readonly
    except TypeError:
        return False


def _write_refused(error: Exception, locked: list[Any]) -> TraceError:
    """Return the refusal of a write, with the variable and the line."""
    name = next((name for name, array in _variables(error) if _is_part(array, locked)), "")
    return TraceError(
        f"{place_of(error)}{name or 'an array'} is written to after a recorded operation has used "
        "it, so that gradients would be taken with other numbers. Write to a copy, "
        f"{name or 'a'} = {name or 'a'}.copy(), or make a new array instead"
    )


def _is_part(array: Any, locked: list[Any]) -> bool:
    return any(np.may_share_memory(array, other) for other in locked)


def _variables(error: Exception) -> Iterator[tuple[str, Any]]:
    """Yield the arrays, with their names, that the user's innermost code can see."""
    frame: FrameType | None = None
    where = error.__traceback__
    while where is not None:
        if is_users(where.tb_frame.f_code.co_filename):
            frame = where.tb_frame
        where = where.tb_next
    if frame is None:
        return
    mentioned = {name: frame.f_globals.get(name) for name in frame.f_code.co_names}
    for name, value in {**mentioned, **frame.f_locals}.items():
        if isinstance(value, np.ndarray):
            yield name, value
        for part, inner in getattr(value, "__dict__", {}).items():
            if part in frame.f_code.co_names and isinstance(inner, np.ndarray):
                yield f"{name}.{part}", inner
