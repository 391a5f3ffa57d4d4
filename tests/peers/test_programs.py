"""Programs written for Keras run with the import line changed, and compute the same."""

import numpy as np
import pytest
from tests.peers.program_runs import FOLDER, PROGRAMS, in_chainrule, in_keras, kept, key_of

from chainrule import errors

# Those that Keras is asked for each time; its answers to all are kept.
ASKED = ("hello_world", "iris_softmax", "stacked_gru")
# What draws random numbers while it runs: names and shapes are the same, numbers are not.
DRAWING = {"digits_convnet", "denoising", "own_dropout", "variational"}
# Errors and what they say, for what is not of the kind that chainrule does.
REFUSED = {
    "own_train_step": (errors.DataError, "train_step"),
    "text_layer": (errors.DataError, "TextVectorization"),
    "pretrained": (errors.DataError, "MobileNetV2"),
    "datasets": (errors.DataError, "imdb"),
}


def assert_same(there, here, where, exact=True):
    """Hold what came there against what came here."""
    if isinstance(there, dict) and set(there) == {"shape", "entries"}:
        assert isinstance(here, dict), where
        assert there["shape"] == here["shape"], where
        if exact:  # in weights the rounding of all updates adds up
            near = 1e-4 if "['weights']" not in where else 2e-3
            np.testing.assert_allclose(
                here["entries"], there["entries"], rtol=near, atol=near, err_msg=where
            )
    elif isinstance(there, dict):
        assert isinstance(here, dict), where
        ordered = list if where.endswith("['fit']") else sorted  # JAX sorts what evaluate gives
        assert ordered(there) == ordered(here), f"{where}: other names"
        for key, value in there.items():
            assert_same(value, here[key], f"{where}[{key!r}]", exact)
    elif isinstance(there, list):
        assert isinstance(here, list), where
        assert len(there) == len(here), f"{where}: {len(there)} there, {len(here)} here"
        for number, (one, other) in enumerate(zip(there, here, strict=True)):
            assert_same(one, other, f"{where}[{number}]", exact)
    elif exact or not isinstance(there, str):
        assert there == here, where


@pytest.fixture(scope="module")
def answers():
    return kept()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_program_runs_with_the_import_changed(program, answers, tmp_path_factory):
    text = program.read_text(encoding="utf-8")
    here = in_chainrule(text, program.name, tmp_path_factory.mktemp("chainrule"))
    assert_same(answers[key_of(text)], here, program.stem, exact=program.stem not in DRAWING)


@pytest.mark.parametrize("name", ASKED)
def test_what_is_kept_is_what_keras_computes(name, answers, tmp_path):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert_same(answers[key_of(text)], in_keras(text, name, tmp_path), name)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_left_out_is_refused_by_name(name, tmp_path):
    text = (FOLDER / "refused" / f"{name}.py").read_text(encoding="utf-8")
    error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        in_chainrule(text, name, tmp_path)
