import contextlib
import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from chainrule._src.data.storage.files import open_file, write_new
from chainrule.errors import FileError
from chainrule.storage import check_writable, write_text, write_whole

pytestmark = pytest.mark.portable(quick="everywhere")

NOBODY = 65534
of_posix = pytest.mark.skipif(
    sys.platform == "win32", reason="links, pipes, modes, limits and locks of POSIX"
)


@contextlib.contextmanager
def no_larger_file_than(n_bytes):
    """Have the system refuse to let any file grow beyond a size, as a full disk does."""
    import resource

    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.fixture
def read_only_folder():
    """Make a folder with a file, then be a user who may not write in it, even when run by root."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    (folder / "model").write_bytes(b"first")
    (folder / "model").chmod(0o666)
    folder.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(NOBODY)
        yield folder
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
        shutil.rmtree(folder)


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
    assert path.read_text("utf-8") == "first"
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


@of_posix
def test_a_link_is_followed_and_the_mode_kept(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("first")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text(link, "second")
    assert link.is_symlink()
    assert target.read_text("utf-8") == "second"
    assert target.stat().st_mode & 0o777 == 0o640


@of_posix
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


@pytest.mark.parametrize("kind", ["number of an open file", "bytes", None, "a\0b", "x" * 300, ""])
def test_what_is_no_name_of_a_file_is_not_read(kind, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"text")
    with path.open() as opened:
        odd = {"number of an open file": opened.fileno(), "bytes": os.fsencode(path)}
        with pytest.raises(FileError, match="cannot read"):
            open_file(odd.get(kind, kind))


def test_text_that_is_no_unicode(tmp_path):
    with pytest.raises(FileError, match="surrogates"):
        write_text(tmp_path / "a.txt", "\udc80")
    assert os.listdir(tmp_path) == []


def test_chunks_are_written_one_after_another(tmp_path):
    write_whole(tmp_path / "a", [b"all ", memoryview(b"of it")])
    assert (tmp_path / "a").read_bytes() == b"all of it"


@of_posix
def test_a_disk_that_fills_up_leaves_what_was_there(tmp_path):
    path = tmp_path / "model"
    write_whole(path, [b"first"])
    with no_larger_file_than(100_000), pytest.raises(FileError) as error:
        write_whole(path, [bytes(60_000)] * 3)
    assert str(error.value) == f"cannot write {path}: {os.strerror(errno.EFBIG)}"
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["model"]


@of_posix
def test_a_read_only_folder_leaves_what_was_there(read_only_folder):
    path = read_only_folder / "model"
    for write in (check_writable, lambda path: write_whole(path, [b"second"])):
        with pytest.raises(FileError) as error:
            write(path)
        assert str(error.value) == f"cannot write {path}: {os.strerror(errno.EACCES)}"
    assert path.read_bytes() == b"first"
    assert os.listdir(read_only_folder) == ["model"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_what_was_there(tmp_path, interruption):
    def chunks():
        yield bytes(100_000)
        raise interruption

    write_whole(tmp_path / "model", [b"first"])
    with pytest.raises(interruption):
        write_whole(tmp_path / "model", chunks())
    assert (tmp_path / "model").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["model"]


@of_posix
def test_file_and_folder_are_synced_around_the_renaming(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor):
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def renamed(self, target):
        done.append("renamed")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_whole(tmp_path / "model", [b"all"])
    temporary, *rest = done
    assert temporary.parent == tmp_path
    assert temporary.match(".chainrule-*.tmp")
    assert rest == ["renamed", tmp_path]


@of_posix
def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    sync = os.fsync

    def files_alone(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", files_alone)
    write_whole(tmp_path / "model", [b"all"])
    assert (tmp_path / "model").read_bytes() == b"all"


@of_posix
def test_what_a_dead_writer_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    import fcntl

    dead, live, fresh, other = (
        tmp_path / name
        for name in (".chainrule-0.tmp", ".chainrule-1.tmp", ".chainrule-2.tmp", ".other.tmp")
    )
    for path in (dead, live, other):
        path.write_bytes(b"half")
    fresh.touch()
    with live.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_whole(tmp_path / "model", [b"all"])
    assert not dead.exists()
    assert live.exists()
    assert fresh.exists()
    assert other.exists()


def test_a_writer_is_safe_from_another_in_the_same_folder(tmp_path):
    def chunks():
        yield bytes(100_000)
        write_whole(tmp_path / "other", [b"other"])
        yield b"end"

    write_whole(tmp_path / "model", chunks())
    assert (tmp_path / "model").stat().st_size == 100_003
    assert (tmp_path / "other").read_bytes() == b"other"


def test_a_writer_of_a_new_file_is_safe_from_another(tmp_path, monkeypatch):
    link = os.link

    def later(source, target):
        write_whole(tmp_path / "other", [b"other"])  # which removes what dead writers left
        link(source, target)

    monkeypatch.setattr(os, "link", later)
    assert write_new(tmp_path / "new", "first")
    assert not write_new(tmp_path / "new", "second")
    assert sorted(os.listdir(tmp_path)) == ["new", "other"]
    assert (tmp_path / "new").read_text("utf-8") == "first"


@of_posix
def test_where_there_are_no_locks_files_are_written_all_the_same(tmp_path, monkeypatch):
    import fcntl

    def no_locks(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    (tmp_path / ".chainrule-0.tmp").write_bytes(b"perhaps of a live writer")
    write_whole(tmp_path / "model", [b"all"])
    assert sorted(os.listdir(tmp_path)) == [".chainrule-0.tmp", "model"]
