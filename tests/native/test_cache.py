"""What is kept on disk is executed: it must be this user's, and nothing in its way stops a run."""

import math
import os
import random
import shutil
import stat
import sys
import time
import warnings

import numpy as np
import pytest
from tests.storage.test_files import NOBODY
from tests.torture.hostile import KEY, OBSTACLES, caches, directory

import chainrule as cr
from chainrule.native import cache
from chainrule.native import code as native

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")
CODE = b"machine code"
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


def holds(key):
    return cache.read(key) is not None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(cache, "_told", set())
    monkeypatch.setattr(cache, "_new_bytes", math.inf)
    return tmp_path / "kernels"


@pytest.fixture
def file(folder):
    cache.write(KEY, CODE)
    return folder / f"{KEY}.kernel"


def test_written_and_read(file):
    assert holds(KEY)
    assert cache.read(KEY) == CODE
    assert not holds("1" + KEY[1:])
    assert cache.read("1" + KEY[1:]) is None
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_what_is_made_belongs_to_the_user_alone_whatever_the_umask(folder, umask):
    before = os.umask(umask)
    try:
        cache.write(KEY, CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{KEY}.kernel").stat().st_mode) == 0o600
    assert cache.read(KEY) == CODE


# Others may have written it


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("mode", [0o020, 0o002, 0o022])
def test_what_others_may_write_to_is_not_read_and_that_is_said_once(file, what, mode):
    path = file if what == "file" else file.parent
    path.chmod(path.stat().st_mode | mode)
    with pytest.warns(UserWarning, match=f"others may write to {path}"):
        assert cache.read(KEY) is None
    assert not holds(KEY)  # in silence, for warnings are errors here


@as_root
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_another_is_not_read_and_that_is_said_once(file, what):
    os.chown(file if what == "file" else file.parent, NOBODY, NOBODY)
    with pytest.warns(UserWarning, match="belongs to another user"):
        assert not holds(KEY)
    assert cache.read(KEY) is None


def planted(file):
    """Let another kernel lie where one is looked for."""
    run = cr.jit(lambda x: x * 3)
    run(np.ones(2))
    (other,) = set(file.parent.iterdir()) - {file}
    shutil.copy(other, file)


def test_a_planted_kernel_is_not_executed(folder, monkeypatch):
    def twice():
        return cr.jit(lambda x: x * 2)(np.ones(2))

    twice()
    (file,) = folder.iterdir()
    planted(file)
    monkeypatch.setattr(native, "_loaded", {})
    assert twice()[0] == 3  # this is what could be done
    folder.chmod(0o777)
    monkeypatch.setattr(native, "_loaded", {})
    with pytest.warns(UserWarning, match="others may write to"):
        assert twice()[0] == 2


def test_into_a_folder_of_others_nothing_is_written(folder):
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.warns(UserWarning, match="others may write to"):
        cache.write(KEY, CODE)
    assert list(folder.iterdir()) == []


# What may lie in the place of a file, of the folder


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_no_file_is_not_read(folder, obstacle):
    folder.mkdir(0o700)
    path = folder / f"{KEY}.kernel"
    obstacle(path)
    assert cache.read(KEY) is None
    cache.write(KEY, CODE)
    assert cache.read(KEY) == (None if obstacle is directory else CODE)
    assert len(list(folder.iterdir())) == 1
    cache.clear_cache()
    assert [path.is_dir() for path in folder.iterdir()] == [True] * (obstacle is directory)


LONG = "n" * 300


def trained(engine="auto", **options):
    def loss(w, X):
        return np.mean((X @ w - 1) ** 2)

    X = np.random.default_rng(0).normal(size=(20, 3))
    return cr.minimize(loss, np.zeros(3), X, engine=engine, epochs=2, seed=0, **options)[0]


@pytest.mark.parametrize("engine", ["auto", "compiled"])
@pytest.mark.parametrize(
    "place", ["file", "below a file", "long", "pipe", "loop", "null", "missing", "relative"]
)
def test_wherever_the_cache_should_be_training_goes_on(
    tmp_path, folder, monkeypatch, engine, place
):
    expected = trained("numpy")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    places = {
        "file": "file", "below a file": "file/kernels", "long": f"{LONG}/kernels", "pipe": "pipe",
        "loop": "loop/kernels", "null": "/dev/null", "missing": "/proc/nowhere/kernels",
        "relative": "kernels",
    }  # fmt: skip
    monkeypatch.setenv("CHAINRULE_CACHE", places[place])
    np.testing.assert_allclose(trained(engine), expected, rtol=1e-12)
    assert (tmp_path / "kernels").exists() == (place == "relative" and engine == "compiled")


@as_root
@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_a_folder_that_cannot_be_reached_does_not_stop_training(folder, engine):
    trained("compiled")  # imports what compiling needs
    native._loaded.clear()
    folder.parent.chmod(0)
    user = os.geteuid()
    os.seteuid(NOBODY)
    try:
        got = trained(engine)
    finally:
        os.seteuid(user)
        folder.parent.chmod(0o700)
    np.testing.assert_allclose(got, trained("numpy"), rtol=1e-12)


def test_names_of_300_characters(folder):
    def f(x):
        return {LONG: np.tanh(x) * 2}

    f.__name__ = f.__qualname__ = LONG
    np.testing.assert_allclose(cr.jit(f)(np.ones(2))[LONG], 2 * np.tanh(1))
    np.testing.assert_allclose(cr.jit(lambda p: p[LONG] + 1)({LONG: np.ones(2)}), [2, 2])
    assert {len(file.name) for file in folder.iterdir()} == {71}


# Its size


def test_the_least_recently_used_go_where_there_are_too_many(folder, monkeypatch):
    size = len(cache.MAGIC) + 32 + len(CODE)
    monkeypatch.setattr(cache, "LIMIT", 4 * size)
    keys = [f"{number:x}" * 64 for number in range(7)]
    for age, key in enumerate(keys[:4]):
        cache.write(key, CODE)
        moment = time.time() - 1000 + age
        os.utime(folder / f"{key}.kernel", (moment, moment))
    assert cache.read(keys[0]) == CODE  # used again
    for key in keys[4:6]:
        cache.write(key, CODE)
    held = [key for key in keys if holds(key)]
    assert held == [keys[0], keys[3], keys[4], keys[5]]


def test_not_every_write_asks_for_the_sizes_of_all_files(folder, monkeypatch):
    count, names = 0, cache._Folder.names

    def counted(folder):
        nonlocal count
        count += 1
        return names(folder)

    monkeypatch.setattr(cache._Folder, "names", counted)
    monkeypatch.setattr(cache, "LIMIT", 100 * 10 * len(CODE))
    for number in range(25):
        cache.write(f"{number:064x}", CODE)
    assert count == 3  # for the first file, and then for each hundredth of the limit


def test_unfinished_files_go(file):
    old, new = (file.parent / f"{KEY}.{digit * 16}.tmp" for digit in "01")
    foreign = file.parent / "tmp.txt"
    for path in (old, new, foreign, file.parent / "tmp01ab_xyz"):
        path.write_bytes(b"half of it")
    os.utime(old, (1, 1))
    cache._new_bytes = math.inf  # as in a new process
    cache.write(KEY, CODE)
    assert not old.exists()
    assert new.exists()
    assert cache.clear_cache() == 1
    assert list(file.parent.iterdir()) == [foreign]
    assert cache.clear_cache() == 0


def test_a_writer_that_is_interrupted_leaves_nothing(folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.write(KEY, CODE)
    assert list(folder.iterdir()) == []


def test_nothing_is_said_of_a_sound_cache(file):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.write(KEY, CODE)
        assert cache.read(KEY) == CODE


def test_whatever_is_done_to_it_only_what_is_whole_and_the_users_is_read(tmp_path, folder):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*kernels are compiled without it")
        counts = caches(60, random.Random(0), tmp_path)
    assert counts.total() == 60
