"""The text of a changed line, in the spelling of the learner's file."""

from __future__ import annotations

import ast
from typing import Any

from chainrule._src.check.edits import Edit, applied


def repaired_line(edit: Edit) -> str:
    """Return the text of the changed line, in the file's spelling if possible."""
    if edit.make_hook is not None:
        return ""
    if edit.site is not None and isinstance(edit.new, ast.expr):
        return _spliced(edit) or _statement(edit)
    return _statements(edit)


def _spliced(edit: Edit) -> str:
    """Return the line with the expression replaced, "" if the expression takes several lines."""
    node = edit.old
    if node.lineno != getattr(node, "end_lineno", None):
        return ""
    line = edit.code.line(node.lineno).encode()
    start, end = node.col_offset, node.end_col_offset
    new = _index(edit.new) if edit.field == "slice" else ast.unparse(edit.new)
    inner = isinstance(edit.new, ast.BinOp | ast.Compare | ast.UnaryOp | ast.IfExp)
    needs_brackets = isinstance(
        edit.owner, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Attribute
    ) or (isinstance(edit.owner, ast.Subscript) and edit.field == "value")
    ways = [new, f"({new})"] if inner and needs_brackets else [new]
    spelled = [(line[:start] + way.encode() + line[end:]).decode() for way in ways]
    expected = _dump(edit).splitlines()[0]
    enclosed = line[start - 1 : start] == b"(" and line[end : end + 1] == b")"
    fallback = spelled[0] if enclosed else spelled[-1]
    return next((s for s in spelled if _parsed(s) == expected), fallback)


def _index(node: ast.expr) -> str:
    """Return an index as it is written between brackets: ``:, i``."""
    array = ast.Subscript(ast.Name("_", ast.Load()), node, ast.Load())
    return ast.unparse(array)[2:-1]


def _dump(edit: Edit) -> str:
    with applied([edit]):
        return ast.unparse(edit.statement)


def _parsed(line: str) -> str:
    """Return a line in the spelling of `ast.unparse`; of a compound statement, its first line."""
    text = line.strip()
    text = text[2:] if text.startswith("elif ") else text
    try:
        return ast.unparse(ast.parse(f"{text} pass" if text.endswith(":") else text)).splitlines()[
            0
        ]
    except SyntaxError:
        return ""


def _statement(edit: Edit) -> str:
    """Return the first line of the changed statement in the spelling of `ast.unparse`."""
    return _dump(edit).splitlines()[0]


def _statements(edit: Edit) -> str:
    if edit.kind in ("extra line", "doubled line"):
        return f"(leave it out)  {ast.unparse(edit.statement).splitlines()[0]}"
    if edit.kind == "order of lines":
        return f"(move it past)  {ast.unparse(edit.detail).splitlines()[0]}"
    if edit.kind in ("inside the loop", "outside the loop", "return in the loop"):
        return f"(moved)  {ast.unparse(edit.statement).splitlines()[0]}"
    parts: list[Any] = edit.new if isinstance(edit.new, list) else [edit.new]
    if edit.field in ("targets", "target", "value"):
        return _statement(edit)
    old_parts = [edit.statement, *(edit.old if isinstance(edit.old, list) else [])]
    new_parts = [p for p in parts if not any(p is old for old in old_parts)]
    lines = [line for p in new_parts for line in ast.unparse(p).splitlines()]
    where = (
        "" if len(new_parts) == len(parts) else "before" if parts[0] is new_parts[0] else "behind"
    )
    return (f"({where} it)  " if where else "") + "; ".join(lines[:3])
