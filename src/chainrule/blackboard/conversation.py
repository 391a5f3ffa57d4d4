"""A page and its session: what the page says is checked, what it is to hear waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from chainrule.blackboard.commands import PAGE, Command
from chainrule.blackboard.commands import read as read_command
from chainrule.blackboard.frames import encode
from chainrule.blackboard.listeners import refuse
from chainrule.blackboard.outbox import Outbox
from chainrule.errors import ChainruleError, DataError

if TYPE_CHECKING:
    from chainrule.blackboard.session import Steered

MOST_BYTES = 2**16  # of what a page says at once; a drawing of 784 pixels takes a quarter


class Conversation:
    """One page's side of a session, the same for pages of a server and of notebooks.

    Parameters
    ----------
    session : Steered
    wake : callable
        Called, from any thread, when `outbox` has something to send.

    Attributes
    ----------
    outbox : Outbox
    """

    def __init__(self, session: Steered, wake: Callable[[], Any]) -> None:
        self._session, self.outbox = session, Outbox(wake)
        self._put = self.outbox.put
        self._detach = session.attach(self._put)

    def hear(self, message: Any) -> None:
        """Do what the page asks for, or answer with an error."""
        try:
            if not isinstance(message, dict):
                raise DataError("a message is an object with `do`")
            if message.get("do") in list(PAGE):
                self._obey(read_command(message, PAGE))
                return
            if message.get("do") == "hello":
                self.outbox.anew()
            self._session.handle(message, self._put)
        except ChainruleError as error:
            refuse(self._put, message, error)

    def _obey(self, command: Command) -> None:
        getattr(self.outbox, command.do)(**command.given)
        if command.id is not None:
            self._put(encode("done", {"id": command.id}))

    def hear_text(self, text: str | bytes | None) -> None:
        """Read what the page says as JSON, and do it."""
        try:
            message = read(text)
        except DataError as error:
            refuse(self._put, None, error)
        else:
            self.hear(message)

    def close(self) -> None:
        """Leave the session, which goes on."""
        self._detach()
        self.outbox.close()


def read(text: str | bytes | None) -> Any:
    """Return what a text of JSON says.

    Raises
    ------
    DataError
        If it is none, or too long.

    Examples
    --------
    >>> read('{"do": "play", "rate": null}')
    {'do': 'play', 'rate': None}
    """
    if not isinstance(text, str):
        raise DataError("a message is text, not bytes")
    if len(text) > MOST_BYTES or len(text.encode(errors="replace")) > MOST_BYTES:
        raise DataError(f"a message has at most {MOST_BYTES:,} bytes")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DataError(f"a message is JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
