"""Processes that make machine code beside this one: LLVM works in one thread of each at a time."""

from __future__ import annotations

import marshal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.native.llvm import Target, Text

Make = Callable[["Text"], bytes]
PROGRAM = Path(__file__).with_name("llvm.py")  # what each runs
_ahead: list[_Helper] = []  # those that were started before there was work for them


@contextmanager
def ahead() -> Iterator[None]:
    """Have a helper start at once, for modules that are to be made within.

    Nothing is imported for that: it is there about when this process has imported what it needs.
    """
    helper = _started()
    if helper is not None:
        _ahead.append(helper)
    try:
        yield
    finally:
        if helper in _ahead:  # there was nothing to do for it
            _ahead.remove(helper)
            helper.end()


def made(write: Callable[[], Sequence[Text]], target: Target, count: int) -> list[bytes]:
    """Return the machine code of modules.

    Parameters
    ----------
    write : callable
        Returns the modules; called when the helpers have been started.
    target : Target
    count : int
        How many helpers there are to be at most. One that has not begun when nothing is left
        to do is not waited for; what one fails at is done here.
    """

    def here(text: Text) -> bytes:
        return compiled(text, target)

    started = (_ahead.pop() if _ahead else _started() for _ in range(count))
    helpers = [helper for helper in started if helper is not None and helper.told(target)]
    try:
        work = _Work(write())
        threads = [Thread(target=helper.share, args=(work,), daemon=True) for helper in helpers]
        for thread in threads:
            thread.start()
        work.share(here)
        for helper, thread in zip(helpers, threads, strict=True):
            if not helper.busy:
                helper.process.kill()
            thread.join()
        work.share(here)  # what a helper failed at
        return [work.done[i] for i in range(len(work.texts))]
    finally:
        for helper in helpers:
            helper.end()


class _Work:
    """Modules that wait, those with most to do first, and what was made."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.texts = texts
        self.waiting = sorted(range(len(texts)), key=lambda i: texts[i].work)
        self.done: dict[int, bytes] = {}

    def share(self, make: Make) -> None:
        """Take modules, one after another, until none waits."""
        while self.waiting:
            try:
                i = self.waiting.pop()
            except IndexError:  # another thread was quicker
                return
            try:
                self.done[i] = make(self.texts[i])
            except BaseException:
                self.waiting.append(i)
                raise


class _Helper:
    """A process that makes machine code, and how to ask it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._given, self._answers = process, process.stdin, process.stdout
        self.busy = False

    def told(self, target: Target) -> bool:
        """Tell it what for machine code is made; whether it is there to hear that."""
        try:
            self._say(target)
        except OSError:
            self.end()
            return False
        return True

    def share(self, work: _Work) -> None:
        """Take modules once the process is there; one that ends leaves them to others."""
        from chainrule.native.llvm import READY

        try:
            if marshal.load(self._answers) == READY:
                work.share(self._make)
        except (OSError, EOFError, ValueError, TypeError):
            self.busy = False

    def _make(self, text: Text) -> bytes:
        self.busy = True
        self._say(text)
        code: bytes = marshal.load(self._answers)
        self.busy = False
        return code

    def _say(self, message: Text | Target) -> None:
        marshal.dump(tuple(message), self._given)
        self._given.flush()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self._answers.close()
        with suppress(OSError):  # of what it did not take
            self._given.close()


def compiled(text: Text, target: Target) -> bytes:
    """Return the machine code of a module, made here."""
    from chainrule.native import llvm

    return llvm.compiled(text, target)


def _started() -> _Helper | None:
    """Start a process; None where there can be none."""
    found = find_spec("llvmlite")
    is_python = Path(sys.executable or "").stem.startswith("python")
    if getattr(sys, "frozen", False) or not is_python or found is None or found.origin is None:
        return None
    packages = str(Path(found.origin).parent.parent)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(PROGRAM), packages],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return _Helper(process)
    except OSError:
        return None
