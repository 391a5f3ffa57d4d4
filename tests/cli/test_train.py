import errno
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pytest
from tests.cli.running import ONE, RUN, app, done, refused, run, write_pets
from tests.pace import SLOWNESS

import chainrule as cr
from chainrule._src.base.escaping import for_shell
from chainrule._src.cli.settings import Settings
from chainrule._src.compile.running import account
from chainrule._src.data.storage import files
from chainrule._src.sweeps.search import Search
from chainrule._src.tabular.recipes import ensembles
from chainrule._src.tabular.recipes import tabular as training
from chainrule._src.tabular.recipes.binning import binned
from chainrule._src.tabular.recipes.ensembles import members
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.tabular import fit, make_model, prepare
from chainrule.errors import OptionError
from chainrule.tables import open_table

pytestmark = pytest.mark.portable


def train(tmp_path, data, *options):
    model = tmp_path / "model.safetensors"
    return done("train", *ONE, data, "-o", model, "--epochs", "2", *options), model


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer"])
def test_sets_of_classes_are_learned_without_saying_more(tmp_path, name):
    result, path = train(tmp_path, name)
    assert "target → classification" in result.stdout
    assert "confusion" in result.stdout
    model = cr.load_model(path)
    assert model.class_names == list(model.preprocessor.target.classes)


def test_a_quantity_is_told_from_the_target(tmp_path):
    result, path = train(tmp_path, "diabetes")
    assert "target → regression" in result.stdout
    assert "confusion" not in result.stdout
    assert re.search(r"mean absolute error +│ +[\d.]+ │ +68.5", result.stdout)  # the mean's
    assert cr.load_model(path).class_names is None


def test_the_defaults_learn_the_digits():
    settings = Settings(epochs=20)
    data = prepare(open_table("digits"), settings)
    model = make_model(data, settings)
    assert not fit(model, data, settings)
    assert model.history.val_accuracy[-1] > 0.95


def test_text_and_gaps_are_handled_and_reported(tmp_path):
    result, path = train(tmp_path, write_pets(tmp_path / "pets.csv"), "--target", "kind")
    assert "left out  name: 48 different texts in 48" in result.stdout
    assert re.search(r"missing +weight \(\d\), colour \(\d\)", result.stdout)
    assert cr.load_model(path).class_names == ["bird", "cat", "dog"]


