"""Names, numbers and options that a web module cannot take as they come; Node runs the modules."""

import tracemalloc

import numpy as np
import pytest
from tests.export.web.node import needs_node, run

import chainrule as cr
from chainrule import layers

pytestmark = needs_node
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = RNG.normal(size=40)


def distance(w, X, y):
    return np.mean((X @ w - y) ** 2)


def linear(loss="mse", **options):
    model = cr.Sequential([layers.Input((5,)), layers.Dense(1)])
    model.compile("sgd", loss, **options)
    return model


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\u2029"])
def test_no_name_ends_a_comment(tmp_path, end):
    name = f"net{end}throw new Error('broken out');"
    model = cr.Sequential([layers.Input((5,)), layers.Dense(1)], name=name)
    path = tmp_path / f"{name}.mjs"
    model.export(path)
    assert len(run(path, "return net.predict(input.X)", X=X)) == 40
    first = "net_throw new Error__broken out___"
    assert f'import {{ load }} from "./{first}.mjs"' in path.read_text("utf-8").splitlines()[0]
    types = path.with_suffix(".d.mts").read_text("utf-8")
    assert types.startswith(f"// The types of {first}.mjs, written by chainrule.\n")


def test_a_module_names_its_own_file_in_the_import(tmp_path):
    linear().export(tmp_path / "my-digits.mjs")
    assert 'import { load } from "./my-digits.mjs";' in (tmp_path / "my-digits.mjs").read_text()


def test_numbers_in_the_code_may_be_nan_or_infinite(tmp_path):
    def output(w, X):
        y = X @ w
        return np.where(y > 1, np.nan, np.where(y < -1, -np.inf, np.where(y < 0, np.inf, y)))

    cr.export_web(distance, np.ones(5), X, Y, path=tmp_path / "net.mjs", predict=output)
    guess = run(tmp_path / "net.mjs", "return net.predict(input.X)", X=X)
    expected = output(np.ones(5), X)
    assert {"nan", "inf", "-inf"} <= {*map(str, expected)}
    np.testing.assert_allclose([float(each) for each in guess], expected)


@pytest.mark.thorough  # one more module
def test_a_metric_with_nan_in_its_code_trains(tmp_path):
    model = cr.Sequential([layers.Input((5,)), layers.Dense(3)])
    model.compile("sgd", "mse", metrics=[cr.metrics.PearsonCorrelation()])
    targets = RNG.normal(size=(40, 3))
    model.export(tmp_path / "net.mjs", training=True)
    script = "return net.train(input.X, input.y, { epochs: 2, seed: 0 })"
    history = run(tmp_path / "net.mjs", script, X=X, y=targets)
    expected = model.fit(X, targets, epochs=2, seed=0, verbose=0).history
    assert history.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, 1e-4)


def test_a_document_with_nan_is_refused():
    from chainrule._src.export.web.content import WebContent

    with pytest.raises(cr.errors.ExportError, match="NaN"):
        WebContent("net", about={"classes": [float("nan")]}).file()


@pytest.mark.parametrize("name", ["net.mjs", "net.html"])
def test_training_needs_a_compiled_model(tmp_path, name):
    model = cr.Sequential([layers.Input((5,)), layers.Dense(1)])
    with pytest.raises(cr.errors.DataError, match="compile"):
        model.export(tmp_path / name, training=True)
    assert not [*tmp_path.iterdir()]


def test_a_loss_that_differs_for_few_rows_serves_the_others(tmp_path):
    def loss(w, X, y):
        return distance(w, X, y) * (1 if len(X) > 8 else 100)

    cr.export_web(loss, np.zeros(5), X[:20], Y[:20], path=tmp_path / "net.mjs")
    script = """
      const few = await fails(() => net.train(input.X.slice(0, 5), input.y.slice(0, 5)));
      return [few, (await net.train(input.X, input.y)).loss[0]];
    """
    few, value = run(tmp_path / "net.mjs", script, X=X[:20], y=Y[:20])
    assert "9 or more" in few
    np.testing.assert_allclose(value, distance(np.zeros(5), X[:20], Y[:20]))


def test_a_loss_for_one_number_of_rows_does_not_train(tmp_path):
    def loss(w, X, y):
        return sum((X[i] @ w - y[i]) ** 2 for i in range(len(X))) / len(X)

    for batch_size in (8, 32):
        with pytest.raises(cr.errors.ExportError, match=f"recorded for {batch_size} rows only"):
            cr.export_web(loss, np.zeros(5), X, Y, path=tmp_path / "net.mjs", batch_size=batch_size)
    assert not [*tmp_path.iterdir()]


@pytest.mark.thorough  # one more module
def test_a_large_batch_size_needs_no_large_examples(tmp_path):
    X, Y = RNG.normal(size=(9000, 5)), RNG.normal(size=9000)
    tracemalloc.start()
    try:
        cr.export_web(distance, np.ones(5), X, Y, path=tmp_path / "net.mjs", batch_size=10**7)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2**25
    script = "return net.train(input.X, input.y, { epochs: 2, seed: 0 })"
    history = run(tmp_path / "net.mjs", script, X=X, y=Y)
    _, expected = cr.minimize(distance, np.ones(5), X, Y, batch_size=10**7, epochs=2, seed=0)
    np.testing.assert_allclose(history["loss"], expected.history["loss"])


WRONG = {
    "loss must be a function": {"loss": 3},
    "predict must be a function": {"predict": 3},
    "row per sample; for 40 samples, it returned a tuple": {"predict": lambda w, X: (X @ w, X)},
    r"row per sample; for 40 samples, it returned shape \(\)": {"predict": lambda w, X: w[0]},
    "params holds NaN": {"params": np.full(5, np.nan)},
    "params must hold numbers": {"params": np.full(5, "a")},
    r"X holds NaN or infinite values, the first is X\[3, 0\]": {
        "X": np.where(np.arange(40) == 3, np.nan, X.T).T
    },
    "X, y must hold numbers": {"X": np.full((40, 5), "a")},
    "expected arrays of equally many samples": {"y": Y[:3]},
}


@pytest.mark.parametrize("message", WRONG)
def test_arguments_that_do_not_fit_are_refused_by_export_web_itself(tmp_path, message):
    arguments = {"loss": distance, "params": np.ones(5), "X": X, "y": Y} | WRONG[message]
    with pytest.raises((cr.errors.DataError, cr.errors.ShapeError), match=message) as refusal:
        cr.export_web(**arguments, path=tmp_path / "net.mjs")
    assert str(refusal.value).startswith("export_web: ")
    assert not [*tmp_path.iterdir()]


def test_a_page_of_a_model_with_a_lambda_trains(tmp_path):
    model = cr.Sequential([layers.Input((5,)), layers.Lambda(lambda x: 2 * x), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.export(tmp_path / "net.html", training=True)
    assert (tmp_path / "net.html").stat().st_size > 1000


def test_suffixes_are_those_of_modules_and_pages(tmp_path):
    model = linear()
    with pytest.raises(cr.errors.DataError, match=r"\.mjs in small letters"):
        model.export(tmp_path / "net.MJS")  # Node would not load it
    for name, meant in {"a.js": "a.mjs", "a.htm": "a.html", "a.JS": "a.mjs"}.items():
        with pytest.raises(cr.errors.DataError, match=rf"\.mjs.*\.html.*{meant}"):
            model.export(tmp_path / name)
    assert not [*tmp_path.iterdir()]
