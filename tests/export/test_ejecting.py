"""Ejected modules: NumPy alone, the same numbers as the model."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.draws import draws
from tests.nn.network.networks import COLUMNS, networks, samples, table, table_model
from tests.tolerances import assert_apart, assert_predicts, gradient_bounds

import chainrule as cr
from chainrule import layers, optimizers
from chainrule.errors import DataError, ExportError, FileError
from chainrule.schedules import CosineDecay

DTYPES = st.sampled_from(["float32", "float64"])
RULES = {
    **{name: rule() for name, rule in optimizers.OPTIMIZERS.items()},
    "momentum": optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "schedule": optimizers.Adam(CosineDecay(0.02, 20), amsgrad=True),
    "averages": optimizers.RMSprop(0.01, centered=True, use_ema=True, ema_momentum=0.9),
    "accumulated": optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "clipped": optimizers.SGD(0.1, clipnorm=0.01, l2=0.1),
    "kept from decay": optimizers.AdamW(0.1, weight_decay=0.5),
    "clipped together": optimizers.Adagrad(0.1, global_clipnorm=0.01),
}
RULES["kept from decay"].exclude_from_weight_decay(var_names=["bias"])


def ejected(model, folder, name="ejected"):
    path = folder / f"{name}.py"
    model.eject(path)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def classes(model, n, seed=0):
    return np.random.default_rng(seed).integers(0, model.output_shape[-1], n)


def assert_same_kinds(found, model):
    assert found.keys() == model.network.weights.keys()
    for name, weight in model.network.weights.items():
        assert found[name].dtype == weight.dtype


def assert_trains_alike(model, module, X, y, epochs=3):
    """Training changes the weights alike; to nine digits in float64."""
    options = {"epochs": epochs, "batch_size": 4, "shuffle": False}
    found, losses = module.train(module.load(), X, y, **options)
    history = model.fit(X, y, **options, verbose=0)
    assert_same_kinds(found, model)
    digits = 1e-9 if model.dtype == "float64" else 1e-5
    np.testing.assert_allclose(losses, history.loss, rtol=digits, atol=digits)
    for name, weight in model.network.weights.items():
        np.testing.assert_allclose(found[name], weight, rtol=digits, atol=digits)


def run_alone(folder, *arguments):
    """Run an ejected module where NumPy is all there is."""
    alone = folder / "alone"
    alone.mkdir(exist_ok=True)
    packages = Path(np.__file__).parents[1]
    for package in packages.glob("numpy*"):
        if not (alone / package.name).exists():
            (alone / package.name).symlink_to(package)
    code = (
        f"import runpy, sys; sys.path[:0] = [{str(alone)!r}]; sys.argv = sys.argv[1:];"
        "import importlib.util; assert importlib.util.find_spec('chainrule') is None;"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@given(DTYPES.flatmap(lambda dtype: networks(dtype=dtype)))
@draws(4)
def test_any_network_gives_the_same_numbers(tmp_path_factory, model):
    model.compile(optimizers.SGD(0.05), "sparse_categorical_crossentropy", engine="numpy")
    module = ejected(model, tmp_path_factory.mktemp("ejected"))
    X, y = samples(model, 10), classes(model, 10)
    weights = module.load()
    assert_same_kinds(weights, model)
    for name, weight in model.network.weights.items():
        np.testing.assert_array_equal(weights[name], weight)
    assert_predicts(module.predict(weights, X), model, X)
    params = {name: weights[name] for name in model.network.params}
    state = [{n: w for n, w in weights.items() if n not in params}] if model.network.state else []
    gradients = module.value_and_gradients(params, X, y, *state)[1]
    wanted = model.gradients(X, y)
    assert_apart({name: gradients[name] for name in wanted}, wanted, gradient_bounds(model, X, y))
    if model.dtype == "float64":
        assert_trains_alike(model, module, X, y)


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("rule", RULES)
def test_any_optimizer_trains_alike(tmp_path, rule):
    chain = [layers.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(1)]
    model = cr.Sequential(chain, seed=0, dtype="float64")
    model.compile(RULES[rule], "mse", engine="numpy")
    module = ejected(model, tmp_path)
    X = samples(model, 10)
    assert_trains_alike(model, module, X, np.sin(X.sum(axis=1)), epochs=4)


def test_an_optimizer_of_ones_own_is_written_too(tmp_path):
    class Signs(optimizers.Optimizer):
        slots = ("mean",)

        def step(self, w, g, learning_rate, t, mean):
            mean = 0.9 * mean + 0.1 * g
            return w - learning_rate * np.sign(mean) / t.astype(w.dtype), {"mean": mean}

    model = cr.Sequential([layers.Input((4,)), layers.Dense(2)], seed=0, dtype="float64")
    model.compile(Signs(0.1), "mse", engine="numpy")
    assert_trains_alike(model, ejected(model, tmp_path), samples(model, 9), np.ones((9, 2)))


def test_what_an_optimizer_starts_with_must_be_told(tmp_path):
    class Anchored(optimizers.SGD):
        def __init__(self):
            super().__init__(0.1)
            self.slots = ("anchor",)

        def start(self, slot, w):
            return 2 * w

        def step(self, w, g, learning_rate, t, anchor):
            return anchor - learning_rate * g, {"anchor": anchor}

    model = cr.Sequential([layers.Input((4,)), layers.Dense(2)], seed=0)
    model.compile(Anchored(), "mse")
    with pytest.raises(ExportError, match="other arrays than constants or copies, in 'anchor'"):
        model.eject(tmp_path / "model.py")
    assert not list(tmp_path.iterdir())


def test_a_state_as_long_as_a_batch_of_examples_is_no_batch(tmp_path):
    model = cr.Sequential(
        [layers.Input((4,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(2)], seed=0
    )
    model.compile("sgd", "mse", engine="numpy")
    assert "recorded with alone" not in model.source()
    module = ejected(model, tmp_path)
    assert_trains_alike(model, module, samples(model, 10), np.ones((10, 2)))


def test_the_gradient_reads_as_the_model_tells_it(tmp_path):
    model, _ = table_model("label", 3, "softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.eject(tmp_path / "model.py")
    body = model.source().split("    # forward")[1]
    assert body.rstrip() in (tmp_path / "model.py").read_text()


def test_what_only_the_next_batch_needs_has_a_part_of_its_own(tmp_path):
    model = cr.Sequential([layers.Input((4,)), layers.BatchNormalization(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.eject(tmp_path / "model.py")
    text = (tmp_path / "model.py").read_text()
    forward, backward, state = (text.index(f"    # {t}") for t in ("forward", "backward", "state"))
    assert forward < backward < state < text.index("new_batch_normalization_moving_mean = ")


def test_it_runs_with_numpy_alone(tmp_path):
    model = cr.Sequential(
        [
            layers.Input((5, 5, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, "softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.class_names = ["zero", "one", 'two, "or" more']
    model.eject(tmp_path / "digits.py")
    X = samples(model, 4)
    np.save(tmp_path / "X.npy", X)
    np.savetxt(
        tmp_path / "X.csv", X.reshape(4, -1), delimiter=",", header="a," * 24 + "b", comments=""
    )
    wanted = model.predict(X)
    for file in ("X.npy", "X.csv"):
        lines = run_alone(tmp_path, tmp_path / "digits.py", tmp_path / file).splitlines()
        header, *rows = csv.reader(lines)
        assert header == ["prediction", *(f"probability of {name}" for name in model.class_names)]
        assert [row[0] for row in rows] == [model.class_names[i] for i in wanted.argmax(axis=1)]
        np.testing.assert_allclose([list(map(float, row[1:])) for row in rows], wanted, rtol=1e-5)
    assert "usage" in run_alone(tmp_path, tmp_path / "digits.py")


def test_a_table_goes_in_by_name_and_a_quantity_comes_out(tmp_path):
    model, rows = table_model("price", 1, None)
    model.compile("sgd", "mse", engine="numpy")
    module = ejected(model, tmp_path, "price")
    preprocessor = model.preprocessor
    features = preprocessor.transform(rows)
    np.testing.assert_array_equal(module.features(rows), features)
    wanted = preprocessor.target.decode(model.predict(features))
    with open(tmp_path / "rows.csv", "w", encoding="utf-8") as file:
        file.write("team,extra, city,age,year\n")
        for row in zip(*(rows[name] for name in ("team", "city", "age", "year")), strict=True):
            team, city, age, year = ("NA" if v is None or v != v else repr(v) for v in row)
            file.write(f"{team},1,{city},{age},{year}\n".replace("'", "").replace("np.float64", ""))
    text = (tmp_path / "rows.csv").read_text().replace("(", "").replace(")", "")
    (tmp_path / "rows.csv").write_text(text)
    header, *lines = run_alone(tmp_path, tmp_path / "price.py", tmp_path / "rows.csv").split()
    assert header == "prediction"
    np.testing.assert_allclose(list(map(float, lines)), wanted, rtol=1e-6)
    y = module.targets(table()["price"])
    np.testing.assert_allclose(y, preprocessor.target.encode(table()["price"]), rtol=1e-5)
    assert_trains_alike(model, module, module.features(table()), y)


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (3, "softmax", "sparse_categorical_crossentropy"),
        (3, "softmax", "categorical_crossentropy"),
    ],
)
def test_classes_go_in_and_out_by_name(tmp_path, units, activation, loss):
    model, rows = table_model("label", units, activation)
    model.compile("sgd", loss, engine="numpy")
    module, target = ejected(model, tmp_path), model.preprocessor.target
    scores = module.predict(module.load(), module.features(rows))
    assert module.labels(scores).tolist() == target.decode(scores).tolist()
    names = table()["label"]
    y = target.encode(names)
    y = np.eye(3)[y] if loss.startswith("cat") else y
    np.testing.assert_array_equal(module.targets(names), y)
    columns = {name: table()[name] for name in COLUMNS}
    assert_trains_alike(model, module, module.features(columns), y)


def test_two_classes_may_share_an_output(tmp_path):
    rows = {"x": np.arange(8.0), "y": np.array([0.0, 1.0] * 4)}
    model = cr.Sequential([layers.Input((1,)), layers.Dense(1, "sigmoid")], seed=0)
    model.preprocessor = cr.preprocessing.Preprocessor().fit([rows], "y")
    model.compile("sgd", "binary_crossentropy", engine="numpy")
    module, target = ejected(model, tmp_path), model.preprocessor.target
    scores = model.predict(model.preprocessor.transform(rows))
    assert module.labels(scores).tolist() == target.decode(scores).tolist()
    assert module.targets(rows["y"]).tolist() == [0, 1] * 4


def test_images_of_a_table_are_scaled(tmp_path):
    rng = np.random.default_rng(0)
    rows = {"photo": rng.integers(0, 255, (20, 4, 4)), "animal": np.array(["cat", "dog"] * 10)}
    model = cr.Sequential([layers.Input((16,)), layers.Dense(2, "softmax")], seed=0)
    model.preprocessor = cr.preprocessing.Preprocessor().fit([rows], "animal")
    module = ejected(model, tmp_path)
    np.testing.assert_array_equal(module.features(rows), model.preprocessor.transform(rows))


def test_float64_stays_float64(tmp_path):
    model = cr.Sequential([layers.Input((4,)), layers.Dense(2)], dtype="float64", seed=0)
    model.compile("adam", "mae", engine="numpy")
    module, X = ejected(model, tmp_path), samples(model, 10).astype(np.float64)
    assert module.predict(module.load(), X).dtype == np.float64
    assert_trains_alike(model, module, X, np.ones((10, 2)))


def test_a_model_that_is_not_compiled_has_predictions_alone(tmp_path):
    model, _ = table_model("label", 3, "softmax")
    module = ejected(model, tmp_path)
    assert not hasattr(module, "train")
    assert not hasattr(module, "value_and_gradients")


@pytest.mark.parametrize("rule", ["adam", "clipped together"])
def test_linters_find_nothing(tmp_path, rule):
    model, _ = table_model("label", 3, "softmax")
    model.add(layers.Dropout(0.1))
    model.compile(RULES[rule], "sparse_categorical_crossentropy")
    model.eject(tmp_path / "model.py")
    subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", tmp_path / "model.py"], check=True
    )


def test_what_cannot_be_ejected_is_refused(tmp_path):
    model, _ = table_model("label", 3, "softmax")
    with pytest.raises(DataError, match="name of a module"):
        model.eject(tmp_path / "model.npz")
    with pytest.raises(FileError, match="does not exist"):
        model.eject(tmp_path / "nowhere" / "model.py")
    with pytest.raises(DataError, match="no weights yet"):
        cr.Sequential([layers.Dense(3)]).eject(tmp_path / "model.py")
    assert not list(tmp_path.iterdir())
