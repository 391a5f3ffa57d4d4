"""The blackboard's server, asked over real sockets."""

import asyncio
import http.client
import json
import signal
import socket
import threading
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from tests.blackboard.stub import StubSession
from tests.pace import SLOWNESS
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from chainrule._src.blackboard import built, server, subjects
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.opening import begin
from chainrule.errors import DataError, OptionError

pytestmark = pytest.mark.portable

WAIT = 10 * SLOWNESS


@contextmanager
def serving(make=StubSession):
    """Serve in a thread; yields the address, the cookie and the session."""
    found, ready = {}, threading.Event()

    def made():
        found["session"] = make()
        return found["session"]

    def told(invite):
        found["address"] = invite()
        ready.set()

    with server.listening(0) as listener:
        board = server.BlackboardServer(listener)
        thread = threading.Thread(
            target=lambda: asyncio.run(board.serve(made, told)), name="served"
        )
        thread.start()
        try:
            assert ready.wait(WAIT)
            yield Browser(found["address"], found)
        finally:
            board.end()
            thread.join(WAIT)
    assert not thread.is_alive()
    assert not found["session"]._thread.is_alive()


class Browser:
    """What a browser does: it opens an address, keeps the cookie, opens sockets."""

    def __init__(self, address, found):
        parts = urlsplit(address)
        self.place, self.query, self.found = parts.netloc, parts.query, found
        self.address = address
        answer = self.get(f"/?{self.query}")
        assert answer.status == 200
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def get(self, path, **headers):
        connection = http.client.HTTPConnection(self.place, timeout=WAIT)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    def socket(self, waiting=None, **more):
        """Open a socket; so many messages wait here before it takes no more."""
        headers = {"cookie": self.cookie, "host": self.place, **more}
        origin = headers.pop("origin", f"http://{self.place}")
        host = headers.pop("host")
        place, _, port = self.place.partition(":")
        return connect(
            f"ws://{host}/socket", origin=origin or None, additional_headers=headers,
            sock=socket.create_connection((place, int(port))), max_size=None, compression=None,
            max_queue=waiting, close_timeout=1, open_timeout=WAIT, ping_timeout=2 * WAIT,
        )  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    with serving() as found:
        yield found


def say(page, **message):
    page.send(json.dumps(message))


def hear(page, kind):
    """Return the next message of a kind."""
    while True:
        header, _ = decode(page.recv(WAIT))
        if header["type"] == kind:
            return header


def test_the_page_and_its_parts_are_there_for_who_has_the_cookie(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(built, "MODULE", tmp_path / "blackboard.js")
    built.MODULE.write_text("export default 1;")
    for path, kind in {"/": "text/html", "/start.js": "text/javascript", "/start.css": "text/css",
                       "/blackboard.js": "text/javascript"}.items():  # fmt: skip
        answer = browser.get(path, cookie=browser.cookie)
        assert (answer.status, answer.headers.get_content_type()) == (200, kind)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert browser.get(path).status == 403
    assert browser.get("/other", cookie=browser.cookie).status == 404


@pytest.mark.parametrize(
    "wrong", [{"cookie": ""}, {"cookie": "chainrule=x"}, {"origin": ""}, {"origin": "null"},
              {"origin": "http://evil.example"}, {"host": "evil.example"}],
    ids=str,
)  # fmt: skip
def test_a_socket_from_elsewhere_is_refused(browser, wrong):
    with pytest.raises(InvalidStatus) as refused:
        browser.socket(**wrong)
    assert refused.value.response.status_code == 403


@pytest.mark.portable(quick="here")
def test_two_tabs_hear_of_one_session(browser):
    with browser.socket() as one, browser.socket() as other:
        say(one, do="hello")
        say(other, do="hello")
        assert hear(one, "setup")["model"] == {"title": "stub"}
        assert abs(hear(one, "frame")["update"] - hear(other, "frame")["update"]) < 1000
    with browser.socket() as again:  # reloaded
        say(again, do="hello")
        hear(again, "setup")


def test_a_thousand_malformed_messages_are_answered_and_change_nothing(browser):
    bad = ["", "{", "[]", "7", "\0", "[" * 5000, '{"do": NaN}', "x" * 70_000, b"\0\1"]
    with browser.socket() as page:
        say(page, do="hello")
        hear(page, "frame")
        session = browser.found["session"]
        before = len(session.heard)
        for i in range(1000):
            page.send(bad[i % len(bad)])
            assert hear(page, "error")["id"] is None
        say(page, do="hello")
        hear(page, "setup")
    assert len(session.heard) == before + 1


def test_a_message_nested_deep_is_answered_and_training_goes_on_for_all_pages():
    deep = "[" * 900 + "]" * 900
    with (
        serving(lambda: begin(subjects.network(subjects.digits()))) as browser,
        browser.socket() as one,
        browser.socket() as other,
    ):
        for page in (one, other):
            say(page, do="hello")
            hear(page, "frame")
        for text in (f'{{"do": "pause", "id": {deep}}}', f'{{"do": "set", "rate": {deep}}}'):
            one.send(text)
            assert len(hear(one, "error")["message"]) < 200
        for page in (one, other):
            say(page, do="step", count=1, id=7)
            assert hear(page, "done")["id"] == 7


def test_what_is_far_too_long_ends_the_connection_alone(browser):
    with browser.socket() as page:
        page.send("x" * (server.WHOLE + 1))
        with pytest.raises(ConnectionClosed):
            hear(page, "error")
    with browser.socket() as page:
        say(page, do="hello")
        hear(page, "frame")


def test_a_page_that_takes_nothing_holds_nobody_up():
    with (
        serving(lambda: StubSession(size=100_000)) as browser,
        browser.socket(waiting=1) as slow,
        browser.socket() as quick,
    ):
        for page in (slow, quick):
            say(page, do="hello")
        hear(slow, "frame")
        session = browser.found["session"]
        begin = session.update
        seen = [hear(quick, "frame")["update"] for _ in range(30)]
        assert len(set(seen)) == 30
        while session.update < begin + 60:
            hear(quick, "frame")
        assert hear(slow, "frame")["update"] < session.update  # from buffers of the system
        newest = session.update
        while hear(slow, "frame")["update"] < newest:  # and then the newest
            pass


def test_a_session_that_cannot_be_made_ends_it():
    def fail():
        raise DataError("no such data")

    with pytest.raises(DataError, match="no such data"):
        server.serve(fail, lambda invite: None)


def test_a_session_that_is_given_up_while_it_is_made_ends_the_server():
    with server.listening(0) as listener:
        board, loop = server.BlackboardServer(listener), asyncio.new_event_loop()
        board._server = SimpleNamespace(should_exit=False)
        made = loop.create_future()
        made.cancel()
        board._end_if_failed(made)
        loop.close()
    assert board._server.should_exit


def test_a_port_that_is_taken_is_told():
    with server.listening(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"{port} .* another program") as told:
            server.serve(StubSession, lambda invite: None, port)
    assert told.value.option == "port"


def test_it_listens_on_loopback_alone():
    with server.listening(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_ctrl_c_ends_all_of_it(interrupts):
    sessions = []

    def make():
        sessions.append(StubSession())
        # On Windows `os.kill` would end this process.
        threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,)).start()
        return sessions[0]

    with pytest.raises(KeyboardInterrupt):
        server.serve(make, lambda invite: None)
    assert sessions[0].closed
