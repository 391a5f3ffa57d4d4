"""Blackboard: a page on which a network is watched while it learns, stopped, and taken back."""

from typing import Any

from chainrule._src.base.registry import provides


@provides("blackboard")
def _blackboard(model: Any, x: Any, y: Any) -> Any:
    from chainrule._src.blackboard.opening import watch

    return watch(model, x, y)
