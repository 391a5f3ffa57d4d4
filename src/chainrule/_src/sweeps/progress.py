"""Progress display of a sweep."""

from __future__ import annotations

import time

from chainrule._src.nn.callbacks import Callback, Logs
from chainrule._src.nn.callbacks.progress import score_bar


class SweepBar(Callback):
    """Progress bar with the number of models, their rate, the best score and the time left."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Print the plan, and show an empty bar."""
        self._bar = score_bar()
        print(self.model.plan_text(), flush=True)
        self._began = time.perf_counter()
        self._task = self._bar.add_task("", total=self.params["epochs"], scores="")
        self._bar.start()

    def on_progress(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        logs = dict(logs or {})
        models, _ = logs.pop("models"), logs.pop("epochs")
        rate = models / max(time.perf_counter() - self._began, 1e-9)
        self._bar.update(
            self._task, completed=self.model.done_epochs,
            description=f"{models:,.0f} models, {rate:,.3g}/s",
            scores=best_text(logs),
        )  # fmt: skip

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Update the bar with the epochs that are already complete."""
        self._bar.update(self._task, completed=self.model.done_epochs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Stop updating the bar."""
        self._bar.stop()


class SweepLines(Callback):
    """One line of text per rung."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Print the plan."""
        print(self.model.plan_text(), flush=True)
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the line of a rung."""
        logs = dict(logs or {})
        models, _ = logs.pop("models"), logs.pop("epochs")
        seconds = time.perf_counter() - self._began
        rung = self.model.rungs[-1]
        needed = getattr(self.model.store, "needed", 0)
        if needed and len(self.model.rungs) == 1:
            print(f"weights kept in memory: {needed / 2**20:,.1f} MB at most", flush=True)
        until = f"{rung.epochs.max()} epoch{'s' * bool(rung.epochs.max() != 1)}"
        best = f", {best_text(logs)}" if logs else ""
        print(
            f"{len(rung.candidates) * rung.seeds:,} models of {until}: {models:,.0f} trained in "
            f"{seconds:.1f} s{best}", flush=True,
        )  # fmt: skip


def best_text(logs: Logs) -> str:
    """Format the best score.

    Examples
    --------
    >>> best_text({"val_loss": 0.031274})
    'best val_loss 0.03127'
    """
    return ", ".join(f"best {name} {score:.4g}" for name, score in logs.items())
