"""Files that other libraries wrote are named as what they are."""

import keras
import pytest
import torch
from tests.data.storage.test_foreign_files import refusal


@pytest.mark.parametrize(
    ("name", "what"), [("model.keras", "a Keras model"), ("model.h5", "an HDF5 file")]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras, about NumPy
def test_a_file_of_keras_is_named(tmp_path, name, what):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save(tmp_path / name)
    said = refusal(tmp_path / name)
    assert what in said
    assert "chainrule.from_keras takes a model over" in said


def test_a_file_of_pytorch_is_named(tmp_path):
    torch.save({"W": torch.zeros(3)}, tmp_path / "model.pt")
    assert "a PyTorch file, which can run code" in refusal(tmp_path / "model.pt")
