"""Models with several inputs and outputs in other formats: the numbers are those of Python."""

import subprocess
import sys

import numpy as np
import pytest
from tests.export.test_ejecting import assert_trains_alike, ejected
from tests.export.web.node import arrays, needs_node, run
from tests.export.web.test_types import TSC, type_errors

import chainrule.keras as keras
from chainrule.errors import DataError
from chainrule.keras import layers

RNG = np.random.default_rng(0)
A, WORDS = RNG.normal(size=(40, 3)).astype("f4"), RNG.integers(0, 7, (40, 2))
Y = RNG.normal(size=(40, 1)).astype("f4"), RNG.integers(0, 3, 40)


def two_towers(structure=list):
    """A model with two inputs, of numbers and of words, and two outputs of different losses."""
    a, words = keras.Input((3,), name="a"), keras.Input((2,), dtype="int32", name="words")
    tower = layers.Flatten()(layers.Embedding(7, 2, name="table")(words))
    h = layers.Concatenate()([layers.Dense(4, "relu", name="hidden")(a), tower])
    heads = [layers.Dense(1, name="rating")(h), layers.Dense(3, "softmax", name="sort")(h)]
    outputs = heads if structure is list else {"rating": heads[0], "sort": heads[1]}
    model = keras.Model([a, words], outputs, name="towers")
    model.compile("adam", ["mse", "sparse_categorical_crossentropy"], loss_weights=[0.5, 2])
    return model


def flat(predicted):
    return [*predicted.values()] if isinstance(predicted, dict) else predicted


@pytest.mark.parametrize("structure", [list, dict])
def test_onnx_has_the_names_of_inputs_and_outputs(structure, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = two_towers(structure)
    model.export(tmp_path / "towers.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "towers.onnx")
    results = session.run(["rating", "sort"], {"a": A, "words": WORDS})
    for values, expected in zip(results, flat(model.predict([A, WORDS])), strict=True):
        np.testing.assert_allclose(values, expected, atol=1e-6)


@pytest.mark.parametrize("structure", [list, dict])
def test_an_ejected_model_predicts_and_trains(structure, tmp_path):
    model = two_towers(structure)
    module = ejected(model, tmp_path)
    np.savez(tmp_path / "samples.npz", a=A[:2], words=WORDS[:2])
    done = subprocess.run(
        [sys.executable, module.__file__, tmp_path / "samples.npz"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    head, *rows = done.stdout.splitlines()
    assert head == "rating 0,sort 0,sort 1,sort 2"
    predicted = flat(model.predict([A, WORDS]))
    numbers = [list(map(float, row.split(","))) for row in rows]
    np.testing.assert_allclose(numbers, np.hstack(predicted)[:2], rtol=1e-5)
    assert_trains_alike(model, module, (A, WORDS), Y)


def test_an_ejected_model_names_a_missing_array(tmp_path):
    module = ejected(two_towers(), tmp_path)
    np.savez(tmp_path / "samples.npz", a=A)
    with pytest.raises(ValueError, match="has no array 'words'; its arrays: a"):
        module.read_arrays(tmp_path / "samples.npz", {"a": np.float32, "words": np.int64})


@pytest.mark.thorough  # one more target
@needs_node
def test_a_web_module_predicts_differentiates_and_trains(tmp_path):
    model = two_towers()
    model.export(tmp_path / "towers.mjs", training=True)
    answer = run(
        tmp_path / "towers.mjs",
        """
        const y = [input.rating, input.sort];
        const early = await net.predict([input.a, input.words]);
        const named = await net.predict({ words: input.words, a: input.a });
        const { loss, gradients } = await net.gradients([input.a, input.words], y);
        const problems = [
          await fails(() => net.predict(input.a)),
          await fails(() => net.predict({ a: input.a, word: input.words })),
          await fails(() => net.predict([input.a, input.words.slice(1)])),
          await fails(() => net.predict([input.a, input.words.map(() => [0.5, 1])])),
          await fails(() => net.train([input.a, input.words], input.sort)),
          await fails(() => net.train([input.a, input.words], [input.rating, Array(40).fill(3)])),
        ];
        const history = await net.train({ a: input.a, words: input.words },
          { rating: input.rating, sort: input.sort }, { epochs: 3, batchSize: 16, shuffle: false });
        return { early, named, loss, gradients, problems, history, weights: net.weights };
        """,
        a=A, words=WORDS, rating=Y[0], sort=Y[1],
    )  # fmt: skip
    for name, expected in zip(("rating", "sort"), model.predict([A, WORDS]), strict=True):
        np.testing.assert_allclose(answer["early"][name], expected.ravel(), atol=1e-6)
    assert answer["named"] == answer["early"]
    for name, gradient in model.gradients([A, WORDS], list(Y)).items():
        np.testing.assert_allclose(answer["gradients"][name], gradient.ravel(), 1e-4, 1e-6)
    assert answer["problems"] == [
        "predict: give x as a list of 2 arrays, or an object of them by name: a, words",
        "predict: give x as a list of 2 arrays, or an object of them by name: a, words",
        "predict: x.a has 40 samples, x.words has 39",
        "predict: x.words holds 0.5 in row 0, expected a whole number",
        "train: give y as a list of 2 arrays, or an object of them by name: rating, sort",
        "train: label 3 in row 0 of y.sort is not in 0 … 2",
    ]
    options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0}
    history = model.fit([A, WORDS], list(Y), **options).history
    for name, values in history.items():
        np.testing.assert_allclose(answer["history"][name], values, 1e-4)
    for name, weight in arrays(answer["weights"]).items():
        np.testing.assert_allclose(weight, model.network.weights[name].ravel(), 1e-3, 1e-4)


USE = """
import { load } from "./net.mjs";
const net = await load();
const { rating, sort } = await net.predict({ a: [1, 2, 3], words: [0, 1] });
await net.train([[1, 2, 3], [0, 1]], { rating, sort: [0] });
await net.predict({ a: [1, 2, 3], word: [0, 1] });
"""


@pytest.mark.thorough  # a compiler of types
@pytest.mark.skipif(not TSC.exists(), reason="TypeScript comes with the page")
def test_the_types_of_a_web_module_name_inputs_and_targets(tmp_path):
    two_towers().export(tmp_path / "net.mjs", training=True)
    (problem,) = type_errors(tmp_path, {"use.mts": USE})
    assert "use.mts(6," in problem
    assert "'word' does not exist" in problem


def test_a_page_has_one_output_and_trains_with_one_input_only(tmp_path):
    model = two_towers()
    rating = keras.Model(model.input, model.output[0])
    rating.compile("adam", "mse")
    for each, options in ((model, {}), (rating, {"training": True})):
        with pytest.raises(DataError, match="needs a model with one input and one output"):
            each.export(tmp_path / "towers.html", **options)
    assert not any(tmp_path.iterdir())
