"""Callbacks: what happens before, during and after training."""

from chainrule._src.nn.callbacks import (
    QUIET,
    BackupAndRestore,
    BestWeights,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    EpochBars,
    EpochLines,
    GradientNorms,
    History,
    LambdaCallback,
    LearningRateScheduler,
    Logs,
    ModelCheckpoint,
    MonitorCallback,
    ProgbarLogger,
    ProgressBar,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
    as_callback,
    as_callbacks,
    backup,
    by_name,
    introduce,
    listens,
    runs_code_of_the_user,
    tell,
)
from chainrule._src.nn.callbacks import __getattr__ as __getattr__

__all__ = [
    "QUIET", "BackupAndRestore", "BestWeights", "CSVLogger", "Callback", "CallbackList",
    "EarlyStopping", "EpochBars", "EpochLines", "GradientNorms", "History", "LambdaCallback",
    "LearningRateScheduler", "Logs", "ModelCheckpoint", "MonitorCallback", "ProgbarLogger",
    "ProgressBar", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN", "as_callback",
    "as_callbacks", "backup", "by_name", "introduce", "listens", "runs_code_of_the_user", "tell",
]  # fmt: skip
