"""However long it trains, the session comes to hold no more."""

import time
import tracemalloc

import pytest

from chainrule._src.blackboard import run, subjects, views
from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.opening import begin

MB = 2**20


@pytest.mark.thorough  # long
def test_a_session_at_full_speed_grows_to_its_limit_and_no_further(monkeypatch):
    monkeypatch.setattr(run, "MEMORY", MB)
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

    until(noted, 1.5)
    tracemalloc.stop()
    session.close()
    assert watched._apart > 0
    assert len(watched._copies) * watched._bytes <= MB
    half = len(held) // 2
    growth = min(held[half:]) - min(held[:half])
    assert growth < MB, growth  # without an end to copies, several MB a second
