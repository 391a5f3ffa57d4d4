import json
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.blackboard.watching import Watcher

import chainrule as cr
from chainrule._src.blackboard import replay, subjects, views
from chainrule._src.blackboard.commands import read
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.session import COMMANDS, Session

DATA = subjects.digits()


@pytest.fixture
def page():
    session = Session(subjects.network(DATA))
    yield Watcher(session)
    session.close()


def params(frame):
    return {name: array.tobytes() for name, array in frame[1].items() if name.startswith("p:")}


def test_a_page_that_says_hello_is_told_all(page):
    told = page.ask("hello")
    assert [header["type"] for header, _ in told] == ["setup", "curves", "curves", "frame", "done"]
    setup, arrays = told[0]
    assert setup["data"]["image"] == [8, 8]
    assert setup["settings"]["values"]["layers"] == [10]
    assert setup["units"] == [{"name": "h", "weights": "W_h", "bias": "b_h", "out": "W_o"}]
    assert {p["name"]: p["shape"] for p in setup["parameters"]} == {
        "W_h": [64, 10], "b_h": [10], "W_o": [10, 10], "b_o": [10]
    }  # fmt: skip
    raw = arrays["X_held"] * arrays["scale"] + arrays["mean"]
    assert raw.min() == pytest.approx(0, abs=1e-4)
    assert raw.max() == pytest.approx(16, abs=1e-4)
    json.dumps(setup)


def test_an_update_is_shown_with_its_gradient_and_change(page):
    before = page.frame("hello")
    header, arrays = page.frame("step", count=1)
    assert header["update"] == header["head"] == 1
    assert header["exact"]
    order = np.random.default_rng((0, 0)).permutation(len(DATA.X))[:32]
    start = {name[2:]: array for name, array in before[1].items() if name.startswith("p:")}
    subject = subjects.network(DATA)
    gradient = cr.grad(subject.loss)(start, DATA.X[order], DATA.y[order])
    for name, g in gradient.items():
        np.testing.assert_allclose(arrays[f"g:{name}"], g, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(arrays[f"d:{name}"], -0.5 * g, rtol=1e-9, atol=1e-15)
    probabilities = subject.forward({n: arrays[f"p:{n}"] for n in start}, DATA.X_held)
    np.testing.assert_array_equal(arrays["guess"], probabilities.argmax(axis=1))


def test_what_training_leads_to_is_done_once_it_is_there(page):
    assert page.frame("step", count=1000)[0]["update"] == 1000
    assert page.frame("fork")[0]["update"] == 1000
    page.ask("stop", accuracy=0.05)
    assert page.frame("step", count=10**8)[0]["update"] < 10**8  # it stops before
    page.ask("stop")
    page.say(do="step", count=10**8, id=10**6)
    page.ask("pause")
    page.until(lambda h: h["type"] == "done" and h["id"] == 10**6)


def test_a_hundred_updates_back_and_forth(page):
    end = page.frame("step", count=100)
    assert end[0]["update"] == 100
    frames = {update: params(page.frame("step", count=-1)) for update in range(99, -1, -1)}
    for update in range(1, 100):
        assert params(page.frame("step", count=1)) == frames[update]
    assert params(page.frame("seek", update=100)) == params(end)


def test_settings_in_flight_and_curves(page):
    page.frame("step", count=60)
    page.frame("seek", update=30)
    told = page.ask("set", rate=0.5)
    header, _ = [m for m in told if m[0]["type"] == "frame"][-1]
    assert (header["update"], header["head"], header["settings"]["rate"]) == (30, 30, 0.5)
    assert told[0][0] == {"type": "notices_cleared", "branch": "a", "from": 30}
    (curves,) = [arrays for h, arrays in page.ask("hello") if h["type"] == "curves"][:1]
    assert curves["update"].max() <= 30
    assert curves["norm"].shape == (len(curves["update"]), 4)


def test_two_runs_side_by_side(page):
    start = page.frame("step", count=20)
    page.ask("fork")
    page.ask("set", rate=3.0)
    other = page.frame("step", count=20)
    assert (other[0]["branch"], other[0]["update"]) == ("b", 40)
    assert params(page.frame("show", branch="a")) == params(start)
    assert params(page.frame("step", count=20)) != params(other)
    assert page.error("show", branch="c") == "there is no run 'c'; there are a, b"
    page.ask("drop", branch="a")
    assert params(page.frame("hello")) == params(other)
    assert "cannot be dropped" in page.error("drop", branch="a")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"epoch": 2}, lambda h: h["epochs"] == 2),
        ({"loss": 0.5}, lambda h: h["loss"] < 0.6),
        ({"accuracy": 0.8}, lambda h: h["held_accuracy"] >= 0.8),
    ],
)
def test_it_stops_when_it_is_to(page, condition, holds):
    page.ask("stop", **condition)
    page.ask("play")
    header, _ = page.stopped()
    assert holds(header), header


