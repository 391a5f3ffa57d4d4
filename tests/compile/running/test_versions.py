"""Two versions of chainrule share a cache: each has its own numbers, whatever stamps files have."""

import os
import shutil
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

import chainrule
from chainrule._src.compile.native import code as native
from chainrule._src.compile.running import form

PACKAGE = Path(chainrule.__file__).parent
STAMP = 1_577_836_800  # 2020-01-01, which builds that can be repeated give to all files
RUN = """
import numpy as np, chainrule as cr
X = np.linspace(-1, 1, 24).reshape(8, 3)
W = cr.minimize(
    lambda W, X: np.mean(np.tanh(X @ W) ** 2 + X @ W), np.ones((3, 2)), X,
    optimizer="sgd", epochs=2, batch_size=4, seed=0, engine="compiled",
)[0]
print(cr.__file__, W.tobytes().hex())
"""
EDITS = {  # of equal length
    "core/elementwise.py": ("g * (1 - y**2)", "g * (2 - y**2)"),
    "core/backward.py": ("before + share", "before - share"),
}


def version(folder, edits=()):
    """Return where a copy of chainrule lies whose files have the sizes and times of the original.

    Python's code is copied, too, so that it compiles the edited files alone.
    """
    package = folder / "chainrule"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("assets"))
    for file in edits:
        edited = package / "_src" / file
        before, after = EDITS[file]
        text, stat = edited.read_text(), edited.stat()
        assert before in text
        edited.write_text(text.replace(before, after))
        os.utime(edited, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        Path(cache_from_source(edited)).unlink(missing_ok=True)
    return folder


def trained(folder, cache):
    environment = {**os.environ, "PYTHONPATH": str(folder), "CHAINRULE_CACHE": str(cache)}
    command = [sys.executable, "-c", RUN]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    file, numbers = done.stdout.split()
    assert Path(file) == folder / "chainrule" / "__init__.py"
    return numbers


@pytest.mark.thorough  # copies of the package
def test_each_version_has_its_own_numbers(tmp_path, new_cache):
    versions = [version(tmp_path / "one"), *(version(tmp_path / Path(f).stem, [f]) for f in EDITS)]
    cache = new_cache()
    shared = [trained(each, cache) for each in versions]
    assert len({*shared}) == len(versions)
    # The first began with an empty cache.
    assert shared[1:] == [trained(each, new_cache()) for each in versions[1:]]


@pytest.fixture(scope="module")
def one_copy(tmp_path_factory):
    return version(tmp_path_factory.mktemp("copy")) / "chainrule" / "_src"


@pytest.fixture
def copy(one_copy, monkeypatch):
    monkeypatch.setattr(native, "_WINGS", str(one_copy))
    return one_copy


def digest():
    return native.sources.__wrapped__(*form.WINGS)


@pytest.mark.thorough  # other processes
def test_the_same_code_has_one_digest_wherever_it_lies(copy):
    assert digest() == native.sources(*form.WINGS)


@pytest.mark.parametrize("room", form.WINGS)
def test_one_character_makes_another_digest(copy, room):
    before = digest()
    file = max((copy / room).glob("*.py"))
    content = file.read_bytes()
    for edited, is_same in ((content[:-2] + b"#\n", False), (content, True)):
        file.write_bytes(edited)
        os.utime(file, (STAMP, STAMP))
        assert (digest() == before) is is_same


def test_the_number_of_the_version_makes_another_digest(monkeypatch):
    before = digest()
    monkeypatch.setattr(native, "__version__", "0.0.0")
    assert digest() != before
