"""Single keys from a terminal, read without waiting."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

if sys.platform == "win32":
    import msvcrt

    @contextlib.contextmanager
    def _unbuffered() -> Iterator[None]:
        """Do nothing: keys are read one by one."""
        yield

    def _key() -> str:
        return msvcrt.getwch() if msvcrt.kbhit() else ""

else:
    import select
    import termios
    import tty

    @contextlib.contextmanager
    def _unbuffered() -> Iterator[None]:
        """Have the terminal hand over each key at once."""
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def _key() -> str:
        ready, _, _ = select.select([sys.stdin], [], [], 0)
        return sys.stdin.read(1) if ready else ""


@contextlib.contextmanager
def pressed() -> Iterator[Keys]:
    """Have keys at hand without Enter, as long as the block lasts; none if there is no terminal."""
    has_terminal = sys.stdin.isatty()
    with _unbuffered() if has_terminal else contextlib.nullcontext():
        yield Keys(has_terminal)


class Keys:
    """What was typed since the last look."""

    def __init__(self, has_terminal: bool) -> None:
        self._has_terminal = has_terminal

    def next(self) -> str:
        """Return the next key in lower case, or "" if none was pressed."""
        return _key().lower() if self._has_terminal else ""
