"""How a process ended, told by its exit status."""

from __future__ import annotations

import signal

# Of Windows, whose exit status is the number of the exception that ended a process.
EXCEPTIONS = {0xC0000005: "SIGSEGV", 0xC00000FD: "stack overflow", 0xC0000409: "SIGABRT"}
FIRST_EXCEPTION = 0xC0000000


def ended_by(status: int) -> str:
    """Return the signal, or exception of Windows, that ended a process by its name; "" if none.

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
