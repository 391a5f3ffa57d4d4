"""`fit`, `evaluate` and `train_on_batch` of a compiled model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.interrupts import deferred, immediate
from chainrule._src.base.registry import provided
from chainrule._src.base.validation import (
    check_count,
    check_flag,
    check_positive,
    check_seed,
)
from chainrule._src.nn.callbacks import Callback, History, Logs, as_callbacks, backup, introduce
from chainrule._src.nn.callbacks.progress import history_among, scores_line, verbosity, watchers
from chainrule._src.nn.layers.given import first_of
from chainrule._src.nn.network.conditions import Conditions
from chainrule._src.nn.network.contents import resume
from chainrule._src.nn.network.inputs import comes_in_parts, split
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.network.options import (
    BatchSizes,
    ValidationOptions,
    Weights,
    positive_or_none,
)
from chainrule._src.nn.network.runs import make_run
from chainrule._src.nn.network.steps import Stepped
from chainrule._src.nn.network.unchanged import unchanged_on_error
from chainrule._src.nn.optimizers.applying import state_for
from chainrule._src.nn.training.supply import Batches, Samples, gives_batches
from chainrule._src.nn.training.trainer import Trainer


class Trainable(Stepped):
    """A stack of layers that is trained, scored, and predicts."""

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback | Callable[..., Any]] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        drop_remainder: bool = False,
        seed: int | np.random.Generator | None = None,
        resume_from: Any = None,
        client: Any = None,
        **rounds: Any,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x, y : array_like with one sample per row
            `numpy.memmap` files are read batch by batch. Instead of both, ``x`` may yield batches
            ``(x, y)`` or ``(x, y, sample_weight)``: a list, a loader, a generator with
            ``steps_per_epoch``, or a function that returns a new iterator for every epoch.
            Large data are trained on in rounds, one part after another or by a cluster: Dask's
            arrays and frames, the path of a ``.npy`` file, or the path of a Parquet file or folder
            with the name of a column as ``y``.
        batch_size : int, default 32
        epochs : int, default 1
            Number of the last epoch, counted from 1.
        verbose : {"auto", 0, 1, 2}
            1 writes a line with a bar per epoch, 2 one without; "auto" shows one bar for all epochs
            on a terminal or in a notebook.
        callbacks : Callback, callable, or sequence of such, optional
            A `History` in this list becomes the model's history.
        validation_split : float, default 0
            Share of the samples, the last ones, that are used as validation data.
        validation_data : tuple, optional
            ``(x, y)`` or ``(x, y, sample_weight)``, scored after every epoch, files and collections
            as for ``x`` too; or an iterable of such batches.
        shuffle : bool, default True
        class_weight : dict, optional
            Weights by class number.
        sample_weight : array_like, shape (n,), optional
        initial_epoch : int, default 0
        steps_per_epoch : int, optional
            Largest number of updates per epoch; the next epoch continues with the next samples.
        validation_steps : int, optional
            Largest number of validation batches that are scored.
        validation_batch_size : int, optional
            By default ``batch_size``.
        validation_freq : int or sequence of int, default 1
            Number of epochs between validations, or the epochs, counted from 1, to validate after.
        drop_remainder : bool, default False
            If true, the last batch of an epoch is left out if it has fewer samples than the
            others; with ``shuffle`` these are other samples in every epoch.
        seed : int, Generator or None
            Seed of the order of samples; by default the model's generator continues.
        resume_from : path, optional
            A file of `ModelCheckpoint` from which training resumes, with the same bits as without
            an interruption. There may be more epochs, and other callbacks that show progress; data,
            batch size, ``shuffle``, loss, metrics and optimizer must be the same. The learning rate
            and the engine are those of the checkpoint.
        client : distributed.Client, optional
            The client of a cluster whose workers train in rounds.
        **rounds
            Options of rounds, see `chainrule.distributed.Rounds`. With any of these, arrays are
            trained on in rounds as well.

        Returns
        -------
        History
            ``history.history["loss"]`` and so on, as in Keras.

        Raises
        ------
        ShapeError, DataError, UnknownNameError
            For input that does not fit, before training starts; in rounds, when a part is read
            for the first time. The model is then as it was before.
        DivergenceError
            If the loss turns NaN or infinite; the model keeps the last good weights.
        """
        self._check_compiled("fit")
        if self._running is not None:
            raise DataError("fit: this model is in training; let that run end first")
        if client is not None or rounds or comes_in_parts(x):
            _refuse(
                validation_split=validation_split, initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
                validation_batch_size=validation_batch_size, drop_remainder=drop_remainder,
                validation_freq=None if validation_freq == 1 else validation_freq,
                resume_from=resume_from, train_step=self.has_own_step,
            )  # fmt: skip
            return provided("fit_in_rounds")(  # type: ignore[no-any-return]
                self, x, y, rounds, client=client, batch_size=batch_size, epochs=epochs,
                verbose=verbose, callbacks=callbacks, validation_data=validation_data,
                shuffle=shuffle, class_weight=class_weight, sample_weight=sample_weight, seed=seed,
            )  # fmt: skip
        epochs = check_positive(epochs, "epochs", "fit")
        first = check_count(initial_epoch, "initial_epoch", "fit")
        watching = watchers(callbacks, verbose, "fit")
        with immediate(), unchanged_on_error(self):
            if seed is not None:
                self.rng = check_seed(seed, "fit")
            rng = self.rng if check_flag(shuffle, "shuffle", "fit") else None
            sizes = BatchSizes(batch_size, steps_per_epoch, drop_remainder)
            if validation_batch_size is None:
                validation_batch_size = sizes.batch_size
            held_out = ValidationOptions(
                validation_split, validation_data, validation_batch_size, validation_steps
            )
            weights = Weights(sample_weight, class_weight)
            again = epochs - first > 1  # an iterator can be gone through once
            supply, validation = self._supplies(x, y, weights, sizes, held_out, rng, again)
            is_due = _due(validation_freq)
            conditions, states = Conditions(self, supply, validation, rng is not None), None
            self.history, self.stop_training = history_among(watching), False
            self.history.epoch = []
            self.optimizer_state = state_for(
                self.optimizer, self.network.params, self.optimizer_state
            )
            mode = self.engine
            start = backup(watching) if resume_from is None else resume_from
            if start is not None:
                past = resume_from is not None  # a backup's history is not restored, as in Keras
                first, mode, states, at = resume(self, start, conditions, past)
                if isinstance(supply, Samples):
                    supply.go_on(None if rng is None else self.rng, at)
            updates = max(epochs - first, 0) * supply.updates
            objective, checks = self.objective, None
            run = make_run(
                objective, self.optimizer, supply, mode, updates, self._recordings,
                state=self.optimizer_state,
            )  # fmt: skip
            if validation is not None:
                updates = max(epochs - first, 0) * validation.updates
                checks = make_run(
                    objective, None, validation, mode, updates, self._recordings,
                    counts_others=False,
                )  # fmt: skip
            loss = None if self.has_own_step else objective.loss_of_params
            parts = ("params", "layers")
            trainer = Trainer(run, self, loss, "fit", watching, checks, parts, is_due)
        self.conditions = conditions
        self.training_data = supply.first if isinstance(supply, Samples) else None
        try:
            self.run_trainer(trainer, epochs, first, states, verbose)
        finally:
            conditions.data = None
        return self.history

    def run_trainer(
        self, trainer: Trainer, epochs: int, first: int, states: Any, verbose: int | str
    ) -> None:
        """Run a trainer; meanwhile ``self.trainer`` is set, for callbacks."""
        with deferred(late=trainer.interrupted):
            self.trainer, self._running = trainer, trainer.run.engine
            try:
                trainer.train(epochs, first, states, verbose)
            finally:
                self._running = self.trainer = self.training_data = None

    def training_parts(
        self, x: Any, y: Any, where: str, weight: Any = None, class_weight: Any = None
    ) -> tuple[Any, Objective]:
        """Return checked data and the objective; build the model for the data.

        Raises
        ------
        ShapeError, DataError
            For data that do not fit, or a model that is not compiled.
        """
        self.check_recorded()
        data, objective = self._parts(x, y, where, weight, class_weight)
        if not self.network.params:
            raise DataError(f"{where}: no layer has weights that are trained")
        return data, objective

    def _supplies(
        self, x: Any, y: Any, weights: Weights, sizes: BatchSizes, held_out: ValidationOptions,
        rng: Any, again: bool,
    ) -> tuple[Samples | Batches, Samples | Batches | None]:  # fmt: skip
        """Return training and validation data, checked; build the model."""
        validation = None
        if y is None and gives_batches(x):
            if held_out.share or weights.of_samples is not None:
                raise DataError(
                    "fit: validation_split and sample_weight need arrays; batches may be "
                    "(x, y, sample_weight), and validation_data holds samples back"
                )
            checked = partial(self.checked_batch, class_weight=weights.of_classes)
            supply: Samples | Batches = Batches(x, checked, "fit", sizes.steps, again)
        else:
            data = self._data(x, y, weights.of_samples, weights.of_classes, "fit")
            if held_out.share and held_out.data is None:
                data, validation = split(data, held_out.share, "fit")
                if weights.of_classes is not None:  # class weights apply to training only
                    validation = validation[:2]
            supply = Samples(data, sizes.batch_size, rng, sizes.steps, sizes.drop_remainder)
        self._build(supply.first)
        samples = _in_batches(self, held_out.data, held_out.batch_size)
        if gives_batches(samples):
            validation = samples
        elif samples is not None:
            validation = self.checked_batch(samples, "validation_data")
        if validation is None:
            return supply, None
        where = "fit: validation_data"
        return supply, self._scored(validation, held_out.batch_size, held_out.steps, where)

    def _scored(
        self, data: Any, size: int, steps: int | None, where: str, again: bool = True
    ) -> Samples | Batches:
        """Return data or batches to score; build the model."""
        if gives_batches(data):
            supply: Samples | Batches = Batches(data, self.checked_batch, where, steps, again)
        else:
            supply = Samples(data, size, None, steps)
        self._build(supply.first)
        return supply

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one update, and return the batch's scores before the update, as `evaluate` does.

        The update is recorded at the first call, and again if layers, loss, metrics, optimizer or
        one of their attributes are other objects. Other values that your code reads, globals for
        instance, keep the value at the recording.
        """
        check_flag(return_dict, "return_dict", "train_on_batch")
        before = self.history
        recordings = self._recording_cache.of(
            self.layers, self.loss, self.optimizer, *chain(*self.compiled_metrics)
        )
        try:
            with self.recorded_as(recordings, alone=True):
                logs = self.fit(
                    x, y, batch_size=_rows(x), verbose=0, shuffle=False,
                    sample_weight=sample_weight, class_weight=class_weight,
                )  # fmt: skip
        finally:
            self.history = before
        if self.stop_training:  # Ctrl-C is for the loop around
            raise KeyboardInterrupt
        last = {name: values[-1] for name, values in logs.history.items()}
        first = [name for name in ("loss", *self.objective.named) if name in last]
        return _scores({name: last[name] for name in (*first, *last)}, return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Sequence[Callback | Callable[..., Any]] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Return loss and metrics of a data set.

        Parameters
        ----------
        x, y, batch_size, sample_weight
            As for `fit`; files and collections are read part by part, in batches of 1,024 rows by
            default. A loss that is not a mean over samples, such as one with
            ``reduction="sum"``, depends on the batch size.
        verbose : {"auto", 0, 1, 2}
            1 prints a line with a bar, 2 one without.
        steps : int, optional
            Largest number of batches.
        callbacks : sequence of Callback, optional
            Callbacks with ``on_test_…`` methods.
        return_dict : bool, default False

        Returns
        -------
        float, list of float or dict
            The loss alone if there are no metrics, ``[loss, *metrics]``, or a dict by name.
        """
        self._check_compiled("evaluate")
        check_flag(return_dict, "return_dict", "evaluate")
        steps = positive_or_none(steps, "steps")
        level = verbosity(verbose)
        watching = as_callbacks(callbacks, "evaluate", epochs=False)
        size = 32 if batch_size is None else check_positive(batch_size, "batch_size", "evaluate")
        if comes_in_parts(x):
            parts = (x, y) if sample_weight is None else (x, y, sample_weight)
            x = provided("batches_in_parts")(parts, batch_size, "evaluate", self)
        elif y is not None or not gives_batches(x):
            x = self._data(x, y, sample_weight, None, "evaluate")
        with unchanged_on_error(self):
            supply = self._scored(x, size, steps, "evaluate", again=False)
            run = make_run(self.objective, None, supply, self.engine, supply.updates)
        introduce(watching, self, {"verbose": verbose, "epochs": 1, "steps": supply.updates,
                                   "samples": supply.samples})  # fmt: skip
        began = time.perf_counter()
        self.stop_evaluating = False
        weights = {"params": self.network.params, "layers": self.network.state}
        logs = run.score(weights, watching, lambda: self.stop_evaluating)
        if self.network.is_stateful:
            self.network.take(run.engine.read("layers"))
        if level in ("1", "2"):
            bar, seconds = supply.updates if level == "1" else None, time.perf_counter() - began
            print(scores_line(supply.updates, seconds, dict(sorted(logs.items())), bar))
        return _scores(logs, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the scores of one batch; see `evaluate`."""
        return self.evaluate(x, y, _rows(x), 0, sample_weight, return_dict=return_dict)

    # Parts

    def checked_batch(self, batch: Any, where: str = "a batch", class_weight: Any = None) -> Any:
        """Return a batch ``(x, y)`` or ``(x, y, sample_weight)``, checked."""
        if self.has_own_step and not isinstance(batch, tuple):
            batch = (batch, None)
        if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
            raise DataError(
                f"{where} must be (x, y) or (x, y, sample_weight), received {type(batch).__name__}"
            )
        x, y, *weight = batch
        return self._data(x, y, weight[0] if weight else None, class_weight, where)


def _in_batches(model: Any, data: Any, size: int) -> Any:
    """Return validation data; those that come in parts as an iterable of batches."""
    parts = data if isinstance(data, tuple | list) else [data]
    if any(map(comes_in_parts, parts)):
        return provided("batches_in_parts")(data, size, "fit: validation_data", model)
    return data


def _refuse(**options: Any) -> None:
    """Raise an error for options that training in rounds does not support."""
    for name, value in options.items():
        if value:
            raise DataError(f"fit: {name} has no counterpart for data that come in parts")


def _due(frequency: Any) -> Callable[[int], bool]:
    """Return a function of the epoch, counted from 0: true if it is followed by a validation."""
    if isinstance(frequency, list | tuple | set | range):
        epochs = {check_positive(each, "an epoch of validation_freq", "fit") for each in frequency}
        return lambda epoch: epoch + 1 in epochs
    every = check_positive(frequency, "validation_freq", "fit")
    return lambda epoch: (epoch + 1) % every == 0


def _scores(logs: Logs, by_name: bool) -> Any:
    """Return scores by name, or in a list, or the loss alone."""
    values = list(logs.values())
    return logs if by_name else values if len(values) > 1 else values[0]


def _rows(x: Any) -> int:
    """Return the number of samples of an array, or of several; 32 if ``x`` has no length."""
    x = first_of(x)
    shape: Any = getattr(x, "shape", None)
    return max(len(x), 1) if hasattr(x, "__len__") and shape != () else 32
