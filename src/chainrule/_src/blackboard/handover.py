"""Private handover of the address to a browser, in a file: all users see program arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from chainrule._src.base.pages import page

TEMPLATE = Path(__file__).with_name("templates") / "handover.html"


class Invite(Protocol):
    """A function that creates addresses, see `Guard.invite`."""

    def __call__(self, used: Callable[[], Any] = ...) -> str:
        """Return an address that admits one browser, once; then ``used`` is called."""


@contextmanager
def handover() -> Iterator[Callable[[Invite], Path]]:
    """Context manager for private HTML files, each of which redirects to a new address.

    Its value is a function that writes such a file. A file is removed when its address has been
    used, or when the context ends.
    """
    with TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True) as folder:

        def write(invite: Invite) -> Path:
            path = Path(folder) / "blackboard.html"
            address = invite(lambda: path.unlink(missing_ok=True))
            with open(path, "x", encoding="utf-8", opener=_of_this_user) as file:
                file.write(page(TEMPLATE, address=address))
            return path

        yield write


def _of_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