def test_stop_is_heard_at_once_and_frames_come_while_it_runs(page):
    page.ask("hello")
    page.ask("play")
    updates = {page.until(lambda h: h["type"] == "frame")[0]["update"] for _ in range(10)}
    assert len(updates) == 10
    began = time.perf_counter()
    page.say(do="pause")
    page.stopped()
    assert time.perf_counter() - began < 2  # 0.02 on a quiet machine


def test_curves_have_points_however_fast_training_is(page, monkeypatch):
    monkeypatch.setattr(views, "QUICK", np.inf)  # whatever else the machine does
    page.frame("step", count=2000)
    (curves,) = [arrays for h, arrays in page.ask("hello") if h["type"] == "curves"][:1]
    update = curves["update"]
    assert (np.diff(update) <= np.maximum(0.05 * update[:-1], 1)).all()
    assert len(update) < 300
    assert np.isfinite(curves["norm"][1:]).all()
    assert np.isfinite(curves["held_loss"]).all()


@pytest.mark.parametrize("ask", [{"do": "epoch"}, {"do": "step", "count": 1000}])
def test_where_it_stops_there_is_a_gradient(page, ask):
    header, arrays = page.frame(**ask)
    assert header["update"] in (48, 1000)
    assert np.abs(arrays["g:W_h"]).max() > 0


def test_where_a_page_stops_it_there_is_a_gradient(page):
    for pause in range(12):
        page.ask("play")
        time.sleep(0.005 * pause)
        header, arrays = page.frame("pause")
        assert header["update"] == 0 or np.abs(arrays["g:W_h"]).max() > 0


def test_where_scores_take_long_a_page_that_stops_does_not_wait_for_them(page, monkeypatch):
    monkeypatch.setattr(views, "EXACT", 0)
    monkeypatch.setattr(views, "AWAITED", 0)
    page.ask("play")
    page.until(lambda h: h["type"] == "frame" and h["update"] > 0)
    header, arrays = page.frame("pause")
    assert (header["playing"], header["exact"]) == (False, False)
    later, exact = page.until(lambda h: h["type"] == "frame" and h["exact"])
    assert later["update"] == later["scored"] == header["update"]
    np.testing.assert_array_equal(arrays["p:W_h"], exact["p:W_h"].astype(np.float32))


def test_a_loss_that_is_not_finite_at_the_start_is_not_called_good():
    def loss(params, X, y):
        return np.log(params["w"]) * np.mean(X)

    session = Session(subjects.function(loss, {"w": np.array(0.0)}, subjects.digits()))
    page = Watcher(session)
    page.ask("play")
    notice, _ = page.until(lambda h: h["type"] == "notice")
    assert "the weights that training starts with" in notice["text"]
    session.close()


def test_curves_know_the_accuracy_of_batches(page):
    page.ask("restart", settings={"batch_size": 64})
    page.frame("step", count=300)
    (curves,) = [arrays for h, arrays in page.ask("hello") if h["type"] == "curves"]
    found = curves["accuracy"][1:]
    np.testing.assert_array_equal(found[:20] * 64, np.round(found[:20] * 64))
    assert found[-10:].mean() > found[:10].mean() + 0.3


def test_at_a_rate(page):
    page.ask("play", rate=100)
    first = page.until(lambda h: h["type"] == "frame")[0]["update"]
    time.sleep(0.3)
    page.ask("pause")
    assert 5 < page.frame("step", count=0)[0]["update"] - first < 60


def test_other_networks(page):
    page.frame("step", count=3)
    told = page.ask("restart", settings={"layers": [5, 4], "activation": "relu", "seed": 2})
    setup = next(header for header, _ in told if header["type"] == "setup")
    assert [p["name"] for p in setup["parameters"]] == [
        "W_h1", "b_h1", "W_h2", "b_h2", "W_o", "b_o"
    ]  # fmt: skip
    told = page.ask("restart", settings={"layers": []})
    setup = next(header for header, _ in told if header["type"] == "setup")
    assert [p["name"] for p in setup["parameters"]] == ["W", "b"]
    frame = page.frame("hello")
    assert frame[0]["update"] == 0


def test_the_same_seed_gives_the_same_weights(page):
    first = params(page.frame("hello"))
    assert params(page.frame("restart")) == first
    assert params(page.frame("restart", settings={"seed": 1})) != first
    assert params(page.frame("restart", settings={"seed": 0})) == first


