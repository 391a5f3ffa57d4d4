"""A sweep in a folder, here or as ``python -m tests.sweeps.stored FOLDER SECONDS``."""

import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
from tests.sweeps.fakes import FakeFleet

import chainrule as cr
from chainrule._src.sweeps import search as searching
from chainrule._src.sweeps.header import agree, places_of
from chainrule._src.sweeps.ranking import Ranking
from chainrule._src.sweeps.rungs import hyperband
from chainrule._src.sweeps.search import Candidates, Search
from chainrule._src.sweeps.space import Space
from chainrule._src.sweeps.store import FolderStore, MemoryStore

SPACE = {"lr": cr.sweeps.LogUniform(1e-3, 1e-1), "hidden": [4, (3, 2), "raises"]}
CONDITIONS = {"build": "fake", "epochs": 9, "seed": 0}


def swept(path, fleet=None, models=200, space=SPACE, conditions=CONDITIONS, keep=3, **lease):
    """Return a search that is over; without a path in memory."""
    made = Space(space)
    parts = agree(Path(path), conditions, made, "random", models) if path else []
    places = places_of(parts, made, "random", 0) if path else made.draw("random", range(models), 0)
    brackets = []
    for first, count in [(p.first, p.count) for p in parts] or [(0, models)]:
        brackets += hyperband(first, count, 9, 3)
    store = FolderStore(Path(path), **lease) if path else MemoryStore()
    done = Search(
        Candidates(made, places, 0, 1, 9), brackets, fleet or FakeFleet(), store,
        Ranking(), keep,
    )  # fmt: skip
    done.run()
    return done


def assert_same(one, other):
    """Assert that two searches have the same rungs, scores and kept models, to the bit."""
    assert [rung.name for rung in one.rungs] == [rung.name for rung in other.rungs]
    for rung, there in zip(one.rungs, other.rungs, strict=True):
        assert rung.complete and there.complete  # noqa: PT018
        np.testing.assert_array_equal(rung.candidates, there.candidates)
        np.testing.assert_array_equal(rung.score(), there.score())
        np.testing.assert_array_equal(rung.losses, there.losses)
        assert rung.errors == there.errors
    last = [rung for rung in one.rungs if rung.epochs[0] == 9]
    for rung in last:
        for number in rung.members(rung.best(2)):
            kept, expected = (each.store.checkpoint(rung, number) for each in (one, other))
            np.testing.assert_array_equal(kept[0]["params"]["W"], expected[0]["params"]["W"])


def swept_slowly(path, seconds, **lease):
    """Search where each model takes a while, and a few of them are written at once."""
    with mock.patch.object(searching, "FLUSHED", 30 * seconds):
        return swept(path, FakeFleet(after=lambda outcome: time.sleep(seconds)), **lease)


if __name__ == "__main__":
    swept_slowly(sys.argv[1], float(sys.argv[2]))