def test_every_line_fits_a_terminal_of_80_columns(tmp_path):
    result, _ = train(tmp_path, "digits")
    lines = [line for line in result.stdout.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80


@pytest.mark.thorough  # many classes
def test_many_classes_are_summed_up_by_the_worst_mistakes(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.array([f"class number {i}" for i in range(30)])[rng.integers(30, size=300)]
    np.savez(tmp_path / "many.npz", x=rng.normal(size=(300, 3)), label=labels)
    result, _ = train(tmp_path, tmp_path / "many.npz", "--target", "label")
    assert "most frequent mistakes" in result.stdout
    assert "confusion" not in result.stdout


def test_the_same_seed_gives_the_same_model(tmp_path):
    def weights(seed):
        account._seconds.clear()  # as in a process of its own
        _, path = train(tmp_path, "iris", "--seed", str(seed), "--dropout", "0.5")
        return cr.load_model(path).get_weights()

    for first, again in zip(weights(1), weights(1), strict=True):
        np.testing.assert_array_equal(first, again)
    assert not np.array_equal(weights(1)[0], weights(2)[0])


def test_options_make_the_network():
    settings = Settings.of(
        {"hidden": "5,4", "activation": "tanh", "dropout": 0.5, "l2": 0.1, "optimizer": "sgd",
         "lr": 0.3}
    )  # fmt: skip
    model = make_model(prepare(open_table("iris"), settings), settings)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["PiecewiseLinear", "Dense", "Dropout", "Dense", "Dropout", "Dense"]
    assert [layer.units for layer in model.layers[1::2]] == [5, 4, 3]
    assert model.layers[1].get_config()["activation"] == "tanh"
    assert model.layers[1].kernel_regularizer.l2 == 0.1
    assert isinstance(model.optimizer, cr.optimizers.SGD)
    assert model.learning_rate == pytest.approx(0.3)


def test_features_of_more_than_two_values_get_shares_of_bins():
    rng = np.random.default_rng(0)
    numbers, codes = rng.normal(size=(200, 3)), rng.integers(2, size=(200, 2))
    assert [type(each).__name__ for each in binned(numbers)] == ["PiecewiseLinear"]
    assert binned(codes) == []
    (columns,) = binned(np.hstack([numbers, codes, numbers[:, :1]]))
    kinds = [type(each).__name__ for each in columns.layers]
    assert kinds == ["PiecewiseLinear", "Identity", "PiecewiseLinear"]
    assert columns.widths == [3, 2, 1]
    assert binned(rng.normal(size=(20, 100)))[0].bins == 4
    assert binned(rng.normal(size=(20, 300))) == []


def test_the_kind_of_network_with_the_clearly_lower_loss_goes_on(monkeypatch):
    losses = []

    def recorded(so_far, makers, rows):
        losses[:] = so_far
        return ensembles.next_maker(so_far, makers, 10_000 * rows)  # nothing is chance

    def kinds_of(epochs):
        recipe = Recipe(epochs=epochs)
        model, _ = training.train(prepare(open_table("breast_cancer"), recipe), recipe)
        return [type(member.layers[0]).__name__ for member in members(model)]

    usual = ["PiecewiseLinear", "Dense"]
    assert kinds_of(1) == usual[:1] * 5  # the rows are few
    monkeypatch.setattr(training, "next_maker", recorded)
    monkeypatch.setattr(training, "FEW", 0)
    kinds = kinds_of(20)
    assert len(losses) == 4
    assert kinds == usual + [usual[int(np.argmin(losses[:2]))]] * 3


def test_networks_that_share_recordings_learn_as_each_alone():
    recipe = Recipe(recipe="mlp", epochs=3, early_stop=False, validation=0.0)
    data = prepare(open_table("iris"), recipe)
    model, _ = training.train(data, replace(recipe, ensemble=3))
    for seed, member in enumerate(members(model)):
        alone, _ = training.train(data, replace(recipe, ensemble=1, seed=seed))
        for shared, own in zip(member.get_weights(), alone.get_weights(), strict=True):
            np.testing.assert_allclose(shared, own, atol=1e-6)  # the engine may differ


def test_without_hidden_layers_it_is_softmax_regression(tmp_path):
    result, _ = train(tmp_path, "iris", "--hidden", "none", "--recipe", "ensemble")
    assert "5 × (4 → 3 softmax); 75 weights" in result.stdout


def test_balanced_weights_let_a_rare_class_count(tmp_path):
    def recall(*options):
        rng = np.random.default_rng(0)
        y = (rng.random(2000) < 0.05).astype(int)
        np.savez(tmp_path / "rare.npz", x=rng.normal(size=2000) + y, y=y)
        done("train", *ONE, tmp_path / "rare.npz", "--target", "y", "-o", tmp_path / "rare",
             "--epochs", "5", "--hidden", "none", "--lr", "0.01", *options)  # fmt: skip
        model = cr.load_model(tmp_path / "rare")
        found = model.predict(((rng.normal(size=200) + 1.0) / 1.02)[:, np.newaxis])
        return (found.argmax(axis=1) == 1).mean()

    assert recall() < 0.1
    assert recall("--class-weight", "balanced") > 0.5


def test_early_stopping_keeps_the_best_epoch():
    settings = Settings(epochs=60, early_stop=True, lr=0.1)
    data = prepare(open_table("iris"), settings)
    model = make_model(data, settings)
    interrupted = fit(model, data, settings)
    history = model.history.val_loss
    assert not interrupted
    assert len(history) < 60
    loss = model.evaluate(data.X_val, data.y_val, return_dict=True)["loss"]
    assert loss == pytest.approx(min(history), rel=1e-5)


def test_five_networks_are_trained_unless_one_is_asked_for(tmp_path):
    path = tmp_path / "model.safetensors"
    result = done("train", "iris", "-o", path, "--epochs", "2")
    text = " ".join(result.stdout.split())
    assert "5 × (4 → 36 → 64 relu → 3 softmax or 4 → 64 relu → 3 softmax); at most 13,135" in text
    assert "150 to train on, of which each network keeps 30 aside" in result.stdout
    assert "each row by one network: 150 rows" in result.stdout
    assert "network 5/5, epoch 2/2: accuracy" in result.stdout
    assert "these rows set the epoch, too" in result.stdout
    assert len(members(cr.load_model(path))) == 5
    result, path = train(tmp_path, "iris", "--recipe", "mlp")
    assert "network   4 → 64 relu → 3 softmax; 515 weights" in result.stdout
    assert "set the epoch" not in result.stdout
    unwatched = Settings.of({"validation": 0.0})
    assert (unwatched.early_stop, unwatched.epochs, unwatched.ensemble) == (False, 100, 5)


def test_without_rows_kept_aside_scores_are_those_of_training(tmp_path):
    result, _ = train(tmp_path, "iris", "--validation", "0")
    assert "scores on the rows of training: 150 rows" in result.stdout


def test_a_file_sets_options_and_the_command_line_wins(tmp_path):
    config = tmp_path / "run.toml"
    config.write_text('hidden = [7, 5]\noptimizer = "sgd"\nbatch-size = 16\nearly-stop = true\n')
    settings = Settings.of({"hidden": None, "optimizer": "adam", "early_stop": False}, config)
    assert settings == Settings(hidden=(7, 5), batch_size=16, early_stop=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch_size = 16", "did you mean 'batch-size'?"),
        ("epochs = 1.5", "epochs: the value must be a whole number"),
        ("hidden = [8, 'x']", "hidden: expected sizes of layers"),
        ("target = 3", "target: expected a text"),
        ("early-stop = 1", "early-stop: the value must be True or False"),
        ("epochs = ", "is not valid TOML"),
    ],
)
def test_a_wrong_file_of_options_is_refused(tmp_path, text, message):
    config = tmp_path / "run.toml"
    config.write_text(text)
    line = refused(2, "train", "iris", "--config", config, "-o", tmp_path / "model")
    assert message in line
    assert str(config) in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hidden", "8,x"], "--hidden: expected sizes of layers"),
        (["--hidden", "0"], "--hidden: expected sizes of layers"),
        (["--activation", "rely"], "did you mean 'relu'?"),
        (["--optimizer", "adm"], "did you mean 'adam'?"),
        (["--lr", "0"], "--lr: the value must be a finite number above 0"),
        (["--lr", "fast"], "'--lr'"),
        (["--epochs", "0"], "--epochs: the value must be a whole number of at least 1"),
        (["--validation", "1"], "--validation: the value must be"),
        (["--early-stop", "--validation", "0"], "--early-stop needs rows kept aside"),
        (["--class-weight", "blanced"], "did you mean 'balanced'?"),
        (["--seed", "-1"], "--seed"),
        (["--target", "targt"], "did you mean 'target'?"),
        (["--nonsense"], "No such option: --nonsense"),
        (["--config", "nowhere.toml", "--epochs", "0"], "nowhere.toml"),
    ],
)
def test_wrong_options_are_refused_before_any_work(tmp_path, options, message):
    code = 4 if "--config" in options else 2
    assert message in refused(code, "train", "iris", "-o", tmp_path / "model", *options)
    assert list(tmp_path.iterdir()) == []


