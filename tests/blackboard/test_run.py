"""Every update can be made again, to the same bits; and training is that of `minimize`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule._src.blackboard import run as module
from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.run import ReversibleRun

DATA = subjects.digits()


def bits(run):
    return {name: p.tobytes() for name, p in run.params.items()}


def walked(run, steps):
    """Go on by so many updates, and note the parameters on the way."""
    seen = {0: bits(run)}
    for step in steps:
        run.advance(step)
        seen[run.place.update] = bits(run)
    return seen


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_back_and_forth_to_the_same_bits(engine, optimizer):
    run = ReversibleRun(subjects.network(DATA, {"optimizer": optimizer, "momentum": 0.5}), engine)
    seen = walked(run, [1, 7, 300, 1, 40, 1, 1, 1])
    assert run.head == max(seen)
    for update in [*sorted(seen), *sorted(seen, reverse=True), 0]:
        run.seek(update)
        assert bits(run) == seen[update], update
    assert run.head == max(seen)


def test_however_an_update_is_reached_it_is_the_same():
    one, other = (ReversibleRun(subjects.network(DATA)) for _ in range(2))
    one.advance(96)
    one.advance(4)
    for _ in range(100):
        other.advance(1)
    assert bits(one) == bits(other)


def test_it_is_what_minimize_does():
    subject = subjects.network(DATA, {"rate": 0.3, "momentum": 0.9, "seed": 3})
    run = ReversibleRun(subject)
    run.advance(run.epoch_length)
    order = np.random.default_rng((3, 0)).permutation(len(DATA.X))
    params, _ = cr.minimize(
        subject.loss, subject.params, DATA.X[order], DATA.y[order],
        optimizer=cr.optimizers.SGD(0.3, momentum=0.9), shuffle=False, batch_size=32,
        engine="compiled",
    )  # fmt: skip
    for name, p in params.items():
        np.testing.assert_array_equal(run.params[name], p)
    assert run.place.epoch == 1
    assert run.epochs == 1


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.integers(1, 120)),
        st.tuples(st.just("seek"), st.integers(0, 200)),
        st.tuples(st.just("rate"), st.sampled_from([0.01, 1.0])),
        st.tuples(st.just("batch_size"), st.sampled_from([32, 100])),
        st.tuples(st.just("momentum"), st.sampled_from([0.0, 0.9])),
        st.tuples(st.just("sample"), st.integers(0, 9)),
        st.tuples(st.just("fork"), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=15)
@given(ACTIONS)
def test_whatever_was_done_the_past_stays(actions):
    run = ReversibleRun(subjects.network(DATA), "numpy")
    seen = {0: bits(run)}
    for what, value in actions:
        if what == "advance":
            run.advance(value)
        elif what == "seek":
            run.seek(value)
        elif what == "sample":
            run.train_on(DATA.X_held[value], DATA.y_held[value])
        elif what == "fork":
            run = run.fork()
        else:
            run.set({what: value})
        if what not in ("advance", "seek"):
            seen = {u: b for u, b in seen.items() if u <= run.place.update}
        assert run.place.update <= run.head
        assert seen.setdefault(run.place.update, bits(run)) == bits(run)
    for update, expected in seen.items():
        if update <= run.head:
            run.seek(update)
            assert bits(run) == expected


def test_a_fork_leaves_the_other_alone():
    run = ReversibleRun(subjects.network(DATA))
    seen = walked(run, [50, 50])
    run.seek(50)
    other = run.fork()
    other.set({"rate": 2.0})
    other.advance(48)
    run.seek(100)
    assert bits(run) == seen[max(seen)]
    assert bits(other) != bits(run)


def test_one_sample_alone_is_a_step_of_gradient_descent():
    run = ReversibleRun(subjects.network(DATA, {"rate": 0.5}))
    run.advance(10)
    before, place = run.params, run.place
    run.train_on(DATA.X_held[3], DATA.y_held[3])
    assert run.advance(5)[0] == 1
    gradient = cr.grad(run.subject.loss)(before, DATA.X_held[3:4], DATA.y_held[3:4])
    for name, p in run.params.items():
        np.testing.assert_allclose(p, before[name] - 0.5 * gradient[name], rtol=1e-12, atol=1e-15)
    assert (run.place.epoch, run.place.offset) == (place.epoch, place.offset)


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_a_run_ends_where_its_loss_was_finite_for_the_last_time(engine):
    def loss(params, X, y):
        return np.mean((params["w"] * X[:, 20]) ** 4)

    run = ReversibleRun(subjects.function(loss, {"w": np.ones(())}, DATA), engine)
    run.set({"rate": 1e-3})
    run.advance(20)
    run.set({"rate": 100.0})
    seen = {run.place.update: bits(run)}
    for _ in range(30):
        if not run.advance(1)[0]:
            break
        seen[run.place.update] = bits(run)
    assert 20 < run.place.update < 45
    assert run.place.update == run.head
    assert bits(run) == seen[run.head]
    batch = tuple(part[run._ahead(1)[0][0]] for part in run._data)
    assert np.isfinite(loss(run.params, *batch))
    assert run.advance(5)[0] <= 1
    run.seek(20)
    assert bits(run) == seen[20]


def test_what_is_set_in_a_fork_where_it_begins_is_not_set_in_the_other_run():
    run = ReversibleRun(subjects.network(subjects.digits()), "numpy")
    other = run.fork()
    other.set({"batch_size": 512})
    assert (run.settings["batch_size"], other.settings["batch_size"]) == (32, 512)


def test_who_goes_back_where_copies_are_few_waits_once(monkeypatch):
    monkeypatch.setattr(module, "COPIES", 4)
    run = ReversibleRun(subjects.network(DATA))
    while run.head < 20_000:
        run.advance(500)
    made = []
    advance = run.advance

    def counted(count):
        done = advance(count)
        made.append(done[0])
        return done

    monkeypatch.setattr(run, "advance", counted)
    assert len(run._copies) <= 4
    copied = [copy.place.update for copy in run._copies]  # as time went: that may be near the head
    start = max(update for update in copied if update <= run.head - 2000) + 2000
    seen = {}
    for update in range(start, start - 40, -1):
        run.seek(update)
        seen[update] = bits(run)
    assert sum(made) < 2000 + 1000 + 40 * 2 * module.FAR  # the way to there 40 times: 80,000
    assert len(run._passed) <= module.PASSED
    other = ReversibleRun(subjects.network(DATA))
    for update in range(start - 39, start + 1):
        while other.place.update < update:
            other.advance(update - other.place.update)
        assert bits(other) == seen[update]
