"""Progress of training: a bar, or lines of text."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from chainrule._src.base.interrupts import deferred
from chainrule._src.base.validation import lookup
from chainrule._src.nn.callbacks.callback import Callback, History, Logs, as_callbacks

BAR = 20  # characters of an epoch's bar


class ProgressBar(Callback):
    """Shows a bar with epoch, scores and the time left, on a terminal or in a notebook.

    `fit` adds it for ``verbose="auto"`` where somebody can see it.

    Attributes
    ----------
    label : str
        Text that is written before the epoch's number.

    Examples
    --------
    >>> bar = ProgressBar()
    >>> bar.label = "network 3, "
    >>> bar.set_params({"epochs": 10, "steps": 5})
    """

    label = ""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Show an empty bar."""
        self._bar = score_bar()
        self._epochs = self.params["epochs"]
        self._task = self._bar.add_task("", total=self._epochs, scores="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the epoch's number."""
        self._epoch = epoch
        self._bar.update(
            self._task,
            completed=epoch,
            description=f"{self.label}epoch {epoch + 1}/{self._epochs}",
        )

    def on_progress(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar within the epoch."""
        share = min(batch / max(self.params["steps"], 1), 1.0)
        self._bar.update(self._task, completed=self._epoch + share)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the scores."""
        self._bar.update(self._task, completed=epoch + 1, scores=short_text(logs))

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Stop the bar; it stays visible."""
        self._bar.stop()


def score_bar() -> Any:
    """Return a progress bar of rich with columns for scores and for the remaining time."""
    with deferred():
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6, max_width=24)),
        TextColumn("{task.fields[scores]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        expand=True,
    )


class EpochLines(Callback):
    """Prints each epoch with its time and scores, as Keras does; `fit` adds it for ``verbose=2``.

    Examples
    --------
    >>> lines = EpochLines()
    >>> lines.set_params({"epochs": 10, "steps": 7})
    >>> lines.on_epoch_begin(2)
    Epoch 3/10
    >>> lines.on_epoch_end(2, {"accuracy": 0.875, "loss": 0.51})  # doctest: +ELLIPSIS
    7/7 - 0s - .../step - accuracy: 0.8750 - loss: 0.5100
    """

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the number of the epoch, and store its starting time."""
        self._began = time.perf_counter()
        print(f"Epoch {epoch + 1}/{self.params['epochs']}", flush=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print time and scores."""
        print(self._line(self.params["steps"], logs), flush=True)

    def _line(self, batches: int, logs: Logs | None) -> str:
        return scores_line(batches, time.perf_counter() - self._began, logs)


class EpochBars(EpochLines):
    """Prints each epoch with a bar, as Keras does; `fit` adds it for ``verbose=1``.

    On a terminal the bar grows within an epoch.

    Examples
    --------
    >>> bars = EpochBars()
    >>> bars.set_params({"epochs": 10, "steps": 7})
    >>> bars.on_epoch_begin(2)
    Epoch 3/10
    >>> bars.on_epoch_end(2, {"accuracy": 0.875, "loss": 0.51})  # doctest: +ELLIPSIS
    7/7 ━━━━━━━━━━━━━━━━━━━━ 0s .../step - accuracy: 0.8750 - loss: 0.5100
    """

    def on_progress(self, batch: int, logs: Logs | None = None) -> None:
        """Show the bar of the batches that are done, on a terminal."""
        if sys.stdout.isatty() and batch < self.params["steps"]:
            print(self._line(batch, logs), end="", flush=True)

    def _line(self, batches: int, logs: Logs | None) -> str:
        steps, seconds = self.params["steps"], time.perf_counter() - self._began
        line = scores_line(steps, seconds, logs, batches)
        return f"\r\x1b[K{line}" if sys.stdout.isatty() else line


def scores_line(steps: int, seconds: float, logs: Logs | None, batches: int | None = None) -> str:
    """Write batches, time and scores in one line, without the gradient norms of single arrays.

    With ``batches``, the number of batches that are done, the line has a bar.

    Examples
    --------
    >>> scores_line(20, 0.034, {"accuracy": 0.9, "loss": 0.00051})
    '20/20 - 0s - 2ms/step - accuracy: 0.9000 - loss: 5.1000e-04'
    >>> scores_line(20, 0.034, {"loss": 0.51}, 10)
    '10/20 ━━━━━━━━━━           0s 3ms/step - loss: 0.5100'
    """
    n_done = steps if batches is None else batches
    pace = seconds / max(n_done, 1)  # seconds a step
    units = {"s": 1.0, "ms": 1e3, "us": 1e6}
    unit = "s" if pace >= 1 or pace == 0 else "ms" if pace >= 1e-3 else "us"
    scores = [
        f"{name}: {score:.4f}" if abs(score) > 1e-3 else f"{name}: {score:.4e}"
        for name, score in (logs or {}).items()
        if not name.startswith("gradient_norm_")
    ]
    bar = "━" * (BAR * n_done // max(steps, 1))
    parts = [f"{n_done}/{steps}", f"{seconds:.0f}s", f"{pace * units[unit]:.0f}{unit}/step"]
    if batches is not None:
        parts = [" ".join([parts[0], bar.ljust(BAR), *parts[1:]])]
    return " - ".join([*parts, *scores])


def short_text(logs: Logs | None) -> str:
    """Write scores for a bar, each validation score beside the training score.

    Examples
    --------
    >>> short_text({"loss": 0.03127, "accuracy": 0.9912, "val_loss": 0.0481, "val_accuracy": 0.98})
    'loss 0.0313 (held 0.0481), accuracy 0.991 (held 0.98)'
    """
    listed = {k: v for k, v in (logs or {}).items() if not k.startswith(("gradient_norm_", "val_"))}
    val = {name: (logs or {}).get(f"val_{name}") for name in listed}
    return ", ".join(
        f"{name} {score:.3g}" + ("" if val[name] is None else f" (held {val[name]:.3g})")
        for name, score in listed.items()
    )


def watchers(
    callbacks: Any,
    verbose: int | str,
    where: str,
    bar: type[Callback] = ProgressBar,
    lines: type[Callback] = EpochLines,
    bars: type[Callback] = EpochBars,
) -> list[Callback]:
    """Return callbacks, checked, after the progress callback that ``verbose`` selects, as in Keras.

    If the callbacks include a bar already, none is added.
    """
    watching = as_callbacks(callbacks, where)
    if any(isinstance(each, bar) for each in watching):
        return watching
    watched = sys.stdout.isatty() or "ipykernel" in sys.modules
    kinds = {"auto": bar if watched else None, "0": None, "1": bars, "2": lines}
    kind = kinds[verbosity(verbose)]
    return watching if kind is None else [kind(), *watching]


def verbosity(verbose: int | str) -> str:
    """Return ``"auto"``, ``"0"``, ``"1"`` or ``"2"``; anything else is refused by name."""
    name = str(int(verbose)) if isinstance(verbose, int) else verbose
    level: str = lookup("verbose", name, {level: level for level in ("auto", "0", "1", "2")})
    return level


def history_among(watching: Sequence[Callback]) -> History:
    """Return the first `History` of a list of callbacks, or a new history."""
    return next((each for each in watching if isinstance(each, History)), None) or History()
