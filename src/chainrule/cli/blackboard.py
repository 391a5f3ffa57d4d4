"""``chainrule blackboard``."""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Annotated

import typer

from chainrule.cli.problems import Interrupted, warn
from chainrule.errors import MissingDependencyError
from chainrule.escaping import for_terminal
from chainrule.interrupts import deferred

NEEDED = ("starlette", "uvicorn", "websockets")
DATA_HELP = "What to learn from: digits, another of the data sets that are always there, or a file."
MODEL_HELP = "network, deep, softmax, the file of a model, or a Python file of your own."


def blackboard(
    data: Annotated[str, typer.Option(metavar="NAME|FILE", help=DATA_HELP)] = "digits",
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a table to predict.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="KIND|FILE", help=MODEL_HELP)] = "network",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Of this machine; 0: one is chosen.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Watch a network learn, in the browser: stop it, step back, and see why."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise MissingDependencyError(
            f"the blackboard needs {' and '.join(missing)}: pip install 'chainrule[blackboard]'"
        )
    from chainrule.blackboard import built
    from chainrule.blackboard.opening import prepared

    with deferred():
        from chainrule.blackboard.server import serve

    built.module()  # or say how to have it
    begin = prepared(data, target, model)  # what cannot be is told before the address

    def tell(address: str) -> None:
        typer.echo(for_terminal(f"The blackboard is at {address}\nCtrl-C ends it."))
        if browser:  # some browsers run in the terminal, until they are closed
            threading.Thread(target=_open, args=(address,), daemon=True).start()

    try:
        serve(begin, tell, port)
    except KeyboardInterrupt:
        raise Interrupted("what was trained is gone, but for what you took away") from None


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        warn("no browser was found: open the address yourself")