def test_a_target_must_be_named_and_there(tmp_path):
    path = write_pets(tmp_path / "pets.csv")
    line = refused(2, "train", path, "-o", tmp_path / "model")
    assert "--target: say which column" in line
    assert line.endswith("one of name, kind, weight, legs, colour, home")


def test_where_the_model_goes_is_seen_to_first(tmp_path):
    path = write_pets(tmp_path / "pets.csv")
    before = path.read_text("utf-8")
    assert "make it first" in refused(4, "train", "iris", "-o", tmp_path / "no" / "model")
    assert "overwrite the data" in refused(2, "train", path, "--target", "kind", "-o", path)
    assert path.read_text("utf-8") == before


def test_balanced_weights_need_classes():
    settings = Settings(class_weight="balanced")
    with pytest.raises(OptionError, match="needs classes"):
        prepare(open_table("diabetes"), settings)


def test_what_is_no_data_is_refused(tmp_path):
    assert "did you mean 'iris'?" in refused(4, "train", "irs", "-o", tmp_path / "model")
    (tmp_path / "a.xlsx").write_text("")
    line = refused(2, "train", tmp_path / "a.xlsx", "-o", tmp_path / "model")
    assert "unknown kind of file '.xlsx'" in line


def test_divergence_leaves_no_model_and_says_what_to_try(tmp_path):
    options = ["--optimizer", "sgd", "--lr", "1e30", "-o", tmp_path / "model"]
    line = refused(5, "train", "diabetes", *options)
    assert "in epoch 1, at learning rate 1e+30; no model was written. Try --lr 0.001" in line
    assert list(tmp_path.iterdir()) == []


