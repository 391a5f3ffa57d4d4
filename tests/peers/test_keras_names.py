"""Every name of Keras's is there, or known to be left out; a layer then says what to write."""

import importlib
import inspect

import keras
import pytest

import chainrule.keras
from chainrule.errors import DataError
from chainrule.keras import layers

ROOMS = ["layers", "losses", "metrics", "callbacks", "initializers", "regularizers", "constraints",
         "activations", "optimizers"]  # fmt: skip
# What does not fit the design, and what has a counterpart of another name.
LEFT_OUT = {
    "callbacks": {"OrbaxCheckpoint", "RemoteMonitor", "SwapEMAWeights"},
    "initializers": {"STFT", "STFTInitializer", "stft"},
    "optimizers": {"LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"},
}  # fmt: skip


def names_in(room):
    found = getattr(keras, room)
    public = [name for name in dir(found) if not name.startswith("_")]
    return [name for name in public if not inspect.ismodule(getattr(found, name))]


@pytest.mark.parametrize("room", ROOMS)
def test_names_of_keras_are_there_or_left_out(room):
    ours = importlib.import_module(f"chainrule.keras.{room}")
    missing = {name for name in names_in(room) if not hasattr(ours, name)}
    assert missing == LEFT_OUT.get(room, set())


@pytest.mark.parametrize("name", sorted(layers.LEFT_OUT))
def test_a_layer_that_is_left_out_says_what_to_write(name):
    kind = getattr(layers, name)
    with pytest.raises(DataError, match=f"{name} of Keras has no counterpart.*: .{{20}}"):
        kind()
    with pytest.raises(DataError, match="no counterpart"):
        type("Own", (kind,), {})


def test_modules_are_found_where_programs_import_them():
    for path in ("layers", "models", "utils", "optimizers.schedules", "preprocessing.sequence",
                 "saving", "callbacks", "backend", "ops", "random", "datasets"):  # fmt: skip
        assert importlib.import_module(f"chainrule.keras.{path}")
    assert chainrule.keras.losses is chainrule.losses
