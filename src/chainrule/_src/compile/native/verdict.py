"""The verdict on machine code: a self-check runs once for each machine and version.

LLVM aborts the process if it cannot compile for a machine, and wrong machine code may crash. So the
code is tried in another process, and the result is cached beside the kernels. That process is a new
one and no fork of this one, whose other threads may be anywhere; what it is to compile comes from
here, so that it imports llvmlite and little else.
"""

from __future__ import annotations

import functools
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule._src.base.errors import CompileError
from chainrule._src.base.forks import lock
from chainrule._src.base.interrupts import deferred
from chainrule._src.compile.native import cache
from chainrule._src.compile.native.target import Machine

if TYPE_CHECKING:
    from chainrule._src.compile.native.trial import CodeTrial

PATIENCE = 60.0  # seconds
PACKAGE = str(Path(__file__).parents[3])
# The package's own `__init__` would load NumPy, and `site` may load anything.
TRIES = """
import sys, types
package = sys.modules["chainrule"] = types.ModuleType("chainrule")
package.__path__, sys.path[:] = [sys.argv[1]], sys.argv[2:]
from chainrule._src.compile.native.trial import main
main()
"""
# Exit codes after a crash. Others, as after Ctrl-C or without memory, say nothing of machine code.
SIGNALS = {
    -getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGTRAP")
    if hasattr(signal, name)
}
WINDOWS_CODES = {
    3,  # C's `abort`
    0x80000002, 0x80000003,  # misaligned data, a breakpoint
    0xC0000005, 0xC000001D, 0xC0000096,  # a wrong address, an unknown or a privileged instruction
    0xC0000094, 0xC00000FD,  # an integer division by zero, no more stack
    0xC0000374, 0xC0000409,  # overwritten memory; `abort` too
}  # fmt: skip
CRASHES = WINDOWS_CODES if os.name == "nt" else SIGNALS
_asking = lock()


def fault(target: Machine, key: str) -> str:
    """Return the reason why this machine cannot run machine code; an empty string if it can.

    Parameters
    ----------
    target : Machine
        The machine that this process runs on.
    key : str
        The cache key of the result, a digest of the machine, of LLVM's and chainrule's versions.
    """
    with _asking:
        return _fault(target, key)


@functools.cache
def _fault(target: Machine, key: str) -> str:
    content = cache.read(key, cache.VERDICT)
    if content is not None:
        return content.decode()
    with _other_process() as process:  # it starts while this process writes what it is to compile
        with deferred():
            from chainrule._src.compile.native.selfcheck import first_fault

        try:
            reason = first_fault(target, functools.partial(_tried, process))
        except (_CrashError, CompileError) as error:
            reason = str(error)
    cache.write(key, reason.encode(), cache.VERDICT)
    return reason


class _CrashError(Exception):
    """The end of the process that tried machine code."""


@contextmanager
def _other_process() -> Iterator[subprocess.Popen[bytes] | None]:
    """Context manager: a process that runs a trial, or None if no such process can be started."""
    if not sys.executable or getattr(sys, "frozen", False):  # would start the user's program
        yield None
        return
    command = [sys.executable, "-I", "-S", "-c", TRIES, PACKAGE, *sys.path]
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, creationflags=flags
        )
    except OSError:
        yield None
        return
    with process:
        try:
            yield process
        finally:
            process.kill()


def _tried(process: subprocess.Popen[bytes] | None, trial: CodeTrial) -> list[list[bytes]]:
    """Run a trial in another process, or in this one if that is impossible."""
    output = process and _output(process, pickle.dumps(trial))
    if output:
        results: list[list[bytes]] = pickle.loads(output)
        return results
    with deferred():
        from chainrule._src.compile.native.trial import run
    return run(trial)


def _output(process: subprocess.Popen[bytes], trial: bytes) -> bytes | None:
    """Return the output of a process that runs a trial; None if the process cannot start.

    Raises
    ------
    _CrashError
        If machine code or LLVM ended the process.
    """
    # A timeout of `communicate` does not end its writing on Windows.
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        output, errors = process.communicate(trial)
    except OSError:
        return None
    finally:
        timer.cancel()
    if process.returncode in CRASHES:
        lines = errors.decode(errors="replace").strip().splitlines() or ["no message"]
        by_llvm = [line for line in lines if "LLVM ERROR" in line]  # an emulator adds a line
        raise _CrashError(f"the process that tried it was ended ({[*lines, *by_llvm][-1]})")
    return None if process.returncode else output
