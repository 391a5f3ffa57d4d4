"""One program: a loss, its gradient by hand, and arguments to try them with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Program(NamedTuple):
    """``problem(rng)`` draws the arguments.

    ``branches`` is true where the code branches on values, so that no recording holds for others.
    """

    loss: Callable[..., Any]
    gradients: Callable[..., Any]
    problem: Callable[[np.random.Generator], tuple[Any, ...]]
    branches: bool = False
