"""The page in a browser: what a learner does, and what nobody should."""

import re
import time
from urllib.parse import urlsplit

import pytest
from tests.blackboard.browsing import Board, anew, best, command, hosts, needs, served, trains

MB = 2**20


@pytest.fixture(scope="module")
def visits(chrome):
    """The best time until a page shows the network, and each page's alert after the end."""
    alerts = []

    def seconds():
        context = chrome.new_context()
        began = time.perf_counter()
        with command() as told:
            board = Board(context, told)
            board.page.wait_for_selector("canvas")
            board.frame()
            taken = time.perf_counter() - began
        board.js("() => until(() => sockets.every(({ readyState }) => readyState === 3))")
        board.page.get_by_text("The run does not answer").wait_for()
        alerts.append(board.page.get_by_role("alert").inner_text())
        context.close()
        return taken

    return best(seconds, 2), alerts


def test_the_network_is_on_screen_within_two_seconds_of_the_command(visits):
    seconds, _ = visits
    assert seconds < 2


def test_a_page_whose_server_ends_says_so(visits):
    _, alerts = visits
    assert set(alerts) == {"The run does not answer. Trying again…"}


@anew
def test_no_request_leaves_the_machine(board):
    board.train()
    asked = [url for url in board.requested if not url.startswith("blob:")]  # is within the file
    if board.address.startswith("file:"):
        assert asked == [board.address]
    else:
        place = urlsplit(board.address).netloc
        assert {urlsplit(url).netloc for url in asked} == {place}


@anew
@served
def test_the_token_leaves_the_address(board):
    place = urlsplit(board.address).netloc
    token = urlsplit(board.address).query
    assert [url for url in board.requested if token in url] == [board.address]
    assert urlsplit(board.page.url)[:4] == ("http", place, "/", "")


@served
def test_no_script_reads_the_cookie_and_none_of_another_place_runs(board):
    assert board.js("document.cookie") == ""
    for url in ("http://example.com/x.js", "data:text/javascript,window.ran=1"):
        failed = board.js(
            """(url) => new Promise((done) => {
              const script = document.createElement("script");
              script.src = url;
              script.onload = () => done("ran");
              script.onerror = () => done("refused");
              document.head.append(script);
            })""", url,
        )  # fmt: skip
        assert failed == "refused"
    assert board.js("fetch('http://example.com/').then(() => 'sent', () => 'refused')") == "refused"
    assert all("Content Security Policy" in problem for problem in board.problems)
    board.problems.clear()


def test_stop_takes_effect_at_once(board):
    board.full_speed()

    def milliseconds():
        board.train()
        return board.js(
            """async () => {
              const began = performance.now();
              document.querySelector('button[aria-label="Pause"]').click();
              await until(() => document.querySelector('button[aria-label="Train"]'));
              return performance.now() - began;
            }"""
        )

    assert best(milliseconds, 100) < 100
    board.train()


@pytest.mark.thorough  # long
@needs("set")
def test_a_slider_takes_effect_at_once(board):
    board.full_speed()
    slider = board.page.get_by_role("slider", name="Learning rate")

    def milliseconds():
        return slider.evaluate(
            """async (slider) => {
              const before = last("frame").settings.rate, began = performance.now();
              slider.value = +slider.value + (before < 1 ? 0.5 : -0.5);
              slider.dispatchEvent(new Event("input", { bubbles: true }));
              await until(() => last("frame").settings.rate !== before);
              return performance.now() - began;
            }"""
        )

    assert best(milliseconds, 150) < 150


def test_at_full_speed_a_page_sees_at_least_24_frames_a_second(board):
    board.full_speed()

    def seconds_a_frame():
        board.train()
        return board.seconds_a_frame()

    assert best(seconds_a_frame, 1 / 24) <= 1 / 24


