"""Models in ONNX's evaluator and ONNX Runtime, their preprocessing included."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from onnx.reference import ReferenceEvaluator
from tests.draws import draws
from tests.nn.network.networks import networks, samples, table_model
from tests.tolerances import assert_predicts

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError, FileError, MissingDependencyError, UnknownNameError

BATCHES = (1, 2, 7)


def digits_model():
    model = cr.Sequential(
        [layers.Input((64,)), layers.Dense(5, "relu"), layers.Dense(3, "softmax")], seed=0
    )
    model.class_names = ["zero", "one", "two"]
    return model


def exported(model, folder):
    path = folder / "model.onnx"
    model.export(path)
    onnx.checker.check_model(str(path), full_check=True)
    return onnx.load(path)


def outputs(made, feed):
    """Return what both evaluators give, by the outputs' names."""
    names = [value.name for value in made.graph.output]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(made.SerializeToString(), options)
    with np.errstate(all="ignore"):
        results = ReferenceEvaluator(made).run(None, feed), session.run(None, feed)
    return [dict(zip(names, result, strict=True)) for result in results]


def as_texts(columns, n):
    """Return rows as ONNX takes them: it has no None."""
    return {
        name: np.where(np.equal(column, None), "", column)[:n] if column.dtype == object
        else column[:n]
        for name, column in columns.items()
    }  # fmt: skip


@pytest.mark.thorough  # random networks
@given(networks())
@draws(5)
def test_any_network_gives_its_predictions_for_any_number_of_samples(tmp_path_factory, model):
    made = exported(model, tmp_path_factory.mktemp("onnx"))
    for n in BATCHES:
        X = samples(model, n)
        for found in outputs(made, {"X": X}):
            assert_predicts(found["probabilities"], model, X)


def test_a_maximum_over_a_border_on_one_side_is_the_same_for_all(tmp_path):
    model = cr.Sequential(
        [layers.Input((4, 4, 1)), layers.MaxPooling2D(2, strides=1, padding="same")]
    )
    X = samples(model, 2)
    for found in outputs(exported(model, tmp_path), {"X": X}):
        np.testing.assert_array_equal(found["output"], model.predict(X))


def test_weights_keep_their_names(tmp_path):
    names = {tensor.name for tensor in exported(digits_model(), tmp_path).graph.initializer}
    assert {"dense_kernel", "dense_bias", "dense_1_kernel", "dense_1_bias"} <= names


def test_the_label_is_the_name_of_the_likeliest_class(tmp_path):
    model = digits_model()
    X = samples(model, 7)
    wanted = np.array(model.class_names, dtype=object)[model.predict(X).argmax(axis=1)]
    for found in outputs(exported(model, tmp_path), {"X": X}):
        assert found["label"].tolist() == wanted.tolist()


@pytest.mark.parametrize(("from_logits", "limit"), [(False, 0.5), (True, 0.0)])
def test_one_output_tells_two_classes(tmp_path, from_logits, limit):
    top = layers.Dense(1, None if from_logits else "sigmoid")
    model = cr.Sequential([layers.Input((4,)), top], seed=0)
    model.compile("sgd", cr.losses.BinaryCrossentropy(from_logits=from_logits))
    model.class_names = ["no", "yes"]
    X = samples(model, 7)
    wanted = ["yes" if score > limit else "no" for score in model.predict(X).ravel()]
    assert len(set(wanted)) == 2
    for found in outputs(exported(model, tmp_path), {"X": X}):
        assert found["label"].tolist() == wanted


def test_a_network_that_may_say_yes_to_several_classes_has_no_label(tmp_path):
    model = cr.Sequential([layers.Input((4,)), layers.Dense(3, "sigmoid")])
    model.class_names = ["sun", "rain", "snow"]
    assert [v.name for v in exported(model, tmp_path).graph.output] == ["probabilities"]


@pytest.mark.parametrize("n", BATCHES)
def test_a_table_goes_in_column_by_column_and_names_come_out(tmp_path, n):
    model, rows = table_model("label", 3, "softmax")
    X = model.preprocessor.transform(rows)[:n]
    wanted = model.predict(X)
    for found in outputs(exported(model, tmp_path), as_texts(rows, n)):
        assert_predicts(found["probabilities"], model, X)
        assert found["label"].tolist() == model.preprocessor.target.decode(wanted).tolist()


@pytest.mark.parametrize("n", BATCHES)
def test_a_quantity_comes_out_in_its_own_unit(tmp_path, n):
    model, rows = table_model("price", 1, None)
    scores = model.predict(model.preprocessor.transform(rows))[:n]
    for found in outputs(exported(model, tmp_path), as_texts(rows, n)):
        wanted = model.preprocessor.target.decode(scores)
        np.testing.assert_allclose(found["prediction"], wanted, rtol=1e-6)


def test_images_of_a_table_are_scaled_in_the_graph(tmp_path):
    rng = np.random.default_rng(0)
    rows = {"photo": rng.integers(0, 255, (20, 4, 4)), "animal": np.array(["cat", "dog"] * 10)}
    preprocessor = cr.preprocessing.Preprocessor().fit([rows], "animal")
    model = cr.Sequential([layers.Input((16,)), layers.Dense(2, "softmax")], seed=0)
    model.preprocessor = preprocessor
    X = preprocessor.transform(rows)
    for found in outputs(exported(model, tmp_path), {"photo": rows["photo"].astype(float)}):
        assert_predicts(found["probabilities"], model, X)


def test_a_column_may_have_the_name_of_an_output(tmp_path):
    rows = {"label": np.arange(4.0), "kind": np.array(["a", "b", "a", "b"])}
    model = cr.Sequential([layers.Input((1,)), layers.Dense(2, "softmax")], seed=0)
    model.preprocessor = cr.preprocessing.Preprocessor().fit([rows], "kind")
    made = exported(model, tmp_path)
    assert [value.name for value in made.graph.output] == ["probabilities", "label_"]
    assert outputs(made, {"label": rows["label"]})[1]["label_"].shape == (4,)


def test_an_embedding_takes_whole_numbers(tmp_path):
    model = cr.Sequential(
        [layers.Input((3,), dtype="int32"), layers.Embedding(5, 2), layers.Flatten()], seed=0
    )
    X = np.array([[0, 4, 2], [1, 1, 3]])
    for found in outputs(exported(model, tmp_path), {"X": X}):
        np.testing.assert_array_equal(found["output"], model.predict(X))


def test_names_that_do_not_fit_the_outputs_are_refused(tmp_path):
    model = digits_model()
    model.class_names = ["zero", "one"]
    with pytest.raises(DataError, match="3 outputs, but 2 class names"):
        model.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(DataError, match="no weights yet"):
        cr.Sequential([layers.Dense(3)]).export(tmp_path / "model.onnx")
    with pytest.raises(UnknownNameError, match="export format"):
        digits_model().export(tmp_path / "model", format="tf_saved_model")
    with pytest.raises(FileError, match="does not exist"):
        digits_model().export(tmp_path / "nowhere" / "model.onnx")
    model, _ = table_model("label", 3, "softmax")
    model.preprocessor = cr.preprocessing.Preprocessor().fit(
        [{"x": np.arange(4.0), "y": np.array(["a", "b"] * 2)}], "y"
    )
    with pytest.raises(DataError, match="makes 1 features"):
        model.export(tmp_path / "model.onnx")


def test_onnx_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"chainrule\[onnx\]"):
        digits_model().export(tmp_path / "model.onnx")
