"""Hostile caches and checkpoints: ``python -m tests.torture.hostile COUNT SEED``.

Whatever lies in the cache of kernels, it is read only if it is whole and this user's; a function
is compiled all the same. Whatever a checkpoint holds, a run goes on from it or refuses it.
"""

import copy
import faulthandler
import os
import random
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
from tests.data.storage.test_files import NOBODY
from tests.nn.network.test_resuming import model, trained
from tests.pace import SLOWNESS

import chainrule as cr
from chainrule import callbacks
from chainrule._src.compile.native import cache
from chainrule._src.compile.native import code as native
from chainrule.errors import ChainruleError
from chainrule.storage import read_tensors, write_tensors

KEY = "0123456789abcdef" * 4
WATCHDOG = 60 * SLOWNESS  # seconds, and one for each time, before it counts as a hang
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


# Things in the place of a kernel: each is put at a path where there is none.


def pipe(path):
    os.mkfifo(path)


def link(path):
    target = path.parent.parent / "elsewhere"
    target.write_bytes(cache.MAGIC)
    path.symlink_to(target)


def loop(path):
    path.symlink_to(path)


def device(path):
    path.symlink_to("/dev/zero")


def directory(path):
    path.mkdir()
    (path / "something").touch()


def unreadable(path):
    path.touch()
    path.chmod(0)


OBSTACLES = [pipe, link, loop, device, directory, unreadable]


# Changes of a kernel's file. Each says whether it may still be read.


def shortened(path, chance):
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])
    return False


def lengthened(path, chance):
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.randint(1, 100)))
    return False


def one_bit_changed(path, chance):
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return False


def another_mode(path, chance):
    mode = chance.randrange(0o1000)
    path.chmod(mode)
    return not mode & 0o022 and bool(mode & 0o400 or IS_ROOT)


def mode_of_the_folder(path, chance):
    mode = chance.randrange(0o1000) | 0o700
    path.parent.chmod(mode)
    return not mode & 0o022


def another_owner(path, chance):
    if IS_ROOT:
        os.chown(chance.choice([path, path.parent]), NOBODY, NOBODY)
    return not IS_ROOT


def an_obstacle(path, chance):
    path.unlink()
    chance.choice(OBSTACLES)(path)
    return False


CHANGES = [
    shortened, lengthened, one_bit_changed, another_mode, mode_of_the_folder, another_owner,
    an_obstacle,
]  # fmt: skip


def caches(count, chance, folder):
    """Spoil the cache in every way."""
    counts = Counter()
    for number in range(count):
        place = folder / str(number)
        os.environ["CHAINRULE_CACHE"] = str(place)
        code = chance.randbytes(chance.choice([0, 1, 1000]))
        cache.write(KEY, code)
        path, change = place / f"{KEY}.kernel", chance.choice(CHANGES)
        readable = change(path, chance)
        assert cache.read(KEY) == (code if readable else None), change
        cache.write(KEY, code)
        assert cache.read(KEY) in (code, None)
        if number % 20 == 0:  # with a kernel that is called
            with mock.patch.object(native, "_loaded", {}):
                x = np.linspace(0, 1, 5)
                np.testing.assert_allclose(cr.jit(lambda x: np.tanh(x) * 2)(x), np.tanh(x) * 2)
        cache.clear_cache()
        counts[change.__name__] += 1
        shutil.rmtree(place)
    return counts


# Changes of a checkpoint

ODD = [
    None, True, 5, -1, 10**30, 1e308, "x", "../x", [], {}, [[]], {"$array": "nowhere"},
    {"class_name": "Dense", "config": {}}, {"class_name": "x", "config": 5}, ["x"] * 3,
]  # fmt: skip


def places_in(tree, path=()):
    """Yield the path to every value of nested dicts and lists."""
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, part in parts:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places_in(part, (*path, key))


def changed(document, chance):
    """Return a document with another value somewhere, or without it."""
    document = copy.deepcopy(document)
    *path, last = chance.choice(list(places_in(document)))
    tree = document
    for key in path:
        tree = tree[key]
    if chance.random() < 0.2:
        del tree[last]
    else:
        tree[last] = chance.choice(ODD)
    return document


def checkpoints(count, chance, folder):
    """Go on from checkpoints that say something odd."""
    path, counts = folder / "checkpoint", Counter()
    saving = callbacks.ModelCheckpoint(path)
    trained(model("momentum"), [callbacks.EarlyStopping("loss"), saving], epochs=1)
    arrays, document = read_tensors(path)
    for _ in range(count):
        write_tensors(path, arrays, changed(document, chance), kind="model")
        try:
            cr.load_model(path)
        except ChainruleError:
            counts["not read"] += 1
        made = model("momentum")
        before = made.get_weights()
        try:
            watching = [callbacks.EarlyStopping("loss")]
            trained(made, watching, epochs=2, resume_from=path)
            counts["went on"] += 1
        except ChainruleError:
            counts["refused"] += 1
            if not made.history.epoch:
                for one, other in zip(made.get_weights(), before, strict=True):
                    np.testing.assert_array_equal(one, other)
    return counts


def main(count, seed):
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*each process compiles anew")
        warnings.filterwarnings("ignore", message="fit: ")
        for what in (caches, checkpoints):
            faulthandler.dump_traceback_later(WATCHDOG + count, exit=True)
            counts = what(count, chance, Path(name))
            parts = ", ".join(f"{n} {kind}" for kind, n in counts.most_common())
            print(f"{count} hostile {what.__name__}: {parts}")
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
