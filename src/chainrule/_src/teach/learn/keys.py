"""Single keys from a terminal, read without waiting."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator

if sys.platform == "win32":
    import msvcrt

    # An arrow or a function key sends two characters, of which the last may be a letter.
    SPECIAL = re.compile("[\x00\xe0].", re.DOTALL)

    @contextlib.contextmanager
    def _unbuffered() -> Iterator[None]:
        """Do nothing: Windows reads single keys anyway."""
        yield

    def _typed() -> str:
        """Return all that was typed since the last call."""
        text = ""
        while msvcrt.kbhit():
            text += msvcrt.getwch()
        return text

else:
    import os
    import select
    import termios
    import tty

    # An arrow or a function key sends several characters, of which the last may be a letter.
    SPECIAL = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|O.)?", re.DOTALL)

    @contextlib.contextmanager
    def _unbuffered() -> Iterator[None]:
        """Set the terminal to cbreak mode, so that keys arrive without Enter."""
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def _typed() -> str:
        """Return all that was typed since the last call, past the buffers of `sys.stdin`."""
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return os.read(sys.stdin.fileno(), 1024).decode(errors="ignore") if ready else ""


@contextlib.contextmanager
def pressed() -> Iterator[Keys]:
    """Context manager for reading keys without Enter; without a terminal there are no keys."""
    has_terminal = sys.stdin.isatty()
    with _unbuffered() if has_terminal else contextlib.nullcontext():
        yield Keys(has_terminal)


class Keys:
    """The keys that were pressed but not taken yet, in their order."""

    def __init__(self, has_terminal: bool) -> None:
        self._has_terminal = has_terminal
        self._waiting = ""

    def waiting(self) -> str:
        """Return these keys, in lower case."""
        if self._has_terminal:
            self._waiting += SPECIAL.sub("", _typed()).lower()
        return self._waiting

    def next(self) -> str:
        """Take the next key, or return "" if no key was pressed."""
        key, self._waiting = self.waiting()[:1], self._waiting[1:]
        return key
