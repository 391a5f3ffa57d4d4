import os

import pytest

from chainrule.errors import FileError
from chainrule.storage import check_writable, write_text


def test_write_replaces_whole(tmp_path):
    path = tmp_path / "report.html"
    write_text(path, "first")
    write_text(path, "second ∂")
    assert path.read_text(encoding="utf-8") == "second ∂"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write_text(path, "first")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(FileError, match="No space left"):
        write_text(path, "second")
    assert path.read_text() == "first"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(FileError, match="does not exist; make it first"):
        write_text(tmp_path / "nowhere" / "report.html", "text")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileError, match="it is a folder"):
        check_writable(tmp_path)


def test_checking_leaves_nothing(tmp_path):
    check_writable(tmp_path / "report.html")
    assert os.listdir(tmp_path) == []
