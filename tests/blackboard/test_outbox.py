"""What waits for a page."""

import numpy as np
import pytest

from chainrule._src.blackboard import outbox as module
from chainrule._src.blackboard.frames import decode, encode
from chainrule._src.blackboard.outbox import Outbox


def frame(update, branch="a"):
    return encode("frame", {"branch": branch, "update": update}, {"p:W": np.zeros(10)})


def told(messages):
    found = [decode(message)[0] for message in messages]
    return [(m["type"], m.get("update"), m.get("branch")) for m in found]


@pytest.fixture
def woken():
    return []


@pytest.fixture
def fresh(woken):
    return Outbox(lambda: woken.append(1))


@pytest.fixture
def outbox(fresh, woken):
    """Return one whose page knows the network."""
    fresh.put(encode("setup", {}))
    fresh.take()
    woken.clear()
    return fresh


@pytest.mark.parametrize("again", [False, True])
def test_a_page_hears_nothing_of_training_before_it_knows_the_network(fresh, again):
    if again:
        fresh.put(encode("setup", {}))
        fresh.anew()
        fresh.take()
    training = [
        frame(1),
        encode("curves", {"branch": "a", "start": 0}),
        encode("notice", {"branch": "a", "update": 1}),
        encode("notices_cleared", {"branch": "a", "from": 1}),
    ]
    for message in [*training, encode("error", {"id": None}), encode("setup", {}), frame(2)]:
        fresh.put(message)
    kinds = [kind for kind, *_ in told(fresh.take())]
    assert kinds == ["error", "setup", "frame"]


def test_of_frames_there_is_the_newest_of_each_branch_of_all_else_everything(outbox, woken):
    for update in range(3):
        outbox.put(frame(update))
        outbox.put(frame(update, "b"))
        outbox.put(encode("notice", {"branch": "a", "update": update}))
    assert sorted(told(outbox.take())) == [
        ("frame", 2, "a"), ("frame", 2, "b"),
        ("notice", 0, "a"), ("notice", 1, "a"), ("notice", 2, "a"),
    ]  # fmt: skip
    assert woken
    assert outbox.take() == []


def test_messages_keep_their_order(outbox):
    outbox.put(frame(0))
    outbox.put(encode("notice", {"branch": "a", "update": 1}))
    outbox.put(frame(2))
    assert told(outbox.take()) == [("notice", 1, "a"), ("frame", 2, "a")]


def test_a_frame_of_the_network_before_does_not_follow_a_new_setup(outbox):
    outbox.put(frame(7))
    outbox.put(encode("setup", {}))
    assert told(outbox.take()) == [("setup", None, None)]


def test_a_page_that_tells_what_it_has_drawn_gets_no_more_than_it_can_draw(outbox, woken):
    outbox.drawn()
    for update in range(10):
        outbox.put(frame(update))
        outbox.put(encode("notice", {"branch": "a", "update": update}))
        kinds = [kind for kind, *_ in told(outbox.take())]
        assert kinds == (["frame", "notice"] if update < module.UNDRAWN else ["notice"])
    woken.clear()
    outbox.drawn()
    assert woken
    assert told(outbox.take()) == [("frame", 9, "a")]


def names(messages):
    return [set(decode(message)[1]) for message in messages]


def test_of_gradient_and_change_a_page_gets_what_its_pictures_are_of(outbox, woken):
    def put(update):
        arrays = {name: np.full(3, update, float) for name in ("p:W", "g:W", "d:W", "sure")}
        outbox.put(encode("frame", {"branch": "a", "update": update}, arrays))

    put(0)
    assert names(outbox.take()) == [{"p:W", "g:W", "d:W", "sure"}]  # it has not said
    outbox.pictures("weights")
    put(1)
    assert names(outbox.take()) == [{"p:W", "sure"}]
    woken.clear()
    outbox.pictures("gradient")
    assert woken
    (again,) = outbox.take()  # of the update that is shown
    assert decode(again)[0]["update"] == 1
    np.testing.assert_array_equal(decode(again)[1]["g:W"], np.ones(3))
    assert names([again]) == [{"p:W", "g:W", "sure"}]
    outbox.pictures("gradient")
    assert outbox.take() == []


def test_pages_that_share_a_line_get_what_any_of_them_shows(outbox):
    outbox.pictures("gradient", 1)
    outbox.pictures("change", 2)
    outbox.put(encode("frame", {"branch": "a"}, {"g:W": np.ones(3), "d:W": np.ones(3)}))
    assert names(outbox.take()) == [{"g:W", "d:W"}]
    outbox.pictures("weights", 1)
    outbox.put(encode("frame", {"branch": "a"}, {"g:W": np.ones(3), "d:W": np.ones(3)}))
    assert names(outbox.take()) == [{"d:W"}]


def test_no_frame_of_the_network_before_comes_again(outbox):
    outbox.pictures("weights")
    outbox.put(frame(7))
    outbox.take()
    outbox.put(encode("setup", {}))
    outbox.pictures("gradient")
    assert told(outbox.take()) == [("setup", None, None)]


def test_a_page_that_takes_nothing_fills_no_memory(outbox, monkeypatch, woken):
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    for update in range(1000):
        outbox.put(frame(update))
    assert not outbox.full
    for update in range(1000):
        outbox.put(encode("notice", {"branch": "a", "update": update}))
    assert outbox.full
    assert outbox.take() == []


def test_nobody_is_woken_once_it_is_closed(outbox, woken):
    outbox.close()
    outbox.put(frame(0))
    outbox.drawn()
    assert not woken
    assert outbox.take() == []
