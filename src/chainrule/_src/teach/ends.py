"""Names for the signals and exceptions that an exit status stands for."""

from __future__ import annotations

import signal

# Exceptions of Windows, where the exit status is the number of the fatal exception.
EXCEPTIONS = {0xC0000005: "SIGSEGV", 0xC00000FD: "stack overflow", 0xC0000409: "SIGABRT"}
FIRST_EXCEPTION = 0xC0000000


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
