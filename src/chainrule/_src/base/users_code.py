"""Recognition of the user's code, and the line of the user's code that an error came from."""

from __future__ import annotations

import os
import traceback
from functools import cache

import numpy as np

_PYTHON = os.path.dirname(os.__file__) + os.sep
_INSTALLED = os.path.join(_PYTHON, "site-packages", "")
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
_FOREIGN = (os.path.dirname(np.__file__) + os.sep, _PACKAGE + os.sep)


def is_users(file: str) -> bool:
    """Return true if a file is the user's: not Python's, NumPy's or chainrule's."""
    stdlib = file.startswith(_PYTHON) and not file.startswith(_INSTALLED)
    return not stdlib and not file.startswith((*_FOREIGN, "<frozen ")) and not file.endswith(".pyx")


@cache
def is_of_project(file: str) -> bool:
    """Return true if a file is the user's and belongs to no installed package."""
    parts = file.split(os.sep)
    return is_users(file) and "site-packages" not in parts and "dist-packages" not in parts


def place_of(error: Exception) -> str:
    """Return the user's line that an error came from, as the beginning of a message."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if is_users(frame.filename)), None)
    return f"{last.filename}, line {last.lineno}, `{last.line}`: " if last else ""
