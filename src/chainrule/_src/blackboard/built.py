"""The page's module, which Vite builds from ``blackboard-web/`` and the wheel contains."""

from __future__ import annotations

from pathlib import Path

from chainrule._src.base.errors import MissingDependencyError

MODULE = Path(__file__).with_name("assets") / "blackboard.js"


def module() -> Path:
    """Return the path of the page's module.

    Raises
    ------
    MissingDependencyError
        If the module was never built: in a checkout without ``make blackboard``.
    """
    if not MODULE.exists():
        raise MissingDependencyError(
            "the blackboard's page is not built: run make blackboard, which needs Node 20 or newer"
        )
    return MODULE
