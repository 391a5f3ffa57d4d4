"""Display of a program: as a table, as HTML for notebooks, as a graph for Graphviz."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from chainrule._src.core.equations import Listing, Variable, shape_text
from chainrule._src.text.text import equation_lines

Row = tuple[str, str, str, str, str]
HEAD: Row = ("name", "how", "shape", "value", "gradient")


def rows(program: Listing) -> list[Row]:
    """Return a row for each variable: name, expression, shape, value, gradient."""
    gradients = _gradients(program)
    return [
        (
            name,
            code,
            shape_text(variable.shape),
            summary(variable.value),
            summary(gradients[variable].value) if variable in gradients else "",
        )
        for variable, name, code in equation_lines(program)
    ]


def table(program: Listing) -> str:
    """Return the program as a table in plain text."""
    lines = [HEAD, *rows(program)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def html(program: Listing) -> str:
    """Return the program as an HTML table."""
    head = "".join(f"<th style='text-align: left'>{cell}</th>" for cell in HEAD)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align: left'><code>{escape(cell)}</code></td>" for cell in row)
        + "</tr>"
        for row in rows(program)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def dot(program: Listing) -> str:
    """Return the program as a graph in Graphviz's language, with values and gradients in nodes."""
    number = {variable: i for i, variable in enumerate(program.variables)}
    lines = ["digraph program {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    for i, (name, code, shape, value, gradient) in enumerate(rows(program)):
        parts = [f"{name}  {shape}", code, value, gradient and f"gradient {gradient}"]
        label = "\\n".join(_quoted(part) for part in parts if part)
        style = ', style=filled, fillcolor="#e8eef7"' if not code else ""
        lines.append(f'  v{i} [label="{label}"{style}];')
    for equation in program.equations:
        for operand in dict.fromkeys(equation.variables):
            lines.append(f"  v{number[operand]} -> v{number[equation.output]};")
    return "\n".join([*lines, "}"])


def summary(value: Any) -> str:
    """Return a short text of an array: its entries if they are few, else its range."""
    array = np.asarray(value)
    if array.dtype.kind == "O":  # several results, which have rows of their own
        return ""
    if array.size == 0:
        return "empty"
    if array.size <= 3:
        return ", ".join(f"{x:.4g}" for x in array.ravel())
    return f"{array.min():.4g} … {array.max():.4g}"


def _gradients(program: Listing) -> dict[Variable, Variable]:
    return {v.adjoint_of: v for v in program.variables if v.adjoint_of is not None}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
