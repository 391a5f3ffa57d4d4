"""A page without a screen: it asks, waits, and keeps what it is told."""

import queue

from tests.pace import SLOWNESS

from chainrule._src.blackboard.commands import read
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.listeners import refuse
from chainrule._src.blackboard.session import COMMANDS
from chainrule.errors import DataError


class Watcher:
    """Watches a session."""

    def __init__(self, session):
        self.session, self.told = session, queue.Queue()
        self.detach = session.attach(self.told.put)
        self.ids = iter(range(10**9))

    def say(self, **message):
        """Ask for something, and go on."""
        try:
            command = read(message, COMMANDS)
        except DataError as error:
            refuse(self.told.put, message, error)
        else:
            self.session.handle(command, self.told.put)

    def ask(self, do, **given):
        """Ask for something; return all that was told until the answer."""
        wanted, seen = next(self.ids), []
        self.say(do=do, id=wanted, **given)
        while True:
            header, arrays = decode(self.told.get(timeout=20 * SLOWNESS))
            seen.append((header, arrays))
            if header["type"] in ("done", "error") and header["id"] == wanted:
                return seen

    def frame(self, do, **given):
        """Ask for something; return the last frame until the answer."""
        frames = [message for message in self.ask(do, **given) if message[0]["type"] == "frame"]
        return frames[-1]

    def error(self, do, **given):
        """Ask for something that is refused; return why."""
        header, _ = self.ask(do, **given)[-1]
        assert header["type"] == "error", header
        return header["message"]

    def until(self, condition):
        """Wait for a message."""
        while True:
            header, arrays = decode(self.told.get(timeout=20 * SLOWNESS))
            if condition(header):
                return header, arrays

    def stopped(self):
        """Wait until training has stopped; return the frame."""
        return self.until(lambda h: h["type"] == "frame" and not h["playing"])
