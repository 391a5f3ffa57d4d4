import pytest
from tests.cli.running import run

from chainrule._src.cli.problems import UsageError
from chainrule._src.cli.sweep import setting_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_best_of_a_table_is_listed_drawn_and_saved(folder):
    done = run(
        "sweep",
        "iris",
        "--models",
        "6",
        "--epochs",
        "3",
        "--setting",
        "hidden=4,4x3",
        "--setting",
        "activation=tanh",
        "--setting",
        "lr=0.01:0.1",
        "-o",
        "best.cr",
    )
    assert done.exit_code == 0, done.output
    assert "6 networks in" in done.output
    assert "val_accuracy" in done.output
    assert "<svg" in (folder / "sweep.html").read_text()
    scored = run("evaluate", "best.cr", "iris")
    assert "accuracy" in scored.output
    assert "the model was trained on 120 of these 150 rows" in scored.stderr


@pytest.mark.thorough  # several sweeps
def test_a_sweep_of_a_quantity_goes_on_from_its_store(folder):
    options = (
        "sweep",
        "diabetes",
        "--epochs",
        "2",
        "--halving",
        "0",
        "--setting",
        "hidden=4",
        "--setting",
        "activation=relu",
        "--store",
        "runs",
    )
    assert run(*options, "--models", "3").exit_code == 0
    again = run(*options, "--models", "5")
    assert again.exit_code == 0, again.output
    assert "val_r2" in again.output
    assert "5 networks in" in again.output


FEW = [f"--setting={each}" for each in (
    "lr=0.01,0.02", "hidden=4", "activation=relu", "dropout=0", "l2=0")]  # fmt: skip


@pytest.mark.thorough  # several sweeps
def test_a_grid_is_all_of_its_choices(folder):
    done = run("sweep", "iris", "--search", "grid", *FEW, "--epochs", "1", "--store", "a")
    assert "2 networks in" in done.output
    more = [*FEW, "--setting=optimizer=adam,sgd"]
    again = run("sweep", "iris", "--search", "grid", *more, "--epochs", "1", "--store", "a")
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--search", "grid"], "such as --setting lr=0.001,0.01 --setting dropout="),
        (["--search", "grid", *FEW, "--models", "5"], "2 combinations; leave --models out"),
        (
            [*FEW, "--models", "5"],
            "leave --models out, and each is tried once. A range has a colon",
        ),
        (["--models", str(10**20)], "--models: must be at most"),
        (["--report", "-"], "--report -: expected the name of a file"),
        (["--report", "same", "-o", "./same"], "-o ./same would overwrite the page"),
        (["--report", "data.csv"], "--report data.csv would overwrite the data"),
        (["--setting", "lr=1", "--setting", "lr=2"], "--setting lr is given twice"),
    ],
)
def test_what_cannot_be_is_refused_in_its_words(folder, options, error):
    (folder / "data.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    done = run("sweep", "data.csv", "--target", "b", *options)
    assert error in " ".join(done.output.split()), done.output
    assert "--halving" not in done.output
    assert sorted(path.name for path in folder.iterdir()) == ["data.csv"]


@pytest.mark.thorough
def test_more_of_a_store_is_said_in_words_of_the_command(folder):
    few = ["sweep", "iris", "--epochs", "1", "--store", "a"]
    assert run(*few, *FEW).exit_code == 0
    done = run(*few, *FEW[1:], "--setting=lr=0.01,0.02,0.03,0.04")
    assert "--models 4 draws as many" in " ".join(done.output.split()), done.output
    assert run(*few, *FEW[1:], "--setting=lr=0.01,0.02,0.03,0.04", "--models", "4").exit_code == 0
    done = run(*few, *FEW[1:], "--setting=lr=0.01,0.02,0.03,0.04", "--models", "3")
    assert "leave --models out" in " ".join(done.output.split()), done.output


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("lr", "expected NAME=VALUES"),
        ("rate=3", "one of hidden, activation"),
        ("hidden=1:3", "give choices with commas"),
        ("lr=a:b", "'a' is no number"),
        ("hidden=4,x", "--setting hidden"),
        ("activation=foo", "foo"),
        ("optimizer=sgdd", "did you mean"),
        ("l2=-1", "l2 must be"),
        ("lr=0:1", "--setting lr: "),
        ("lr=0.1:0.001", "--setting lr: LogUniform: low must be below high"),
        ("batch_size=0", "batch_size"),
        ("batch_size=inf", "^--setting batch_size: 'inf' is no whole number"),
        ("batch_size=16.5", "'16.5' is no whole number"),
        ("lr=x", "^--setting lr: 'x' is no number"),
        ("lr=-1", "^--setting lr: lr must be"),
        ("dropout=2", "^--setting dropout: dropout must be"),
        ("dropout=0.5:2", "dropout must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(text, error):
    with pytest.raises(UsageError, match=error):
        setting_of(text)
