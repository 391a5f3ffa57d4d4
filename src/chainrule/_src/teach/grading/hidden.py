"""The hidden tests of a lab's source: they run in this process and call candidates."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule._src.teach.exercise import CheckOutcome
from chainrule._src.teach.expect import Wrong, short_text
from chainrule._src.teach.regions import hidden_lines
from chainrule._src.teach.source import Source

STAGE = "hidden"


def hidden_tests(source: Source) -> dict[str, str]:
    """Return the hidden tests by exercise."""
    tests: dict[str, list[str]] = {}
    for cell in source.cells:
        if cell.check and (text := hidden_lines(cell.source)):
            tests.setdefault(cell.check, []).append(text)
    return {name: "\n".join(texts) for name, texts in tests.items()}


def used_names(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that occur in the text of a test."""
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return [name for name in names if name in used]


def run_hidden(text: str, what: str, candidates: dict[str, Any]) -> CheckOutcome:
    """Run the hidden tests: one point if all pass, else the sentence of the first failure."""
    try:
        with np.errstate(all="ignore"):
            exec(compile(text, "<hidden tests>", "exec"), {"np": np, "math": math, **candidates})
    except AssertionError as error:
        sentence = str(error) or f"a hidden test of {what} fails"
    except Wrong as wrong:
        sentence = str(wrong)
    except Exception as error:
        sentence = f"{what} gives what cannot be checked: {short_text(str(error))}"
    else:
        sentence = ""
    return CheckOutcome(STAGE, 1, not sentence, sentence)
