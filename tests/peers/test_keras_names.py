"""Every class of Keras's is there, or known to be left out; a layer then says what to write."""

import importlib
import inspect

import keras
import pytest

import chainrule.keras
from chainrule.errors import DataError
from chainrule.keras import layers

ROOMS = ["layers", "losses", "metrics", "callbacks", "initializers", "regularizers", "constraints",
         "activations", "optimizers"]  # fmt: skip
# Classes that only Keras's other rooms use, and what does not fit the design.
LEFT_OUT = {
    "callbacks": {"OrbaxCheckpoint", "RemoteMonitor", "SwapEMAWeights"},
    "initializers": {"STFT", "STFTInitializer", "stft"},
    "losses": {"CTC", "CategoricalGeneralizedCrossEntropy", "Circle", "Dice", "Tversky"},
    "activations": {"glu", "sparsemax"},
    "optimizers": {"LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"},
    "metrics": {"BinaryIoU", "IoU", "OneHotIoU", "OneHotMeanIoU", "MeanRelativeError", "Sum",
                "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity",
                "SpecificitySensitivityBase", "SpecificityAtSensitivity", "ConcordanceCorrelation",
                "PearsonCorrelation"},
}  # fmt: skip


def classes_of(room):
    found = getattr(keras, room)
    return [name for name in dir(found) if inspect.isclass(getattr(found, name))]


@pytest.mark.parametrize("room", ROOMS)
def test_classes_of_keras_are_there_or_left_out(room):
    ours = importlib.import_module(f"chainrule.keras.{room}")
    missing = {name for name in classes_of(room) if not hasattr(ours, name)}
    assert missing <= LEFT_OUT.get(room, set())


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
