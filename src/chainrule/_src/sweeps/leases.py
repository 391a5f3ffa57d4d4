"""Leases: several processes divide work through files in a shared folder.

A process takes a piece of work by creating the lease's file, which only one process can do. On file
systems with hard links the file contains its owner's name from the first moment; a file without a
name belongs to no process. Each process writes a heartbeat to another file every few seconds.
Clocks of different machines are never compared: a process counts as dead if its heartbeat has not
changed for a while by the observer's clock, or, on the same machine, if it is not running. The work
of a dead process is taken by creating the lease's file of the next generation; files are never
deleted, because another process may just have created them. If a process was wrongly considered
dead, some work is done twice, with the same result.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import FileError

NAME = re.compile(rb"\d+-[0-9a-f]{12}")  # name of a process
PATIENCE = 30.0  # seconds without a heartbeat after which a process counts as dead
RENEWED = 5.0  # seconds between heartbeats


class Workers:
    """The processes that work on one store, including this process.

    Parameters
    ----------
    folder : Path
    patience : float
        Seconds without a heartbeat after which another process counts as dead.
    renewed : float
        Seconds between this process's heartbeats.
    """

    def __init__(self, folder: Path, patience: float = PATIENCE, renewed: float = RENEWED) -> None:
        self.folder, self.patience, self.renewed = folder, patience, renewed
        self.name = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._about = {"machine": _machine(), "pid": os.getpid(), "started": _started(os.getpid())}
        self._last_seen: dict[str, tuple[bytes, float]] = {}
        self._end = threading.Event()
        self._renew(0)
        self.card = folder / f"{self.name}.card"  # the content of this process's leases
        try:
            self.card.write_bytes(self.name.encode())
        except OSError as error:
            raise FileError(f"cannot write {self.card}: {error.strerror or error}") from error
        self._thread = threading.Thread(
            target=self._renew_on_and_on, name="chainrule-lease", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop the heartbeat, and remove this process's files."""
        self._end.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._path(self.name).unlink()
        with contextlib.suppress(OSError):
            self.card.unlink()

    def others(self) -> bool:
        """Return true if other live processes work on the store."""
        names = [path.stem for path in self.folder.glob("*.json")]
        return any(name != self.name and self.alive(name) for name in names)

    def alive(self, name: str) -> bool:
        """Return true if a process is alive, as far as its heartbeat and its pid show."""
        if name == self.name:
            return True
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:  # closed, or on Windows in the moment of a heartbeat
            if not (self.folder / f"{name}.card").exists():
                return False
            content = b""
        except OSError:
            content = b""
        about = _about(content)
        if about.get("machine") == self._about["machine"]:
            if _is_gone(about["pid"], about.get("started")):
                return False
            if about.get("started") is not None:
                return True
        return not self.unchanged(name, content)

    def unchanged(self, name: str, content: bytes) -> bool:
        """Return true if a process's heartbeat has been unchanged for longer than the patience."""
        before, since = self._last_seen.get(name, (None, 0.0))
        if content != before:
            self._last_seen[name] = content, time.monotonic()
            return False
        return time.monotonic() - since > self.patience

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _renew(self, beat: int) -> None:
        path = self._path(self.name)
        temporary = path.with_suffix(".tmp")
        try:
            temporary.write_text(json.dumps({**self._about, "beat": beat}))
            temporary.replace(path)
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror or error}") from error

    def _renew_on_and_on(self) -> None:
        beat = 0
        while not self._end.wait(self.renewed):
            beat += 1
            with contextlib.suppress(FileError):  # on a full disk the work itself fails, too
                self._renew(beat)


class Leases:
    """Leases on numbered pieces of work, each held by one process at a time.

    Parameters
    ----------
    folder : Path
        Folder of the leases' files, created if it does not exist.
    workers : Workers
    """

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.folder, self.workers = folder, workers
        self._generation: dict[int, int] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot write {folder}: {error.strerror or error}") from error

    def take(self, piece: int) -> bool:
        """Take the lease on a piece of work; return false if another running process has the lease.

        A lease of this process does not block this method: the process asks again only for a piece
        that it has abandoned.
        """
        while True:
            path = self.folder / f"{piece}.{self._generation.get(piece, 0)}"
            try:
                self._make(path)
            except FileExistsError:
                if self._is_held(path):
                    return False
                self._generation[piece] = self._generation.get(piece, 0) + 1
                continue
            except FileNotFoundError:  # another process has completed the rung: the folder is gone
                return False
            except OSError as error:
                raise FileError(f"cannot write {path}: {error.strerror or error}") from error
            return True

    def had_owner(self, piece: int) -> bool:
        """Return true if another process had the lease on a piece before this process."""
        return self._generation.get(piece, 0) > 0

    def _make(self, path: Path) -> None:
        """Create a lease's file, together with its content where the file system has links."""
        try:
            os.link(self.workers.card, path)
        except FileExistsError:
            raise
        except OSError:
            with path.open("xb") as file:
                file.write(self.workers.name.encode())

    def _is_held(self, path: Path) -> bool:
        try:
            owner = path.read_bytes()
        except OSError:
            owner = b""
        if owner == self.workers.name.encode() or not NAME.fullmatch(owner):
            # It is this process's lease, or it has no name because its creator was interrupted.
            return False
        return self.workers.alive(owner.decode())


def _about(content: bytes) -> dict[str, Any]:
    try:
        about = json.loads(content)
        return about if isinstance(about, dict) and isinstance(about.get("pid"), int) else {}
    except ValueError:
        return {}


def _machine() -> str:
    """Return an identifier of the machine, its boot and its pid namespace."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(pid: int) -> str | None:
    """Return the start time of a process of this machine, or None if it is unknown or dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")  # a name of any bytes
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None


def _is_gone(pid: int, started: str | None) -> bool:
    """Return true if a process of this machine is certainly dead."""
    if started is not None:
        return _started(pid) != started
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
