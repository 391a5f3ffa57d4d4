"""Restrictions of a submission within Python: an audit hook, and resource limits of the system.

The hook raises errors with readable sentences. It is not a security boundary, because Python code
can circumvent it; on Linux, `kernel` is the boundary.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REFUSED = {
    "socket": "open network connections",
    "subprocess": "start processes",
    "pty": "start processes",
    "ctypes": "call into the machine",
    "gc": "look through the memory of the grader",
    "sqlite3": "open databases",
    "resource": "change its limits",
    "webbrowser": "open a browser",
    "urllib": "open network connections",
    "ftplib": "open network connections",
    "smtplib": "open network connections",
    "http": "open network connections",
}
EXPLAINING = ("gc", "ctypes")
PROCESSES = (
    "os.system", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.kill",
    "os.killpg", "os.startfile", "signal.pthread_kill",
)  # fmt: skip
MODULES = frozenset(
    [
        "ctypes",
        "_ctypes",
        "cffi",
        "_cffi_backend",
        "_posixsubprocess",
        "multiprocessing",
        "_multiprocessing",
        "torch",
        "tensorflow",
        "jax",
        "keras",
        "autograd",
    ]
)
CHANGES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link",
    "os.symlink", "os.truncate", "os.utime", "os.setxattr", "os.removexattr", "os.mkfifo",
    "os.mknod", "shutil.copyfile", "shutil.move", "shutil.rmtree",
)  # fmt: skip
LOOKS = ("os.listdir", "os.scandir", "glob.glob", "pathlib.Path.glob", "os.chdir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def readable() -> list[str]:
    """Return the folders that Python and its libraries read, without a checkout of chainrule."""
    libraries = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    paths = [sys.prefix, sys.base_prefix, *libraries, os.environ.get("SYSTEMROOT")]
    if os.name == "posix":
        paths += ["/usr", "/lib", "/lib64", "/etc", "/dev/null", "/dev/urandom", "/dev/random"]
        paths += ["/System/Library", "/Library/Fonts", "/private/var/db/timezone"]  # macOS
        paths += ["/sys/fs/cgroup", "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo"]
    return sorted({os.path.realpath(path) for path in paths if path and os.path.exists(path)})


def own_sources() -> list[str]:
    """Return the folders of all copies of chainrule on `sys.path`."""
    paths = (os.path.realpath(os.path.join(entry, "chainrule")) for entry in sys.path)
    return [path for path in paths if os.path.isdir(path)]


def hook(home: str, read: Sequence[str], hidden: Sequence[str], explains: bool = False) -> None:
    """Install an audit hook that refuses forbidden operations with a sentence.

    Parameters
    ----------
    own : str
        The only folder in which the submission may write.
    read, hidden : sequence of str
        Readable folders, and folders among them that are excluded.
    explains : bool, default False
        If true, audit events of `gc` and `ctypes` are allowed: a diagnosis in this process
        inspects memory.
    """
    refused = tuple(pair for pair in REFUSED.items() if not (explains and pair[0] in EXPLAINING))
    separator, writing = os.sep, WRITING
    processes, modules, looks, changes = PROCESSES, MODULES, frozenset(LOOKS), frozenset(CHANGES)
    realpath, fsdecode = os.path.realpath, os.fsdecode
    # On macOS and Windows SECRET and secret name one folder. Allowed paths have their real case.
    allowed, forbidden = tuple(read), tuple(folder.casefold() for folder in hidden)

    def within(path: str, folders: Sequence[str]) -> bool:
        return any(path == folder or path.startswith(folder + separator) for folder in folders)

    def real(path: Any) -> str:
        return realpath(fsdecode(path)) if isinstance(path, str | bytes | Path) else ""

    def refuse(what: str) -> None:
        raise PermissionError(f"a submission may not {what}")

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path = real(args[0])
            if path and not within(path, (home,)):
                if (args[2] or 0) & writing:
                    refuse("write outside its own folder")
                if not within(path, allowed) or within(path.casefold(), forbidden):
                    refuse("read files that it does not bring along")
        elif event == "import":
            if args[0].split(".")[0] in modules:
                raise ImportError(f"{args[0]}: the exercise is to be solved with NumPy")
        elif event in looks:
            path = real(args[0]) if args and args[0] is not None else home
            if (path and not within(path, (home, *allowed))) or within(path.casefold(), forbidden):
                refuse("look at other folders")
        elif event in changes:
            if not all(within(real(a), (home,)) for a in args[:2] if isinstance(a, str | bytes)):
                refuse("change anything outside its own folder")
        elif event.startswith(processes):
            refuse("start or end processes")
        else:
            for group, what in refused:
                if event.startswith(group + "."):
                    refuse(what)

    sys.addaudithook(audit)


def forget() -> None:
    """Remove forbidden modules from `sys.modules`, so that importing them triggers the hook."""
    for name in list(sys.modules):
        if name.split(".")[0] in MODULES:
            del sys.modules[name]


def limit(seconds: float, memory: int, written: int = 8 * 2**20, files: int = 64) -> None:
    """Limit processor time, additional memory and files, if the system supports these limits.

    Parameters
    ----------
    seconds : float
    memory : int
        Bytes beyond the memory in use.
    written, files : int
        The largest size of a file in bytes, and the number of open files.
    """
    _limit(RLIMIT_CPU=math.ceil(seconds), RLIMIT_FSIZE=written, RLIMIT_NOFILE=files)
    limit_memory(memory)


def limit_memory(memory: int) -> None:
    """Limit the memory beyond the bytes in use, if they are known; disable core dumps."""
    _limit(RLIMIT_CORE=0)
    used = _in_use()
    if used is not None:
        _limit(RLIMIT_AS=used + memory)


def _limit(**limits: int) -> None:
    if sys.platform != "win32":  # on Windows the parent's timeout is the only limit
        import resource

        for name, most in limits.items():
            with contextlib.suppress(ValueError, OSError):
                # The soft limit of time sends SIGXCPU, the hard limit kills.
                last = most + 1 if name == "RLIMIT_CPU" else most
                resource.setrlimit(getattr(resource, name), (most, last))


def _in_use() -> int | None:
    """Return the size of this process's address space in bytes, or None if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[0])
    except (OSError, ValueError):
        return None
    return pages * mmap.PAGESIZE
