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


def test_a_link_is_followed_and_the_mode_kept(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("first")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text(link, "second")
    assert link.is_symlink()
    assert target.read_text() == "second"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="a device or a pipe"):
        write_text(tmp_path / "pipe", "text")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("path", ["a\0b", "x" * 300, None, ""])
def test_impossible_names(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="cannot write"):
        write_text(path, "text")
    assert os.listdir(tmp_path) == []


def test_text_that_is_no_unicode(tmp_path):
    with pytest.raises(FileError, match="surrogates"):
        write_text(tmp_path / "a.txt", "\udc80")
    assert os.listdir(tmp_path) == []
