"""What is kept on disk is executed: it must be this user's, and nothing in its way stops a run."""

import errno
import math
import os
import random
import shutil
import stat
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
from tests.data.storage.test_files import NOBODY
from tests.torture.hostile import KEY, OBSTACLES, caches, directory

import chainrule as cr
from chainrule._src.compile.native import cache
from chainrule._src.compile.native import code as native

pytestmark = [pytest.mark.portable, pytest.mark.usefixtures("compiled_once")]
posix = pytest.mark.skipif(sys.platform == "win32", reason="owners, modes and files of POSIX")
CODE = b"machine code"
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


@contextmanager
def warned(message):
    """Expect one warning, and no other."""
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        yield
    (one,) = given
    assert message in str(one.message)
    assert "CHAINRULE_CACHE names another folder" in str(one.message)


def holds(key):
    return cache.read(key) is not None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(cache, "_warnings", set())
    monkeypatch.setattr(cache, "_new_bytes", math.inf)
    return tmp_path / "kernels"


@pytest.fixture
def file(folder):
    cache.write(KEY, CODE)
    return folder / f"{KEY}.kernel"


@pytest.mark.portable(quick="everywhere")
def test_written_and_read(file):
    assert holds(KEY)
    assert cache.read(KEY) == CODE
    assert not holds("1" + KEY[1:])
    assert cache.read("1" + KEY[1:]) is None
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@posix
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


@posix
@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("mode", [0o020, 0o002, 0o022])
def test_what_others_may_write_to_is_not_read_and_that_is_said_once(file, what, mode):
    path = file if what == "file" else file.parent
    path.chmod(path.stat().st_mode | mode)
    with pytest.warns(UserWarning, match=f"others may write to {path}"):
        assert cache.read(KEY) is None
    assert not holds(KEY)  # in silence, for warnings are errors here


@pytest.mark.portable(quick="everywhere")
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


@posix
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


@posix
def test_into_a_folder_of_others_nothing_is_written(folder):
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.warns(UserWarning, match="others may write to"):
        cache.write(KEY, CODE)
    assert list(folder.iterdir()) == []


# What may lie in the place of a file, of the folder


@posix
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_no_file_is_not_read(folder, obstacle):
    folder.mkdir(0o700)
    path = folder / f"{KEY}.kernel"
    obstacle(path)
    assert cache.read(KEY) is None
    with warned("a compiled kernel cannot be kept") if obstacle is directory else nullcontext():
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


@posix
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
    is_told = engine == "compiled" and place != "relative"
    with warned("cannot be kept in") if is_told else nullcontext():
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
        with warned("Permission denied") if engine == "compiled" else nullcontext():
            got = trained(engine)
    finally:
        os.seteuid(user)
        folder.parent.chmod(0o700)
    np.testing.assert_allclose(got, trained("numpy"), rtol=1e-12)


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("call", ["open", "mkdir", "replace"])
def test_a_full_or_read_only_disk_costs_the_cache_alone(folder, monkeypatch, call, code):
    def refused(*_, **__):
        raise OSError(code, os.strerror(code))

    trained("compiled")  # imports what compiling needs
    native._loaded.clear()
    shutil.rmtree(folder)
    folder.parent.joinpath("ready").mkdir()
    is_open = os.open
    if call == "open":  # files are not made, folders are read
        monkeypatch.setattr(
            os, "open", lambda path, flags, *a, **k:
            refused() if flags & os.O_CREAT else is_open(path, flags, *a, **k)
        )  # fmt: skip
    else:
        monkeypatch.setattr(os, call, refused)
    with warned(os.strerror(code)):
        got = trained("compiled"), trained("compiled", batch_size=5)
    monkeypatch.undo()
    np.testing.assert_allclose(got[0], trained("numpy"), rtol=1e-12)


@posix
def test_a_file_that_may_not_grow_costs_the_cache_alone(new_cache):
    """Its limit is the one thing of a full disk that a test can have anywhere."""
    folder = new_cache()
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "import numpy as np, chainrule as cr; print(cr.jit(lambda x: x * 2)(np.ones(3)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "CHAINRULE_CACHE": str(folder)},
    )  # fmt: skip
    assert done.stdout == "[2. 2. 2.]\n", done.stderr
    assert done.stderr.count("UserWarning") == 1
    assert "File too large" in done.stderr
    assert [file for file in folder.iterdir() if file.suffix != ".verdict"] == []


# No home: users of containers have a number and no entry among the passwords.

HOMELESS = """
import os, pwd, sys
def unknown(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")
pwd.getpwuid = unknown
import numpy as np, chainrule as cr
from chainrule._src.compile.native import selfcheck
selfcheck.first_fault = lambda *_: ""  # it would last longest
print(cr.jit(lambda x: x * 2)(np.ones(3)))
def loss(w, X):
    return np.mean((X @ w - 1) ** 2)
X = np.ones((20, 3))
print(len(cr.minimize(loss, np.zeros(3), X, engine="compiled", epochs=2)[1].loss))
model = cr.Sequential([cr.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(X, X[:, 0], epochs=1, verbose=0)
try:
    cr.keras.datasets.mnist.load_data()
except cr.errors.DataError as error:
    print(error)
try:
    import chainrule._src.compile.native.cache
    chainrule._src.compile.native.cache.clear_cache()
except OSError as error:
    print(error)
"""


def homeless(*command, **more):
    return subprocess.run(
        [*command, sys.executable, "-c", HOMELESS], capture_output=True, text=True, cwd="/",
        env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}, **more,
    )  # fmt: skip


@posix
def test_without_a_home_there_is_one_warning_and_the_rest_works():
    done = homeless()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("UserWarning") == 1
    assert "there is no home folder to keep compiled kernels in" in done.stderr
    assert done.stdout.startswith("[2. 2. 2.]\n2\n")
    assert "nothing is downloaded" in done.stdout


@posix
def test_a_user_whom_the_system_does_not_know_has_no_cache(tmp_path):
    """A namespace makes such a user, who may read what this one may."""
    apart = ("unshare", "--user", "--map-user=12345")
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], stderr=-3).returncode:
        pytest.skip("no namespaces of users here")
    done = homeless(*apart)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("UserWarning") == 1


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


@posix
def test_whatever_is_done_to_it_only_what_is_whole_and_the_users_is_read(tmp_path, folder):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*each process compiles anew")
        counts = caches(60, random.Random(0), tmp_path)
    assert counts.total() == 60
