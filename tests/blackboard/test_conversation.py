"""What pages say, checked before it reaches the session."""

import json

import pytest

from chainrule._src.blackboard.commands import Command
from chainrule._src.blackboard.conversation import MOST_BYTES, Conversation
from chainrule._src.blackboard.frames import decode, encode
from chainrule._src.blackboard.session import COMMANDS
from chainrule.errors import DataError


class Session:
    def __init__(self):
        self.listeners, self.heard, self.commands = [], [], COMMANDS

    def attach(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def handle(self, command, listener):
        if command.do == "take":
            raise DataError("no such thing")
        if command.do == "fork":
            raise RecursionError("too deep")
        self.heard.append(command)
        listener(encode("done", {"id": command.id}))


@pytest.fixture
def session():
    return Session()


@pytest.fixture
def conversation(session):
    return Conversation(session, lambda: None)


def answers(conversation):
    return [decode(message)[0] for message in conversation.outbox.take()]


def test_what_a_page_says_reaches_the_session_and_the_answer_this_page_alone(session, conversation):
    other = Conversation(session, lambda: None)
    conversation.hear_text('{"do": "pause", "id": 3}')
    assert session.heard == [Command("pause", 3)]
    assert answers(conversation) == [{"type": "done", "id": 3}]
    assert answers(other) == []
    for listener in session.listeners:
        listener(encode("done", {"id": 4}))
    assert answers(conversation) == answers(other) == [{"type": "done", "id": 4}]


MALFORMED = [
    "", "{", "nonsense", "null", "[]", "3", '"do"', b"{}", None, "[" * MOST_BYTES,
    '{"do": NaN}', '{"do": Infinity}', "1" * 5000, '{"do": "\ud800"', "\0", "é" * (MOST_BYTES - 1),
    json.dumps({"do": "train_on", "x": [0.123456789] * 10_000}), "[" * 20_000 + "]" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_malformed_gets_an_error_and_goes_no_further(session, conversation, text):
    conversation.hear_text(text)
    (answer,) = answers(conversation)
    assert answer["type"] == "error"
    assert answer["id"] is None
    assert 0 < len(answer["message"]) < 200
    assert session.heard == []


def test_what_a_session_refuses_is_an_error_with_the_number_of_the_message(conversation):
    conversation.hear_text('{"do": "take", "what": "cell", "id": 9}')
    conversation.hear_text('{"do": "take", "what": "cell", "id": [1]}')
    assert [answer["id"] for answer in answers(conversation)] == [9, None]


def test_whatever_goes_wrong_in_a_message_is_an_error_to_its_page(conversation):
    conversation.hear_text('{"do": "fork", "id": 9}')
    assert answers(conversation) == [{"type": "error", "id": 9, "message": "too deep"}]


def test_what_a_page_has_drawn_is_no_concern_of_the_session(session, conversation):
    conversation.hear_text('{"do": "drawn"}')
    assert session.heard == answers(conversation) == []


def test_what_pictures_are_of_is_checked_and_no_concern_of_the_session(session, conversation):
    conversation.hear_text('{"do": "pictures", "of": "gradient", "page": 3, "id": 5}')
    for wrong in (
        "{}",
        '{"of": "everything"}',
        '{"of": ["gradient"]}',
        '{"of": "change", "page": -1}',
    ):
        conversation.hear({"do": "pictures", **json.loads(wrong), "id": 6})
    conversation.hear({"do": ["pictures"]})
    assert [(a["type"], a["id"]) for a in answers(conversation)[:-1]] == [
        ("done", 5), *[("error", 6)] * 4,
    ]  # fmt: skip
    assert session.heard == []


def test_a_page_that_comes_in_place_of_one_that_drew_no_more_gets_frames(session, conversation):
    (listener,) = session.listeners
    listener(encode("setup", {}))
    conversation.hear({"do": "drawn"})
    for update in range(9):
        listener(encode("frame", {"branch": "a", "update": update}))
        answers(conversation)
    conversation.hear({"do": "hello"})
    listener(encode("setup", {}))
    assert [told["type"] for told in answers(conversation)] == ["done", "setup"]
    listener(encode("frame", {"branch": "a", "update": 9}))
    assert answers(conversation) == [{"type": "frame", "branch": "a", "update": 9}]


def test_who_leaves_is_told_nothing_more(session, conversation):
    (listener,) = session.listeners
    conversation.close()
    assert session.listeners == []
    listener(encode("done", {"id": 1}))
    assert answers(conversation) == []