def test_a_regression_can_be_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(60.0), y=np.arange(60) % 3)
    result, _ = train(tmp_path, tmp_path / "a.npz", "--target", "y", "--task", "regression")
    assert "y → regression" in result.stdout


def test_help_names_the_exit_codes():
    text = " ".join(run("--help").output.split())
    assert "0 done, 1 something unexpected, 2 wrong usage, 3 bad data, 4" in text


@pytest.mark.thorough  # a process of its own
@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_leaves_does_not_cost_the_model(tmp_path):
    path, pets = tmp_path / "model", write_pets(tmp_path / "pets.csv")
    options = ["--target", "kind", "--epochs", "20", "-o", path]
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "train", pets, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    process.stdout.close()
    lines = process.stderr.read().splitlines()
    assert process.wait(timeout=60 * SLOWNESS) == 0
    assert all(line.startswith("note: ") for line in lines), lines
    process.stderr.close()
    assert path.exists()


def test_a_model_under_the_name_of_another_kind_of_file_is_refused_before_training(tmp_path):
    line = refused(4, "train", "iris", "-o", tmp_path / "iris.onnx", "--epochs", "100000")
    assert "call it iris.safetensors; model.export(path) writes that" in line


def write_users(path, users=800, rows=3000):
    """A quantity that is told by who someone is."""
    rng = np.random.default_rng(0)
    worth, user = rng.normal(size=users), rng.integers(users, size=rows)
    y = worth[user] + rng.normal(scale=0.1, size=rows)
    path.write_text("user,y\n" + "".join(f"u{u},{v:.4f}\n" for u, v in zip(user, y, strict=True)))
    return path


@pytest.mark.thorough  # many categories
def test_all_of_many_users_are_told_apart(tmp_path):
    path = write_users(tmp_path / "users.csv")
    table = open_table(path)

    def r2(most):
        recipe = Recipe(target="y", epochs=15, max_categories=most)
        data = prepare(table, recipe)
        model = make_model(data, recipe)
        fit(model, data, recipe)
        return model.history.val_r2[-1]

    assert r2(5000) > 0.9  # one-hot and ridge regression: 0.97
    assert r2(100) < 0.5


def test_categories_that_share_a_feature_are_said(tmp_path):
    path = write_users(tmp_path / "users.csv", 40, 200)
    result = done("train", *ONE, path, "--target", "y", "--epochs", "1", "--max-categories", "30")
    assert "column 'user': the 30 most frequent texts have a feature each, " in result.stderr
    assert "--max-categories takes more" in result.stderr
    assert "no model was written" in result.stdout


def test_columns_are_chosen_and_dropped(tmp_path):
    path = write_pets(tmp_path / "pets.csv")
    base = ["train", *ONE, path, "--target", "kind", "--epochs", "1"]
    assert "4 columns" not in done(*base, "--drop", "home,name").stdout
    model = tmp_path / "model"
    done(*base, "--columns", "weight,legs,home", "--drop", "home", "-o", model)
    assert [c.name for c in cr.load_model(model).preprocessor.columns] == ["weight", "legs"]
    assert "--drop: 'hom' is no column of the data; did you mean 'home'?" in refused(
        2, *base, "--drop", "hom"
    )
    assert "--columns: 'kind' is the target" in refused(2, *base, "--columns", "kind")
    assert "no column is left" in refused(2, *base, "--columns", "home", "--drop", "home")


