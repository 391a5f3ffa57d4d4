"""Callbacks decide as Keras's do on the same scores."""

import inspect
import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nn.callbacks.test_decisions import replayed

from chainrule import callbacks

EXAMPLES = settings(max_examples=150)
# Eighths: Keras compares in float32, where they are exact.
SCORES = st.lists(st.sampled_from([*np.arange(-6, 7) / 8, np.nan]), min_size=8, max_size=20)
MODES = st.sampled_from(["min", "max"])
DELTAS = st.sampled_from([0, 0.125, 0.5])
COUNTS = st.integers(0, 4)

SAME = ["BackupAndRestore", "CSVLogger", "EarlyStopping", "LambdaCallback", "LearningRateScheduler",
        "ModelCheckpoint", "ReduceLROnPlateau", "TensorBoard", "TerminateOnNaN"]  # fmt: skip


def assert_same_decisions(name, options, scores, **more):
    ours = replayed(getattr(callbacks, name)(**options), scores)
    theirs = replayed(getattr(keras.callbacks, name)(**options, **more), scores)
    assert ours == theirs


def assert_saved_alike(path, options, scores):
    """Each of them under a name that it takes."""
    ours = callbacks.ModelCheckpoint(f"{path}.safetensors", **options)
    theirs = keras.callbacks.ModelCheckpoint(f"{path}.keras", **options)
    (seen, done), (seen_by_keras, done_by_keras) = (replayed(c, scores) for c in (ours, theirs))
    named = [(what, of.replace(".keras", ".safetensors")) for what, of in done_by_keras]
    assert done == named
    assert [epoch[:3] for epoch in seen] == [epoch[:3] for epoch in seen_by_keras]
    assert [len(epoch[3]) for epoch in seen] == [len(epoch[3]) for epoch in seen_by_keras]


@pytest.mark.parametrize("name", SAME)
def test_arguments_are_those_of_keras(name):
    ours, theirs = (
        {
            p.name: p.default
            for p in inspect.signature(kind).parameters.values()
            if p.kind != p.VAR_KEYWORD
        }
        for kind in (getattr(callbacks, name), getattr(keras.callbacks, name))
    )
    assert list(ours.items()) == list(theirs.items())


@EXAMPLES
@given(
    SCORES,
    st.fixed_dictionaries(
        {
            "mode": MODES,
            "min_delta": DELTAS,
            "patience": COUNTS,
            "baseline": st.none() | st.integers(-8, 8).map(lambda n: n / 8),
            "restore_best_weights": st.booleans(),
            "start_from_epoch": COUNTS,
        }
    ),
)
def test_early_stopping_stops_where_keras_stops(scores, options):
    assert_same_decisions("EarlyStopping", options, scores)


@EXAMPLES
@given(
    SCORES,
    st.fixed_dictionaries(
        {
            "mode": MODES,
            "min_delta": DELTAS,
            "patience": COUNTS,
            "cooldown": COUNTS,
            "factor": st.sampled_from([0.5, 0.1]),
            "min_lr": st.sampled_from([0, 0.2]),
        }
    ),
)
def test_the_learning_rate_falls_where_that_of_keras_falls(scores, options):
    assert_same_decisions("ReduceLROnPlateau", options, scores)


@EXAMPLES
@given(
    SCORES,
    st.fixed_dictionaries(
        {
            "mode": MODES,
            "save_best_only": st.booleans(),
            "initial_value_threshold": st.none() | st.sampled_from([-0.5, 0.5]),
        }
    ),
)
def test_models_are_saved_where_keras_saves_them(tmp_path_factory, scores, options):
    path = tmp_path_factory.getbasetemp() / "{epoch:02d}-{val_loss:.2f}"
    assert_saved_alike(path, options, scores)


def test_all_epochs_without_a_score_are_borne_and_saved(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same_decisions("EarlyStopping", {"patience": 1}, [None] * 4)
        assert_same_decisions("ReduceLROnPlateau", {"patience": 1}, [None] * 4)
        assert_saved_alike(tmp_path / "last", {"save_best_only": True}, [None])
    with pytest.warns(UserWarning, match="no score 'val_loss'; there are accuracy"):
        replayed(callbacks.EarlyStopping(), [1.0], "accuracy")


@pytest.mark.parametrize(
    "schedule", [lambda epoch, rate: rate / (epoch + 1), lambda epoch: 0.5**epoch]
)
def test_a_schedule_is_asked_as_by_keras(schedule):
    assert_same_decisions("LearningRateScheduler", {"schedule": schedule}, [1.0] * 5)
