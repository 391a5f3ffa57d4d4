"""What the code itself calls its arguments and tensors.

When a traced Python function returns, its local variables tell what each tensor was called.
Callers return after the functions they call, so the outermost name is the one that stays.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from chainrule.autodiff.tensor import Tensor

_PACKAGE = Path(__file__).parents[1]
_ROOMS = (str(_PACKAGE / room) for room in ("ops", "autodiff", "program"))
_RULES = (
    str(_PACKAGE / name)
    for name in ("optimizers", "schedules", "training", "layers", "metrics", "sequential")
)
_SILENT = (str(Path(np.__file__).parent), *_ROOMS, *_RULES)
_FUNCTIONS = {
    str(_PACKAGE / name) for name in ("functions.py", "activations.py", "regularizers.py")
}
_told: list[str] = []  # what of the silent speaks at the moment


@contextmanager
def telling(*rooms: str) -> Iterator[None]:
    """Have the names in rooms of this package count meanwhile: where their own code is read."""
    _told.extend(str(_PACKAGE / room) for room in rooms)
    try:
        yield
    finally:
        _told.clear()


@contextmanager
def watch_names() -> Iterator[None]:
    """Name tensors after the local variables of every function that returns meanwhile."""
    before = sys.getprofile()
    sys.setprofile(_on_return)
    try:
        yield
    finally:
        sys.setprofile(before if callable(before) else None)  # a C profiler cannot be put back


def _on_return(frame: FrameType, event: str, result: Any) -> None:
    code = frame.f_code
    is_silent = code.co_filename.startswith(_SILENT)
    if event != "return" or (is_silent and not code.co_filename.startswith(tuple(_told))):
        return
    own = code.co_filename in _FUNCTIONS  # whose short names say nothing about the user's values
    for name, value in frame.f_locals.items():
        if type(value) is Tensor and not name.startswith(("_", ".")) and ("_" in name or not own):
            called(name, value)


def called(name: str, tensor: Any) -> None:
    """Give a tensor a name, and what it stands for in outer recordings."""
    while type(tensor) is Tensor:
        if tensor.primitive is not None:  # an input keeps the name of its argument
            tensor.name = name
        tensor = tensor.value


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return the names of the first ``count`` positional arguments of ``f``."""
    f = inspect.unwrap(f)
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = ["np_" if p.name == "np" else p.name for p in plain[:count]]  # np is NumPy
    return names + [f"arg{i}" for i in range(len(names), count)]
