"""The kernel's wall, without the hook in front of it."""

import os
import subprocess
import sys

import pytest

from chainrule._src.teach.confined import kernel, limits

if sys.platform != "linux":
    pytest.skip("seccomp and Landlock are Linux's", allow_module_level=True)

CODE = """
import ctypes, os, signal, socket, subprocess, sys, threading
import numpy as np
from chainrule._src.teach.confined import kernel, limits

own, hidden = sys.argv[1:3]
readable = kernel.open_paths([*limits.readable(), os.path.dirname(hidden)], [hidden])
held = kernel.confine(own, readable)
print(*held)

def tries(what, call):
    try:
        call()
        print(what, "yes")
    except OSError as error:
        print(what, error.errno)

tries("fork", os.fork)
tries("subprocess", lambda: subprocess.run(["true"]))
tries("system", lambda: os.posix_spawn("/bin/true", ["true"], {}))
tries("socket", socket.socket)
tries("kill", lambda: os.kill(os.getppid(), 0))
tries("kill itself", lambda: os.kill(os.getpid(), 0))
tries("limits", lambda: __import__("resource").prlimit(0, 0, (1, 1)))
tries("hidden", lambda: open(hidden + "/marks.csv"))
tries("beside it", lambda: open(os.path.dirname(hidden) + "/open.txt"))
tries("own file", lambda: open(own + "/a", "w"))
tries("others' file", lambda: open("/tmp/chainrule-left", "w"))
tries("grader's memory", lambda: open(f"/proc/{os.getppid()}/environ"))
tries("library", lambda: open(np.__file__))
thread = threading.Thread(target=lambda: print("thread yes"))
thread.start(); thread.join()
libc = ctypes.CDLL(None, use_errno=True)
print("by ctypes", libc.syscall(57), libc.socket(2, 1, 0), libc.kill(os.getppid(), 0))
sys.stdout.flush()
os.abort()
"""
REFUSED = ("fork", "subprocess", "system", "socket", "kill", "kill itself", "limits")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    (folder / "own").mkdir()
    (folder / "open").mkdir()
    (folder / "open" / "open.txt").write_text("")
    hidden = folder / "open" / "hidden"
    hidden.mkdir()
    (hidden / "marks.csv").write_text("")
    command = [sys.executable, "-c", CODE, str(folder / "own"), str(hidden)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_processes_sockets_and_signals_are_refused(done):
    lines = done.stdout.splitlines()
    if "seccomp" not in lines[0]:
        pytest.skip("no seccomp here")
    said = dict(line.rsplit(" ", 1) for line in lines[1:])
    assert [said[what] for what in REFUSED] == ["1"] * len(REFUSED), done.stderr
    assert said["thread"] == "yes"
    assert "by ctypes -1 -1 -1" in lines
    assert done.returncode == -6


def test_files_of_others_are_refused(done):
    lines = done.stdout.splitlines()
    if "landlock" not in lines[0]:
        pytest.skip("no Landlock here")
    said = dict(line.rsplit(" ", 1) for line in lines[1:])
    wanted = {"hidden": "13", "others' file": "13", "grader's memory": "13"}
    wanted |= {"own file": "yes", "library": "yes", "beside it": "yes"}
    assert {what: said[what] for what in wanted} == wanted


def test_of_a_folder_with_a_secret_all_else_is_open(tmp_path):
    for name in ("a/b/secret", "a/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    found = kernel.open_paths([str(tmp_path)], [str(tmp_path / "a/b/secret")])
    assert sorted(os.path.relpath(path, tmp_path) for path in found) == ["a/c", "d"]
    assert kernel.open_paths([str(tmp_path / "a")], [str(tmp_path)]) == []


def test_a_checkout_is_not_readable():
    assert not any(__file__.startswith(path + os.sep) for path in limits.readable())
