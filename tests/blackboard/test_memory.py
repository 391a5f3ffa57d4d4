"""However long it trains, neither the session nor the page comes to hold more."""

import sys
import time
from pathlib import Path

import pytest
from tests.blackboard.browsing import Board, browser, command

from chainrule.blackboard import run, subjects, views
from chainrule.blackboard.conversation import Conversation
from chainrule.blackboard.opening import begin

MB = 2**20


def resident():
    """Return the bytes that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read as Linux's")
def test_a_session_at_full_speed_grows_to_its_limit_and_no_further(monkeypatch):
    monkeypatch.setattr(run, "MEMORY", 8 * MB)
    monkeypatch.setattr(views, "MANY", 64)
    session = begin(subjects.network(subjects.digits()))
    page = Conversation(session, lambda: None)
    page.hear({"do": "hello"})
    page.hear({"do": "play", "rate": None})

    def at_the_end_of(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page.outbox.take()
            page.hear({"do": "drawn"})
            time.sleep(0.02)
        return resident()

    before = at_the_end_of(4)
    growth = at_the_end_of(8) - before
    copies = session.branch.run._copies
    session.close()
    assert growth < 4 * MB  # without an end to copies, 5 MB a second
    assert 4 * MB < len(copies) * session.branch.run._bytes <= 8 * MB


def test_a_page_at_full_speed_keeps_no_message_that_it_has_shown():
    with browser() as chrome, command() as address:
        board = Board(chrome.new_context(), address)
        board.at(1)
        board.full_speed()
        line = board.page.context.new_cdp_session(board.page)
        line.send("Performance.enable")

        def heap():
            board.js("() => { told.length = 0; }")  # what the test itself notes
            line.send("HeapProfiler.collectGarbage")
            found = line.send("Performance.getMetrics")["metrics"]
            return next(each["value"] for each in found if each["name"] == "JSHeapUsedSize")

        board.js(
            """() => {
              window.came = [];
              sockets.at(-1).addEventListener("message", (e) => came.push(new WeakRef(e.data)));
              return until(() => came.length > 30);
            }"""
        )
        before = heap()
        board.js("() => { const n = came.length; return until(() => came.length > n + 120); }")
        growth = heap() - before
        alive = board.js("came.slice(0, 120).filter((ref) => ref.deref()).length")
        assert alive == 0  # of those that were shown long ago
        assert growth < MB
        assert board.problems == []
