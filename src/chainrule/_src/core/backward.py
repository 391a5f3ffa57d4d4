"""The backward pass: the chain rule, from the output of a recording back to its inputs.

An adjoint is the gradient of the output with respect to one value of the recording. The whole pass
is `adjoints_of`, some twenty lines. Read next: `tensor`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.core.primitive import EachOperand, JointRule, Primitive, Rule, Traced


class Node(Protocol):
    """A value in a recording, and the operation that computed the value."""

    value: Any
    primitive: Primitive | None
    operands: Sequence[Any]
    params: dict[str, Any]
    order: int
    name: str | None

    @property
    def parents(self) -> Sequence[tuple[int, Self]]:
        """The operands that were recorded too, each with its position."""


class Passing(threading.local):
    """In ``backward``: true while this thread goes backwards, when operands are nodes.

    Elsewhere an operand stands for what the user's code has written into it since.
    """

    backward = False


passing = Passing()
N = TypeVar("N", bound=Node)


def ancestors(*outputs: N) -> list[N]:
    """Return the outputs and all values that they were computed from, latest first.

    Only values of the same recording level are followed.
    """
    nodes = {output.order: output for output in outputs}
    waiting = list(outputs)
    while waiting:
        for _, parent in waiting.pop().parents:
            if parent.order not in nodes:
                nodes[parent.order] = parent
                waiting.append(parent)
    return [nodes[order] for order in sorted(nodes, reverse=True)]


def adjoints(output: Node, seed: Any, rules: Mapping[int, Rule] | None = None) -> dict[int, Any]:
    """Return the adjoint of each tensor that ``output`` depends on, by the tensor's ``order``.

    ``seed`` is the adjoint of the output. Going backwards, each operation gets the adjoint of its
    result and adds its contribution to the adjoint of each operand. ``rules`` may replace the
    gradient rules of an operation, by its ``order``; such a rule gets the operand's position first.
    """
    return adjoints_of([(output, seed)], rules)


def adjoints_of(
    seeds: Sequence[tuple[Node, Any]], rules: Mapping[int, Rule] | None = None
) -> dict[int, Any]:
    """Return the adjoints as `adjoints` does, for several outputs, each with its seed."""
    waiting: dict[int, Any] = {}
    finished = {}

    def add(tensor: Node, share: Any) -> None:
        before = waiting.get(tensor.order)
        waiting[tensor.order] = share if before is None else before + share

    for output, seed in seeds:
        add(output, seed)
    was, passing.backward = passing.backward, True
    try:
        for tensor in ancestors(*(output for output, _ in seeds)):
            g = waiting.pop(tensor.order, None)
            if g is None:
                continue
            finished[tensor.order] = g
            if isinstance(g, Traced) and (g.about is None or (tensor.name and not g.about.name)):
                g.about = tensor  # prefer a tensor that the code has a name for
            for parent, share in _shares(tensor, g, rules or {}):
                if share is not None:
                    add(parent, share)
    finally:
        passing.backward = was
    return finished


def _shares(tensor: Node, g: Any, rules: Mapping[int, Rule]) -> Iterator[tuple[Node, Any]]:
    """Yield each operand of an operation with the contribution to its adjoint."""
    if tensor.primitive is None or tensor.primitive.gradients is None:
        return
    gradients = tensor.primitive.gradients
    if tensor.order in rules:
        gradients = EachOperand(rules[tensor.order])
    if isinstance(gradients, JointRule):
        positions = tuple(i for i, _ in tensor.parents)
        shares = gradients.rule(g, tensor.value, positions, *tensor.operands, **tensor.params)
        yield from ((parent, shares.get(i)) for i, parent in tensor.parents)
        return
    for i, parent in tensor.parents:
        rule = gradients[i]
        if rule is not None:
            yield parent, rule(g, tensor.value, *tensor.operands, **tensor.params)


_SINGLE = ((1,), (1, 1))  # shapes that count as a single number


def as_number(value: Any) -> Any:
    """Return the entry of an array of shape (1,) or (1, 1); other values unchanged."""
    if getattr(value, "shape", None) not in _SINGLE:
        return value
    number = value.reshape(())
    return number if isinstance(value, Traced) else number[()]


def scalar_seed(output: Any, where: str) -> Any:
    """Return the adjoint of a single number: 1 in its dtype. Refuse any other shape.

    The number may be the only entry of an array, as for `as_number`.
    """
    if output.shape and output.shape not in _SINGLE:
        raise ShapeError(
            f"{where}: the function must return a single number, but its result has shape "
            f"{np.shape(output)}; take np.sum or np.mean of it, or use jacobian"
        )
    return np.ones(output.shape, output.dtype) if output.shape else output.dtype.type(1)
