"""Progress of the training of one network, or of several networks one after another."""

from __future__ import annotations

from rich.console import Console

from chainrule._src.nn.callbacks import Callback, ProgressBar
from chainrule._src.nn.callbacks.callback import Logs
from chainrule._src.nn.callbacks.progress import short_text

LINES = 10  # for the training of one network, if the output is no terminal


class TrainingProgress(Callback):
    """Shows the progress of training: with bars on a terminal, otherwise with a few lines.

    Parameters
    ----------
    console : Console
    networks : int
        Number of networks.

    Attributes
    ----------
    network : int
        Number of the network that is trained, counted from 1.
    """

    sees_weights = False

    def __init__(self, console: Console, networks: int) -> None:
        self._console, self._networks = console, networks
        self._bar = ProgressBar() if console.is_terminal else None
        self.network = 0
        self._line = ""

    @property
    def watchers(self) -> list[Callback]:
        """The callbacks for training."""
        return [self] if self._bar is None else [self, self._bar]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Go on to the next network."""
        self.network += 1
        if self._bar is not None:
            self._bar.label = self._label.replace("network ", "").replace(", ", ": ")

    @property
    def _label(self) -> str:
        return f"network {self.network}/{self._networks}, " if self._networks > 1 else ""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print a line, if it is time."""
        n_epochs, total = epoch + 1, self.params["epochs"]
        self._line = f"{self._label}epoch {n_epochs}/{total}: {short_text(logs)}"
        if n_epochs % max(1, total // LINES) == 0 or n_epochs == self.network == 1:
            self._print()

    @property
    def epochs(self) -> int:
        """The number of epochs in the history of the present network."""
        return len(self.model.history.epoch) if self.network else 0

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Print the last line."""
        self._print()

    def _print(self) -> None:
        if self._bar is None and self._line:
            self._console.print(self._line, soft_wrap=True)
        self._line = ""

    def completed(self, epochs: int) -> str:
        """Return a text about the completed part of training."""
        if self._networks == 1:
            return f"{self.epochs} of {epochs} epochs were completed"
        n_done = max(self.network - 1, 0)
        return (
            f"{n_done} of {self._networks} networks were completed, and {self.epochs} epochs of "
            "the next"
        )
