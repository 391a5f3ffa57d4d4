"""A class of made submissions: ``python -m tests.teach.made_class FOLDER 40 [--lab 1]``.

Each is a notebook of the solved lab in which some exercises hold a wrong answer of the collection,
and some are still as they were handed out; the same class each time.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import nbformat
from tests.teach.collection import answers, exchanged, mistake

from chainrule._src.teach.source import Source, sources

FIRST = ("Ada", "Bela", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana", "Ines", "Jonas",
         "Kai", "Lena", "Mira", "Nuno", "Olga", "Pia", "Quinn", "Rosa", "Sami", "Tove")  # fmt: skip
LAST = ("Abel", "Bauer", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Huber", "Ito", "Klein",
        "Lopez", "Moreau", "Novak", "Okafor", "Petrov")  # fmt: skip


def write(folder: Path, count: int, lab: Source) -> None:
    """Write a class's notebooks."""
    rng = random.Random(2027)
    names = [f"{first}_{last}" for first in FIRST for last in LAST]
    rng.shuffle(names)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names[:count]:
        nbformat.write(_notebook(lab, rng), folder / f"{name}.ipynb")


def _notebook(lab: Source, rng: random.Random) -> nbformat.NotebookNode:
    care = rng.uniform(0.4, 1.05)  # the share of exercises that are right
    notebook = lab.notebook(solved=True)
    code = (cell for cell in notebook.cells if cell.cell_type == "code")
    cells = (cell for _, cell, _ in lab.blocks(solved=True) if not cell.text)
    for made, cell in zip(code, cells, strict=True):
        for name in cell.exercises:
            if rng.random() > care:
                if rng.random() < 0.15:
                    made.source = lab.code(cell, solved=False)
                    continue
                pairs, _ = mistake(rng.choice(answers(lab.name, "WRONG", name)))
                if all(old in made.source for old, _ in pairs):
                    made.source = exchanged(made.source, *pairs)
    return notebook


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--lab", type=int, default=1)
    wanted = parser.parse_args()
    write(wanted.folder, wanted.count, sources()[wanted.lab - 1])
