"""What watches a training run, epoch by epoch."""

from chainrule.callbacks.callback import (
    Callback,
    History,
    LambdaCallback,
    Logs,
    as_callback,
    listens,
    tell,
)

__all__ = ["Callback", "History", "LambdaCallback", "Logs", "as_callback", "listens", "tell"]
