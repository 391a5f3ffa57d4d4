"""What watches a training run, epoch by epoch."""

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
from chainrule._src.nn.callbacks.progress import EpochLines, ProgressBar
from chainrule._src.nn.callbacks.records import CSVLogger, GradientNorms, TensorBoard
from chainrule._src.nn.callbacks.several import CallbackList

ProgbarLogger = ProgressBar
"""Keras's name."""

QUIET = frozenset((
    BackupAndRestore, BestWeights, CSVLogger, EarlyStopping, EpochLines, GradientNorms, History,
    ModelCheckpoint, ProgressBar, ReduceLROnPlateau, TerminateOnNaN,
))  # fmt: skip
"""Callbacks that run nobody else's code: what is trained on stays as it is meanwhile."""


def runs_code_of_the_user(callback: Callback) -> bool:
    """Whether a callback is of the user's own class, or calls functions of the user."""
    own = type(callback).__module__.partition(".")[0] != "chainrule"
    return own or isinstance(callback, CallbackList | FunctionCallback | LambdaCallback)


__all__ = [
    "QUIET", "BackupAndRestore", "BestWeights", "CSVLogger", "Callback", "CallbackList",
    "EarlyStopping", "EpochLines", "GradientNorms", "History", "LambdaCallback",
    "LearningRateScheduler", "Logs", "ModelCheckpoint", "MonitorCallback", "ProgbarLogger",
    "ProgressBar", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN", "as_callback",
    "as_callbacks", "backup", "by_name", "introduce", "listens", "runs_code_of_the_user", "tell",
]  # fmt: skip

REFUSED = {
    "OrbaxCheckpoint": "ModelCheckpoint saves what training needs to go on",
    "RemoteMonitor": "send the scores yourself in LambdaCallback(on_epoch_end=...)",
    "SwapEMAWeights": "with use_ema=True the averages take the weights' place at the end",
}
"""Keras's callbacks that are not here, and what to write instead."""


def __getattr__(name: str) -> NoReturn:
    advice = f"; {REFUSED[name]}" if name in REFUSED else ""
    raise AttributeError(f"chainrule.callbacks has no {name!r}{advice}")
