"""Callbacks: objects that are called at the events of a training run."""

from typing import NoReturn

from chainrule._src.nn.callbacks.callback import (
    Callback,
    FunctionCallback,
    History,
    LambdaCallback,
    Logs,
    as_callback,
    as_callbacks,
    by_name,
    introduce,
    listens,
    tell,
)
from chainrule._src.nn.callbacks.checkpoint import BackupAndRestore, ModelCheckpoint, backup
from chainrule._src.nn.callbacks.control import LearningRateScheduler, TerminateOnNaN
from chainrule._src.nn.callbacks.monitor import (
    BestWeights,
    EarlyStopping,
    MonitorCallback,
    ReduceLROnPlateau,
)
from chainrule._src.nn.callbacks.progress import EpochBars, EpochLines, ProgressBar
from chainrule._src.nn.callbacks.records import CSVLogger, GradientNorms, TensorBoard
from chainrule._src.nn.callbacks.several import CallbackList

ProgbarLogger = ProgressBar
"""Keras's name for `ProgressBar`."""

QUIET = frozenset((
    BackupAndRestore, BestWeights, CSVLogger, EarlyStopping, EpochBars, EpochLines, GradientNorms,
    History, ModelCheckpoint, ProgressBar, ReduceLROnPlateau, TerminateOnNaN,
))  # fmt: skip
"""Callbacks that run no code of the user, so that the training data cannot change meanwhile."""


def runs_code_of_the_user(callback: Callback) -> bool:
    """Return true if a callback's class is the user's, or if it calls functions of the user.

    Parameters
    ----------
    callback : Callback

    Returns
    -------
    bool

    Examples
    --------
    >>> runs_code_of_the_user(History()), runs_code_of_the_user(LambdaCallback())
    (False, True)
    """
    is_foreign = type(callback).__module__.partition(".")[0] != "chainrule"
    return is_foreign or isinstance(callback, CallbackList | FunctionCallback | LambdaCallback)


__all__ = [
    "QUIET", "BackupAndRestore", "BestWeights", "CSVLogger", "Callback", "CallbackList",
    "EarlyStopping", "EpochBars", "EpochLines", "GradientNorms", "History", "LambdaCallback",
    "LearningRateScheduler", "Logs", "ModelCheckpoint", "MonitorCallback", "ProgbarLogger",
    "ProgressBar", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN", "as_callback",
    "as_callbacks", "backup", "by_name", "introduce", "listens", "runs_code_of_the_user", "tell",
]  # fmt: skip

REFUSED = {
    "OrbaxCheckpoint": "ModelCheckpoint saves what training needs to go on",
    "RemoteMonitor": "send the scores yourself in LambdaCallback(on_epoch_end=...)",
    "SwapEMAWeights": "with use_ema=True the averages take the weights' place at the end",
}
"""Keras's callbacks that this package does not have, with advice what to write instead."""


def __getattr__(name: str) -> NoReturn:
    advice = f"; {REFUSED[name]}" if name in REFUSED else ""
    raise AttributeError(f"chainrule.callbacks has no {name!r}{advice}")
