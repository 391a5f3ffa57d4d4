"""Helper threads that load the LLVM library and compile modules in parallel."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule._src.base.forks import before_forks, in_child

if TYPE_CHECKING:
    from chainrule._src.compile.native.llvm import Text
    from chainrule._src.compile.native.target import Machine

STACK = 8 << 20  # bytes: LLVM's passes are recursive, and macOS gives a thread half a megabyte


def open_llvm() -> None:
    """Load LLVM's library in a thread. It takes 7 ms, in which `import` would hold the lock."""
    if sys.platform != "win32" and "llvmlite.binding" not in sys.modules:
        with suppress(RuntimeError):  # the thread cannot be started
            thread = threading.Thread(target=_open)
            thread.start()
            _opening.append(thread)


if sys.platform != "win32":

    def _open() -> None:
        package = find_spec("llvmlite")
        for folder in (package and package.submodule_search_locations) or ():
            for file in Path(folder, "binding").glob("libllvmlite.*"):
                dlopen = ctypes.CDLL(None).dlopen
                dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
                dlopen(os.fsencode(file), os.RTLD_NOW)


class _Here(threading.local):
    """The team of helper threads that works for the current thread, or None."""

    team: _Team | None = None


_here = _Here()
_opening: list[threading.Thread] = []


def _opened() -> None:
    """Wait before a fork until the library is loaded; else the child could never load a library."""
    while _opening:
        _opening.pop().join()


def _alone() -> None:
    """Drop the threads in a forked child process, where they do not exist."""
    _here.team = None


before_forks(_opened)
in_child(_alone)


@contextmanager
def ahead(write: Callable[[], Sequence[Text]], target: Machine, count: int) -> Iterator[None]:
    """Context manager: ``count`` threads compile modules, also those of `also` and `compile_all`.

    Nothing is done if threads are already working for the current thread.
    """
    if _here.team is not None:
        yield
        return
    _here.team = team = _Team(target, count)
    try:
        team.begin(write())
        yield
    finally:
        _here.team = None
        team.end()


def also(texts: Sequence[Text]) -> None:
    """Submit more modules to the working threads, if any."""
    if _here.team is not None:
        _here.team.begin(texts)


def compile_all(texts: Sequence[Text], target: Machine, count: int) -> list[bytes]:
    """Compile modules in this thread and up to ``count`` helper threads; return the machine code.

    Raises
    ------
    RuntimeError
        If a module is not valid in LLVM's language.
    """
    team = _here.team or _Team(target, min(count, len(texts) - 1))
    _here.team = None
    try:
        return team.finish(texts)
    finally:
        team.end()


class _Team:
    """A pool of helper threads that compile modules for a target, and their results."""

    def __init__(self, target: Machine, count: int) -> None:
        self._target = target
        self._pool = ThreadPoolExecutor(count, "chainrule-llvm") if count > 0 else None
        self._begun: dict[Text, Future[bytes]] = {}

    def begin(self, texts: Sequence[Text]) -> None:
        """Submit modules to the threads, the longest first, if threads can be started."""
        was = threading.stack_size(STACK)
        try:
            with suppress(RuntimeError):
                for text in _by_work(texts):
                    if self._pool is not None and text not in self._begun:
                        self._begun[text] = self._pool.submit(compiled, text, self._target)
        finally:
            threading.stack_size(was)

    def finish(self, texts: Sequence[Text]) -> list[bytes]:
        """Return the machine code of ``texts``, and cancel all other modules.

        Modules that no thread has begun are compiled by the current thread.
        """
        for text, future in self._begun.items():
            if text not in texts:
                future.cancel()
        self.begin(texts)
        results = {
            text: compiled(text, self._target)
            for text in _by_work(texts)
            if text not in self._begun or self._begun[text].cancel()
        }
        return [results[text] if text in results else self._begun[text].result() for text in texts]

    def end(self) -> None:
        """Let the threads finish their current modules and end, without waiting for the end."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _by_work(texts: Sequence[Text]) -> list[Text]:
    """Return the modules without duplicates, the longest first."""
    return sorted(dict.fromkeys(texts), key=lambda text: -text.work)


def compiled(text: Text, target: Machine) -> bytes:
    """Return the machine code of a module."""
    from chainrule._src.compile.native import llvm

    return llvm.compiled(text, target)
