"""Restrictions of a submission within Python: an audit hook, and resource limits of the system.

The hook raises errors with readable sentences. It is not a security boundary: Python code can
change any function that the hook calls. On Linux, `kernel` is the boundary; elsewhere there is
none.
"""

from __future__ import annotations

import builtins
import contextlib
import glob
import math
import mmap
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

globals()["__builtins__"] = vars(builtins).copy()  # as a submission may replace the builtins

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
CONFIGURED = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/etc/mime.types")
CHECKOUT = ("docs", "notebooks", "tests")  # folders with solutions beside ``src``
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

Rule = tuple[frozenset[str], Callable[[tuple[Any, ...]], bool], str]


def readable() -> list[str]:
    """Return the folders that Python and its libraries read, without a checkout of chainrule."""
    libraries = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    paths = [sys.prefix, sys.base_prefix, *libraries, os.environ.get("SYSTEMROOT")]
    if os.name == "posix":
        paths += ["/usr", "/lib", "/lib64", *CONFIGURED, "/dev/null", "/dev/urandom", "/dev/random"]
        paths += ["/System/Library", "/Library/Fonts", "/private/var/db/timezone"]  # macOS
        paths += ["/sys/fs/cgroup", "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo"]
    return sorted({os.path.realpath(path) for path in paths if path and os.path.exists(path)})


def own_sources() -> list[str]:
    """Return the folders of all copies of chainrule on `sys.path` and in Python's prefixes."""
    patterns = [os.path.join(glob.escape(entry), "chainrule") for entry in sys.path]
    for prefix in ("/usr", "/usr/local", sys.prefix, sys.base_prefix):
        for library in ("lib*/python*", "Lib"):  # Windows has the latter
            patterns.append(os.path.join(glob.escape(prefix), library, "*-packages", "chainrule"))
    paths = {os.path.realpath(path) for pattern in patterns for path in glob.iglob(pattern)}
    return sorted(path for path in paths if os.path.isdir(path))


def views(kind: str) -> tuple[list[str], list[str]]:
    """Return the paths that a kind of process reads, and paths among them that are hidden.

    A ``bare`` process reads nothing of chainrule, one of a ``library`` all but the wing of
    teaching, a ``whole`` one everything.
    """
    sources = own_sources()
    if kind == "bare":
        return readable(), [*sources, *_beside(sources)]
    if kind == "library":
        teaching = [os.path.join(source, "_src", "teach") for source in sources]
        return [*readable(), *sources], [*teaching, *_beside(sources)]
    return [*readable(), *sources], []


def _beside(sources: Sequence[str]) -> list[str]:
    """Return the folders of checkouts that have solutions."""
    roots = [os.path.dirname(os.path.dirname(source)) for source in sources]
    paths = [os.path.join(root, name) for root in roots for name in CHECKOUT]
    return [path for path in paths if os.path.isdir(path)]


def hook(home: str, read: Sequence[str], hidden: Sequence[str], explains: bool = False) -> None:
    """Install an audit hook that refuses forbidden operations with a sentence.

    A submission can replace this module's functions and constants. The hook does not read them
    again: its rules are closures in tuples.

    Parameters
    ----------
    home : str
        The only folder in which the submission may write.
    read, hidden : sequence of str
        Readable folders, and folders among them that are excluded.
    explains : bool, default False
        If true, audit events of `gc` and `ctypes` are allowed: a diagnosis in this process
        inspects memory.
    """
    modules, rules, prefixes = MODULES, _file_rules(home, read, hidden), _prefixes(explains)

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event == "import" and args[0].split(".")[0] in modules:
            raise ImportError(f"{args[0]}: the exercise is to be solved with NumPy")
        for events, is_forbidden, what in rules:
            if event in events and is_forbidden(args):
                raise PermissionError(f"a submission may not {what}")
        for prefix, what in prefixes:
            if event.startswith(prefix):
                raise PermissionError(f"a submission may not {what}")

    sys.addaudithook(audit)


def _prefixes(explains: bool) -> tuple[tuple[str, str], ...]:
    """Return the beginnings of the names of events that are always refused, with the reasons."""
    groups = {f"{name}.": what for name, what in REFUSED.items()}
    if explains:
        groups = {name: what for name, what in groups.items() if name[:-1] not in EXPLAINING}
    return (*((event, "start or end processes") for event in PROCESSES), *groups.items())


def _file_rules(home: str, read: Sequence[str], hidden: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules for files: the events, a predicate of their arguments, and the reason."""
    realpath, fsdecode, separator, writing = os.path.realpath, os.fsdecode, os.sep, WRITING
    path_types = str | bytes | Path
    # On macOS and Windows SECRET and secret name one folder. Allowed paths have their real case.
    allowed, forbidden = tuple(read), tuple(folder.casefold() for folder in hidden)

    def within(path: str, *folders: str) -> bool:
        return any(path == folder or path.startswith(folder + separator) for folder in folders)

    def real(path: Any) -> str:
        """Return a path without links; "" for a descriptor, whose file was checked when opened."""
        return realpath(fsdecode(path)) if isinstance(path, path_types) else ""

    def is_hidden(path: str) -> bool:
        return within(path.casefold(), *forbidden)

    def writes_elsewhere(args: tuple[Any, ...]) -> bool:
        """Files outside the submission's folder are not created, emptied or written."""
        path = real(args[0]) if (args[2] or 0) & writing else ""
        return bool(path) and not within(path, home)

    def reads_elsewhere(args: tuple[Any, ...]) -> bool:
        """Python and its libraries read their own files, but marks and answers stay hidden."""
        path = real(args[0])
        if not path or within(path, home):
            return False
        return is_hidden(path) or not within(path, *allowed)

    def looks_elsewhere(args: tuple[Any, ...]) -> bool:
        """Names of files tell about other submissions. Without a path, the folder is ``home``."""
        path = real(args[0]) if args and args[0] is not None else home
        return is_hidden(path) or (bool(path) and not within(path, home, *allowed))

    def changes_elsewhere(args: tuple[Any, ...]) -> bool:
        """Check the first two arguments: a move or a link has a source path and a target path."""
        paths = (real(path) for path in args[:2] if isinstance(path, str | bytes))
        return not all(within(path, home) for path in paths)

    return (
        (frozenset(["open"]), writes_elsewhere, "write outside its own folder"),
        (frozenset(["open"]), reads_elsewhere, "read files that it does not bring along"),
        (frozenset(LOOKS), looks_elsewhere, "look at other folders"),
        (frozenset(CHANGES), changes_elsewhere, "change anything outside its own folder"),
    )


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
