"""Programs as text that a person reads: NumPy code, tables, graphs."""

from typing import Any

from chainrule._src.base.registry import provides

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "formulas", "helpers", "making", "naming", "text",
)  # fmt: skip


@provides("table")
def _table(program: Any) -> str:
    from chainrule._src.text.show import table

    return table(program)


@provides("html")
def _html(program: Any) -> str:
    from chainrule._src.text.show import html

    return html(program)


@provides("dot")
def _dot(program: Any) -> str:
    from chainrule._src.text.show import dot

    return dot(program)
