"""Several members in one kernel, side by side along a last axis, so that its vectors are full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.core.trees import map_leaves
from chainrule._src.trace.batching import vmap

Carry = dict[str, Any]


def stacked(trees: Sequence[Any]) -> Any:
    """Return what several members have along a last axis; what one has stays what it is."""
    return trees[0] if len(trees) == 1 else map_leaves(_along_last, *trees)


def no_losses(width: int) -> Carry:
    """Return the part of a carry that adds up the losses of each of several members."""
    return {} if width == 1 else {"losses": np.zeros(width)}


def unstacked(tree: Any, lane: int, width: int) -> Any:
    """Return what a member has of a part of the carry."""
    return tree if width == 1 else map_leaves(lambda leaf: leaf[..., lane].copy(), tree)


def beside(step: Any, width: int) -> Any:
    """Return a step of several members, whose losses it adds up for each of them.

    A loss that is NaN or infinite is left out of the sum that it returns: the others go on.
    """
    if width == 1:
        return step

    def steps(carry: Carry, *data: Any) -> tuple[Any, Any]:
        inner = {key: part for key, part in carry.items() if key != "losses"}
        one = vmap(step, in_axes=(-1, *(None for _ in data)), out_axes=-1)
        values, changed = one(inner, *data)
        total = np.sum(np.where(np.isfinite(values), values, 0))
        return total, {**changed, "losses": carry["losses"] + values * len(data[0])}

    return steps


def _along_last(*leaves: Any) -> Any:
    first = np.asarray(leaves[0])
    if all(leaf is leaves[0] for leaf in leaves):  # such as weights of one seed
        return np.broadcast_to(first[..., np.newaxis], (*first.shape, len(leaves)))
    return np.stack([np.asarray(leaf) for leaf in leaves], -1)