@pytest.mark.thorough  # long
@trains
def test_a_slow_page_gets_the_newest_frame_and_holds_no_training_up(board):
    board.full_speed()

    def slower():
        watched, slow = board.js(
            """async () => {
              const pace = (one, other) => (other.update - one.update) / (other.at - one.at);
              const first = last("frame"), began = performance.now();
              await until(() => performance.now() - began > 250);
              const before = last("frame"), stopped = performance.now();
              while (performance.now() - stopped < 750);
              for (let frame = 0; frame < 3; frame++) {  // the first ones are from before
                const newest = last("frame");
                await until(() => last("frame") !== newest);
              }
              return [pace(first, before), pace(before, last("frame"))];
            }"""
        )
        return watched / slow

    assert any(slower() < 5 for _ in range(4))  # had it waited, ten times


@pytest.mark.thorough  # long
@anew
def test_a_reload_shows_the_same_run(board):
    board.pause()
    board.button("One update").click()
    board.page.wait_for_timeout(500)  # a file keeps its place in the address, not at every update
    before = board.frame()
    board.page.reload()
    board.at(before["update"])
    after = board.frame()
    assert (after["update"], after["loss"]) == (before["update"], before["loss"])
    board.button("One update").click()
    board.at(before["update"] + 1)


@pytest.mark.thorough  # a second browser
@hosts("served", "notebook")  # a file has a run for each tab
def test_two_tabs_show_one_run(board, address):
    other = Board(board.page.context, address)
    board.train()
    other.at(board.frame()["update"])
    other.pause()
    board.button("Train").wait_for()
    stands = max(each.frame()["update"] for each in (board, other))
    for each in (board, other):
        each.at(stands)  # the last frame is on its way to one before the other
    assert board.frame()["update"] == other.frame()["update"] == stands
    assert not other.problems
    other.page.close()
    board.train()


@served
def test_a_thousand_malformed_messages_and_absurd_settings_are_told_on_the_page(board):
    board.pause()
    before = board.frame()
    board.js("() => { told.splice(0, told.length, last('frame')); }")
    bad = [
        "", "{", "[]", "7", "null", "\0", "[" * 20_000, "x" * 70_000, '{"do": NaN}',
        '{"do": "explode"}', '{"do": "set", "rate": -1}', '{"do": "set", "rate": "fast"}',
        '{"do": "set", "batch_size": 1e9}', '{"do": "seek", "update": -3}', '{"do": 1}',
        '{"do": "restart", "settings": {"layers": [1000000000]}}', '{"do": "step"}',
        '{"do": "restart", "settings": {"layers": 10, "seed": [1]}}', '{"do": "play", "rate": 0}',
        '{"do": "train_on", "x": [1, 2], "y": 0}', '{"do": "take", "what": "all"}',
    ]  # fmt: skip
    board.js("() => { window.errors = () => told.filter(({ type }) => type === 'error').length; }")
    board.say(*(bad[i % len(bad)] for i in range(1000)))
    board.js("() => until(() => errors() === 1000)")
    assert board.page.get_by_role("button", name="Dismiss").first.is_visible()
    after = board.frame()
    assert (after["update"], after["settings"]) == (before["update"], before["settings"])
    board.train()
    board.at(before["update"] + 1)


@served
def test_who_was_not_given_the_address_or_comes_second_gets_403(board, chrome, address):
    context = chrome.new_context()
    plain = re.sub(r"\?.*", "", address)
    for url in (
        plain,
        f"{plain}?token=wrong",
        f"{plain}blackboard.js",
        f"{plain}start.js",
        address,
    ):
        assert context.request.get(url).status == 403
    context.close()


@served
def test_a_page_of_another_port_opens_no_socket_though_it_has_the_cookie(board, address):
    other = board.page.context.new_page()
    other.route("http://127.0.0.1:1/", lambda route: route.fulfill(body="<p>another program"))
    other.goto("http://127.0.0.1:1/")
    place = urlsplit(address).netloc
    opened = other.evaluate(
        """(url) => new Promise((done) => {
          const socket = new WebSocket(url);
          socket.onopen = () => done("open");
          socket.onerror = () => done("refused");
        })""", f"ws://{place}/socket",
    )  # fmt: skip
    assert opened == "refused"
    assert other.evaluate("(url) => fetch(url).then(() => 'read', () => 'refused')",
                          f"http://{place}/start.js") == "refused"  # fmt: skip
    other.close()


@pytest.mark.thorough  # long
@served
def test_a_page_at_full_speed_keeps_no_message_that_it_has_shown(board):
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
