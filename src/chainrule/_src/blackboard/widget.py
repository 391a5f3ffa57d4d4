"""The blackboard in a notebook: the same page in a cell; messages go through the kernel."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from chainrule._src.blackboard import built
from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.outbox import Outbox

if TYPE_CHECKING:
    from chainrule._src.blackboard.session import Session


class Blackboard(anywidget.AnyWidget):
    """A session's page, which several cells may display.

    Training continues in a thread while cells run; it ends with `close`, or with the kernel.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    place : str
        The page's state, as text: its settings and the visible panels.
    """

    _end: weakref.finalize[..., Any] | None = None
    place = traitlets.Unicode("").tag(sync=True)

    def __init__(self, session: Session) -> None:
        self._esm = built.module().read_text(encoding="utf-8")
        super().__init__()
        news = threading.Event()
        conversation = Conversation(session, news.set)
        sender = threading.Thread(
            target=_send, args=(weakref.ref(self), conversation.outbox, news),
            name="chainrule-cell", daemon=True,
        )  # fmt: skip
        self._end = weakref.finalize(self, _end, session, conversation, news, sender)
        self.on_msg(lambda widget, content, buffers: conversation.hear(content))
        self.comm.on_close(lambda message: self.close())
        sender.start()

    def close(self) -> None:
        """End training, and take the page out of its cells."""
        if self._end is not None:  # the constructor has finished
            self._end()
        super().close()


def _send(to: weakref.ref[Blackboard], outbox: Outbox, news: threading.Event) -> None:
    """Send waiting messages, in a thread that is neither the training thread nor the kernel's."""
    while not outbox.closed:
        news.wait()
        news.clear()
        if (widget := to()) is not None:
            for message in outbox.take():
                widget.send({}, [message])


def _end(
    session: Session, conversation: Conversation, news: threading.Event, sender: threading.Thread
) -> None:
    conversation.close()
    news.set()
    sender.join()
    session.close()
