"""The turns of a loop that adds up a gradient: what each adds to a result, and what it must add.

In a recurrent network a value that one turn passes back is read at the next one, so that a change
of an expression changes its own inputs. At the first turn that adds something wrong nothing was
changed before, and what this turn must add is the gradient at one use of a parameter in the loss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.nodes import SAME, Recorded
from chainrule._src.core.tensor import Tensor

MOST_LAYERS = 200  # operations between a result and the first turn


class Share(NamedTuple):
    """The share of a turn in a result: its node, and the right share."""

    node: Tensor
    right: Array

    @property
    def gap(self) -> Array:
        """The right share less the share of this turn."""
        gap: Array = self.right - self.node.value
        return gap

    @property
    def is_right(self) -> bool:
        """True if the turn adds what it must add."""
        return float(np.linalg.norm(self.gap)) <= SAME * float(np.linalg.norm(self.right))


class WrongTurn(NamedTuple):
    """The first turn of a loop that adds something wrong: the shares of results, by name."""

    turn: int
    turns: int
    shares: dict[str, Share]


def first_wrong(
    recorded: Recorded, right: Mapping[str, Sequence[Array]], wrong: Collection[str]
) -> WrongTurn | None:
    """Return the first turn of a loop that adds something wrong; None if it is unknown.

    Parameters
    ----------
    recorded : Recorded
        The learner's program.
    right : mapping of str to sequence of ndarray
        The gradient at each use of a parameter, in the order of the loss.
    wrong : collection of str
        The wrong results.
    """
    terms_by_name: dict[str, list[Tensor]] = {}
    expected: dict[str, list[Array]] = {}
    for name, uses in right.items():
        nodes, factor = _terms(recorded, name)
        if nodes and len(nodes) == len(uses) and {node.shape for node in nodes} == {uses[0].shape}:
            terms_by_name[name], expected[name] = nodes, [use / factor for use in uses]
    counts = {len(nodes) for nodes in terms_by_name.values()}
    if len(counts) != 1:
        return None
    (count,) = counts
    unsure = [name for name in terms_by_name if name in wrong]
    order = _order(
        terms_by_name, expected, [name for name in terms_by_name if name not in wrong], count
    )
    for turn in range(count) if order else ():
        shares = {
            name: Share(terms_by_name[name][turn], expected[name][order[turn]]) for name in unsure
        }
        if not all(share.is_right for share in shares.values()):
            return WrongTurn(turn, count, shares)
    return None


def _order(
    terms: Mapping[str, Sequence[Tensor]], right: Mapping[str, Sequence[Array]],
    names: Collection[str], count: int,
) -> list[int]:  # fmt: skip
    """Return for each turn the use of the parameters that it belongs to, [] if this is unknown.

    The shares of right results tell; samples may come forwards, and their steps backwards.
    """
    if not names:  # no result is right; the first turn adds something right to one of them
        for uses in (list(range(count))[::-1], list(range(count))):
            shares = [Share(terms[name][0], right[name][uses[0]]) for name in terms]
            if any(share.is_right and share.right.any() for share in shares):
                return uses
        return []
    order: list[int] = []
    for turn in range(count):
        fitting = [
            use for use in range(count - 1, -1, -1)
            if use not in order
            and all(Share(terms[name][turn], right[name][use]).is_right for name in names)
        ]  # fmt: skip
        if not fitting:
            return []
        order.append(fitting[0])
    return order


def _terms(recorded: Recorded, name: str) -> tuple[list[Tensor], float]:
    """Return the terms that are added up to a result, and the factor of their sum."""
    node: Any = recorded.results.get(name)
    terms: list[Tensor] = []
    factor = 1.0
    for _ in range(MOST_LAYERS):
        if not isinstance(node, Tensor):
            break
        parents = dict(node.parents)
        operation = node.primitive.name if node.primitive is not None else ""
        if node.order in recorded.copies:
            node = parents.get(0)
        elif operation == "add":
            *before, last = [parents[position] for position in sorted(parents)]
            terms.append(last)
            node = before[0] if before else None
        elif operation in ("divide", "multiply") and list(parents) == [0] and not terms:
            number = np.asarray(node.operands[1])
            if number.ndim:
                break
            factor *= float(number) if operation == "multiply" else 1 / float(number)
            node = parents[0]
        else:
            terms.append(node)
            break
    return terms[::-1], factor
