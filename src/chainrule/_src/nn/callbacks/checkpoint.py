"""Checkpoints: models that are saved while they train."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chainrule._src.base.arguments import Flag
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.validation import check_positive, lookup
from chainrule._src.nn.callbacks.callback import Logs, Verbose
from chainrule._src.nn.callbacks.monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model after every epoch, or only after its best epochs; creates the folder.

    A file holds all that ``model.fit(..., resume_from=path)`` needs to resume training. It is
    written whole or not at all, in the format of chainrule, also under Keras's endings ``.keras``
    and ``.weights.h5``; `load_model` reads it.

    Parameters
    ----------
    filepath : path
        May hold the epoch and scores: ``"digits-{epoch:02d}-{val_loss:.3f}.safetensors"``, and
        with a number as ``save_freq`` the ``{batch}``.
    monitor : str, default "val_loss"
        The score that decides which epoch is best.
    verbose : int, default 0
        If 1, a line is printed for every file.
    save_best_only : bool, default False
        If true, an epoch is saved only if its score is the best so far.
    save_weights_only : bool, default False
        If true, the file has no training state, so that training cannot resume from it.
    mode : {"auto", "min", "max"}
        As for `MonitorCallback`.
    save_freq : "epoch" or int
        Save after every epoch, or after this number of batches.
    initial_value_threshold : float, optional
        The first score must be better than this number.

    Raises
    ------
    DataError
        If ``filepath`` is no path or names a score that does not exist, or the model cannot be
        saved, because it holds a lambda for instance.
    FileError
        If a file cannot be written.

    Notes
    -----
    Training that resumes from the end of an epoch gives the same bits as training that was not
    interrupted. If arrays are trained on, the same holds for weights, optimizer and order of
    samples after a number of batches; but callbacks are called at the beginning of that epoch
    again, and its scores are those of its remaining batches. An iterator of batches starts that
    epoch again.

    Examples
    --------
    >>> import os, tempfile
    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save = ModelCheckpoint(os.path.join(folder, "model-{epoch}.safetensors"))
    ...     history = model.fit([[1.0]], [[1.0]], epochs=2, callbacks=[save], verbose=0)
    ...     sorted(os.listdir(folder))
    ['model-1.safetensors', 'model-2.safetensors']
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: Verbose = 0,
        save_best_only: Flag = False,
        save_weights_only: Flag = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        if not isinstance(filepath, str | Path):
            raise DataError(f"ModelCheckpoint: filepath must be a path, received {filepath!r}")
        self.filepath, self.verbose = filepath, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq, self.batches, self.epoch = save_freq, 0, 0
        self._due = 0
        if isinstance(save_freq, str):
            lookup("save_freq", save_freq, {"epoch": None})
        else:
            check_positive(save_freq, "save_freq", type(self).__name__)
            self.changing = {"best": None, "batches": 0}
            vars(self)["on_train_batch_end"] = self._batch_end  # has updates run singly

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check that the model can be saved, before hours of training."""
        from chainrule._src.data.storage import check_name, check_writable

        if not hasattr(self.model, "save"):
            raise DataError(f"{type(self).__name__}: what is trained is no model that can be saved")
        self.model.get_config()
        check_name(self.filepath)
        if "{" not in str(self.filepath):
            self._make_folder(str(self.filepath))
            check_writable(self.filepath)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Store the epoch's number."""
        self.epoch = epoch

    def on_epoch_kept(self, epoch: int, logs: Logs | None = None) -> None:
        """Save the model if it is due at the end of this epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {}, logs or {})
        elif self._due:
            self._save(epoch, logs or {}, {"batch": self._due, **(logs or {})})
            self._due = 0

    def _batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after ``save_freq`` batches; after an epoch's last batch only in `on_epoch_kept`."""
        self.batches += 1
        if self.batches == self.save_freq:
            self.batches = 0
            if batch + 1 == self.model.trainer.run.supply.updates:
                self._due = batch + 1
            else:
                self._save(self.epoch, logs or {}, {"batch": batch + 1, **(logs or {})})

    def _save(self, epoch: int, logs: Logs, named: dict[str, Any]) -> None:
        if self.save_best_only and not self._best_yet(self.score(logs)):
            return
        try:
            path = str(self.filepath).format(epoch=epoch + 1, **named)
        except (KeyError, ValueError, IndexError) as error:
            raise DataError(
                f"ModelCheckpoint: filepath {str(self.filepath)!r} names {error}; there are epoch, "
                f"{', '.join(named)}"
            ) from error
        self._make_folder(path)
        self.model.save(path, training=not self.save_weights_only)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved as {path}")

    def _make_folder(self, path: str) -> None:
        """Create the folder of a file."""
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{type(self).__name__}: cannot write {path}: {error}") from error

    def _best_yet(self, score: float | None) -> bool:
        """Return true if the score is the best so far, or if there is no score."""
        if score is not None:
            if not self.improves(score, self.best):
                return False
            self.best = score
        return True


class BackupAndRestore(ModelCheckpoint):
    """Backs up a run, so that it resumes when the same program is run again.

    A backup is a file of `ModelCheckpoint` in a folder of its own. If it exists, `fit` resumes from
    it as with ``resume_from``, but the history holds only the epochs after that, as in Keras.
    A run that ends without an error removes the backup; one that fails or is interrupted leaves it.
    The notes of `ModelCheckpoint` say which bits are the same as without an interruption.

    Parameters
    ----------
    backup_dir : path
        A folder for this run alone.
    save_freq : "epoch" or int
        Save after every epoch, or after this number of batches.
    double_checkpoint : ignored
        A backup is written whole or not at all, so that one is enough.
    delete_checkpoint : bool, default True
        If true, a run that ends without an error removes its backup.

    Raises
    ------
    DataError
        If ``backup_dir`` is no path.
    FileError
        If a file cannot be written.

    Examples
    --------
    With ``delete_checkpoint=False``, a second run begins where the first ended:

    >>> import tempfile
    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     backup = BackupAndRestore(folder, delete_checkpoint=False)
    ...     options = {"callbacks": [backup], "verbose": 0}
    ...     model.fit([[1.0]], [[1.0]], epochs=2, **options).epoch
    ...     model.fit([[1.0]], [[1.0]], epochs=5, **options).epoch
    [0, 1]
    [2, 3, 4]
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: str | int = "epoch",
        double_checkpoint: Flag = False,
        delete_checkpoint: Flag = True,
    ) -> None:
        if not isinstance(backup_dir, str | Path) or not str(backup_dir):
            raise DataError(
                f"BackupAndRestore: backup_dir must be a folder, received {backup_dir!r}"
            )
        self.backup_dir = Path(backup_dir)
        super().__init__(self.backup_dir / "backup.safetensors", "loss", save_freq=save_freq)
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the backup if the run ended without an error."""
        if self.delete_checkpoint and self.model.trainer.ended_well:
            Path(self.filepath).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # the folder holds other files
                self.backup_dir.rmdir()


def backup(callbacks: Iterable[Any]) -> Path | None:
    """Return the existing backup file of one of these callbacks, or None.

    Parameters
    ----------
    callbacks : iterable of Callback

    Returns
    -------
    Path or None

    Examples
    --------
    >>> print(backup([BackupAndRestore("a-folder-that-does-not-exist")]))
    None
    """
    paths = (Path(each.filepath) for each in callbacks if isinstance(each, BackupAndRestore))
    return next((path for path in paths if path.exists()), None)
