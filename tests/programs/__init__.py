"""Programs as courses on neural networks write them: they fill arrays in place.

``PROGRAMS`` maps a name to a `Program`. ``loss(*args)`` is one number; ``gradients(*args)`` is the
gradient by hand with respect to the first argument, in its structure. Neither writes into its
arguments.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.programs.program import Program

__all__ = ["PROGRAMS", "Program"]

PROGRAMS: dict[str, Program] = {}
for _path in sorted(Path(__file__).parent.glob("*.py")):
    if _path.stem not in ("__init__", "program"):
        for _name, _program in import_module(f"tests.programs.{_path.stem}").PROGRAMS.items():
            PROGRAMS[f"{_path.stem}: {_name}"] = _program
