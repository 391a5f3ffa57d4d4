"""The path of a gradient that a wrong gradient lacks, counts twice or with another sign.

A gradient is a sum over the paths from the loss to a parameter. Each operation of the loss and each
of its operands is a step of some paths, and their share of the right gradient is known. A wrong
gradient that differs from the right one by a multiple of such a share goes wrong on these paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.clock import Deadline
from chainrule._src.check.recorded import Recording
from chainrule._src.core.backward import adjoints, adjoints_of
from chainrule._src.core.names import watch_names
from chainrule._src.core.tensor import Tensor

CLOSE = 1e-5
SENTENCES = {
    -1.0: "the path of the gradient {where} is missing: a term is left out (add up all paths)",
    -2.0: "the sign of the path of the gradient {where} is wrong (minus for plus, or the other way "
    "round)",
    1.0: "the path of the gradient {where} counts twice: a factor 2 is too much",
    -0.5: "the path of the gradient {where} counts half: a factor 2 is missing",
}


class PathStep(NamedTuple):
    """A step of paths, from the result of an operation back to one operand."""

    result: Tensor
    operand: Tensor
    share: dict[str, Array]


def wrong_path(
    loss: Any, data: Any, parameters: Mapping[str, Array], results: Mapping[str, Any],
    deadline: Deadline,
) -> tuple[str, list[str]] | None:  # fmt: skip
    """Return a sentence on the paths where a gradient goes wrong, and the names of parameters."""
    with watch_names():
        recording = Recording(loss, data, parameters)
    right = recording.gradients()
    gaps = {}
    for name, value in right.items():
        result = np.asarray(results.get(name), np.float64)
        if result.shape != value.shape or not np.isfinite(result).all():
            return None
        gaps[name] = result - value
    matches = []
    for step in _steps(recording, deadline):
        factor = _factor(gaps, step.share)
        near = next((c for c in SENTENCES if factor is not None and abs(factor - c) < 1e-4), None)
        if near is not None and _factor(right, step.share) is None:
            matches.append((near, step))
    if not matches:
        return None
    factor, step = min(matches, key=lambda match: (match[1].operand.name is None, match[0] != -1.0))
    names = [
        name for name, gap in gaps.items() if np.abs(gap).max() > CLOSE * np.abs(right[name]).max()
    ]
    return SENTENCES[factor].format(where=_where(recording, step)), names


def _steps(recording: Recording, deadline: Deadline) -> Iterator[PathStep]:
    """Yield the steps of all paths, those next to the loss first."""
    finished = adjoints(recording.output, np.ones(()))
    for node in reversed(recording.nodes):
        if deadline.has_passed:
            return
        if node.order not in finished or node.primitive is None:
            continue
        for i, parent in node.parents:
            share = _share(node, finished[node.order], i)
            if share is None or not np.any(share):
                continue
            adjoint = adjoints_of([(parent, share)])
            yield PathStep(node, parent, {
                name: np.asarray(adjoint.get(leaf.order, np.zeros(leaf.shape)))
                for name, leaf in recording.leaves.items()
            })  # fmt: skip


def _share(node: Tensor, g: Any, position: int) -> Any:
    """Return the gradient that an operation passes back to one operand, None without a rule."""
    gradients = node.primitive.gradients if node.primitive is not None else None
    if gradients is None or not hasattr(gradients, "__getitem__"):
        return None
    rule = gradients[position]
    return None if rule is None else rule(g, node.value, *node.operands, **node.params)


def _factor(gaps: Mapping[str, Array], share: Mapping[str, Array]) -> float | None:
    """Return the factor by which all gaps are a share, None if there is none."""
    gap = np.concatenate([np.ravel(v) for v in gaps.values()])
    part = np.concatenate([np.ravel(share[name]) for name in gaps])
    size = float(part @ part)
    if not size:
        return None
    factor = float(gap @ part) / size
    return factor if np.linalg.norm(gap - factor * part) <= CLOSE * np.linalg.norm(gap) else None


def _where(recording: Recording, step: PathStep) -> str:
    """Describe a step by the names of the values before and after its operation."""
    consumers: dict[int, Tensor] = {}
    for node in recording.nodes:
        for _, parent in node.parents:
            consumers.setdefault(parent.order, node)
    after: Tensor | None = step.result
    while after is not None and not after.name:
        after = consumers.get(after.order)
    before = _named_before(step.operand)
    into = f" into {after.name}" if after is not None else ""
    return f"through {before}{into}" if before else f"into {after.name if after else 'the loss'}"


def _named_before(tensor: Tensor) -> str:
    """Return the name of a value, or of the last named one that it was computed from."""
    waiting = [tensor]
    while waiting:
        node = waiting.pop(0)
        if node.name:
            return str(node.name)
        waiting += [parent for _, parent in node.parents]
    return ""
