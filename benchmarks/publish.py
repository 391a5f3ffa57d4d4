"""Put the measured tables into the pages that show them, between their marks."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent


def put(page: Path, mark: str, text: str) -> None:
    """Replace what stands between a mark and its end."""
    content = page.read_text(encoding="utf-8")
    block = f"<!-- {mark} -->\n\n{text.strip()}\n\n<!-- end of {mark} -->"
    pattern = rf"<!-- {mark} -->(.*?<!-- end of {mark} -->)?"
    page.write_text(re.sub(pattern, lambda _: block, content, flags=re.DOTALL), encoding="utf-8")


def main() -> None:
    """Publish the tables of the last run: all in README.md here, the first in the project's."""
    for name, mark in (("training", "speed"), ("cold", "cold"), ("framework", "framework")):
        path = HERE / f"{name}.md"
        if path.exists():
            tables = path.read_text(encoding="utf-8")
            measured, first, *_ = tables.split("\n\n")
            put(HERE / "README.md", name, tables)
            put(HERE.parent / "README.md", mark, f"{first}\n\n{measured}")
    path = HERE / "repeated.md"
    if path.exists():
        put(HERE / "README.md", "repeated", path.read_text(encoding="utf-8"))
    path = HERE / "estimators.md"
    if path.exists():
        measured, table = path.read_text(encoding="utf-8").strip().split("\n\n")
        put(HERE.parent / "docs" / "estimators.md", "estimators", f"{table}\n\n{measured}")
    path = HERE / "many.md"
    if path.exists():
        measured, table, *more = path.read_text(encoding="utf-8").strip().split("\n\n")
        put(HERE.parent / "docs" / "sweeps.md", "many", "\n\n".join([table, *more, measured]))
        put(HERE.parent / "README.md", "many", f"{table}\n\n{measured}")


if __name__ == "__main__":
    main()
