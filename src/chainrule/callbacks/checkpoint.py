"""Models kept while they train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.callbacks.callback import Logs, check_verbose
from chainrule.callbacks.monitor import Monitor, optional_number
from chainrule.errors import DataError, FileError
from chainrule.validation import check_flag, lookup


class ModelCheckpoint(Monitor):
    """Saves the model after every epoch, or after its best ones, in a folder that is made.

    A file holds all that training needs to go on, bit for bit as if it had not been interrupted:
    ``model.fit(..., resume_from=path)``. It is written whole or not at all.

    Parameters
    ----------
    filepath : path
        May hold the epoch and scores: ``"digits-{epoch:02d}-{val_loss:.3f}.safetensors"``.
    monitor : str, default "val_loss"
        What tells the best.
    verbose : int, default 0
    save_best_only : bool, default False
    save_weights_only : bool, default False
        Leave out what training needs to go on.
    mode : {"auto", "min", "max"}
    save_freq : "epoch"
        Keras can save after a number of batches as well; here a run goes on from the end of an
        epoch, so that models are saved there alone.
    initial_value_threshold : float, optional
        What the first score must beat.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        if not isinstance(filepath, str | Path):
            raise DataError(f"ModelCheckpoint: filepath must be a path, received {filepath!r}")
        self.filepath, self.verbose = filepath, check_verbose(verbose, "ModelCheckpoint")
        where = "ModelCheckpoint"
        self.save_best_only = check_flag(save_best_only, "save_best_only", where)
        self.save_weights_only = check_flag(save_weights_only, "save_weights_only", where)
        lookup("save_freq", save_freq, {"epoch": None})
        self.best = optional_number(initial_value_threshold, "initial_value_threshold", where)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """See that the model can be saved, before hours of training."""
        from chainrule.storage import check_name, check_writable

        if not hasattr(self.model, "save"):
            raise DataError("ModelCheckpoint: what is trained is no model that can be saved")
        self.model.get_config()
        check_name(self.filepath)
        if "{" not in str(self.filepath):
            self._make_folder(str(self.filepath))
            check_writable(self.filepath)

    def on_epoch_kept(self, epoch: int, logs: Logs | None = None) -> None:
        """Save."""
        if self.save_best_only and not self._best_yet(self.score(logs)):
            return
        try:
            path = str(self.filepath).format(epoch=epoch + 1, **(logs or {}))
        except (KeyError, ValueError, IndexError) as error:
            raise DataError(
                f"ModelCheckpoint: filepath {str(self.filepath)!r} names {error}; there are epoch, "
                f"{', '.join(logs or {})}"
            ) from error
        self._make_folder(path)
        self.model.save(path, training=not self.save_weights_only)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved as {path}")

    def _make_folder(self, path: str) -> None:
        """Make the folder of a file."""
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"ModelCheckpoint: cannot write {path}: {error}") from error

    def _best_yet(self, score: float | None) -> bool:
        """Whether to save; without a score there is no better model than the last."""
        if score is not None:
            if not self.improves(score, self.best):
                return False
            self.best = score
        return True
