"""Whatever a callback is given, it works in training, or an error of our own says why."""

import inspect

import numpy as np
import pytest
from tests.nn.network.test_bad_input import ODD, X, Y

import chainrule as cr
from chainrule._src.nn import callbacks
from chainrule.errors import ChainruleError, DataError, FileError, ReadOnlyError, UnknownNameError

VALID = {
    "EarlyStopping": {"monitor": "loss"},
    "ReduceLROnPlateau": {"monitor": "loss"},
    "ModelCheckpoint": {"filepath": "/dev/null/nowhere", "monitor": "loss"},
    "BackupAndRestore": {"backup_dir": "/dev/null/nowhere"},
    "LearningRateScheduler": {"schedule": lambda epoch, rate: rate},
    "CSVLogger": {"filename": "/dev/null/nowhere"},
    "TensorBoard": {"log_dir": "/dev/null/nowhere"},
    "GradientNorms": {"x": X, "y": Y},
    "LambdaCallback": {"on_epoch_end": None},
}
PATHS = ("backup_dir", "filepath", "filename", "log_dir")


def fitted(callback, **options):
    made = cr.Sequential([cr.layers.Dense(3, activation="softmax")], seed=0)
    made.compile("sgd", "sparse_categorical_crossentropy", engine="numpy", **options)
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    return made


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("name", VALID)
@pytest.mark.filterwarnings(
    "ignore:.*there is no score", "ignore:.*is unknown", "ignore:.*no counterpart"
)
def test_any_odd_argument_works_or_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kind = getattr(callbacks, name)
    for argument in inspect.signature(kind).parameters:
        for odd in ODD:
            if argument in PATHS and isinstance(odd, str):
                continue
            try:
                fitted(kind(**{**VALID[name], argument: odd}))
            except ChainruleError as error:
                said = str(error)
                assert len(said) > 20
    assert not list(tmp_path.iterdir())


REFUSED = {
    "no such event": (lambda: callbacks.LambdaCallback(on_epoch=print), UnknownNameError, "event"),
    "no score's name": (lambda: callbacks.EarlyStopping(3), DataError, "a score's name"),
    "half a sample": (lambda: callbacks.GradientNorms(X), DataError, "give x and y"),
    "batches": (
        lambda: callbacks.ModelCheckpoint("a", save_freq="batch"),
        UnknownNameError,
        "epoch",
    ),
    "no batch": (lambda: callbacks.BackupAndRestore("a", save_freq=0), DataError, "save_freq"),
    "no folder": (lambda: callbacks.BackupAndRestore(""), DataError, "must be a folder"),
    "factor": (lambda: callbacks.ReduceLROnPlateau(factor=1.5), DataError, "below 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_at_once(name):
    make, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        make()


BEFORE_TRAINING = {
    "no folder": (callbacks.ModelCheckpoint("/dev/null/a/model"), FileError, "cannot write"),
    "no folder for rows": (callbacks.CSVLogger("/nowhere/log.csv"), FileError, "cannot write"),
    "too few samples": (callbacks.GradientNorms(X, Y[:5]), cr.errors.ShapeError, "equally many"),
    "another shape": (callbacks.GradientNorms(X[:, :2], Y), cr.errors.ShapeError, "axis 1"),
    "a class": (callbacks.EarlyStopping, DataError, "must be a Callback or a function"),
}


@pytest.mark.parametrize("name", BEFORE_TRAINING)
def test_what_cannot_work_is_refused_before_training(name):
    callback, kind, message = BEFORE_TRAINING[name]
    made = cr.Sequential([cr.layers.Input((4,)), cr.layers.Dense(3)], seed=0)
    made.compile("sgd", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = made.get_weights()
    with pytest.raises(kind, match=message):
        made.fit(X, Y, verbose=0, callbacks=[callback])
    for a, b in zip(made.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "callback",
    [
        callbacks.LearningRateScheduler(lambda epoch: 0.1),
        callbacks.ReduceLROnPlateau("loss"),
    ],
)
def test_a_rate_with_a_schedule_is_not_to_be_set(callback):
    rate = cr.schedules.ExponentialDecay(0.1, 10, 0.5)
    made = cr.Sequential([cr.layers.Dense(1)])
    made.compile(cr.optimizers.SGD(rate), "mse")
    with pytest.raises(ReadOnlyError, match="follows a schedule already"):
        made.fit(X, Y, verbose=0, callbacks=[callback])


@pytest.mark.parametrize(
    "callback",
    [
        callbacks.EarlyStopping("loss", restore_best_weights=True),
        callbacks.ModelCheckpoint("model"),
        callbacks.GradientNorms(),
    ],
)
def test_callbacks_that_need_a_model_say_so(callback):
    def loss(params, x):
        return np.mean((x - params) ** 2)

    with pytest.raises(DataError, match=type(callback).__name__):
        cr.minimize(loss, np.zeros(4), X, epochs=1, batch_size=4, callbacks=[callback])
