"""Names of tensors, taken from the local variables of the code that is recorded.

When a traced Python function returns, each local variable that holds a tensor gives it its name.
Callers return after the functions they call, so the outermost name is the final one.

Read next: `equations`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.base.handles import Handle
from chainrule._src.core.tensor import Tensor

# NumPy, this package, modules inside of Python: its `abc` runs in every isinstance(x, Mapping).
_SILENT = (os.path.dirname(np.__file__), __file__.rpartition("_src")[0], "<frozen ")
_STANDARD_LIBRARY = os.path.dirname(os.__file__)  # holds the folder of installed packages, too
_TOOLS = (4, 3, 5, 2, 1, 0)  # tool ids of `sys.monitoring`; those that others seldom claim first

_short_counts: dict[str, bool] = {}  # folder or file of the package → true if short names count too
_watching: Counter[int] = Counter()  # thread → number of its open watches
_tool: int | None = None  # our tool id while any thread watches
_lock = lock()


def count_names(path: str, short: bool = True) -> None:
    """Also use variable names from this folder or file, as names of user code are used.

    Variables of this package's code are normally ignored.

    Parameters
    ----------
    path : str
        A folder or file of this package.
    short : bool
        If false, only names with an underscore count, because short names say little about a value.
    """
    _short_counts[path] = short
    _counts_short.cache_clear()


@contextmanager
def names_from(*paths: str) -> Iterator[None]:
    """Within this context, also use variable names from these folders and files."""
    before = _short_counts.copy()
    for path in paths:
        count_names(path)
    try:
        yield
    finally:
        _short_counts.clear()
        _short_counts.update(before)
        _counts_short.cache_clear()


@contextmanager
def watch_names() -> Iterator[None]:
    """Context manager that names tensors after the local variables of functions that return.

    Profilers, debuggers and coverage are not disturbed: Python 3.12 allows several tools at once.
    Before 3.12 there can be only one profiler; if another one is active, tensors get no names.
    """
    if sys.version_info >= (3, 12):
        with _monitored():
            yield
    elif (before := sys.getprofile()) in (None, _on_event):
        sys.setprofile(_on_event)
        try:
            yield
        finally:
            sys.setprofile(before)
    else:
        yield


def _on_event(frame: FrameType, event: str, result: Any) -> None:
    if event == "return":
        _name_locals(frame)


@contextmanager
def _monitored() -> Iterator[None]:
    """Context manager that makes `sys.monitoring` call `_on_return` for this thread."""
    thread = threading.get_ident()
    with _lock:
        if not _watching:
            _claim()
        _watching[thread] += 1
    try:
        yield
    finally:
        with _lock:
            _watching[thread] -= 1
            if not _watching[thread]:
                del _watching[thread]
            if not _watching:
                _release()


def _claim() -> None:
    global _tool
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    _tool = next((i for i in _TOOLS if monitoring.get_tool(i) is None), None)
    if _tool is not None:
        monitoring.use_tool_id(_tool, "chainrule")
        monitoring.register_callback(_tool, monitoring.events.PY_RETURN, _on_return)
        monitoring.set_events(_tool, monitoring.events.PY_RETURN)


def _release() -> None:
    global _tool
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    if _tool is not None:
        monitoring.set_events(_tool, 0)
        monitoring.free_tool_id(_tool)
        _tool = None


def _on_return(code: CodeType, offset: int, result: Any) -> None:
    if threading.get_ident() in _watching:
        _name_locals(sys._getframe(1))


def _name_locals(frame: FrameType) -> None:
    """Name the tensors in a function's local variables; the function is about to return."""
    if (short := _counts_short(frame.f_code.co_filename)) is None:
        return
    for name, value in frame.f_locals.items():
        if isinstance(value, Handle) and isinstance(value, np.ndarray):
            value = getattr(value, "tensor", None)  # stands for a filled array
        if type(value) is Tensor and not name.startswith(("_", ".")) and (short or "_" in name):
            name_tensor(name, value)


@cache
def _counts_short(file: str) -> bool | None:
    """Return true if short names of a file count too; None if none of its names count."""
    rules = (_short_counts[path] for path in reversed(_short_counts) if file.startswith(path))
    is_standard = file.startswith(_STANDARD_LIBRARY) and "-packages" not in file
    return next(rules, None if is_standard or file.startswith(_SILENT) else True)


def name_tensor(name: str, tensor: Any) -> None:
    """Give a name to a tensor, and to the tensors of outer levels that it wraps."""
    if type(tensor) is Tensor and tensor.level.writes is not None:
        tensor = tensor.level.writes.named(tensor, name)
    while type(tensor) is Tensor:
        if tensor.primitive is not None:  # an input keeps the name of its argument
            tensor.name = name
        tensor = tensor.value
