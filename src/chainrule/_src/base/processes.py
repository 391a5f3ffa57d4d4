"""Child processes that run a learner's code: how they start, their limits, how they ended."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule._src.base.interrupts import ignored

# Exceptions of Windows, where the exit status is the number of the fatal exception.
EXCEPTIONS = {0xC0000005: "SIGSEGV", 0xC00000FD: "stack overflow", 0xC0000409: "SIGABRT"}
FIRST_EXCEPTION = 0xC0000000


@dataclass(frozen=True)
class Limits:
    """Limits for a learner's code.

    Attributes
    ----------
    seconds : float
        Processor time. A few times as many seconds may elapse.
    memory : int
        Bytes in addition to the memory of the libraries.
    hidden : tuple of str
        Folders and files that the code may not read: other submissions, solutions.
    """

    seconds: float
    memory: int
    hidden: tuple[str, ...] = ()


def starting(preloaded: Sequence[str]) -> Any:
    """Return a multiprocessing context; a fork server with these modules loaded if possible."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preloaded)
    with ignored():
        forkserver.ensure_running()  # the server loads its modules meanwhile
    return context


def ended_by(status: int) -> str:
    """Return the name of the signal, or Windows exception, that ended a process; "" if none did.

    Examples
    --------
    >>> ended_by(-11), ended_by(0xC0000005), ended_by(0xC000001D), ended_by(3)
    ('SIGSEGV', 'SIGSEGV', 'exception 0xc000001d', '')
    """
    if status >= FIRST_EXCEPTION:
        return EXCEPTIONS.get(status, f"exception {status:#x}")
    if status >= 0:
        return ""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
