"""The logarithm of a sum of exponentials, as it is written in books and as it must be computed."""

from pathlib import Path

import numpy as np
from extensions.figures import COLOURS, axes, save

import chainrule as cr


def naive(b, X):
    """Return log(exp(x_1 + b) + exp(x_2 + b) + ...) as it is written."""
    return np.log(np.sum(np.exp(X + b), axis=1))


def stable(b, X):
    """Return the same number: the largest exponent is taken out of the sum before."""
    x = X + b
    largest = cr.stop_gradient(np.max(x, axis=1, keepdims=True))
    return largest[:, 0] + np.log(np.sum(np.exp(x - largest), axis=1))


def build(folder: Path) -> None:
    """Write both in single precision, and draw them."""
    b, X = np.zeros(1, np.float32), np.array([[0.0, 1.0, 2.0]], np.float32)
    for form in (naive, stable):
        cr.export_web(
            lambda b, X, form=form: np.mean(form(b, X)),
            b, X, path=folder / f"{form.__name__}.mjs", predict=form,
        )  # fmt: skip
    shift = np.linspace(-120, 120, 400, dtype=np.float32)[:, None]
    figure, plot = axes()
    with np.errstate(all="ignore"):
        plot.plot(shift, stable(b, X + shift), color=COLOURS[0], label="largest taken out")
        plot.plot(shift, naive(b, X + shift), "--", lw=3, color=COLOURS[1], label="as written")
    plot.set(xlabel="shift of all three exponents", ylabel="logarithm of the sum")
    plot.legend()
    save(figure, folder)
