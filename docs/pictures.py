"""Draw the pictures of the README: `make pictures`."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from chainrule.lab import Lab
from chainrule.plots import panels


def main() -> None:
    lab = Lab()
    hidden, hyper = lab.run("hidden-layer"), lab.run("hyperparameters")
    draws = [
        hidden.plot,
        hyper.plot_map,
        lab.run("momentum").plot_losses,
        hidden.after.plot,
        lab.run("worst-predictions").plot_worst,
        hidden.plot_weights,
    ]
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(16, 8.4))
        board = figure.add_axes((0.04, 0.05, 0.93, 0.9))
        for draw, panel in zip(draws, panels(board, 2, 3, gaps=(0.16, 0.05)), strict=True):
            draw(panel)
        path = Path(__file__).parent / "images" / "lab.png"
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, dpi=100)
    print(path)


if __name__ == "__main__":
    main()
