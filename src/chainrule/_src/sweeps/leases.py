"""Several processes share work through files: who has taken what, and who is still there.

A piece of work is taken by making its file, which one process alone can do. The file names its
owner from when it appears, where the file system has links: one without a name is nobody's. Each
process renews a file of its own every few seconds. No clock is compared with another one's: a
process is dead when nothing of it has changed for a while by the clock of who looks, or, on the
same machine, when it is not running. The work of a dead one is taken by making the file of the next
generation, so that nothing is ever deleted that another may just have made. Whoever was thought
dead and is not, does work twice, with the same result.
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

NAME = re.compile(rb"\d+-[0-9a-f]{12}")  # of a process
PATIENCE = 30.0  # seconds without a sign of life
RENEWED = 5.0


class Workers:
    """The processes that work on one store; this one among them.

    Parameters
    ----------
    folder : Path
    patience, renewed : float
        Seconds: after which others are thought dead, and from one sign of life to the next.
    """

    def __init__(self, folder: Path, patience: float = PATIENCE, renewed: float = RENEWED) -> None:
        self.folder, self.patience, self.renewed = folder, patience, renewed
        self.name = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._about = {"machine": _machine(), "pid": os.getpid(), "started": _started(os.getpid())}
        self._seen: dict[str, tuple[bytes, float]] = {}
        self._end = threading.Event()
        self._renew(0)
        self.card = folder / f"{self.name}.card"  # what a lease of its holds
        try:
            self.card.write_bytes(self.name.encode())
        except OSError as error:
            raise FileError(f"cannot write {self.card}: {error.strerror or error}") from error
        self._thread = threading.Thread(
            target=self._renew_on_and_on, name="chainrule-lease", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Leave."""
        self._end.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._path(self.name).unlink()
        with contextlib.suppress(OSError):
            self.card.unlink()

    def others(self) -> bool:
        """Whether others work here."""
        names = [path.stem for path in self.folder.glob("*.json")]
        return any(name != self.name and self.alive(name) for name in names)

    def alive(self, name: str) -> bool:
        """Whether a process is there, as far as one can tell."""
        if name == self.name:
            return True
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:  # it has left
            return False
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
        """Whether something has looked the same for so long that nobody is behind it."""
        before, since = self._seen.get(name, (None, 0.0))
        if content != before:
            self._seen[name] = content, time.monotonic()
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
            with contextlib.suppress(FileError):  # a full disk: who works will say so
                self._renew(beat)


class Leases:
    """Pieces of work by number, each taken by one process at a time.

    Parameters
    ----------
    folder : Path
        Made if need be.
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
        """Take a piece of work that nobody is at; whether that went well.

        What this process took is not held by it: it takes a piece again only when it left it.
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
            except OSError as error:
                raise FileError(f"cannot write {path}: {error.strerror or error}") from error
            return True

    def _make(self, path: Path) -> None:
        """Make a lease with its owner's name in it at once, where the file system has links."""
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
            return False  # ours, or nobody's: its maker, or the machine, ended meanwhile
        return self.workers.alive(owner.decode())


def _about(content: bytes) -> dict[str, Any]:
    try:
        about = json.loads(content)
        return about if isinstance(about, dict) and isinstance(about.get("pid"), int) else {}
    except ValueError:
        return {}


def _machine() -> str:
    """Return what tells machines apart, and what on one of them counts processes for itself."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(pid: int) -> str | None:
    """Return when a process of this machine started, where that can be told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")  # a name of any bytes
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None


def _is_gone(pid: int, started: str | None) -> bool:
    """Whether a process of this machine is known to be gone."""
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
