"""`chainrule export` for Keras."""

import keras
import pytest
from tests.cli.running import done
from tests.tolerances import assert_predicts

import chainrule as cr
from chainrule.tables import load_arrays, open_table


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_keras_gives_the_same_probabilities(tmp_path):
    done("train", "iris", "-o", tmp_path / "iris.safetensors", "--epochs", "3")
    done("export", tmp_path / "iris.safetensors", "--to", "keras")
    model = cr.load_model(tmp_path / "iris.safetensors")
    X, _ = load_arrays(open_table("iris"), model.preprocessor)
    network = keras.saving.load_model(tmp_path / "iris.keras")
    assert_predicts(network.predict(X, verbose=0), model, X)
