"""``chainrule plot``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.extras import needs
from chainrule._src.base.plots import PLOTS
from chainrule._src.cli.problems import UsageError, tell
from chainrule._src.tabular.recipes.scores import ClassScores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scores = Mapping[str, Sequence[float]]
SUFFIXES = (".png", ".svg")
POINTS = 5000  # in a scatter plot, at most
NAMED = 20  # classes with labels in the confusion matrix, at most
PANEL = (6.4, 3.2)  # inches of a score's picture


def plot(
    history: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|HISTORY.csv", help="A file that train wrote, or one of CSVLogger's."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE.png|svg", help="By default a .png beside the file."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Draw predictions for these data against true values."),
    ] = None,
) -> None:
    """Draw loss and scores over the epochs of training, or predictions against true values."""
    run_plot(Terminal(), history, output, data)


def run_plot(
    console: Console, path: str, output: str | None = None, source: str | None = None
) -> None:
    """Draw a history, or predictions, into a file.

    Raises
    ------
    UsageError
        If the output's suffix is neither .png nor .svg.
    FileError, DataError
        If there is nothing to draw.
    """
    from chainrule._src.cli.output import check_output
    from chainrule._src.cli.terminal import count_of
    from chainrule._src.data.storage import write_whole

    output = str(Path(path).with_suffix(".png")) if output is None else output
    kind = Path(output).suffix.lower()
    if kind not in SUFFIXES:
        raise UsageError(f"-o {output}: pictures are written as {' or '.join(SUFFIXES)}")
    check_output(output, path)
    picture = io.BytesIO()
    if source is None:
        epochs, scores = read_history(path)
        figure, drawn = draw(epochs, scores), count_of(len(epochs), "epoch")
    else:
        figure, rows = draw_predictions(path, source)
        drawn = f"predictions for {count_of(rows, 'row')}"
    figure.savefig(picture, format=kind[1:], dpi=150)
    write_whole(output, [picture.getvalue()])
    console.print(f"{drawn} drawn in [bold]{escape(output)}[/]", soft_wrap=True)


def draw_predictions(path: str, source: str) -> tuple[Figure, int]:
    """Return a figure of predictions against true values, and the number of rows.

    For a quantity a second panel shows the errors; for classes the figure is a confusion matrix of
    shares of the true classes.
    """
    with needs(*PLOTS):
        from matplotlib.figure import Figure

    from chainrule._src.tabular.recipes.scores import new_scores
    from chainrule._src.tabular.recipes.trained import (
        labelled_chunks,
        open_data,
        open_model,
        probabilities,
    )

    model = open_model(path)
    target = model.preprocessor.target
    table, notes = open_data(model, source, target.name)
    tell(notes)
    scores, pairs = new_scores(target), []
    for features, y in labelled_chunks(model, table, target.name):
        output = probabilities(model, features)
        scores.add(y, output)
        pairs.append((y, output[:, 0]))
    figure = Figure(figsize=(9, 4), layout="constrained")
    if isinstance(scores, ClassScores):
        _draw_confusion(figure.subplots(), scores)
        return figure, scores.rows
    true, predicted = (np.concatenate(parts) * target.scale + target.mean
                       for parts in zip(*pairs, strict=True))  # fmt: skip
    picked = np.random.default_rng(0).permutation(len(true))[:POINTS]
    true, predicted = true[picked], predicted[picked]
    left_axes, right_axes = figure.subplots(1, 2)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    for ax, values, line, label in (
        (left_axes, predicted, ends, "predicted"),
        (right_axes, predicted - true, [0, 0], "predicted minus true"),
    ):  # fmt: skip
        ax.scatter(true, values, s=8, alpha=0.5, linewidths=0)
        ax.plot(ends, line, color="gray", linewidth=1)
        ax.set(xlabel=f"true {target.name}", ylabel=label)
    return figure, len(true)


def _draw_confusion(ax: Any, scores: ClassScores) -> None:
    shares = scores.confusion / np.maximum(scores.confusion.sum(axis=1, keepdims=True), 1)
    names = scores.target.classes
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.figure.colorbar(image, ax=ax, label="share of the true class")
    ax.set(xlabel="predicted", ylabel="true")
    if len(names) <= NAMED:
        ax.set_xticks(range(len(names)), names, rotation=90 if len(names) > 4 else 0)
        ax.set_yticks(range(len(names)), names)
        for (i, j), count in np.ndenumerate(scores.confusion):
            if count:
                color = "white" if shares[i, j] > 0.5 else "black"
                ax.text(j, i, f"{count:,}", ha="center", va="center", color=color, fontsize=8)


def read_history(path: str) -> tuple[list[int], Scores]:
    """Return the numbers of the epochs, counted from 1, and the scores of all epochs by name."""
    if Path(path).suffix.lower() == ".csv":
        return _from_csv(path)
    from chainrule._src.tabular.recipes.trained import load

    history = load(path).history
    if not history.epoch:
        raise FileError(f"{path} holds no history: the model was not trained when it was saved")
    complete = {n: v for n, v in history.history.items() if len(v) == len(history.epoch)}
    return [epoch + 1 for epoch in history.epoch], complete


def _from_csv(path: str) -> tuple[list[int], Scores]:
    from chainrule._src.data.storage.files import open_file

    try:
        with io.TextIOWrapper(open_file(path), "utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file: {error}") from error
    if not rows or "epoch" not in rows[0]:
        raise DataError(f"{path}: expected a column 'epoch', rows, and a column for each score")
    try:
        epochs = [int(row["epoch"]) + 1 for row in rows]
        names = [name for name in rows[0] if name and name != "epoch"]
        scores = {n: [_number(row[n]) for row in rows] for n in names}
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: scores must be numbers: {error}") from error
    if not scores:
        raise DataError(f"{path} holds no score, only epochs")
    return epochs, scores


def _number(text: str | None) -> float:
    return float("nan") if text in ("", "NA", None) else float(text)


def draw(epochs: Sequence[int], scores: Scores) -> Figure:
    """Return a figure with a panel for each score, which shows training and validation."""
    with needs(*PLOTS):
        from matplotlib.figure import Figure

    from chainrule._src.base import plots

    names = [name for name in scores if not name.startswith("val_")] or list(scores)
    names.sort(key=lambda name: name != "loss")  # the loss comes first
    figure = Figure(figsize=(PANEL[0], PANEL[1] * len(names)), layout="constrained")
    axes: Any = figure.subplots(len(names), 1, squeeze=False)[:, 0]
    for ax, name in zip(axes, names, strict=True):
        lines = {"training": (epochs, scores[name])}
        if f"val_{name}" in scores:
            lines["kept aside"] = (epochs, scores[f"val_{name}"])
        marker = "o" if len(epochs) == 1 else ""
        plots.curves(lines, ylabel=name.replace("_", " "), marker=marker, xlabel="epoch", ax=ax)
    return figure
