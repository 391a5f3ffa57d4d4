"""Silence for a learner's code that is called many times: no output, no files, no figures."""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock

alone = lock()  # one check at a time: functions and streams are shared
WRITING = frozenset("wax+")  # letters of a file's mode


class _Muted:
    """A stream that drops the output of one thread and passes on that of all other threads."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: Any) -> int:
        if threading.get_ident() == self._thread:
            return len(text)
        return int(self._stream.write(text) or 0)

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def quiet(functions: Iterable[Any] = ()) -> Iterator[None]:
    """Context manager: mute what this thread prints, warns, writes to files and draws.

    NumPy's random state is restored at the end. Only one thread at a time can be in this context;
    others wait.

    Parameters
    ----------
    functions : iterable
        Functions whose modules may hold open files, which are muted as well.
    """
    with (
        alone,
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        _no_files(functions),
        _no_logs(),
    ):
        warnings.simplefilter("ignore")
        state = np.random.get_state()  # noqa: NPY002  # what a learner's code may draw from
        collects = gc.isenabled()
        gc.disable()  # the time limit must not interrupt callbacks of the garbage collector
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Muted(streams[0]), _Muted(streams[1])
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams
            if collects:
                gc.enable()
            np.random.set_state(state)  # noqa: NPY002


@contextlib.contextmanager
def _no_files(functions: Iterable[Any]) -> Iterator[None]:
    """Context manager: what this thread writes into files goes nowhere."""
    with contextlib.ExitStack() as stack:
        for module in (builtins, io):  # pathlib opens by the second
            stack.enter_context(_exchanged(vars(module), "open", _opening(module.open)))
        for function in functions:
            names = function.__globals__ if isinstance(function, FunctionType) else {}
            for name, value in list(names.items()):
                if isinstance(value, io.IOBase) and not value.closed and value.writable():
                    stack.enter_context(_exchanged(names, name, _Muted(value)))
        yield


@contextlib.contextmanager
def _exchanged(names: dict[str, Any], name: str, value: Any) -> Iterator[None]:
    before = names[name]
    names[name] = value
    try:
        yield
    finally:
        if names.get(name) is value:
            names[name] = before


def _opening(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``open`` whose files, if this thread opens them to write, are empty ones."""
    thread = threading.get_ident()

    def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if threading.get_ident() != thread or not WRITING & set(mode) or isinstance(file, int):
            return real(file, mode, *args, **options)
        if "+" not in mode:
            return real(os.devnull, mode.replace("x", "w"), *args, **options)
        kind = {k: v for k, v in options.items() if k in ("encoding", "newline", "errors")}
        return tempfile.TemporaryFile("w+b" if "b" in mode else "w+", **kind)

    return opened


@contextlib.contextmanager
def _no_logs() -> Iterator[None]:
    """Context manager: what this thread logs is dropped."""
    logging: Any = sys.modules.get("logging")
    thread = threading.get_ident()
    loggers = [logging.root, *logging.root.manager.loggerDict.values()] if logging else []
    handlers = {handler for logger in loggers for handler in getattr(logger, "handlers", ())}

    def is_anothers(record: Any) -> bool:
        return bool(record.thread != thread)

    for handler in handlers:
        handler.addFilter(is_anothers)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_anothers)


@contextlib.contextmanager
def no_figures() -> Iterator[None]:
    """Context manager: figures of pyplot are not shown, and new ones are closed at the end."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        yield
        return
    before, show = open_figures(), pyplot.show
    pyplot.show = lambda *args, **options: close_figures(before)
    try:
        yield
    finally:
        pyplot.show = show
        close_figures(before)


def open_figures() -> set[int]:
    """Return the numbers of pyplot's figures."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot is not None else set()


def close_figures(others: Iterable[int]) -> None:
    """Close all figures of pyplot but some."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    for number in open_figures() - set(others):
        pyplot.close(number)
