"""Examples of graphs of layers in the gallery compute what Keras computes."""

import re
from functools import partial
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests.peers.program_runs import in_chainrule, run
from tests.peers.test_programs import assert_same

from chainrule import keras as own

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "graphs"
EXAMPLES = sorted(FOLDER.glob("plot_*.py"))


def noise(draws, shape, **options):
    """Return the same noise in both libraries, other noise in each layer."""
    return np.full(tuple(shape[1:]), 0.3, "f4")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_computes_what_keras_computes(path, monkeypatch, tmp_path):
    monkeypatch.setattr(plt, "show", lambda: None)
    for library in (keras, own):
        monkeypatch.setattr(library.random, "normal", partial(noise, library))
    text = re.sub(r"\bepochs=\d+", "epochs=1, steps_per_epoch=8", path.read_text(encoding="utf-8"))
    here = in_chainrule(text, path.name, tmp_path)
    theirs = re.sub(r"^from chainrule(\.keras)? import (keras|layers)", imported, text, flags=re.M)
    there = run(theirs, path.name, keras.Model, tmp_path)
    for part in ("calls", "weights"):
        assert_same(there[part], here[part], f"{path.stem}[{part!r}]")


def imported(line):
    """Return the line that imports the same from Keras."""
    return "import keras" if line[2] == "keras" else "from keras import layers"
