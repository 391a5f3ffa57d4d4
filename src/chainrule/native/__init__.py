"""Machine code: emitted from the compiler's nodes, made by LLVM, kept on disk, called."""

import os

ENTRY = "chainrule_kernel"  # what a piece of machine code is called by


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
