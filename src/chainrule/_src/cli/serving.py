"""Pages that a verb serves to browsers of this machine, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from chainrule._src.base.escaping import for_terminal
from chainrule._src.base.interrupts import deferred
from chainrule._src.cli.problems import Interrupted, warn

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule._src.blackboard.handover import Invite
    from chainrule._src.blackboard.session import Steered

NEEDED = ("starlette", "uvicorn", "websockets", "watchfiles", "jinja2", "threadpoolctl")


def serve_page(
    make: Callable[[], Steered], what: str, port: int, browser: bool, interrupted: str
) -> None:
    """Serve a session's page, print its address, and open it in the browser.

    Parameters
    ----------
    make : callable
        Function that returns the session.
    what : str
        The words for the page.
    port : int
        The port, or 0 for a free one.
    browser : bool
        If true, the page is opened in the browser.
    interrupted : str
        The consequence of Ctrl-C, in words.
    """
    from chainrule._src.blackboard import built
    from chainrule._src.blackboard.handover import handover

    with deferred():
        from chainrule._src.blackboard.server import serve

    built.module()  # raises an error with instructions if the page was not built

    def tell(invite: Invite) -> None:
        def tell_another() -> None:
            address = invite(tell_another)
            typer.echo(for_terminal(f"Another browser is let in, once, by {address}"))

        typer.echo(for_terminal(f"{what} is at {invite(tell_another)}"))
        typer.echo(for_terminal("It lets one browser in, once. Ctrl-C ends it."))
        if browser:  # some browsers run in the terminal, until they are closed
            threading.Thread(target=_open, args=(write, invite), daemon=True).start()

    try:
        with handover() as write:
            serve(make, tell, port)
    except KeyboardInterrupt:
        raise Interrupted(interrupted) from None


def _open(write: Callable[[Invite], Path], invite: Invite) -> None:
    import webbrowser

    if not webbrowser.open(write(invite).as_uri()):
        warn("no browser was found: open the address yourself")
