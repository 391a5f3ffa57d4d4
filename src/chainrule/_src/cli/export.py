"""``chainrule export``."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from chainrule._src.base.console import Terminal
from chainrule._src.base.validation import lookup
from chainrule._src.cli.problems import UsageError

if TYPE_CHECKING:
    from chainrule._src.nn.sequential import Sequential


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A file that train wrote.")],
    to: Annotated[
        str, typer.Option("--to", metavar="onnx|keras|numpy|web|page", help="The format.")
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to; by default beside the model."
        ),
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="For web and page: it can train, too.")
    ] = False,
) -> None:
    """Write a model for other programs: ONNX, Keras, plain NumPy, a web module or a web page."""
    run_export(Terminal(), model, to, output, training)


def run_export(
    console: Console, path: str, to: str, output: str | None = None, training: bool = False
) -> None:
    """Write a model in another format.

    Raises
    ------
    UnknownNameError, UsageError
        If the format is unknown or cannot train, or the file's suffix belongs to another format.
    """
    from chainrule._src.cli.output import check_output
    from chainrule._src.tabular.recipes.trained import load

    suffix, write, use = lookup("format", to, FORMATS)
    output = str(Path(path).with_suffix(suffix)) if output is None else output
    if Path(output).suffix.lower() != suffix:
        raise UsageError(f"-o {output}: a file for {to} ends with {suffix}")
    if training and to not in TRAINABLE:
        raise UsageError(f"--training is for --to {' or '.join(TRAINABLE)}, not for {to}")
    check_output(output, path)
    model = load(path)
    if training:
        model.export(output, training=True)
    else:
        write(model, output)
    console.print(f"[bold]{escape(output)}[/] {escape(use)}", soft_wrap=True)


def _by_suffix(model: Sequential, output: str) -> None:
    model.export(output)


def _to_keras(model: Sequential, output: str) -> None:
    """Let Keras save into a temporary folder, and copy the complete file to the output."""
    from chainrule._src.data.storage import write_whole

    network = model.to_keras()
    if network.optimizer is not None:  # Keras warns on loading where it has no state
        network.optimizer.build(network.trainable_variables)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        network.save(path)
        write_whole(output, [Path(path).read_bytes()])


def _to_numpy(model: Sequential, output: str) -> None:
    weights = Path(output).with_suffix(".npz")
    if weights.exists() and not Path(output).exists():  # not from an earlier export: maybe data
        raise UsageError(f"{weights}, where the weights go, is there already; choose another -o")
    model.eject(output)


Format = tuple[str, Callable[["Sequential", str], None], str]
FORMATS: dict[str, Format] = {
    "onnx": (".onnx", _by_suffix, "runs in ONNX Runtime and whatever else reads ONNX"),
    "keras": (
        ".keras",
        _to_keras,
        "is for keras.saving.load_model, without the preprocessing: it takes prepared rows",
    ),
    "web": (
        ".mjs",
        _by_suffix,
        "is a module for web pages and Node; its types lie beside it, in .d.mts",
    ),
    "page": (".html", _by_suffix, "opens in any browser, offline too"),
    "numpy": (".py", _to_numpy, "needs NumPy alone; its weights lie beside it, in .npz"),
}
TRAINABLE = ("web", "page")
