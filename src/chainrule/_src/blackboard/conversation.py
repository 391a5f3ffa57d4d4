"""The connection of a page to its session: checks incoming messages, queues outgoing ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, NoReturn

from chainrule._src.base.errors import ChainruleError, DataError
from chainrule._src.blackboard.commands import Command, Request
from chainrule._src.blackboard.commands import read as read_command
from chainrule._src.blackboard.fields import Number, one_of
from chainrule._src.blackboard.frames import encode
from chainrule._src.blackboard.listeners import refuse
from chainrule._src.blackboard.outbox import Outbox
from chainrule._src.blackboard.session import FAR, Steered

PAGE = {
    "drawn": Request(Outbox.drawn),
    "pictures": Request(
        Outbox.pictures,
        {"of": one_of("weights", "gradient", "change"), "page": Number(0, FAR, whole=True)},
        ("of",),
    ),
}  # fmt: skip
"""The requests that concern the page alone; sessions do not receive them."""
MOST_BYTES = 2**16  # of a message; a drawing of 784 pixels takes a quarter


class Conversation:
    """The connection of one page to a session, for pages of a server and of notebooks.

    Parameters
    ----------
    session : Steered
    wake : callable
        Callback that any thread calls when `outbox` has messages to send.

    Attributes
    ----------
    outbox : Outbox
    """

    def __init__(self, session: Steered, wake: Callable[[], Any]) -> None:
        self._session, self.outbox = session, Outbox(wake)
        self._asked = {**session.commands, **PAGE}
        self._put = self.outbox.put
        self._detach = session.attach(self._put)

    def hear(self, message: Any) -> None:
        """Carry out a message of the page, or answer with an error; no message ends the session."""
        try:
            self._do(read_command(message, self._asked))
        except Exception as error:
            if not isinstance(error, ChainruleError):
                logging.getLogger(__name__).exception("blackboard")
            refuse(self._put, message, error)

    def _do(self, command: Command) -> None:
        if command.do in PAGE:
            PAGE[command.do].run(self.outbox, **command.fields)
            if command.id is not None:
                self._put(encode("done", {"id": command.id}))
            return
        if command.do == "hello":
            self.outbox.anew()
        self._session.handle(command, self._put)

    def hear_text(self, text: str | bytes | None) -> None:
        """Parse a message of the page as JSON, and carry it out."""
        try:
            message = read(text)
        except DataError as error:
            refuse(self._put, None, error)
        else:
            self.hear(message)

    def close(self) -> None:
        """Detach the page from the session, which continues."""
        self._detach()
        self.outbox.close()


def read(text: str | bytes | None) -> Any:
    """Parse a text of JSON.

    Raises
    ------
    DataError
        If the text is not JSON, or too long.

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
