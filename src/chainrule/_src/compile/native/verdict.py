"""The verdict on machine code: a self-check runs once for each machine and version.

LLVM aborts the process if it cannot compile for a machine, and wrong machine code may crash. So the
self-check runs in another process, and its result is cached beside the kernels.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys

from chainrule._src.base.forks import lock
from chainrule._src.base.interrupts import deferred
from chainrule._src.compile.native import cache
from chainrule._src.compile.native.target import Target

PATIENCE = 60.0  # seconds
TRIES = """
import sys
sys.path[:] = sys.argv[1:]
import json
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.selfcheck import first_fault
print(json.dumps(first_fault(host())))
"""
# Exit codes after a crash: a signal, or on Windows the number of an exception or of C's `abort`.
CRASHES = {
    -getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP")
    if hasattr(signal, name)
}
EXCEPTION, ABORT = 0xC0000000, 3
_asking = lock()


def fault(target: Target, key: str) -> str:
    """Return the reason why this machine cannot run machine code; an empty string if it can.

    Parameters
    ----------
    target : Target
        The machine that this process runs on.
    key : str
        The cache key of the result, a digest of the machine, of LLVM's and chainrule's versions.
    """
    with _asking:
        return _fault(target, key)


@functools.cache
def _fault(target: Target, key: str) -> str:
    content = cache.read(key, cache.VERDICT)
    if content is not None:
        return content.decode()
    reason = _from_another_process()
    if reason is None:
        with deferred():
            from chainrule._src.compile.native.selfcheck import first_fault

        reason = first_fault(target)
    cache.write(key, reason.encode(), cache.VERDICT)
    return reason


def _from_another_process() -> str | None:
    """Run the self-check in another process, and return its result; None if that is impossible."""
    if not sys.executable or getattr(sys, "frozen", False):  # would start the user's program
        return None
    command = [sys.executable, "-I", "-c", TRIES, *sys.path]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # BLAS threads take long to start
    try:
        process = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=PATIENCE, creationflags=flags, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    if process.returncode in CRASHES or (os.name == "nt" and _is_crash(process.returncode)):
        lines = process.stderr.strip().splitlines() or ["no message"]
        return f"the process that tried it was ended ({lines[-1]})"
    if process.returncode:
        return None
    reason: str = json.loads(process.stdout.splitlines()[-1])
    return reason


def _is_crash(code: int) -> bool:
    return code == ABORT or code & 0xFFFFFFFF >= EXCEPTION
