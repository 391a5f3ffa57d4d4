"""A session that trains nothing, a comm without a notebook: what the hosts need of them."""

import threading

import numpy as np

from chainrule._src.blackboard.frames import decode, encode
from chainrule._src.blackboard.session import COMMANDS


class StubSession:
    """Answers hello with a setup and sends a hundred frames a second."""

    def __init__(self, size=100):
        self.commands = COMMANDS
        self.listeners, self.heard, self.closed = [], [], False
        self.update, self._size = 0, size
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._train, name="stub")
        self._thread.start()

    def attach(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def handle(self, command, listener=None):
        self.heard.append(command)
        if command.do == "hello":
            listener(encode("setup", {"model": {"title": "stub"}}))
        else:
            listener(encode("error", {"id": command.id, "message": "unknown"}))

    def close(self):
        self.closed = True
        self._end.set()
        self._thread.join()

    def _train(self):
        while not self._end.wait(0.01):
            self.update += 1
            frame = encode("frame", {"branch": "a", "update": self.update},
                           {"p:W": np.full(self._size, float(self.update))})  # fmt: skip
            for listener in list(self.listeners):
                listener(frame)


class Comm:
    """What a notebook would be sent."""

    comm_id = "1"

    def __init__(self):
        self.sent, self.ended = [], []

    def send(self, data=None, buffers=None):
        self.sent.append((data, buffers))

    def on_msg(self, heard):
        self.heard = heard

    def on_close(self, heard):
        self.ended.append(heard)

    def close(self):
        pass

    def told(self):
        """Return the messages of the session so far."""
        return [decode(bytes(b[0]))[0] for data, b in self.sent if data["method"] == "custom"]

    def say(self, content):
        data = {"method": "custom", "content": content}
        self.heard({"content": {"data": data}, "buffers": []})
