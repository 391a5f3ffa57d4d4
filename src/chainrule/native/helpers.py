"""Processes that make machine code beside this one: LLVM works in one thread of each at a time."""

from __future__ import annotations

import marshal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.native.llvm import Target, Text

Make = Callable[["Text"], bytes]
Begin = Callable[["Target", "Sequence[Text]"], None]
PROGRAM = Path(__file__).with_name("llvm.py")  # what each runs
_ahead: list[_Team] = []  # those that were started before all of their work was there


@contextmanager
def ahead() -> Iterator[Begin]:
    """Have a helper start at once, for modules that are to be made within.

    Nothing is imported for that: it is there about when this process has imported what it needs.
    Yields what tells it what machine code is made for, and gives it the first modules.
    """
    team = _Team()
    team.grow(1)
    _ahead.append(team)
    try:
        yield team.begin
    finally:
        if team in _ahead:  # there was nothing to do for it
            _ahead.remove(team)
            team.end()


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

    team = _ahead.pop() if _ahead and count else _Team()
    try:
        team.grow(count)
        team.begin(target, ())
        texts = write()
        team.finish(texts, here)
        return [team.done[text] for text in texts]
    finally:
        team.end()


class _Team:
    """Modules that are to be made, and helpers that make some of them."""

    def __init__(self) -> None:
        self.done: dict[Text, bytes] = {}
        self._waiting: list[Text] = []  # that with most to do last
        self._begun: set[Text] = set()
        self._helpers: list[_Helper] = []
        self._changed = Condition()
        self._is_over = False

    def grow(self, count: int) -> None:
        """Start helpers until there are so many, where there can be any."""
        while len(self._helpers) < count and (helper := _started()) is not None:
            self._helpers.append(helper)

    def begin(self, target: Target, texts: Sequence[Text]) -> None:
        """Let helpers make modules, these and those that come, for a target."""
        self._waiting += texts
        for helper in self._helpers:
            if helper.thread is None:
                work = Thread(target=self._serve, args=(helper, target), daemon=True)
                helper.thread = work
                work.start()

    def finish(self, texts: Sequence[Text], make: Make) -> None:
        """Make modules, but for those that helpers make; what waits besides is not wanted."""
        with self._changed:
            begun = {*self.done, *self._begun}
            new = [text for text in dict.fromkeys(texts) if text not in begun]
            self._waiting = sorted(new, key=lambda text: text.work)
            self._changed.notify_all()

        def is_done() -> bool:
            return all(text in self.done for text in texts)

        while not is_done():
            if not self._makes(make):
                with self._changed:  # a helper makes the last of them, or fails at it
                    self._changed.wait_for(lambda: self._waiting or is_done())

    def end(self) -> None:
        """Let helpers end; nobody waits until they have."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        for helper in self._helpers:
            helper.process.kill()
            if helper.thread is None:
                helper.end()

    def _serve(self, helper: _Helper, target: Target) -> None:
        """Have a helper make modules once it is there; what it fails at waits for others."""
        with suppress(OSError, EOFError, ValueError, TypeError):
            helper.begin(target)
            while self._makes(helper.make, waits=True):
                pass
        helper.end()

    def _makes(self, make: Make, waits: bool = False) -> bool:
        """Make a module that waits, or that will; return whether there was one."""
        with self._changed:
            while waits and not self._waiting and not self._is_over:
                self._changed.wait()
            if not self._waiting or self._is_over:
                return False
            text = self._waiting.pop()
            self._begun.add(text)
        try:
            self.done[text] = make(text)
        finally:
            with self._changed:
                self._begun.remove(text)
                if text not in self.done:
                    self._waiting.append(text)
                self._changed.notify_all()
        return True


class _Helper:
    """A process that makes machine code, and how to ask it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._given, self._answers = process, process.stdin, process.stdout
        self.thread: Thread | None = None  # that asks it

    def begin(self, target: Target) -> None:
        """Tell it what machine code is made for, and wait until it is there.

        Raises
        ------
        OSError, EOFError, ValueError, TypeError
            If it is not, or is another program.
        """
        from chainrule.native.llvm import READY

        self._say(target)
        if marshal.load(self._answers) != READY:
            raise ValueError

    def make(self, text: Text) -> bytes:
        """Have it make a module; errors as for `begin`."""
        self._say(text)
        code: bytes = marshal.load(self._answers)
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
