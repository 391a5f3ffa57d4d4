"""Pages that look on cost training little."""

import statistics
import sys
import threading
import time

import pytest

from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.commands import Command
from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.opening import begin

SECONDS, FEWEST, MOST = 0.1, 7, 21


class Page:
    """A page that draws whatever it is sent."""

    def __init__(self, session):
        self.news, self.end = threading.Event(), threading.Event()
        self.conversation = Conversation(session, self.news.set)
        self.thread = threading.Thread(target=self.draw)

    def draw(self):
        while not self.end.is_set():
            self.news.wait(0.1)
            self.news.clear()
            if self.conversation.outbox.take():
                self.conversation.hear({"do": "drawn"})

    def __enter__(self):
        self.conversation.hear({"do": "hello"})
        self.thread.start()

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()
        self.conversation.close()


def pace(session):
    """Return the updates that a session makes in a second of its thread's processor time."""
    clock = time.pthread_getcpuclockid(session._thread.ident)
    time.sleep(SECONDS / 2)
    update, used = session.branch.run.place.update, time.clock_gettime(clock)
    time.sleep(SECONDS)
    made = session.branch.run.place.update - update
    return made / (time.clock_gettime(clock) - used)


@pytest.mark.thorough  # measures time
@pytest.mark.skipif(sys.platform != "linux", reason="clocks of threads are Linux's")
def test_a_page_slows_training_by_less_than_a_tenth():
    session, found = begin(subjects.network(subjects.digits())), []
    session.handle(Command("play"))
    while len(found) < FEWEST or (statistics.median(found) <= 0.9 and len(found) < MOST):
        # in turns, as what else runs slows one as the other
        alone = pace(session)
        with Page(session):
            found.append(pace(session) / alone)
    session.close()
    assert statistics.median(found) > 0.9, found
