"""The blackboard in a notebook: before a comm that is none, and in a kernel."""

import threading
import time

import pytest
from tests.blackboard.stub import StubSession

from chainrule.blackboard import built
from chainrule.blackboard.frames import decode
from chainrule.blackboard.widget import Blackboard
from chainrule.errors import MissingDependencyError

WAIT = 10


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


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(built, "MODULE", tmp_path / "blackboard.js")
    built.MODULE.write_text("export default { render() {} };")


@pytest.fixture
def comm(monkeypatch):
    made = Comm()
    monkeypatch.setattr("ipywidgets.widgets.widget.comm.create_comm", lambda **how: made)
    return made


@pytest.fixture
def shown(page, comm):
    widget = Blackboard(StubSession())
    yield widget
    widget.close()


def until(there):
    end = time.monotonic() + WAIT
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_is_the_module_that_is_served(shown):
    assert shown._esm == built.MODULE.read_text()


def test_without_the_module_it_says_how_to_build_it(page, comm):
    built.MODULE.unlink()
    session = StubSession()
    with pytest.raises(MissingDependencyError, match="make blackboard"):
        Blackboard(session)
    session.close()


def test_a_cell_gets_what_a_page_gets(shown, comm):
    comm.say({"do": "hello"})
    until(lambda: {"setup", "frame"} <= {told["type"] for told in comm.told()})
    updates = [told["update"] for told in comm.told() if told["type"] == "frame"]
    assert updates == sorted(set(updates))


@pytest.mark.parametrize("content", [None, 3, [], "do", {"nothing": 1}, {"do": "nonsense"}])
def test_nonsense_is_answered(shown, comm, content):
    comm.say(content)
    until(lambda: any(told["type"] == "error" for told in comm.told()))


def test_a_cell_that_draws_slowly_is_sent_what_it_can_draw(shown, comm):
    comm.say({"do": "drawn"})
    until(lambda: comm.told())
    time.sleep(0.2)
    before = len(comm.told())
    time.sleep(0.2)
    assert len(comm.told()) == before <= 4
    comm.say({"do": "drawn"})
    until(lambda: len(comm.told()) > before)


@pytest.mark.parametrize("how", ["close", "comm"])
def test_closing_ends_training(page, comm, how):
    session = StubSession()
    widget = Blackboard(session)
    widget.close() if how == "close" else comm.ended[0]({})
    assert session.closed
    assert not [t for t in threading.enumerate() if t.name == "chainrule-cell"]
    widget.close()
