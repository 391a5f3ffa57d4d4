import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sweeps.fakes import FakeFleet

import chainrule as cr
from chainrule._src.sweeps.member import TrainingTask
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.rungs import all_the_way, halving, hyperband
from chainrule._src.sweeps.search import Candidates, Search
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import MemoryStore
from chainrule.callbacks import Callback, LambdaCallback
from chainrule.errors import InterruptedWarning, OptionError

SPACE = {"lr": cr.sweeps.LogUniform(1e-3, 1e-1), "hidden": [4, (3, 2), "raises"]}


def candidates(count, seeds=1, space=SPACE, epochs=9):
    made = Space(space)
    return Candidates(made, made.draw("random", range(count), 0), 5, seeds, epochs)


def search(fleet, brackets, seeds=1, monitor=None, space=SPACE, **options):
    count = sum(bracket.count for bracket in brackets)
    options = {"store": MemoryStore(), "keep": 2} | options
    made = Search(
        candidates(count, seeds, space), brackets, fleet, ranking=Ranking(monitor), **options
    )
    made.run()
    return made


def fresh(member, epochs):
    """Return what a member comes to that is trained in one go."""
    return FakeFleet().trained(TrainingTask(member, epochs))


@given(count=st.integers(1, 60), seeds=st.integers(1, 3), factor=st.integers(2, 4))
def test_survivors_go_on_from_their_checkpoints_and_are_the_best(count, seeds, factor):
    fleet = FakeFleet()
    (bracket,) = brackets = halving(0, count, 9, factor)
    done = search(fleet, brackets, seeds)
    for rung, epochs in zip(done.rungs, bracket.epochs, strict=False):
        for at, candidate in enumerate(rung.candidates):
            for seed in range(seeds):
                member = done.candidates.member(int(candidate) * seeds + seed)
                assert member.seed == 5 + seed
                expected = fresh(member, epochs)
                found = rung.scores["val_loss"][at, seed] if "val_loss" in rung.scores else np.nan
                assert expected.error == rung.errors.get(member.number, "")
                np.testing.assert_equal(found, expected.scores.get("val_loss", np.nan))
    for rung, after in zip(done.rungs, done.rungs[1:], strict=False):
        gone = ~np.isin(rung.candidates, after.candidates)
        scores = rung.score()
        assert np.isfinite(scores[~gone]).all()
        assert len(after.candidates) == min(
            len(rung.candidates) // factor or 1, np.isfinite(scores).sum()
        )
        if np.isfinite(scores[gone]).any():
            assert scores[~gone].max() <= np.nanmin(scores[gone])
    starts = [start for _, start in fleet.begun if start]
    assert len(starts) == sum(len(rung.candidates) for rung in done.rungs[1:]) * seeds


def test_which_way_is_better_is_told():
    down, up = (
        search(FakeFleet(), halving(0, 30, 9, 3), monitor=monitor)
        for monitor in ("val_loss", "val_accuracy")
    )
    for one, other in zip(down.rungs, up.rungs, strict=True):
        np.testing.assert_array_equal(one.candidates, other.candidates)


def test_a_score_that_is_not_there_is_refused():
    with pytest.raises(OptionError, match="no score 'val_acc'; there are val_loss, val_accuracy"):
        search(FakeFleet(), all_the_way(0, 9, 1), monitor="val_acc")
    with pytest.raises(OptionError, match="higher 'val_quality' is better cannot be told; give"):
        Ranking("val_quality")
    assert Ranking("val_quality", "max").is_higher("val_quality")
    assert Ranking().name(["val_score"]) == "val_score"
    assert Ranking().is_higher("val_score")


def test_hyperband_trains_each_bracket():
    fleet = FakeFleet()
    done = search(fleet, hyperband(0, 40, 9, 3))
    assert [(rung.bracket, rung.number) for rung in done.rungs] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)
    ]  # fmt: skip


def test_the_best_models_are_kept():
    done = search(FakeFleet(), all_the_way(0, 100, 3), keep=5, seeds=2)
    (rung,) = done.rungs
    best = rung.best(5)
    np.testing.assert_array_equal(rung.score()[best], np.sort(rung.score())[:5])
    for number in rung.members(best):
        checkpoint = done.store.checkpoint(rung, number)
        expected = fresh(done.candidates.member(number), 3).checkpoint
        np.testing.assert_array_equal(checkpoint[0]["params"]["W"], expected[0]["params"]["W"])


def test_where_all_fail_the_search_ends():
    done = search(FakeFleet(), halving(0, 9, 9, 3), space={"hidden": "raises", "n": range(9)})
    assert len(done.rungs) == 1
    assert set(done.rungs[0].errors.values()) == {"ValueError: no such layer"}


def test_epochs_and_seed_may_be_settings():
    space = {"epochs": [1, 2, 3], "seed": [7, 9]}
    done = search(FakeFleet(), all_the_way(0, 6, 9), space=space, seeds=2)
    members = [done.candidates.member(number) for number in range(12)]
    assert {member.seed for member in members} == {7, 8, 9, 10}
    (rung,) = done.rungs
    for at, epochs in enumerate(rung.epochs):
        assert epochs == done.candidates.settings(at)["epochs"]
        score = fresh(members[2 * at], int(epochs)).scores["val_loss"]
        assert rung.scores["val_loss"][at, 0] == score


class Stop(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, logs["models"]))
        self.model.stop_training = epoch == 1


def test_a_callback_sees_rungs_and_may_end_the_search():
    stop = Stop()
    done = search(FakeFleet(), halving(0, 27, 27, 3), callbacks=[stop])
    assert stop.seen == [(0, 27), (1, 36)]
    assert len(done.rungs) == 2


def test_the_best_that_is_shown_is_of_those_trained_longest():
    seen = []
    show = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["val_loss"]))
    done = search(FakeFleet(), halving(0, 27, 27, 3), callbacks=[show])
    best = [np.nanmin(rung.score()) for rung in done.rungs]
    assert seen == best
    assert min(best) < best[-1]  # who is trained longer is not always better


def test_ctrl_c_keeps_what_was_trained(interrupts):
    import os
    import signal

    def after(outcome):
        if outcome.member.number == 40:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.warns(InterruptedWarning, match="interrupted after"):
        done = search(FakeFleet(after=after), all_the_way(0, 100, 3))
    assert done.interrupted
    assert done.rungs[0].done.sum() == 41
