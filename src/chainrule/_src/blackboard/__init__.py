"""Blackboard: a web page that shows the training of a network, which can stop and go back."""

from typing import Any

from chainrule._src.base.registry import provides

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "built", "handover", "learning", "opening", "server", "session", "site",
)  # fmt: skip


@provides("blackboard")
def _blackboard(model: Any, x: Any, y: Any) -> Any:
    from chainrule._src.blackboard.opening import watch

    return watch(model, x, y)