@pytest.mark.thorough  # many words
def test_free_text_is_learned_on_request(tmp_path):
    words = ["good", "fine", "nice", "bad", "poor", "sad"]
    rng = np.random.default_rng(0)
    picked = rng.integers(6, size=400)
    lines = [
        f"it is {words[i]} number {n},{'yes' if i < 3 else 'no'}" for n, i in enumerate(picked)
    ]
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(["review,liked", *lines]) + "\n")
    options = ["--target", "liked", "--epochs", "20"]
    assert "no column is left to learn from" in refused(3, "train", path, *options)
    result = done("train", *ONE, path, *options, "--text", "review", "-o", tmp_path / "model")
    assert "1 column of free text, hashed → 1,024 features" in result.stdout
    assert "100 %" in result.stdout
    assert "100 %" in done("evaluate", tmp_path / "model", path).stdout


def test_a_messy_table_is_understood_and_said(tmp_path):
    path = tmp_path / "sales.csv"
    rows = [f"{i % 28 + 1}.{i % 12 + 1}.2024;1.{i:03d},50 €;{i % 3}" for i in range(60)]
    path.write_text("\n".join(["day;price;kind", *rows, "1.1.2024;on request;1"]), "cp1252")
    options = ["--epochs", "1", "--target", "price", "-o", tmp_path / "model"]
    result = done("train", *ONE, path, *options, "--encoding", "cp1252")
    assert "'1.000,50 €', read as 1000.5" in result.stderr
    assert "the first, in row 61, is 'on request'" in result.stderr
    assert "price → regression" in result.stdout
    assert "1 column of times → 12 features" in result.stdout
    assert "1 without a target left out" in " ".join(result.stdout.split())
    line = refused(3, "train", path, *options)
    assert "is not UTF-8" in line
    assert "--encoding latin-1" in line


def test_a_table_of_the_target_alone_is_bad_data(tmp_path):
    path = tmp_path / "alone.csv"
    path.write_text("y\na\nb\na\nb\n")
    line = refused(3, "train", path, "--target", "y")
    assert "alone.csv has no column besides the target 'y' to learn from" in line


@pytest.mark.sampled(quick=1)
@pytest.mark.skipif(sys.platform == "win32", reason="a folder that is in use stays there")
@pytest.mark.parametrize("verb", ["train", "sweep"])
def test_a_folder_that_goes_while_training_is_made_anew(tmp_path, monkeypatch, verb):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    work, where = (training, "train") if verb == "train" else (Search, "run")
    does = getattr(work, where)

    def tidied(*given, **options):
        shutil.rmtree(tmp_path / "a")
        return does(*given, **options)

    monkeypatch.setattr(work, where, tidied)
    options = ["--models", "2"] if verb == "sweep" else []
    result = done(verb, "iris", "--epochs", "1", "-o", "model", *options)
    assert f"the folder {tmp_path / 'a' / 'b'} was gone when the work was done" in result.stderr
    assert "it is made anew" in result.stderr
    assert str(tmp_path / "a" / "b" / "model") in result.stdout
    assert cr.load_model(tmp_path / "a" / "b" / "model").preprocessor is not None


def test_where_a_folder_cannot_be_made_anew_the_model_goes_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    does = training.train

    def replaced(*given, **options):
        (tmp_path / "a").rmdir()
        (tmp_path / "a").touch()
        return does(*given, **options)

    monkeypatch.setattr(training, "train", replaced)
    result = done("train", *ONE, "iris", "--epochs", "1", "-o", tmp_path / "a" / "model")
    (path,) = tmp_path.glob("chainrule-*/model")
    assert f"{path} is written instead" in result.stderr
    assert f"model: {path}" in result.stdout
    cr.load_model(path)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="names open files by Linux")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a descriptor has no path")
