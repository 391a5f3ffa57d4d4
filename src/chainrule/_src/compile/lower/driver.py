"""The frame functions of a kernel: the loop over updates, as Python code that `reading` parses.

The call ``update()`` is replaced by the statements of the kernel. ``declare()`` and ``prepare()``
are replaced by declarations of arrays and numbers; those that depend on the batch size ``n`` are in
``prepare()``. A kernel for batches of one sample reads the sample ``row``.
"""

from __future__ import annotations

from typing import Any

from chainrule._src.compile.lower.reading import known

inf = float("inf")
flush = restore = declare = prepare = update = known


def run(sizes: Any) -> Any:
    """Run the statements once."""
    n = sizes[3]
    declare()
    prepare()
    update()
    return 0


def train(sizes: Any, totals: Any, order: Any, loss: Any) -> Any:
    """Run updates, each with a batch; return the number of updates with a finite loss."""
    epoch = sizes[0]
    at = sizes[1]
    steps = sizes[2]
    batch = sizes[3]
    samples = sizes[4]
    rows = sizes[5]
    thread = sizes[6]
    threads = sizes[7]
    done = 0
    control = flush()
    declare()
    while done < steps:
        start = epoch * samples + at * batch
        n = min(batch, samples - at * batch)
        row = order[start]
        prepare()
        update()
        value = loss[0]
        if not abs(value) < inf:
            break
        totals[epoch] += value * n
        done += 1
        at += 1
        if at * batch >= samples:
            epoch += 1
            at = 0
    restore(control)
    return done
