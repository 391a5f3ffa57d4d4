"""Who may look at the blackboard, asked of the guard alone."""

import asyncio
import re

import pytest

from chainrule._src.blackboard.access import HEADERS, Guard

PORT = 8123
HOST = f"127.0.0.1:{PORT}"


async def open_door(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})
    else:
        await send({"type": "websocket.accept"})


@pytest.fixture
def guard():
    return Guard(open_door, PORT)


def ask(guard, query="", kind="http", method="GET", path="/", **headers):
    """Return what the guard sends."""
    sent = []
    headers = {"host": HOST, **headers}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1"),
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items() if v],
    }

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, None, send))
    return sent


def status(*given, **more):
    first = ask(*given, **more)[0]
    return {"websocket.close": 403, "websocket.accept": 101}.get(first["type"], first.get("status"))


def headers_of(sent):
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.fixture
def query(guard):
    return guard.invite().partition("?")[2]


@pytest.fixture
def cookie(guard, query):
    return headers_of(ask(guard, query))["set-cookie"].partition(";")[0]


def test_the_address_lets_in_and_brings_a_cookie_that_scripts_and_other_places_never_have(
    guard, query
):
    sent = ask(guard, query)
    assert sent[1]["body"] == b"inside"
    pair, *rest = headers_of(sent)["set-cookie"].split("; ")
    assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    assert query.partition("=")[2] not in pair


def test_the_cookie_lets_in_from_then_on(guard, cookie):
    assert status(guard, cookie=cookie) == 200
    assert status(guard, cookie=f'odd={{"a": [1, 2]}}; {cookie}; more') == 200
    assert status(guard, kind="websocket", cookie=cookie, origin=f"http://{HOST}") == 101


@pytest.mark.parametrize("given", ["", "token=", "token=wrong", "token=%C3%A9", "other=1"])
def test_a_wrong_token_does_not(guard, given):
    sent = ask(guard, given)
    assert sent[0]["status"] == 403
    assert "set-cookie" not in headers_of(sent)


def test_no_token_opens_a_socket(guard, query):
    assert status(guard, query, "websocket", origin=f"http://{HOST}") == 403


@pytest.mark.parametrize("wrong", ["", "chainrule-8123", "chainrule-8123=", "chainrule-8123=é"])
def test_a_wrong_cookie_does_not(guard, wrong):
    assert status(guard, cookie=wrong) == 403
    assert status(guard, kind="websocket", cookie=wrong, origin=f"http://{HOST}") == 403


def test_the_cookie_of_another_blackboard_does_not(guard):
    other = Guard(open_door, PORT + 1)
    sent = ask(other, other.invite().partition("?")[2], host=f"127.0.0.1:{PORT + 1}")
    brought = headers_of(sent)["set-cookie"]
    assert status(guard, cookie=brought.partition(";")[0]) == 403


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1", "localhost", f"evil.example:{PORT}", f"127.0.0.1:{PORT}.evil.example",
             f"127.0.0.1:{PORT + 1}", f"0.0.0.0:{PORT}", f"[::1]:{PORT}"],
)  # fmt: skip
def test_another_name_for_this_machine_does_not(guard, query, cookie, host):
    assert status(guard, query, host=host) == 403
    assert status(guard, cookie=cookie, host=host) == 403
    origin = f"http://{host}"
    assert status(guard, kind="websocket", cookie=cookie, host=host, origin=origin) == 403


def test_both_names_of_this_machine_do(guard, cookie):
    host = f"localhost:{PORT}"
    assert status(guard, guard.invite().partition("?")[2], host=host) == 200
    assert status(guard, kind="websocket", cookie=cookie, host=host, origin=f"http://{host}") == 101


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", f"https://{HOST}", f"http://localhost:{PORT}",
               f"http://127.0.0.1:{PORT + 1}", f"http://{HOST}.evil.example"],
)  # fmt: skip
def test_a_page_of_another_place_neither_asks_nor_opens_a_socket(guard, query, cookie, origin):
    assert status(guard, cookie=cookie, origin=origin) == 403
    assert status(guard, query, origin=origin) == 403
    assert status(guard, kind="websocket", cookie=cookie, origin=origin) == 403


def test_a_socket_says_where_it_is_from(guard, cookie):
    assert status(guard, kind="websocket", cookie=cookie) == 403


def test_every_answer_says_what_a_browser_must_not_do(guard, query):
    entered = headers_of(ask(guard, query))
    for found in (entered, headers_of(ask(guard))):
        assert {name: found[name] for name in HEADERS} == HEADERS
    policy = entered["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"] == f"'self' ws://{HOST}"
    again = headers_of(ask(guard, guard.invite().partition("?")[2]))
    assert re.fullmatch(r"'self' 'nonce-[\w-]{22}'", rules["script-src"])
    assert again["content-security-policy"] != policy  # a nonce holds for one answer
    assert "http" not in policy.replace("ws://", "")


def test_no_two_addresses_are_the_same(guard):
    assert len({guard.invite(), guard.invite(), Guard(open_door, PORT).invite()}) == 3


def test_an_address_lets_in_once_whoever_comes_second(guard, query):
    assert status(guard, query) == 200
    second = ask(guard, query)
    assert second[0]["status"] == 403
    assert "set-cookie" not in headers_of(second)
    assert b"has been used" in second[1]["body"]


def test_who_was_let_in_may_open_the_address_again(guard, query, cookie):
    assert status(guard, query, cookie=cookie) == 200


def test_each_address_lets_in_whatever_became_of_the_others(guard):
    uses = []
    queries = [guard.invite(lambda k=k: uses.append(k)).partition("?")[2] for k in range(3)]
    assert [status(guard, queries[k]) for k in (1, 1, 0, 2)] == [200, 403, 200, 200]
    assert uses == [1, 0, 2]


@pytest.mark.parametrize(
    "wrong", [{"method": "HEAD"}, {"path": "/start.js"}, {"host": "evil.example"},
              {"origin": "http://evil.example"}, {"kind": "websocket"}],
    ids=str,
)  # fmt: skip
def test_what_lets_nobody_in_uses_no_address_up(guard, query, wrong):
    assert status(guard, query, **wrong) == 403
    assert status(guard, query) == 200
