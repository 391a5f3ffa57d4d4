"""Single keys from a terminal, read without waiting."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

if sys.platform == "win32":
    import msvcrt

    @contextlib.contextmanager
    def _unbuffered() -> Iterator[None]:
        """Do nothing: Windows reads single keys anyway."""
        yield

    def _key() -> str:
        return msvcrt.getwch() if msvcrt.kbhit() else ""

else:
    import select
    import termios
    import tty

    @contextlib.contextmanager
    def _unbuffered() -> Iterator[None]:
        """Set the terminal to cbreak mode, so that keys arrive without Enter."""
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
    """Context manager for reading keys without Enter; without a terminal there are no keys."""
    has_terminal = sys.stdin.isatty()
    with _unbuffered() if has_terminal else contextlib.nullcontext():
        yield Keys(has_terminal)


class Keys:
    """The keys that were pressed but not read yet."""

    def __init__(self, has_terminal: bool) -> None:
        self._has_terminal = has_terminal

    def next(self) -> str:
        """Return the next key in lower case, or "" if no key was pressed."""
        return _key().lower() if self._has_terminal else ""