@pytest.mark.parametrize(
    ("do", "given", "part"),
    [
        ("restart", {"settings": {"layers": [0]}}, "layers"),
        ("restart", {"settings": {"layers": [10**6]}}, "from 1 to 1024"),
        ("restart", {"settings": {"layers": [1] * 99}}, "at most 6"),
        ("restart", {"settings": {"depth": 3}}, "no setting 'depth'"),
        ("restart", {"settings": {"activation": "swish"}}, "activation"),
        ("restart", {"settings": {"rate": -1}}, "rate"),
        ("restart", {"settings": {"seed": -1}}, "seed"),
        ("set", {"rate": 1e9}, "rate"),
        ("set", {"rate": "0.1"}, "rate"),
        ("set", {"layers": [3]}, "no field 'layers'"),
        ("train_on", {"x": [1.0], "y": 0}, "64 numbers"),
        ("train_on", {"x": [0.0] * 64, "y": 10}, "no class 10"),
        ("train_on", {"x": [0.0] * 64}, "needs y"),
        ("mistake", {"name": "no mean"}, "cannot be broken"),
        ("take", {"what": "money"}, "nothing to take"),
        ("seek", {"update": -1}, "update"),
        ("dance", {}, "there is no 'dance'"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(page, do, given, part):
    before = params(page.frame("step", count=2))
    assert part in page.error(do, **given)
    assert params(page.frame("hello")) == before


def test_what_is_noticed(page):
    page.ask("restart", settings={"init": "zeros", "optimizer": "sgd"})
    page.say(do="step", count=5)
    notice, _ = page.until(lambda h: h["type"] == "notice")
    assert notice["kind"] == "alike"
    assert "equal gradients" in notice["text"]


def test_many_pages_and_one_that_is_gone(page):
    others = [Watcher(page.session) for _ in range(3)]
    others[0].detach()
    page.frame("step", count=2)
    assert others[1].stopped()[0]["update"] == 2
    assert others[0].told.empty()


def test_closing_ends_the_thread(page):
    page.ask("play")
    page.session.close()
    assert not [t for t in threading.enumerate() if t.name == "chainrule-blackboard"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside),
    max_leaves=8,
)
NAMES = sorted({name for command in COMMANDS.values() for name in command.fields})
MESSAGES = JSON | st.text() | st.binary() | st.builds(
    lambda do, fields: {"do": do, **fields},
    st.sampled_from([*COMMANDS, "no such"]),
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), JSON, max_size=3),
)  # fmt: skip


@given(MESSAGES)
def test_any_message_is_a_command_or_refused(message):
    try:
        assert read(message, COMMANDS).do in COMMANDS
    except cr.errors.DataError as error:
        text = str(error)
        assert len(text) < 400


def test_numbers_beyond_float32_are_sent_and_kept_without_a_warning():
    X = np.linspace(-3, 3, 40)[:, np.newaxis]
    data = subjects.of_arrays(X, 2 * X[:, 0] + 1.0)
    made = subjects.function(
        lambda params, X, y: np.mean((X @ params["w"] - y) ** 2), {"w": np.full(1, 1e160)}, data,
        forward=lambda params, X: X @ params["w"],
    )  # fmt: skip
    run = ReversibleRun(made, "numpy")
    scorer, curves = views.Scorer(run.subject), views.Curves(run.subject.names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curves.add(views.view(run, scorer, True, 1e300).point)
        arrays = curves.message("a", 0)[1]
        replay._rounded("p:w", run.params["w"])
    assert arrays["loss"][0] == np.inf


@pytest.mark.parametrize(
    ("asked", "update"),
    [
        ([{"do": "step", "count": 10}] * 5, 50),
        ([{"do": "epoch"}] * 3, 144),
        ([{"do": "step", "count": 10}, {"do": "epoch"}, {"do": "step", "count": 5}], 53),
        ([{"do": "step", "count": 500}, {"do": "epoch"}], 528),
        ([{"do": "step", "count": 100}, {"do": "step", "count": -1}], 99),
    ],
)
def test_what_is_asked_for_while_training_runs_adds_up(page, asked, update):
    for number, message in enumerate(asked):
        page.say(**message, id=10**6 + number)
    for _ in asked:
        page.until(lambda h: h["type"] == "done")
    assert page.frame("hello")[0]["update"] == update


def test_an_epoch_ends_where_its_samples_do_whatever_the_batches_were(page):
    page.ask("step", count=1)
    page.ask("set", batch_size=100)
    header, _ = page.frame("epoch")
    assert (header["epochs"], header["update"]) == (1, 16)
