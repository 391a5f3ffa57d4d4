"""Submissions run in separate processes, with limits; the checks run in this process.

A `Host` has NumPy loaded and forks a process for each exercise, in about ten milliseconds. A
`Worker` is such a process: it loads a part of a submission and answers the requests of `Candidate`.
It sends plain values only. If the process dies or is killed, one sentence says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from chainrule._src.base.errors import ChainruleError, DataError
from chainrule._src.base.processes import Limits, ended_by
from chainrule._src.teach.calls import Candidate
from chainrule._src.teach.confined.frames import receive, send
from chainrule._src.teach.expect import Ended, Wrong

SCRIPT = Path(__file__).with_name("confined") / "host.py"
FORKS = sys.platform.startswith("linux")  # elsewhere the libraries' threads do not survive a fork
NOT_STARTED = "no process for submissions can be started; is there memory left?"
STARTING = 120.0  # seconds in which a host loads its libraries, on a busy machine
MOST_WRITTEN, LOOK = 64 * 2**20, 0.1  # bytes of files; seconds between two looks at them
PATIENCE = 3  # wall time divided by processor time of a process, at most, on a busy machine
INHERITED = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "TZ")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


LIMITS = Limits(seconds=20.0, memory=2**30)


class Host:
    """Context manager for a process that starts one process for each answer.

    Parameters
    ----------
    kind : str
        What of chainrule the processes can import: nothing if it is "bare", as for most marks, or
        "bare:libraries", in which plots and scikit-learn are loaded for code that imports them; all
        but the wing that has labs, checks and solutions if it is "library", for exercises about
        chainrule; or everything if it is "whole:LAB", where LAB is the key of the lab, by default
        all of ours. Diagnoses need it, and marks never use it.
    """

    def __init__(self, kind: str = "bare") -> None:
        self.kind = kind
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin(
        self, settings: Mapping[str, Any], *more: socket.socket
    ) -> tuple[socket.socket, _Process]:
        """Start a process; return the socket to communicate with the process, and the process.

        The process has the sockets ``more`` as well.
        """
        settings = {**settings, "kind": self.kind.partition(":")[0]}
        if sys.platform != "win32" and FORKS:
            return self._fork(settings, *more)
        popen, line = self._script("once", *more)
        try:
            send(line, settings)
            receive(line, time.monotonic() + STARTING)  # sent when the libraries are loaded
        except (OSError, EOFError) as error:
            line.close()
            popen.kill()
            popen.wait()
            raise ChainruleError(NOT_STARTED) from error
        return line, _Process(popen.pid, popen.wait)

    def close(self) -> None:
        """End the host."""
        if self._line is not None and self._process is not None:
            self._line.close()
            self._process.kill()
            self._process.wait()
        self._line = self._process = None

    if sys.platform != "win32":

        def _fork(
            self, settings: Mapping[str, Any], *more: socket.socket
        ) -> tuple[socket.socket, _Process]:
            for _ in range(2):  # a second time if the host was killed
                local, remote = socket.socketpair()
                try:
                    sockets = [each.fileno() for each in (remote, *more)]
                    number = self._exchange(settings, *sockets)
                    return local, _Process(number, partial(self._exchange, {"wait": number}))
                except (OSError, EOFError):
                    local.close()
                    self.close()
                finally:
                    remote.close()
            raise ChainruleError(NOT_STARTED)

        def _exchange(self, message: Mapping[str, Any], *descriptors: int) -> int:
            """Start the host if necessary, send it a message, and return its reply, a number."""
            if self._line is None:
                self._process, self._line = self._script("forking")
            socket.send_fds(self._line, [json.dumps(message).encode()], descriptors)
            return int(receive(self._line, time.monotonic() + STARTING))

    def _script(
        self, way: str, *more: socket.socket
    ) -> tuple[subprocess.Popen[bytes], socket.socket]:
        local, remote = socket.socketpair()
        command = [sys.executable, "-P", "-B", str(SCRIPT), self.kind, way]
        with remote:
            return _start_host(command, remote, *more), local


if sys.platform == "win32":

    def _start_host(command: list[str], *lines: socket.socket) -> subprocess.Popen[bytes]:
        """Start a host; on Windows it reads the descriptions of shared sockets from stdin."""
        nothing, shared = subprocess.DEVNULL, ["shared"] * len(lines)
        popen = subprocess.Popen(
            [*command, *shared], stdin=subprocess.PIPE, stdout=nothing, stderr=nothing,
            env=_environment(),
        )  # fmt: skip
        assert popen.stdin is not None
        with contextlib.suppress(OSError), popen.stdin as pipe:  # a dead host is noticed later
            pipe.write(b"".join(line.share(popen.pid) for line in lines))
        return popen

else:

    def _start_host(command: list[str], *lines: socket.socket) -> subprocess.Popen[bytes]:
        """Start a host, which inherits the sockets' file descriptors."""
        nothing, numbers = subprocess.DEVNULL, [line.fileno() for line in lines]
        return subprocess.Popen(
            [*command, *map(str, numbers)], stdin=nothing, stdout=nothing, stderr=nothing,
            env=_environment(), pass_fds=numbers, start_new_session=True,
        )  # fmt: skip


