"""docs/examples: each example runs by itself, warns of nothing, and draws labelled pictures."""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").rglob("plot_*.py"))


@pytest.fixture(autouse=True)
def _drawing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: None)  # without a screen it would warn


def unlabelled(figure):
    """Return the plots of curves or points, in a figure, without a name for x or y."""
    axes = [
        ax
        for ax in figure.axes
        if ax.axison and (ax.lines or ax.collections) and ax.get_label() != "<colorbar>"
    ]
    return [
        ax
        for ax in axes
        if not (
            (ax.get_xlabel() or figure.get_supxlabel())
            and (shared_label(ax) or figure.get_supylabel())
        )
    ]


def shared_label(ax):
    return any(other.get_ylabel() for other in ax.get_shared_y_axes().get_siblings(ax))


@pytest.mark.sampled(quick=2)  # `make docs` runs all, too
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_draws(path, tmp_path):
    runpy.run_path(str(path), run_name="__main__")
    figures = [plt.figure(number) for number in plt.get_fignums()]
    assert figures
    assert not any(unlabelled(figure) for figure in figures)
    assert not list(tmp_path.iterdir())
    for figure in figures:
        figure.canvas.draw()
