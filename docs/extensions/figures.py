"""Pictures of live figures, the same at each build, and data that several of them use."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

# The readable colours of the site (Okabe and Ito), as `_static/site.css` has them on a light page.
COLOURS = ("#0072b2", "#b34700", "#00755a")


def axes(columns: int = 1, **options: object) -> tuple:
    """Return a figure and its axes side by side."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    return figure, figure.subplots(1, columns, **options)


def save(figure: Figure, folder: Path) -> None:
    """Write the picture of a figure: text stays text, and nothing depends on the moment."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "chainrule"}):
        figure.savefig(folder / "picture.svg", metadata={"Date": None})


def moons(n: int, seed: int = 0, noise: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Return two half moons, one in the other: points (n, 2) and classes 0 and 1."""
    rng = np.random.default_rng(seed)
    angle, y = rng.uniform(0, np.pi, n), np.arange(n) % 2
    side = 1 - 2 * y
    X = np.stack([side * np.cos(angle) + y - 0.5, side * np.sin(angle) + y / 2 - 0.25], axis=1)
    X += noise * rng.normal(size=X.shape)
    return X.astype(np.float32), y.astype(np.float32)


def wave(n: int, seed: int = 0, noise: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy points (n, 1) on a wave from -1 to 1, and their heights."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1, 1, n))
    y = np.sin(4 * x) + noise * rng.normal(size=n)
    return x[:, None].astype(np.float32), y.astype(np.float32)


def rounded(values: np.ndarray) -> list:
    """Return numbers with three decimals, row after row, to write them as JSON."""
    return np.round(values.ravel().astype(float), 3).tolist()
