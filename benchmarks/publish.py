"""Put the measured tables into the pages that show them, between their marks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent


def put(page: Path, mark: str, text: str) -> None:
    """Replace what stands between a mark and its end."""
    content = page.read_text(encoding="utf-8")
    block = f"<!-- {mark} -->\n\n{text.strip()}\n\n<!-- end of {mark} -->"
    pattern = rf"<!-- {mark} -->(.*?<!-- end of {mark} -->)?"
    page.write_text(re.sub(pattern, lambda _: block, content, flags=re.DOTALL), encoding="utf-8")


def _short(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def compact(table: str) -> str:
    """Return a row for each workload: µs an update, and how many times longer the peers take."""
    columns = ("JAX", "scikit-learn", "PyTorch")
    rows: list[tuple[str, str, dict[str, str]]] = []
    for line in table.splitlines()[2:]:
        workload, subject, microseconds, ratio, *_ = (
            cell.strip() for cell in line.split("|")[1:-1]
        )
        if subject == "chainrule":
            rows.append((workload, microseconds, {}))
        elif peer := next((peer for peer in columns if subject.startswith(peer)), None):
            rows[-1][2][peer] = f"{_short(float(ratio))} ×"
    lines = ["| workload | chainrule, µs | JAX | scikit-learn | PyTorch |", "|---|---|---|---|---|"]
    for workload, microseconds, peers in rows:
        cells = " | ".join(peers.get(peer, "") for peer in columns)
        lines.append(f"| {workload} | {microseconds} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Publish the tables of the last run: all in README.md here, three in the project's."""
    front = HERE.parent / "README.md"
    for name in ("training", "cold", "framework", "repeated"):
        path = HERE / f"{name}.md"
        if path.exists():
            put(HERE / "README.md", name, path.read_text(encoding="utf-8"))
    measured, table, *_ = (HERE / "training.md").read_text(encoding="utf-8").split("\n\n")
    put(front, "speed", f"{compact(table)}\n\n{measured.partition(' The largest rate')[0]}")
    measured, table, *_ = (HERE / "framework.md").read_text(encoding="utf-8").strip().split("\n\n")
    put(front, "framework", f"{table}\n\n{measured}")
    _, measured, counts, table, *_ = (HERE / "tables.md").read_text(encoding="utf-8").split("\n\n")
    put(front, "tables", f"{table}\n\n{counts} {measured}")
    _, measured, *blocks = (HERE / "tables.md").read_text(encoding="utf-8").strip().split("\n\n")
    untouched = blocks.index("## Untouched tables") + 1
    page = HERE.parent / "docs" / "tables.md"
    put(page, "ranks", "\n\n".join([*blocks[:3], measured]))
    put(page, "untouched", "\n\n".join(blocks[untouched : untouched + 3]))
    if "## pytabkit's networks" in blocks:
        put(page, "peers", blocks[-1])
    shutil.copy(HERE / "tables.png", page.parent / "images" / "tables.png")
    path = HERE / "estimators.md"
    if path.exists():
        measured, table = path.read_text(encoding="utf-8").strip().split("\n\n")
        put(HERE.parent / "docs" / "estimators.md", "estimators", f"{table}\n\n{measured}")
    path = HERE / "many.md"
    if path.exists():
        measured, table, *more = path.read_text(encoding="utf-8").strip().split("\n\n")
        put(HERE.parent / "docs" / "sweeps.md", "many", "\n\n".join([table, *more, measured]))


if __name__ == "__main__":
    main()
