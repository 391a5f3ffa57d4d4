"""A learner's code run hundreds of times: silently, in bounded time, with nothing left changed."""

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
    """A run that takes longer than it may; no ``except Exception`` takes it for its own."""


FAILURES = (Exception, SystemExit, TooLong)  # whatever a learner's code does when it is changed


class _Muted:
    """A stream that drops what one thread writes, and hands on what others do."""

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
    """Have this thread's code print nothing, warn of nothing, and leave NumPy's chance as it was.

    Other threads that want the same wait.
    """
    with alone, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        state = np.random.get_state()  # noqa: NPY002  # what a learner's code may draw from
        collects = gc.isenabled()
        gc.disable()  # what others do at its calls is not to be interrupted
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
    """Runs of a function that may last only so long, and behind which all is put back.

    Parameters
    ----------
    things : iterable
        Functions, and objects that they may change: what these hold and name is put back.
    seconds : float
        That a run may take; an attribute, to be set anew.
    """

    def __init__(self, things: Iterable[Any], seconds: float) -> None:
        self.seconds = seconds
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._end: float | None = None
        self._fired = False
        self._over = threading.Event()
        self._kept: dict[int, tuple[Any, Any]] = {}
        self.keep(things)

    def __enter__(self) -> Sandbox:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()

    def keep(self, things: Iterable[Any]) -> None:
        """Put back more things behind each run."""
        for thing in things:
            self._keep(thing, 3)

    def run(self, call: Callable[[], Any]) -> Any:
        """Return what a call gives.

        Raises
        ------
        TooLong
            If it takes too long.
        """
        try:
            return self._bounded(call)
        finally:
            with self._lock:  # where the end came just behind the call
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
            if (
                self._fired
            ):  # one may be on its way: the first, if the call was quicker, or a second
                with contextlib.suppress(TooLong):
                    for _ in range(10):
                        time.sleep(0.001)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            with self._lock:
                if self._end is not None and time.perf_counter() > self._end:
                    self._fired = True
                    self._end += 0.05  # once more, where a destructor took it for its own
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread), ctypes.py_object(TooLong)
                    )

    def _keep(self, thing: Any, depth: int) -> None:
        if id(thing) in self._kept or isinstance(thing, ModuleType | type):
            return
        if isinstance(thing, np.ndarray):
            if thing.flags.writeable and thing.dtype != object:
                self._kept[id(thing)] = thing, thing.copy()
        elif isinstance(thing, MethodType):
            self.keep((thing.__func__, thing.__self__))
        elif isinstance(thing, FunctionType):
            self._kept[id(thing)] = thing, None
            names = {name for code in _codes(thing.__code__) for name in code.co_names}
            variables = thing.__globals__
            bound = {n: variables[n] for n in names if n in variables}
            plain = {n: v for n, v in bound.items() if isinstance(v, int | float | str | tuple)}
            self._kept[id(plain)] = _Globals(variables), plain
            self.keep(bound.values())
            for cell in thing.__closure__ or ():
                with contextlib.suppress(ValueError):  # nothing is in it yet
                    self._keep(cell.cell_contents, depth - 1)
        elif depth and isinstance(thing, list | dict | set):
            self._kept[id(thing)] = thing, thing.copy()
            for inner in thing.values() if isinstance(thing, dict) else list(thing)[:1000]:
                self._keep(inner, depth - 1)
        elif depth and hasattr(thing, "__dict__") and _is_learners(thing):
            self._kept[id(thing)] = vars(thing), dict(vars(thing))
            for inner in list(vars(thing).values()):
                self._keep(inner, depth - 1)

    def _put_back(self) -> None:
        for thing, value in self._kept.values():
            if isinstance(thing, np.ndarray):
                np.copyto(thing, value)
            elif isinstance(thing, _Globals):
                thing.variables.update(value)
            elif isinstance(thing, list):
                if len(thing) != len(value) or any(map(is_not, thing, value)):
                    thing[:] = value
            elif isinstance(thing, dict) and (
                thing.keys() == value.keys()
                and not any(map(is_not, thing.values(), value.values()))
            ):
                continue
            elif isinstance(thing, dict | set):
                thing.clear()
                thing.update(value)


def _is_same(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return one.keys() == other.keys() and not any(map(is_not, one.values(), other.values()))


class _Globals:
    """A module's variables, of which some are put back."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables


def _is_learners(thing: Any) -> bool:
    """Whether an object's class is a learner's own."""
    module = sys.modules.get(type(thing).__module__)
    file = getattr(module, "__file__", None)
    return (file is None and type(thing).__module__ == "__main__") or bool(
        file and is_learners(file)
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
