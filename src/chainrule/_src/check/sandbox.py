"""A sandbox for a learner's code: no output, bounded time, and all changes are undone."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from operator import is_not
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.check.code import is_learners

alone = lock()  # one check at a time: functions and streams are shared


class TooLong(BaseException):
    """A run exceeded its time limit; a BaseException, which ``except Exception`` does not catch."""


FAILURES = (Exception, SystemExit, TooLong)  # anything that a changed program may raise


class _Muted:
    """A stream that drops the output of one thread and passes on that of all other threads."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            return len(text)
        return int(self._stream.write(text) or 0)

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Context manager: mute this thread's output and warnings, restore NumPy's random state.

    Only one thread at a time can be in this context; others wait.
    """
    with alone, warnings.catch_warnings(), np.errstate(all="ignore"):
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


class Sandbox:
    """Runs a function with a time limit, and restores the state of objects after each run.

    Parameters
    ----------
    objects : iterable
        Functions, and objects that they may change: their content is restored.
    seconds : float
        Time limit of a run; an attribute that may be set between runs.
    """

    def __init__(self, objects: Iterable[Any], seconds: float) -> None:
        self.seconds = seconds
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._end: float | None = None
        self._fired = False
        self._over = threading.Event()
        self._snapshots: dict[int, tuple[Any, Any]] = {}
        self.keep(objects)

    def __enter__(self) -> Sandbox:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def keep(self, objects: Iterable[Any]) -> None:
        """Take snapshots of more objects, which are restored after each run."""
        for obj in objects:
            self._keep(obj, 3)

    def run(self, call: Callable[[], Any]) -> Any:
        """Return the result of a call.

        Raises
        ------
        TooLong
            If it takes too long.
        """
        try:
            return self._bounded(call)
        finally:
            with self._lock:  # the limit may have passed just after the call
                self._end = None
            self._put_back()

    def _bounded(self, call: Callable[[], Any]) -> Any:
        with self._lock:
            self._end, self._fired = time.perf_counter() + self.seconds, False
        try:
            return call()
        finally:
            with self._lock:
                self._end = None
            if self._fired:  # an exception may be pending still: raise it here
                with contextlib.suppress(TooLong):
                    for _ in range(10):
                        time.sleep(0.001)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            with self._lock:
                if self._end is not None and time.perf_counter() > self._end:
                    self._fired = True
                    self._end += 0.05  # raise it again, in case a destructor caught it
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread), ctypes.py_object(TooLong)
                    )

    def _keep(self, obj: Any, depth: int) -> None:
        if id(obj) in self._snapshots or isinstance(obj, ModuleType | type):
            return
        if isinstance(obj, np.ndarray):
            if obj.flags.writeable and obj.dtype != object:
                self._snapshots[id(obj)] = obj, obj.copy()
        elif isinstance(obj, MethodType):
            self.keep((obj.__func__, obj.__self__))
        elif isinstance(obj, FunctionType):
            self._snapshots[id(obj)] = obj, None
            names = {name for code in _codes(obj.__code__) for name in code.co_names}
            variables = obj.__globals__
            bound = {n: variables[n] for n in names if n in variables}
            plain = {n: v for n, v in bound.items() if isinstance(v, int | float | str | tuple)}
            self._snapshots[id(plain)] = _Globals(variables), plain
            self.keep(bound.values())
            for cell in obj.__closure__ or ():
                with contextlib.suppress(ValueError):  # the cell is still empty
                    self._keep(cell.cell_contents, depth - 1)
        elif depth and isinstance(obj, list | dict | set):
            self._snapshots[id(obj)] = obj, obj.copy()
            for inner in obj.values() if isinstance(obj, dict) else list(obj)[:1000]:
                self._keep(inner, depth - 1)
        elif depth and hasattr(obj, "__dict__") and _is_learners(obj):
            self._snapshots[id(obj)] = vars(obj), dict(vars(obj))
            for inner in list(vars(obj).values()):
                self._keep(inner, depth - 1)

    def _put_back(self) -> None:
        for obj, value in self._snapshots.values():
            if isinstance(obj, np.ndarray):
                np.copyto(obj, value)
            elif isinstance(obj, _Globals):
                obj.variables.update(value)
            elif isinstance(obj, list):
                if len(obj) != len(value) or any(map(is_not, obj, value)):
                    obj[:] = value
            elif isinstance(obj, dict) and (
                obj.keys() == value.keys() and not any(map(is_not, obj.values(), value.values()))
            ):
                continue
            elif isinstance(obj, dict | set):
                obj.clear()
                obj.update(value)


class _Globals:
    """A module's variables, some of which are restored."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables


def _is_learners(obj: Any) -> bool:
    """Return true if a learner defined the class of an object."""
    module = sys.modules.get(type(obj).__module__)
    file = getattr(module, "__file__", None)
    return (file is None and type(obj).__module__ == "__main__") or bool(file and is_learners(file))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
