"""Machine code: emitted from the compiler's nodes, compiled by LLVM, cached on disk, and called."""

import ctypes
import os
import sys
from pathlib import Path

ENTRY = "chainrule_kernel"  # the name of the function in a kernel's machine code
UNKNOWN_MEMORY = 2**32  # bytes to assume if the system does not report its memory
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def cores() -> int:
    """Return the number of cores to use: all cores, unless the environment sets a number.

    The variable ``CHAINRULE_NUM_THREADS`` comes first, then ``OMP_NUM_THREADS``, which joblib sets
    to distribute the cores among its processes.
    """
    for name in ("CHAINRULE_NUM_THREADS", "OMP_NUM_THREADS"):
        named = os.environ.get(name, "")
        if named.isdecimal() and int(named) > 0:
            return int(named)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Return the bytes of memory that this process may use."""
    physical = _physical_memory()
    try:
        return min(physical, int(_CGROUP_LIMIT.read_text("utf-8")))
    except (OSError, ValueError):  # no container, or one without a limit
        return physical


if sys.platform == "win32":

    class _MemoryStatus(ctypes.Structure):
        """Windows' MEMORYSTATUSEX."""

        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("physical", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 6),
        )

    def _physical_memory() -> int:
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.physical) or UNKNOWN_MEMORY

else:

    def _physical_memory() -> int:
        if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
            return UNKNOWN_MEMORY
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
