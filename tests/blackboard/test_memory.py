"""However long it trains, neither the session nor the page comes to hold more."""

import time
import tracemalloc

from tests.blackboard.browsing import Board, command

from chainrule._src.blackboard import run, subjects, views
from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.opening import begin

MB = 2**20


def test_a_session_at_full_speed_grows_to_its_limit_and_no_further(monkeypatch):
    monkeypatch.setattr(run, "MEMORY", 4 * MB)
    monkeypatch.setattr(views, "MANY", 64)
    session = begin(subjects.network(subjects.digits()))
    page = Conversation(session, lambda: None)
    page.hear({"do": "hello"})
    page.hear({"do": "play", "rate": None})
    watched = session.branch.run

    def until(done, seconds):
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            page.outbox.take()
            page.hear({"do": "drawn"})
            time.sleep(0.02)

    tracemalloc.start()
    until(lambda: watched._apart > 0, 10)  # all is recorded and compiled, the limit met once
    held = []  # what lasts: frames on their way and scores in the making come and go

    def noted():
        held.append(tracemalloc.get_traced_memory()[0])

    until(noted, 6)
    tracemalloc.stop()
    session.close()
    assert watched._apart > 0
    assert len(watched._copies) * watched._bytes <= 4 * MB
    half = len(held) // 2
    growth = min(held[half:]) - min(held[:half])
    assert growth < 4 * MB, growth  # without an end to copies, several MB a second


def test_a_page_at_full_speed_keeps_no_message_that_it_has_shown(chrome):
    with command() as address:
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