@dataclass(frozen=True)
class _Process:
    number: int
    wait: Any

    def kill(self) -> int:
        """Kill the process group and return the exit status: -9, or that of an earlier end."""
        for kill in (getattr(os, "killpg", None), os.kill):
            with contextlib.suppress(OSError, TypeError):
                kill(self.number, getattr(signal, "SIGKILL", signal.SIGTERM))  # type: ignore[misc]
        try:
            return int(self.wait())
        except (OSError, EOFError):
            return -9


class Worker:
    """Context manager for a process that runs a part of a submission.

    Parameters
    ----------
    host : Host
    limits : Limits
    what : str
        The words for the submission in an error message.
    seed : int, default 0
        Seed of NumPy's and Python's global random generators in the process.
    line : socket, optional
        The process's end of a line to another process: see `RightAnswers`.

    Attributes
    ----------
    ended : Ended or None
        The error, if the process ended too early.
    """

    def __init__(
        self,
        host: Host,
        limits: Limits,
        what: str,
        seed: int = 0,
        line: socket.socket | None = None,
    ) -> None:
        self._what, self._limits = what, limits
        # On a line two processes work, one at a time.
        self._left = PATIENCE * limits.seconds * (1 if line is None else 2)
        self._folder = tempfile.mkdtemp(prefix="chainrule-")
        self.ended: Ended | None = None
        self._connection, self._process = host.begin({
            "folder": self._folder, "seconds": limits.seconds, "memory": limits.memory,
            "hidden": list(limits.hidden), "seed": seed,
        }, *([] if line is None else [line]))  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.ended is None:
            self._end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request.

        Raises
        ------
        Ended
            If the process has ended, or takes too long and is killed.
        Wrong
            If the reply is not valid.
        """
        if self.ended is not None:
            raise self.ended
        begin = time.monotonic()
        try:
            return _validated(self._exchange(request, begin + self._left), self._what)
        except Ended as ended:
            self.ended = ended
        except TimeoutError:
            self._end()
            self.ended = Ended(self._too_long())
        except (EOFError, OSError):
            self.ended = Ended(self._died(self._end()))
        except DataError as error:
            self._end()
            self.ended = Ended(f"{self._what} sends {error}")
        finally:
            self._left -= time.monotonic() - begin
        raise self.ended

    def tell(self, request: Mapping[str, Any]) -> None:
        """Send a request whose answer nobody reads; a process that has ended reads none."""
        with contextlib.suppress(OSError):
            send(self._connection, request, time.monotonic() + self._left)

    def _exchange(self, request: Mapping[str, Any], end: float) -> Any:
        send(self._connection, request, end)
        if self._fills_disk(end):
            self._end()
            raise Ended(f"{self._what} writes more than {MOST_WRITTEN >> 20} MB into files")
        return receive(self._connection, end)

    def candidate(self, name: str) -> Candidate:
        """Return a proxy of the function or class of this name, for the checks to call."""
        return Candidate(self.ask, name, name)

    def _fills_disk(self, end: float) -> bool:
        """Wait for a reply; return true if files take more than `MOST_WRITTEN` bytes meanwhile."""
        while True:
            self._connection.settimeout(max(1e-6, min(LOOK, end - time.monotonic())))
            try:
                self._connection.recv(1, socket.MSG_PEEK)
                return False
            except TimeoutError:
                if _size(self._folder) > MOST_WRITTEN:
                    return True
                if time.monotonic() >= end:
                    raise

    def _end(self) -> int:
        status = self._process.kill()
        self._connection.close()
        return status

    def _too_long(self) -> str:
        return (
            f"{self._what} did not come to an end within {self._limits.seconds:g} s: "
            "is there a loop that never ends?"
        )

    def _died(self, status: int) -> str:
        cause = ended_by(status)
        if cause == "SIGXCPU":
            return self._too_long()
        if cause == "SIGSEGV":
            return f"{self._what} makes Python crash (segmentation fault)"
        if status == -9:
            return f"{self._what} was killed: does it use too much memory?"
        if cause:
            return f"{self._what} ends the program ({cause})"
        return f"{self._what} ends the program (exit code {status}): leave exit() and the like out"


def _size(folder: str) -> int:
    """Return the bytes of a folder's files, and some for each file: there may be millions."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            size += 2**16
            if size > MOST_WRITTEN:
                break
            with contextlib.suppress(OSError):
                size += entry.stat(follow_symlinks=False).st_size
    return size


def _validated(reply: Any, what: str) -> dict[str, Any]:
    """Validate a reply, because a submission may send anything, and return the reply."""
    if isinstance(reply, dict):
        error, changed = reply.get("error"), reply.get("changed", [])
        text = reply.get("printed", "")
        numbers = isinstance(changed, list) and all(type(n) is int for n in changed)
        if numbers and isinstance(text, str) and ("value" in reply or isinstance(error, dict)):
            return reply
    raise Wrong(f"{what} gives what cannot be read")


def _environment() -> dict[str, str]:
    """Return the environment variables of the processes: no user names, no secrets."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    path = json.dumps([os.path.abspath(entry) for entry in sys.path])
    one = dict.fromkeys(THREADS, "1")
    return {**inherited, **one, "MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "CHAINRULE_PATH": path}


__all__: Sequence[str] = ("LIMITS", "Host", "Worker")
