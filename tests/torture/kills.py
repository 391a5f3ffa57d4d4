"""SIGKILL again and again, at random moments: ``python -m tests.torture.kills COUNT SEED``.

A run that saves checkpoints is killed, goes on, and is killed again: it must end as a run in peace,
to the bit. Writers of the cache of kernels are killed: what is read is whole, or nothing.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tests.nn.network.test_resuming import CALLBACKS, assert_same, model, trained

import chainrule as cr
from chainrule import callbacks
from chainrule._src.compile.native import cache

EPOCHS = 10  # for every time that it is killed


def killed(run, after):
    """Run in a process that is killed after some seconds, if it has not ended; say how it went."""
    child = os.fork()
    if not child:
        signal.alarm(60)
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def train(path, count, chance):
    """Train, killed at random moments, until the end; hold it against a run in peace."""
    epochs, n_killed = EPOCHS * count, 0

    def run():
        watching = [*CALLBACKS["plateau"](), callbacks.ModelCheckpoint(path)]
        start = {"resume_from": path} if path.exists() else {}
        return trained(model("momentum"), watching, epochs=epochs, **start)

    while n_killed < count:
        status = killed(run, chance.uniform(0, 0.3))
        n_killed += status == signal.SIGKILL
        assert status in (0, signal.SIGKILL)
        if path.exists():
            reached = cr.load_model(path).history.epoch[-1]
            if reached > epochs - 50:  # there is to be something left to interrupt
                epochs += 50
    end = run()
    assert_same(end, trained(model("momentum"), CALLBACKS["plateau"](), epochs=epochs))


def content_of(number):
    return np.random.default_rng(number).bytes(200_000)


def keep(folder, count, chance):
    """Write kernels to the cache, killed at random moments; read what is there."""
    os.environ["CHAINRULE_CACHE"] = str(folder)
    keys = [f"{number:064x}" for number in range(5)]

    def write_on_and_on():
        while True:
            for number, key in enumerate(keys):
                cache.write(key, content_of(number))

    n_left = 0
    for _ in range(count):
        assert killed(write_on_and_on, chance.uniform(0, 0.1)) == signal.SIGKILL
        for number, key in enumerate(keys):
            assert cache.read(key) in (None, content_of(number))
        n_left += any(path.suffix == ".tmp" for path in folder.glob("*"))
    cache.clear_cache()
    assert list(folder.iterdir()) == []
    return n_left


def main(count, seed):
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder) / "last", count, chance)
        print(f"{count} kills of a run: it ended the same, to the bit")
        n_left = keep(Path(folder) / "kernels", count, chance)
    print(f"{count} kills of writers of the cache: {n_left} left something, no file was half")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
