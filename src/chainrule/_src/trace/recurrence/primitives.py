"""The primitive of a recurrence: a body runs once for each step and passes its carry on.

The equation has several results: the last carry, and the results of all steps. `ITEM` equations
take single results out of them.
"""

from __future__ import annotations

from typing import Any, Protocol

from chainrule._src.core.kernel import Recurrence, ResultItem
from chainrule._src.core.primitive import Family, JointRule, Lines
from chainrule._src.trace.recurrence.pruning import pruned
from chainrule._src.trace.recurrence.several import Adjoints, Several

RECURRENCE = Family()


class StepProtocol(Protocol):
    """Protocol of a recurrence's body: the equations of a step."""

    def run(
        self, operands: tuple[Any, ...], steps: int, reverse: bool, sketch: bool = False
    ) -> Several:
        """Run all steps on plain arrays; if ``sketch``, one step represents all steps."""

    def pulled(
        self, g: Adjoints, y: Any, positions: tuple[int, ...], operands: Any, how: Any
    ) -> dict[int, Any]:
        """Return the adjoints of the operands at these positions, if they have any."""


def _run(*operands: Any, body: StepProtocol, steps: int, reverse: bool, recompute: bool) -> Several:
    return body.run(operands, steps, reverse)


def _sketch(
    *operands: Any, body: StepProtocol, steps: int, reverse: bool, recompute: bool
) -> Several:
    return body.run(operands, steps, reverse, sketch=True)


def _rule(
    g: Any, y: Any, positions: Any, *operands: Any, body: StepProtocol, **how: Any
) -> dict[int, Any]:
    return body.pulled(g, y, positions, operands, how)


def _brief(shapes: Any, **_: Any) -> str:
    return f"scan({', '.join(f'_{i}' for i in range(len(shapes)))})"


SCAN = RECURRENCE.add(
    "scan",
    _run,
    JointRule(_rule),
    Lines(_brief),
    kernel=Recurrence(),
    form=_sketch,
    prune=pruned,
)
"""The operands: the first carry, the values closed over, and the arrays with a row per step."""

ITEM = RECURRENCE.add(
    "item",
    lambda several, number: several.parts[number],
    (lambda g, y, several, number: Adjoints({number: g}),),
    Lines("_0[number]"),
    kernel=ResultItem(),
)
