"""Creation functions of NumPy, which return `Fillable` arrays to the code that is recorded.

They are replaced while a function is recorded, for calls from the user's code in the thread that
records.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.base.users_code import is_of_project
from chainrule._src.core.captured import Captured, around
from chainrule._src.core.primitive import NUMPY
from chainrule._src.ops.along_axes import JoinedAlong
from chainrule._src.ops.fillable import (
    Fillable,
    argument,
    fillable,
    holds_tensor,
    present,
    values_in,
)
from chainrule._src.ops.writing import forget

_CREATORS = (
    "zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like",
    "array", "asarray", "copy",
)  # fmt: skip
_plain: dict[str, Any] = {name: getattr(np, name) for name in _CREATORS}


class RecordingDepth(threading.local):
    """The number of nested recordings of this thread."""

    depth = 0


_recording = RecordingDepth()
_counting = lock()
_count = [0]  # of the threads that record


def _is_recorded(frame: FrameType) -> bool:
    """Return true if a frame runs the user's code, in a thread that records."""
    return _recording.depth > 0 and is_of_project(frame.f_code.co_filename)


def _creator(name: str) -> Callable[..., Any]:
    create = _plain[name]
    filled = _plain[name.replace("empty", "zeros")]  # so that a recording has no chance numbers

    def creator(*args: Any, **options: Any) -> Any:
        if not _is_recorded(sys._getframe(1)):
            return create(*args, **options)
        args, options = values_in(args), values_in(options)
        if name in ("array", "asarray") and holds_tensor(args):
            return _array(args[0], name == "array", *args[1:], **options)
        result = fillable(filled(*args, **options))
        if type(result) is Fillable:
            result.created = name not in ("array", "asarray") and result.flags.writeable
        return result

    creator.__name__, creator.__doc__ = name, create.__doc__
    creator.__wrapped__ = create  # type: ignore[attr-defined]
    return creator


def _array(value: Any, copies: bool, dtype: Any = None, *, ndmin: int = 0, **options: Any) -> Any:
    result = NUMPY[list](value)
    if dtype is not None:
        result = result.astype(dtype)
    if ndmin > np.ndim(result):
        result = np.reshape(result, (1,) * (ndmin - np.ndim(result)) + np.shape(result))
    return np.copy(result) if copies and result is value else result


_CREATED: dict[str, Any] = {name: _creator(name) for name in _CREATORS}
for _name, _directive in {"r_": "0", "c_": "-1,2,0"}.items():
    _plain[_name] = getattr(np, _name)
    _CREATED[_name] = JoinedAlong(_plain[_name], _directive, _is_recorded)


def begin() -> None:
    """Return such arrays from now on to code that this thread records."""
    _recording.depth += 1
    if _recording.depth == 1:
        with _counting:
            _count[0] += 1
            if _count[0] == 1:
                vars(np).update(_CREATED)


def end(ended: Captured) -> None:
    """End the latest `begin` of this thread."""
    if ended.contents:
        forget(ended)
    _recording.depth -= 1
    if not _recording.depth:
        with _counting:
            _count[0] -= 1
            if not _count[0]:
                vars(np).update(_plain)


around.begin, around.end = begin, end
around.argument, around.result = argument, present
