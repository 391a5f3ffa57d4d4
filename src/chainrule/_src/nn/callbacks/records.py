"""Callbacks that record the scores of training in files, and the norms of gradients."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Count, Flag
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.escaping import for_csv
from chainrule._src.base.extras import needs
from chainrule._src.base.interrupts import deferred
from chainrule._src.nn.callbacks.callback import Callback, Logs


class CSVLogger(Callback):
    """Writes the scores of every epoch into a CSV file.

    Parameters
    ----------
    filename : path
    separator : str, default ","
        One character between the numbers of a row.
    append : bool, default False
        If true, rows are added to an existing file.

    Raises
    ------
    DataError
        If ``filename`` is no path, or ``separator`` is not one character.
    FileError
        If the file cannot be written, when training begins.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CSVLogger(f"{folder}/scores.csv")
    ...     log.on_train_begin()
    ...     log.on_epoch_end(0, {"loss": 0.5})
    ...     log.on_train_end()
    ...     log.filename.read_text().split()
    ['epoch,loss,val_loss', '0,0.5,NA']
    """

    def __init__(self, filename: Any, separator: str = ",", append: Flag = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1 or separator in '\r\n"':
            raise DataError(f"CSVLogger: separator must be one character, received {separator!r}")
        self.filename, self.separator = _path(filename, "filename", "CSVLogger"), separator
        self.append = append
        self._file: Any = None
        self._names: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file, or raise an error if it cannot be written."""
        try:
            self._file = self.filename.open("a+", newline="", encoding="utf-8")
        except OSError as error:
            raise FileError(f"CSVLogger: cannot write {self.filename}: {error.strerror}") from error
        self._names = self._header() if self.append else []
        self._begins = not self.append

    def _header(self) -> list[str]:
        import csv

        self._file.seek(0)
        names = next(csv.reader(self._file, delimiter=self.separator), [])
        self._file.seek(0, os.SEEK_END)
        return names

    def get_state(self) -> dict[str, Any]:
        """Return the length of the file and the names of its columns."""
        return {"size": self._file.tell() if self._file else 0, "names": self._names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Truncate the file to its length at the checkpoint."""
        size = min(int(state["size"]), self._file.seek(0, os.SEEK_END))
        self._file.truncate(size)
        self._names = list(state["names"]) if size else []
        self._begins = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the row of this epoch."""
        import csv

        row = {"epoch": epoch, **(logs or {})}
        if self._begins:  # not earlier: a resumed run keeps its rows
            self._file.truncate(0)
            self._begins = False
        begins = not self._names
        self._names = self._names or _columns(logs or {})
        writer = csv.DictWriter(
            self._file, self._names, restval="NA", extrasaction="ignore", delimiter=self.separator,
        )  # fmt: skip
        if begins:
            writer.writerow({name: for_csv(name) for name in self._names})
        writer.writerow(row)
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._file.close()


def _columns(logs: Logs) -> list[str]:
    """Return the columns in Keras's order, with validation scores, which later epochs may have."""
    names = sorted(logs)
    validated = any(name.startswith("val_") for name in names)
    return ["epoch", *names, *(() if validated else (f"val_{name}" for name in names))]


class TensorBoard(Callback):
    """Writes the scores of every epoch for TensorBoard: ``epoch_loss`` and so on.

    Parameters
    ----------
    log_dir : path, default "logs"
        Folder in which the folders ``train`` and ``validation`` are created.
    histogram_freq : int, default 0
        Number of epochs between histograms of the weights; 0 means none.
    write_graph : ignored
    write_images, write_steps_per_second, update_freq, profile_batch, embeddings_freq
    embeddings_metadata
        Options of Keras without a counterpart; a warning says so if one is set.

    Raises
    ------
    MissingDependencyError
        If ``tensorboardX`` is not installed.
    DataError
        If ``log_dir`` is no path.
    FileError
        If the folder cannot be created, when training begins.

    Examples
    --------
    >>> TensorBoard("logs/run-1", histogram_freq=5).log_dir.as_posix()
    'logs/run-1'
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: Count = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        ignored = {"write_images": write_images, "write_steps_per_second": write_steps_per_second,
                   "update_freq": update_freq, "profile_batch": profile_batch,
                   "embeddings_freq": embeddings_freq}  # fmt: skip
        for name, value in ignored.items():
            if str(value) not in ("epoch", "False", "0"):
                warnings.warn(f"TensorBoard: {name} has no counterpart; the scores of every epoch "
                              "are written, and histograms", stacklevel=2)  # fmt: skip
        needs("TensorBoard", "tensorboard", "tensorboardX")
        self.log_dir = _path(log_dir, "log_dir", "TensorBoard")
        self.histogram_freq = histogram_freq
        self._writers: dict[str, Any] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Create the folder, or raise an error if it cannot be created."""
        try:
            self.log_dir.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise FileError(f"TensorBoard: cannot write to {self.log_dir}: {error}") from error

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the scores, and the histograms of the weights if they are due."""
        for name, score in (logs or {}).items():
            is_validation = name.startswith("val_")
            writer = self._writer("validation" if is_validation else "train")
            writer.add_scalar(f"epoch_{name.removeprefix('val_')}", score, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, weight in self.model.params.items():
                self._writer("train").add_histogram(name, weight, epoch)
        for writer in self._writers.values():
            writer.flush()

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            with deferred():
                from tensorboardX import SummaryWriter

            self._writers[part] = SummaryWriter(str(self.log_dir / part))
        return self._writers[part]

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


class GradientNorms(Callback):
    r"""Computes the norm of the mean gradient over a data set after every epoch.

    .. math:: \Big\lVert \frac1n \sum_i \nabla_\theta \ell(x_i, y_i) \Big\rVert

    The norm goes into the history as ``gradient_norm``, and that of every array of weights as
    ``gradient_norm_`` with the array's name.

    Parameters
    ----------
    x, y : array_like, optional
        Data set; by default the training data, if they are arrays.

    Raises
    ------
    DataError
        If only one of ``x`` and ``y`` is given, or there are no arrays of training data.

    Examples
    --------
    For :math:`\ell = (w + b - 1)^2` with :math:`w = b = 0` both derivatives are -2:

    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(cr.optimizers.SGD(0.0), loss="mse")
    >>> norms = GradientNorms()
    >>> history = model.fit([[1.0]], [[1.0]], epochs=1, callbacks=[norms], verbose=0)
    >>> round(history.gradient_norm[0], 3)
    2.828
    """

    def __init__(self, x: Any = None, y: Any = None) -> None:
        if (x is None) != (y is None):
            raise DataError("GradientNorms: give x and y, or none of them")
        self.data = None if x is None else (x, y)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check that there are samples, and that they fit the model."""
        if not hasattr(self.model, "gradients"):
            raise DataError("GradientNorms: what is trained is no model with gradients")
        if self.data is not None:
            self.model.gradients(*self.data)
        elif self.model.training_data is None:
            raise DataError("GradientNorms: training takes batches as they come; give x and y")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compute the norms, and add them to the scores."""
        gradients = self.model.gradients(*(self.data or self.model.training_data))
        squares = {name: float(np.sum(np.square(g, dtype=float))) for name, g in gradients.items()}
        if logs is not None:
            logs["gradient_norm"] = float(np.sqrt(sum(squares.values())))
            logs |= {f"gradient_norm_{name}": float(np.sqrt(s)) for name, s in squares.items()}


def _path(path: Any, name: str, where: str) -> Path:
    if not isinstance(path, str | Path):
        raise DataError(f"{where}: {name} must be a path, received {path!r}")
    return Path(path)
