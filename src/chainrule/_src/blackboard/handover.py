"""The address, handed to a browser in a file: arguments of programs are read by all users."""

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
    """Makes addresses, see `Guard.invite`."""

    def __call__(self, used: Callable[[], Any] = ...) -> str:
        """Return an address that lets one browser in, once; ``used`` is called then."""


@contextmanager
def handover() -> Iterator[Callable[[Invite], Path]]:
    """Within it, write files that only this user reads, each of which leads to a new address.

    A file is removed when its address has been used, and at the end.
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
