"""What a run would take: the arithmetic, and what is said."""

import re
from dataclasses import replace
from itertools import product

import dask.array as da
import numpy as np
import pytest

from chainrule._src.cluster import plan as plans
from chainrule._src.cluster.plan import Plan
from tests.base import ROOT
from tests.cluster.models import X, Y, fitted, network

# 1,000 shards of 1,000 updates of 0.6 ms, 10 rounds, 2.8 MB a shard, a gigabit a second.
LARGE = Plan(128_000_000, 235_146, 2_821_752, 1000, 10, 1000, 3, 6e-4, 125e6)


def test_an_epoch_without_workers_is_its_updates():
    assert LARGE.seconds() == pytest.approx(600)


def test_a_round_is_sent_handed_on_and_summed():
    once = 2_821_752 / 125e6
    # There and back, seven hops to 125 workers, means of 8, 8, 8 and 2 results at a worker; tasks
    # for 1,000 shards and 125, 16, 2 and 1 means.
    assert LARGE.exchange(125) == pytest.approx((2 + 7 + 26) * once + 1.144)
    assert LARGE.seconds(125) == pytest.approx(8 * 0.6 + 10 * LARGE.exchange(125))


def test_a_shard_takes_its_time_in_every_round():
    """In this process that of all shards adds up; workers share it."""
    rounds = replace(LARGE, each=0.02)
    assert rounds.seconds() == pytest.approx(600 + 1000 * 10 * 0.02)
    assert rounds.seconds(125) - LARGE.seconds(125) == pytest.approx(8 * 10 * 0.02)


def test_short_rounds_are_foreseen_to_be_slow():
    """Where a round is one update, what goes with it is most of it."""
    many = np.resize(X, (20_000, 6)), np.resize(Y, 20_000)
    short, long = (
        network().fit(*many, plan=True, shards=4, batch_size=8, round_steps=steps)
        for steps in (2, 600)
    )
    assert short.each > short.update
    assert short.seconds() > 2 * long.seconds()


def test_where_it_stops_paying():
    assert LARGE.seconds(1000) > 0.95 * LARGE.seconds(500)
    assert LARGE.best == 1000
    assert "Best: 1000 workers. 3 epochs: 61.9 s" in str(LARGE)
    small = Plan(1527, 760, 3040, 8, 1, 6, 15, 3e-7, 125e6)
    assert small.best == 0
    assert "Distributing would be slower: train in this process" in str(small)


def test_the_page_shows_what_a_plan_says():
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d,]+) \| (.*) s \|$", text, re.MULTILINE)
    assert len(rows) == 6
    for workers, cells in rows:
        for cell, (bandwidth, rounds) in zip(
            cells.split(" s | "), product((125e6, 1.25e9), (10, 2)), strict=True
        ):
            said = replace(LARGE, bandwidth=bandwidth, rounds=rounds)
            seconds = said.seconds(int(workers.replace(",", "")))
            assert cell == f"{seconds:.{1 if seconds < 10 else 0}f}"


def test_a_plan_trains_nothing_and_is_printed(client, capsys, monkeypatch):
    monkeypatch.setattr(plans, "TRIAL", 0.0)  # each shard is measured once
    model = network()
    before = [w.copy() for w in model.get_weights()]
    plan = model.fit(X, Y, plan=True, shards=4, batch_size=25, round_steps=2, epochs=7)
    assert (plan.shards, plan.updates, plan.rounds, plan.epochs) == (4, 5, 3, 7)
    assert plan.parameters == model.count_params()
    assert 0 < plan.update < 1
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert "500 rows in 4 shards, 83 parameters" in capsys.readouterr().out
    x, y = da.from_array(X, chunks=(125, 6)), da.from_array(Y, chunks=125)
    assert fitted(x, y, client=client, plan=True).history.history == {}
    assert model.fit(x, y, client=client, plan=True).workers == 2
