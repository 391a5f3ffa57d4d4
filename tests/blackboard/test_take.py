import ast
import io
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.blackboard.watching import Watcher

import chainrule as cr
from chainrule._src.blackboard import mistakes, models, subjects
from chainrule._src.blackboard.own import UserFile
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.session import Session
from chainrule._src.blackboard.take import cell, module, taker, weights
from chainrule.errors import DataError, UnknownNameError

DATA = subjects.digits()


def trained(subject, updates=40):
    run = ReversibleRun(subject)
    run.advance(updates)
    return run


def a_model():
    model = cr.Sequential(
        [
            cr.layers.Dense(6, activation="relu"),
            cr.layers.BatchNormalization(),
            cr.layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def test_weights_of_a_loss_are_arrays_by_name():
    run = trained(subjects.network(DATA))
    name, _, content = weights(run)
    assert name == "weights.npz"
    found = np.load(io.BytesIO(content))
    assert all(np.array_equal(found[n], p) for n, p in run.params.items())


def test_weights_of_a_model_are_read_by_load_model(tmp_path):
    model = a_model()
    run = trained(models.sequential(model, DATA.X, DATA.y))
    name, _, content = weights(run)
    (tmp_path / name).write_bytes(content)
    found = cr.load_model(tmp_path / name)
    expected = run.subject.forward(run.params, DATA.X_held, *run.parts)
    np.testing.assert_allclose(found.predict(DATA.X_held), expected, rtol=1e-5, atol=1e-7)
    assert not np.array_equal(model.params["dense_kernel"], run.params["dense_kernel"])


@pytest.mark.parametrize("settings", [{}, {"layers": [9, 7], "activation": "relu"}, {"layers": []}])
def test_a_module_computes_what_the_run_does_with_numpy_alone(settings):
    run = trained(subjects.network(DATA, settings))
    name, _, content = module(run)
    assert name == "network.py"
    assert "chainrule" not in content.decode()
    found = {}
    exec(compile(content, name, "exec"), found)
    params = found["load"]()
    assert all(np.array_equal(params[n], p) for n, p in run.params.items())
    expected = run.subject.forward(run.params, DATA.X_held)
    np.testing.assert_allclose(found["predict"](params, DATA.X_held), expected, rtol=1e-12)
    X, y = DATA.X[:17], DATA.y[:17]
    loss, gradients = found["value_and_gradients"](params, X, y)
    assert loss == pytest.approx(float(run.subject.loss(run.params, X, y)), rel=1e-12)
    for n, g in run.subject.gradient({"params": run.params}, X, y).items():
        np.testing.assert_allclose(gradients[n], g, rtol=1e-9, atol=1e-14)


def test_the_module_of_a_model_is_ejected(tmp_path):
    run = trained(models.sequential(a_model(), DATA.X, DATA.y))
    name, _, content = module(run)
    assert name == "network.zip"
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    found = {"__name__": "network", "__file__": str(tmp_path / "network.py")}
    exec(compile((tmp_path / "network.py").read_text(), "network.py", "exec"), found)
    predicted = found["predict"](found["load"](), DATA.X_held.astype(np.float32))
    expected = run.subject.forward(run.params, DATA.X_held, *run.parts)
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-6)


def repeated(run):
    """Return the run that a cell makes."""
    found = {}
    exec(compile(cell(run)[2], "cell.py", "exec"), found)
    return found["run"]


def test_a_cell_repeats_a_run_to_the_same_bits():
    subject = subjects.network(DATA, {"seed": 5, "optimizer": "sgd", "momentum": 0.5})
    run = ReversibleRun(mistakes.mistaken(subject, "slope"))
    run.set({"rate": 0.2})
    run.advance(23)
    run.set({"rate": 0.05, "batch_size": 7})
    run.advance(10)
    run.train_on(DATA.X_held[0], DATA.y_held[0])
    run.advance(1)
    run.set({"momentum": 0.9})
    run.advance(30)
    same = repeated(run)
    assert same.place == run.place
    assert all(np.array_equal(same.params[n], p) for n, p in run.params.items())
    run.seek(30)  # what comes behind is not told
    assert "train_on" not in cell(run)[2].decode()
    assert all(np.array_equal(repeated(run).params[n], p) for n, p in run.params.items())


def test_a_cell_loads_a_file_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "of_mine.py"
    text = (Path(__file__).parent / "mylab.py").read_text(encoding="utf-8")
    path.write_text(text[: text.index("def gradients")], encoding="utf-8")
    run = trained(UserFile(path, DATA).subject.make({"seed": 2, "rate": 0.3}), 9)
    assert all(np.array_equal(repeated(run).params[n], p) for n, p in run.params.items())
    sys.modules.pop("of_mine")


def test_a_model_of_a_notebook_has_no_cell():
    for subject in (
        models.sequential(a_model(), DATA.X, DATA.y), subjects.lab(cr.lab.NeuralNet(64, 10, 10)),
    ):  # fmt: skip
        with pytest.raises(DataError, match="take the module or the weights"):
            cell(ReversibleRun(subject))


def test_a_page_is_given_files():
    session = Session(subjects.network(DATA), take=taker(lambda subject: {}))
    page = Watcher(session)
    try:
        (header, arrays), *_ = page.ask("take", what="cell")
        assert header["name"] == "cell.py"
        assert b"subjects.network(subjects.digits())" in arrays["bytes"].tobytes()
        assert "nonsense" in page.error("take", what="nonsense")
    finally:
        session.close()
    with pytest.raises(UnknownNameError):
        taker(lambda subject: {})("nonsense", None)


EVIL = 'net"""\nimport os; os.system("id")  # \x1b[31m{0}'


def test_no_name_becomes_code():
    """A model is called as its file says, and a table as its own file."""
    run = trained(replace(subjects.network(DATA), title=EVIL))
    for take in (cell, module):
        _, _, content = take(run)
        tree = ast.parse(content)
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import)
                 for alias in node.names]  # fmt: skip
        assert "os" not in names
        assert "os.system" not in [ast.unparse(node) for node in ast.walk(tree)
                                   if isinstance(node, ast.Attribute)]  # fmt: skip
        assert b"\x1b" not in content


def test_no_name_becomes_a_path(tmp_path):
    model = a_model()
    model.name = "../../evil"
    model.build((None, 64))
    name, _, content = weights(trained(models.sequential(model, DATA.X, DATA.y), 1))
    assert name == ".._.._evil.safetensors".replace(".", "_", 4)
    assert content
