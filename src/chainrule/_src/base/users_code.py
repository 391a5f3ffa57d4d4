"""Which code is the user's, and which of its lines an error came from."""

from __future__ import annotations

import os
import traceback

import numpy as np

_PYTHON = os.path.dirname(os.__file__) + os.sep
_INSTALLED = os.path.join(_PYTHON, "site-packages", "")
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_FOREIGN = (os.path.dirname(np.__file__) + os.sep, _PACKAGE + os.sep)


def is_users(file: str) -> bool:
    """Whether code is the user's: not Python's own, NumPy's or chainrule's."""
    own = file.startswith(_PYTHON) and not file.startswith(_INSTALLED)
    return not own and not file.startswith((*_FOREIGN, "<frozen ")) and not file.endswith(".pyx")


def place_of(error: Exception) -> str:
    """Return the user's own line that an error came from, to begin a sentence with."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if is_users(frame.filename)), None)
    return f"{last.filename}, line {last.lineno}, `{last.line}`: " if last else ""
