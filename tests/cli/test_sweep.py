import pytest
from tests.cli.running import run

from chainrule.cli.problems import UsageError
from chainrule.cli.sweep import setting_of


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
    assert "accuracy" in run("evaluate", "best.cr", "iris").output


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
        ("lr=0.1:0.001", "--setting lr: log: low must be below high"),
        ("batch_size=0", "batch_size"),
        ("dropout=0.5:2", "dropout must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(text, error):
    with pytest.raises(UsageError, match=error):
        setting_of(text)
