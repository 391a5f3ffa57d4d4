"""`minimize`: training of any loss written in NumPy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np

from chainrule._src.base.arrays import as_floats, as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.interrupts import deferred
from chainrule._src.base.validation import check_positive, check_seed, lookup
from chainrule._src.compile.running.engines import Engine
from chainrule._src.compile.running.form import keep
from chainrule._src.compile.running.repeated import recorded_key
from chainrule._src.compile.running.steps import ENGINES, make_engine
from chainrule._src.compile.running.threads import in_turn
from chainrule._src.core.recording import tape
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn import optimizers
from chainrule._src.nn.callbacks import Callback, History, as_callbacks
from chainrule._src.nn.optimizers.optimizer import settings_of
from chainrule._src.nn.training.supply import Batches, Samples, gives_batches
from chainrule._src.nn.training.trainer import Run, Trainer, rate_of
from chainrule._src.trace.keys import tape_key

T = TypeVar("T")
_rules: dict[Hashable, Hashable] = {}  # cache keys of recorded update rules, by settings


@in_turn()
def minimize(
    loss: Callable[..., Any],
    params: T,
    X: Any,
    y: Any = None,
    *,
    optimizer: str | optimizers.Optimizer = "sgd",
    epochs: int = 1,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | np.random.Generator | None = None,
    validation_data: tuple[Any, ...] | None = None,
    callbacks: Sequence[Callback | Callable[..., Any]] = (),
    engine: str = "auto",
) -> tuple[T, History]:
    r"""Minimise a loss over batches of samples, at compiled speed.

    The loss, its gradient and the optimizer's rule are recorded as one program, whose epochs
    run as machine code.

    Parameters
    ----------
    loss : callable
        ``loss(params, X, y)``, or ``loss(params, X)`` without ``y``: plain NumPy code that returns
        the mean over the samples of a batch as a single number. It is recorded before the first
        epoch, with the values of globals and attributes at that time; if a callback changes a
        value that the loss reads, training raises a TraceError.
    params : tree of array_like of floats
        Initial values: arrays, or dicts, lists and tuples of arrays. They are not changed.
    X, y : array_like, or tree of array_like, with a sample a row
        A `numpy.memmap` is read batch by batch. Floats are cast to the dtype of the parameters.
        Instead of both, ``X`` may yield batches: a list, a loader or a function that returns a
        new iterator for every epoch; a batch is an array or a tuple ``(X, y)``.
    optimizer : str or Optimizer, default "sgd"
        See `chainrule.optimizers`.
    epochs : int, default 1
    batch_size : int, default 32
        Samples per update; the last batch of an epoch may be smaller.
    shuffle : bool, default True
        If true, every epoch takes the samples in a new random order.
    seed : int, Generator or None
        Seed of the order. The same seed gives the same parameters, bit for bit.
    validation_data : tuple, optional
        ``(X, y)``, whose loss is computed after every epoch.
    callbacks : sequence of Callback or callable
        A plain function is called with ``(epoch, logs)``; training ends when it returns True.
    engine : {"auto", "compiled", "numpy"}, default "auto"
        ``"auto"`` adds up the time that NumPy takes for all runs of the same structure in this
        process, and compiles when that exceeds the time of compiling. NumPy and machine code
        round differently, so the last bits may differ between the first of several equal calls
        and later ones; name an engine for the same bits in all calls. A loss that cannot be
        compiled runs in NumPy, with a warning that gives the reason.

    Returns
    -------
    params : tree of ndarray
        The trained parameters, in the structure and the dtypes of ``params``.
    history : History
        ``history.loss``: the mean loss of every epoch's samples, each taken before its update;
        ``history.val_loss`` with ``validation_data``; ``history.params["engine"]``: the engine
        that ran, "numpy" or "compiled".

    Raises
    ------
    ShapeError, DataError, UnknownNameError
        For input that does not fit, before training starts.
    CompileError
        For ``engine="compiled"``, if the loss cannot be compiled.
    TraceError
        If a callback changes a global or an attribute that the loss reads. This is checked after
        1, 2, 4, 8, … epochs and after the last epoch.
    DivergenceError
        If a loss is NaN or infinite. The exception holds the last good ``params``.

    Notes
    -----
    Ctrl-C ends training, after the present update or within a callback, and returns the parameters
    of that moment.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> def loss(w, X, y):
    ...     return np.mean((X @ w - y) ** 2)
    >>> w, history = minimize(
    ...     loss, np.zeros(3), X, X @ [1.0, 2.0, 3.0], optimizer="sgd", epochs=200, seed=0
    ... )
    >>> w.round(2)
    array([1., 2., 3.])
    """
    if not callable(loss):
        raise DataError(f"minimize: loss must be a function, received {loss!r}")
    epochs = check_positive(epochs, "epochs", "minimize")
    batch_size = check_positive(batch_size, "batch_size", "minimize")
    rng = check_seed(seed, "minimize")
    lookup("engine", engine, ENGINES)
    rule = optimizers.get(optimizer, "minimize")
    watching = as_callbacks(callbacks, "minimize")
    start = map_leaves(as_parameter, params)
    if not list(leaves(start)):
        raise DataError("minimize: params holds no array")
    supply: Samples | Batches
    if y is None and gives_batches(X):
        supply = Batches(X, _batch, "minimize")
    else:
        supply = Samples(samples(X, y, "X, y"), batch_size, rng if shuffle else None)
    validation = None if validation_data is None else _validation(validation_data)

    def score(carry: Any, *data: Any) -> tuple[Any, Any]:
        return loss(carry["params"], *data), carry

    carry = {"params": start, "state": map_leaves(np.asarray, rule.init(start))}

    def make_run(step: Any, carry: Any, supply: Any) -> Run:
        data, size, updates = supply.first, supply.batch_size, epochs * supply.updates
        return Run(make_engine(step, loss, carry, data, size, engine, updates), supply)

    run = make_run(Update(loss, rule), carry, supply)
    checks = None
    if validation is not None:
        checked = Samples(validation, batch_size, None)
        checks = make_run(score, {"params": start}, checked)
    training = Training(run.engine, rule)
    trainer = Trainer(run, training, loss, "minimize", watching, checks)
    with deferred(late=trainer.interrupted):
        trainer.train(epochs)
        trained: T = training.params
        return trained, training.history


class Update:
    """An update, ``step(carry, *data)``: maps parameters and optimizer state to new values.

    Parameters
    ----------
    loss : callable
    rule : Optimizer
    """

    def __init__(self, loss: Callable[..., Any], rule: Any) -> None:
        self.loss, self.rule = loss, rule
        self._graded = value_and_grad(loss)

    def __call__(self, carry: Any, *data: Any) -> tuple[Any, Any]:
        """Return the loss and the new carry."""
        value, gradients = self._graded(carry["params"], *data)
        trained, state = self.rule.update(carry["params"], gradients, carry["state"])
        return value, {"params": trained, "state": state}

    def told(self, arguments: dict[str, Any]) -> Hashable:
        """Return a cache key of the step: the recorded loss and the recorded update rule."""
        (_, carry), *data = arguments.items()
        loss_key = recorded_key(self.loss, {"carry": carry["params"], **dict(data)})
        return loss_key, self._rule_told(**carry)

    def _rule_told(self, params: Any, state: Any) -> Hashable:
        """Return a cache key of the update rule; equal settings reuse an earlier recording."""
        settings = settings_of(self.rule)
        forms = [(path, leaf.shape, leaf.dtype) for path, leaf in leaves([params, state])]
        key = None if settings is None else (settings, *forms)
        rule_key = _rules.get(key)
        if rule_key is None:
            arguments = {"params": params, "gradients": params, "state": state}
            rule_key = tape_key(tape(self.rule.update, arguments, named=False))
            if key is not None:
                keep(_rules, key, rule_key)
        return rule_key


class Training:
    """The ``model`` of callbacks during `minimize`.

    Attributes
    ----------
    optimizer : Optimizer
        A copy; its ``learning_rate`` can be set if it does not follow a schedule.
    history : History
    stop_training : bool
        Set it to True to end after this epoch.
    """

    def __init__(self, engine: Engine, optimizer: Any) -> None:
        self._engine = engine
        self.optimizer = copy.copy(optimizer)
        self.history = History()
        self.stop_training = False

    def trained(self, engine: Engine) -> None:
        """Do nothing: the trained parameters stay in the engine."""

    @property
    def params(self) -> Any:
        """A copy of the current parameters."""
        return self._engine.read("params")

    @params.setter
    def params(self, params: Any) -> None:
        self._engine.write("params", params)

    @property
    def learning_rate(self) -> float:
        """The learning rate. It can be set if it does not follow a schedule."""
        return rate_of(self.optimizer, self._engine.read("state"))

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.optimizer.learning_rate = rate


def as_parameter(leaf: Any, where: str = "minimize") -> Any:
    """Return a parameter as an array of floats; raise an error if it is not finite."""
    array = as_floats(leaf, "params", where)
    if not np.isfinite(array).all():
        raise DataError(f"{where}: params holds NaN or infinite values")
    return array


def _batch(batch: Any) -> tuple[Any, ...]:
    """Return a loss's arguments after the parameters from a batch, ``X`` or ``(X, y)``."""
    parts = batch if isinstance(batch, tuple) else (batch,)
    return samples(parts[0], parts[1] if len(parts) > 1 else None, "a batch")


