import subprocess
import sys

import numpy as np
import pytest
from tests.cli.running import done, refused
from tests.tolerances import assert_predicts

import chainrule as cr
from chainrule.tables import load_arrays, open_table

pytestmark = pytest.mark.portable


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "iris.safetensors"
    done("train", "iris", "-o", path, "--epochs", "3")
    return path


@pytest.fixture(scope="module")
def expected(iris):
    """Return features of the irises, and the model's probabilities for them."""
    model = cr.load_model(iris)
    X, _ = load_arrays(open_table("iris"), model.preprocessor)
    return X, model.predict(X)


def test_onnx_gives_the_same_names(iris, expected):
    onnxruntime = pytest.importorskip("onnxruntime")  # has no wheel for every machine

    assert "iris.onnx runs in ONNX Runtime" in done("export", iris, "--to", "onnx").stdout
    (chunk,) = open_table("iris").chunks()
    session = onnxruntime.InferenceSession(
        iris.with_suffix(".onnx"), providers=["CPUExecutionProvider"]
    )
    names = [node.name for node in session.get_inputs()]
    labels, shares = session.run(["label", "probabilities"], {n: chunk[n] for n in names})
    model = cr.load_model(iris)
    assert_predicts(shares, model, expected[0])
    predicted = model.preprocessor.target.decode(expected[1])
    assert labels.tolist() == predicted.tolist()


def test_the_module_runs_without_chainrule(iris):
    done("export", iris, "--to", "numpy")
    code = (
        "import sys; sys.modules['chainrule'] = None\n"
        f"sys.path.insert(0, {str(iris.parent)!r})\n"
        "import iris"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert iris.with_suffix(".npz").exists()


def test_data_beside_the_model_are_not_overwritten_by_weights(iris, tmp_path):
    np.savez(tmp_path / "iris.npz", X=[1.0])
    before = (tmp_path / "iris.npz").read_bytes()
    line = refused(2, "export", iris, "--to", "numpy", "-o", tmp_path / "iris.py")
    assert "is there already" in line
    assert (tmp_path / "iris.npz").read_bytes() == before


def test_a_format_and_a_name_must_agree(iris, tmp_path):
    line = refused(2, "export", iris, "--to", "onnx", "-o", tmp_path / "iris.py")
    assert "a file for onnx ends with .onnx" in line
    assert "did you mean 'onnx'?" in refused(2, "export", iris, "--to", "onn")
    assert "does not exist" in refused(4, "export", tmp_path / "no", "--to", "onnx")
    assert list(tmp_path.iterdir()) == []
