"""A callback that forwards all events to a list of callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule._src.nn.callbacks.callback import EVENTS, Callback, History, as_callbacks
from chainrule._src.nn.callbacks.progress import ProgressBar


class CallbackList(Callback):
    """Forwards all events to a list of callbacks, for a training loop that you write yourself.

    Parameters
    ----------
    callbacks : Callback or sequence of such, optional
    add_history, add_progbar : bool, default False
        If true, a `History` or a `ProgressBar` is added, unless the list contains one.
    model : object, optional
        The model that is trained.
    **params
        The entries of `Callback.params`.

    Raises
    ------
    DataError
        If an item is no callback.

    Examples
    --------
    >>> history = History()
    >>> together = CallbackList([history])
    >>> together.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = as_callbacks(callbacks, "CallbackList")
        for is_added, kind in ((add_history, History), (add_progbar, ProgressBar)):
            if is_added and not any(isinstance(each, kind) for each in self.callbacks):
                self.callbacks.append(kind())
        self.set_model(model)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Add a callback."""
        self.callbacks.append(callback)


def _forwarded(event: str) -> Callable[..., Any]:
    def hear(self: CallbackList, *args: Any, **logs: Any) -> bool | None:
        heard = [getattr(each, event)(*args, **logs) for each in self.callbacks]
        return any(heard) or None

    return hear


for _event in (*EVENTS, "set_model", "set_params"):
    setattr(CallbackList, _event, _forwarded(_event))
