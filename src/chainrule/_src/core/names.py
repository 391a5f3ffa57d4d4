"""What the code itself calls its arguments and tensors.

When a traced Python function returns, its local variables tell what each tensor was called.
Callers return after the functions they call, so the outermost name is the one that stays.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.core.tensor import Tensor

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_SILENT = (os.path.dirname(np.__file__), _PACKAGE)
_TOOLS = (4, 3, 5, 2, 1, 0)  # ids for tools of `sys.monitoring`, those that nobody claims first

_telling: dict[str, bool] = {}  # by folder or file of the package: whether short names count too
_watching: Counter[int] = Counter()  # threads, and how many watches each is in
_tool: int | None = None  # the id that is taken while any thread watches
_lock = lock()


def count_names(place: str, short: bool = True) -> None:
    """Let variables of this package's own code name tensors, as those of the user's code do.

    Parameters
    ----------
    place : str
        A folder or file whose code is read by people.
    short : bool
        If false, only names with an underscore count: short ones say nothing about a user's value.
    """
    _telling[place] = short


@contextmanager
def telling(*places: str) -> Iterator[None]:
    """Within this context, let variables of these folders and files name tensors."""
    before = _telling.copy()
    _telling.update(dict.fromkeys(places, True))
    try:
        yield
    finally:
        _telling.clear()
        _telling.update(before)


@contextmanager
def watch_names() -> Iterator[None]:
    """Name tensors after the local variables of every function that returns meanwhile.

    Profilers, debuggers and coverage go on as if nothing was: Python 3.12 has ids for several
    tools at once; before, where one profiler takes the place of another, there are no names
    while one is at work.
    """
    if sys.version_info >= (3, 12):
        with _monitored():
            yield
    elif sys.getprofile() in (None, _on_event):
        before = sys.getprofile()
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
    """Have `sys.monitoring` tell of returns in this thread."""
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
        event = monitoring.events.PY_RETURN
        monitoring.use_tool_id(_tool, "chainrule")
        monitoring.register_callback(_tool, event, _on_return)
        monitoring.set_events(_tool, event)


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
    """Name the tensors that a function's local variables hold when it returns."""
    file = frame.f_code.co_filename
    short = True
    if file.startswith(_SILENT):
        places = [place for place in _telling if file.startswith(place)]
        if not places:
            return
        short = _telling[places[-1]]
    for name, value in frame.f_locals.items():
        if type(value) is Tensor and not name.startswith(("_", ".")) and (short or "_" in name):
            called(name, value)


def called(name: str, tensor: Any) -> None:
    """Give a tensor a name, and what it stands for in outer recordings."""
    while type(tensor) is Tensor:
        if tensor.primitive is not None:  # an input keeps the name of its argument
            tensor.name = name
        tensor = tensor.value
