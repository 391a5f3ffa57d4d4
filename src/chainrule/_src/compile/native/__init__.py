"""Machine code: emitted from the compiler's nodes, made by LLVM, kept on disk, called."""

import os
from pathlib import Path

ENTRY = "chainrule_kernel"  # what a piece of machine code is called by
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def cores() -> int:
    """Return how many cores may be used: all there are, but as many as the environment says.

    ``CHAINRULE_NUM_THREADS`` is asked, then ``OMP_NUM_THREADS``, by which joblib shares out the
    cores among its processes.
    """
    for name in ("CHAINRULE_NUM_THREADS", "OMP_NUM_THREADS"):
        named = os.environ.get(name, "")
        if named.isdecimal() and int(named) > 0:
            return int(named)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Return the bytes of memory that this process may hope for."""
    physical = 2**32  # where the system does not say
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(physical, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return physical
