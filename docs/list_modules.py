"""Writes docs/modules.md: every module, by wing, with the first line of its docstring.

``python docs/list_modules.py``.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src" / "chainrule" / "_src"
PAGE = Path(__file__).with_name("modules.md")
WINGS = [
    "base", "core", "ops", "trace", "text", "compile", "check", "data", "nn", "cluster", "export",
    "sweeps", "tabular", "teach", "blackboard", "cli",
]  # fmt: skip


def page() -> str:
    """Return the page."""
    lines = [
        "# Modules",
        "",
        "Every module by wing, lower wings first. Written by `docs/list_modules.py`.",
    ]
    for wing in WINGS:
        lines += ["", f"## `{wing}`", "", first_line(ROOT / wing / "__init__.py"), ""]
        for path in sorted((ROOT / wing).rglob("*.py"), key=lambda p: (len(p.parts), p)):
            if path != ROOT / wing / "__init__.py":
                name = path.relative_to(ROOT / wing).as_posix().replace("/__init__.py", "/")
                lines.append(f"- `{name}`: {first_line(path)}")
    return "\n".join(lines) + "\n"


def first_line(path: Path) -> str:
    """Return the first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
