"""Train several members in one kernel, as lanes along a last axis, to fill its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.core.trees import map_leaves
from chainrule._src.trace.batching import vmap

Carry = dict[str, Any]


def stacked(trees: Sequence[Any]) -> Any:
    """Stack the trees of several members along a new last axis; one tree stays unchanged."""
    return trees[0] if len(trees) == 1 else map_leaves(_along_last, *trees)


def no_losses(width: int) -> Carry:
    """Return the zero sums of losses for the carry of several members; empty for one member."""
    return {} if width == 1 else {"losses": np.zeros(width)}


def unstacked(tree: Any, lane: int, width: int) -> Any:
    """Return one member's lane of a part of the carry."""
    return tree if width == 1 else map_leaves(lambda leaf: leaf[..., lane].copy(), tree)


def beside(step: Any, width: int) -> Any:
    """Vectorize a step over members, and accumulate the loss of each member in the carry.

    The returned loss is the sum over members. It omits losses that are NaN or infinite, so that the
    other members continue.
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
    if all(leaf is leaves[0] for leaf in leaves):  # for example the weights of one seed
        return np.broadcast_to(first[..., np.newaxis], (*first.shape, len(leaves)))
    return np.stack([np.asarray(leaf) for leaf in leaves], -1)
