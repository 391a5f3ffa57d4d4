"""The backward pass: the chain rule, from the output of a recording back to its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from chainrule._src.base.errors import ShapeError
from chainrule._src.core.primitive import EachOperand, Primitive, Rule, Together, Traced


class Node(Protocol):
    """A value in a recording, and the operation that it came from."""

    value: Any
    primitive: Primitive | None
    operands: Sequence[Any]
    params: dict[str, Any]
    order: int
    name: str | None

    @property
    def parents(self) -> Sequence[tuple[int, Self]]:
        """The operands that are recorded too, behind their positions."""


N = TypeVar("N", bound=Node)


def ancestors(*outputs: N) -> list[N]:
    """Return all that outputs were computed from at their level, latest first, and themselves."""
    found = {output.order: output for output in outputs}
    waiting = list(outputs)
    while waiting:
        for _, parent in waiting.pop().parents:
            if parent.order not in found:
                found[parent.order] = parent
                waiting.append(parent)
    return [found[order] for order in sorted(found, reverse=True)]


def adjoints(output: Node, seed: Any, rules: Mapping[int, Rule] | None = None) -> dict[int, Any]:
    """Return the adjoint of each tensor that ``output`` depends on, by the tensor's ``order``.

    The chain rule, from the output backwards: each operation takes the adjoint of its result and
    adds a share to the adjoint of each operand. ``rules`` may replace the gradient rules of an
    operation, by its ``order``; such a rule gets the operand's position first.
    """
    return adjoints_of([(output, seed)], rules)


def adjoints_of(
    seeds: Sequence[tuple[Node, Any]], rules: Mapping[int, Rule] | None = None
) -> dict[int, Any]:
    """Return `adjoints` of several outputs, each with a seed of its own."""
    waiting: dict[int, Any] = {}
    done = {}

    def add(tensor: Node, share: Any) -> None:
        before = waiting.get(tensor.order)
        waiting[tensor.order] = share if before is None else before + share

    for output, seed in seeds:
        add(output, seed)
    for tensor in ancestors(*(output for output, _ in seeds)):
        g = waiting.pop(tensor.order, None)
        if g is None:
            continue
        done[tensor.order] = g
        if isinstance(g, Traced) and (g.about is None or (tensor.name and not g.about.name)):
            g.about = tensor  # rather what the code has a name for
        for parent, share in _shares(tensor, g, rules or {}):
            if share is not None:
                add(parent, share)
    return done


def _shares(tensor: Node, g: Any, rules: Mapping[int, Rule]) -> Iterator[tuple[Node, Any]]:
    """Yield the operands of an operation and what goes back to each."""
    if tensor.primitive is None or tensor.primitive.gradients is None:
        return
    gradients = tensor.primitive.gradients
    if tensor.order in rules:
        gradients = EachOperand(rules[tensor.order])
    if isinstance(gradients, Together):
        wanted = tuple(i for i, _ in tensor.parents)
        found = gradients.rule(g, tensor.value, wanted, *tensor.operands, **tensor.params)
        yield from ((parent, found.get(i)) for i, parent in tensor.parents)
        return
    for i, parent in tensor.parents:
        rule = gradients[i]
        if rule is not None:
            yield parent, rule(g, tensor.value, *tensor.operands, **tensor.params)


def scalar_seed(output: Any, where: str) -> Any:
    """Return the adjoint 1 for a single number, of its dtype; refuse anything else."""
    if output.shape != ():
        raise ShapeError(
            f"{where}: the function must return a single number, but its result has shape "
            f"{np.shape(output)}; take np.sum or np.mean of it, or use jacobian"
        )
    return output.dtype.type(1)
