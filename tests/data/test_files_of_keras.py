"""`keras.utils.get_file`: a file that is on this machine, never one of the web."""

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest

from chainrule.errors import DataError, FileError
from chainrule.keras.utils import get_file

ADDRESS = "https://example.org/texts/rain.txt?raw=1"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets"
    folder.mkdir()
    (folder / "rain.txt").write_text("rain", encoding="utf-8")
    return folder


def test_a_file_in_the_folder_of_keras_is_named(cache):
    assert get_file("rain.txt", ADDRESS) == str(cache / "rain.txt")
    assert get_file(origin=ADDRESS) == str(cache / "rain.txt")
    assert get_file("rain.txt", cache_dir=cache.parent) == str(cache / "rain.txt")


def test_a_missing_file_is_refused_with_its_place(cache):
    with pytest.raises(DataError, match=r"put https://example.org/snow.txt to .*datasets.snow.txt"):
        get_file("snow.txt", "https://example.org/snow.txt")
    with pytest.raises(DataError, match="give fname or origin"):
        get_file()


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_checksum_is_compared(cache, algorithm):
    right = hashlib.new(algorithm, b"rain").hexdigest()
    assert get_file("rain.txt", file_hash=right) == str(cache / "rain.txt")
    with pytest.raises(FileError, match=f"the {algorithm} checksum is {right}"):
        get_file("rain.txt", file_hash="0" * len(right))


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_an_archive_is_unpacked_once(cache, ending):
    archive = cache / f"texts.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            file.write(cache / "rain.txt", "rain.txt")
    else:
        with tarfile.open(archive, "w:gz") as file:
            file.add(cache / "rain.txt", "rain.txt")
    folder = Path(get_file(archive.name, extract=True))
    assert folder == cache / "texts_extracted"
    assert (folder / "rain.txt").read_text(encoding="utf-8") == "rain"
    archive.write_bytes(b"")
    assert Path(get_file(archive.name, untar=True)) == folder


def test_what_is_no_archive_is_refused_and_leaves_nothing(cache):
    with pytest.raises(FileError, match="expected an archive"):
        get_file("rain.txt", extract=True)
    assert [path.name for path in cache.iterdir()] == ["rain.txt"]
