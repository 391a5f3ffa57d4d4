"""What an analyst asks of a model: scores of rare classes, thresholds, ids, what it rests on."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from sklearn import inspection, metrics
from sklearn.linear_model import LinearRegression
from tests.cli.running import ONE, done, refused

import chainrule as cr
from chainrule._src.cli.settings import Settings
from chainrule._src.data.preprocessing.digests import KnownRows, digests
from chainrule._src.tabular.recipes.ensembles import members
from chainrule._src.tabular.recipes.folds import cross_validate
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.scores import score_arrays
from chainrule._src.tabular.recipes.tabular import prepare, train
from chainrule._src.tabular.recipes.trained import open_model
from chainrule._src.tabular.recipes.turns import held_out, takes_turns, turn
from chainrule.tables import load_arrays, open_table


def write_rare(path, rows=600):
    """Two classes, one of them rare, told apart by chance alone in part."""
    rng = np.random.default_rng(0)
    y = rng.random(rows) < 0.1
    x = rng.normal(size=(rows, 2)) + 1.5 * y[:, np.newaxis]
    lines = [f"{i:05d},{a:.4f},{b:.4f},{'ill' if t else 'healthy'}"
             for i, ((a, b), t) in enumerate(zip(x, y, strict=True))]  # fmt: skip
    path.write_text("\n".join(["patient,a,b,state", *lines]) + "\n")
    return path


def printed(result, name):
    (line,) = [line for line in result.stdout.splitlines() if line.strip().startswith(f"{name} ")]
    return [part.strip() for part in line.split("│")[1:]]


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rare")
    path = write_rare(folder / "rare.csv")
    done("train", *ONE, path, "--target", "state", "--columns", "a,b", "--epochs", "10",
         "-o", folder / "model")  # fmt: skip
    return folder / "model", path


def test_scores_of_a_rare_class_are_those_of_scikit_learn(rare, tmp_path):
    model, path = rare
    result = done("evaluate", model, path, "--threshold", "0.3")
    done("predict", model, path, "--probabilities", "--id", "state", "-o", tmp_path / "p.csv")
    table = next(open_table(tmp_path / "p.csv").chunks())
    y, ill = table["state"] == "ill", table["probability of ill"]
    said = ill > 0.3
    percent = f"{100 * metrics.balanced_accuracy_score(y, said):.1f} %"
    assert printed(result, "balanced accuracy") == [percent, "50.0 %"]
    assert printed(result, "AUC") == [f"{metrics.roc_auc_score(y, ill):.4f}", "0.5000"]
    shares = metrics.precision_score(y, said), metrics.recall_score(y, said)
    rows = [line.split("│") for line in result.stdout.splitlines() if line.startswith(" ill ")]
    assert [part.strip() for part in rows[0][1:]] == [
        str(y.sum()), *(f"{100 * share:.1f} %" for share in shares)
    ]  # fmt: skip


def test_the_auc_of_several_classes_is_that_of_scikit_learn(tmp_path):
    done("train", *ONE, "wine", "-o", tmp_path / "wine", "--epochs", "3")
    model = open_model(str(tmp_path / "wine"))
    X, y = load_arrays(open_table("wine"), model.preprocessor)
    output = model.predict(X)
    expected = metrics.roc_auc_score(
        y, output / output.sum(axis=1, keepdims=True), multi_class="ovr"
    )
    assert score_arrays(model, X, y, rows=50).auc == pytest.approx(expected, rel=1e-6)


def test_a_threshold_changes_predictions_and_stays_in_the_model(rare, tmp_path):
    model, path = rare
    options = ["--target", "state", "--columns", "a,b", "--epochs", "10", "-o", tmp_path / "model"]
    done("train", *ONE, path, *options, "--threshold", "balanced")
    best = cr.load_model(tmp_path / "model").preprocessor.target.threshold
    assert 0 < best < 0.4
    shown = " ".join(done("show", tmp_path / "model").stdout.split())
    assert f"ill from a probability of {best:g}" in shown

    def count(*options):
        lines = done("predict", *options).stdout.splitlines()[1:]
        return sum(line.startswith("ill") for line in lines)

    assert count(tmp_path / "model", path) == count(model, path, "--threshold", str(best))
    assert count(model, path, "--threshold", "0.05") > count(model, path) > 0
    assert "must lie between 0 and 1" in refused(2, "predict", model, path, "--threshold", "1")
    line = refused(2, "train", "iris", "--threshold", "0.4")
    assert "--threshold: needs two classes; 'target' has 3 classes" in line


def test_ids_are_carried_over_as_they_are(rare, tmp_path):
    model, path = rare
    lines = done("predict", model, path, "--id", "patient", "--id", "a").stdout.splitlines()
    assert lines[0] == "patient,a,prediction,probability"
    assert lines[1].startswith("00000,")
    done("predict", model, path, "--id", "patient", "-o", tmp_path / "p.parquet")
    assert next(open_table(tmp_path / "p.parquet").chunks())["patient"][7] == "00007"
    line = refused(2, "predict", model, path, "--id", "nobody")
    assert "--id: " in line
    assert "has no column 'nobody'" in line


def test_what_a_model_rests_on_is_what_scikit_learn_finds(rare, tmp_path):
    path = tmp_path / "sums.csv"
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)).round(3)
    y = 3 * x[:, 0] + x[:, 1]
    np.savetxt(path, np.c_[x, y], "%.4f", ",", header="much,some,none,y", comments="")
    done("train", *ONE, path, "--target", "y", "--hidden", "none", "--epochs", "30", "--lr", "0.02",
         "-o", tmp_path / "model")  # fmt: skip
    result = done("explain", tmp_path / "model", path, "--repeats", "10")
    rows = [line.split("│") for line in result.stdout.splitlines() if line.count("│") == 2]
    found = {row[0].strip(): float(row[1]) for row in rows}
    assert list(found) == ["much", "some", "none"]
    judge = inspection.permutation_importance(
        LinearRegression().fit(x, y), x, y, n_repeats=10, random_state=0
    )
    np.testing.assert_allclose(list(found.values()), judge.importances_mean, rtol=0.1, atol=0.01)


def test_an_ensemble_is_the_mean_of_its_members_and_one_model(tmp_path):
    recipe = Recipe(recipe="mlp", epochs=3, ensemble=3)
    table = open_table("wine")
    data = prepare(table, recipe)
    whole, _ = train(data, recipe)
    alone = [
        train(turn(data, recipe, seed), replace(recipe, ensemble=1, seed=seed))[0]
        for seed in range(3)
    ]
    expected = np.mean([model.predict(data.X_val) for model in alone], axis=0)
    np.testing.assert_allclose(whole.predict(data.X_val), expected, rtol=1e-5)
    whole.save(tmp_path / "model")
    loaded = open_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict(data.X_val), whole.predict(data.X_val))


def test_each_network_keeps_other_rows_aside_and_rows_are_scored_by_the_one_that_did():
    recipe = Recipe(epochs=2)
    data = prepare(open_table("wine"), recipe)
    turns = [turn(data, recipe, number) for number in range(5)]
    rows = np.concatenate([part.X_val for part in turns])
    every = np.concatenate([data.X_train, data.X_val])
    assert len(rows) == len(every) == 178
    np.testing.assert_array_equal(np.unique(rows, axis=0), np.unique(every, axis=0))
    for part in turns:
        assert len(part.X_train) + len(part.X_val) == 178
        assert not np.isin(
            digests(part.X_val, part.y_val), digests(part.X_train, part.y_train)
        ).any()
        assert min(np.bincount(part.y_val)) >= 9  # of each class, a fifth
    model, _ = train(data, recipe)
    parts = list(held_out(model, data, recipe))
    for member, (network, X, y), part in zip(members(model), parts, turns, strict=True):
        np.testing.assert_array_equal(network.predict(X), member.predict(part.X_val))
        np.testing.assert_array_equal(y, part.y_val)
    known = KnownRows(model.preprocessor.trained_rows)
    known.add(data.X_val, data.y_val)
    assert known.share == 1
    alone = replace(recipe, ensemble=1)
    assert not takes_turns(data, alone)
    assert turn(data, alone, 3) is data


def test_parts_kept_aside_in_turn_are_scored(tmp_path):
    recipe = Recipe(recipe="mlp", epochs=2, cv=4, target="target", ensemble=1)
    parts = [prepare(open_table("iris"), recipe, (i, 4)) for i in range(4)]
    assert all(np.ptp(np.bincount(part.y_val)) <= 1 for part in parts)
    assert sum(len(part.y_val) for part in parts) == 150
    result = done("train", *ONE, "iris", "--cv", "4", "--epochs", "2", "--validation", "0.3")
    _, rows = result.stdout.split("scores on 4 parts kept aside in turn")
    line = next(line for line in rows.splitlines() if line.startswith(" accuracy"))
    found = [each.accuracy for each in cross_validate(open_table("iris"),
             replace(recipe, validation=0.3))]  # fmt: skip
    numbers = [float(part) for part in line.split("│")[1:]]
    expected = [np.mean(found), np.std(found), min(found), max(found)]
    np.testing.assert_allclose(numbers, expected, atol=1e-3)
    assert "at least 2 parts" in refused(2, "train", "iris", "--cv", "1")
    assert "150 rows do not make 200 parts" in refused(3, "train", "iris", "--cv", "200")


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", ["linear", "mlp", "realmlp", "ensemble"])
@pytest.mark.parametrize("data", ["iris", "diabetes"])
def test_every_recipe_learns_classes_and_quantities(tmp_path, name, data):
    epochs = [] if name != "realmlp" else ["--epochs", "40", "--batch-size", "64"]
    options = ["--recipe", name, "--class-weight", "balanced"][: 4 if data == "iris" else 2]
    done("train", data, *options, *epochs, "-o", tmp_path / "model")
    result = done("evaluate", tmp_path / "model", data)
    if data == "iris":
        assert float(printed(result, "accuracy")[0].removesuffix(" %")) > 90
    else:
        assert float(printed(result, "R²")[0]) > 0.4


def test_what_a_recipe_settles_cannot_be_asked_for(tmp_path):
    line = refused(2, "train", "iris", "--recipe", "realmlp", "--dropout", "0.1")
    assert "--dropout is not for --recipe realmlp, which settles it" in line
    assert "did you mean 'realmlp'" in refused(2, "train", "iris", "--recipe", "realmpl")
    assert Settings.of({"recipe": "realmlp", "epochs": 9}).hidden == (256, 256, 256)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("data", ["iris", "diabetes"])
def test_predictions_are_drawn_against_true_values(tmp_path, data):
    done("train", *ONE, data, "--epochs", "1", "-o", tmp_path / "model")
    options = ["--data", data, "-o", tmp_path / "p.svg"]
    result = done("plot", tmp_path / "model", *options)
    assert f"predictions for {150 if data == 'iris' else 442} rows drawn" in result.stdout
    assert (tmp_path / "p.svg").stat().st_size > 1000


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("threshold", ["0.1", "0.3"])
def test_a_threshold_goes_along_where_a_model_is_exported(rare, tmp_path, threshold):
    _, path = rare
    options = ["--target", "state", "--columns", "a,b", "--epochs", "5", "-o", tmp_path / "model"]
    done("train", *ONE, path, *options, "--threshold", threshold)
    lines = done("predict", options[-1], path).stdout.splitlines()[1:]
    expected = [line.split(",")[0] for line in lines]
    assert 0 < expected.count("ill") < len(expected)
    model = cr.load_model(tmp_path / "model")
    columns = next(open_table(path).chunks(columns=["a", "b"]))
    model.eject(tmp_path / "ejected.py")
    told = subprocess.run(
        [sys.executable, tmp_path / "ejected.py", path], capture_output=True, text=True, check=True
    ).stdout.splitlines()[1:]
    assert [line.split(",")[0] for line in told] == expected
    model.export(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    assert session.run(["label"], columns)[0].tolist() == expected


def write_single(path, *more):
    lines = [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(60)]
    path.write_text("\n".join(["x,z,y", *lines, "1,2,c", *more]) + "\n")
    return path


def test_a_class_of_one_row_is_refused_before_parts_are_trained(tmp_path):
    path = write_single(tmp_path / "single.csv")
    options = ["--target", "y", "--epochs", "1"]
    line = refused(3, "train", path, *options, "--cv", "5", "-o", tmp_path / "model")
    assert "target 'y': 'c' has 1 row, too few for 5 parts (--cv)" in line
    assert not (tmp_path / "model").exists()
    write_single(path, "3,4,d")
    assert "'c', 'd' have 1 row each" in refused(3, "train", path, *options, "--cv", "2")
    assert "1 row" not in done("train", *ONE, path, *options).stderr


@pytest.mark.thorough  # several trainings
def test_a_class_that_some_parts_do_not_have_is_told(tmp_path):
    path = write_single(tmp_path / "few.csv", "2,3,c")
    result = done("train", *ONE, path, "--target", "y", "--epochs", "1", "--cv", "5")
    assert "'c' has 2 rows, so that only 2 of 5 parts have it" in result.stderr
    assert "scores on 5 parts" in result.stdout


def test_one_row_cannot_be_explained(rare, tmp_path):
    model, path = rare
    (tmp_path / "one.csv").write_text("".join(path.read_text().splitlines(True)[:2]))
    line = refused(3, "explain", model, tmp_path / "one.csv")
    assert "one.csv: expected at least 2 rows with a value of 'state'" in line
    assert "received 1" in line


def test_classes_are_counted_over_the_rows_of_all_networks():
    table = open_table("wine")
    by_one = prepare(table, Settings.of({"ensemble": 1})).preprocessor.target
    by_all = prepare(table, Settings.of({})).preprocessor.target
    assert sum(by_one.counts) == 142
    assert by_all.counts == (59, 71, 48)