def test_where_the_disk_is_full_at_the_end_the_model_goes_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    does = files.os.fsync

    def full(descriptor):
        if "/a/" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        does(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    result = done("train", *ONE, "iris", "--epochs", "1", "-o", tmp_path / "a" / "model")
    (path,) = tmp_path.glob("chainrule-*/model")
    assert "No space left on device" in result.stderr
    assert f"{path} is written instead" in result.stderr
    cr.load_model(path)
    assert not [*(tmp_path / "a").iterdir()]


@pytest.mark.parametrize(("target", "rows"), [("kind", 60), ("weight", 50)])
def test_more_parts_than_rows_are_refused_before_anything_is_said(tmp_path, target, rows):
    path = write_pets(tmp_path / "pets.csv")
    result = run("train", *ONE, path, "--target", target, "--cv", "1000")
    assert result.exit_code == 3
    assert f"error: target {target!r}: {rows} rows do not make 1,000 parts" in result.stderr
    assert result.stdout == ""


def test_the_verbs_to_try_do_not_read_standard_input_again(tmp_path):
    content = write_pets(tmp_path / "pets.csv").read_text("utf-8")
    options = ["--target", "kind", "--recipe", "linear", "-o", str(tmp_path / "model")]
    result = RUN.invoke(app, ["train", "-", *options], input=content)
    assert result.exit_code == 0, result.output
    assert re.search(r"model\s+DATA\n", result.stdout)


def test_paths_in_commands_to_copy_are_quoted_as_the_system_does(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert for_shell(r"C:\my data\model") == r'"C:\my data\model"'
    assert for_shell(r"C:\data\model") == r"C:\data\model"
    monkeypatch.setattr(sys, "platform", "linux")
    assert for_shell("/my data/model") == "'/my data/model'"


def test_a_column_of_text_left_out_is_told_with_its_option(tmp_path):
    path = write_pets(tmp_path / "pets.csv")
    result, _ = train(tmp_path, path, "--target", "kind")
    assert "--text name counts its words" in " ".join(result.stdout.split())
    header, rows = path.read_text("utf-8").split("\n", 1)
    path.write_text(header.replace("name", '"full, name"') + "\n" + rows, "utf-8")
    result, _ = train(tmp_path, path, "--target", "kind")
    words = "--text '\"full, name\"' counts its words"
    assert words in " ".join(result.stdout.split())
    option = shlex.split(words)[:2]
    assert "free text" in train(tmp_path, path, "--target", "kind", *option)[0].stdout


def test_a_model_below_its_baseline_says_so(tmp_path):
    rng = np.random.default_rng(0)
    rare = np.where(np.arange(200) % 20 == 0, "ill", "well")
    rows = "\n".join(f"{x:.3f},{y}" for x, y in zip(rng.normal(size=200), rare, strict=True))
    path = tmp_path / "rare.csv"
    path.write_text(f"x,y\n{rows}\n")
    result, _ = train(tmp_path, path, "--target", "y")
    assert "the model is no better than the baseline (accuracy 95.0 %" in result.stderr
    assert "--class-weight balanced" in result.stderr
    path.write_text("x,y\n" + "\n".join(f"{i},{'ab'[i % 2]}" for i in range(60)))
    result, _ = train(tmp_path, path, "--target", "y", "--recipe", "linear", "--epochs", "1")
    assert "no better than the baseline (accuracy" in result.stderr
    assert "--class-weight" not in result.stderr  # no class is rare
    assert "what may help: --epochs above 1, more columns" in result.stderr
    numbers = tmp_path / "noise.csv"
    numbers.write_text("x,y\n" + "\n".join(f"{a},{b}" for a, b in rng.normal(size=(60, 2))))
    result, _ = train(tmp_path, numbers, "--target", "y", "--lr", "0.5")
    assert "no better than the baseline (R² -" in result.stderr
    result, _ = train(tmp_path, "iris", "--epochs", "50")
    assert "baseline (" not in result.stderr


def test_evaluate_says_first_which_rows_were_trained_on(tmp_path):
    result, model = train(tmp_path, "wine")
    assert "trained on" not in result.stderr
    result = done("evaluate", model, "wine")
    assert "the model was trained on 142 of these 178 rows" in result.stderr
