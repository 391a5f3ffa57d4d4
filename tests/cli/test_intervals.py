"""Intervals around predictions: conformalized quantile regression."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from sklearn.metrics import mean_pinball_loss
from tests.cli.running import done, refused
from tests.cli.test_analysis import printed
from tests.tolerances import assert_predicts

import chainrule as cr
from chainrule._src.tabular.recipes.intervals import widening
from chainrule.layers import Bounds, Dense
from chainrule.losses import Pinball
from chainrule.preprocessing import Target
from chainrule.tables import load_arrays, open_table


def write_fanned(path, rows, seed):
    """A quantity whose spread grows from 0.1 to 2.1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=rows)
    y = 3 * x + (0.1 + 2 * x) * rng.normal(size=rows)
    np.savetxt(path, np.c_[x, y], "%.5f", ",", header="x,y", comments="")
    return path


@pytest.fixture(scope="module")
def fanned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fanned")
    data = write_fanned(folder / "a.csv", 2000, 0)
    done("train", data, "--target", "y", "--interval", "0.8", "-o", folder / "model.safetensors")
    return folder / "model.safetensors", write_fanned(folder / "b.csv", 4000, 1)


@pytest.mark.thorough
def test_they_hold_the_share_of_true_values_and_are_as_wide_as_needed(fanned, tmp_path):
    model, data = fanned
    inside, _ = printed(done("evaluate", model, data), "within the interval")
    assert abs(float(inside.removesuffix(" %")) - 80) < 4
    done("predict", model, data, "--id", "x", "--id", "y", "-o", tmp_path / "p.parquet")
    found = next(open_table(tmp_path / "p.parquet").chunks())
    x, y = found["x"], found["y"].astype(float)
    width = found["high"] - found["low"]
    assert (found["low"] <= found["prediction"]).all()
    assert (found["prediction"] <= found["high"]).all()
    for part in (x < 0.3, x > 0.7):  # equally wide ones would hold 99 % and 64 %
        covered = (found["low"] <= y) & (y <= found["high"])
        assert covered[part].mean() == pytest.approx(0.8, abs=0.1)
    true = 2 * 1.2816 * (0.1 + 2 * x)
    assert np.median(np.abs(width / true - 1)) < 0.15


@pytest.mark.thorough  # every target
def test_they_are_what_is_exported(fanned, tmp_path):
    path, data = fanned
    model = cr.load_model(path)
    X, _ = load_arrays(open_table(data), model.preprocessor)
    target, output = model.preprocessor.target, model.predict(X)
    expected = [target.decode(each) for each in (output, *target.bounds(output))]
    done("export", path, "--to", "onnx", "-o", tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    x = next(open_table(data).chunks())["x"]
    for found, wanted in zip(session.run(["prediction", "low", "high"], {"x": x}), expected,
                             strict=True):  # fmt: skip
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    done("export", path, "--to", "numpy", "-o", tmp_path / "m.py")
    told = subprocess.run([sys.executable, tmp_path / "m.py", data], capture_output=True,
                          text=True, check=True).stdout.splitlines()  # fmt: skip
    assert told[0] == "prediction,low,high"
    rows = np.array([line.split(",") for line in told[1:]], float)
    np.testing.assert_allclose(rows, np.stack(expected, axis=1), rtol=1e-4, atol=1e-4)
    assert "(Bounds) has no counterpart in Keras" in refused(3, "export", path, "--to", "keras")


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("recipe", ["linear", "mlp", "realmlp"])
def test_every_recipe_has_them(recipe):
    result = done("train", "diabetes", "--recipe", recipe, "--interval", "0.8", "--epochs", "6",
                  "--cv", "2")  # fmt: skip
    _, rows = result.stdout.split("scores on 2 parts kept aside in turn")
    line = next(line for line in rows.splitlines() if line.startswith(" within the interval"))
    assert float(line.split("│")[1]) == pytest.approx(0.8, abs=0.09)


def test_too_few_rows_to_promise_anything_are_refused_before_training():
    line = refused(2, "train", "diabetes", "--interval", "0.99")
    assert "--interval: 0.99 needs 99 rows to set intervals by, and 88 are kept aside" in line
    assert "of which half, 44, are free" in line
    assert "and 0 are kept aside" in refused(
        2, "train", "diabetes", "--interval", "0.9", "--validation", "0"
    )
    assert "is for quantities" in refused(2, "train", "iris", "--interval", "0.9")


def test_the_widening_is_the_papers():
    target = Target("y", "number", "regression", interval=0.8)
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(2000):  # whatever the ends: of 10 values, 9 that were seen, 8 lie within
        output, y = rng.normal(size=(10, 3)), rng.normal(size=10)
        more = widening(target, output[:9], y[:9])
        covered.append(output[9, 1] - more <= y[9] <= output[9, 2] + more)
    assert np.mean(covered) == pytest.approx(0.8, abs=0.03)


def test_ends_do_not_cross_where_a_network_was_too_careful():
    target = Target("y", "number", "regression", interval=0.8, widening=-5.0)
    low, high = target.bounds(np.array([[1.0, 0.0, 2.0]]))
    assert low == high == 1.0


@pytest.mark.parametrize("quantiles", [(0.5,), (0.1, 0.5, 0.9)])
def test_the_pinball_loss_is_that_of_scikit_learn(quantiles):
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=50), rng.normal(size=(50, len(quantiles)))
    expected = np.mean([mean_pinball_loss(y, p[:, i], alpha=q) for i, q in enumerate(quantiles)])
    assert Pinball(quantiles)(y, p) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(cr.errors.ShapeError, match="pinball: expected targets"):
        Pinball(quantiles)(y, np.ones((50, 2)))


def test_a_network_with_bounds_is_saved_and_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 2)).astype(np.float32)
    model = cr.Sequential([cr.layers.Input((2,)), Dense(3), Bounds()])
    model.compile("adam", Pinball((0.5, 0.1, 0.9)))
    model.fit(X, X[:, 0], epochs=2, verbose=0)
    model.save(tmp_path / "model")
    again = cr.load_model(tmp_path / "model")
    assert again.loss.quantiles == [0.5, 0.1, 0.9]
    assert_predicts(again.predict(X), model, X)
    with pytest.raises(cr.errors.ShapeError, match="expected three numbers a sample"):
        cr.Sequential([cr.layers.Input((2,)), Bounds()])
