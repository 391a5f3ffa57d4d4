"""How the training of a network, or of several one after another, gets on."""

from __future__ import annotations

from rich.console import Console

from chainrule._src.nn.callbacks import Callback, ProgressBar
from chainrule._src.nn.callbacks.callback import Logs
from chainrule._src.nn.callbacks.progress import short_text

LINES = 10  # of the training of one network, where they go to no terminal


class Progress(Callback):
    """Says how training gets on: by bars on a terminal, else by some lines.

    Parameters
    ----------
    console : Console
    networks : int
        How many are trained.

    Attributes
    ----------
    network : int
        Which one is trained, counted from 1.
    """

    sees_weights = False

    def __init__(self, console: Console, networks: int) -> None:
        self._console, self._networks = console, networks
        self._bar = ProgressBar() if console.is_terminal else None
        self.network = 0
        self._line = ""

    @property
    def watchers(self) -> list[Callback]:
        """What is to watch training."""
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
        done, total = epoch + 1, self.params["epochs"]
        self._line = f"{self._label}epoch {done}/{total}: {short_text(logs)}"
        if done % max(1, total // LINES) == 0 or done == self.network == 1:
            self._print()

    @property
    def epochs(self) -> int:
        """How many epochs are in the history of the network that is trained."""
        return len(self.model.history.epoch) if self.network else 0

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Print the last line."""
        self._print()

    def _print(self) -> None:
        if self._bar is None and self._line:
            self._console.print(self._line, soft_wrap=True)
        self._line = ""

    def completed(self, epochs: int) -> str:
        """Return what of training was completed."""
        if self._networks == 1:
            return f"{self.epochs} of {epochs} epochs were completed"
        whole = max(self.network - 1, 0)
        return (
            f"{whole} of {self._networks} networks were completed, and {self.epochs} epochs of "
            "the next"
        )
