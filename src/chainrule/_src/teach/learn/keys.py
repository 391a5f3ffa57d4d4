"""Single keys from a terminal, read without waiting."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def pressed() -> Iterator[Keys]:
    """Have keys at hand without Enter, as long as the block lasts; none if there is no terminal."""
    if not sys.stdin.isatty():
        yield Keys(False)
    elif sys.platform == "win32":
        yield Keys(True)
    else:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield Keys(True)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


class Keys:
    """What was typed since the last look."""

    def __init__(self, has_terminal: bool) -> None:
        self._has_terminal = has_terminal

    def next(self) -> str:
        """Return the next key in lower case, or "" if none was pressed."""
        if not self._has_terminal:
            return ""
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch().lower() if msvcrt.kbhit() else ""
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return sys.stdin.read(1).lower() if ready else ""
