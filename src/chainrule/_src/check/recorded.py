"""A recording of the loss: its gradient, and other gradients that also count as right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.core.backward import adjoints, ancestors
from chainrule._src.core.captured import around
from chainrule._src.core.primitive import NUMPY, Rule, unbroadcast
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.ops.nn import RELU
from chainrule._src.ops.reduce import MAX, MIN

Gradients = dict[str, Array]
Loss = Callable[..., Any]
SMALL = 1e-3  # the largest constant inside a logarithm that counts as an epsilon


class Recording:
    """A loss recorded once, whose gradient can be taken with changed rules or operands.

    Parameters
    ----------
    loss : callable
        Takes parameters by name, and data; returns a number. NumPy code.
    data : sequence
    parameters : mapping of str to ndarray
    """

    def __init__(self, loss: Loss, data: Sequence[Any], parameters: Mapping[str, Array]) -> None:
        level = Level()
        self.leaves = {name: _leaf(name, value, level) for name, value in parameters.items()}
        with level.captured:
            output = around.result(loss(self.leaves, *map(around.argument, data)))
        if not isinstance(output, Tensor):
            raise TypeError("the loss does not depend on the parameters")
        self.output = output
        self.nodes = [t for t in reversed(ancestors(output)) if t.primitive is not None]

    def gradients(self, rules: Mapping[int, Rule] | None = None) -> Gradients:
        """Return the gradient by parameter, with some operations' rules replaced."""
        cotangents = adjoints(self.output, np.ones(()), rules)
        return {
            name: np.asarray(cotangents.get(leaf.order, np.zeros(leaf.shape)))
            for name, leaf in self.leaves.items()
        }

    def replayed(self, changed: Mapping[int, tuple[Any, ...]]) -> Gradients:
        """Replay the loss with other operands in some operations, and return its gradient."""
        again = Recording.__new__(Recording)
        level = Level()
        again.leaves = {n: _leaf(n, t.value, level) for n, t in self.leaves.items()}
        new = {t.order: again.leaves[name] for name, t in self.leaves.items()}
        for node in self.nodes:
            operands = list(changed.get(node.order, node.operands))
            for i, parent in node.parents:
                operands[i] = new[parent.order]
            assert node.primitive is not None
            new[node.order] = node.primitive(*operands, **node.params)
        again.output = new[self.output.order]
        return again.gradients()


def _leaf(name: str, value: Any, level: Level) -> Tensor:
    tensor = Tensor.made(np.asarray(value, np.float64), level)
    tensor.name = name
    return tensor


def without_epsilon(recording: Recording) -> Gradients | None:
    """Return the gradient without the small constants inside logarithms, None if it has none.

    A loss adds such a constant (epsilon) for safety; the textbook's gradient leaves it out.
    """
    changed = {}
    for node in recording.nodes:
        if node.primitive is not NUMPY[np.log]:
            continue
        inside = node.parents[0][1]
        if inside.primitive is NUMPY[np.add]:
            parts = [0 * o if np.ndim(o) == 0 and 0 < o <= SMALL else o for o in inside.operands]
            if any(a is not b for a, b in zip(parts, inside.operands, strict=True)):
                changed[inside.order] = tuple(parts)
    if not changed:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        gradients = recording.replayed(changed)
    return gradients if all(np.isfinite(g).all() for g in gradients.values()) else None


def at_kinks(recording: Recording) -> tuple[Gradients, Gradients] | None:
    """Return two gradients: every tie and kink is decided one way, then the other way.

    At a kink any slope between those of the two sides is right; None if no value sits on one.
    """
    ways: list[Gradients] = []
    for share in (0.0, 1.0):
        rules: dict[int, Rule] = {}
        for node in recording.nodes:
            rule = _KINKS.get(node.primitive)
            if rule is not None and _on_kink(node):
                rules[node.order] = partial(rule, share)
        if not rules:
            return None
        ways.append(recording.gradients(rules))
    return ways[0], ways[1]


def _on_kink(node: Tensor) -> bool:
    if node.primitive in (RELU, NUMPY[np.abs]):
        return bool(np.any(node.operands[0] == 0))
    if node.primitive in (MAX, MIN):
        operands = np.ones_like(node.value), node.value, node.operands[0]
        low, high = (_share_of_ties(share, 0, *operands, **node.params) for share in (0.0, 1.0))
        return not np.array_equal(low, high)
    return bool(np.any(np.equal(node.operands[0], node.operands[1])))


def _tied(share: float, i: int, g: Any, y: Any, a: Any, b: Any) -> Any:
    operand, part = (a, share) if i == 0 else (b, 1 - share)
    return unbroadcast(g * np.where(np.equal(a, b), part, y == operand), np.asarray(operand))


def _share_of_ties(share: float, i: int, g: Any, y: Any, x: Any, **params: Any) -> Any:
    axis, keep = params.get("axis"), params.get("keepdims", False)
    if axis is not None and not keep:
        y, g = np.expand_dims(y, axis), np.expand_dims(g, axis)
    ties = np.equal(x, y)
    several = np.sum(ties, axis=axis, keepdims=True) > 1
    return g * np.where(ties, np.where(several, share, 1.0), 0.0)


_KINKS: dict[Any, Callable[..., Any]] = {
    RELU: lambda share, i, g, y, x: g * np.where(x == 0, share, x > 0),
    NUMPY[np.abs]: lambda share, i, g, y, x: g * np.where(x == 0, 2 * share - 1, np.sign(x)),
    MAX: _share_of_ties,
    MIN: _share_of_ties,
    **{NUMPY[f]: _tied for f in (np.maximum, np.minimum, np.fmax, np.fmin)},
}