def _validation(validation_data: Any) -> tuple[Any, ...]:
    """Return a loss's arguments after the parameters from validation data."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (1, 2):
        raise DataError(
            "minimize: validation_data must be (X, y), or (X,) for a loss without y, received "
            f"{type(validation_data).__name__}"
        )
    y = validation_data[1] if len(validation_data) == 2 else None
    return samples(validation_data[0], y, "validation_data")


def samples(X: Any, y: Any, name: str, where: str = "minimize") -> tuple[Any, ...]:
    """Return ``(X, y)``, or ``(X,)`` without ``y``, as arrays of equally many rows."""

    def array(leaf: Any) -> Any:
        array_or_file = leaf if isinstance(leaf, np.memmap) else as_numbers(leaf, name, where)
        if array_or_file.ndim == 0 or len(array_or_file) == 0:
            raise DataError(
                f"{where}: {name} must hold a sample a row, received shape {array_or_file.shape}"
            )
        return array_or_file

    data = tuple(map_leaves(array, part) for part in ((X,) if y is None else (X, y)))
    lengths = {len(leaf) for _, leaf in leaves(data)}
    if len(lengths) != 1:
        raise ShapeError(
            f"{where}: expected arrays of equally many samples in {name}, received "
            f"{', '.join(str(leaf.shape) for _, leaf in leaves(data))}"
        )
    return data
