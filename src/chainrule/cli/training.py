"""From a table and settings to a trained model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.problems import UsageError
from chainrule.cli.settings import Settings
from chainrule.errors import DivergenceError, InterruptedWarning
from chainrule.validation import lookup

if TYPE_CHECKING:
    from chainrule.callbacks import Callback
    from chainrule.preprocessing import Preprocessor
    from chainrule.sequential import Sequential
    from chainrule.tables import Table, TrainingData

PATIENCE = 10  # epochs without a lower loss that --early-stop bears


def check_output(output: str | None, source: str, example: str = "model.safetensors") -> str:
    """Return where to write, which must be possible and not the data themselves.

    Raises
    ------
    UsageError, FileError
    """
    from chainrule.storage import check_writable

    if output is None:
        raise UsageError(f"-o is missing: say where the result goes, for instance -o {example}")
    if Path(output).exists() and Path(source).exists() and Path(output).samefile(source):
        raise UsageError(f"-o {output} would overwrite the data; give another name")
    check_writable(output)
    return output


def prepare(table: Table, settings: Settings) -> TrainingData:
    """Return a table as arrays, split and preprocessed.

    Raises
    ------
    UsageError, UnknownNameError
        If the target is not there.
    DataError
        If nothing can be learned from the table.
    """
    from chainrule.preprocessing import Preprocessor
    from chainrule.tables import training_data

    names = {column.name: column for column in table.columns}
    target = table.target if settings.target is None else settings.target
    if target is None:
        listed = ", ".join(list(names)[:20]) + (", …" if len(names) > 20 else "")
        raise UsageError(f"say which column of {table.name} to predict: --target, one of {listed}")
    lookup("target column", target, names)
    data = training_data(
        table,
        target,
        preprocessor=Preprocessor(task=settings.task),
        validation_split=settings.validation,
        seed=settings.seed,
    )
    if settings.class_weight == "balanced" and not data.preprocessor.target.classes:
        raise UsageError(f"--class-weight balanced needs classes, but {target!r} is a quantity")
    return data


def make_model(preprocessor: Preprocessor, settings: Settings) -> Sequential:
    """Return a network for a preprocessor's features and target, compiled."""
    from chainrule import Sequential, layers, metrics, optimizers, regularizers

    stack: list[Any] = [layers.Input((preprocessor.width,))]
    for units in settings.hidden:
        penalty = regularizers.L2(settings.l2) if settings.l2 else None
        stack.append(layers.Dense(units, settings.activation, kernel_regularizer=penalty))
        if settings.dropout:
            stack.append(layers.Dropout(settings.dropout))
    classes = preprocessor.target.classes
    stack.append(layers.Dense(len(classes), "softmax") if classes else layers.Dense(1))
    model = Sequential(stack, "network", seed=settings.seed)
    rule = optimizers.OPTIMIZERS[settings.optimizer]
    optimizer = rule() if settings.lr is None else rule(settings.lr)
    if classes:
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    else:
        model.compile(optimizer, "mse", [metrics.R2Score(name="r2")])
    model.preprocessor, model.class_names = preprocessor, list(classes) or None
    return model


def fit(
    model: Sequential, data: TrainingData, settings: Settings, callbacks: Iterable[Callback] = ()
) -> bool:
    """Train.

    Returns
    -------
    bool
        Whether Ctrl-C ended it; what was trained until then is in the model.

    Raises
    ------
    DivergenceError
        If the loss became NaN or infinite.
    KeyboardInterrupt
        If nothing had been trained when it came.
    """
    from chainrule.callbacks import EarlyStopping

    stopping = EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    held = (data.X_val, data.y_val) if len(data.X_val) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedWarning)
        try:
            model.fit(
                data.X_train,
                data.y_train,
                settings.batch_size,
                settings.epochs,
                verbose=0,
                callbacks=[*callbacks, *([stopping] if settings.early_stop else [])],
                validation_data=held,
                class_weight=_class_weight(data) if settings.class_weight == "balanced" else None,
            )
        except DivergenceError as error:
            raise _diverged(model) from error
    interrupted = model.stop_training and not stopping.stopped_epoch
    if interrupted and not (model.optimizer_state or {}).get("iteration"):
        raise KeyboardInterrupt
    return interrupted


def _class_weight(data: TrainingData) -> dict[int, float]:
    """Return weights that let every class count alike: n / (k · n_c)."""
    counts = np.bincount(data.y_train)
    return {label: len(data.y_train) / (len(counts) * n) for label, n in enumerate(counts) if n}


def _diverged(model: Sequential) -> DivergenceError:
    rate = model.learning_rate
    return DivergenceError(
        f"the loss became NaN or infinite in epoch {len(model.history.epoch) + 1}, at learning "
        f"rate {rate:g}; no model was written. Try --lr {min(rate / 10, 1e-3):g}"
    )
