"""What is published is whole: the page, the labs, templates; or it is not built."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from chainrule._src.blackboard import built
from tests.base import ROOT, project

pytest.importorskip("hatchling")
PAGE = "chainrule/_src/blackboard/assets/blackboard.js"
# In the place of npm: `run build` leaves a page, `ci` nothing.
NPM = """#!/bin/sh
[ "$4" = run ] || exit 0
mkdir -p "$3/dist"
echo built > "$3/dist/blackboard.js"
"""


def build(kind, checkout, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder],
        cwd=checkout, capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    if not built.MODULE.exists():
        pytest.skip("the blackboard's page is not built: make page")
    folder = tmp_path_factory.mktemp("dist")
    assert build("sdist", ROOT, folder).returncode == 0
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(sdist):
    """Return the wheel that is built of the sdist, where neither git nor Node is."""
    with tarfile.open(sdist) as archive:
        archive.extractall(sdist.parent, filter="data")
    done = build(
        "wheel", sdist.with_name(sdist.name.removesuffix(".tar.gz")), sdist.parent, PATH=""
    )
    assert done.returncode == 0, done.stderr
    (path,) = sdist.parent.glob("*.whl")
    return path


def of_the_package():
    """Return all files of the package by the names that a wheel has."""
    source = ROOT / "src"
    paths = {path for path in source.rglob("*") if path.is_file()}
    paths = {path for path in paths if "__pycache__" not in path.parts}
    labs = {f"chainrule/_src/teach/labs/{p.name}" for p in (ROOT / "notebooks/source").glob("*.py")}
    return {path.relative_to(source).as_posix() for path in paths} | labs


@pytest.mark.thorough  # builds a wheel
def test_the_wheel_has_the_whole_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info" not in name}
        assert archive.read(PAGE) == built.MODULE.read_bytes()
    assert names == of_the_package()
    assert {"chainrule/py.typed", "chainrule/_src/data/assets/digits.csv.gz", PAGE} <= names


@pytest.mark.thorough  # a build
def test_the_sdist_has_what_is_needed_to_build_and_test(sdist):
    with tarfile.open(sdist) as archive:
        names = {"/".join(Path(name).parts[1:]) for name in archive.getnames()}
    assert {f"src/{name}" for name in of_the_package() if "/labs/" not in name} <= names
    assert {
        "LICENSE", "CITATION.cff", "SECURITY.md", "CHANGELOG.md", "Makefile", "conftest.py",
        "hatch_build.py", "notebooks/lab.ipynb", "notebooks/source/05_optimizers.py",
        "tests/test_packaging.py", "docs/deploying.md", "blackboard-web/package-lock.json",
    } <= names  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_twine_finds_nothing_amiss(kind, request):
    pytest.importorskip("twine")
    path = request.getfixturevalue(kind)
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", path],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 1


@pytest.fixture
def checkout(tmp_path):
    """Return a checkout without the page; with the sources of it alone, to be quick."""
    copy = tmp_path / "copy"
    for name in ("src/chainrule/_src/blackboard", "notebooks/source", "blackboard-web/src"):
        ignored = shutil.ignore_patterns("__pycache__", "assets")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "hatch_build.py"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_without_the_page_and_node_nothing_is_built(checkout, tmp_path, kind):
    done = build(kind, checkout, tmp_path, PATH="")
    assert done.returncode == 1
    assert "install Node 20 or newer" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [*tmp_path.glob("*.whl"), *tmp_path.glob("*.tar.gz")]


def test_a_page_that_is_older_than_its_sources_is_built_anew(checkout, tmp_path):
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    page = checkout / "src" / PAGE
    page.parent.mkdir()
    page.write_text("old")
    os.utime(page, (0, 0))
    done = build("wheel", checkout, tmp_path, PATH=f"{npm.parent}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(PAGE) == b"built\n"


def test_the_version_is_said_once():
    import chainrule

    assert project()["version"] == chainrule.__version__


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project()['version']}\n" in text
