import csv
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tests.cli.running import done, refused, write_pets

import chainrule as cr
from chainrule._src.cli.plot import draw, read_history
from chainrule._src.tabular.recipes.ensembles import members

pytestmark = pytest.mark.portable


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pets")
    data = write_pets(folder / "pets.csv")
    done("train", data, "--target", "kind", "-o", folder / "pets.safetensors", "--epochs", "3")
    return folder / "pets.safetensors"


def test_a_model_is_shown_with_all_that_belongs_to_it(pets):
    text = done("show", pets).stdout
    for part in (
        "kind → classification, 3 classes", "│ dense (Dense)", "layers of the first of 5 networks",
        "3 epochs, Adam, learning rate 0.001",
        "weight  number, mean", "left out: 48 different texts",
        "history of the first of 5 networks: 3 epochs",
        "val_accuracy",
    ):  # fmt: skip
        assert part in text
    assert max(len(line) for line in text.splitlines() if str(pets) not in line) <= 80


def test_the_shown_source_runs_and_gives_the_gradient(pets, tmp_path):
    model, *others = members(cr.load_model(pets))
    assert len(others) == 4
    space = {}
    exec(done("show", pets, "--source").stdout, space)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, model.preprocessor.width)).astype(np.float32)
    y = rng.integers(3, size=8)
    params = {name.replace(".", "_"): weight for name, weight in model.params.items()}
    weights = model.network.weights
    state = {n.replace(".", "_"): weights[n] for n in weights if n not in model.params}
    loss, gradients = space["value_and_gradients"](params, X, y, state)
    assert loss == pytest.approx(model.evaluate(X, y, return_dict=True)["loss"], rel=1e-5)
    for name, gradient in model.gradients(X, y).items():
        np.testing.assert_allclose(gradients[name.replace(".", "_")], gradient, atol=1e-6)


def test_weights_are_summed_up(pets):
    model = members(cr.load_model(pets))[2]
    text = done("show", pets, "--weights").stdout
    bias = model.layers[-1].bias
    (row,) = [line for line in text.splitlines() if "3: dense_1.bias" in line]
    assert row.split()[2:5:2] == ["│", "│"]
    assert row.split("│")[2].strip() == f"{bias.min():.3g}"
    assert f"{bias.std():.3g}" in text
    assert "preprocessing" not in text


def test_a_model_that_was_not_trained_is_shown(tmp_path):
    cr.Sequential([cr.layers.Input((2,)), cr.layers.Dense(3)]).save(tmp_path / "model")
    text = done("show", tmp_path / "model").stdout
    assert re.search(r"│ dense \(Dense\) +│ \(None, 3\)", text)
    assert "history" not in text
    assert "without a loss" in refused(4, "show", tmp_path / "model", "--source")
    assert "holds no history" in refused(4, "plot", tmp_path / "model", "-o", tmp_path / "a.png")


def test_a_score_whose_name_does_not_tell_has_no_best_epoch(pets, tmp_path):
    model = cr.load_model(pets)
    model.history.history["learning_rate"] = [0.1, 0.1, 0.2]
    model.save(tmp_path / "model")
    (line,) = [
        ln for ln in done("show", tmp_path / "model").stdout.splitlines() if "learning_r" in ln
    ]
    assert line.split("│")[1:] == ["    0.1 ", "    0.2 ", "        ", "          "]


def test_a_history_is_drawn_as_png_and_svg(pets, tmp_path):
    assert "3 epochs drawn in" in done("plot", pets, "-o", tmp_path / "a.png").stdout
    with Image.open(tmp_path / "a.png") as image:
        assert image.width > 500
    done("plot", pets, "-o", tmp_path / "a.svg")
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def test_by_default_the_picture_lies_beside_the_model(pets):
    done("plot", pets)
    assert pets.with_suffix(".png").exists()


def test_training_and_rows_kept_aside_share_a_panel(pets):
    epochs, scores = read_history(str(pets))
    assert epochs == [1, 2, 3]
    panels = draw(epochs, scores).axes
    assert [panel.get_ylabel() for panel in panels] == ["loss", "accuracy"]
    for panel in panels:
        assert [line.get_label() for line in panel.lines] == ["training", "kept aside"]
        name = panel.get_ylabel()
        np.testing.assert_array_equal(panel.lines[1].get_ydata(), scores[f"val_{name}"])


def test_what_a_csv_logger_wrote_is_drawn(tmp_path):
    rng = np.random.default_rng(0)
    model = cr.Sequential([cr.layers.Dense(1)])
    model.compile("sgd", "mse")
    X = rng.normal(size=(20, 2))
    logger = cr.callbacks.CSVLogger(tmp_path / "log.csv")
    model.fit(X, X[:, :1], epochs=4, validation_split=0.2, callbacks=[logger])
    epochs, scores = read_history(str(tmp_path / "log.csv"))
    assert epochs == [1, 2, 3, 4]
    np.testing.assert_allclose(scores["val_loss"], model.history.val_loss)
    done("plot", tmp_path / "log.csv", "-o", tmp_path / "log.svg")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss\n1\n", "expected a column 'epoch'"),
        ("", "expected a column 'epoch'"),
        ("epoch\n0\n", "holds no score"),
        ("epoch,loss\n0,low\n", "scores must be numbers"),
        ("epoch,loss\n,1\n", "scores must be numbers"),
    ],
)
def test_a_table_that_is_no_history_is_refused(tmp_path, text, message):
    (tmp_path / "log.csv").write_text(text)
    assert message in refused(3, "plot", tmp_path / "log.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def test_gaps_in_a_history_stay_gaps(tmp_path):
    with open(tmp_path / "log.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["epoch", "loss", "f1"], [0, 1, "NA"], [1, 0.5, ""]])
    assert np.isnan(read_history(str(tmp_path / "log.csv"))[1]["f1"]).all()
    done("plot", tmp_path / "log.csv", "-o", tmp_path / "log.png")


def test_other_kinds_of_pictures_are_refused(pets, tmp_path):
    assert ".png or .svg" in refused(2, "plot", pets, "-o", tmp_path / "a.gif")
    assert "does not exist" in refused(4, "plot", tmp_path / "b", "-o", tmp_path / "a.png")


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['chainrule', 'train', '--help']\n"
        "from chainrule.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numba', 'llvmlite', 'keras', 'sklearn', 'matplotlib', 'pyarrow', 'scipy'}\n"
        "print(heavy & {name.partition('.')[0] for name in sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "set()"
