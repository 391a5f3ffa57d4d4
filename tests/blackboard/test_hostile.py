"""Hostile messages to a real session: every one is answered to its page, and both pages go on."""

import json
import queue
import random
import threading

import pytest

from chainrule._src.blackboard import mistakes, opening, subjects
from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.session import COMMANDS, Session
from chainrule._src.blackboard.take import taker

DATA = subjects.digits()
WAIT = 20  # seconds


class Page:
    """A page that says what no page would say."""

    def __init__(self, session):
        self.woken = queue.SimpleQueue()
        self.conversation = Conversation(session, lambda: self.woken.put(None))
        self.numbers = iter(range(10**6, 10**9))

    def heard(self):
        """Return the headers of what has come."""
        return [decode(message)[0] for message in self.conversation.outbox.take()]

    def ask(self, do, text=""):
        """Say a text, then ask for something; return the headers of all that is told until then."""
        number, found = next(self.numbers), []
        self.conversation.hear_text(text or f'{{"do": "{do}"}}')
        self.conversation.hear({"do": do, "id": number})
        while ("done", number) not in [(header["type"], header.get("id")) for header in found]:
            self.woken.get(timeout=WAIT)
            found += self.heard()
        return found

    def answers(self, text):
        """Say something; return what is answered until the page is known to be heard again."""
        return [each["message"] for each in self.ask("pause", text) if each["type"] == "error"]


@pytest.fixture
def session():
    more = opening.More()
    started = Session(
        subjects.network(DATA), more=more, take=taker(more), mistaken=mistakes.mistaken,
        engine="numpy",
    )  # fmt: skip
    yield started
    started.close()


def nested(depth, opened="[", closed="]"):
    return opened * depth + closed * depth


HUGE = "9" * 400
VALUES = [
    "null", "true", "-1", "0", "1e9", "1e308", "1e999", "-1e999", "NaN", "Infinity", HUGE,
    "1000000000", '""', '"x"', json.dumps("x" * 40_000), '"\\ud800"', "[]", "{}", "[null]",
    f"[{HUGE}]", "[1e999]", '{"": {}}', nested(3), nested(400), nested(900), nested(990),
    nested(900, '{"a":', "}").replace(":}", ":0}"), json.dumps([0.5] * 10_000),
    json.dumps(dict.fromkeys(map(str, range(2000)), 0)),
]  # fmt: skip
FIELDS = sorted({name for command in COMMANDS.values() for name in command.fields})
SETTINGS = ["layers", "activation", "init", "optimizer", "seed", "rate", "momentum", "batch_size"]


def hostile():
    """Yield texts: each value in the place of each field, of the number, of the whole."""
    yield from VALUES
    for value in VALUES:
        yield f'{{"do": {value}}}'
        for do, command in COMMANDS.items():
            yield f'{{"do": "{do}", "id": {value}}}'
            yield f'{{"do": "{do}", "unknown": {value}}}'
            for name in command.fields:
                yield f'{{"do": "{do}", "{name}": {value}}}'
        for name in SETTINGS:
            yield f'{{"do": "restart", "settings": {{"{name}": {value}}}}}'
        for name in ("of", "page"):
            yield f'{{"do": "pictures", "of": "weights", "{name}": {value}}}'
        yield f'{{"do": "drawn", "id": {value}}}'
        yield f'{{"do": "train_on", "x": {value}, "y": 1}}'
        yield f'{{"do": "train_on", "x": {[0.5] * 64}, "y": {value}}}'


def mixed(count, seed=0):
    """Yield texts with several fields, drawn."""
    rng = random.Random(seed)
    for _ in range(count):
        names = rng.sample(FIELDS, rng.randrange(4))
        fields = "".join(f', "{name}": {rng.choice(VALUES)}' for name in names)
        yield f'{{"do": "{rng.choice([*COMMANDS, "explode"])}"{fields}}}'


TEXTS = [*hostile(), *mixed(500)]


@pytest.mark.thorough  # test_server.py has a thousand of them
def test_every_hostile_message_is_answered_to_its_page_alone(session):
    page, other = Page(session), Page(session)
    for text in TEXTS:
        for message in page.answers(text):
            assert 0 < len(message) < 600
        assert [header for header in other.heard() if header["type"] == "error"] == []
    assert len(TEXTS) > 2000
    assert other.answers('{"do": "hello"}') == []
    assert [t for t in threading.enumerate() if t.name == "chainrule-blackboard"]


REFUSED = [
    f'{{"do": "step", "count": 1, "id": {nested(900)}}}',
    '{"do": "step", "count": 1, "id": "one"}',
    f'{{"do": "step", "count": 1, "id": {HUGE}}}',
    '{"do": "restart", "settings": {"batch_size": 1000000000}}',
    '{"do": "restart", "settings": {"batch_size": 1025}}',
    '{"do": "restart", "settings": {"seed": ""}}',
    f'{{"do": "restart", "settings": {{"seed": {HUGE}}}}}',
    '{"do": "restart", "settings": {"layers": [true]}}',
    f'{{"do": "train_on", "x": [{HUGE}], "y": 1}}',
    f'{{"do": "train_on", "x": {[1e300] * 64}, "y": 1}}',
    '{"do": "hello", "unknown": 1}',
    f'{{"do": "show", "branch": "{"b" * 5000}"}}',
]


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_what_is_out_of_range_is_refused_before_anything_is_done(session, text):
    page = Page(session)
    assert page.answers('{"do": "restart"}') == []
    page.conversation.hear({"do": "hello"})
    (error,) = page.answers(text)
    assert len(error) < 300
    *_, frame = (each for each in page.ask("hello") if each["type"] == "frame")
    assert frame["update"] == 0


def test_set_and_restart_have_the_same_limits(session):
    page = Page(session)
    for name, value in {"batch_size": 1025, "rate": 101, "momentum": 1}.items():
        (of_set,) = page.answers(json.dumps({"do": "set", name: value}))
        (of_restart,) = page.answers(json.dumps({"do": "restart", "settings": {name: value}}))
        assert of_set.partition(": ")[2] == of_restart.partition(": settings: ")[2]


def test_a_page_that_fails_to_hear_ends_nothing_for_others(session, caplog):
    def deaf(message):
        raise RuntimeError("gone")

    session.attach(deaf)
    page = Page(session)
    assert page.answers('{"do": "step", "count": 3}') == []
    assert "gone" in caplog.text
    caplog.clear()
    assert page.answers('{"do": "step", "count": 3}') == []
    assert not caplog.text  # it is told nothing more
