"""The base class of callbacks, the history, and functions as callbacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

from chainrule._src.base.arguments import checking
from chainrule._src.base.errors import DataError, DivergenceError
from chainrule._src.base.interrupts import immediate
from chainrule._src.base.showing import Shown
from chainrule._src.base.validation import check_count, lookup

Logs = dict[str, float]


class Callback(Shown):
    """Called at the start and the end of training, of epochs and batches; override what you need.

    Names and arguments are Keras's. ``logs`` holds the scores so far; scores that a callback adds
    to ``logs`` at the end of an epoch go into the history.

    Attributes
    ----------
    model : object
        The model in training, with ``optimizer`` (whose ``learning_rate`` may be set),
        ``params``, ``history`` and ``stop_training`` (set it to True to end after this epoch, or,
        after an update, to end the epoch as well).
    params : dict
        ``verbose``, ``epochs`` and ``steps`` (batches an epoch), as in Keras; ``samples``.
    sees_weights : bool
        If true, the current weights are copied into the model's layers whenever an epoch ends. If
        false, only ``model.params`` has them, and epochs of few updates end sooner.

    Examples
    --------
    >>> class Below(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.3:
    ...             self.model.stop_training = True
    >>> import numpy as np
    >>> import chainrule as cr
    >>> model = cr.Sequential([cr.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(cr.optimizers.SGD(0.25), loss="mse")
    >>> model.fit(np.ones((1, 1)), np.ones((1, 1)), epochs=9, callbacks=[Below()], verbose=0).loss
    [1.0, 0.0]
    """

    sees_weights = True
    model: Any = None
    params: dict[str, Any] = {}  # noqa: RUF012  (replaced, never changed)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__ = checking(cls.__init__)  # type: ignore[method-assign]

    def set_model(self, model: Any) -> None:
        """Set the model that is trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the parameters of the run, see the attribute ``params``."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Act before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Act after the last epoch, also where training ends early."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Act before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Act after an epoch, with its scores."""

    def on_epoch_kept(self, epoch: int, logs: Logs | None = None) -> None:
        """Act after all callbacks have run `on_epoch_end` and the history is updated: to save."""

    def on_divergence(self, error: DivergenceError) -> bool:
        """Act when the loss turns NaN or infinite; if True is returned, no error is raised."""
        return False

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before an update. If a class overrides a batch event, updates run one at a time."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after an update, with the epoch's scores so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before an update: an older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after an update: an older name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Act before samples are scored: the validation data after an epoch, or in `evaluate`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Act after samples were scored, with the scores."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch is scored."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch was scored, with the scores so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Act before predictions."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Act after predictions."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch is predicted."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch was predicted, with its ``outputs``."""

    def on_progress(self, batch: int, logs: Logs | None = None) -> None:
        """Act within an epoch, after ``batch`` updates; at most some 20 times a second."""

    def get_state(self) -> dict[str, Any]:
        """Return the state that a checkpoint saves, for training to go on as if uninterrupted.

        It consists of numbers, texts, arrays, and lists and dicts of these.
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state that `get_state` returned."""
        vars(self).update({name: state[name] for name in self.get_state()})


@dataclass(repr=False)
class History(Callback):
    """Records the scores of every epoch. `fit` returns a history; it may also be a callback.

    Parameters
    ----------
    epoch : list of int, optional
        Numbers of the epochs, counted from 0; by default empty.
    history : dict of str to list of float, optional
        One list a score, aligned with ``epoch``; by default empty.

    Attributes
    ----------
    epoch, history
        As the parameters. A score can also be read as an attribute: ``history.loss`` is
        ``history.history["loss"]``.

    Examples
    --------
    >>> history = History()
    >>> history.append(0, {"loss": 2.3})
    >>> history.append(1, {"loss": 0.4})
    >>> history.loss
    [2.3, 0.4]
    """

    epoch: list[int] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the scores."""
        self.append(epoch, logs or {})

    def append(self, epoch: int, scores: Logs) -> None:
        """Add one epoch's scores."""
        self.epoch.append(epoch)
        for name, score in scores.items():
            self.history.setdefault(name, []).append(score)

    def extend(self, first: int, scores: dict[str, list[float]]) -> None:
        """Add the scores of several epochs."""
        for name, values in scores.items():
            self.history.setdefault(name, []).extend(values)
            count = len(values)
        self.epoch.extend(range(first, first + count))

    def __getattr__(self, name: str) -> list[float]:
        history = self.__dict__.get("history", {})
        if name in history:
            scores: list[float] = history[name]
            return scores
        raise AttributeError(f"the history has no {name!r}; it holds {', '.join(history)}")


class LambdaCallback(Callback):
    """Calls functions at events.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Called with ``(epoch, logs)``.
    on_train_begin, on_train_end : callable, optional
        Called with ``(logs)``.
    on_train_batch_begin, on_train_batch_end : callable, optional
        Called with ``(batch, logs)``.
    **others
        Functions for the other events, by their names; any other argument becomes an attribute.

    Raises
    ------
    DataError
        If a function cannot be called with the arguments of its event.
    UnknownNameError
        If no event has the name of an argument that begins with ``on_``.

    Examples
    --------
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> callback.on_epoch_end(3, {"loss": 0.5})
    3 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **others: Any,
    ) -> None:
        named = {name: value for name, value in locals().items() if name in EVENTS}
        for name, function in {**named, **others}.items():
            if name.startswith("on_") and function is not None:
                lookup("event", name, dict.fromkeys(EVENTS))
                count = len(inspect.signature(getattr(Callback, name)).parameters) - 1
                check_function(function, count, name, "LambdaCallback")
            if function is not None:
                vars(self)[name] = function


class FunctionCallback(Callback):
    """A plain function of the epoch and its scores; training ends when it returns True."""

    def __init__(self, function: Callable[[int, Logs], Any]) -> None:
        check_function(function, 2, "a callback", "callbacks")
        self.function = function

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Call the function."""
        if self.function(epoch, logs or {}) is True:
            self.model.stop_training = True


def check_verbose(verbose: Any, name: str, where: str) -> int:
    """Return the verbosity as an int, checked; ``False`` is 0 and ``True`` is 1."""
    return check_count(int(verbose) if isinstance(verbose, bool) else verbose, name, where)


Verbose = Annotated[int, check_verbose]


def check_function(function: Any, count: int, name: str, where: str) -> None:
    """Raise an error unless ``function`` can be called with ``count`` arguments."""
    if not callable(function) or isinstance(function, type):
        raise DataError(f"{where}: {name} must be a function, received {function!r}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions that are written in C have no signature
        return
    try:
        signature.bind(*range(count))
    except TypeError as error:
        raise DataError(
            f"{where}: {name} is called with {count} arguments, {function!r} takes others"
        ) from error


EVENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))
BATCH_EVENTS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


def as_callback(callback: Any, where: str) -> Callback:
    """Return a callback unchanged, and a plain function wrapped in a `FunctionCallback`.

    Parameters
    ----------
    callback : Callback or callable
        A function is called with ``(epoch, logs)`` after every epoch; True ends training.
    where : str
        Name of the caller, for the message of an error.

    Returns
    -------
    Callback

    Raises
    ------
    DataError
        If it is neither a callback nor a function of two arguments.

    Examples
    --------
    >>> as_callback(lambda epoch, logs: print(epoch), "fit").on_epoch_end(3)
    3
    """
    if isinstance(callback, Callback):
        return callback
    if callable(callback) and not isinstance(callback, type):
        return FunctionCallback(callback)
    hint = "; call the class, as in EarlyStopping()" if isinstance(callback, type) else ""
    raise DataError(
        f"{where}: a callback must be a Callback or a function, received {callback!r}{hint}"
    )


def as_callbacks(callbacks: Any, where: str, epochs: bool = True) -> list[Callback]:
    """Return a flat list of callbacks from one or a nested list; functions only with ``epochs``.

    Parameters
    ----------
    callbacks : Callback, nested list of callbacks and functions, or None
    where : str
        Name of the caller, for the message of an error.
    epochs : bool, default True
        If true, there are epochs, after which plain functions can be called.

    Returns
    -------
    list of Callback

    Raises
    ------
    DataError
        If an item is no callback.

    Examples
    --------
    >>> first, second = History(), Callback()
    >>> as_callbacks([first, [second]], "fit") == [first, second]
    True
    """
    if isinstance(callbacks, Callback):
        if hasattr(callbacks, "callbacks"):
            return as_callbacks(callbacks.callbacks, where)
        return [callbacks]
    if callbacks is not None and not isinstance(callbacks, list | tuple):
        raise DataError(f"{where}: callbacks must be one or a list, received {callbacks!r}")
    flat: list[Callback] = []
    for item in callbacks or ():
        if isinstance(item, Callback | list | tuple):
            flat += as_callbacks(item, where, epochs)
        elif epochs:
            flat.append(as_callback(item, where))
        else:
            raise DataError(f"{where}: a callback must be a Callback, received {item!r}")
    return flat


def by_name(logs: Logs) -> Logs:
    """Return scores sorted by name, which is the order in Keras's callbacks and history.

    Parameters
    ----------
    logs : dict of str to float

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> by_name({"loss": 0.5, "accuracy": 0.9})
    {'accuracy': 0.9, 'loss': 0.5}
    """
    return dict(sorted(logs.items()))


def introduce(callbacks: Iterable[Callback], model: Any, params: dict[str, Any]) -> None:
    """Call `set_model` and `set_params` of every callback.

    Parameters
    ----------
    callbacks : iterable of Callback
    model : object
        The model that is trained.
    params : dict
        The parameters of the run, see `Callback`.

    Examples
    --------
    >>> callback = Callback()
    >>> introduce([callback], "a model", {"epochs": 3})
    >>> callback.model, callback.params
    ('a model', {'epochs': 3})
    """
    tell(callbacks, "set_model", model)
    tell(callbacks, "set_params", params)


def tell(callbacks: Iterable[Callback], event: str, *args: Any) -> None:
    """Call the method ``event`` of every callback; the user may interrupt one with Ctrl-C.

    Parameters
    ----------
    callbacks : iterable of Callback
    event : str
        Name of the method, such as ``"on_epoch_end"``.
    *args
        Arguments of the method.

    Examples
    --------
    >>> history = History()
    >>> tell([history], "on_epoch_end", 0, {"loss": 0.5})
    >>> history.loss
    [0.5]
    """
    for callback in callbacks:
        with immediate():
            getattr(callback, event)(*args)


def listens(callbacks: Iterable[Callback], *events: str) -> bool:
    """Return true if any callback overrides one of these events.

    Parameters
    ----------
    callbacks : iterable of Callback
    *events : str
        Names of methods, such as ``"on_epoch_end"``.

    Returns
    -------
    bool

    Examples
    --------
    >>> listens([History()], "on_epoch_end"), listens([History()], "on_train_batch_end")
    (True, False)
    """
    return any(
        getattr(callback, event) != getattr(Callback, event).__get__(callback)
        for callback in callbacks
        for event in events
    )
